package oracle

import (
	"slices"
	"strings"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// deed is an event that a profile takes: a user its own; an account those of the
// users who are attached to it, whenever they were done, and those that any user
// sent for it.
type deed struct {
	message
	user profile.Ref
}

func (d deed) time() int64 { return d.track.Event.Time.UnixNano() }

// which says which events something is about.
type which struct {
	name   string // or, if it is empty,
	names  []string
	prefix string // or, if that is too,
	any    bool
}

func (w which) takes(name string) bool {
	switch {
	case w.name != "":
		return name == w.name
	case w.names != nil:
		return slices.Contains(w.names, name)
	}
	return w.any || strings.HasPrefix(name, w.prefix)
}

func ofEvent(e *audience.Event) which { return which{e.Name, e.Names, e.Prefix, e.Any} }

func ofTrait(c *trait.Computed) which { return which{c.Event, c.Names, c.Prefix, c.Any} }

func ofStep(s *funnel.Step) which { return which{s.Event, s.Names, s.Prefix, s.Any} }

// deeds returns those of a scope that arrived after since.
func (v view) deeds(of audience.Scope, since int) []deed {
	var all []deed
	add := func(by view, takes func(message) bool) {
		for _, m := range by.person.messages {
			if m.track != nil && m.arrival > since && takes(m) {
				all = append(all, deed{m, by.ref})
			}
		}
	}
	if v.ref.Subject == profile.User {
		add(v, func(message) bool { return true })
		return all
	}
	for id, p := range v.world.people {
		add(v.of(profile.UserRef(id)), func(m message) bool {
			return m.track.Event.Account == v.ref.ID || of == audience.OfUsers && p.accounts[v.ref.ID]
		})
	}
	return all
}

// matching returns the deeds of some names that pass a filter, if there is one, and
// lie in a window.
func (v view) matching(names which, filter string, w profile.Window, of audience.Scope, since int) []deed {
	return slices.DeleteFunc(v.deeds(of, since), func(d deed) bool {
		return !names.takes(d.track.Event.Name) || !counts(w, d.time(), v.t) || !v.passes(d, filter, since, nil, nil)
	})
}

// passes answers a filter on a deed, given those chosen for the earlier steps of
// some names.
func (v view) passes(d deed, filter string, since int, earlier []string, chosen []message) bool {
	return filter == "" || slices.ContainsFunc(v.scopesOf(d, filter, since), func(sees scope) bool {
		return v.filters.step(filter, earlier, d.message, chosen, sees)
	})
}
