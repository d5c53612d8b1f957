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
	profile.Store
	points  atomic.Int64 // so many there were since arm
	at      atomic.Int64 // the point of the fault; 0: none
	fault   fault
	endCall func()
}

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

func (s *faultyStore) Apply(ctx context.Context, now time.Time, batch ...profile.Change) error {
	if err := s.point(ctx); err != nil {
		return err
	}
	return s.Store.Apply(ctx, now, batch...)
}

func (s *faultyStore) Check(ctx context.Context, batch ...profile.Change) error {
	if err := s.point(ctx); err != nil {
		return err
	}
	return s.Store.Check(ctx, batch...)
}

func (s *faultyStore) Seen(ctx context.Context, ref profile.Ref, messageID string) (bool, error) {
	if err := s.point(ctx); err != nil {
		return false, err
	}
	return s.Store.Seen(ctx, ref, messageID)
}

func (s *faultyStore) Snapshot(ctx context.Context) (profile.Snapshot, error) {
	if err := s.point(ctx); err != nil {
		return nil, err
	}
	snap, err := s.Store.Snapshot(ctx)
	return faultySnapshot{snap, s}, err
}

func (s *faultyStore) Resolve(ctx context.Context, ref profile.Ref) (string, bool, error) {
	if err := s.point(ctx); err != nil {
		return "", false, err
	}
	return s.Store.Resolve(ctx, ref)
}

func (s *faultyStore) Known(ctx context.Context, user string) (bool, error) {
	if err := s.point(ctx); err != nil {
		return false, err
	}
	return s.Store.Known(ctx, user)
}

func (s *faultyStore) Traits(ctx context.Context, ref profile.Ref) ([]profile.TraitWrite, error) {
	if err := s.point(ctx); err != nil {
		return nil, err
	}
	return s.Store.Traits(ctx, ref)
}

func (s *faultyStore) IDs(ctx context.Context, ref profile.Ref) ([]profile.ExternalID, error) {
	if err := s.point(ctx); err != nil {
		return nil, err
	}
	return s.Store.IDs(ctx, ref)
}

func (s *faultyStore) Accounts(ctx context.Context, user string) ([]string, error) {
	if err := s.point(ctx); err != nil {
		return nil, err
	}
	return s.Store.Accounts(ctx, user)
}

func (s *faultyStore) Memberships(ctx context.Context, ref profile.Ref) ([]profile.Membership, error) {
	if err := s.point(ctx); err != nil {
		return nil, err
	}
	return s.Store.Memberships(ctx, ref)
}

func (s *faultyStore) ValuesOf(ctx context.Context, ref profile.Ref) ([]profile.ComputedValue, error) {
	if err := s.point(ctx); err != nil {
		return nil, err
	}
	return s.Store.ValuesOf(ctx, ref)
}

func (s *faultyStore) Position(ctx context.Context) (uint64, time.Time, error) {
	if err := s.point(ctx); err != nil {
		return 0, time.Time{}, err
	}
	return s.Store.Position(ctx)
}

func (s *faultyStore) Profiles(ctx context.Context, of profile.Subject, after string) iter.Seq2[string, error] {
	return faultySeq(ctx, s, s.Store.Profiles(ctx, of, after))
}

func (s *faultyStore) EventNames(ctx context.Context, user string) iter.Seq2[string, error] {
	return faultySeq(ctx, s, s.Store.EventNames(ctx, user))
}

func (s *faultyStore) Events(ctx context.Context, user, name string, since time.Time) iter.Seq2[profile.Event, error] {
	return faultySeq(ctx, s, s.Store.Events(ctx, user, name, since))
}

func (s *faultyStore) Users(ctx context.Context, account string) iter.Seq2[string, error] {
	return faultySeq(ctx, s, s.Store.Users(ctx, account))
}

func (s *faultyStore) Senders(ctx context.Context, account string) iter.Seq2[string, error] {
	return faultySeq(ctx, s, s.Store.Senders(ctx, account))
}

func (s *faultyStore) Members(ctx context.Context, audience, after string) iter.Seq2[profile.Membership, error] {
	return faultySeq(ctx, s, s.Store.Members(ctx, audience, after))
}

func (s *faultyStore) Values(ctx context.Context, key, after string) iter.Seq2[profile.ComputedValue, error] {
	return faultySeq(ctx, s, s.Store.Values(ctx, key, after))
}

func (s *faultyStore) Keys(ctx context.Context) iter.Seq2[profile.KeyRecord, error] {
	return faultySeq(ctx, s, s.Store.Keys(ctx))
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
