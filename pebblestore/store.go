package pebblestore

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/muster-go/muster/profile"
)

// Store is a profile.Store on a disk: see the package comment.
type Store struct {
	reader
	dir   string
	opts  Options
	fs    *gate
	lock  *pebble.Lock
	db    *pebble.DB
	fault *fault
	id    string
	seed  seed

	lanes [profile.Lanes]lane
	dict  *profile.Dict // of property names
	named atomic.Int64  // how many of its names have rows
	names sync.Mutex    // one writes rows of names at a time

	// publish is held for reading by a commit, from when it is visible until all that is
	// kept in memory says so, and for writing by who needs both to be of one instant.
	publish   sync.RWMutex
	numbers   atomic.Pointer[numbers]
	numbering sync.Mutex        // one makes a number at a time
	places    map[string]uint32 // of keys; all lanes are locked

	outbox   outbox
	tallying sync.Mutex
	tally    *tally
	seq      atomic.Uint64 // the last arrival number, of transactions under way too
	latest   atomic.Int64  // the latest instant of a transaction
	number   atomic.Uint64 // of the last commit, those under way too
	buried   atomic.Bool   // something is kept of deleted profiles

	syncs   syncs
	mark    markFile // written by who syncs
	space   space
	commits commitMetrics
	stalls  atomic.Int64
	tables  sstable.ReaderOptions // how Verify reads them

	taken      atomic.Bool
	users      users
	life       context.Context // ends with Close
	end        context.CancelFunc
	background sync.WaitGroup
}

// lane has the profiles whose ids hash to it. A transaction has the locks of those that it
// reads and writes, from the least to the greatest.
type lane struct {
	mu      sync.Mutex
	cache   cache
	figures laneFigures
	_       [64]byte // the next one's lock is another processor's
}

// laneSet is a set of lanes, as bits.
type laneSet uint32

const allLanes laneSet = 1<<profile.Lanes - 1

func laneOf(id string) laneSet { return 1 << profile.Lane(id) }

func (s *Store) lockLanes(set laneSet) {
	for ; set != 0; set &= set - 1 {
		s.lanes[bits.TrailingZeros32(uint32(set))].mu.Lock()
	}
}

func (s *Store) unlockLanes(set laneSet) {
	for ; set != 0; set &= set - 1 {
		s.lanes[bits.TrailingZeros32(uint32(set))].mu.Unlock()
	}
}

// users counts who uses what can be closed: it is closed for good when the last has left.
type users struct {
	mu     sync.Mutex
	n      int
	closed bool
}

func (u *users) enter() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return false
	}
	u.n++
	return true
}

// leave reports whether the one who leaves is the last, after close.
func (u *users) leave() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.n--
	return u.closed && u.n == 0
}

// close reports whether it was open, and whether nobody uses it.
func (u *users) close() (was, unused bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	was = !u.closed
	u.closed = true
	return was, u.n == 0
}

func (u *users) isClosed() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.closed
}

// use begins a call, which leave ends.
func (s *Store) use(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !s.users.enter() {
		return profile.ErrClosed
	}
	if err := s.fault.err(); err != nil {
		s.leave()
		return err
	}
	return nil
}

func (s *Store) leave() {
	if s.users.leave() {
		if err := s.closeFiles(); err != nil {
			s.opts.Logger.Error("close store", "dir", s.dir, "err", err)
		}
	}
}

// alive implements source.
func (s *Store) alive(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.users.isClosed() {
		return profile.ErrClosed
	}
	return s.fault.err()
}

// open implements source: what it returns is the store at one instant.
func (s *Store) open(ctx context.Context, _ scope) (view, func(), error) {
	if err := s.use(ctx); err != nil {
		return view{}, nil, err
	}
	snap, nums := s.freeze()
	return view{s: s, r: snap, nums: nums}, func() {
		_ = snap.Close() // it never fails for one that is open
		s.leave()
	}, nil
}

// freeze returns the rows at one instant, with the numbers that they have.
func (s *Store) freeze() (*pebble.Snapshot, *numbers) {
	s.publish.RLock()
	defer s.publish.RUnlock()
	snap := s.db.NewSnapshot()
	return snap, s.numbers.Load()
}

