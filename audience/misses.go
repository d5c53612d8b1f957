package audience

import (
	"fmt"
	"slices"

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
		if at.filter != nil || m.Count > 0 || m.Hint != "" {
			all = append(all, m)
		}
	}
	return all, nil
}

func (e *Engine) missesAt(at filterAt) Misses {
	n := at.leaf
	m := Misses{Path: at.path}
	switch {
	case at.event != "":
		m.Filter, m.Hint = at.event, e.words.events.hint("event", at.event)
	case at.filter == nil && n.kind == kindComputed:
		m.Filter, m.Count = n.computed.Property, n.misses.Load()
		if meant := n.missing.Load(); meant != nil {
			m.Hint = fmt.Sprintf("the first event that misses it has %q", *meant)
		}
	case n.kind == kindDate:
		m.Filter, m.Count = n.date.Name, n.misses.Load()
		if m.Count > 0 {
			m.Hint = "values that are no date"
		}
		e.missesOfTraits(&m, n, n.date.Name)
	default:
		m.Filter, m.Count = at.filter.Source(), e.missesOfFilter(at)
		if names, _ := at.filter.Traits(); n.kind == kindTrait {
			e.missesOfTraits(&m, n, names...)
		}
	}
	return m
}

// missesOfTraits adds the calls that could have set traits and never have.
func (e *Engine) missesOfTraits(m *Misses, n *node, names ...string) {
	for _, name := range names {
		if slices.ContainsFunc(n.reads, func(r reading) bool { return r.name == name }) {
			continue
		}
		if hint := e.words.traits[n.of].hint("trait", name); hint != "" {
			m.Hint = hint
			m.Count = max(m.Count, e.words.calls[n.of].Load()-n.before)
		}
	}
}

func (e *Engine) missesOfFilter(at filterAt) uint64 {
	n := at.leaf
	switch {
	case n.funnel != nil && (n.readsTraits || n.funnel.Static(at.step) == nil):
		return n.stepMisses[at.step].Load()
	case n.funnel != nil:
		return e.nets[n.of].events[n.funnel.Funnel().Steps[at.step].Event].uses[n.useKey(at.filter)].missed()
	case len(n.events) > 0:
		return e.nets[n.of].events[n.events[0]].uses[n.useKey(at.filter)].missed()
	}
	return n.misses.Load()
}
