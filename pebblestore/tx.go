package pebblestore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/muster-go/muster/profile"
)

var errOver = errors.New("the transaction is over")

// tx is a transaction. It has the locks of the lanes that it needs. What it changes of a
// profile's rows of one each it changes in memory, and writes when that is read by a loop,
// or at the end; all else goes to the batch at once. Nothing is in the database before
// Commit.
type tx struct {
	reader
	s      *Store
	locked laneSet
	whole  bool // it may touch all
	now    int64
	cutoff int64 // events before it are dropped

	batch   *pebble.Batch
	indexed bool // the batch can be read from
	touched []*touched
	byRef   map[profile.Ref]*touched // nil: they are few

	firstSeq, lastSeq uint64 // arrival numbers: the last before, and the last of its own
	nums              *numbers
	newKeys           map[string]uint32
	more              tally // what it counts
	buried            map[profile.Hash][]byte
	outbox            []profile.Change
	later             later

	key, value, packed []byte // scratch
	broken             error  // a change was made in part
	over               bool

	room txRoom
}

// txRoom is memory that most transactions find enough: it comes with theirs.
type txRoom struct {
	touched  [2]touched
	list     [2]*touched
	key      [96]byte
	value    [224]byte
	packed   [96]byte
	later    [192]byte
	laterOps [4]laterOp
	outbox   [2]profile.Change
}

// furnish gives a transaction its room.
func (tx *tx) furnish() {
	r := &tx.room
	tx.touched = r.list[:0]
	tx.key, tx.value, tx.packed = r.key[:0], r.value[:0], r.packed[:0]
	tx.later.bytes, tx.later.ops = r.later[:0], r.laterOps[:0]
	tx.outbox = r.outbox[:0]
}

// touched is a profile that a transaction has looked up.
type touched struct {
	record
	cached *cached // nil: it was not
	fresh  []uint32
	own    bool   // the set of message ids is the transaction's own
	hashes []byte // for the row, since it was flushed last

	headDirty, stateDirty, traitsDirty bool
}

// Begin implements profile.Store. A transaction that names what it touches waits for those
// of the same of 32 lanes of profiles; one that names nothing for all. Readers of the store
// wait for nobody: they read what is committed.
func (s *Store) Begin(ctx context.Context, now time.Time, refs ...profile.Ref) (profile.Tx, error) {
	if err := s.use(ctx); err != nil {
		return nil, err
	}
	if err := profile.CheckTime(now); err != nil {
		s.leave()
		return nil, fmt.Errorf("instant of a transaction: %w", err)
	}
	t := &tx{s: s, now: now.UnixNano(), batch: s.db.NewBatch()}
	t.furnish()
	t.cutoff = cutoff(t.now, s.opts.Retention)
	t.reader = reader{s: s, from: t}
	if len(refs) == 0 {
		s.lockLanes(allLanes)
		t.locked, t.whole = allLanes, true
		return t, nil
	}
	if err := t.lockFor(refs); err != nil {
		t.end()
		return nil, err
	}
	return t, nil
}

// At implements profile.Tx.
func (tx *tx) At(now time.Time) error {
	if tx.over {
		return errOver
	}
	if err := profile.CheckLater(fromNano(tx.now), now); err != nil {
		return err
	}
	tx.now = now.UnixNano()
	tx.cutoff = cutoff(tx.now, tx.s.opts.Retention)
	return nil
}

// lockFor locks the lanes of profiles. Which these are depends on what ids are merged
// into, which can only be known under the lock: so it looks again, and widens the set,
// until it holds all.
func (tx *tx) lockFor(refs []profile.Ref) error {
	var need laneSet
	for _, ref := range refs {
		need |= laneOf(ref.ID)
	}
	for {
		tx.s.lockLanes(need)
		tx.locked = need
		for _, ref := range refs {
			if checkSubject(ref.Subject) != nil {
				continue
			}
			t, err := tx.at(ref)
			if err != nil {
				return err
			}
			if t.into != "" {
				need |= laneOf(t.into)
			}
		}
		if need == tx.locked {
			return nil
		}
		tx.s.unlockLanes(tx.locked)
		tx.locked, tx.byRef, tx.room = 0, nil, txRoom{}
		tx.furnish()
	}
}

// few is how many profiles are searched for one after the other.
const few = 8

// at returns what an id is, whether a profile's or not. Its lane is locked.
func (tx *tx) at(ref profile.Ref) (*touched, error) {
	if tx.byRef != nil {
		if t := tx.byRef[ref]; t != nil {
			return t, nil
		}
	} else {
		for _, t := range tx.touched {
			if t.ref == ref {
				return t, nil
			}
		}
	}
	var t *touched
	if n := len(tx.touched); n < len(tx.room.touched) {
		t = &tx.room.touched[n]
		*t = touched{}
	} else {
		t = &touched{}
	}
	cache := &tx.s.lanes[profile.Lane(ref.ID)].cache
	if t.cached = cache.find(ref); t.cached != nil {
		t.record = t.cached.record
	} else {
		rec, err := readRecord(tx.s.db, ref)
		if err != nil {
			return nil, tx.s.fault.of(err)
		}
		t.record = rec
	}
	tx.touched = append(tx.touched, t)
	switch {
	case tx.byRef != nil:
		tx.byRef[ref] = t
	case len(tx.touched) > few:
		tx.byRef = make(map[profile.Ref]*touched, 4*few)
		for _, t := range tx.touched {
			tx.byRef[t.ref] = t
		}
	}
	return t, nil
}

