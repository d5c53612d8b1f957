package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/muster-go/muster/replica"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// partition is one partition as its owner has it. What fences is the id of its
// transactions, which is the partition's: a producer that begins with it has the broker
// refuse those that began before.
type partition struct {
	log     *Log
	n       int
	ctx     context.Context // ends when it is lost
	end     context.CancelFunc
	leaving chan struct{}
	done    chan struct{} // closed when nobody runs it any more
	input   *cursor

	mu       sync.Mutex
	producer *kgo.Client    // of the latest fence; nil: it has to fence
	last     *replica.Chunk // in the output
}

func (l *Log) newPartition(n int) *partition {
	ctx, cancel := context.WithCancel(context.Background())
	return &partition{
		log: l, n: n, ctx: ctx, end: cancel, leaving: make(chan struct{}), done: make(chan struct{}),
		input: &cursor{log: l, topic: l.opts.Input, partition: int32(n)},
	}
}

// close ends the connections.
func (p *partition) close() {
	p.input.close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop()
}

// drop ends the producer. The lock is held.
func (p *partition) drop() {
	if p.producer != nil {
		p.producer.Close()
		p.producer = nil
	}
}

// Number implements replica.Partition.
func (p *partition) Number() int { return p.n }

// Leaving implements replica.Partition.
func (p *partition) Leaving() <-chan struct{} { return p.leaving }

// Fence implements replica.Partition: a new producer with the partition's id of transactions.
func (p *partition) Fence(ctx context.Context) (uint64, *replica.Chunk, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop()
	if p.ctx.Err() != nil {
		return 0, nil, fmt.Errorf("fence partition %d: %w", p.n, replica.ErrFenced)
	}
	producer, err := p.log.newClient(
		kgo.TransactionalID(fmt.Sprintf("%s-output-%d", p.log.opts.Group, p.n)), kgo.TransactionTimeout(30*time.Second),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0), kgo.ProducerBatchMaxBytes(16<<20),
	)
	if err != nil {
		return 0, nil, err
	}
	id, epoch, err := producer.ProducerID(ctx)
	if err == nil {
		p.last, err = p.readLast(ctx)
	}
	if err != nil {
		producer.Close()
		return 0, nil, fmt.Errorf("fence partition %d: %w", p.n, err)
	}
	p.producer = producer
	// The broker raises the epoch of an id, and then begins a higher id.
	return uint64(id)<<16 | uint64(uint16(epoch)), p.last, nil
}

// readLast returns the last chunk that was committed, without its entries. The output ends with
// what ended a transaction.
func (p *partition) readLast(ctx context.Context) (*replica.Chunk, error) {
	end, err := p.log.end(ctx, p.log.opts.Output, p.n)
	if err != nil || end == 0 {
		return nil, err
	}
	for back := int64(8); ; back *= 4 {
		from := max(0, end-back)
		last, err := p.lastFrom(ctx, from, end)
		if err != nil || last != nil || from == 0 {
			return last, err
		}
	}
}

// hangs is after how long a transaction is taken for one that never ends: there is none under
// way once a fence has been made.
const hangs = 5 * time.Second

// lastFrom returns the last chunk between two offsets.
func (p *partition) lastFrom(ctx context.Context, from, end int64) (last *replica.Chunk, err error) {
	r := &cursor{log: p.log, topic: p.log.opts.Output, partition: int32(p.n), opts: []kgo.Opt{
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
	}}
	defer r.close()
	began := time.Now()
	for at := from; at < end; {
		records, err := r.read(ctx, at, 1000)
		if err == nil && len(records) == 0 && time.Since(began) > hangs {
			err = fmt.Errorf("%w: a transaction hangs in topic %s, partition %d, from offset %d on", replica.ErrUnavailable, p.log.opts.Output, p.n, at)
		}
		if err != nil {
			return nil, err
		}
		for _, rec := range records {
			if at = rec.Offset + 1; rec.Attrs.IsControl() {
				continue
			}
			if last, err = replica.DecodeChunk(rec.Value); err != nil {
				return nil, err
			}
			last.Entries = nil
		}
	}
	return last, nil
}

// Read implements replica.Partition.
func (p *partition) Read(ctx context.Context, after uint64, most int) (records []replica.Record, err error) {
	read, err := p.input.read(ctx, int64(after), most)
	if err != nil {
		return nil, fmt.Errorf("read partition %d: %w", p.n, err)
	}
	for _, r := range read {
		records = append(records, replica.Record{Number: uint64(r.Offset) + 1, Time: r.Timestamp.UTC(), Body: r.Value})
	}
	return records, nil
}

// End implements replica.Partition.
func (p *partition) End(ctx context.Context) (uint64, error) {
	end, err := p.log.end(ctx, p.log.opts.Input, p.n)
	if err != nil {
		return 0, fmt.Errorf("the end of partition %d: %w", p.n, err)
	}
	return uint64(end), nil
}

// Append implements replica.Partition: one record in a transaction. After an error it takes a
// fence to go on.
func (p *partition) Append(ctx context.Context, c *replica.Chunk) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return fmt.Errorf("append to partition %d: %w", p.n, replica.ErrFenced)
	}
	if p.producer == nil {
		return fmt.Errorf("append to partition %d: %w: it has to fence", p.n, replica.ErrUnavailable)
	}
	if !c.Follows(p.last) {
		return fmt.Errorf("append to partition %d: %w: record %d does not follow", p.n, replica.ErrFenced, c.From)
	}
	body, err := c.Encode()
	if err != nil {
		return err
	}
	if err := p.commit(ctx, body); err != nil {
		p.drop()
		if fenced(err) {
			err = fmt.Errorf("%w: %w", replica.ErrFenced, err)
		}
		return fmt.Errorf("append to partition %d: %w", p.n, err)
	}
	head := *c
	head.Entries = nil
	p.last = &head
	return nil
}

// commit produces one record in a transaction.
func (p *partition) commit(ctx context.Context, body []byte) error {
	if err := p.producer.BeginTransaction(); err != nil {
		return err
	}
	err := p.producer.ProduceSync(ctx, &kgo.Record{Topic: p.log.opts.Output, Partition: int32(p.n), Value: body}).FirstErr()
	if err != nil {
		return err
	}
	return p.producer.EndTransaction(ctx, kgo.TryCommit)
}

// fenced reports whether an error says that another producer has begun.
func fenced(err error) bool {
	for _, of := range []error{kerr.ProducerFenced, kerr.InvalidProducerEpoch, kerr.InvalidProducerIDMapping} {
		if errors.Is(err, of) {
			return true
		}
	}
	return false
}
