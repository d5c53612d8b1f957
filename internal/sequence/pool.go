package sequence

import (
	"cmp"
	"math"
	"slices"

	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/profile"
)

// candidate is an event that may be of a step, with what filters read of it.
type candidate struct {
	instance
	name                string // of it
	properties, context profile.Object
	by                  Traits // if the step's own filter is applied again
}

// compare orders candidates by time; of those at one time what they hold
// decides, so that the order of arrival does not.
func (c candidate) compare(d candidate) int {
	if at := cmp.Compare(c.at, d.at); at != 0 {
		return at
	}
	return cmp.Or(cmp.Compare(c.name, d.name), c.properties.Value().Compare(d.properties.Value()),
		c.context.Value().Compare(d.context.Value()), cmp.Compare(c.seq, d.seq))
}

// candidate returns what is kept of an event of a step.
func (s *step) candidate(e event) candidate {
	c := candidate{
		instance:   instance{e.at, e.Seq},
		name:       e.Name,
		properties: part(&s.keeps.Properties, e.Properties),
		context:    part(&s.keeps.Context, e.Context),
	}
	if s.refs.Dynamic() {
		c.by = e.by
	}
	return c
}

// part returns the part of an object that is read, in memory of its own.
func part(read *celfilter.Names, o profile.Object) profile.Object {
	if read.Empty() {
		return profile.Object{}
	}
	plain := map[string]any{}
	if read.All {
		for name, v := range o.All() {
			plain[name] = v
		}
	}
	for _, name := range read.Names {
		if v, ok := o.Get(name); ok {
			plain[name] = v
		}
	}
	kept, _ := profile.NewObject(plain) // a part of an object is within its limits
	return kept
}

// pool is the candidates of one key.
type pool struct {
	steps  [][]candidate // by step, in order
	floor  []int64       // by step: the time of the newest that was left out
	choice []instance    // the best found; nil if there is none

	stale   bool    // to be searched
	fresh   []fresh // what counts since the last search: a new choice has one of these
	recheck bool    // the choice may be none any more, or not all was searched
}

// fresh is a candidate of a step to follow.
type fresh struct {
	position int
	instance instance
}

// severalFresh are so many that it takes less to search everything.
const severalFresh = 8

func newPool(m *Matcher) *pool {
	p := &pool{steps: make([][]candidate, len(m.steps)), floor: make([]int64, len(m.steps))}
	for i := range p.floor {
		p.floor[i] = math.MinInt64
	}
	return p
}

// insert adds a candidate of a step. If that makes too many it leaves the
// oldest out; full says that this one was later than last, so it mattered.
func (p *pool) insert(m *Matcher, step int, c candidate, last int64) (full bool) {
	all := p.steps[step]
	i, _ := slices.BinarySearchFunc(all, c, candidate.compare)
	all = slices.Insert(all, i, c)
	if len(all) > MaxCandidates {
		oldest := all[0].instance
		full = oldest.at > last
		p.floor[step] = max(p.floor[step], oldest.at)
		if p.choice != nil && (m.steps[step].Not || p.choice[m.steps[step].position] == oldest) {
			p.recheck = true
		}
		all = slices.Delete(all, 0, 1)
	}
	p.steps[step] = all
	return full
}

// search brings the choice up to now; all is false if it gave up.
func (p *pool) search(m *Matcher, w *walk, now int64) (all bool) {
	changed, everything := p.fresh, p.recheck || len(p.fresh) > severalFresh
	p.stale, p.recheck, p.fresh = false, false, p.fresh[:0]
	if everything {
		p.choice, all = w.search(m, p, now, nil)
		p.recheck = !all
		return all
	}
	all = true
	for i := range changed {
		choice, complete := w.search(m, p, now, &changed[i])
		if choice != nil && (p.choice == nil || choice[0].at > p.choice[0].at) {
			p.choice = choice
		}
		all = all && complete
	}
	p.recheck = !all
	return all
}

func (p *pool) len() int {
	n := 0
	for _, all := range p.steps {
		n += len(all)
	}
	return n
}

// expire drops the candidates of time up to last.
func (p *pool) expire(last int64) {
	for i, all := range p.steps {
		n := after(all, last)
		if n == len(all) {
			p.steps[i] = nil
		} else if n > 0 {
			p.steps[i] = slices.Clone(all[n:])
		}
	}
}

// after returns the index of the first candidate later than at.
func after(all []candidate, at int64) int {
	i, _ := slices.BinarySearchFunc(all, at, func(c candidate, at int64) int {
		if c.at <= at {
			return -1
		}
		return 1
	})
	return i
}
