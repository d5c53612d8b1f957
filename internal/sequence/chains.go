package sequence

import "math"

// chains is the running state of an exact plan: which step an event is of does
// not depend on the others chosen, so only times and keys are left.
//
// For each key and step there are lists in order of time. An event that has not
// happened yet is coming, and one that does not count yet waits. Then it is
// reached if the step is the first, or one reached of the step before is near
// enough before it, else open. An event that something contradicts is dropped:
// for what contradicts has happened, this is for good. So
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
//
// Of a permanent plan a choice is all that is kept, once there is one.
type chains struct {
	m *Matcher
	entries
	until int64 // there is nothing to do before: nothing is due or leaves the window
}

func (c *chains) limited() bool { return false }

func (c *chains) add(step int, e event, now int64) {
	if c.done() {
		return
	}
	i := instance{e.at, e.Seq}
	if e.at > now {
		c.insert(entry{e.key.place(step, coming), i})
	} else {
		c.arrive(e.key, step, i, now)
		c.finish()
	}
	if len(c.few) > c.m.few && !c.done() {
		c.index()
	}
}

// arrive takes an event that has happened.
func (c *chains) arrive(k key, step int, i instance, now int64) {
	s := &c.m.steps[step]
	if s.Not {
		if s.UntilNext {
			c.separate(k, step, i)
		} else if c.insert(entry{k.place(step, reached), i}) {
			c.contradict(k, s, i.at)
		}
		return
	}
	if c.contradicted(k, s.position, i.at) {
		return
	}
	if c.m.begins(s.position, i.at) > now {
		c.insert(entry{k.place(step, waiting), i})
		return
	}
	c.begin(k, s.position, i)
}

// begin lets an event count.
func (c *chains) begin(k key, pos int, i instance) {
	if pos > 0 && !c.reachable(k, pos, i.at) {
		c.insert(entry{c.place(k, pos, open), i})
		return
	}
	before, had := c.noted(k)
	c.reach(k, pos, i)
	c.settle(k, before, had)
}

// reachable reports whether an event of a step is near enough after one that is
// reached of the step before.
func (c *chains) reachable(k key, pos int, at int64) bool {
	before, ok := c.latest(k, pos-1, at)
	return ok && at < c.end(k, pos, before.at)
}

// end returns the end of the times at which an event of a step is near enough after one of the
// step before, and nothing is between that is not to be.
func (c *chains) end(k key, pos int, before int64) int64 {
	end := int64(math.MaxInt64)
	at := &c.m.follow[pos]
	if at.gap > 0 {
		end = before + at.gap
	}
	for _, i := range at.between {
		if x, ok := c.from(k.place(i, reached), before+1); ok {
			end = min(end, x.at+1)
		}
	}
	return end
}

// place returns one of the lists of a step to follow.
func (c *chains) place(k key, pos int, l list) place { return k.place(c.m.follow[pos].step, l) }

// latest returns the last that is reached of a step before a time.
func (c *chains) latest(k key, pos int, before int64) (entry, bool) {
	p := c.place(k, pos, reached)
	e, ok := c.before(entry{p, instance{at: before}})
	return e, ok && e.place == p
}

// from returns the first of a list that is not before a time.
func (c *chains) from(p place, at int64) (entry, bool) {
	e, ok := c.ceiling(entry{p, instance{at: at}})
	return e, ok && e.place == p
}

// reach puts an event among those reached, and what thereby is.
func (c *chains) reach(k key, pos int, i instance) {
	if !c.insert(entry{c.place(k, pos, reached), i}) {
		return
	}
	if pos++; pos == len(c.m.follow) {
		return
	}
	p, end := c.place(k, pos, open), c.end(k, pos, i.at)
	for {
		next, ok := c.from(p, i.at+1)
		if !ok || next.at >= end {
			return
		}
		c.remove(next)
		c.reach(k, pos, next.instance)
	}
}

// undo takes an event from those reached, and what has been by it alone.
func (c *chains) undo(k key, pos int, i instance) {
	c.remove(entry{c.place(k, pos, reached), i})
	if pos+1 == len(c.m.follow) {
		return
	}
	// Those up to the one reached next, and after what the one before reaches.
	start, last := i.at+1, c.end(k, pos+1, i.at)-1
	if before, ok := c.latest(k, pos, i.at); ok {
		start = max(start, c.end(k, pos+1, before.at))
	}
	if after, ok := c.from(c.place(k, pos, reached), i.at+1); ok {
		last = min(last, after.at)
	}
	c.lose(k, pos+1, start, last)
}

