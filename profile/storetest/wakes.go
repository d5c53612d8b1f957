package storetest

import (
	"fmt"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// wake has a profile wake some time after start.
func wake(ref profile.Ref, after time.Duration) *profile.SetWake {
	return &profile.SetWake{Wake: profile.Wake{Ref: ref, At: start.Add(after), Version: 1, Marks: []uint64{7, 9}}}
}

var wakeCases = []testCase{
	{name: "counts are kept as they are, and with the rest", run: func(h *harness) {
		a := profile.AccountRef("a")
		counted := wake(a, time.Hour)
		counted.Wake.Counts, counted.Wake.Counted = []profile.UsersCount{{Mark: 3, Users: 1 << 31, Meet: 5}, {Mark: 1 << 63, Users: 1 << 31}}, 8
		h.enterWake(counted)
		want := counted.Wake.Clone()
		counted.Wake.Counts[0].Meet = 6 // it is the caller's again
		w, err := h.store.Wake(h.ctx(), a)
		require.NoError(h, err)
		require.Equal(h, want, w)
		tx, err := h.store.Begin(h.ctx(), start, a)
		require.NoError(h, err)
		require.NoError(h, tx.Put(counted))
		w, err = tx.Wake(h.ctx(), a)
		require.NoError(h, err)
		require.Equal(h, counted.Wake, w)
		tx.Abort()
		w, err = h.store.Wake(h.ctx(), a)
		require.NoError(h, err)
		require.Equal(h, want, w)
		h.apply(wake(a, time.Hour))
		w, err = h.store.Wake(h.ctx(), a)
		require.NoError(h, err)
		require.Equal(h, wake(a, time.Hour).Wake, w)
	}},
	{name: "what is kept is the last that was set", run: func(h *harness) {
		a := profile.UserRef("a")
		h.enterWake(wake(a, time.Hour), wake(a, time.Minute))
		w, err := h.store.Wake(h.ctx(), a)
		require.NoError(h, err)
		require.Equal(h, wake(a, time.Minute).Wake, w)
		h.apply(&profile.SetWake{Wake: profile.Wake{Ref: a}})
		w, err = h.store.Wake(h.ctx(), a)
		require.NoError(h, err)
		require.Equal(h, profile.Wake{Ref: a}, w)
		require.Empty(h, wakesOf(h, h.store, profile.Lane("a")))
	}},
	{name: "a profile that does not exist has none", run: func(h *harness) {
		h.apply(wake(profile.UserRef("a"), time.Hour))
		h.apply(event("a", "A", "1", 0))
		w, err := h.store.Wake(h.ctx(), profile.UserRef("a"))
		require.NoError(h, err)
		require.Equal(h, profile.Wake{Ref: profile.UserRef("a")}, w)
	}},
	{name: "they come lane by lane, by instant, users first, then by id", run: func(h *harness) {
		n := 0
		for i := range 600 {
			after := time.Duration(i*7919%100) * time.Second
			h.enterWake(wake(profile.UserRef(fmt.Sprint("p", i)), after), wake(profile.AccountRef(fmt.Sprint("p", i)), after))
		}
		for lane := range profile.Lanes {
			wakes := wakesOf(h, h.store, lane)
			for i, w := range wakes {
				require.Equal(h, lane, profile.Lane(w.Ref.ID))
				if i == 0 {
					continue
				}
				require.Negative(h, profile.CompareWakes(wakes[i-1], w))
				if i%13 == 0 {
					page := make([]profile.Wake, len(wakes))
					n, err := h.store.Wakes(h.ctx(), lane, wakes[i-1], page)
					require.NoError(h, err)
					require.Equal(h, wakes[i:], page[:n], "from one on")
				}
			}
			n += len(wakes)
		}
		require.Equal(h, 1200, n)
	}},
	{name: "it goes with its profile", run: func(h *harness) {
		h.enterWake(wake(profile.UserRef("a"), time.Hour), wake(profile.UserRef("b"), time.Minute))
		h.apply(merge("a", "b"))
		w, err := h.store.Wake(h.ctx(), profile.UserRef("a"))
		require.NoError(h, err)
		require.Equal(h, wake(profile.UserRef("b"), time.Minute).Wake, w)
		require.Empty(h, wakesOf(h, h.store, profile.Lane("a")))
		h.apply(wake(profile.UserRef("a"), time.Second))
		require.Len(h, wakesOf(h, h.store, profile.Lane("b")), 1, "an id that was merged names the whole")
		h.apply(&profile.Delete{Ref: profile.UserRef("a")})
		require.Empty(h, wakesOf(h, h.store, profile.Lane("b")))
	}},
	{name: "one that is no instant is refused", run: func(h *harness) {
		h.refused(profile.ErrTime, &profile.SetWake{Wake: profile.Wake{Ref: profile.UserRef("a"), At: time.Unix(1<<40, 0)}})
		h.refused(profile.ErrInvalid, wake(profile.UserRef(""), 0))
	}},
}

// enterWake sets wakes of profiles, which are made.
func (h *harness) enterWake(wakes ...*profile.SetWake) {
	h.Helper()
	for _, w := range wakes {
		h.apply(&profile.PutIDs{Ref: w.Wake.Ref})
		h.apply(w)
	}
}

// wakesOf returns all wakes of a lane, read a few at a time.
func wakesOf(h *harness, r profile.Reader, lane int) (all []profile.Wake) {
	h.Helper()
	page, after := make([]profile.Wake, 3), profile.Wake{}
	for n := len(page); n == len(page); {
		var err error
		n, err = r.Wakes(h.ctx(), lane, after, page)
		require.NoError(h, err)
		for _, w := range page[:n] {
			all = append(all, w)
			after = w
		}
	}
	return all
}
