package funnel

import (
	"cmp"
	"math"

	"github.com/muster-go/muster/internal/horizon"
)

// chains is the running state of an exact plan: which step an event is of does
// not depend on the others chosen, so only times and keys are left.
//
// For each key and step there are up to three lists in order of time. An event
// waits while it does not count yet; then it is reached if the step is the
// first, or one reached of the step before is near enough before it, else open.
// An event that something contradicts is dropped: for the lists hold only what
// has happened, this is for good. So
//
//   - a choice exists if an event of the last step is reached;
//   - going back from the latest such, at each step to the latest reached one
//     before, gives the choice of the latest first event: of two that are
//     reached, the later is not preceded by an earlier one.
//
// An event that gets reached makes open ones of the next step reached, those up
// to its duration later; one that is contradicted undoes it for those that have
// no other. Events that have left the window are no longer anything's best, and
// are dropped without looking at what they reached.
type chains struct {
	m        *Matcher
	lists    sorted[entry]
	coming   agenda[arrival] // of the future, by event time
	waiting  agenda[place]   // by when they begin to count
	complete sorted[whole]   // the keys that have a choice, by its first event
	newest   int64           // event time of any in the lists
	limit    int             // how many entries make it worth to drop old ones
	done     []instance      // a choice that nothing can undo
}

// list is where an entry is. Of a step that is not to follow there is only
// reached.
type list uint8

const (
	waiting list = iota
	open
	reached
)

// place is one of the lists.
type place struct {
	key  key
	step uint16
	list list
}

// entry is an event in a list; of those at one time one is enough.
type entry struct {
	place
	instance
}

func (e entry) compare(f entry) int {
	switch {
	case e.key != f.key:
		return e.key.compare(f.key)
	case e.step != f.step:
		return cmp.Compare(e.step, f.step)
	case e.list != f.list:
		return cmp.Compare(e.list, f.list)
	}
	return cmp.Compare(e.at, f.at)
}

// arrival is an event that is known but dated after now.
type arrival struct {
	place
	seq uint64
}

// whole is a key that has a choice, and the first event of its best one.
type whole struct {
	first int64
	key   key
}

func (w whole) compare(x whole) int {
	if c := cmp.Compare(w.first, x.first); c != 0 {
		return c
	}
	return w.key.compare(x.key)
}

const fewEntries = 64 // of which it does not matter that some are old

func newChains(m *Matcher) *chains {
	return &chains{m: m, limit: fewEntries, newest: math.MinInt64}
}

func (c *chains) limited() bool { return false }

func (c *chains) add(step int, e event, now int64) {
	if c.done != nil {
		return
	}
	p := place{key: e.key, step: uint16(step)}
	if e.at > now {
		c.coming.push(e.at, arrival{p, e.Seq})
		return
	}
	c.arrive(p, instance{e.at, e.Seq}, now)
	c.finish()
}

// arrive takes an event that has happened.
func (c *chains) arrive(p place, i instance, now int64) {
	s := &c.m.steps[p.step]
	c.newest = max(c.newest, i.at)
	if s.Not {
		p.list = reached
		if c.lists.insert(entry{p, i}) {
			c.contradict(p.key, s, i.at)
		}
		return
	}
	if c.contradicted(p.key, s.position, i.at) {
		return
	}
	begins := i.at + c.m.follow[s.position].delay
	if begins > now {
		p.list = waiting
		if c.lists.insert(entry{p, i}) {
			c.waiting.push(begins, p)
		}
		return
	}
	c.begin(p, i)
}

// begin lets an event count.
func (c *chains) begin(p place, i instance) {
	pos := c.m.steps[p.step].position
	first, had := c.choice(p.key)
	if pos == 0 || c.reachable(p.key, pos, i.at) {
		c.reach(p.key, pos, i)
		c.settle(p.key, first, had)
	} else {
		p.list = open
		c.lists.insert(entry{p, i})
	}
}

// reachable reports whether an event of a step is near enough after one that is
// reached of the step before.
func (c *chains) reachable(k key, pos int, at int64) bool {
	before, ok := c.latest(k, pos-1, at)
	return ok && c.near(pos, before.at, at)
}

// near reports whether times are those of a step and the step before.
func (c *chains) near(pos int, before, at int64) bool {
	gap := c.m.follow[pos].gap
	return gap == 0 || at-before < gap
}

// place returns one of the lists of a step to follow.
func (c *chains) place(k key, pos int, l list) place {
	return place{k, uint16(c.m.follow[pos].step), l}
}

// latest returns the last that is reached of a step before a time.
func (c *chains) latest(k key, pos int, before int64) (entry, bool) {
	p := c.place(k, pos, reached)
	e, ok := c.lists.before(entry{p, instance{at: before}})
	return e, ok && e.place == p
}

// from returns the first of a list that is not before a time.
func (c *chains) from(p place, at int64) (entry, bool) {
	e, ok := c.lists.ceiling(entry{p, instance{at: at}})
	return e, ok && e.place == p
}

// reach puts an event among those reached, and what thereby is.
func (c *chains) reach(k key, pos int, i instance) {
	if !c.lists.insert(entry{c.place(k, pos, reached), i}) {
		return
	}
	if pos++; pos == len(c.m.follow) {
		return
	}
	p := c.place(k, pos, open)
	for {
		next, ok := c.from(p, i.at+1)
		if !ok || !c.near(pos, i.at, next.at) {
			return
		}
		c.lists.remove(next)
		c.reach(k, pos, next.instance)
	}
}

