package oracle

import (
	"cmp"
	"slices"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// instants returns, in order, every instant in [from, to) at which time alone
// could change what holds for some profiles: each time that a message tells, and
// each date in traits as they are, shifted by each bound of each window there is.
// Most of them change nothing.
func (m *Model) instants(of []profile.Ref, from, to int64) []int64 {
	var b bounds
	b.ages = []int64{0}
	for _, a := range m.world.audiences {
		b.add(a.definition.Where)
	}
	for _, c := range m.world.traits {
		b.window(c.definition.Window)
	}
	slices.Sort(b.ages)
	b.ages = slices.Compact(b.ages)
	var all []int64
	for _, ref := range of {
		values := append(m.view(ref).values(), m.computed(ref)...)
		// What days of the year make is as before when they and the leap years have come round:
		// of nine years more is not looked at.
		first := time.Unix(0, from).UTC().Year()
		last := min(time.Unix(0, to).UTC().Year(), first+9)
		var yearly []int64
		for _, a := range m.world.audiences {
			yearly = appendYearly(yearly, a.definition.Where, values, first-2, last+2)
		}
		for _, u := range yearly {
			if from <= u && u < to {
				all = append(all, u)
			}
		}
		for of, entered := range m.told {
			for _, d := range b.tenures {
				if u := entered.At.UnixNano() + d; of.ref == ref && from <= u && u < to {
					all = append(all, u)
				}
			}
		}
		for _, at := range appendDates(m.view(ref).times(), values) {
			for _, u := range b.of(at) {
				if from <= u && u < to {
					all = append(all, u)
				}
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// times returns those of the profile's events and trait writes.
func (v view) times() []int64 {
	var all []int64
	for _, m := range v.person.messages {
		if m.track != nil {
			all = append(all, m.track.Event.Time.UnixNano())
		}
		if m.traits != nil {
			all = append(all, m.traits.Time.UnixNano())
		}
	}
	return all
}

// values returns what the profile's traits were set to, with all that is in maps.
func (v view) values() []profile.Value {
	var all []profile.Value
	var add func(profile.Value)
	add = func(value profile.Value) {
		all = append(all, value)
		if o, ok := value.Object(); ok {
			for _, inner := range o.All() {
				add(inner)
			}
		}
	}
	for _, m := range v.person.messages {
		if m.traits != nil {
			for _, value := range m.traits.Traits.All() {
				add(value)
			}
		}
	}
	return all
}

func appendDates(times []int64, values []profile.Value) []int64 {
	for _, value := range values {
		if date, ok := readDate(value); ok {
			times = append(times, date)
		}
	}
	return times
}

// bounds are the ages at which windows of a condition, and the durations in it, begin and
// end, and the windows that are not of ages alone.
type bounds struct {
	ages    []int64
	windows []profile.Window
	tenures []int64 // how long members have to have been in
}

// of returns the instants that an event, or a date, of a time makes of them.
func (b *bounds) of(at int64) []int64 {
	var all []int64
	for _, age := range b.ages {
		all = append(all, at+age)
	}
	for _, w := range b.windows {
		all = append(all, edges(w, at)...)
	}
	return all
}

func (b *bounds) window(w profile.Window) {
	if w == (profile.Window{Min: w.Min, Max: w.Max}) {
		b.ages = append(b.ages, int64(w.Min), int64(w.Max))
	} else if !slices.Contains(b.windows, w) {
		b.windows = append(b.windows, w)
	}
}

// add adds those of a condition.
func (b *bounds) add(n audience.Node) {
	for _, c := range children(n) {
		b.add(c)
	}
	switch {
	case n.Audience != "":
		b.tenures = append(b.tenures, int64(n.For), int64(n.ForLess))
	case n.Event != nil:
		b.window(n.Event.Window)
		for i := range n.Event.Regularly.Periods + 1 {
			b.ages = append(b.ages, int64(i)*int64(n.Event.Regularly.Of))
		}
	case n.Funnel != nil:
		b.window(n.Funnel.Window)
		for _, s := range n.Funnel.Steps {
			b.ages = append(b.ages, int64(s.Within))
		}
	case n.TraitDate != nil:
		b.window(n.TraitDate.Window.Past)
		b.ages = append(b.ages, -int64(n.TraitDate.Window.Next))
	}
}

func children(n audience.Node) []audience.Node {
	all := slices.Concat(n.All, n.Any)
	if n.Not != nil {
		all = append(all, *n.Not)
	}
	if u := n.Users; u != nil {
		all = append(all, *cmp.Or(u.Any, u.All, u.None, u.Where))
	}
	return all
}
