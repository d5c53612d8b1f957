package profileapi_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// history gives a user n events at random times within a span before noon, many
// of them at the same, and returns their message ids, the newest first.
func (w *world) history(rnd *rand.Rand, user string, n int, span time.Duration) []string {
	type sent struct {
		at  time.Time
		seq int
		id  string
	}
	var all []sent
	for i := range n {
		at := noon.Add(-time.Duration(rnd.IntN(n)) * (span / time.Duration(n)))
		all = append(all, sent{at, i, fmt.Sprintf("%s-%d", user, i)})
		w.track(user, fmt.Sprintf("Event %d", rnd.IntN(7)), all[i].id, at)
	}
	slices.SortFunc(all, func(a, b sent) int {
		if c := b.at.Compare(a.at); c != 0 {
			return c
		}
		return b.seq - a.seq
	})
	ids := make([]string, n)
	for i := range all {
		ids[i] = all[i].id
	}
	return ids
}

// Pages of any size are the whole list, in its order: however the events lie,
// within a minute or over a century, which are read in different ways.
func TestPagesOfEvents(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for _, span := range []time.Duration{time.Minute, 30 * time.Hour, 400 * profile.Day, 100 * 365 * profile.Day} {
		w := newWorld(t, anyone{})
		want := w.history(rnd, "u", 300, span)
		for _, limit := range []int{1, 7, 100, 200} {
			target := fmt.Sprintf("users/profiles/user_id:u/events?limit=%d", limit)
			require.Equal(t, want, w.all(target, func() {}, messageID), "limit %d, span %s", limit, span)
		}
	}
}

func TestPagesOfAnAccountsEvents(t *testing.T) {
	w := newWorld(t, anyone{})
	var want []string
	for i := range 90 {
		user, account := fmt.Sprintf("u%d", i%7), "acme"
		if i%3 == 0 {
			account = "other"
		}
		id := fmt.Sprint(i)
		require.NoError(t, w.engine.Track(context.Background(), profile.Event{
			Profile: user, Name: "Visit", MessageID: id, Account: account, Time: noon.Add(time.Duration(i-1000) * time.Hour),
		}))
		if account == "acme" {
			want = append(want, id)
		}
	}
	slices.Reverse(want)
	require.Equal(t, want, w.all("accounts/profiles/group_id:acme/events?include=Visit&limit=7", func() {}, messageID))
}

// What is there from the first page to the last is seen once, whatever comes
// between the pages, and nothing is seen twice.
func TestPagesWhileEventsArrive(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(2, seed))
		w := newWorld(t, anyone{})
		want := w.history(rnd, "u", 100, 100*time.Hour)
		n := 0
		seen := w.all("users/profiles/user_id:u/events?limit=9", func() {
			for range 10 {
				n++
				w.track("u", fmt.Sprintf("Event %d", rnd.IntN(9)), fmt.Sprintf("new-%d", n), noon.Add(-time.Duration(rnd.IntN(100))*time.Hour))
			}
			w.clock.Set(w.clock.Now().Add(time.Minute))
		}, messageID)
		requireOnce(t, want, seen)
	}
}

func TestPagesWhileTraitsComeAndGo(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(3, seed))
		w := newWorld(t, anyone{})
		var want []string
		long := strings.Repeat("x", 2*profile.MaxID) // such names have an order too
		for i := range 60 {
			name := fmt.Sprintf("%stays_%d", []string{"s", long, ""}[i%3], i)
			want = append(want, name)
			w.setTrait("u", name, i)
			w.setTrait("u", fmt.Sprintf("goes_%d", i), i)
		}
		w.setTrait("u", "", "a name may be empty")
		want = append(want, "", "big_spender", "sleeper")
		n := 0
		seen := w.all("users/profiles/user_id:u/traits?limit=7", func() {
			for range 6 {
				n++
				w.setTrait("u", fmt.Sprintf("%c_new_%d", 'a'+rnd.IntN(26), n), n)
				w.setTrait("u", fmt.Sprintf("goes_%d", rnd.IntN(60)), nil)
				w.setTrait("u", want[rnd.IntN(60)], n) // a new value is the same trait
			}
		}, nil)
		requireOnce(t, want, seen)
	}
}

func TestPagesWhileIDsAreAttached(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(4, seed))
		w := newWorld(t, anyone{})
		attach := func(typ, id string) {
			require.NoError(t, w.engine.Identify(context.Background(), audience.Identify{
				Profile: "u", IDs: []profile.ExternalID{{Type: typ, Value: id}}, Time: noon,
			}))
		}
		want := []string{"user_id:u"}
		for i := range 40 {
			typ, id := fmt.Sprintf("type%d", i%3), fmt.Sprintf("id%d", i)
			attach(typ, id)
			want = append(want, typ+":"+id)
		}
		seen := w.all("users/profiles/user_id:u/external_ids?limit=3", func() {
			attach(fmt.Sprintf("type%d", rnd.IntN(4)), fmt.Sprintf("new%d", rnd.IntN(1000)))
		}, func(item map[string]any) string { return fmt.Sprintf("%s:%s", item["type"], item["id"]) })
		requireOnce(t, want, seen)
	}
}

// The same with writers that do not wait; the race detector has its use here.
func TestPagesBesideWriters(t *testing.T) {
	w := newWorld(t, anyone{})
	want := w.history(rand.New(rand.NewPCG(5, 5)), "u", 200, 1000*time.Hour)
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for writer := range 2 {
		writers.Add(1)
		go func() {
			defer writers.Done()
			rnd := rand.New(rand.NewPCG(6, uint64(writer)))
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				err := w.engine.Track(context.Background(), profile.Event{
					Profile:   "u",
					Name:      fmt.Sprintf("Event %d", rnd.IntN(9)),
					MessageID: fmt.Sprintf("new-%d-%d", writer, i),
					Time:      noon.Add(-time.Duration(rnd.IntN(1000*3600)) * time.Second),
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		}()
	}
	seen := w.all("users/profiles/user_id:u/events?limit=50", func() {}, messageID)
	close(stop)
	writers.Wait()
	requireOnce(t, want, seen)
}

func (w *world) setTrait(user, name string, value any) {
	w.t.Helper()
	traits, err := profile.NewObject(map[string]any{name: value})
	require.NoError(w.t, err)
	w.clock.Set(w.clock.Now().Add(time.Nanosecond))
	require.NoError(w.t, w.engine.Identify(context.Background(), audience.Identify{Profile: user, Traits: traits, Time: w.clock.Now()}))
}

// requireOnce requires that all of want was seen, and nothing twice.
func requireOnce(t *testing.T, want, seen []string) {
	t.Helper()
	times := map[string]int{}
	for _, id := range seen {
		times[id]++
		require.Equal(t, 1, times[id], "%q was seen twice", id)
	}
	for _, id := range want {
		require.Equal(t, 1, times[id], "%q was not seen", id)
	}
}
