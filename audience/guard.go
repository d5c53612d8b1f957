package audience

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime/debug"
	"time"

	"github.com/muster-go/muster/profile"
)

// PanicError is a panic of what the caller supplied, the store or the clock, as
// the error of the call in which it came. The call ends as on any error of the
// store: no lock is held, and nothing is lost.
type PanicError struct {
	In    string // the method: "store.Begin"
	Value any    // what it panicked with
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("%s: panic: %v", e.In, e.Value) }

// Unwrap returns the error that it panicked with, if it was one.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// catch, deferred, makes a panic the error of a method.
func catch(in string, err *error) {
	if v := recover(); v != nil {
		*err = &PanicError{In: in, Value: v, Stack: debug.Stack()}
	}
}

// readClock asks the clock.
func (e *Engine) readClock() (now time.Time, err error) {
	defer catch("clock.Now", &err)
	return e.clock.Now(), nil
}

// guardedStore is the caller's store, whose panics are errors.
type guardedStore struct {
	guardedReader
	store     profile.Store
	retention time.Duration
	interval  time.Duration // see profile.Store.SyncInterval
}

func guard(s profile.Store) (g guardedStore, err error) {
	defer catch("store.Retention", &err)
	return guardedStore{guardedReader{s}, s, s.Retention(), s.SyncInterval()}, nil
}

func (g guardedStore) Begin(ctx context.Context, now time.Time, refs ...profile.Ref) (profile.Tx, error) {
	tx := new(guardedTx)
	return tx, g.begin(tx, ctx, now, refs...)
}

// begin is Begin of a transaction whose memory is used again.
func (g guardedStore) begin(into *guardedTx, ctx context.Context, now time.Time, refs ...profile.Ref) (err error) {
	defer catch("store.Begin", &err)
	tx, err := g.store.Begin(ctx, now, refs...)
	*into = guardedTx{guardedReader{tx}, tx}
	return err
}

func (g guardedStore) Durable(ctx context.Context, upTo profile.Mark) (err error) {
	defer catch("store.Durable", &err)
	return g.store.Durable(ctx, upTo)
}

func (g guardedStore) Take(ctx context.Context) (release func(), err error) {
	defer catch("store.Take", &err)
	return g.store.Take(ctx)
}

func (g guardedStore) Snapshot(ctx context.Context) (snap profile.Snapshot, err error) {
	defer catch("store.Snapshot", &err)
	if snap, err = g.store.Snapshot(ctx); err != nil {
		return nil, err
	}
	return guardedSnapshot{guardedReader{snap}, snap}, nil
}

func (g guardedStore) Restore(ctx context.Context, rows iter.Seq2[profile.Row, error]) (err error) {
	defer catch("store.Restore", &err)
	return g.store.Restore(ctx, rows)
}

func (g guardedStore) Retention() time.Duration { return g.retention }

func (g guardedStore) SyncInterval() time.Duration { return g.interval }

func (g guardedStore) Close() (err error) {
	defer catch("store.Close", &err)
	return g.store.Close()
}

// guardedTx is a transaction whose panics are errors.
type guardedTx struct {
	guardedReader
	tx profile.Tx
}

func (g *guardedTx) Put(changes ...profile.Change) (err error) {
	defer catch("store.Put", &err)
	return g.tx.Put(changes...)
}

func (g *guardedTx) At(now time.Time) (err error) {
	defer catch("store.At", &err)
	return g.tx.At(now)
}

func (g *guardedTx) Seen(ctx context.Context, ref profile.Ref, messageID string) (seen bool, err error) {
	defer catch("store.Seen", &err)
	return g.tx.Seen(ctx, ref, messageID)
}

func (g *guardedTx) Commit() (mark profile.Mark, err error) {
	defer catch("store.Commit", &err)
	return g.tx.Commit()
}

// Abort has no error to be: the transaction has failed before.
func (g *guardedTx) Abort() {
	var err error
	defer catch("store.Abort", &err)
	g.tx.Abort()
}

// guardedSnapshot is a snapshot whose panics are errors.
type guardedSnapshot struct {
	guardedReader
	snap profile.Snapshot
}

