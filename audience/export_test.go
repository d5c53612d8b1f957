package audience

import (
	"github.com/muster-go/muster/internal/eval"
	"github.com/muster-go/muster/profile"
)

// SetFirstUpgrades sets how many profiles a creation computes with all locks
// held: with 0 all are left to be computed beside the data.
func (e *Engine) SetFirstUpgrades(n int) { e.firstUpgrades = n }

// SetTimersHeld sets how many timers of a lane are held in memory at least.
func (e *Engine) SetTimersHeld(n int) {
	for _, sh := range e.shards {
		sh.page = sh.page[:n]
	}
}

// SetSingly has as many steps made one by one, as if others had been in the way of a group.
func (e *Engine) SetSingly(n int) { e.singly.Store(int32(n)) }

// Held returns how many states are in memory.
func (e *Engine) Held() (n int) {
	e.lock()
	defer e.unlock()
	for _, sh := range e.shards {
		n += sh.states.Len()
	}
	return n
}

// Check returns an error if a state breaks an invariant of package eval.
func (e *Engine) Check() error {
	e.lock()
	defer e.unlock()
	for _, sh := range e.shards {
		for of, net := range e.nets {
			for p := range sh.states.All(profile.Subject(of)) {
				if err := eval.Check(net, p, sh.last); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
