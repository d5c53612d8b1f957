package oracle

import (
	"strconv"
	"strings"
	"sync"

	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/profile"
)

// filters evaluates CEL, and remembers the answers: cel-go is the slow part.
type filters struct{ answers map[string]bool }

func newFilters() *filters { return &filters{answers: map[string]bool{}} }

// event answers a filter on the event of m. What it sees beside is asked for
// only where it reads traits.
func (f *filters) event(source string, m message, sees func() scope) bool {
	e := &m.track.Event
	in := celfilter.Plain{Name: e.Name, Time: e.Time}
	key := source + "\x00" + strconv.Itoa(m.arrival)
	if strings.Contains(source, "traits") {
		seen := sees()
		in.Traits, in.Account = seen.own, seen.account
		key += "\x00" + seen.text
	}
	return f.remember(key, func() bool {
		in.Properties, in.Context = e.Properties.Map(), e.Context.Map()
		return compiled("event", source).Reference(in) == celfilter.True
	})
}

// traits answers a condition on traits.
func (f *filters) traits(source string, ts traits) bool {
	return f.remember(source+"\x00traits\x00"+ts.String(), func() bool {
		return compiled("trait", source).Reference(celfilter.Plain{Traits: ts.plain()}) == celfilter.True
	})
}

func (f *filters) remember(key string, answer func() bool) bool {
	a, known := f.answers[key]
	if !known {
		a = answer()
		f.answers[key] = a
	}
	return a
}

func (ts traits) plain() map[string]any {
	m := map[string]any{}
	for name, v := range ts {
		m[name] = v.Any()
	}
	return m
}

// String returns ts as a JSON object, names in order.
func (ts traits) String() string {
	o, err := profile.NewObject(ts.plain())
	if err != nil {
		panic(err) // what was unpacked packs again
	}
	return o.String()
}

// programs holds every filter ever compiled, by kind and source: compiling
// takes a thousand times as long as evaluating.
var programs sync.Map

var environment = sync.OnceValue(func() *celfilter.Env {
	env, err := celfilter.NewEnv(nil)
	if err != nil {
		panic(err)
	}
	return env
})

// compiled panics on a bad filter: the history is to be checked by the engine.
func compiled(kind, source string) *celfilter.Filter {
	key := kind + "\x00" + source
	if f, ok := programs.Load(key); ok {
		return f.(*celfilter.Filter)
	}
	compile := environment().Event
	if kind == "trait" {
		compile = environment().Trait
	}
	f, err := compile(source)
	if err != nil {
		panic(err)
	}
	programs.Store(key, f)
	return f
}
