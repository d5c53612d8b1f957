package audience

// SetFirstUpgrades sets how many profiles a creation computes with all locks
// held: with 0 all are left to be computed beside the data.
func (e *Engine) SetFirstUpgrades(n int) { e.firstUpgrades = n }