// undo takes an event from those reached, and what has been by it alone.
func (c *chains) undo(k key, pos int, i instance) {
	c.lists.remove(entry{c.place(k, pos, reached), i})
	if pos+1 == len(c.m.follow) {
		return
	}
	// Those up to the one reached next, and after what the one before reaches.
	start, end := i.at+1, int64(math.MaxInt64)
	if before, ok := c.latest(k, pos, i.at); ok {
		gap := c.m.follow[pos+1].gap
		if gap == 0 {
			return
		}
		start = max(start, before.at+gap)
	}
	if after, ok := c.from(c.place(k, pos, reached), i.at+1); ok {
		end = after.at
	}
	pos++
	p := c.place(k, pos, reached)
	for {
		next, ok := c.from(p, start)
		if !ok || next.at > end || !c.near(pos, i.at, next.at) {
			return
		}
		c.undo(k, pos, next.instance)
		next.list = open
		c.lists.insert(next)
		start = next.at + 1
	}
}

// contradicted reports whether something that was not to follow an event did.
func (c *chains) contradicted(k key, pos int, at int64) bool {
	for _, i := range c.m.follow[pos].absent {
		x, ok := c.from(place{k, uint16(i), reached}, at+1)
		if ok && x.at-at < int64(c.m.steps[i].Within) {
			return true
		}
	}
	return false
}

// contradict drops the events of the step before that an event of s was not to
// follow.
func (c *chains) contradict(k key, s *step, at int64) {
	first, had := c.choice(k)
	earliest := at - int64(s.Within) + 1
	for l := waiting; l <= reached; l++ {
		for {
			e, ok := c.from(c.place(k, s.position, l), earliest)
			if !ok || e.at >= at {
				break
			}
			if l == reached {
				c.undo(k, s.position, e.instance)
			} else {
				c.lists.remove(e)
			}
		}
	}
	c.settle(k, first, had)
}

// choice returns the first event of the best choice of a key.
func (c *chains) choice(k key) (first int64, ok bool) {
	e := entry{instance: instance{at: math.MaxInt64}}
	for pos := len(c.m.follow) - 1; pos >= 0; pos-- {
		before, ok := c.latest(k, pos, e.at)
		if !ok || pos+1 < len(c.m.follow) && !c.near(pos+1, before.at, e.at) {
			return 0, false
		}
		e = before
	}
	return e.at, true
}

// settle notes what has become of the choice of a key.
func (c *chains) settle(k key, first int64, had bool) {
	now, has := c.choice(k)
	if had == has && first == now {
		return
	}
	if has {
		c.complete.insert(whole{now, k})
	}
	if had {
		c.complete.remove(whole{first, k})
	}
}

func (c *chains) advance(now int64) {
	for c.coming.next() <= now {
		next := c.coming.pop()
		c.arrive(next.what.place, instance{next.at, next.what.seq}, now)
	}
	for len(c.waiting) > 0 {
		p := c.waiting[0].what
		delay := c.m.follow[c.m.steps[p.step].position].delay
		e, waits := c.lists.get(entry{p, instance{at: c.waiting[0].at - delay}})
		if waits && c.waiting.next() > now {
			break
		}
		c.waiting.pop()
		if waits {
			c.lists.remove(e)
			c.begin(p, e.instance)
		}
	}
	c.expire(now)
	c.finish()
}

// expire drops what has left the window: the choices at once, the rest when
// that is much, or all.
func (c *chains) expire(now int64) {
	if c.m.to == 0 {
		return
	}
	last := now - c.m.to
	for c.complete.len > 0 {
		w, _ := c.complete.at(spot{0, 0})
		if w.first > last {
			break
		}
		c.complete.remove(w)
	}
	switch {
	case c.newest <= last:
		c.lists, c.waiting, c.limit = sorted[entry]{}, nil, fewEntries
	case c.lists.len > c.limit:
		c.lists.keep(func(e entry) bool { return e.at > last })
		c.limit = max(fewEntries, 2*c.lists.len)
	}
}

// finish remembers a choice that nothing can undo, and drops the rest.
func (c *chains) finish() {
	if c.m.to > 0 || c.m.absences || c.complete.len == 0 {
		return
	}
	done := c.evidence()
	*c = chains{m: c.m, done: done}
}

func (c *chains) best() (first int64, ok bool) {
	if c.done != nil {
		return c.done[0].at, true
	}
	w, ok := c.complete.last()
	return w.first, ok
}

func (c *chains) next() (begins, contradicts int64) {
	contradicts = horizon.Never
	if c.m.absences {
		contradicts = c.coming.next()
	}
	return min(c.coming.next(), c.waiting.next()), contradicts
}

func (c *chains) evidence() []instance {
	if c.done != nil {
		return c.done
	}
	w, ok := c.complete.last()
	if !ok {
		return nil
	}
	chosen := make([]instance, len(c.m.follow))
	at := int64(math.MaxInt64)
	for pos := len(chosen) - 1; pos >= 0; pos-- {
		e, _ := c.latest(w.key, pos, at)
		chosen[pos], at = e.instance, e.at
	}
	return chosen
}
