package profile_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// A history read in place is what EventNames and Events yield, of all users and from any
// time on: with late events, many chunks, accounts, contexts, merges, deletions and a
// retention, in the store, in a transaction and, by a scan, in a snapshot that is written past.
func TestAHistoryIsWhatEventsYield(t *testing.T) {
	ctx := t.Context()
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 7))
		store := profile.NewMemStore(profile.WithRetention(time.Duration(seed%2) * 400 * profile.Day))
		now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		users := 1 + rng.IntN(30)
		change := func() profile.Change {
			user := fmt.Sprint("u", rng.IntN(users))
			switch rng.IntN(60) {
			case 0:
				return &profile.Merge{From: fmt.Sprint("u", rng.IntN(users)), Into: user}
			case 1:
				return &profile.Delete{Ref: profile.UserRef(user)}
			case 2:
				return &profile.PutTraits{Ref: profile.UserRef(user), Traits: object(t, map[string]any{"a": rng.IntN(9)}), Time: now, MessageID: fmt.Sprint(rng.Uint64())}
			}
			ev := profile.Event{
				Profile: user, Name: fmt.Sprint("event ", rng.IntN(4)),
				Time:       now.Add(-time.Duration(rng.Int64N(int64(300 * profile.Day)))),
				Properties: object(t, map[string]any{"n": rng.IntN(1000), "text": fmt.Sprint(rng.Uint64())}),
			}
			if rng.IntN(2) == 0 {
				ev.MessageID = fmt.Sprint(rng.Uint64())
			}
			if rng.IntN(3) == 0 {
				ev.Account = "acme"
			}
			if rng.IntN(3) == 0 {
				ev.Context = object(t, map[string]any{"ip": "10.0.0.1"})
			}
			return &profile.PutEvent{Event: ev}
		}
		for range 600 {
			require.NoError(t, profile.Apply(ctx, store, now, change()))
		}
		snap, err := store.Snapshot(ctx)
		require.NoError(t, err)
		for range 200 {
			require.NoError(t, profile.Apply(ctx, store, now, change()))
		}
		from := now.Add(-time.Duration(rng.Int64N(int64(300 * profile.Day)))).UnixNano()
		var h profile.History // the same for all
		check := func(r profile.Reader) {
			for u := range users + 1 { // the last is unknown
				user := fmt.Sprint("u", u)
				require.NoError(t, r.(profile.HistoryReader).ReadHistory(ctx, user, &h))
				requireHistory(t, ctx, r, user, &h, from)
			}
		}
		check(store)
		check(snap)
		tx, err := store.Begin(ctx, now)
		require.NoError(t, err)
		require.NoError(t, tx.Put(change(), change()))
		check(tx)
		tx.Abort()
		var scanned []string
		for lane := range profile.Lanes {
			last := ""
			require.NoError(t, snap.(profile.HistoryScanner).ScanHistory(ctx, lane, func(user string, h *profile.History) error {
				require.Less(t, last, user)
				require.Equal(t, lane, profile.Lane(user))
				last, scanned = user, append(scanned, user)
				requireHistory(t, ctx, snap, user, h, from)
				return nil
			}))
		}
		slices.Sort(scanned)
		var all []string
		for id, err := range snap.Profiles(ctx, profile.User, "") {
			require.NoError(t, err)
			all = append(all, id)
		}
		require.Equal(t, all, scanned)
		require.NoError(t, snap.Close())
	}
}

// requireHistory holds a history to what the iterators yield.
func requireHistory(t *testing.T, ctx context.Context, r profile.Reader, user string, h *profile.History, from int64) {
	t.Helper()
	i := 0
	for name, err := range r.EventNames(ctx, user) {
		require.NoError(t, err)
		require.Less(t, i, h.Len())
		require.Equal(t, name, h.Name(i))
		h.Begin(i, from)
		for want, err := range r.Events(ctx, user, name, time.Unix(0, from)) {
			require.NoError(t, err)
			require.True(t, h.Next())
			want.MessageID = ""
			require.Equal(t, want, *h.Event())
		}
		require.False(t, h.Next())
		i++
	}
	require.Equal(t, i, h.Len())

	// Events of several names come in one order.
	var names []int
	var want []profile.Event
	for n := range h.Len() {
		if n%3 == 1 {
			continue
		}
		names = append(names, n)
		for ev, err := range r.Events(ctx, user, h.Name(n), time.Unix(0, from)) {
			require.NoError(t, err)
			ev.MessageID = ""
			want = append(want, ev)
		}
	}
	slices.SortFunc(want, func(a, b profile.Event) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Seq, b.Seq)) })
	h.BeginAll(names, from)
	for i := range want {
		require.True(t, h.Next())
		require.Equal(t, want[i], *h.Event())
	}
	require.False(t, h.Next())
	require.False(t, h.Next())
}

// A scan goes over many pages, and ends with the error of who looks, its context or its snapshot.
func TestAScanOfHistoriesEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	store := profile.NewMemStore()
	const users = 40_000
	for u := range users {
		require.NoError(t, profile.Apply(ctx, store, profile.MinTime, &profile.PutEvent{
			Event: profile.Event{Profile: fmt.Sprint(u), Name: "A", Time: profile.MinTime}}))
	}
	snap, err := store.Snapshot(ctx)
	require.NoError(t, err)
	scan := func(each func(string, *profile.History) error) (err error) {
		for lane := 0; lane < profile.Lanes && err == nil; lane++ {
			err = snap.(profile.HistoryScanner).ScanHistory(ctx, lane, each)
		}
		return err
	}
	n := 0
	require.NoError(t, scan(func(string, *profile.History) error { n++; return nil }))
	require.Equal(t, users, n)
	mine := errors.New("mine")
	require.Equal(t, mine, scan(func(string, *profile.History) error { return mine }))
	require.ErrorIs(t, scan(func(string, *profile.History) error { cancel(); return nil }), context.Canceled)
	ctx = t.Context()
	require.NoError(t, snap.Close())
	require.ErrorIs(t, scan(func(string, *profile.History) error { return nil }), profile.ErrClosed)
}

func object(t *testing.T, m map[string]any) profile.Object {
	o, err := profile.NewObject(m)
	require.NoError(t, err)
	return o
}
