package profile

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var storeTestStart = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// stored returns the record of a user, which must be there.
func stored(t *testing.T, s *MemStore, id string) *record {
	t.Helper()
	st, err := s.enter(t.Context())
	require.NoError(t, err)
	sh, _, r, err := s.view(st, UserRef(id))
	require.NoError(t, err)
	defer sh.mu.Unlock()
	require.NotNil(t, r)
	return r
}

func putAt(t *testing.T, s *MemStore, messageID string, after time.Duration) {
	t.Helper()
	at := storeTestStart.Add(after)
	require.NoError(t, Apply(t.Context(), s, at, &PutEvent{Event: Event{Profile: "u", Name: "A", Time: at, MessageID: messageID}}))
}

func TestHashSetIsAMultiset(t *testing.T) {
	for _, large := range []bool{false, true} {
		r := rand.New(rand.NewPCG(1, 2))
		var s hashSet
		s.clear(4, large)
		type message struct {
			hash uint32
			t    int64
		}
		count, byHash, total := map[message]int{}, map[uint32]int{}, 0
		for range 20_000 {
			m := message{foldHash(r.Uint64N(300)), 0} // few, so that slots collide and wrap around
			if large {
				m.t = r.Int64N(3) << 32
			}
			if r.IntN(5) < 3 {
				s.add(m.hash, m.t)
				count[m]++
				byHash[m.hash]++
				total++
			} else {
				if count[m] > 0 {
					count[m]--
					byHash[m.hash]--
					total--
				}
				s.remove(m.hash, m.t)
			}
			probe := foldHash(r.Uint64N(300))
			require.Equal(t, byHash[probe] > 0, s.has(probe))
			require.EqualValues(t, total, s.n)
			if !large {
				continue
			}
			got := map[message]int{}
			for i := range s.find(probe) {
				got[message{probe, int64(*s.span(i)-spanOf(0)) << 32}]++
			}
			for k := range int64(3) {
				m := message{probe, k << 32}
				require.Equal(t, count[m], got[m])
			}
		}
	}
}

// Of a profile of thousands of events, late ones too, each message is known again,
// until the store lets go of it: those of a merge, of trait calls, and those that
// share a hash.
func TestMessagesOfALargeProfileAreKnownAgain(t *testing.T) {
	ctx, rnd := t.Context(), rand.New(rand.NewPCG(5, 6))
	s := NewMemStore(WithRetention(300 * 24 * time.Hour))
	now := storeTestStart.Add(400 * 24 * time.Hour)
	at, merged := map[string]time.Time{}, false
	put := func(user string, i int) {
		id := fmt.Sprintf("%s-%d", user, i)
		at[id] = now.Add(-time.Duration(rnd.Int64N(int64(200 * 24 * time.Hour))))
		change := Change(&PutEvent{Event: Event{Profile: user, Name: string(rune('A' + i%3)), Time: at[id], MessageID: id}})
		if i%7 == 0 {
			at[id] = now
			change = &PutTraits{Ref: UserRef(user), Time: now, MessageID: id}
		}
		require.NoError(t, Apply(ctx, s, now, change))
	}
	for i := range 4000 {
		put("u", i)
		put("v", i)
	}
	require.True(t, stored(t, s, "u").seen.large)
	r := stored(t, s, "u")
	m := s.state.Load().message("other")
	r.seen.add(m.hash, now.UnixNano()) // as if another had its hash
	check := func() {
		tx, err := s.Begin(ctx, now)
		require.NoError(t, err)
		defer tx.Abort()
		for i := range 4000 {
			for _, user := range []string{"u", "v"} {
				id := fmt.Sprintf("%s-%d", user, i)
				seen, err := tx.Seen(ctx, UserRef("u"), id)
				require.NoError(t, err)
				_, kept := at[id]
				require.Equal(t, kept && (user == "u" || merged), seen, id)
			}
		}
		seen, err := tx.Seen(ctx, UserRef("u"), "other")
		require.NoError(t, err)
		require.False(t, seen)
	}
	check()
	require.NoError(t, Apply(ctx, s, now, &Merge{From: "v", Into: "u"}))
	merged = true
	check()
	now = now.Add(200 * 24 * time.Hour)
	require.NoError(t, Apply(ctx, s, now, &PutEvent{Event: Event{Profile: "u", Name: "A", Time: now, MessageID: "last"}}))
	require.Less(t, stored(t, s, "u").seen.n, uint32(8000))
}

func TestMessageIDSharingAHashIsNoDuplicate(t *testing.T) {
	s := NewMemStore()
	putAt(t, s, "one", 0)
	r := stored(t, s, "u")
	m := s.state.Load().message("two")
	r.seen.add(m.hash, storeTestStart.UnixNano()) // as if "one" had it
	e := &PutEvent{Event: Event{Profile: "u", Name: "A", Time: storeTestStart, MessageID: "two"}}
	require.NoError(t, Apply(t.Context(), s, storeTestStart, e))
	require.False(t, e.Duplicate)
}

