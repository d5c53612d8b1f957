package storetest

import (
	"fmt"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

func ids(pairs ...string) (list []profile.ExternalID) {
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, profile.ExternalID{Type: pairs[i], Value: pairs[i+1]})
	}
	return list
}

func (h *harness) idsOf(ref profile.Ref) []profile.ExternalID {
	h.Helper()
	list, err := h.store.IDs(h.ctx(), ref)
	require.NoError(h, err)
	return list
}

func (h *harness) known(user string) bool {
	h.Helper()
	known, err := h.store.Known(h.ctx(), user)
	require.NoError(h, err)
	return known
}

func (h *harness) find(s profile.Subject, typ, value string) []string {
	h.Helper()
	list, err := h.store.Find(h.ctx(), s, profile.ExternalID{Type: typ, Value: value})
	require.NoError(h, err)
	return list
}

var profileCases = []testCase{
	{name: "an unknown profile resolves to itself, and does not exist", run: func(h *harness) {
		id, exists := h.resolve(profile.UserRef("u"))
		require.Equal(h, "u", id)
		require.False(h, exists)
	}},
	{name: "profiles ascend, from the first greater than after, by subject", run: func(h *harness) {
		const n = 2500
		var want []string
		for i := range n {
			h.apply(event(fmt.Sprintf("u%04d", i*7%n), "A", "", 0))
			want = append(want, fmt.Sprintf("u%04d", i))
		}
		h.apply(traits(profile.AccountRef("acme"), "", 0, `{"a": 1}`))
		require.Equal(h, want, all(h, h.store.Profiles(h.ctx(), profile.User, "")))
		require.Equal(h, want[101:], all(h, h.store.Profiles(h.ctx(), profile.User, want[100])))
		require.Equal(h, want[101:], all(h, h.store.Profiles(h.ctx(), profile.User, want[100]+"x")))
		require.Empty(h, all(h, h.store.Profiles(h.ctx(), profile.User, "v")))
		require.Equal(h, []string{"acme"}, all(h, h.store.Profiles(h.ctx(), profile.Account, "")))
		require.Equal(h, n, h.count(profile.User))
		require.Equal(h, 1, h.count(profile.Account))
	}},
	{name: "who came under a user id is known, who came as a visitor is not, and a merge knows both", run: func(h *harness) {
		for i, c := range []func(user string, visitor bool) profile.Change{
			func(user string, visitor bool) profile.Change {
				e := event(user, "A", "", 0)
				e.Visitor = visitor
				return e
			},
			func(user string, visitor bool) profile.Change {
				return &profile.PutTraits{Ref: profile.UserRef(user), Time: start, Visitor: visitor}
			},
			func(user string, visitor bool) profile.Change {
				return &profile.PutIDs{Ref: profile.UserRef(user), Visitor: visitor}
			},
			func(user string, visitor bool) profile.Change {
				return &profile.Join{User: user, Account: "acme", Visitor: visitor}
			},
		} {
			user, visitor, both := fmt.Sprint("user", i), fmt.Sprint("visitor", i), fmt.Sprint("both", i)
			require.False(h, h.known(user))
			h.apply(c(user, false), c(visitor, true), c(both, true), c(both, false), c(both, true))
			require.Equal(h, []bool{true, false, true}, []bool{h.known(user), h.known(visitor), h.known(both)}, "%T", c("u", true))
			h.apply(merge(visitor, "second visitor"))
			require.True(h, h.known(visitor), "an id to merge into is a user id")
			h.apply(&profile.Delete{Ref: profile.UserRef(user)}, c(user, true))
			require.False(h, h.known(user), "all is forgotten of a deleted one")
		}
	}},
	{name: "external ids are a set, by type, then value", run: func(h *harness) {
		u := profile.UserRef("u")
		put := &profile.PutIDs{Ref: u, IDs: ids("phone", "1", "email", "b@x", "email", "a@x")}
		h.apply(put, &profile.PutIDs{Ref: u, IDs: ids("email", "a@x", "email", "c@x")})
		require.True(h, put.Created)
		require.True(h, put.Changed)
		require.Equal(h, "u", put.OutID)
		again := &profile.PutIDs{Ref: u, IDs: ids("email", "a@x", "email", "a@x")}
		h.apply(again)
		require.False(h, again.Changed)
		require.Equal(h, ids("email", "a@x", "email", "b@x", "email", "c@x", "phone", "1"), h.idsOf(u))
	}},
	{name: "hundreds of ids in one change, some of them twice or there before", run: func(h *harness) {
		u, n := profile.UserRef("u"), 900
		put, want := &profile.PutIDs{Ref: u, IDs: ids("n", "0001", "o", "1")}, []profile.ExternalID(nil)
		h.apply(put)
		for i := range n {
			put.IDs = append(put.IDs, ids("n", fmt.Sprintf("%04d", i*7%n), "n", fmt.Sprintf("%04d", i/2))...)
			want = append(want, ids("n", fmt.Sprintf("%04d", i))...)
		}
		h.apply(put)
		require.Equal(h, append(want, ids("o", "1")...), h.idsOf(u))
		require.Equal(h, []string{"u"}, h.find(profile.User, "n", "0899"))
	}},
	{name: "what a caller does to a list is its own affair", run: func(h *harness) {
		u := profile.UserRef("u")
		given := ids("email", "a@x")
		h.apply(&profile.PutIDs{Ref: u, IDs: given}, &profile.Join{User: "u", Account: "acme"})
		given[0].Value = "changed"
		h.idsOf(u)[0].Value = "changed"
		h.accountsOf("u")[0] = "changed"
		require.Equal(h, ids("email", "a@x"), h.idsOf(u))
		require.Equal(h, []string{"acme"}, h.accountsOf("u"))
	}},
	{name: "find returns all profiles of the subject that have the id", run: func(h *harness) {
		for i := range 9 {
			h.apply(&profile.PutIDs{Ref: profile.UserRef(fmt.Sprint("u", 8-i)), IDs: ids("email", "a@x")})
		}
		h.apply(&profile.PutIDs{Ref: profile.AccountRef("acme"), IDs: ids("email", "a@x", "domain", "x")})
		require.Equal(h, []string{"u0", "u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8"}, h.find(profile.User, "email", "a@x"))
		require.Equal(h, []string{"acme"}, h.find(profile.Account, "email", "a@x"))
		require.Empty(h, h.find(profile.User, "email", "a@"))
		require.Empty(h, h.find(profile.User, "emai", "a@x"))
		require.Empty(h, h.find(profile.User, "domain", "x"))
	}},
	{name: "ids that no store takes are refused", run: func(h *harness) {
		u := profile.UserRef("u")
		h.refused(profile.ErrInvalid, &profile.PutIDs{Ref: u, IDs: ids("", "a")})
		h.refused(profile.ErrInvalid, &profile.PutIDs{Ref: u, IDs: ids("email", "a", "email", "")})
		h.refused(profile.ErrInvalid, &profile.PutIDs{Ref: u, IDs: ids("email", "\xff")})
		_, exists := h.resolve(u)
		require.False(h, exists)
	}},
	{name: "a subject that is none is refused", run: func(h *harness) {
		bad := profile.Ref{Subject: 9, ID: "u"}
		_, _, err := h.store.Resolve(h.ctx(), bad)
		require.ErrorIs(h, err, profile.ErrInvalid)
		_, err = h.store.Count(h.ctx(), bad.Subject)
		require.ErrorIs(h, err, profile.ErrInvalid)
		_, err = collect(h.store.Profiles(h.ctx(), bad.Subject, ""))
		require.ErrorIs(h, err, profile.ErrInvalid)
		h.refused(profile.ErrInvalid, &profile.Delete{Ref: bad})
	}},
}
