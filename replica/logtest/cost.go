package logtest

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/replica"
	"github.com/stretchr/testify/require"
)

// Cost is the CPU time of records on workers, which have read, applied and told them, and
// that of the same records in one engine without a log.
type Cost struct {
	Workers  int
	Records  int
	On       time.Duration // all workers
	Alone    time.Duration
	Duration time.Duration // from the start of the workers until all was told
}

func (c Cost) String() string {
	each := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 / float64(c.Records) }
	return fmt.Sprintf("%d workers: %.1f us of CPU a record, alone %.1f (%.1f times); %d records in %v",
		c.Workers, each(c.On), each(c.Alone), float64(c.On)/float64(c.Alone), c.Records, c.Duration.Round(time.Millisecond))
}

// Costs logs what so many messages of each partition cost on one, two and four workers, each time
// of a log that is empty.
func Costs(t *testing.T, messages int, newChaos func() *Chaos) {
	for _, workers := range []int{1, 2, 4} {
		cost := newChaos().Cost(t, workers, messages)
		t.Log(cost)
		require.Positive(t, cost.On)
	}
}

// Cost has workers do so many messages of each partition of a log that is empty.
func (c *Chaos) Cost(t *testing.T, workers, messages int) Cost {
	c.t = t
	c.define()
	ends := make([]uint64, c.Log.Partitions())
	for p := range ends {
		for n := 0; n < messages; n += 500 {
			bodies := make([][]byte, min(500, messages-n))
			for i := range bodies {
				bodies[i] = fmt.Appendf(nil, `{"type":"track","event":%q,"userId":"u%d","messageId":"m%d","timestamp":%q}`,
					[]string{"Buy", "Look", "Other"}[(n+i)%3], (n+i)*7919%1000, n+i, time.Now().UTC().Format(time.RFC3339Nano))
			}
			_, err := c.Log.Append(t.Context(), p, bodies...)
			require.NoError(t, err)
		}
		records, err := c.Records(p)
		require.NoError(t, err)
		ends[p] = uint64(len(records))
	}
	began := time.Now()
	for range workers {
		c.start(false)
	}
	done, places := make([]uint64, len(ends)), make([]uint64, len(ends))
	require.Eventually(t, func() bool {
		for p, end := range ends {
			if done[p] >= end {
				continue
			}
			var chunks []replica.Chunk
			if chunks, places[p] = c.chunks(p, places[p]); len(chunks) > 0 {
				done[p] = chunks[len(chunks)-1].To
			}
			if done[p] < end {
				return false
			}
		}
		return true
	}, 5*wait, 20*time.Millisecond)
	cost := Cost{Workers: workers, Duration: time.Since(began)}
	for len(c.workers) > 0 {
		w := c.workers[0]
		c.end(0, syscall.SIGTERM)
		cost.On += w.ProcessState.UserTime() + w.ProcessState.SystemTime()
	}
	for p, end := range ends {
		records, err := c.Records(p)
		require.NoError(t, err)
		before := used(t)
		_, err = Reference(t.Context(), profile.NewMemStore(), records[:end], nil)
		require.NoError(t, err)
		cost.Alone += used(t) - before
		cost.Records += int(end)
	}
	return cost
}

// used returns the CPU time that this process has used.
func used(t *testing.T) time.Duration {
	var u syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
