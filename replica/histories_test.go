package replica_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/muster-go/muster/replica"
	"github.com/muster-go/muster/replica/logtest"
	"github.com/stretchr/testify/require"
)

// Whatever befalls the workers and the log, all that is told is what one engine tells of
// the same records: each line, in order, once.
func TestWhateverHappensAllIsToldOnce(t *testing.T) {
	var told, chunks, split, takeOvers, read, byOracle atomic.Int64
	t.Run("histories", func(t *testing.T) {
		for part := range uint64(8) {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for seed := part; seed < uint64(*histories); seed += 8 {
					steps := generate(seed, 30)
					c := newCluster(t, seed, 1)
					play(c, steps)
					want, got := compared(t, c, 0)
					if strings.Join(want, "\n") != strings.Join(got, "\n") {
						require.Equal(t, strings.Join(want, "\n"), strings.Join(got, "\n"), "seed %d: %v", seed, logtest.Compare(want, got))
					}
					if seed%16 == 0 {
						require.Equal(t, foretold(steps, c.log.Records(0)), withoutIDs(got), "seed %d", seed)
						byOracle.Add(1)
					}
					told.Add(int64(len(got)))
					takeOvers.Add(c.takeOvers.Load())
					read.Add(c.read.Load())
					for _, chunk := range c.log.Output(0) {
						chunks.Add(1)
						if chunk.Told != chunk.Last() {
							split.Add(1)
						}
					}
				}
			})
		}
	})
	t.Logf("%d histories, %d of them held to the oracle too: %d told in %d chunks, %d of which end within a record; 0 lost, doubled or different",
		*histories, byOracle.Load(), told.Load(), chunks.Load(), split.Load())
	t.Logf("%d take-overs, %d of them from a snapshot", takeOvers.Load(), read.Load())
	require.Positive(t, split.Load())
	require.Positive(t, read.Load())
}

// play has the workers take steps, while things happen to them.
func play(c *cluster, steps []step) {
	c.start()
	for _, s := range steps {
		c.append(0, s.at, s.body)
		if c.rand.IntN(3) == 0 {
			c.disturb()
		}
		for range c.rand.IntN(3) {
			yield()
		}
	}
	c.finish()
}

// compared returns what is to be told of a partition, and what was: by the chunks as they
// stand, and by a reader, which agree.
func compared(t *testing.T, c *cluster, partition int) (want, got []string) {
	output := c.log.Output(partition)
	var passed []uint64
	if len(output) > 0 {
		passed = output[len(output)-1].Passed
	}
	store, err := newStore(t.Context(), partition)
	require.NoError(t, err)
	want, err = logtest.Reference(t.Context(), store, c.log.Records(partition), passed)
	require.NoError(t, err)
	got, err = logtest.Lines(output)
	require.NoError(t, err)
	return want, got
}

// The fence is what the above depends on: without it, and with owners that are deaf to
// having been replaced, entries are told twice, and the reader says so.
func TestWithoutTheFenceEntriesAreDoubled(t *testing.T) {
	var sum logtest.Difference
	alarmed := 0
	for seed := range uint64(40) {
		c := newCluster(t, seed, 1)
		c.log.FenceOff = true
		c.opts.OnAlarm = nil // who takes over what is in disorder stands still
		c.start()
		for i, s := range generate(seed, 30) {
			c.append(0, s.at, s.body)
			if i%5 == 4 {
				c.log.Steal(0) // the owner is not told, and goes on
			}
		}
		c.finishUnfenced()
		want, got := compared(t, c, 0)
		d := logtest.Compare(want, got)
		sum.Told += d.Told
		sum.Doubled += d.Doubled
		if d.Doubled > 0 {
			r := replica.NewReader(c.log, 0, replica.Cursor{})
			var err error
			for err == nil {
				_, err = r.Next(t.Context())
			}
			require.True(t, errors.Is(err, replica.ErrRepeated) || errors.Is(err, replica.ErrGap), "%v", err)
			alarmed++
		}
	}
	t.Logf("without the fence %v", sum)
	require.Positive(t, sum.Doubled)
	require.Positive(t, alarmed)
}
