package audience_test

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"
	"time"

	"github.com/muster-go/muster/profile"
)

var errFault = errors.New("the disk is gone")

// fault is what happens once, at one of the points at which a store is used: a
// call of it, or an item that an iterator of it yields.
type fault int

const (
	endContext fault = iota // of the engine's call
	failOnce
	panicOnce
	faults
)

func (f fault) String() string { return [...]string{"context ends", "store fails", "store panics"}[f] }

// faultyStore is a store with a fault at one point.
type faultyStore struct {
	faultyReader
	store   profile.Store
	points  atomic.Int64 // so many there were since arm
	at      atomic.Int64 // the point of the fault; 0: none
	fault   fault
	endCall func()
}

func newFaultyStore(of profile.Store) *faultyStore {
	s := &faultyStore{store: of}
	s.faultyReader = faultyReader{of, s}
	return s
}

func (s *faultyStore) Durable(ctx context.Context, upTo profile.Mark) error {
	return s.store.Durable(ctx, upTo)
}

func (s *faultyStore) Take(ctx context.Context) (func(), error) { return s.store.Take(ctx) }
func (s *faultyStore) Restore(ctx context.Context, rows iter.Seq2[profile.Row, error]) error {
	return s.store.Restore(ctx, rows)
}

func (s *faultyStore) Retention() time.Duration    { return s.store.Retention() }
func (s *faultyStore) SyncInterval() time.Duration { return s.store.SyncInterval() }
func (s *faultyStore) Close() error                { return s.store.Close() }

// arm has a fault happen at the n-th point from now on.
func (s *faultyStore) arm(f fault, n int, endCall func()) {
	s.fault, s.endCall = f, endCall
	s.points.Store(0)
	s.at.Store(int64(n))
}

// disarm reports whether there has been the fault.
func (s *faultyStore) disarm() bool {
	at := s.at.Swap(0)
	return at > 0 && s.points.Load() >= at
}

// point is one point. Of a context that has ended no store needs to do anything.
func (s *faultyStore) point(ctx context.Context) error {
	if n := s.points.Add(1); n == s.at.Load() {
		switch s.fault {
		case endContext:
			s.endCall()
		case failOnce:
			return errFault
		case panicOnce:
			panic(errFault)
		}
	}
	return ctx.Err()
}

func (s *faultyStore) Begin(ctx context.Context, now time.Time, refs ...profile.Ref) (profile.Tx, error) {
	if err := s.point(ctx); err != nil {
		return nil, err
	}
	tx, err := s.store.Begin(ctx, now, refs...)
	if err != nil {
		return nil, err
	}
	return faultyTx{faultyReader{tx, s}, tx}, nil
}

func (s *faultyStore) Snapshot(ctx context.Context) (profile.Snapshot, error) {
	if err := s.point(ctx); err != nil {
		return nil, err
	}
	snap, err := s.store.Snapshot(ctx)
	return faultySnapshot{snap, s}, err
}

// faultyReader has a point at each call, and at each item of an iterator.
type faultyReader struct {
	profile.Reader
	s *faultyStore
}

func (f faultyReader) Resolve(ctx context.Context, ref profile.Ref) (string, bool, error) {
	if err := f.s.point(ctx); err != nil {
		return "", false, err
	}
	return f.Reader.Resolve(ctx, ref)
}

func (f faultyReader) Wake(ctx context.Context, ref profile.Ref) (profile.Wake, error) {
	if err := f.s.point(ctx); err != nil {
		return profile.Wake{}, err
	}
	return f.Reader.Wake(ctx, ref)
}

func (f faultyReader) Wakes(ctx context.Context, lane int, after profile.Wake, page []profile.Wake) (int, error) {
	if err := f.s.point(ctx); err != nil {
		return 0, err
	}
	return f.Reader.Wakes(ctx, lane, after, page)
}

func (f faultyReader) Outbox(ctx context.Context) (profile.Outbox, error) {
	if err := f.s.point(ctx); err != nil {
		return profile.Outbox{}, err
	}
	return f.Reader.Outbox(ctx)
}

func (f faultyReader) Notices(ctx context.Context, after uint64) iter.Seq2[profile.Notice, error] {
	return faultySeq(ctx, f.s, f.Reader.Notices(ctx, after))
}

func (f faultyReader) Known(ctx context.Context, user string) (bool, error) {
	if err := f.s.point(ctx); err != nil {
		return false, err
	}
	return f.Reader.Known(ctx, user)
}

