package logtest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/muster-go/muster/replica"
)

// Memory is a log in memory, for tests: with faults, if they are asked for. Its zero value
// is of no use; see NewMemory.
type Memory struct {
	// Fault is asked before each operation, on any goroutine; nil: there are none.
	Fault func(op Operation, partition int) Fault
	// FenceOff has the log take the chunks of any owner, whatever they follow. It shows that
	// a test sees what the fence is for.
	FenceOff bool

	mu         sync.Mutex
	now        time.Time
	partitions []*memoryPartition
	members    []*member
}

type memoryPartition struct {
	input   []replica.Record
	output  []replica.Chunk
	epoch   uint64
	changed chan struct{} // closed when input or output grow
	grant   *grant        // nil: nobody owns it
}

var _ replica.Log = (*Memory)(nil)

// NewMemory returns an empty log whose time stands at now; see SetTime.
func NewMemory(partitions int, now time.Time) *Memory {
	m := &Memory{now: now}
	for range partitions {
		m.partitions = append(m.partitions, &memoryPartition{changed: make(chan struct{})})
	}
	return m
}

// SetTime moves the log's time, which is that of the records to come.
func (m *Memory) SetTime(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = now
}

// Now returns the log's time.
func (m *Memory) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// Partitions implements replica.Log.
func (m *Memory) Partitions() int { return len(m.partitions) }

// patience is how long a reader waits for something to come.
const patience = 5 * time.Millisecond

// Append implements replica.Log.
func (m *Memory) Append(ctx context.Context, partition int, bodies ...[]byte) (uint64, error) {
	return m.append(ctx, time.Time{}, partition, bodies)
}

// AppendAt is Append at a time, at which the log is from then on. Nobody appends anything else
// at that time before.
func (m *Memory) AppendAt(ctx context.Context, now time.Time, partition int, bodies ...[]byte) (uint64, error) {
	return m.append(ctx, now, partition, bodies)
}

// append appends records, at a time if it is not zero.
func (m *Memory) append(ctx context.Context, now time.Time, partition int, bodies [][]byte) (uint64, error) {
	fault := m.fault(AppendInput, partition)
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if fault == Refused {
		return 0, errFault
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.partitions[partition]
	if !now.IsZero() {
		m.now = now
	}
	for _, b := range bodies {
		p.input = append(p.input, replica.Record{Number: uint64(len(p.input)) + 1, Time: m.now, Body: bytes.Clone(b)})
	}
	p.grown()
	if fault == Unknown {
		return 0, errFault
	}
	return uint64(len(p.input)), nil
}

// grown wakes who waits for more. The lock is held.
func (p *memoryPartition) grown() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// wait waits a moment for a partition to have something, and reports whether it has.
func (m *Memory) wait(ctx context.Context, p *memoryPartition, has func() bool) (bool, error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		m.mu.Lock()
		ok, changed := has(), p.changed
		m.mu.Unlock()
		if ok {
			return true, nil
		}
		select {
		case <-changed:
		case <-timer.C:
			return false, nil
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// Chunks implements replica.Log. The place of a chunk is its index.
func (m *Memory) Chunks(ctx context.Context, partition int, place uint64) (chunks []replica.Chunk, next uint64, err error) {
	if m.fault(ReadOutput, partition) != None {
		return nil, 0, errFault
	}
	p := m.partitions[partition]
	if ok, err := m.wait(ctx, p, func() bool { return uint64(len(p.output)) > place }); !ok || err != nil {
		return nil, place, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, c := range p.output[place:] {
		c.Place = place + uint64(i)
		chunks = append(chunks, c)
	}
	return chunks, uint64(len(p.output)), nil
}

// Records returns the input of a partition.
func (m *Memory) Records(partition int) []replica.Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.partitions[partition].input)
}

// Output returns the output of a partition.
func (m *Memory) Output(partition int) []replica.Chunk {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.partitions[partition].output)
}

// Lose drops the last records of a partition, as a log does that has acknowledged what it
// had not secured.
func (m *Memory) Lose(partition, records int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.partitions[partition]
	p.input = slices.Clone(p.input[:max(0, len(p.input)-records)])
}

// Forge replaces a record, or a chunk with one, as a log does that was restored or repaired.
func (m *Memory) Forge(partition int, record uint64, body []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.partitions[partition]
	p.input = slices.Clone(p.input)
	p.input[record-1].Body = body
}

// owned is a partition as an owner has it.
type owned struct {
	m     *Memory
	p     *memoryPartition
	grant *grant
	n     int

	mu    sync.Mutex
	epoch uint64
}

func (o *owned) Number() int              { return o.n }
func (o *owned) Leaving() <-chan struct{} { return o.grant.leaving }

// Fence implements replica.Partition. A member whose grant was taken from it behind its back
// is refused.
func (o *owned) Fence(ctx context.Context) (uint64, *replica.Chunk, error) {
	if fault := o.m.fault(Fence, o.n); fault == Refused {
		return 0, nil, errFault
	}
	o.m.mu.Lock()
	defer o.m.mu.Unlock()
	if o.p.grant != o.grant {
		return 0, nil, fmt.Errorf("fence: %w", replica.ErrFenced)
	}
	o.p.epoch++
	o.mu.Lock()
	o.epoch = o.p.epoch
	o.mu.Unlock()
	if len(o.p.output) == 0 {
		return o.p.epoch, nil, ctx.Err()
	}
	last := o.p.output[len(o.p.output)-1]
	last.Entries = nil
	return o.p.epoch, &last, ctx.Err()
}

// Read implements replica.Partition.
func (o *owned) Read(ctx context.Context, after uint64, most int) ([]replica.Record, error) {
	fault := o.m.fault(ReadInput, o.n)
	if fault == Refused {
		return nil, errFault
	}
	if ok, err := o.m.wait(ctx, o.p, func() bool { return uint64(len(o.p.input)) > after }); !ok || err != nil {
		return nil, err
	}
	o.m.mu.Lock()
	defer o.m.mu.Unlock()
	from := min(after, uint64(len(o.p.input)))
	records := slices.Clone(o.p.input[from:min(from+uint64(most), uint64(len(o.p.input)))])
	return disturb(records, fault), nil
}

// End implements replica.Partition.
func (o *owned) End(ctx context.Context) (uint64, error) {
	o.m.mu.Lock()
	defer o.m.mu.Unlock()
	return uint64(len(o.p.input)), ctx.Err()
}

// Append implements replica.Partition.
func (o *owned) Append(ctx context.Context, c *replica.Chunk) error {
	fault := o.m.fault(AppendOutput, o.n)
	if fault == Refused {
		return errFault
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	o.m.mu.Lock()
	defer o.m.mu.Unlock()
	o.mu.Lock()
	epoch := o.epoch
	o.mu.Unlock()
	var last *replica.Chunk
	if n := len(o.p.output); n > 0 {
		last = &o.p.output[n-1]
	}
	if !o.m.FenceOff && (epoch != o.p.epoch || !c.Follows(last)) {
		return fmt.Errorf("append a chunk: %w", replica.ErrFenced)
	}
	o.p.output = append(o.p.output, *c)
	o.p.grown()
	if fault == Unknown {
		return errFault
	}
	return nil
}
