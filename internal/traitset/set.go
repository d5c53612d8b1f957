// Package traitset answers for the traits of a profile at an instant: which it
// has, and what holds of the dates in them.
package traitset

import (
	"iter"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
)

// Set is the traits of a profile at an instant. The zero Set has none.
type Set struct {
	entries []entry // in the order of names
	until   int64
}

type entry struct {
	name  string
	value profile.Value
}

// At returns the set that holds at t (Unix nanoseconds) given the writes of
// one profile in the order of name, then Compare, as profile.Reader.Traits
// returns them. Only writes whose arrival number is greater than since count.
func At(writes []profile.TraitWrite, since uint64, t int64) Set {
	s := Set{until: horizon.Never}
	for i := 0; i < len(writes); {
		name := writes[i].Name
		var last *profile.TraitWrite
		for ; i < len(writes) && writes[i].Name == name; i++ {
			w := &writes[i]
			if w.Seq <= since {
				continue
			}
			if at := w.Time.UnixNano(); at > t {
				s.until = min(s.until, at)
				continue
			}
			last = w
		}
		if last != nil && !last.Value.IsNull() {
			s.entries = append(s.entries, entry{name, last.Value})
		}
	}
	return s
}

// Until returns the instant until which the set holds if nothing new arrives:
// that of the next write dated in the future, or horizon.Never.
func (s *Set) Until() int64 { return s.until }

// Lookup returns the value of a trait; it allocates nothing.
func (s *Set) Lookup(k profile.Key) (profile.Value, bool) { return s.Get(k.String()) }

// Get returns the value of a trait.
func (s *Set) Get(name string) (profile.Value, bool) {
	lo, hi := 0, len(s.entries)
	for lo < hi {
		mid := (lo + hi) / 2
		if s.entries[mid].name < name {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(s.entries) && s.entries[lo].name == name {
		return s.entries[lo].value, true
	}
	return profile.Value{}, false
}

// All iterates over the traits in the order of their names.
func (s *Set) All() iter.Seq2[string, profile.Value] {
	return func(yield func(string, profile.Value) bool) {
		for _, e := range s.entries {
			if !yield(e.name, e.value) {
				return
			}
		}
	}
}
