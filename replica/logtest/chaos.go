package logtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/replica"
	"github.com/stretchr/testify/require"
)

// Chaos has workers run as processes on a log, while processes are killed and stopped, and
// compares what was told with one engine on the same log.
type Chaos struct {
	Log replica.Log
	// Worker returns the command of a worker, which leaves in order on SIGTERM. One that is
	// deaf does not hear that it has lost a partition.
	Worker func(name string, deaf bool) *exec.Cmd
	// Owners returns the names of the workers that own partitions; empty: nobody does.
	Owners func() (map[int]string, error)
	// Outage has the server of the log be away: killed and started again, or stopped for a
	// while; nil: it has none.
	Outage func() error
	// Records returns the input of a partition.
	Records func(partition int) ([]replica.Record, error)
	Lease   time.Duration // of an owner
	Length  time.Duration // of the run
	Seed    uint64
	// Unfenced says that the workers' chunks are taken whoever they are of: what was told is
	// compared as it stands, and need not be whole.
	Unfenced bool
	// Faults are those that happen, in turn; nil: all.
	Faults []string

	t         *testing.T
	rand      *rand.Rand
	workers   []*process
	started   int
	happened  map[string]int
	takeOvers []time.Duration
}

// process is a worker.
type process struct {
	*exec.Cmd
	name string
	done chan struct{} // closed when it has ended
}

// AllFaults are what happens to workers and servers.
var AllFaults = []string{"kill worker", "server away", "stop worker longer than its lease", "hand over", "deaf owner", "kill all workers"}

// Run runs it, and returns how what was told differs from what was to be told.
func (c *Chaos) Run(t *testing.T) Difference {
	c.t, c.rand, c.happened = t, rand.New(rand.NewPCG(c.Seed, 3)), map[string]int{}
	if c.Faults == nil {
		c.Faults = AllFaults
	}
	c.define()
	c.start(false)
	c.start(false)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		c.send(stop)
	}()
	readers := c.read()
	began := time.Now()
	for i := 0; i < len(c.Faults) || time.Since(began) < c.Length; i++ { // each at least once
		c.disturb(c.Faults[i%len(c.Faults)])
	}
	close(stop)
	<-stopped
	for len(c.workers) > 0 {
		c.end(0, syscall.SIGKILL)
	}
	c.start(false)
	d := c.compare(readers)
	for len(c.workers) > 0 {
		c.end(0, syscall.SIGTERM)
	}
	slices.Sort(c.takeOvers)
	t.Logf("%v in %v; faults: %v", d, time.Since(began).Round(time.Second), c.happened)
	if n := len(c.takeOvers); n > 0 {
		t.Logf("taken over after kill -9 of an owner, lease %v: median %v, longest %v of %d", c.Lease,
			c.takeOvers[n/2].Round(time.Millisecond), c.takeOvers[n-1].Round(time.Millisecond), n)
	}
	return d
}

// start starts a worker.
func (c *Chaos) start(deaf bool) {
	c.started++
	p := &process{name: fmt.Sprintf("w%d", c.started), done: make(chan struct{})}
	p.Cmd = c.Worker(p.name, deaf)
	require.NoError(c.t, p.Start())
	go func() {
		defer close(p.done)
		_ = p.Wait() // it was killed, or says why in its log
	}()
	c.workers = append(c.workers, p)
}

// end ends a worker by a signal.
func (c *Chaos) end(i int, with syscall.Signal) {
	p := c.workers[i]
	c.workers = slices.Delete(c.workers, i, i+1)
	_ = p.Process.Signal(with) // it may have ended
	select {
	case <-p.done:
	case <-time.After(wait):
		require.Fail(c.t, "a worker does not end")
	}
}

