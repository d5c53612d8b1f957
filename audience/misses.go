package audience

// Misses tells of one filter of a definition how often it could not be applied:
// a property or trait that it reads was missing, or of a type that does not
// compare. It then counts as false. Many misses hint at a misspelt name.
type Misses struct {
	Path   string // of the filter in the definition: "where.all[1].event.where"
	Filter string // CEL, as written by the compiler
	Count  uint64
}

// Misses returns the misses of an audience's filters, in the order in which
// they stand in the definition. They are counted for the data that arrived
// while the filter was live, whichever audiences share it.
func (e *Engine) Misses(key string) ([]Misses, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	a, err := e.lookup(key)
	if err != nil {
		return nil, err
	}
	var all []Misses
	for _, at := range a.filters {
		n := at.leaf
		m := Misses{Path: at.path, Filter: n.filter.Source(), Count: n.misses.Load()}
		if n.kind == kindEvent {
			m.Count = e.net.events[n.event].uses[n.useKey()].missed()
		}
		all = append(all, m)
	}
	return all, nil
}
