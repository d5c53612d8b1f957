// Package logtest tests logs: Run is what each implementation of replica.Log passes, and
// Memory is one, with faults, for tests of what runs on a log. Reference says what is to be told.
package logtest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/muster-go/muster/replica"
	"github.com/stretchr/testify/require"
)

// Fixture is a log to test, which is empty.
type Fixture struct {
	Log replica.Log
	// Steal has the ownership of a partition end behind the back of its owner.
	Steal func(partition int)
}

// Run tests a log. Each part gets one of its own.
func Run(t *testing.T, newLog func(t *testing.T, partitions int) Fixture) {
	for _, part := range []struct {
		name       string
		partitions int
		run        func(t *testing.T, f Fixture)
	}{
		{"records are numbered in order", 2, testRecords},
		{"appends side by side", 1, testAppends},
		{"chunks are kept as they are", 2, testChunks},
		{"who was replaced is refused", 1, testFence},
		{"what does not follow is refused", 1, testFollows},
		{"members share the partitions", 4, testMembers},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, newLog(t, part.partitions)) })
	}
}

// wait is how long something may take.
const wait = time.Minute

// held is a partition that a member owns until release.
type held struct {
	replica.Partition
	ctx     context.Context
	release func()
}

// join has a member join, and sends what it owns. leave has it leave, and waits.
func join(t *testing.T, log replica.Log, name string) (owned <-chan held, leave func()) {
	ctx, cancel := context.WithCancel(context.Background())
	to := make(chan held, 100)
	var done sync.WaitGroup
	done.Add(1)
	go func() {
		defer done.Done()
		if err := log.Join(ctx, name, func(ctx context.Context, p replica.Partition) {
			released, release := context.WithCancel(ctx)
			to <- held{p, ctx, release}
			select {
			case <-released.Done():
			case <-p.Leaving():
			}
		}); err != nil {
			t.Error(err)
		}
	}()
	return to, sync.OnceFunc(func() {
		cancel()
		done.Wait()
	})
}

// one returns what a member owns next.
func one(t *testing.T, owned <-chan held) held {
	select {
	case h := <-owned:
		return h
	case <-time.After(wait):
		require.FailNow(t, "nothing is owned")
	}
	return held{}
}

// readAll reads so many records.
func readAll(t *testing.T, p replica.Partition, n, most int) (all []replica.Record) {
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	for len(all) < n {
		records, err := p.Read(ctx, uint64(len(all)), most)
		require.NoError(t, err)
		all = append(all, records...)
	}
	require.Len(t, all, n)
	return all
}

func testRecords(t *testing.T, f Fixture) {
	ctx := t.Context()
	require.Equal(t, 2, f.Log.Partitions())
	var bodies [][]byte
	for i := range 25 {
		bodies = append(bodies, fmt.Appendf(nil, "{\"n\":%d}\n\x00\xff'", i))
	}
	_, err := f.Log.Append(ctx, 1, bodies[:10]...)
	require.NoError(t, err)
	_, err = f.Log.Append(ctx, 1, bodies[10])
	require.NoError(t, err)
	_, err = f.Log.Append(ctx, 1, bodies[11:]...)
	require.NoError(t, err)

	owned, leave := join(t, f.Log, "m")
	defer leave()
	for range 2 {
		p := one(t, owned)
		end, err := p.End(ctx)
		require.NoError(t, err)
		if p.Number() == 0 {
			require.Zero(t, end)
			records, err := p.Read(ctx, 0, 10)
			require.NoError(t, err)
			require.Empty(t, records)
			continue
		}
		require.Equal(t, uint64(25), end)
		last := time.Time{}
		for i, r := range readAll(t, p, 25, 7) {
			require.Equal(t, uint64(i+1), r.Number)
			require.Equal(t, bodies[i], r.Body)
			require.False(t, r.Time.Before(last) || r.Time.IsZero())
			last = r.Time
		}
	}
}