// ScanHistory implements profile.HistoryScanner, if the store does. A panic of each is not
// the store's.
func (g guardedSnapshot) ScanHistory(ctx context.Context, lane int, each func(string, *profile.History) error) (err error) {
	inside := false
	defer func() {
		if inside {
			return
		}
		if v := recover(); v != nil {
			err = &PanicError{In: "snapshot.ScanHistory", Value: v, Stack: debug.Stack()}
		}
	}()
	s, ok := g.snap.(profile.HistoryScanner)
	if !ok {
		return errors.ErrUnsupported
	}
	return s.ScanHistory(ctx, lane, func(user string, h *profile.History) error {
		inside = true
		err := each(user, h)
		inside = false
		return err
	})
}

func (g guardedSnapshot) Close() (err error) {
	defer catch("snapshot.Close", &err)
	return g.snap.Close()
}

// guardedReader is the half that they share.
type guardedReader struct{ r profile.Reader }

func (g guardedReader) Resolve(ctx context.Context, ref profile.Ref) (id string, exists bool, err error) {
	defer catch("store.Resolve", &err)
	return g.r.Resolve(ctx, ref)
}

func (g guardedReader) Known(ctx context.Context, user string) (known bool, err error) {
	defer catch("store.Known", &err)
	return g.r.Known(ctx, user)
}

func (g guardedReader) Profiles(ctx context.Context, of profile.Subject, after string) iter.Seq2[string, error] {
	return guardSeq("store.Profiles", func() iter.Seq2[string, error] { return g.r.Profiles(ctx, of, after) })
}

func (g guardedReader) Count(ctx context.Context, of profile.Subject) (n int, err error) {
	defer catch("store.Count", &err)
	return g.r.Count(ctx, of)
}

func (g guardedReader) EventNames(ctx context.Context, user string) iter.Seq2[string, error] {
	return guardSeq("store.EventNames", func() iter.Seq2[string, error] { return g.r.EventNames(ctx, user) })
}

func (g guardedReader) Events(ctx context.Context, user, name string, since time.Time) iter.Seq2[profile.Event, error] {
	return guardSeq("store.Events", func() iter.Seq2[profile.Event, error] { return g.r.Events(ctx, user, name, since) })
}

// ReadHistory implements profile.HistoryReader, if the store does.
func (g guardedReader) ReadHistory(ctx context.Context, user string, into *profile.History) (err error) {
	defer catch("store.ReadHistory", &err)
	r, ok := g.r.(profile.HistoryReader)
	if !ok {
		return errors.ErrUnsupported
	}
	return r.ReadHistory(ctx, user, into)
}

func (g guardedReader) Traits(ctx context.Context, ref profile.Ref) (writes []profile.TraitWrite, err error) {
	defer catch("store.Traits", &err)
	return g.r.Traits(ctx, ref)
}

func (g guardedReader) IDs(ctx context.Context, ref profile.Ref) (ids []profile.ExternalID, err error) {
	defer catch("store.IDs", &err)
	return g.r.IDs(ctx, ref)
}

func (g guardedReader) Find(ctx context.Context, of profile.Subject, id profile.ExternalID) (profiles []string, err error) {
	defer catch("store.Find", &err)
	return g.r.Find(ctx, of, id)
}

func (g guardedReader) Accounts(ctx context.Context, user string) (accounts []string, err error) {
	defer catch("store.Accounts", &err)
	return g.r.Accounts(ctx, user)
}

func (g guardedReader) Users(ctx context.Context, account string) iter.Seq2[string, error] {
	return guardSeq("store.Users", func() iter.Seq2[string, error] { return g.r.Users(ctx, account) })
}

func (g guardedReader) Senders(ctx context.Context, account string) iter.Seq2[string, error] {
	return guardSeq("store.Senders", func() iter.Seq2[string, error] { return g.r.Senders(ctx, account) })
}

func (g guardedReader) Members(ctx context.Context, audience, after string) iter.Seq2[profile.Membership, error] {
	return guardSeq("store.Members", func() iter.Seq2[profile.Membership, error] { return g.r.Members(ctx, audience, after) })
}

