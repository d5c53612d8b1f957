package clienttest_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/muster-go/muster/profile"
)

// call is what is expected of one call of a library.
type call struct {
	name string
	want profile.Message // but for the objects, the id, and a time that is not zero
	// properties and traits are those that the call was made with. A library for browsers
	// adds to the properties of a page: then these are among them.
	properties, traits map[string]any
	more               bool
}

type object = map[string]any

var orderTime = time.Date(2026, 2, 1, 0, 0, 0, 250_000_000, time.UTC)

var order = object{"total": 20.58, "items": []any{object{"sku": "a", "quantity": int64(2)}}, "note": "ünï ☃"}

// callsOfNode are those of the libraries for Node, which say of each call who made it.
func callsOfNode() []call {
	return []call{
		{name: "identify", want: profile.Message{Type: profile.Identify, UserID: "ann", AnonymousID: "visitor-1"},
			traits: object{"email": "ann@x.io", "plan": "pro", "seats": int64(3)}},
		{name: "group", want: profile.Message{Type: profile.Group, UserID: "ann", GroupID: "acme"},
			traits: object{"name": "Acme", "employees": int64(20)}},
		{name: "track", want: profile.Message{Type: profile.Track, UserID: "ann", Name: "Order Completed", Time: orderTime}, properties: order},
		{name: "page", want: profile.Message{Type: profile.Page, UserID: "ann", Name: profile.PageViewed},
			properties: object{"category": "Shop", "name": "Home", "path": "/"}, more: true},
		{name: "screen", want: profile.Message{Type: profile.Screen, UserID: "ann", Name: profile.ScreenViewed},
			properties: object{"name": "Cart", "items": int64(2)}},
		{name: "alias", want: profile.Message{Type: profile.Alias, UserID: "ann", PreviousID: "visitor-2"}},
	}
}

// callsOfBrowsers are those of the libraries for browsers, which remember who it is.
func callsOfBrowsers() []call {
	const user, visitor = "ann", "visitor-1"
	return []call{
		{name: "identify", want: profile.Message{Type: profile.Identify, UserID: user, AnonymousID: visitor},
			traits: object{"email": "ann@x.io", "plan": "pro", "seats": int64(3)}},
		{name: "group", want: profile.Message{Type: profile.Group, UserID: user, AnonymousID: visitor, GroupID: "acme"},
			traits: object{"name": "Acme", "employees": int64(20)}},
		{name: "track", want: profile.Message{Type: profile.Track, UserID: user, AnonymousID: visitor, Name: "Order Completed"}, properties: order},
		{name: "page", want: profile.Message{Type: profile.Page, UserID: user, AnonymousID: visitor, Name: profile.PageViewed},
			properties: object{"category": "Shop", "name": "Home", "section": "new"}, more: true},
		{name: "alias", want: profile.Message{Type: profile.Alias, UserID: user, AnonymousID: visitor, PreviousID: "visitor-2"}},
	}
}

func tracked(name string, browser bool) call {
	c := call{name: name, want: profile.Message{Type: profile.Track, UserID: "ann", Name: name}}
	if browser {
		c.want.AnonymousID = "visitor-1"
	}
	return c
}

// differences returns how a message differs from what is expected of a call; none: it is
// the same.
func (c *call) differences(m *profile.Message) (all []string) {
	differ := func(what string, want, got any) {
		if !reflect.DeepEqual(want, got) {
			all = append(all, fmt.Sprintf("%s: want %v, got %v", what, want, got))
		}
	}
	differ("type", c.want.Type, m.Type)
	differ("userId", c.want.UserID, m.UserID)
	differ("previousId", c.want.PreviousID, m.PreviousID)
	differ("name", c.want.Name, m.Name)
	if c.want.AnonymousID != "" { // libraries for Node may make one
		differ("anonymousId", c.want.AnonymousID, m.AnonymousID)
	}
	if c.want.GroupID != "" { // others may be sent for the group that the browser is in
		differ("groupId", c.want.GroupID, m.GroupID)
	}
	if !c.want.Time.IsZero() {
		differ("timestamp", c.want.Time, m.Time)
	}
	properties := m.Properties.Map()
	if c.more {
		maps.DeleteFunc(properties, func(key string, _ any) bool { return c.properties[key] == nil })
	}
	differ("properties", orEmpty(c.properties), properties)
	differ("traits", orEmpty(c.traits), m.Traits.Map())
	context := m.Context.Map()
	differ("context.source", "shop", context["source"])
	library, _ := context["library"].(object)
	if library["name"] == nil {
		all = append(all, "no context.library.name")
	}
	if m.MessageID == "" || strings.HasPrefix(m.MessageID, "muster-") {
		all = append(all, "the library gave no messageId")
	}
	return all
}

func orEmpty(o object) object {
	if o == nil {
		return object{}
	}
	return o
}

// compare returns for each call how what arrived differs from it; each arrived once, and
// nothing else did, where there are none.
func compare(calls []call, arrived []profile.Message) (differences map[string][]string) {
	differences = map[string][]string{}
	left := slices.Clone(arrived)
	for i := range calls {
		c := &calls[i]
		at := slices.IndexFunc(left, func(m profile.Message) bool { return m.Type == c.want.Type && m.Name == c.want.Name })
		if at < 0 {
			differences[c.name] = []string{"it did not arrive"}
			continue
		}
		if d := c.differences(&left[at]); len(d) > 0 {
			differences[c.name] = d
		}
		left = slices.Delete(left, at, at+1)
	}
	for _, m := range left {
		what := fmt.Sprintf("%s %s", m.Type, m.Name)
		differences[what] = append(differences[what], "it was not expected")
	}
	return differences
}
