package audience

import (
	"fmt"
	"slices"

	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/profile"
)

// Misses tells of one place in a definition how often it could not be applied: of a
// filter, that a property or trait that it reads was missing, or of a type that does
// not compare, so that it was false; of a date, that the trait was none; of the
// property of a computed trait, that an event did not have it. Many misses hint at a
// misspelt name, and so does one that no data has ever had.
type Misses struct {
	Path   string // in the definition: "where.all[1].event.where"
	Filter string // CEL, as written by the compiler, or the name or the property
	Count  uint64
	Hint   string // for people: what may be meant; empty: nothing is known
}

// Misses returns the misses of an audience or computed trait, in the order in which
// its filters stand in the definition; of what is no filter only where there are
// some. They are counted for the data that arrived while the definition was live,
// whichever audiences share it. A condition on a trait that no call has ever set has
// missed with each of them.
func (e *Engine) Misses(key string) ([]Misses, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	a := e.live[key]
	switch {
	case e.closed.Load():
		return nil, profile.ErrClosed
	case a == nil:
		return nil, fmt.Errorf("%q: %w", key, profile.ErrNotFound)
	}
	var all []Misses
	for _, at := range a.filters {
		m := e.missesAt(at)
		if at.Filter != nil || m.Count > 0 || m.Hint != "" {
			all = append(all, m)
		}
	}
	return all, nil
}

func (e *Engine) missesAt(at network.FilterAt) Misses {
	n := at.Leaf
	m := Misses{Path: at.Path}
	switch {
	case at.Prefix:
		m.Filter, m.Hint = at.Event, e.words.Events.HintPrefix("event", at.Event)
	case at.Event != "":
		m.Filter, m.Hint = at.Event, e.words.Events.Hint("event", at.Event)
	case at.Filter == nil && n.Property != "":
		m.Filter, m.Count = n.Property, n.Misses.Load()
		if meant := n.Missing.Load(); meant != nil {
			m.Hint = fmt.Sprintf("the first event that misses it has %q", *meant)
		}
	case n.Kind == network.KindDate:
		m.Filter, m.Count = n.Date.Name, n.Misses.Load()
		if m.Count > 0 {
			m.Hint = "values that are no date"
		}
		e.missesOfTraits(&m, n, n.Date.Trait())
	default:
		m.Filter, m.Count = at.Filter.Source(), e.missesOfFilter(at)
		if names, _ := at.Filter.Traits(); n.ReadsTraitsAlone() {
			e.missesOfTraits(&m, n, names...)
		}
	}
	return m
}

// missesOfTraits adds the calls that could have set traits and never have.
func (e *Engine) missesOfTraits(m *Misses, n *network.Node, names ...string) {
	for _, name := range names {
		if slices.ContainsFunc(n.Reads, func(r network.Reading) bool { return r.Name == name }) {
			continue
		}
		if hint := e.words.Traits[n.Of].Hint("trait", name); hint != "" {
			m.Hint = hint
			m.Count = max(m.Count, e.words.Calls[n.Of].Load()-n.Before)
		}
	}
}

func (e *Engine) missesOfFilter(at network.FilterAt) uint64 {
	n := at.Leaf
	switch {
	case n.Funnel != nil && (n.ReadsTraits || n.Funnel.Static(at.Step) == nil):
		return n.StepMisses[at.Step].Load()
	case n.Funnel != nil:
		return e.nets[n.Of].Missed(n, n.Funnel.EventsOf(at.Step), at.Filter)
	case len(n.Events) > 0:
		return e.nets[n.Of].Missed(n, &n.Events[0], at.Filter)
	}
	return n.Misses.Load()
}
