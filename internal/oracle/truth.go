package oracle

import (
	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// view is what can be known of one profile at one instant.
type view struct {
	world    *world
	filters  *filters
	ref      profile.Ref
	messages []message                // each once
	t        int64                    // Unix nanoseconds
	values   map[string]profile.Value // of computed traits, as far as they were asked for
}

// at returns the view at another instant.
func (v view) at(t int64) view {
	v.t, v.values = t, map[string]profile.Value{}
	return v
}

// member reports whether the person is in the audience of a key.
func (v view) member(key string) bool {
	a, ok := v.world.audiences[key]
	return ok && v.holds(a.definition.Where, a.since)
}

// holds answers a condition, of which only what arrived after since counts.
func (v view) holds(n audience.Node, since int) bool {
	switch {
	case n.All != nil:
		for _, c := range n.All {
			if !v.holds(c, since) {
				return false
			}
		}
		return true
	case n.Any != nil:
		for _, c := range n.Any {
			if v.holds(c, since) {
				return true
			}
		}
		return false
	case n.Not != nil:
		return !v.holds(*n.Not, since)
	case n.Event != nil:
		e := n.Event
		return compare(e.Count, len(v.matching(e.Name, e.Filter, e.Window, since, v.scope(e.Filter, since))))
	case n.Trait != "":
		return v.filters.traits(n.Trait, v.seen(Mentioned(n.Trait), since))
	case n.TraitDate != nil:
		return v.date(n.TraitDate, since)
	}
	return v.member(n.Audience) // which has its own since
}

func compare(c audience.Count, n int) bool {
	switch {
	case c == audience.Count{}:
		return n >= 1
	case c.Comparison == audience.AtMost:
		return n <= c.N
	case c.Comparison == audience.Exactly:
		return n == c.N
	}
	return n >= c.N
}

// matching returns the person's events of a name that pass a filter, if there is
// one, and lie in a window. What the filter sees is asked for only where it
// reads traits.
func (v view) matching(name, filter string, w profile.Window, since int, sees func() scope) []message {
	var found []message
	for _, m := range v.messages {
		if m.track == nil || m.arrival <= since || m.track.Event.Name != name {
			continue
		}
		if inWindow(v.t-m.track.Event.Time.UnixNano(), w) && (filter == "" || v.filters.event(filter, m, sees)) {
			found = append(found, m)
		}
	}
	return found
}

// inWindow reports whether something of an age counts.
func inWindow(age int64, w profile.Window) bool {
	if w.Max == 0 {
		return age >= 0
	}
	return int64(w.Min) <= age && age < int64(w.Max)
}
