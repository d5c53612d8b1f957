package sequence

import (
	"math"
	"slices"
)

// What the search is bounded by; see "Cost" in the package comment.
const (
	// MaxCandidates is how many events of one step and key are searched: the
	// newest.
	MaxCandidates = 256
	// maxTried is how many events one search tries for each step: all of it after
	// all of the step before, and once more.
	maxTried = MaxCandidates * (MaxCandidates + 1)
	// fewCandidates are so many that it does not matter that some are old.
	fewCandidates = 64
)

// search is the running state of a plan in which it depends on the events
// chosen whether another is of a step. For each key it keeps the newest events
// that may be of each step, with what filters read of them, and goes through
// the choices when one is added or begins to count.
type search struct {
	m        *Matcher
	pools    map[key]*pool
	stale    []key           // of pools to search again
	coming   agenda[pending] // of the future, by event time
	waiting  agenda[begin]   // by when they begin to count
	complete choices
	held     int   // candidates in all pools
	newest   int64 // time of any of them
	limit    int   // how many make it worth to drop old ones
	cut      bool  // a bound was met
	walk     walk  // room for the next search
}

// begin is a candidate of a step to follow that does not count yet.
type begin struct {
	key      key
	position int
	instance instance
}

// pending is an event that is known but dated after now.
type pending struct {
	key       key
	step      int
	candidate candidate
}

func newSearch(m *Matcher) *search {
	return &search{m: m, pools: map[key]*pool{}, limit: fewCandidates, newest: math.MinInt64}
}

func (s *search) limited() bool { return s.cut }

func (s *search) add(step int, e event, now int64) {
	c := s.m.steps[step].candidate(e)
	if e.at > now {
		s.coming.push(e.at, pending{e.key, step, c})
		return
	}
	s.arrive(e.key, step, c, now)
}

func (s *search) arrive(k key, step int, c candidate, now int64) {
	p := s.pools[k]
	if p == nil {
		p = newPool(s.m)
		s.pools[k] = p
	}
	before := p.len()
	last := int64(math.MinInt64) // of those that have left the window
	if s.m.window.Ends() {
		last = s.m.window.Over(now)
	}
	if p.insert(s.m, step, c, last) {
		s.cut = true
	}
	s.held += p.len() - before
	s.newest = max(s.newest, c.at)
	st := &s.m.steps[step]
	switch begins := s.m.begins(st.position, c.at); {
	case st.Not:
		p.recheck = p.recheck || p.choice != nil
	case begins > now:
		s.waiting.push(begins, begin{k, st.position, c.instance})
	default:
		p.fresh = append(p.fresh, fresh{st.position, c.instance})
	}
	s.touch(k, p)
}

// touch has a pool searched.
func (s *search) touch(k key, p *pool) {
	if !p.stale {
		p.stale = true
		s.stale = append(s.stale, k)
	}
}

func (s *search) advance(now int64) {
	for s.coming.next() <= now {
		next := s.coming.pop().what
		s.arrive(next.key, next.step, next.candidate, now)
	}
	for s.waiting.next() <= now {
		next := s.waiting.pop().what
		if p := s.pools[next.key]; p != nil {
			p.fresh = append(p.fresh, fresh{next.position, next.instance})
			s.touch(next.key, p)
		}
	}
	if s.m.window.Ends() {
		s.expire(s.m.window.Over(now))
		if !s.m.window.Ordered() {
			s.lapse(now)
		}
	}
	s.find(now)
}

// find searches the pools in which something changed.
func (s *search) find(now int64) {
	for _, k := range s.stale {
		p := s.pools[k]
		if p == nil {
			continue
		}
		p.stale = false
		if p.choice != nil {
			s.complete.remove(whole{p.choice[0].at, k})
		}
		if !p.search(s.m, &s.walk, now) {
			s.cut = true
		}
		if p.choice != nil {
			s.complete.insert(whole{p.choice[0].at, k})
		}
	}
	s.stale = s.stale[:0]
}

// expire drops what is of time up to last: the choices at once, the rest when
// that is much, or all.
func (s *search) expire(last int64) {
	for w, ok := s.complete.pop(last); ok; w, ok = s.complete.pop(last) {
		s.pools[w.key].choice = nil
	}
	if s.held == 0 || s.newest > last && s.held <= s.limit {
		return
	}
	s.held = 0
	for k, p := range s.pools {
		p.expire(last)
		if p.len() == 0 {
			delete(s.pools, k)
		}
		s.held += p.len()
	}
	s.limit = max(fewCandidates, 2*s.held)
}

func (s *search) best() (whole, bool) { return s.complete.last() }

func (s *search) next() int64 { return min(s.coming.next(), s.waiting.next()) }

func (s *search) nextComing() int64 { return s.coming.next() }

func (s *search) empty() bool { return s.held == 0 && len(s.coming) == 0 }

func (s *search) evidence() []instance {
	w, ok := s.best()
	if !ok {
		return nil
	}
	return slices.Clone(s.pools[w.key].choice)
}