func testAppends(t *testing.T, f Fixture) {
	var all sync.WaitGroup
	for who := range 4 {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := range 25 {
				if _, err := f.Log.Append(context.Background(), 0, fmt.Appendf(nil, "%d %d", who, i)); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	all.Wait()
	owned, leave := join(t, f.Log, "m")
	defer leave()
	next := [4]int{}
	for i, r := range readAll(t, one(t, owned), 100, 1000) {
		var who, n int
		_, err := fmt.Sscan(string(r.Body), &who, &n)
		require.NoError(t, err)
		require.Equal(t, next[who], n)
		require.Equal(t, uint64(i+1), r.Number)
		next[who]++
	}
}

// chunk returns a chunk of some entries that follows another.
func chunk(p replica.Partition, epoch uint64, before *replica.Chunk, entries ...string) *replica.Chunk {
	c := &replica.Chunk{Partition: p.Number(), Epoch: epoch, First: before.Last() + 1, Count: len(entries)}
	if before != nil {
		c.From, c.Passed = before.To, before.Passed
	}
	c.To, c.Told = c.From+2, c.Last()
	c.Input[0], c.Output[1] = byte(c.To), 0xff
	for _, e := range entries {
		c.Entries = append(c.Entries, []byte(e))
	}
	return c
}

// head returns a chunk without its entries.
func head(c *replica.Chunk) *replica.Chunk {
	h := *c
	h.Entries, h.Place = nil, 0
	return &h
}

func testChunks(t *testing.T, f Fixture) {
	ctx := t.Context()
	owned, leave := join(t, f.Log, "m")
	defer leave()
	p := one(t, owned)
	epoch, last, err := p.Fence(ctx)
	require.NoError(t, err)
	require.Nil(t, last)

	first := chunk(p, epoch, nil, `{"x":1}`, `{"x":"ä'\""}`)
	first.Passed, first.Refused = []uint64{1, 2}, []replica.Refusal{{Record: 1, ID: "m", Killed: true, Why: "no"}}
	require.NoError(t, p.Append(ctx, first))
	empty := chunk(p, epoch, first)
	require.NoError(t, p.Append(ctx, empty))
	third := chunk(p, epoch, empty, `{"x":3}`)
	require.NoError(t, p.Append(ctx, third))

	next, last, err := p.Fence(ctx)
	require.NoError(t, err)
	require.Greater(t, next, epoch)
	require.Equal(t, head(third), head(last))
	require.Empty(t, last.Entries)

	var read []replica.Chunk
	place := uint64(0)
	for len(read) < 3 {
		var some []replica.Chunk
		some, place, err = f.Log.Chunks(ctx, p.Number(), place)
		require.NoError(t, err)
		read = append(read, some...)
	}
	for i, want := range []*replica.Chunk{first, empty, third} {
		require.Equal(t, head(want), head(&read[i]))
		require.Len(t, read[i].Entries, want.Count)
		for j := range want.Entries {
			require.Equal(t, string(want.Entries[j]), string(read[i].Entries[j]))
		}
	}
	some, _, err := f.Log.Chunks(ctx, p.Number(), read[1].Place)
	require.NoError(t, err)
	require.Equal(t, empty.To, some[0].To)
	some, again, err := f.Log.Chunks(ctx, p.Number(), place)
	require.NoError(t, err)
	require.Empty(t, some)
	require.GreaterOrEqual(t, again, place)
	other, _, err := f.Log.Chunks(ctx, 1-p.Number(), 0)
	require.NoError(t, err)
	require.Empty(t, other)
}

func testFence(t *testing.T, f Fixture) {
	ctx := t.Context()
	owned, leave := join(t, f.Log, "m")
	defer leave()
	old := one(t, owned)
	epoch, _, err := old.Fence(ctx)
	require.NoError(t, err)
	first := chunk(old, epoch, nil, `{}`)
	require.NoError(t, old.Append(ctx, first))

	f.Steal(0)
	now := one(t, owned)
	// Until there is a fence, nothing is told by anybody else.
	next, last, err := now.Fence(ctx)
	require.NoError(t, err)
	require.Greater(t, next, epoch)
	require.Equal(t, head(first), head(last))
	require.ErrorIs(t, old.Append(ctx, chunk(old, epoch, first, `{}`)), replica.ErrFenced)
	_, _, err = old.Fence(ctx)
	require.ErrorIs(t, err, replica.ErrFenced)
	require.NoError(t, now.Append(ctx, chunk(now, next, first, `{}`)))
	require.ErrorIs(t, old.Append(ctx, chunk(old, epoch, first, `{}`)), replica.ErrFenced)
}

func testFollows(t *testing.T, f Fixture) {
	ctx := t.Context()
	owned, leave := join(t, f.Log, "m")
	defer leave()
	p := one(t, owned)
	epoch, _, err := p.Fence(ctx)
	require.NoError(t, err)
	first := chunk(p, epoch, nil, `{}`)
	ahead := chunk(p, epoch, first, `{}`)
	require.ErrorIs(t, p.Append(ctx, ahead), replica.ErrFenced)
	require.NoError(t, p.Append(ctx, first))
	require.ErrorIs(t, p.Append(ctx, first), replica.ErrFenced)
	require.NoError(t, p.Append(ctx, ahead))
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	require.Error(t, p.Append(cancelled, chunk(p, epoch, ahead, `{}`)))
}

func testMembers(t *testing.T, f Fixture) {
	first, leaveFirst := join(t, f.Log, "first")
	defer leaveFirst()
	have := map[int]held{}
	for range 4 {
		h := one(t, first)
		have[h.Number()] = h
	}
	require.Len(t, have, 4)
	second, leaveSecond := join(t, f.Log, "second")
	defer leaveSecond()
	moved := map[int]bool{}
	for range 2 {
		h := one(t, second)
		require.False(t, moved[h.Number()])
		moved[h.Number()] = true
		select {
		case <-have[h.Number()].Leaving():
		default:
			require.Fail(t, "a partition is another's, and its owner was not asked to leave")
		}
	}
	leaveSecond()
	for range 2 {
		h := one(t, first)
		require.True(t, moved[h.Number()])
		delete(moved, h.Number())
		_, _, err := h.Fence(t.Context())
		require.NoError(t, err)
	}
	require.Empty(t, moved)
}