// disturb has something happen, and lets the workers run for a while.
func (c *Chaos) disturb(fault string) {
	for len(c.workers) < 2 {
		c.start(false)
	}
	i := c.rand.IntN(len(c.workers))
	switch fault {
	case "kill worker":
		owners, at := c.owner()
		name := c.workers[at].name
		c.end(at, syscall.SIGKILL)
		c.taken(owners, name, time.Now())
		c.start(false)
	case "stop worker longer than its lease":
		p := c.workers[i]
		require.NoError(c.t, p.Process.Signal(syscall.SIGSTOP))
		time.Sleep(2 * c.Lease)
		require.NoError(c.t, p.Process.Signal(syscall.SIGCONT))
	case "deaf owner":
		c.start(true)
		time.Sleep(c.Lease)
		// The deaf one owns something by now. Stopped for long enough it loses that, and goes on.
		p := c.workers[len(c.workers)-1]
		require.NoError(c.t, p.Process.Signal(syscall.SIGSTOP))
		time.Sleep(2 * c.Lease)
		require.NoError(c.t, p.Process.Signal(syscall.SIGCONT))
		time.Sleep(c.Lease / 2)
		c.end(len(c.workers)-1, syscall.SIGKILL)
	case "hand over":
		c.start(false)
		c.end(i, syscall.SIGTERM)
	case "server away":
		if c.Outage == nil {
			return
		}
		require.NoError(c.t, c.Outage())
	case "kill all workers":
		for len(c.workers) > 0 {
			c.end(0, syscall.SIGKILL)
		}
		c.start(false)
		c.start(false)
	}
	c.happened[fault]++
	time.Sleep(time.Duration(200+c.rand.IntN(400)) * time.Millisecond)
}

// owner returns who owns what, and which worker is one of them.
func (c *Chaos) owner() (owners map[int]string, at int) {
	require.Eventually(c.t, func() bool {
		var err error
		owners, err = c.Owners()
		names := slices.Collect(maps.Values(owners))
		at = slices.IndexFunc(c.workers, func(p *process) bool { return slices.Contains(names, p.name) })
		return err == nil && at >= 0
	}, wait, 5*time.Millisecond)
	return owners, at
}

