package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/muster-go/muster/replica"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Options of a log.
type Options struct {
	Brokers []string
	// Input and Output are topics; "muster-input" and "muster-output" by default. Group is the
	// consumer group of the workers, "muster" by default, and what the ids of transactions begin
	// with.
	Input, Output, Group string
	// Partitions and Replicas are those of the topics, if Open makes them: 1 and the broker's
	// default are the defaults.
	Partitions int
	Replicas   int
	// Session is how long a worker that is not heard of keeps its partitions: who takes over
	// waits for that. 6 s by default, the least that brokers take by default.
	Session time.Duration
	// Leave is how long an owner that is to leave a partition has to finish: 30 s by default.
	Leave time.Duration
	// Client are options of all clients: TLS, authentication.
	Client []kgo.Opt
}

// Log is a replica.Log in two topics of Kafka.
type Log struct {
	opts       Options
	partitions int
	client     *kgo.Client // that produces input, and asks
	admin      *kadm.Client

	mu      sync.Mutex
	readers map[int]*cursor // of the output
}

var _ replica.Log = (*Log)(nil)

// Open returns the log in two topics, which it makes if there are none. Those that are there
// have as many partitions as each other, and the input has the time at which the broker took
// a record (message.timestamp.type is LogAppendTime).
func Open(ctx context.Context, opts Options) (*Log, error) {
	opts.Input = cmp.Or(opts.Input, "muster-input")
	opts.Output = cmp.Or(opts.Output, "muster-output")
	opts.Group = cmp.Or(opts.Group, "muster")
	opts.Partitions = cmp.Or(opts.Partitions, 1)
	opts.Replicas = cmp.Or(opts.Replicas, -1)
	opts.Session = cmp.Or(opts.Session, 6*time.Second)
	opts.Leave = cmp.Or(opts.Leave, 30*time.Second)
	l := &Log{opts: opts, readers: map[int]*cursor{}}
	var err error
	l.client, err = l.newClient(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
	if err != nil {
		return nil, err
	}
	l.admin = kadm.NewClient(l.client)
	if err := l.prepare(ctx); err != nil {
		l.client.Close()
		return nil, fmt.Errorf("open the log: %w", err)
	}
	return l, nil
}

// Close ends all connections.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.readers {
		r.close()
	}
	l.client.Close()
	return nil
}

// newClient returns a client with options besides those of all.
func (l *Log) newClient(opts ...kgo.Opt) (*kgo.Client, error) {
	all := append([]kgo.Opt{kgo.SeedBrokers(l.opts.Brokers...), kgo.RetryTimeout(10 * time.Second)}, l.opts.Client...)
	return kgo.NewClient(append(all, opts...)...)
}

// appendTime says that the time of a record is that at which the broker took it.
const appendTime = "LogAppendTime"

// prepare makes the topics, and looks at those that are there.
func (l *Log) prepare(ctx context.Context) error {
	stamped := appendTime
	forEver := "-1"
	configs := map[string]map[string]*string{
		l.opts.Input:  {"message.timestamp.type": &stamped, "retention.ms": &forEver},
		l.opts.Output: {"retention.ms": &forEver},
	}
	for topic, config := range configs {
		_, err := l.admin.CreateTopic(ctx, int32(l.opts.Partitions), int16(l.opts.Replicas), config, topic)
		if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			return fmt.Errorf("make topic %s: %w", topic, err)
		}
	}
	topics, err := l.admin.ListTopics(ctx, l.opts.Input, l.opts.Output)
	if err == nil {
		err = topics.Error()
	}
	if err != nil {
		return err
	}
	l.partitions = len(topics[l.opts.Input].Partitions)
	if n := len(topics[l.opts.Output].Partitions); n != l.partitions {
		return fmt.Errorf("topic %s has %d partitions and %s has %d", l.opts.Input, l.partitions, l.opts.Output, n)
	}
	described, err := l.admin.DescribeTopicConfigs(ctx, l.opts.Input)
	if err != nil {
		return err
	}
	for _, config := range described {
		for _, c := range config.Configs {
			if c.Key == "message.timestamp.type" && c.MaybeValue() != appendTime {
				return fmt.Errorf("topic %s: message.timestamp.type is %s, not %s", l.opts.Input, c.MaybeValue(), appendTime)
			}
		}
	}
	return nil
}