func TestRetentionFreesEventsAndMessageIDs(t *testing.T) {
	s := NewMemStore(WithRetention(time.Hour))
	for i := range 5000 {
		at := time.Duration(i) * time.Minute
		putAt(t, s, fmt.Sprint("m", i), at)
		require.NoError(t, Apply(t.Context(), s, storeTestStart.Add(at),
			&PutTraits{Ref: UserRef("u"), Time: storeTestStart, MessageID: fmt.Sprint("t", i)}))
	}
	r := stored(t, s, "u")
	kept := 0
	for i := range r.series {
		for w := r.series[i].walk(); w.next(); {
			kept++
		}
	}
	require.GreaterOrEqual(t, kept, 2*61)
	require.Less(t, kept, 2*61+2*chunkSize/8, "a chunk more of each series, at most")
	require.EqualValues(t, kept, r.seen.n)
}

func TestNegativeRetentionKeepsAll(t *testing.T) {
	require.Zero(t, NewMemStore(WithRetention(-time.Hour)).Retention())
}

func TestRecordsAreCopiedOnlyWhileASnapshotSeesThem(t *testing.T) {
	s := NewMemStore()
	putAt(t, s, "1", 0)
	first := stored(t, s, "u")
	putAt(t, s, "2", 1)
	require.Same(t, first, stored(t, s, "u"), "no snapshot")

	snap, err := s.Snapshot(t.Context())
	require.NoError(t, err)
	putAt(t, s, "3", 2)
	second := stored(t, s, "u")
	require.NotSame(t, first, second)
	putAt(t, s, "4", 3)
	require.Same(t, second, stored(t, s, "u"), "the snapshot does not see the copy")

	newer, err := s.Snapshot(t.Context())
	require.NoError(t, err)
	require.NoError(t, newer.Close())
	putAt(t, s, "5", 4)
	require.Same(t, second, stored(t, s, "u"), "who saw the copy is gone")
	require.NoError(t, snap.Close())
}

func TestChunksAreFilled(t *testing.T) {
	for name, at := range map[string]func(i int) time.Duration{
		"in order": func(i int) time.Duration { return time.Duration(i) * time.Second },
		"late":     func(i int) time.Duration { return time.Duration(i*7919%10_000) * time.Second },
	} {
		t.Run(name, func(t *testing.T) {
			s := NewMemStore()
			for i := range 10_000 {
				putAt(t, s, fmt.Sprint("m", i), at(i))
			}
			r := stored(t, s, "u")
			used, held := 0, 0
			for k := range r.series[0].len() {
				c := r.series[0].at(k)
				used, held = used+len(c.data), held+cap(c.data)
			}
			require.Less(t, held, used*4/3, "little of a chunk is empty")
			require.Greater(t, used/r.series[0].len(), chunkSize/2, "and chunks are not many")
		})
	}
}

// A change under an id that was merged needs the lock of the shard that the
// profile is in now, and a merge those of all ids merged before.
func TestLockForFollowsMergedIDs(t *testing.T) {
	s := NewMemStore()
	ctx := context.Background()
	const n = 40 // more than there are shards: in other ones than their names'
	for i := range n {
		require.NoError(t, Apply(ctx, s, storeTestStart, &Merge{From: fmt.Sprint(i), Into: fmt.Sprint(i + 1)}))
	}
	st := s.state.Load()
	var every shardSet
	for i := range n + 1 {
		every |= st.setOf(fmt.Sprint(i))
	}
	for _, c := range []struct {
		change Change
		want   shardSet
	}{
		{&PutEvent{Event: Event{Profile: "0"}}, st.setOf("0") | st.setOf("40")},
		{&Leave{User: "7"}, st.setOf("7") | st.setOf("40")},
		{&PutEvent{Event: Event{Profile: "new"}}, st.setOf("new")},
		{&Delete{Ref: UserRef("3")}, every},
		{&Merge{From: "5", Into: "new"}, every | st.setOf("new")},
		{&Merge{From: "new", Into: "new"}, st.setOf("new")},
		{&Delete{Ref: AccountRef("3")}, allShards},
		{&DropMembers{}, allShards},
		{&SetValue{ComputedValue{Ref: UserRef("7")}}, st.setOf("7") | st.setOf("40")},
		{&SetValue{ComputedValue{Ref: AccountRef("7")}}, st.setOf("7")},
		{&DropValues{}, allShards},
		{&UseKey{}, 0},
	} {
		need := st.named(c.change)
		for last := shardSet(0); need != last; {
			last = need
			need |= st.reached(c.change, last)
		}
		require.Equal(t, c.want, need, "%T", c.change)
		if ref, ok := subjectOf(c.change); ok {
			locked := st.lockFor([]Ref{ref})
			st.unlock(locked)
			require.Zero(t, locked&^need, "%T", c.change)
		}
	}
}

