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
	bounds := []int64{0}
	for _, a := range m.world.audiences {
		bounds = appendBounds(bounds, a.definition.Where)
	}
	for _, c := range m.world.traits {
		bounds = append(bounds, int64(c.definition.Window.Min), int64(c.definition.Window.Max))
	}
	slices.Sort(bounds)
	bounds = slices.Compact(bounds)
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
		for _, at := range appendDates(m.view(ref).times(), values) {
			for _, bound := range bounds {
				if u := at + bound; from <= u && u < to {
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

// appendBounds appends the ages at which the windows of a condition, and the
// durations in it, begin and end.
func appendBounds(bounds []int64, n audience.Node) []int64 {
	for _, c := range children(n) {
		bounds = appendBounds(bounds, c)
	}
	switch {
	case n.Event != nil:
		bounds = append(bounds, int64(n.Event.Window.Min), int64(n.Event.Window.Max))
	case n.Funnel != nil:
		bounds = append(bounds, int64(n.Funnel.Window.Min), int64(n.Funnel.Window.Max))
		for _, s := range n.Funnel.Steps {
			bounds = append(bounds, int64(s.Within))
		}
	case n.TraitDate != nil:
		w := n.TraitDate.Window
		bounds = append(bounds, int64(w.Past.Min), int64(w.Past.Max), -int64(w.Next))
	}
	return bounds
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
