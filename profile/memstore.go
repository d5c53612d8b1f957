package profile

import (
	"cmp"
	"context"
	"fmt"
	"hash/maphash"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// MemStore is the Store in memory. Its iterators hold no lock while they
// yield, so their consumer may change the store; one over several profiles
// then sees each profile as it is when the iterator comes to it. Use a Snapshot
// where that is not enough. Times are returned in UTC.
//
// Memory, besides what Reader needs to answer:
//   - Message ids are remembered as long as what they came with: that of an
//     event with the event, that of a trait call for the retention, counted
//     from its arrival, for ever if all is kept. A trait call of a user is kept
//     as long, as an event of its size is: a merge may bring back what another
//     call has replaced.
//     Those of a deleted profile take 16 bytes each: see WithDuplicateMemory.
//   - A retention frees a profile's old events when the profile is written to,
//     by the chunk of about 1 KiB, so a few older ones remain for a while.
type MemStore struct {
	reader
	dict      *Dict
	retention time.Duration
	limits    Limits        // of a profile
	taken     atomic.Bool   // by an engine
	duplicate time.Duration // how long messages of deleted profiles stay duplicates

	txs sync.Pool // of *tx

	snapshots sync.Mutex
	open      map[uint64]struct{} // generations of the open snapshots
}

// MemOption is an option of NewMemStore.
type MemOption func(*MemStore)

// WithRetention lets the store drop events older than age: on arrival, or when
// their profile is written to later. With 0, the default, all are kept.
func WithRetention(age time.Duration) MemOption {
	return func(s *MemStore) { s.retention = max(age, 0) }
}

// WithDuplicateMemory is how long the messages of a deleted profile stay
// duplicates: by default for the retention or, where all is kept, 30 days. Only
// hashes of its ids and of the message ids are kept for that. With 0 they are
// forgotten at once.
func WithDuplicateMemory(d time.Duration) MemOption {
	return func(s *MemStore) { s.duplicate = max(d, 0) }
}

// NewMemStore returns an empty store.
func NewMemStore(opts ...MemOption) *MemStore {
	s := &MemStore{dict: NewDict(), duplicate: -1, open: map[uint64]struct{}{}}
	for _, opt := range opts {
		opt(s)
	}
	if s.duplicate < 0 {
		s.duplicate = cmp.Or(s.retention, 30*Day)
	}
	s.limits = s.limits.withDefaults()
	s.txs.New = s.newTx
	s.state.Store(newState(s.dict))
	return s
}

// Take implements Store.
func (s *MemStore) Take(ctx context.Context) (release func(), err error) {
	if _, err := s.enter(ctx); err != nil {
		return nil, err
	}
	if !s.taken.CompareAndSwap(false, true) {
		return nil, ErrTaken
	}
	return sync.OnceFunc(func() { s.taken.Store(false) }), nil
}

// Retention implements Store.
func (s *MemStore) Retention() time.Duration { return s.retention }

// Dict returns the dictionary that the keys of the store's objects are
// interned in: a Key made with it looks them up fastest.
func (s *MemStore) Dict() *Dict { return s.dict }

// Close implements Store. A snapshot taken before stays readable.
func (s *MemStore) Close() error {
	if s.state.Swap(nil) == nil {
		return ErrClosed
	}
	return nil
}

// inBatch says which change of a batch an error is about.
func inBatch(i, n int, err error) error {
	if n == 1 {
		return err
	}
	return fmt.Errorf("change %d of %d: %w", i+1, n, err)
}

// cutoff returns the instant before which events are dropped.
func cutoff(now time.Time, retention time.Duration) int64 {
	n := now.UnixNano()
	if retention == 0 || n < math.MinInt64+int64(retention) {
		return math.MinInt64
	}
	return n - int64(retention)
}

// Snapshot implements Store. It costs a few microseconds, and the first write
// to each profile afterwards, while the snapshot is open, a copy of that
// profile's record (not of its events).
func (s *MemStore) Snapshot(ctx context.Context) (Snapshot, error) {
	st, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	st.keys.mu.Lock()
	defer st.keys.mu.Unlock()
	st.lock(allShards)
	defer st.unlock(allShards)

	gen := st.gen.Add(1)
	s.snapshots.Lock()
	s.open[gen] = struct{}{}
	st.frozen.Store(gen)
	s.snapshots.Unlock()

	snap := &memSnapshot{release: func() { s.release(st, gen) }}
	snap.state.Store(st.freeze())
	return snap, nil
}

// release ends a snapshot: records that no other one sees are changed in place
// again.
func (s *MemStore) release(st *state, gen uint64) {
	s.snapshots.Lock()
	defer s.snapshots.Unlock()
	delete(s.open, gen)
	var newest uint64
	for g := range s.open {
		newest = max(newest, g)
	}
	st.frozen.Store(newest)
}

// memSnapshot is a reader of shards that no one writes to.
type memSnapshot struct {
	reader
	release func()
}

// Close implements Snapshot.
func (s *memSnapshot) Close() error {
	if s.state.Swap(nil) == nil {
		return ErrClosed
	}
	s.release()
	return nil
}

// state is all that a store, or a snapshot of one, holds.
type state struct {
	seed   maphash.Seed
	dict   *Dict
	shards [shardCount]shard
	keys   keyTable
	outbox outbox

	audiences *keyNumbers
	counts    map[uint32]int // of members by audience number; in a snapshot only

	gen    atomic.Uint64 // counts the snapshots taken; changed with all shards locked
	frozen atomic.Uint64 // generation of the newest open snapshot

	_   [64]byte      // seq is written by everyone: keep it off the line of what is only read
	seq atomic.Uint64 // the last arrival number
}

const never = math.MinInt64

func newState(dict *Dict) *state {
	st := &state{seed: maphash.MakeSeed(), dict: dict, keys: newKeyTable(), outbox: newOutbox(), audiences: newKeyNumbers()}
	for i := range st.shards {
		st.shards[i].init()
	}
	return st
}

// latest returns the latest instant of a transaction, never if there was none.
func (st *state) latest() int64 {
	now := int64(never)
	for i := range st.shards {
		now = max(now, st.shards[i].now.Load())
	}
	return now
}

// freeze returns a copy of the state, all of whose locks the caller holds.
func (st *state) freeze() *state {
	c := &state{seed: st.seed, dict: st.dict, audiences: st.audiences, counts: st.memberCounts()}
	c.seq.Store(st.seq.Load())
	c.keys.order = st.keys.order.Copy()
	st.outbox.freeze(&c.outbox)
	for i := range st.shards {
		st.shards[i].freeze(&c.shards[i])
	}
	return c
}
