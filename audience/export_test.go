package audience

import (
	"maps"
	"slices"
)

// SetFirstUpgrades sets how many profiles a creation computes with all locks
// held: with 0 all are left to be computed beside the data.
func (e *Engine) SetFirstUpgrades(n int) { e.firstUpgrades = n }

// Forget drops the states of profiles that choose says, as a cache that is full would:
// they are read from the store again when they are touched.
func (e *Engine) Forget(choose func() bool) {
	e.lock()
	defer e.unlock()
	for _, sh := range e.shards {
		for _, states := range sh.states {
			for _, id := range slices.Sorted(maps.Keys(states)) {
				if p := states[id]; !p.stale && choose() {
					sh.drop(p.before(p.wake, &e.nets))
				}
			}
		}
	}
}
