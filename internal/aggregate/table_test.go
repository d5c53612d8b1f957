package aggregate

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/internal/canonical"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// A table is a map of values to ids, whatever comes and goes.
func TestTableAgainstAMap(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 5))
		table, ids := &table{}, map[string]uint32{}
		for step := range 4000 {
			n := 300
			if step/500%2 == 1 {
				n = 20 // most go
			}
			packed := canonical.Append(nil, profile.StringValue(strings.Repeat("x", random.IntN(20))+fmt.Sprint(random.IntN(300))))
			id, found := table.find(packed)
			want, has := ids[string(packed)]
			require.Equal(t, has, found)
			switch {
			case !has && len(ids) < n:
				id, ok := table.insert(packed)
				require.True(t, ok)
				ids[string(packed)] = id
			case has && (random.IntN(2) == 0 || len(ids) > n):
				require.Equal(t, want, id)
				table.remove(id)
				delete(ids, string(packed))
			}
			require.Equal(t, len(ids), table.live)
			require.LessOrEqual(t, len(table.arena), 3*len(ids)*25+4096)
		}
		seen := map[uint32]bool{}
		for text, id := range ids {
			require.Equal(t, text, string(table.bytes(id)))
			require.False(t, seen[id])
			seen[id] = true
		}
	}
}

// FuzzPacked: values are equal if and only if their packed forms are, and come
// out as they went in but for whole doubles.
func FuzzPacked(f *testing.F) {
	f.Add(`1`, `1.0`)
	f.Add(`[1, {"a": -0.0}]`, `[1.0, {"a": 0}]`)
	f.Add(`9223372036854775808`, `9223372036854775807`)
	f.Add(`"a"`, `["a"]`)
	f.Add(`[["a"], "b"]`, `[["a", "b"]]`)
	f.Add(`{"a": null}`, `{}`)
	f.Add(`0.5`, `true`)
	f.Fuzz(func(t *testing.T, first, second string) {
		v, err := profile.ParseValue([]byte(first))
		if err != nil {
			return
		}
		w, err := profile.ParseValue([]byte(second))
		if err != nil || !rememberable(v) || !rememberable(w) {
			return
		}
		a, b := canonical.Append(nil, v), canonical.Append(nil, w)
		require.Equal(t, v.Equal(w), string(a) == string(b))
		require.Equal(t, v.Compare(w), comparePacked(a, b))
		require.Zero(t, canonical.Unpack(a).Compare(v))
		require.Equal(t, string(a), string(canonical.Append(nil, canonical.Unpack(a))))
	})
}

// A queue that was long gives its memory back, and keeps the order.
func TestQueueGivesBackEventsOldestFirst(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 9))
	var q queue[instant]
	const n = 10_000
	for i := range n {
		q.push(instant(i + random.IntN(20)*random.IntN(2)))
	}
	before := instant(0)
	for range n - 10 {
		next, ok := q.peek()
		require.True(t, ok)
		require.GreaterOrEqual(t, next, before)
		before = next
		q.pop()
	}
	require.Less(t, cap(q.line), n/20)
	for range 10 {
		q.pop()
	}
	_, ok := q.peek()
	require.False(t, ok)
	q.pop()
}

// All-time aggregates keep nothing of the single event, and in a window those
// that can decide something.
func TestAggregatesKeepOnlyWhatCanMatter(t *testing.T) {
	const n = 5000
	feed := func(c trait.Computed) *State {
		a := Of(c)
		for i := range int64(n) {
			a.Add(i, profile.IntValue(i%10), i)
			a.At(i)
		}
		return a
	}
	require.Empty(t, feed(trait.Count("k", "e")).tally.(*count).times.line)
	require.Less(t, cap(feed(trait.Count("k", "e").Within(100)).tally.(*count).times.line), 400)
	require.Empty(t, feed(trait.Sum("k", "e", "p")).tally.(*sum).numbers.line)
	require.Nil(t, feed(trait.Sum("k", "e", "p")).tally.(*sum).total.large)
	require.LessOrEqual(t, feed(trait.Max("k", "e", "p").Within(n)).tally.(*staircase).steps.Len(), 10)
	same := Of(trait.Min("k", "e", "p").Within(n))
	for _, at := range []int64{5, 9, 7, 3} {
		same.Add(at, profile.IntValue(1), 10)
	}
	require.Equal(t, 1, same.tally.(*staircase).steps.Len())
	frequent := feed(trait.MostFrequent("k", "e", "p")).tally.(*frequent)
	require.Empty(t, frequent.times.line)
	require.Equal(t, 10, frequent.values.live)
	require.Len(t, feed(trait.UniqueListCount("k", "e", "p").Within(n)).tally.(*uniqueCount).heap, 10)
}
