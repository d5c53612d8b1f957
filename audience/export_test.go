package audience

// SetFirstUpgrades sets how many profiles a creation computes with all locks
// held: with 0 all are left to be computed beside the data.
func (e *Engine) SetFirstUpgrades(n int) { e.firstUpgrades = n }

// SetTimersHeld sets how many timers of a lane are held in memory at least.
func (e *Engine) SetTimersHeld(n int) {
	for _, sh := range e.shards {
		sh.page = sh.page[:n]
	}
}

// Held returns how many states are in memory.
func (e *Engine) Held() (n int) {
	e.lock()
	defer e.unlock()
	for _, sh := range e.shards {
		n += sh.states.len()
	}
	return n
}
