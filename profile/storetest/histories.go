package storetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// requireHistory holds a history to what EventNames and Events yield.
func (h *harness) requireHistory(r profile.Reader, user string, got *profile.History, since time.Time) {
	h.Helper()
	names := all(h, r.EventNames(h.ctx(), user))
	require.Equal(h, len(names), got.Len(), user)
	for i, name := range names {
		require.Equal(h, name, got.Name(i))
		got.Begin(i, since.UnixNano())
		for _, want := range all(h, r.Events(h.ctx(), user, name, since)) {
			require.True(h, got.Next(), "%s: %s", user, name)
			want.MessageID = ""
			is := *got.Event()
			require.Equal(h, describe(want), describe(is))
			require.Equal(h, want.Seq, is.Seq)
		}
		require.False(h, got.Next(), "%s: %s", user, name)
	}
}

// requireHistories holds what a reader may be besides, profile.HistoryReader and
// profile.HistoryScanner, to what it is: of some users, and of all.
func (h *harness) requireHistories(r profile.Reader, users ...string) {
	h.Helper()
	var got profile.History // the same for all
	for _, since := range []time.Time{profile.MinTime, h.now.Add(-time.Hour)} {
		if reader, is := r.(profile.HistoryReader); is {
			for _, user := range users {
				switch err := reader.ReadHistory(h.ctx(), user, &got); {
				case err == nil:
					h.requireHistory(r, user, &got, since)
				default:
					require.ErrorIs(h, err, errors.ErrUnsupported)
				}
			}
		}
		scanner, is := r.(profile.HistoryScanner)
		if !is {
			return
		}
		var scanned []string
		for part := range profile.Lanes {
			last := ""
			err := scanner.ScanHistory(h.ctx(), part, func(user string, got *profile.History) error {
				require.Less(h, last, user)
				last, scanned = user, append(scanned, user)
				h.requireHistory(r, user, got, since)
				return nil
			})
			if errors.Is(err, errors.ErrUnsupported) {
				require.Empty(h, scanned)
				return
			}
			require.NoError(h, err)
		}
		slices.Sort(scanned)
		require.Equal(h, all(h, r.Profiles(h.ctx(), profile.User, "")), scanned)
	}
}

var historyCases = []testCase{
	{name: "those of all users, in the store, a transaction and a snapshot that is written past", run: func(h *harness) {
		var users []string
		for _, form := range []string{"%d", "user-%03d", "\x00%d", "\x01\x00%d", "\xc3\xbf%d", "zz/%d/x"} {
			for i := range 30 {
				users = append(users, fmt.Sprintf(form, i*i))
			}
		}
		put := func(i int, user, name string) profile.Change {
			ev := event(user, name, fmt.Sprintf("%s %d", name, i), time.Duration(i)*time.Minute)
			if i%3 == 0 {
				ev.Event.Account = "acme"
			}
			return ev
		}
		for i, user := range users {
			if i%7 == 6 {
				h.apply(&profile.PutIDs{Ref: profile.UserRef(user)}) // one without events
				continue
			}
			for k := range i % 50 {
				h.apply(put(k*53%101, user, []string{"A", "A\x00", "B"}[k%3]))
			}
		}
		h.apply(&profile.Merge{From: users[3], Into: users[40]}, &profile.Delete{Ref: profile.UserRef(users[50])})
		h.requireHistories(h.store, append(users, "nobody")...)
		snap, err := h.store.Snapshot(h.ctx())
		require.NoError(h, err)
		defer snap.Close()
		h.apply(put(1, users[0], "later"), &profile.Delete{Ref: profile.UserRef(users[5])}, put(2, "new", "later"))
		h.requireHistories(snap, append(users, "new")...)
		h.requireHistories(h.store, append(users, "new")...)
		tx := h.begin()
		defer tx.Abort()
		require.NoError(h, tx.Put(put(3, users[0], "mine"), put(4, "mine", "A"), &profile.Merge{From: users[9], Into: users[10]}))
		h.requireHistories(tx, append(users, "mine")...)
	}},
	{name: "of a user with many events", run: func(h *harness) {
		for i := range 3000 {
			h.apply(event("u", "A", "", time.Duration(i)*time.Second))
		}
		snap, err := h.store.Snapshot(h.ctx())
		require.NoError(h, err)
		defer snap.Close()
		h.requireHistories(h.store, "u")
		h.requireHistories(snap, "u")
	}},
	{name: "a scan ends with the error of who looks, and with its snapshot", run: func(h *harness) {
		for i := range 100 {
			h.apply(event(fmt.Sprint(i), "A", "", 0))
		}
		snap, err := h.store.Snapshot(h.ctx())
		require.NoError(h, err)
		scanner, is := snap.(profile.HistoryScanner)
		if !is {
			require.NoError(h, snap.Close())
			return
		}
		scan := func(each func(string, *profile.History) error) (err error) {
			for part := 0; part < profile.Lanes && err == nil; part++ {
				err = scanner.ScanHistory(h.ctx(), part, each)
			}
			return err
		}
		if err := scan(func(string, *profile.History) error { return nil }); !errors.Is(err, errors.ErrUnsupported) {
			require.NoError(h, err)
			mine := errors.New("mine")
			require.ErrorIs(h, scan(func(string, *profile.History) error { return mine }), mine)
			n := 0
			require.ErrorIs(h, scan(func(string, *profile.History) error { n++; _ = snap.Close(); return nil }), profile.ErrClosed)
			require.Positive(h, n)
			require.ErrorIs(h, scan(func(string, *profile.History) error { return nil }), profile.ErrClosed)
		}
		_ = snap.Close() // it may be already
	}},
}