func TestASearchInASnapshotAllocatesNothing(t *testing.T) {
	s := NewMemStore()
	putAt(t, s, "1", 0)
	snapshot, err := s.Snapshot(t.Context())
	require.NoError(t, err)
	defer snapshot.Close()
	require.Zero(t, testing.AllocsPerRun(100, func() {
		id, exists, err := snapshot.Resolve(t.Context(), UserRef("u"))
		if id != "u" || !exists || err != nil {
			t.Error(id, exists, err)
		}
	}))
}

// Whoever is read, few allocations are made: pages grow, and texts are kept many
// in one.
func TestHoldersAreReadWithoutAnAllocationEach(t *testing.T) {
	const n = 20_000
	s := NewMemStore()
	for i := range n {
		u := UserRef(fmt.Sprint("user ", i))
		require.NoError(t, Apply(t.Context(), s, storeTestStart, &PutIDs{Ref: u, IDs: []ExternalID{{"email", "a"}}},
			&SetValue{ComputedValue{Key: "v", Ref: u, Value: StringValue(fmt.Sprint("text ", i)), Since: storeTestStart}}))
	}
	allocations := testing.AllocsPerRun(3, func() {
		got := 0
		for h, err := range s.Holders(t.Context(), "v", User, "") {
			if got++; err != nil || len(h.IDs) != 1 {
				t.Error(h, err)
			}
		}
		require.Equal(t, n, got)
	})
	require.Less(t, allocations, n/20.0)
}

// A copy is made of a list of external ids once for a change, not for each id.
func TestManyIDsAreAddedAtOnce(t *testing.T) {
	added := func(n int) float64 {
		c := &PutIDs{Ref: UserRef("u")}
		for i := range n {
			c.IDs = append(c.IDs, ExternalID{"t", fmt.Sprint(i)})
		}
		return testing.AllocsPerRun(3, func() {
			s := NewMemStore(WithLimits(Limits{IDs: n}))
			require.NoError(t, Apply(t.Context(), s, storeTestStart, c))
		}) / float64(n)
	}
	require.Less(t, added(4000), 2*added(1000))
}

func TestTournamentMergesInOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	beginnings := []string{"", "user-", "user-0000", "\x00", "é"}
	for range 200 {
		var all []string
		var left [shardCount][][]string // what each shard reads, in turns
		begins := beginnings[r.IntN(len(beginnings))]
		for i := range left {
			var keys []string
			for range r.IntN(40) {
				keys = append(keys, begins+strings.Repeat("0", r.IntN(12))+fmt.Sprint(i, r.IntN(1000)))
			}
			slices.Sort(keys)
			keys = slices.Compact(keys)
			all = append(all, keys...)
			for len(keys) > 0 {
				n := 1 + r.IntN(len(keys))
				left[i], keys = append(left[i], keys[:n]), keys[n:]
			}
		}
		var tournament tournament
		turn := func(i int) {
			var keys []string
			if len(left[i]) > 0 {
				keys, left[i] = left[i][0], left[i][1:]
			}
			tournament.turn(i, keys)
		}
		for i := range left {
			turn(i)
		}
		tournament.begin()
		var got []string
		for {
			i, at, ok := tournament.winner()
			if !ok {
				break
			}
			got = append(got, tournament.runs[i].keys[at])
			if !tournament.advance() {
				turn(i)
				tournament.replay()
			}
		}
		slices.Sort(all)
		require.Equal(t, all, got)
	}
}

// A merge of series has the events of both in order, whichever is longer, and wherever
// the times of one lie in those of the other.
func TestSeriesMerge(t *testing.T) {
	type stamp struct {
		t   int64
		seq uint64
	}
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 7))
		var all []stamp
		var both [2]series
		for seq := range uint64(1 + r.IntN(600)) {
			i := r.IntN(20) / 19
			span, from := int64(1000), int64(0)
			if i == 1 {
				span, from = r.Int64N(1500)+1, r.Int64N(1000)-250
			}
			s := stamp{from + r.Int64N(span), seq}
			all = append(all, s)
			both[i].insert(s.t, s.seq, fmt.Appendf(nil, "body of %d", s.seq))
		}
		if both[0].empty() || both[1].empty() {
			continue
		}
		i := r.IntN(2)
		both[i].merge(&both[1-i])
		slices.SortFunc(all, func(a, b stamp) int { return cmp.Or(cmp.Compare(a.t, b.t), cmp.Compare(a.seq, b.seq)) })
		var got []stamp
		for w := both[i].walk(); w.next(); {
			got = append(got, stamp{w.time, w.seq})
			require.Equal(t, fmt.Sprint("body of ", w.seq), string(w.body))
		}
		require.Equal(t, all, got, "seed %d", seed)
		for k := range both[i].len() - 1 {
			require.LessOrEqual(t, both[i].at(k).time, both[i].at(k+1).first())
		}
	}
}
