package storetest

import (
	"sync"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

var txCases = []testCase{
	{name: "a transaction sees what it has put, and nobody else before its end", run: func(h *harness) {
		a := profile.UserRef("a")
		h.apply(event("a", "A", "1", 0))
		before := contents(h, h.store)
		snap, err := h.store.Snapshot(h.ctx())
		require.NoError(h, err)
		defer func() { _ = snap.Close() }()
		tx := h.begin()
		require.NoError(h, tx.Put(event("a", "A", "2", 0), &profile.Join{User: "a", Account: "acme"}))
		require.NoError(h, tx.Put(member("x", a), value("v", a, 1)))
		require.Len(h, all(h, tx.Events(h.ctx(), "a", "A", time.Time{})), 2)
		require.Equal(h, []string{"a"}, all(h, tx.Users(h.ctx(), "acme")))
		in, err := tx.Memberships(h.ctx(), a)
		require.NoError(h, err)
		require.Len(h, in, 1)
		values, err := tx.ValuesOf(h.ctx(), a)
		require.NoError(h, err)
		require.Len(h, values, 1)
		require.Equal(h, before, contents(h, snap))
		_, err = tx.Commit()
		require.NoError(h, err)
		require.Equal(h, before, contents(h, snap), "a snapshot taken before")
		require.NotEqual(h, before, contents(h, h.store))
	}},
	{name: "a transaction that is aborted leaves nothing", run: func(h *harness) {
		h.apply(event("a", "A", "1", 0), traits(profile.UserRef("a"), "2", 0, `{"p": 1}`), merge("b", "a"), use("k", "1"))
		before := contents(h, h.store)
		h.now = h.now.Add(time.Hour)
		tx := h.begin()
		require.NoError(h, tx.Put(event("a", "A", "3", 0), merge("a", "c"), &profile.Delete{Ref: profile.UserRef("c")},
			use("new", "1"), set("k", nil), event("c", "B", "1", 0)))
		require.NotEqual(h, before, contents(h, tx))
		tx.Abort()
		tx.Abort() // once more does nothing
		require.Equal(h, before, contents(h, h.store))
		again := event("a", "A", "3", 0)
		h.apply(again)
		require.False(h, again.Duplicate)
	}},
	{name: "a put that fails leaves the transaction as it was", run: func(h *harness) {
		h.apply(event("a", "A", "1", 0), use("k", "1"))
		tx := h.begin()
		defer tx.Abort()
		require.NoError(h, tx.Put(event("a", "A", "2", 0)))
		before := contents(h, tx)
		for _, bad := range []profile.Change{event("", "A", "", 0), use("k", "2"), set("none", nil), nil} {
			require.Error(h, tx.Put(event("a", "A", "3", 0), member("x", profile.UserRef("a")), bad))
			require.Equal(h, before, contents(h, tx))
		}
		require.NoError(h, tx.Put(event("a", "A", "4", 0)))
		_, err := tx.Commit()
		require.NoError(h, err)
		require.Equal(h, []string{"1", "2", "4"}, h.messageIDs("a", "A"))
	}},
	{name: "a transaction touches what it was begun for", run: func(h *harness) {
		a := profile.UserRef("a")
		h.apply(event("a", "A", "1", 0), merge("old", "a"))
		tx := h.begin(profile.UserRef("old"), profile.AccountRef("acme"))
		defer tx.Abort()
		require.NoError(h, tx.Put(event("old", "A", "2", 0), &profile.Join{User: "a", Account: "acme"}))
		require.NoError(h, tx.Put(member("x", a)))
		require.Len(h, all(h, tx.Events(h.ctx(), "old", "A", time.Time{})), 2)
		_, err := tx.Commit()
		require.NoError(h, err)
		require.Equal(h, []string{"1", "2"}, h.messageIDs("a", "A"))
	}},
	{name: "a transaction goes on at a later instant, with what is dropped by then", retention: 24 * time.Hour, run: func(h *harness) {
		start := h.now
		tx := h.begin(profile.UserRef("a"))
		defer tx.Abort()
		first, kept, late := event("a", "A", "1", 0), event("a", "A", "2", 0), event("a", "A", "3", 0)
		require.NoError(h, tx.Put(first))
		require.NoError(h, tx.At(start), "the same instant")
		require.ErrorIs(h, tx.At(start.Add(-1)), profile.ErrInvalid)
		require.ErrorIs(h, tx.At(time.Time{}), profile.ErrTime)
		require.NoError(h, tx.Put(kept))
		h.now = start.Add(25 * time.Hour)
		require.NoError(h, tx.At(h.now))
		late.Event.Time = start
		require.NoError(h, tx.Put(late))
		require.Equal(h, []bool{false, false, true}, []bool{first.Dropped, kept.Dropped, late.Dropped})
		fresh := event("a", "A", "4", 0)
		fresh.Event.Time = h.now
		require.NoError(h, tx.Put(fresh))
		_, now, err := tx.Position(h.ctx())
		require.NoError(h, err)
		require.Equal(h, h.now, now)
		_, err = tx.Commit()
		require.NoError(h, err)
		_, now, err = h.store.Position(h.ctx())
		require.NoError(h, err)
		require.Equal(h, h.now, now)
		require.Error(h, tx.At(h.now), "it is over")
	}},
	{name: "what is over takes nothing more", run: func(h *harness) {
		tx := h.begin()
		require.NoError(h, tx.Put(event("a", "A", "1", 0)))
		_, err := tx.Commit()
		require.NoError(h, err)
		tx.Abort()
		require.Error(h, tx.Put(event("a", "A", "2", 0)))
		_, err = tx.Commit()
		require.Error(h, err)
		require.Equal(h, []string{"1"}, h.messageIDs("a", "A"))
	}},
	{name: "a message is seen once it was put", run: func(h *harness) {
		tx := h.begin()
		defer tx.Abort()
		a := profile.UserRef("a")
		seen := func(id string) bool {
			is, err := tx.Seen(h.ctx(), a, id)
			require.NoError(h, err)
			return is
		}
		require.False(h, seen("1"))
		require.NoError(h, tx.Put(event("a", "A", "1", 0)))
		require.True(h, seen("1"))
		require.False(h, seen(""))
		require.NoError(h, tx.Put(&profile.Delete{Ref: a}))
		require.True(h, seen("1"), "of a deleted profile")
	}},
	{name: "many at once", run: func(h *harness) {
		h.apply(&profile.Join{User: "a", Account: "acme"}, &profile.Join{User: "b", Account: "acme"})
		wait := h.sideBySide([]string{"a", "b", "c", "a"}, 200, func(user string) []profile.Change {
			return []profile.Change{event(user, "A", "", 0), member("x", profile.UserRef(user))}
		}, profile.AccountRef("acme"))
		for range 50 {
			n, err := h.store.MemberCount(h.ctx(), "x")
			require.NoError(h, err)
			require.LessOrEqual(h, n, 3)
		}
		wait()
		require.Len(h, h.messageIDs("a", "A"), 200)
		require.Len(h, h.messageIDs("b", "A"), 100)
	}},
}

// sideBySide has a goroutine for each user make n transactions of it, and of others, one
// after the other, every other of which it aborts.
func (h *harness) sideBySide(users []string, n int, changes func(user string) []profile.Change, others ...profile.Ref) (wait func()) {
	var running sync.WaitGroup
	for _, user := range users {
		running.Add(1)
		go func() {
			defer running.Done()
			for i := range n {
				tx, err := h.store.Begin(h.ctx(), h.now, append([]profile.Ref{profile.UserRef(user)}, others...)...)
				if err == nil {
					err = tx.Put(changes(user)...)
				}
				if err != nil {
					h.Error(err)
					return
				}
				if i%2 == 0 {
					tx.Abort()
				} else if _, err := tx.Commit(); err != nil {
					h.Error(err)
				}
			}
		}()
	}
	return running.Wait
}
