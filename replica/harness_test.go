package replica_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/muster-go/muster/replica"
	"github.com/muster-go/muster/replica/logtest"
	"github.com/stretchr/testify/require"
)

var histories = flag.Int("histories", 2000, "so many random histories are played")

// cluster is a log in memory and workers on it, with whom everything happens.
type cluster struct {
	t       *testing.T
	log     *logtest.Memory
	opts    replica.Options
	rand    *rand.Rand
	driving atomic.Bool // the test appends, whom no faults befall
	faults  atomic.Pointer[plan]
	alarms  chan error // that no fault explains
	workers []*worker
	started int

	takeOvers atomic.Int64
	read      atomic.Int64 // snapshots
}

// plan says which fault the next operations of a kind meet.
type plan struct {
	op    logtest.Operation
	fault logtest.Fault
	times atomic.Int32
}

type worker struct {
	name string
	stop func() // in order, and waits
}

// newCluster returns one whose options are drawn at random: chunks and the time between
// snapshots are small.
func newCluster(t *testing.T, seed uint64, partitions int) *cluster {
	c := &cluster{
		t: t, log: logtest.NewMemory(partitions, epoch), rand: rand.New(rand.NewPCG(seed, 2)),
		alarms: make(chan error, 100),
	}
	c.log.Fault = c.fault
	c.opts = replica.Options{
		Store:        newStore,
		ChunkEntries: 1 + c.rand.IntN(6),
		ChunkBytes:   100 + c.rand.IntN(1000),
		ChunkRecords: 1 + c.rand.IntN(5),
		TickEvery:    2 * time.Millisecond,
		Now:          c.log.Now,
		OnAlarm:      c.alarm,
	}
	c.opts.Logger = slog.New(&ear{Handler: slog.DiscardHandler, c: c})
	if c.rand.IntN(3) > 0 {
		c.opts.Blobs = &logtest.Blobs{}
		c.opts.SnapshotEvery = 1 + c.rand.IntN(12)
	}
	return c
}

// fault does as the plan says.
func (c *cluster) fault(op logtest.Operation, _ int) logtest.Fault {
	p := c.faults.Load()
	if p == nil || p.op != op || op == logtest.AppendInput && c.driving.Load() || p.times.Add(-1) < 0 {
		return logtest.None
	}
	return p.fault
}

// alarm is told that a partition stands still. Where the log shows records otherwise than
// they are that is right, and the partition is given to somebody anew.
func (c *cluster) alarm(a *replica.Alarm) {
	if errors.Is(a, replica.ErrGap) || errors.Is(a, replica.ErrRepeated) {
		c.log.Steal(a.Partition)
		return
	}
	c.alarms <- a
}

// ear hears what workers log, and takes it for an alarm that a snapshot cannot be read.
type ear struct {
	slog.Handler
	c *cluster
}

func (e *ear) Enabled(context.Context, slog.Level) bool { return true }
func (e *ear) WithAttrs([]slog.Attr) slog.Handler       { return e }

func (e *ear) Handle(_ context.Context, r slog.Record) error {
	switch r.Message {
	case "muster: a snapshot cannot be read":
		r.Attrs(func(a slog.Attr) bool {
			r.Message += fmt.Sprint(" ", a)
			return true
		})
		e.c.alarms <- errors.New(r.Message)
	case "muster: partition taken over":
		e.c.takeOvers.Add(1)
	case "muster: snapshot read":
		e.c.read.Add(1)
	}
	return nil
}

// start starts a worker.
func (c *cluster) start() {
	c.started++
	ctx, cancel := context.WithCancel(context.Background())
	w := &worker{name: fmt.Sprintf("w%d", c.started)}
	var done sync.WaitGroup
	done.Add(1)
	go func() {
		defer done.Done()
		if err := replica.Run(ctx, c.log, w.name, c.opts); err != nil {
			c.alarms <- err
		}
	}()
	w.stop = func() {
		cancel()
		done.Wait()
	}
	c.workers = append(c.workers, w)
}

// stop stops a worker in order.
func (c *cluster) stop(i int) {
	w := c.workers[i]
	c.workers = append(c.workers[:i:i], c.workers[i+1:]...)
	w.stop()
}

// append appends a record.
func (c *cluster) append(partition int, at time.Time, body []byte) {
	c.driving.Store(true)
	defer c.driving.Store(false)
	c.log.SetTime(at)
	_, err := c.log.Append(context.Background(), partition, body)
	require.NoError(c.t, err)
}

// disturb has something happen, mostly.
func (c *cluster) disturb() {
	partition := c.rand.IntN(c.log.Partitions())
	switch n := c.rand.IntN(12); n {
	case 0:
		c.log.Steal(partition)
	case 1:
		if len(c.workers) > 0 {
			c.log.Break(c.workers[c.rand.IntN(len(c.workers))].name)
		}
	case 2:
		if len(c.workers) > 0 {
			c.stop(c.rand.IntN(len(c.workers)))
		}
	case 3, 4:
		if len(c.workers) < 3 {
			c.start()
		}
	default:
		f := possible[c.rand.IntN(len(possible))]
		p := &plan{op: f.op, fault: f.fault}
		p.times.Store(1)
		c.faults.Store(p)
	}
}

// possible are the faults that an operation may meet.
var possible = []struct {
	op    logtest.Operation
	fault logtest.Fault
}{
	{logtest.AppendInput, logtest.Refused}, {logtest.AppendInput, logtest.Unknown},
	{logtest.AppendOutput, logtest.Refused}, {logtest.AppendOutput, logtest.Unknown},
	{logtest.AppendOutput, logtest.Unknown}, {logtest.Fence, logtest.Refused},
	{logtest.ReadInput, logtest.Refused}, {logtest.ReadInput, logtest.Missing},
	{logtest.ReadInput, logtest.Repeated}, {logtest.ReadInput, logtest.Reordered},
}

// finish ends what happens, and waits until all that was said is told.
func (c *cluster) finish() {
	c.faults.Store(nil)
	for len(c.workers) > 0 {
		c.stop(0)
	}
	c.opts.ChunkRecords = 1
	c.start()
	require.Eventually(c.t, c.told, time.Minute, time.Millisecond)
	c.stop(0)
	select {
	case err := <-c.alarms:
		require.NoError(c.t, err)
	default:
	}
}

// told reports whether all records are done.
func (c *cluster) told() bool {
	for i := range c.log.Partitions() {
		records, chunks := c.log.Records(i), c.log.Output(i)
		if len(records) > 0 && (len(chunks) == 0 || chunks[len(chunks)-1].To != uint64(len(records))) {
			return false
		}
	}
	return true
}

// finishUnfenced waits until nobody tells anything any more.
func (c *cluster) finishUnfenced() {
	chunks := -1
	require.Eventually(c.t, func() bool {
		before := chunks
		chunks = len(c.log.Output(0))
		return chunks == before
	}, time.Minute, 20*time.Millisecond)
	for len(c.workers) > 0 {
		c.stop(0)
	}
}

// yield lets others run for a while.
func yield() { time.Sleep(50 * time.Microsecond) }
