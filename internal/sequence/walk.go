package sequence

import (
	"math"

	"github.com/muster-go/muster/internal/celfilter"
)

// walk is one search: depth first through the steps that are to follow, the
// latest event of each first. The first choice found is one of the latest first
// event.
type walk struct {
	m      *Matcher
	pool   *pool
	now    int64
	input  celfilter.Input
	chosen []celfilter.Step
	choice []instance
	failed [][]bool // by position and candidate: from here on there is nothing
	left   int      // how many events may still be tried
	only   *fresh   // if set, the choice has to have this
}

// search returns the best choice of a pool at now, of those with only if that
// is not nil; all is false if it gave up before it had gone through all.
func (w *walk) search(m *Matcher, p *pool, now int64, only *fresh) (choice []instance, all bool) {
	for _, at := range m.follow {
		if len(p.steps[at.step]) == 0 {
			return nil, true
		}
	}
	w.m, w.pool, w.now, w.only = m, p, now, only
	w.left = maxTried * len(m.steps)
	w.chosen, w.choice = w.chosen[:0], w.choice[:0]
	if w.failed == nil {
		w.failed = make([][]bool, len(m.follow))
	}
	for pos := range w.failed {
		n := len(p.steps[m.follow[pos].step])
		if cap(w.failed[pos]) < n {
			w.failed[pos] = make([]bool, MaxCandidates)
		}
		w.failed[pos] = w.failed[pos][:n]
		clear(w.failed[pos])
	}
	found := w.from(0)
	if found {
		choice = append(choice, w.choice...)
	}
	clear(w.chosen[:cap(w.chosen)])
	w.pool, w.only, w.input = nil, nil, celfilter.Input{}
	return choice, found || w.left >= 0
}

// from extends what is chosen by an event of a position and of all after it.
func (w *walk) from(pos int) bool {
	if pos == len(w.m.follow) {
		return true
	}
	at := &w.m.follow[pos]
	st := &w.m.steps[at.step]
	all := w.pool.steps[at.step]
	earliest, end := int64(math.MinInt64), w.now-at.delay+1
	if pos > 0 {
		earliest = w.choice[pos-1].at + 1
		if at.gap > 0 {
			end = min(end, w.choice[pos-1].at+at.gap)
		}
	} else if w.m.window.Ends() {
		earliest = w.m.window.Over(w.now) + 1
	}
	delayed, lapses := w.m.delayed(pos), !w.m.window.Ordered()
	only := w.only != nil && w.only.position == pos
	if only {
		earliest, end = max(earliest, w.only.instance.at), min(end, w.only.instance.at+1)
	}
	for i := after(all, end-1) - 1; i >= 0 && all[i].at >= earliest; i-- {
		if only && all[i].instance != w.only.instance {
			continue
		}
		if w.failed[pos][i] || delayed && w.m.window.Start(all[i].at) > w.now || lapses && w.m.over(all[i].at) <= w.now {
			continue
		}
		if w.left--; w.left < 0 {
			return false
		}
		if !w.passes(st, &all[i]) || w.separated(pos, all[i].at) {
			continue
		}
		w.choice = append(w.choice, all[i].instance)
		w.chosen = append(w.chosen, celfilter.Step{
			Name:       all[i].name,
			Time:       all[i].at,
			Properties: all[i].properties,
			Context:    all[i].context,
		})
		if !w.contradicted(pos) && w.from(pos+1) {
			return true
		}
		w.choice, w.chosen = w.choice[:pos], w.chosen[:pos]
		if w.left < 0 {
			return false
		}
		w.failed[pos][i] = at.alone
	}
	return false
}

// separated reports whether something came, or may have, between the event chosen last and one
// of a position at a time that is not to.
func (w *walk) separated(pos int, at int64) bool {
	for _, i := range w.m.follow[pos].between {
		before := w.choice[pos-1].at
		if w.pool.floor[i] > before {
			return true
		}
		st := &w.m.steps[i]
		all := w.pool.steps[i]
		for n := after(all, before); n < len(all) && all[n].at < at; n++ {
			if w.left--; w.left < 0 || w.passes(st, &all[n]) {
				return true
			}
		}
	}
	return false
}

// contradicted reports whether something that was not to follow the event just
// chosen did, or may have: where events were left out nothing says that none
// did.
func (w *walk) contradicted(pos int) bool {
	at := w.choice[pos].at
	for _, i := range w.m.follow[pos].absent {
		if w.pool.floor[i] > at {
			return true
		}
		st := &w.m.steps[i]
		all := w.pool.steps[i]
		for n := after(all, at); n < len(all) && all[n].at-at < int64(st.Within); n++ {
			if w.left--; w.left < 0 || w.passes(st, &all[n]) {
				return true
			}
		}
	}
	return false
}

// passes applies the filter of a step to a candidate. One that reads no earlier
// step was applied when the event came.
func (w *walk) passes(st *step, c *candidate) bool {
	if !st.refs.Dynamic() {
		return true
	}
	w.input = celfilter.Input{
		Name:       c.name,
		Time:       c.at,
		Properties: c.properties,
		Context:    c.context,
		Traits:     c.by.User,
		Account:    c.by.Account,
		Self:       c.by.Self,
		Steps:      w.chosen[:st.earlier],
	}
	return st.filter.Eval(&w.input) == celfilter.True
}
