package audience

import (
	"fmt"

	"github.com/muster-go/muster/profile"
)

// Misses tells of one filter of a definition how often it could not be applied:
// a property or trait that it reads was missing, or of a type that does not
// compare. It then counts as false. Many misses hint at a misspelt name.
type Misses struct {
	Path   string // of the filter in the definition: "where.all[1].event.where"
	Filter string // CEL, as written by the compiler
	Count  uint64
}

// Misses returns the misses of the filters of an audience or computed trait, in the order in which
// they stand in the definition. They are counted for the data that arrived
// while the filter was live, whichever audiences share it.
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
		n := at.leaf
		m := Misses{Path: at.path, Filter: at.filter.Source()}
		switch {
		case n.funnel != nil && (n.readsTraits || n.funnel.Static(at.step) == nil):
			m.Count = n.stepMisses[at.step].Load()
		case n.funnel != nil:
			m.Count = e.nets[n.of].events[n.funnel.Funnel().Steps[at.step].Event].uses[n.useKey(at.filter)].missed()
		case len(n.events) > 0:
			m.Count = e.nets[n.of].events[n.events[0]].uses[n.useKey(at.filter)].missed()
		default:
			m.Count = n.misses.Load()
		}
		all = append(all, m)
	}
	return all, nil
}
