package storetest

import (
	"fmt"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

func (h *harness) accountsOf(user string) []string {
	h.Helper()
	list, err := h.store.Accounts(h.ctx(), user)
	require.NoError(h, err)
	return list
}

var accountCases = []testCase{
	{name: "join makes both profiles if there are none", run: func(h *harness) {
		first, second := &profile.Join{User: "u", Account: "acme"}, &profile.Join{User: "u", Account: "beta"}
		h.apply(first, second)
		require.True(h, first.CreatedUser)
		require.True(h, first.CreatedAccount)
		require.True(h, first.Changed)
		require.Equal(h, "u", first.OutUser)
		require.False(h, second.CreatedUser)
		require.True(h, second.CreatedAccount)
		require.Equal(h, 1, h.count(profile.User))
		require.Equal(h, 2, h.count(profile.Account))
	}},
	{name: "what is so already is no change", run: func(h *harness) {
		again, left, gone := &profile.Join{User: "u", Account: "acme"}, &profile.Leave{User: "u", Account: "acme"},
			&profile.Leave{User: "u", Account: "acme", Changed: true}
		h.apply(&profile.Join{User: "u", Account: "acme"}, again, left, gone, &profile.Leave{User: "nobody", Account: "acme"})
		require.False(h, again.Changed)
		require.True(h, left.Changed)
		require.Equal(h, "u", left.OutUser)
		require.False(h, gone.Changed)
		require.Equal(h, 1, h.count(profile.User), "leave makes no profile")
	}},
	{name: "the same message id for the same user is one join, for another user another", run: func(h *harness) {
		join := func(user string) *profile.Join {
			return &profile.Join{User: user, Account: "acme", MessageID: "m"}
		}
		again, other := join("u"), join("v")
		h.apply(join("u"), &profile.Leave{User: "u", Account: "acme"}, again, other)
		require.True(h, again.Duplicate)
		require.False(h, again.Changed)
		require.Equal(h, "u", again.OutUser)
		require.Empty(h, h.accountsOf("u"))
		require.False(h, other.Duplicate)
		require.Equal(h, []string{"acme"}, h.accountsOf("v"))
		h.apply(merge("u", "w"))
		again = join("w")
		h.apply(again)
		require.True(h, again.Duplicate, "the message ids of both are remembered")
		event := event("w", "A", "m", 0)
		h.apply(event)
		require.True(h, event.Duplicate, "and shared with other messages")
	}},
	{name: "accounts of a user ascend", run: func(h *harness) {
		for _, a := range []string{"c", "a", "b"} {
			h.apply(&profile.Join{User: "u", Account: a})
		}
		h.apply(&profile.Leave{User: "u", Account: "b"})
		require.Equal(h, []string{"a", "c"}, h.accountsOf("u"))
		require.Empty(h, h.accountsOf("nobody"))
	}},
	{name: "users of an account ascend", run: func(h *harness) {
		var want []string
		for i := range 1500 {
			h.apply(&profile.Join{User: fmt.Sprintf("u%04d", i*7%1500), Account: "acme"})
			want = append(want, fmt.Sprintf("u%04d", i))
		}
		h.apply(&profile.Join{User: "other", Account: "acme2"}, &profile.Join{User: "other", Account: "acm"})
		require.Equal(h, want, all(h, h.store.Users(h.ctx(), "acme")))
		require.Empty(h, all(h, h.store.Users(h.ctx(), "none")))
	}},
	{name: "senders are who sent an event with the id, attached or not", run: func(h *harness) {
		for _, user := range []string{"c", "a", "b", "a"} {
			e := event(user, "A", "", 0)
			e.Event.Account = "acme"
			h.apply(e)
		}
		h.apply(&profile.Join{User: "d", Account: "acme"})
		require.Equal(h, []string{"a", "b", "c"}, all(h, h.store.Senders(h.ctx(), "acme")))
		require.Equal(h, []string{"d"}, all(h, h.store.Users(h.ctx(), "acme")))
		require.Equal(h, 1, h.count(profile.Account), "an event makes no account")
	}},
	{name: "a duplicate makes no sender", run: func(h *harness) {
		again := event("u", "A", "m", 0)
		again.Event.Account = "acme"
		h.apply(event("u", "A", "m", 0), again)
		require.Empty(h, all(h, h.store.Senders(h.ctx(), "acme")))
	}},
	{name: "ids that no store takes are refused", run: func(h *harness) {
		h.refused(profile.ErrInvalid, &profile.Join{User: "u"})
		h.refused(profile.ErrInvalid, &profile.Leave{Account: "acme"})
	}},
}
