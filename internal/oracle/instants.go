package oracle

import (
	"cmp"
	"slices"

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
		for _, at := range appendDates(m.view(ref).times(), m.computed(ref)) {
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

// times returns those of the profile's events and trait writes, and the dates
// in the traits.
func (v view) times() []int64 {
	var all []int64
	for _, m := range v.person.messages {
		if m.track != nil {
			all = append(all, m.track.Event.Time.UnixNano())
		}
		if m.traits != nil {
			all = append(all, m.traits.Time.UnixNano())
			for _, value := range m.traits.Traits.All() {
				all = appendDates(all, []profile.Value{value})
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