// taken waits until others own what a killed worker owned, and notes after how long.
func (c *Chaos) taken(before map[int]string, killed string, since time.Time) {
	for time.Since(since) < wait {
		now, err := c.Owners()
		left := 0
		for partition, owner := range before {
			if owner == killed && (err != nil || now[partition] == killed || now[partition] == "") {
				left++
			}
		}
		if left == 0 {
			c.takeOvers = append(c.takeOvers, time.Since(since))
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	c.t.Error("nobody takes over")
}

// append appends to a partition, until it succeeds: what comes twice has one message id.
func (c *Chaos) append(partition int, body []byte) {
	for began := time.Now(); ; {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		_, err := c.Log.Append(ctx, partition, body)
		cancel()
		if err == nil {
			return
		}
		if time.Since(began) > wait {
			c.t.Error(err)
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// define makes what the messages are asked about.
func (c *Chaos) define() {
	for i := range c.Log.Partitions() {
		c.append(i, []byte(`!{"op":"create","file":{
			"traits":[{"key":"buys","type":"count","event":"Buy","window":{"within":"3s"}}],
			"audiences":[
				{"key":"buyers","where":{"event":{"name":"Buy","window":{"within":"1s"}}}},
				{"key":"lookers","where":{"event":{"name":"Look","count":{"at_least":2},"window":{"within":"2s"}}}},
				{"key":"idle","where":{"not":{"event":{"name":"Look","window":{"within":"1500ms"}}}}},
				{"key":"fans","where":{"trait":"traits.buys > 2"}},
				{"key":"gold","of":"accounts","where":{"users":{"any":{"event":{"name":"Buy","window":{"within":"1s"}}}}}}]}}`))
	}
}

// send sends messages of all kinds, and edits, until stop is closed.
func (c *Chaos) send(stop <-chan struct{}) {
	r := rand.New(rand.NewPCG(c.Seed, 4))
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		default:
		}
		partition := r.IntN(c.Log.Partitions())
		now := time.Now().UTC().Format(time.RFC3339Nano)
		user := fmt.Sprintf("u%d", r.IntN(60))
		var body string
		switch k := r.IntN(400); {
		case k < 300:
			body = fmt.Sprintf(`{"type":"track","event":%q,"userId":%q,"anonymousId":"v%d","messageId":"m%d","timestamp":%q}`,
				[]string{"Buy", "Look", "Other"}[r.IntN(3)], user, r.IntN(100), n, now)
		case k < 330:
			body = fmt.Sprintf(`{"type":"group","groupId":"a%d","userId":%q,"messageId":"m%d","timestamp":%q}`, r.IntN(5), user, n, now)
		case k < 380:
			body = fmt.Sprintf(`{"type":"track","event":"Look","anonymousId":"v%d","messageId":"m%d","timestamp":%q}`, r.IntN(100), n, now)
		case k < 385:
			body = fmt.Sprintf(`{"type":"track","userId":%q,"messageId":"m%d","timestamp":%q}`, user, n, now) // refused
		case k < 390:
			body = fmt.Sprintf(`!{"op":"delete_user","profile":%q}`, user)
		case k < 395:
			body = fmt.Sprintf(`!{"op":"edit_audience","audience":{"key":"fans","where":{"trait":"traits.buys > %d"}}}`, 1+r.IntN(3))
		default:
			body = fmt.Sprintf(`!{"op":"create","file":{"audiences":[{"key":"n%d","where":{"event":{"name":"Look","window":{"within":"900ms"}}}}]}}`, n%7)
		}
		c.append(partition, []byte(body))
		if n%8 == 0 {
			time.Sleep(time.Duration(r.IntN(20)) * time.Millisecond)
		}
	}
}

// reading is what the readers of the output have read.
type reading struct {
	mu    sync.Mutex
	lines map[int][]string
	upTo  map[int]uint64
	alarm error
	stop  func()
}

// read reads the output of all partitions while everything happens.
func (c *Chaos) read() *reading {
	ctx, cancel := context.WithCancel(context.Background())
	all := &reading{lines: map[int][]string{}, upTo: map[int]uint64{}}
	var running sync.WaitGroup
	for i := range c.Log.Partitions() {
		running.Add(1)
		go func() {
			defer running.Done()
			r := replica.NewReader(c.Log, i, replica.Cursor{})
			for ctx.Err() == nil {
				told, err := r.Next(ctx)
				all.mu.Lock()
				for _, e := range told.Entries {
					all.lines[i] = append(all.lines[i], Line(e.Notice))
				}
				all.upTo[i] = r.Cursor().Record
				if errors.Is(err, replica.ErrGap) || errors.Is(err, replica.ErrRepeated) || errors.Is(err, replica.ErrDiverged) {
					all.alarm = err
					all.mu.Unlock()
					return
				}
				all.mu.Unlock()
				if err != nil && ctx.Err() == nil {
					time.Sleep(20 * time.Millisecond) // the server is away
				}
			}
		}()
	}
	all.stop = func() {
		cancel()
		running.Wait()
	}
	return all
}

// compare waits until all is told, and compares it with one engine for each partition.
func (c *Chaos) compare(readers *reading) (sum Difference) {
	ctx := context.Background()
	tick, err := replica.Command{Op: replica.Tick}.Body()
	require.NoError(c.t, err)
	for i := range c.Log.Partitions() {
		c.append(i, tick)
	}
	if c.Unfenced {
		time.Sleep(2 * c.Lease)
	} else {
		require.Eventually(c.t, func() bool { return c.allRead(readers) }, wait, 100*time.Millisecond)
	}
	for len(c.workers) > 0 {
		c.end(0, syscall.SIGTERM)
	}
	readers.stop()
	if !c.Unfenced {
		require.NoError(c.t, readers.alarm)
	}
	for i := range c.Log.Partitions() {
		records, err := c.Records(i)
		require.NoError(c.t, err)
		got := readers.lines[i]
		if c.Unfenced {
			got = c.lines(i)
		} else {
			records = records[:readers.upTo[i]] // a tick may have come since
		}
		want, err := Reference(ctx, profile.NewMemStore(), records, nil)
		require.NoError(c.t, err)
		d := Compare(want, got)
		if d.Exact() && !slices.Equal(want, got) {
			d.Different++ // in their order
		}
		sum.Told += d.Told
		sum.Lost += d.Lost
		sum.Doubled += d.Doubled
		sum.Different += d.Different
	}
	return sum
}

// allRead reports whether all records are done, and that was read; or that a reader is alarmed.
func (c *Chaos) allRead(readers *reading) bool {
	readers.mu.Lock()
	defer readers.mu.Unlock()
	if readers.alarm != nil {
		return true
	}
	for i := range c.Log.Partitions() {
		records, err := c.Records(i)
		if err != nil || readers.upTo[i] != uint64(len(records)) {
			return false
		}
	}
	return true
}

// lines returns what was told of a partition, as it stands.
func (c *Chaos) lines(partition int) []string {
	all, _ := c.chunks(partition, 0)
	lines, err := Lines(all)
	require.NoError(c.t, err)
	return lines
}

// chunks returns the chunks of a partition from a place on, and the place behind them.
func (c *Chaos) chunks(partition int, place uint64) (all []replica.Chunk, next uint64) {
	for {
		some, next, err := c.Log.Chunks(context.Background(), partition, place)
		require.NoError(c.t, err)
		if len(some) == 0 {
			return all, next
		}
		all, place = append(all, some...), next
	}
}
