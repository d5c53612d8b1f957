package oracle

import (
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// traits are those that a person has.
type traits map[string]profile.Value

// traits returns those present: of each name the greatest write up to now, by
// time, message id and value, unless that one removes it.
func (v view) traits(since int) traits {
	greatest := map[string]profile.TraitWrite{}
	for _, m := range v.messages {
		if m.traits == nil || m.arrival <= since || m.traits.Time.UnixNano() > v.t {
			continue
		}
		for name, value := range m.traits.Traits.All() {
			w := profile.TraitWrite{Name: name, Value: value, Time: m.traits.Time, MessageID: m.id}
			if old, ok := greatest[name]; !ok || old.Compare(w) < 0 {
				greatest[name] = w
			}
		}
	}
	present := traits{}
	for name, w := range greatest {
		if !w.Value.IsNull() {
			present[name] = w.Value
		}
	}
	return present
}

// date answers a condition on a date in a trait.
func (v view) date(leaf *trait.Date, since int) bool {
	value, ok := v.traits(since)[leaf.Name]
	if !ok {
		return false
	}
	date, ok := readDate(value)
	if !ok {
		return false
	}
	if next := leaf.Window.Next; next > 0 {
		return date-int64(next) <= v.t && v.t < date
	}
	return inWindow(v.t-date, leaf.Window.Past)
}
