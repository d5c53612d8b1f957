package oracle

import (
	"slices"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/funnel"
)

// attempt is a choice of events for the first steps of a funnel.
type attempt struct {
	view
	funnel *funnel.Funnel
	since  int
	deeds  []deed    // of any step
	steps  int       // that are done
	names  []string  // of those that are to follow
	chosen []message // for them
	apart  []int     // the steps that are not to come before the next one that is to follow
}

// follows reports whether a funnel holds: whether any choice of events, of all
// there are, makes it.
func (v view) follows(f *funnel.Funnel, since int) bool {
	return attempt{view: v, funnel: f, since: since, deeds: v.deeds(audience.OfUsers, since)}.succeeds()
}

// succeeds reports whether any choice for the other steps makes it hold.
func (a attempt) succeeds() bool {
	if a.steps == len(a.funnel.Steps) {
		return true
	}
	s := &a.funnel.Steps[a.steps]
	if s.UntilNext {
		a.apart = append(slices.Clip(a.apart), a.steps)
		a.steps++
		return a.succeeds()
	}
	if s.Not {
		if !s.Pending && a.t < a.last()+int64(s.Within) {
			return false // not settled
		}
		for _, d := range a.deeds {
			if d.time() <= a.t && a.continues(d) {
				return false
			}
		}
		a.steps++
		return a.succeeds()
	}
	for _, d := range a.deeds {
		if counts(a.funnel.Window, d.time(), a.t) && a.continues(d) && !a.separated(d) && a.with(d).succeeds() {
			return true
		}
	}
	return false
}

// with returns the attempt with a deed chosen for the next step.
func (a attempt) with(d deed) attempt {
	a.names = append(slices.Clip(a.names), a.funnel.Steps[a.steps].Name)
	a.chosen = append(slices.Clip(a.chosen), d.message)
	a.steps++
	a.apart = nil
	return a
}

// separated reports whether anything comes between the last event that was chosen and a deed
// of the next step that is not to.
func (a attempt) separated(d deed) bool {
	return len(a.chosen) > 0 && slices.ContainsFunc(a.deeds, func(x deed) bool {
		if x.time() <= a.last() || x.time() >= d.time() {
			return false
		}
		return a.funnel.Steps[a.steps].Next || slices.ContainsFunc(a.apart, func(i int) bool {
			s := &a.funnel.Steps[i]
			return ofStep(s).takes(x.track.Event.Name) && a.passes(x, s.Filter, a.since, a.names, a.chosen)
		})
	})
}

// continues reports whether a deed is of the next step: of its name, in time
// after the last one that was chosen, and passing its filter.
func (a attempt) continues(d deed) bool {
	s := &a.funnel.Steps[a.steps]
	if !ofStep(s).takes(d.track.Event.Name) {
		return false
	}
	if len(a.chosen) > 0 {
		after := d.time() - a.last()
		if after <= 0 || s.Within > 0 && after >= int64(s.Within) {
			return false
		}
	}
	return a.passes(d, s.Filter, a.since, a.names, a.chosen)
}

// last returns the time of the last event that was chosen.
func (a attempt) last() int64 { return a.chosen[len(a.chosen)-1].track.Event.Time.UnixNano() }
