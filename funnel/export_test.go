package funnel

// GoThrough sets of how many events a State goes through all, not to keep
// beside them what is due and best.
func (m *Matcher) GoThrough(few int) { m.few = few }