func (g guardedReader) MemberCount(ctx context.Context, audience string) (n int, err error) {
	defer catch("store.MemberCount", &err)
	return g.r.MemberCount(ctx, audience)
}

func (g guardedReader) Memberships(ctx context.Context, ref profile.Ref) (in []profile.Membership, err error) {
	defer catch("store.Memberships", &err)
	return g.r.Memberships(ctx, ref)
}

func (g guardedReader) Values(ctx context.Context, key, after string) iter.Seq2[profile.ComputedValue, error] {
	return guardSeq("store.Values", func() iter.Seq2[profile.ComputedValue, error] { return g.r.Values(ctx, key, after) })
}

func (g guardedReader) ValuesOf(ctx context.Context, ref profile.Ref) (values []profile.ComputedValue, err error) {
	defer catch("store.ValuesOf", &err)
	return g.r.ValuesOf(ctx, ref)
}

func (g guardedReader) Wake(ctx context.Context, ref profile.Ref) (w profile.Wake, err error) {
	defer catch("store.Wake", &err)
	return g.r.Wake(ctx, ref)
}

func (g guardedReader) Wakes(ctx context.Context, lane int, after profile.Wake, page []profile.Wake) (n int, err error) {
	defer catch("store.Wakes", &err)
	return g.r.Wakes(ctx, lane, after, page)
}

func (g guardedReader) Notices(ctx context.Context, after uint64) iter.Seq2[profile.Notice, error] {
	return guardSeq("store.Notices", func() iter.Seq2[profile.Notice, error] { return g.r.Notices(ctx, after) })
}

func (g guardedReader) Outbox(ctx context.Context) (o profile.Outbox, err error) {
	defer catch("store.Outbox", &err)
	return g.r.Outbox(ctx)
}

func (g guardedReader) Records(ctx context.Context, subscriber string) iter.Seq2[profile.Record, error] {
	return guardSeq("store.Records", func() iter.Seq2[profile.Record, error] { return g.r.Records(ctx, subscriber) })
}

func (g guardedReader) Contents(ctx context.Context, ref profile.Ref) (c profile.Contents, err error) {
	defer catch("store.Contents", &err)
	return g.r.Contents(ctx, ref)
}

func (g guardedReader) Deleted(ctx context.Context) iter.Seq2[profile.Deleted, error] {
	return guardSeq("store.Deleted", func() iter.Seq2[profile.Deleted, error] { return g.r.Deleted(ctx) })
}

func (g guardedReader) Holders(ctx context.Context, key string, of profile.Subject, after string) iter.Seq2[profile.Holder, error] {
	return guardSeq("store.Holders", func() iter.Seq2[profile.Holder, error] { return g.r.Holders(ctx, key, of, after) })
}

func (g guardedReader) MaxIDs(ctx context.Context, key string, of profile.Subject) (most map[string]int, err error) {
	defer catch("store.MaxIDs", &err)
	return g.r.MaxIDs(ctx, key, of)
}

func (g guardedReader) Position(ctx context.Context) (seq uint64, now time.Time, err error) {
	defer catch("store.Position", &err)
	return g.r.Position(ctx)
}

func (g guardedReader) Keys(ctx context.Context) iter.Seq2[profile.KeyRecord, error] {
	return guardSeq("store.Keys", func() iter.Seq2[profile.KeyRecord, error] { return g.r.Keys(ctx) })
}

// guardSeq makes a panic of an iterator its last error. A panic of the loop over it
// goes on as it is; one that comes after the loop was left has taken nothing from
// it.
func guardSeq[V any](in string, open func() iter.Seq2[V, error]) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		inside, stopped := false, false
		pull := func() (err error) {
			defer func() {
				if inside {
					return
				}
				if v := recover(); v != nil {
					err = &PanicError{In: in, Value: v, Stack: debug.Stack()}
				}
			}()
			open()(func(v V, err error) bool {
				inside = true
				more := yield(v, err)
				inside = false
				stopped = !more
				return more
			})
			return nil
		}
		if err := pull(); err != nil && !stopped {
			var none V
			yield(none, err)
		}
	}
}