func (f faultyReader) Traits(ctx context.Context, ref profile.Ref) ([]profile.TraitWrite, error) {
	if err := f.s.point(ctx); err != nil {
		return nil, err
	}
	return f.Reader.Traits(ctx, ref)
}

func (f faultyReader) IDs(ctx context.Context, ref profile.Ref) ([]profile.ExternalID, error) {
	if err := f.s.point(ctx); err != nil {
		return nil, err
	}
	return f.Reader.IDs(ctx, ref)
}

func (f faultyReader) Accounts(ctx context.Context, user string) ([]string, error) {
	if err := f.s.point(ctx); err != nil {
		return nil, err
	}
	return f.Reader.Accounts(ctx, user)
}

func (f faultyReader) Memberships(ctx context.Context, ref profile.Ref) ([]profile.Membership, error) {
	if err := f.s.point(ctx); err != nil {
		return nil, err
	}
	return f.Reader.Memberships(ctx, ref)
}

func (f faultyReader) ValuesOf(ctx context.Context, ref profile.Ref) ([]profile.ComputedValue, error) {
	if err := f.s.point(ctx); err != nil {
		return nil, err
	}
	return f.Reader.ValuesOf(ctx, ref)
}

func (f faultyReader) Position(ctx context.Context) (uint64, time.Time, error) {
	if err := f.s.point(ctx); err != nil {
		return 0, time.Time{}, err
	}
	return f.Reader.Position(ctx)
}

func (f faultyReader) Profiles(ctx context.Context, of profile.Subject, after string) iter.Seq2[string, error] {
	return faultySeq(ctx, f.s, f.Reader.Profiles(ctx, of, after))
}

func (f faultyReader) EventNames(ctx context.Context, user string) iter.Seq2[string, error] {
	return faultySeq(ctx, f.s, f.Reader.EventNames(ctx, user))
}

func (f faultyReader) Events(ctx context.Context, user, name string, since time.Time) iter.Seq2[profile.Event, error] {
	return faultySeq(ctx, f.s, f.Reader.Events(ctx, user, name, since))
}

func (f faultyReader) Users(ctx context.Context, account string) iter.Seq2[string, error] {
	return faultySeq(ctx, f.s, f.Reader.Users(ctx, account))
}

func (f faultyReader) Senders(ctx context.Context, account string) iter.Seq2[string, error] {
	return faultySeq(ctx, f.s, f.Reader.Senders(ctx, account))
}

func (f faultyReader) Members(ctx context.Context, audience, after string) iter.Seq2[profile.Membership, error] {
	return faultySeq(ctx, f.s, f.Reader.Members(ctx, audience, after))
}

func (f faultyReader) Values(ctx context.Context, key, after string) iter.Seq2[profile.ComputedValue, error] {
	return faultySeq(ctx, f.s, f.Reader.Values(ctx, key, after))
}

func (f faultyReader) Keys(ctx context.Context) iter.Seq2[profile.KeyRecord, error] {
	return faultySeq(ctx, f.s, f.Reader.Keys(ctx))
}

// faultySeq has a point before each item and after the last.
func faultySeq[V any](ctx context.Context, s *faultyStore, seq iter.Seq2[V, error]) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		for v, err := range seq {
			if fault := s.point(ctx); fault != nil {
				err = fault
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
		if err := s.point(ctx); err != nil {
			var none V
			yield(none, err)
		}
	}
}

// faultySnapshot has the points of its store where a scan reads it.
type faultySnapshot struct {
	profile.Snapshot
	s *faultyStore
}

func (f faultySnapshot) Profiles(ctx context.Context, of profile.Subject, after string) iter.Seq2[string, error] {
	return faultySeq(ctx, f.s, f.Snapshot.Profiles(ctx, of, after))
}

// faultyTx is a transaction with the points of its store.
type faultyTx struct {
	faultyReader
	tx profile.Tx
}

func (f faultyTx) Put(changes ...profile.Change) error {
	if err := f.s.point(context.Background()); err != nil {
		return err
	}
	return f.tx.Put(changes...)
}

func (f faultyTx) At(now time.Time) error {
	if err := f.s.point(context.Background()); err != nil {
		return err
	}
	return f.tx.At(now)
}

func (f faultyTx) Seen(ctx context.Context, ref profile.Ref, messageID string) (bool, error) {
	if err := f.s.point(ctx); err != nil {
		return false, err
	}
	return f.tx.Seen(ctx, ref, messageID)
}

func (f faultyTx) Commit() (profile.Mark, error) {
	if err := f.s.point(context.Background()); err != nil {
		return 0, err
	}
	return f.tx.Commit()
}

func (f faultyTx) Abort() { f.tx.Abort() }