// counted implements source.
func (s *Store) counted(ctx context.Context, do func(*tally, readers)) error {
	if err := s.alive(ctx); err != nil {
		return err
	}
	s.tallying.Lock()
	defer s.tallying.Unlock()
	do(s.tally, s.outbox.shown)
	return nil
}

// live implements source: a long loop does not hold on to old files.
func (s *Store) live() bool { return true }

// Take implements profile.Store.
func (s *Store) Take(ctx context.Context) (release func(), err error) {
	if err := s.alive(ctx); err != nil {
		return nil, err
	}
	if !s.taken.CompareAndSwap(false, true) {
		return nil, profile.ErrTaken
	}
	return sync.OnceFunc(func() { s.taken.Store(false) }), nil
}

// Retention implements profile.Store.
func (s *Store) Retention() time.Duration { return s.opts.Retention }

// Dict returns the dictionary that the names of properties are interned in: a Key made
// with it looks them up fastest.
func (s *Store) Dict() *profile.Dict { return s.dict }

// ID returns the store's id, in hex: no other store has it, nor has any copy.
func (s *Store) ID() string { return s.id }

// Snapshot implements profile.Store. It costs a few microseconds. As long as it is open,
// what is deleted or replaced keeps its place on the disk; also after Close of the store,
// whose files are closed with the last snapshot.
func (s *Store) Snapshot(ctx context.Context) (profile.Snapshot, error) {
	if err := s.use(ctx); err != nil {
		return nil, err
	}
	snap := &snapshot{s: s}
	s.publish.Lock()
	snap.r, snap.nums, snap.tally, snap.readers = s.db.NewSnapshot(), s.numbers.Load(), s.tally.clone(), s.outbox.shown
	s.publish.Unlock()
	snap.reader = reader{s: s, from: snap}
	return snap, nil
}

// snapshot is a store at one instant. It uses the store until it is closed.
type snapshot struct {
	reader
	s       *Store
	r       pebble.Reader
	nums    *numbers
	tally   *tally
	readers readers
	users   users
}

func (n *snapshot) counted(ctx context.Context, do func(*tally, readers)) error {
	_, done, err := n.open(ctx, allRows)
	if err != nil {
		return err
	}
	defer done()
	do(n.tally, n.readers)
	return nil
}

func (n *snapshot) open(ctx context.Context, _ scope) (view, func(), error) {
	if err := ctx.Err(); err != nil {
		return view{}, nil, err
	}
	if !n.users.enter() {
		return view{}, nil, profile.ErrClosed
	}
	if err := n.s.fault.err(); err != nil {
		n.leave()
		return view{}, nil, err
	}
	return view{s: n.s, r: n.r, nums: n.nums}, n.leave, nil
}

func (n *snapshot) leave() {
	if n.users.leave() {
		n.release()
	}
}

func (n *snapshot) release() {
	_ = n.r.Close() // it never fails for one that is open
	n.s.leave()
}

func (n *snapshot) alive(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if n.users.isClosed() {
		return profile.ErrClosed
	}
	return n.s.fault.err()
}

func (n *snapshot) live() bool { return false }

// Close implements profile.Snapshot.
func (n *snapshot) Close() error {
	was, unused := n.users.close()
	if !was {
		return profile.ErrClosed
	}
	if unused {
		n.release()
	}
	return nil
}

// Close implements profile.Store. What was committed is put on the disk. Calls that run,
// loops over iterators and open snapshots go on using the files, which the last of them
// closes: until then the directory cannot be opened again.
func (s *Store) Close() error {
	if !s.users.enter() {
		return profile.ErrClosed
	}
	s.end()
	s.background.Wait()
	err := s.fault.err()
	if err == nil {
		err = s.syncToClose(s.syncs.committed.Load())
	}
	was, _ := s.users.close()
	if !was {
		s.leave()
		return profile.ErrClosed
	}
	if s.users.leave() {
		err = errors.Join(err, s.closeFiles())
	}
	if err != nil {
		return fmt.Errorf("close store %s: %w", s.dir, err)
	}
	return nil
}