// find returns the profile that an id names, with the parts that are asked for.
func (tx *tx) find(ref profile.Ref, want part) (*touched, error) {
	if tx.locked&laneOf(ref.ID) == 0 {
		return nil, fmt.Errorf("%w: %s %q", profile.ErrNotNamed, ref.Subject, ref.ID)
	}
	t, err := tx.at(ref)
	if err != nil {
		return nil, err
	}
	if t.into != "" {
		if tx.locked&laneOf(t.into) == 0 {
			return nil, fmt.Errorf("%w: %s %q", profile.ErrNotNamed, ref.Subject, ref.ID)
		}
		if t, err = tx.at(profile.UserRef(t.into)); err != nil {
			return nil, err
		}
	}
	if err := tx.read(t, want); err != nil {
		return nil, err
	}
	return t, nil
}

// read reads parts of a profile: of the database, as those that a transaction has changed
// it has read before.
func (tx *tx) read(t *touched, want part) error {
	if want&^t.parts == 0 {
		return nil
	}
	return tx.s.fault.of(t.record.read(tx.s.db, tx.s.dict, want))
}

// open implements source.
func (tx *tx) open(ctx context.Context, what scope) (view, func(), error) {
	if tx.over {
		return view{}, nil, errOver
	}
	if tx.broken != nil {
		return view{}, nil, tx.broken
	}
	if err := tx.s.alive(ctx); err != nil {
		return view{}, nil, err
	}
	v := view{s: tx.s, nums: tx.numbers(), tx: tx}
	switch what {
	case allRows:
		if !tx.whole {
			return view{}, nil, profile.ErrNotNamed
		}
		tx.flush()
		fallthrough
	case oneRows:
		r, err := tx.rows()
		if err != nil {
			return view{}, nil, err
		}
		v.r = r
	}
	return v, func() {}, nil
}

func (tx *tx) alive(ctx context.Context) error {
	if tx.over {
		return errOver
	}
	return tx.s.alive(ctx)
}

func (tx *tx) live() bool { return false }

// counted implements source.
func (tx *tx) counted(ctx context.Context, do func(*tally, readers)) error {
	if err := tx.alive(ctx); err != nil {
		return err
	}
	tx.s.tallying.Lock()
	defer tx.s.tallying.Unlock()
	t := tx.s.tally.clone()
	t.plus(&tx.more)
	t.seq, t.now = max(t.seq, tx.lastSeq), max(t.now, tx.now)
	do(t, tx.s.outbox.shown)
	return nil
}

// rows returns the rows as the transaction has them, but for what is not flushed.
func (tx *tx) rows() (pebble.Reader, error) {
	if tx.indexed {
		return tx.batch, nil
	}
	if tx.batch.Empty() {
		return tx.s.db, nil
	}
	indexed := tx.s.db.NewIndexedBatch()
	if err := indexed.Apply(tx.batch, nil); err != nil {
		_ = indexed.Close() // nothing is in it
		return nil, tx.s.fault.of(err)
	}
	old := tx.batch
	tx.batch, tx.indexed = indexed, true
	return indexed, tx.s.fault.of(old.Close())
}

// What is written to the batch cannot fail: it is memory. Pebble says so with errors of a
// batch that was committed, which this one was not.

func (tx *tx) set(key, value []byte)       { tx.note(tx.batch.Set(key, value, nil)) }
func (tx *tx) merge(key, value []byte)     { tx.note(tx.batch.Merge(key, value, nil)) }
func (tx *tx) delete(key []byte)           { tx.note(tx.batch.Delete(key, nil)) }
func (tx *tx) deleteRange(from, to []byte) { tx.note(tx.batch.DeleteRange(from, to, nil)) }

// note keeps the first error after which the transaction cannot be committed.
func (tx *tx) note(err error) {
	if err != nil && tx.broken == nil {
		tx.broken = err
	}
}

func (tx *tx) numbers() *numbers {
	if tx.nums != nil {
		return tx.nums
	}
	return tx.s.numbers.Load()
}

// Notices implements profile.Reader.
func (tx *tx) Notices(ctx context.Context, after uint64) iter.Seq2[profile.Notice, error] {
	if err := tx.alive(ctx); err != nil {
		return failing[profile.Notice](err)
	}
	return tx.s.Notices(ctx, after)
}

// Records implements profile.Reader.
func (tx *tx) Records(ctx context.Context, subscriber string) iter.Seq2[profile.Record, error] {
	if err := tx.alive(ctx); err != nil {
		return failing[profile.Record](err)
	}
	return tx.s.Records(ctx, subscriber)
}

// Outbox implements profile.Reader.
func (tx *tx) Outbox(ctx context.Context) (profile.Outbox, error) {
	if err := tx.alive(ctx); err != nil {
		return profile.Outbox{}, err
	}
	return tx.s.Outbox(ctx)
}

// flush writes what was changed of profiles to the batch.
func (tx *tx) flush() {
	for _, t := range tx.touched {
		tx.flushProfile(t)
	}
	tx.flushLater()
}

func (tx *tx) flushProfile(t *touched) {
	if t.headDirty {
		t.headDirty = false
		tx.key = appendHeadKey(tx.key[:0], t.ref)
		tx.value = t.head.append(tx.value[:0])
		tx.set(tx.key, tx.value)
	}
	if t.stateDirty || len(t.hashes) > 0 {
		var packed []byte
		if t.stateDirty {
			t.stateDirty = false
			tx.forgetDead(t)
			tx.packed = t.state.append(tx.packed[:0])
			packed = tx.packed
		}
		tx.key = appendRecordKey(tx.key[:0], t.ref)
		tx.value = appendRecord(tx.value[:0], packed, t.hashes)
		tx.merge(tx.key, tx.value)
		t.hashes = t.hashes[:0]
	}
	if t.traitsDirty {
		t.traitsDirty = false
		tx.set(append(appendOwnKey(nil, t.ref), ownTraits), t.traits)
	}
}