// lose takes the events of a step at some times from those reached: they are open.
func (c *chains) lose(k key, pos int, start, last int64) {
	p := c.place(k, pos, reached)
	for {
		next, ok := c.from(p, start)
		if !ok || next.at > last {
			return
		}
		c.undo(k, pos, next.instance)
		c.insert(next.in(open))
		start = next.at + 1
	}
}

// separate adds an event that is not to come between those of some steps and the steps before
// them, and takes from those reached the ones that it comes before: up to the event of the step
// before that comes next.
func (c *chains) separate(k key, step int, i instance) {
	first, had := c.noted(k) // which the event itself would hide
	if !c.insert(entry{k.place(step, reached), i}) {
		return
	}
	for _, pos := range c.m.steps[step].parts {
		last := int64(math.MaxInt64)
		if after, ok := c.from(c.place(k, pos-1, reached), i.at); ok {
			last = after.at
		}
		c.lose(k, pos, i.at+1, last)
	}
	c.settle(k, first, had)
}

// contradicted reports whether something that was not to follow an event did.
func (c *chains) contradicted(k key, pos int, at int64) bool {
	for _, i := range c.m.follow[pos].absent {
		x, ok := c.from(k.place(i, reached), at+1)
		if ok && x.at-at < int64(c.m.steps[i].Within) {
			return true
		}
	}
	return false
}

// contradict drops the events of the step before that an event of s was not to
// follow.
func (c *chains) contradict(k key, s *step, at int64) {
	first, had := c.noted(k)
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
				c.remove(e)
			}
		}
	}
	c.settle(k, first, had)
}

// choice returns the first event of the best choice of a key.
func (c *chains) choice(k key) (first int64, ok bool) {
	e, ok := c.latest(k, len(c.m.follow)-1, math.MaxInt64)
	if !ok {
		return 0, false
	}
	return c.back(e)
}

// back returns the first event of the best choice that ends with an entry.
func (c *chains) back(e entry) (first int64, ok bool) {
	for pos := len(c.m.follow) - 2; pos >= 0; pos-- {
		before, ok := c.latest(e.key(), pos, e.at)
		if !ok || e.at >= c.end(e.key(), pos+1, before.at) {
			return 0, false
		}
		e = before
	}
	return e.at, true
}

// noted is choice where choices are noted.
func (c *chains) noted(k key) (first int64, ok bool) {
	if c.many == nil {
		return 0, false
	}
	return c.choice(k)
}

// settle notes what has become of the choice of a key.
func (c *chains) settle(k key, first int64, had bool) {
	now, has := c.noted(k)
	if had == has && first == now {
		return
	}
	if has {
		c.many.complete.insert(whole{now, k})
		c.until = min(c.until, c.m.over(now))
	}
	if had {
		c.many.complete.remove(whole{first, k})
	}
}

// best returns the choice of the latest first event.
func (c *chains) best() (w whole, ok bool) {
	if c.many != nil {
		return c.many.complete.last()
	}
	for i := range c.few {
		if !c.ends(c.few, i) || ok && c.few[i].at <= w.first {
			continue
		}
		if first, has := c.back(c.few[i]); has && (!ok || first > w.first) {
			w, ok = whole{first, c.few[i].key()}, true
		}
	}
	return w, ok
}

// ends reports whether an entry is the last one reached of the last step.
func (c *chains) ends(all []entry, i int) bool {
	p := all[i].place
	return p.list() == reached && p.step() == c.m.follow[len(c.m.follow)-1].step &&
		(i+1 == len(all) || all[i+1].place != p)
}

func (c *chains) evidence() []instance {
	w, ok := c.best()
	if !ok {
		return nil
	}
	chosen := make([]instance, len(c.m.follow))
	for pos, e := range c.chosen(w.key) {
		chosen[pos] = e.instance
	}
	return chosen
}

// chosen returns the choice of a key that has one.
func (c *chains) chosen(k key) []entry {
	chosen := make([]entry, len(c.m.follow))
	at := int64(math.MaxInt64)
	for pos := len(chosen) - 1; pos >= 0; pos-- {
		chosen[pos], _ = c.latest(k, pos, at)
		at = chosen[pos].at
	}
	return chosen
}
