package network

import (
	"fmt"
	"iter"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/muster-go/muster/internal/near"
	"github.com/muster-go/muster/profile"
)

// maxWords is how many names of a kind are remembered.
const maxWords = 1000

// words are names that data has had, for hints at names that it never has. Looking
// one up that is known takes no lock.
type words struct {
	names sync.Map // string → nothing
	count atomic.Int64
}

// Note remembers a name, as long as there is room.
func (w *words) Note(name string) {
	if _, known := w.names.Load(name); known || w.count.Load() >= maxWords {
		return
	}
	if _, known := w.names.LoadOrStore(name, struct{}{}); !known {
		w.count.Add(1)
	}
}

func (w *words) has(name string) bool {
	_, ok := w.names.Load(name)
	return ok
}

func (w *words) all() iter.Seq[string] {
	return func(yield func(string) bool) {
		w.names.Range(func(name, _ any) bool { return yield(name.(string)) })
	}
}

// Hint says that no data has a name, if so, and which one may be meant. Nothing is
// said before there is any data, or where some names were not remembered.
func (w *words) Hint(what, name string) string {
	if n := w.count.Load(); n == 0 || n >= maxWords || w.has(name) {
		return ""
	}
	text := fmt.Sprintf("no %s %q has come", what, name)
	if meant, ok := near.Name(name, w.all()); ok {
		text += fmt.Sprintf(", did you mean %q?", meant)
	}
	return text
}

// HintPrefix is Hint for what names are to begin with.
func (w *words) HintPrefix(what, prefix string) string {
	if n := w.count.Load(); n == 0 || n >= maxWords {
		return ""
	}
	for name := range w.all() {
		if strings.HasPrefix(name, prefix) {
			return ""
		}
	}
	text := fmt.Sprintf("no %s that begins with %q has come", what, prefix)
	if meant, ok := near.Prefix(prefix, w.all()); ok {
		text += fmt.Sprintf(", did you mean %q?", meant)
	}
	return text
}

// Names are those of an engine.
type Names struct {
	Events words
	Traits [2]words         // by Subject
	Calls  [2]atomic.Uint64 // that set traits
}

// Begin notes at which call leaves that are new begin to count misses.
func (w *Names) Begin(fresh []*Node) {
	for _, n := range fresh {
		n.Before = w.Calls[n.Of].Load()
	}
}

// NoteTraits remembers what a call has set.
func (w *Names) NoteTraits(of profile.Subject, set profile.Object) {
	w.Calls[of].Add(1)
	for name := range set.All() {
		w.Traits[of].Note(name)
	}
}