// Partitions implements replica.Log.
func (l *Log) Partitions() int { return l.partitions }

// Append implements replica.Log. The number of a record is its offset and 1.
func (l *Log) Append(ctx context.Context, partition int, bodies ...[]byte) (last uint64, err error) {
	var records []*kgo.Record
	for _, b := range bodies {
		records = append(records, &kgo.Record{Topic: l.opts.Input, Partition: int32(partition), Value: b})
	}
	for _, done := range l.client.ProduceSync(ctx, records...) {
		if done.Err != nil {
			return 0, fmt.Errorf("append to partition %d: %w", partition, done.Err)
		}
		last = max(last, uint64(done.Record.Offset)+1)
	}
	return last, nil
}

// patience is how long who reads waits for more.
const patience = 100 * time.Millisecond

// Chunks implements replica.Log. The place of a chunk is its offset.
func (l *Log) Chunks(ctx context.Context, partition int, place uint64) (chunks []replica.Chunk, next uint64, err error) {
	l.mu.Lock()
	r := l.readers[partition]
	if r == nil {
		r = &cursor{log: l, topic: l.opts.Output, partition: int32(partition), opts: []kgo.Opt{kgo.FetchIsolationLevel(kgo.ReadCommitted())}}
		l.readers[partition] = r
	}
	l.mu.Unlock()
	records, err := r.read(ctx, int64(place), 64)
	if err != nil {
		return nil, place, fmt.Errorf("read the output of partition %d: %w", partition, err)
	}
	for _, rec := range records {
		c, err := replica.DecodeChunk(rec.Value)
		if err != nil {
			return nil, place, fmt.Errorf("read the output of partition %d: offset %d: %w", partition, rec.Offset, err)
		}
		c.Place = uint64(rec.Offset)
		chunks, place = append(chunks, *c), c.Place+1
	}
	return chunks, place, nil
}

// end returns the offset behind the last record of a partition.
func (l *Log) end(ctx context.Context, topic string, partition int) (int64, error) {
	offsets, err := l.admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return 0, err
	}
	at, ok := offsets.Lookup(topic, int32(partition))
	if !ok {
		return 0, fmt.Errorf("%w: there is no end of partition %d", replica.ErrUnavailable, partition)
	}
	return at.Offset, at.Err
}

// cursor reads one partition of a topic.
type cursor struct {
	log       *Log
	topic     string
	partition int32
	opts      []kgo.Opt

	mu     sync.Mutex
	client *kgo.Client
	next   int64 // that the client reads
}

// read returns records from an offset on, or none after a moment.
func (r *cursor) read(ctx context.Context, from int64, most int) ([]*kgo.Record, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != nil && r.next != from {
		r.client.Close()
		r.client = nil
	}
	if r.client == nil {
		at := map[string]map[int32]kgo.Offset{r.topic: {r.partition: kgo.NewOffset().At(from)}}
		client, err := r.log.newClient(append([]kgo.Opt{
			kgo.ConsumePartitions(at), kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.FetchMaxWait(patience),
		}, r.opts...)...)
		if err != nil {
			return nil, err
		}
		r.client, r.next = client, from
	}
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	fetched := r.client.PollRecords(bounded, most)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, f := range fetched.Errors() {
		if errors.Is(f.Err, context.DeadlineExceeded) {
			continue
		}
		r.client.Close() // what it would go on with is not known
		r.client = nil
		var lost *kgo.ErrDataLoss
		if errors.As(f.Err, &lost) || errors.Is(f.Err, kerr.OffsetOutOfRange) {
			return nil, fmt.Errorf("%w: offset %d: %w", replica.ErrLost, from, f.Err)
		}
		return nil, f.Err
	}
	records := fetched.Records()
	if n := len(records); n > 0 {
		r.next = records[n-1].Offset + 1
	}
	return records, nil
}

// close ends the client.
func (r *cursor) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != nil {
		r.client.Close()
		r.client = nil
	}
}
