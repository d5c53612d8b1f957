package oracle

import (
	"regexp"

	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// traits are those that a person has.
type traits map[string]profile.Value

// traits returns the custom traits present: of each name the greatest write up
// to now, by time, message id and value, unless that one removes it.
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

// seen returns the traits that an expression sees: the custom ones, and by the
// names that it mentions computed traits and memberships. Those have a since of
// their own.
func (v view) seen(expression string, since int) traits {
	ts := v.traits(since)
	for _, name := range mentioned(expression) {
		v.cover(ts, name)
	}
	return ts
}

// cover puts the computed trait or the membership of a key in place of the
// custom trait, if there is one.
func (v view) cover(ts traits, key string) {
	if _, ok := v.world.traits[key]; ok {
		delete(ts, key)
		if value := v.value(key); !value.IsNull() {
			ts[key] = value
		}
	}
	if _, ok := v.world.audiences[key]; ok {
		ts[key] = profile.BoolValue(v.member(key))
	}
}

var mention = regexp.MustCompile(`\btraits\.(\w+)|"(\w+)" in traits\b`)

// mentioned returns the names of the traits in an expression.
func mentioned(expression string) []string {
	var names []string
	for _, m := range mention.FindAllStringSubmatch(expression, -1) {
		names = append(names, m[1]+m[2])
	}
	return names
}

// date answers a condition on a date in a trait.
func (v view) date(leaf *trait.Date, since int) bool {
	ts := v.traits(since)
	v.cover(ts, leaf.Name)
	value, ok := ts[leaf.Name]
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
