package storetest

import (
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

func merge(from, into string) *profile.Merge { return &profile.Merge{From: from, Into: into} }

var mergeCases = []testCase{
	{name: "events of both are interleaved", run: func(h *harness) {
		h.apply(event("a", "A", "1", 4*time.Hour), event("b", "A", "2", 3*time.Hour), event("a", "A", "3", 2*time.Hour),
			event("b", "A", "4", 2*time.Hour), event("b", "A", "5", time.Hour), event("a", "B", "6", 0))
		m := merge("a", "b")
		h.apply(m)
		require.Equal(h, []string{"a", "b"}, []string{m.OutFrom, m.OutInto})
		require.False(h, m.Created)
		require.Equal(h, []string{"1", "2", "3", "4", "5"}, h.messageIDs("b", "A"))
		require.Equal(h, []string{"6"}, h.messageIDs("b", "B"))
		for _, e := range all(h, h.store.Events(h.ctx(), "a", "A", time.Time{})) {
			require.Equal(h, "b", e.Profile)
		}
	}},
	{name: "traits, ids and accounts are united", run: func(h *harness) {
		a, b := profile.UserRef("a"), profile.UserRef("b")
		h.apply(
			traits(a, "1", time.Hour, `{"x": "a", "y": "a"}`), traits(b, "2", 2*time.Hour, `{"x": "b", "z": "b"}`),
			&profile.PutIDs{Ref: a, IDs: ids("email", "a@x", "email", "both@x")},
			&profile.PutIDs{Ref: b, IDs: ids("email", "b@x", "email", "both@x")},
			&profile.Join{User: "a", Account: "acme"}, &profile.Join{User: "b", Account: "acme"},
			&profile.Join{User: "a", Account: "beta"},
			merge("a", "b"))
		require.Equal(h, []string{`x="b"@2`, `x="a"@1`, `y="a"@1`, `z="b"@2`}, h.writes(b))
		require.Equal(h, ids("email", "a@x", "email", "b@x", "email", "both@x"), h.idsOf(a))
		require.Equal(h, []string{"b"}, h.find(profile.User, "email", "a@x"))
		require.Equal(h, []string{"b"}, h.find(profile.User, "email", "both@x"))
		require.Equal(h, []string{"acme", "beta"}, h.accountsOf("b"))
		require.Equal(h, []string{"b"}, all(h, h.store.Users(h.ctx(), "acme")))
		require.Equal(h, []string{"b"}, all(h, h.store.Users(h.ctx(), "beta")))
	}},
	{name: "what a repeated trait call superseded counts again", run: func(h *harness) {
		for name, calls := range map[string]func(user, visitor profile.Ref) []profile.Change{
			"a value": func(user, _ profile.Ref) []profile.Change {
				return []profile.Change{traits(user, "1", 3*time.Hour, `{"x": "back"}`), traits(user, "7", time.Hour, `{"x": "gone"}`)}
			},
			"the newest of several": func(user, _ profile.Ref) []profile.Change {
				return []profile.Change{
					traits(user, "1", 4*time.Hour, `{"x": "older"}`), traits(user, "2", 3*time.Hour, `{"x": "back"}`),
					traits(user, "7", time.Hour, `{"x": "gone"}`),
				}
			},
			"of a removal, one without a message id": func(user, _ profile.Ref) []profile.Change {
				return []profile.Change{traits(user, "", 3*time.Hour, `{"x": "back"}`), traits(user, "7", time.Hour, `{"x": null}`)}
			},
			"one of the same time": func(user, _ profile.Ref) []profile.Change {
				return []profile.Change{traits(user, "1", time.Hour, `{"x": "back"}`), traits(user, "7", time.Hour, `{"x": "gone"}`)}
			},
			"one of the other profile": func(user, visitor profile.Ref) []profile.Change {
				return []profile.Change{traits(user, "7", time.Hour, `{"x": "gone"}`), traits(visitor, "1", 3*time.Hour, `{"x": "back"}`)}
			},
		} {
			user, visitor := profile.UserRef("user: "+name), profile.UserRef("visitor: "+name)
			h.apply(event(visitor.ID, "A", "7", 5*time.Hour)) // the first of that id
			h.apply(calls(user, visitor)...)
			h.apply(merge(visitor.ID, user.ID))
			writes := h.traitsOf(user)
			require.NotEmpty(h, writes, name)
			require.Equal(h, `"back"`, writes[0].Value.String(), name)
		}
	}},
	{name: "from is no profile any more, and its id resolves to into", run: func(h *harness) {
		h.apply(event("a", "A", "", 0), event("b", "A", "", 0), merge("a", "b"))
		id, exists := h.resolve(profile.UserRef("a"))
		require.Equal(h, "b", id)
		require.True(h, exists)
		require.Equal(h, []string{"b"}, all(h, h.store.Profiles(h.ctx(), profile.User, "")))
		require.Equal(h, 1, h.count(profile.User))
		later := event("a", "A", "", 0)
		h.apply(later)
		require.Equal(h, "b", later.OutID)
		require.False(h, later.Created)
		require.Len(h, h.messageIDs("b", "A"), 3)
	}},
	{name: "merges chain, in one batch or in several", run: func(h *harness) {
		for _, batches := range [][][]profile.Change{
			{{event("a", "A", "", 0), merge("a", "b"), merge("b", "c"), merge("c", "d"), event("b", "A", "", 0)}},
			{{merge("e", "f")}, {merge("f", "g")}, {merge("g", "h")}, {event("e", "A", "", 0)}, {event("f", "A", "", 0)}},
		} {
			for _, batch := range batches {
				h.apply(batch...)
			}
		}
		for from, into := range map[string]string{"a": "d", "b": "d", "c": "d", "e": "h", "f": "h", "g": "h"} {
			id, exists := h.resolve(profile.UserRef(from))
			require.Equal(h, into, id)
			require.True(h, exists)
			require.Len(h, h.messageIDs(from, "A"), 2)
		}
		require.Equal(h, 2, h.count(profile.User))
	}},
	{name: "a merge into an id that was merged goes to where it is now", run: func(h *harness) {
		m := merge("c", "a")
		h.apply(event("c", "A", "", 0), merge("a", "b"), m)
		require.Equal(h, []string{"c", "b"}, []string{m.OutFrom, m.OutInto})
		require.Len(h, h.messageIDs("b", "A"), 1)
	}},
	{name: "a profile merged into itself is unchanged", run: func(h *harness) {
		back, self, unknown := merge("b", "a"), merge("a", "a"), merge("x", "x")
		h.apply(event("a", "A", "", 0), merge("a", "b"), back, self, unknown)
		for _, m := range []*profile.Merge{back, self} {
			require.Equal(h, []string{"b", "b"}, []string{m.OutFrom, m.OutInto})
			require.False(h, m.Created)
		}
		require.Equal(h, unknown.OutFrom, unknown.OutInto)
		require.False(h, unknown.Created)
		require.Len(h, h.messageIDs("a", "A"), 1)
		require.Equal(h, 1, h.count(profile.User))
	}},
	{name: "into is made if there is none, and from need not have existed", run: func(h *harness) {
		m := merge("a", "b")
		h.apply(m)
		require.True(h, m.Created)
		id, exists := h.resolve(profile.UserRef("a"))
		require.Equal(h, "b", id)
		require.True(h, exists)
		require.Equal(h, []string{"b"}, all(h, h.store.Profiles(h.ctx(), profile.User, "")))
	}},
	{name: "of an event that both have the one that arrived first is kept", run: func(h *harness) {
		h.apply(event("a", "A", "m", time.Hour), event("b", "B", "m", 2*time.Hour), event("b", "A", "n", 0),
			event("b", "A", uuid, 3*time.Hour), event("a", "A", uuid, 4*time.Hour), merge("a", "b"))
		require.Equal(h, []string{uuid, "m", "n"}, h.messageIDs("b", "A"))
		require.Empty(h, h.messageIDs("b", "B"))
		require.Equal(h, []string{"A"}, all(h, h.store.EventNames(h.ctx(), "b")))
		require.True(h, start.Add(-3*time.Hour).Equal(all(h, h.store.Events(h.ctx(), "b", "A", time.Time{}))[0].Time))
	}},
	{name: "message ids of both are remembered", run: func(h *harness) {
		u := profile.UserRef("a")
		h.apply(event("a", "A", "1", 0), event("b", "A", "2", 0), traits(u, "3", 0, `{"x": 1}`), merge("a", "b"))
		for _, id := range []string{"1", "2", "3"} {
			again, call := event("b", "A", id, 0), traits(profile.UserRef("b"), id, 0, `{"x": 2}`)
			h.apply(again, call)
			require.True(h, again.Duplicate, id)
			require.True(h, call.Duplicate, id)
		}
	}},
	{name: "the memberships of from are dropped, those of into stay", run: func(h *harness) {
		a, b := profile.UserRef("a"), profile.UserRef("b")
		h.apply(event("a", "A", "", 0), event("b", "A", "", 0), member("x", a), member("y", a), member("y", b), merge("a", "b"))
		require.Equal(h, []string{"y"}, h.audiencesOf(a))
		require.Zero(h, h.memberCount("x"))
		require.Equal(h, 1, h.memberCount("y"))
	}},
	{name: "the computed values of from are dropped, those of into stay", run: func(h *harness) {
		a, b := profile.UserRef("a"), profile.UserRef("b")
		h.enter(value("v", a, 1), value("w", a, 1), value("w", b, 2), merge("a", "b"))
		require.Equal(h, []string{"w=2"}, h.valuesOf(a))
		require.Equal(h, []string{"w=2"}, h.valuesOf(b))
		require.Empty(h, all(h, h.store.Values(h.ctx(), "v", "")))
		require.Equal(h, []profile.ComputedValue{value("w", b, 2).Value}, all(h, h.store.Values(h.ctx(), "w", "")))
	}},
	{name: "who sent for an account is into", run: func(h *harness) {
		e := event("a", "A", "", 0)
		e.Event.Account = "acme"
		h.apply(e, event("b", "A", "", 0), merge("a", "b"))
		require.Equal(h, []string{"b"}, all(h, h.store.Senders(h.ctx(), "acme")))
	}},
	{name: "ids that no store takes are refused", run: func(h *harness) {
		h.refused(profile.ErrInvalid, merge("", "b"))
		h.refused(profile.ErrInvalid, merge("a", ""))
	}},
}

var deleteCases = []testCase{
	{name: "everything that is its own goes", run: func(h *harness) {
		a := profile.UserRef("a")
		e := event("a", "A", "m", 0)
		e.Event.Account = "acme"
		del := &profile.Delete{Ref: a}
		h.apply(e, traits(a, "t", 0, `{"x": 1}`), &profile.PutIDs{Ref: a, IDs: ids("email", "a@x")},
			&profile.Join{User: "a", Account: "acme"}, member("x", a), value("v", a, 1), del)
		require.True(h, del.Existed)
		require.Equal(h, "a", del.OutID)
		_, exists := h.resolve(a)
		require.False(h, exists)
		require.Zero(h, h.count(profile.User))
		require.Empty(h, all(h, h.store.EventNames(h.ctx(), "a")))
		require.Empty(h, h.messageIDs("a", "A"))
		require.Empty(h, h.traitsOf(a))
		require.Empty(h, h.idsOf(a))
		require.Empty(h, h.find(profile.User, "email", "a@x"))
		require.Empty(h, h.accountsOf("a"))
		require.Empty(h, all(h, h.store.Users(h.ctx(), "acme")))
		require.Empty(h, all(h, h.store.Senders(h.ctx(), "acme")))
		require.Empty(h, h.audiencesOf(a))
		require.Zero(h, h.memberCount("x"))
		require.Empty(h, h.valuesOf(a))
		require.Empty(h, h.holders("v", ""))
		require.Equal(h, 1, h.count(profile.Account))
	}},
	{name: "its messages stay duplicates, under all its ids, and others begin a new profile", run: func(h *harness) {
		a, acme := profile.UserRef("a"), profile.AccountRef("acme")
		h.apply(h.messages("a")...)
		h.apply(event("visitor", "A", "early", 0), merge("visitor", "a"), traits(acme, "t", 0, `{"x": 1}`),
			&profile.Delete{Ref: a}, &profile.Delete{Ref: acme})
		before := contents(h, h.store)
		for _, id := range []string{"a", "visitor"} {
			for _, c := range append(h.messages(id), event(id, "A", "early", 0), traits(acme, "t", 0, `{"x": 1}`)) {
				h.apply(c)
				require.True(h, duplicate(c), "%T", c)
			}
			for _, m := range []string{"event", "traits", "join", "merge", "early"} {
				require.True(h, h.seen(profile.UserRef(id), m), m)
			}
			require.False(h, h.seen(profile.UserRef(id), "new"))
		}
		require.Equal(h, before, contents(h, h.store), "nobody was made")
		fresh := event("a", "A", "new", 0)
		h.apply(fresh, event("visitor", "A", "new", 0))
		require.True(h, fresh.Created)
		require.Equal(h, []string{"new"}, h.messageIDs("a", "A"))
		require.Equal(h, []string{"new"}, h.messageIDs("visitor", "A"))
		h.apply(h.messages("a")...)
		require.Equal(h, []string{"new"}, h.messageIDs("a", "A"), "still")
		require.Empty(h, h.traitsOf(a))
		h.apply(&profile.Delete{Ref: a})
		require.True(h, h.seen(a, "event"))
		require.True(h, h.seen(a, "new"))
	}},
	{name: "the messages of another, or to another, are none of them", run: func(h *harness) {
		other, account := event("b", "A", "m", 0), traits(profile.AccountRef("a"), "m", 0, `{"x": 1}`)
		h.apply(event("a", "A", "m", 0), &profile.Delete{Ref: profile.UserRef("a")}, other, account)
		require.False(h, other.Duplicate)
		require.False(h, account.Duplicate)
	}},
	{name: "its messages are forgotten after the retention", retention: profile.Day, run: func(h *harness) {
		a, deleted := profile.UserRef("a"), h.now
		h.apply(event("a", "A", "m", 0), traits(a, "t", 0, `{"x": 1}`), &profile.Delete{Ref: a})
		h.now = deleted.Add(profile.Day - 1)
		again := traits(a, "t", 0, `{"x": 1}`)
		h.apply(again)
		require.True(h, again.Duplicate)
		require.True(h, h.seen(a, "m"))
		h.now = deleted.Add(profile.Day)
		h.apply(again)
		require.False(h, again.Duplicate)
		require.True(h, again.Created)
		require.False(h, h.seen(a, "m"))
	}},
	{name: "the ids merged into it go too, and begin new profiles", run: func(h *harness) {
		again := event("a", "A", "", 0)
		h.apply(event("a", "A", "", 0), merge("a", "b"), merge("b", "c"), &profile.Delete{Ref: profile.UserRef("a")}, again)
		require.True(h, again.Created)
		require.Equal(h, "a", again.OutID)
		for _, gone := range []string{"b", "c"} {
			id, exists := h.resolve(profile.UserRef(gone))
			require.Equal(h, gone, id)
			require.False(h, exists)
		}
	}},
	{name: "a profile that is not there is no error", run: func(h *harness) {
		del := &profile.Delete{Ref: profile.UserRef("a"), Existed: true}
		h.apply(del)
		require.False(h, del.Existed)
		require.Equal(h, "a", del.OutID)
	}},
	{name: "an account detaches its users, and events sent with its id stay theirs", run: func(h *harness) {
		e := event("a", "A", "m", 0)
		e.Event.Account = "acme"
		acme := profile.AccountRef("acme")
		h.apply(e, traits(acme, "t", 0, `{"x": 1}`), &profile.Join{User: "a", Account: "acme"},
			&profile.Join{User: "b", Account: "acme"}, &profile.Join{User: "a", Account: "beta"}, member("x", acme),
			value("v", acme, 1), &profile.Delete{Ref: acme})
		require.Equal(h, []string{"beta"}, h.accountsOf("a"))
		require.Empty(h, h.accountsOf("b"))
		require.Empty(h, all(h, h.store.Users(h.ctx(), "acme")))
		require.Equal(h, []string{"a"}, all(h, h.store.Senders(h.ctx(), "acme")))
		require.Equal(h, []string{"m"}, h.messageIDs("a", "A"))
		require.Equal(h, []string{"beta"}, all(h, h.store.Profiles(h.ctx(), profile.Account, "")))
		require.Zero(h, h.memberCount("x"))
		require.Empty(h, h.holders("v", ""))
	}},
	{name: "user 7 is not account 7", run: func(h *harness) {
		h.apply(event("7", "A", "", 0), traits(profile.AccountRef("7"), "", 0, `{"x": 1}`),
			&profile.Delete{Ref: profile.AccountRef("7")})
		require.Len(h, h.messageIDs("7", "A"), 1)
		require.Equal(h, 1, h.count(profile.User))
	}},
}

// messages are one message of each kind that a user sends.
func (h *harness) messages(user string) []profile.Change {
	return []profile.Change{
		event(user, "A", "event", 0), traits(profile.UserRef(user), "traits", 0, `{"x": 1}`),
		&profile.Join{User: user, Account: "acme", MessageID: "join"},
		&profile.Merge{From: user + "'s visitor", Into: user, MessageID: "merge"},
	}
}

// duplicate reports whether a message was found to be one.
func duplicate(c profile.Change) bool {
	switch c := c.(type) {
	case *profile.PutEvent:
		return c.Duplicate
	case *profile.PutTraits:
		return c.Duplicate
	case *profile.Join:
		return c.Duplicate
	case *profile.Merge:
		return c.Duplicate
	}
	return false
}

func (h *harness) seen(ref profile.Ref, messageID string) bool {
	h.Helper()
	tx := h.begin()
	defer tx.Abort()
	seen, err := tx.Seen(h.ctx(), ref, messageID)
	require.NoError(h, err)
	return seen
}
