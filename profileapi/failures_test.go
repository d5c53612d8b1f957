package profileapi_test

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/profileapi"
	"github.com/stretchr/testify/require"
)

var errDisk = errors.New("disk 7: input/output error")

// brokenStore fails at one call, by name, and counts the snapshots left open.
type brokenStore struct {
	*profile.MemStore
	at   string
	open int
}

type brokenSnapshot struct {
	profile.Snapshot
	store *brokenStore
}

func (s *brokenStore) fails(at string) error {
	if s.at == at {
		return errDisk
	}
	return nil
}

func (s *brokenStore) Snapshot(ctx context.Context) (profile.Snapshot, error) {
	if err := s.fails("Snapshot"); err != nil {
		return nil, err
	}
	snapshot, err := s.MemStore.Snapshot(ctx)
	s.open++
	return brokenSnapshot{snapshot, s}, err
}

func (s brokenSnapshot) Close() error {
	s.store.open--
	return errors.Join(s.Snapshot.Close(), s.store.fails("Close"))
}

func (s brokenSnapshot) Resolve(ctx context.Context, ref profile.Ref) (string, bool, error) {
	id, exists, err := s.Snapshot.Resolve(ctx, ref)
	return id, exists, errors.Join(err, s.store.fails("Resolve"))
}

func (s brokenSnapshot) Find(ctx context.Context, subject profile.Subject, id profile.ExternalID) ([]string, error) {
	ids, err := s.Snapshot.Find(ctx, subject, id)
	return ids, errors.Join(err, s.store.fails("Find"))
}

func (s brokenSnapshot) Position(ctx context.Context) (uint64, time.Time, error) {
	seq, now, err := s.Snapshot.Position(ctx)
	return seq, now, errors.Join(err, s.store.fails("Position"))
}

func (s brokenSnapshot) IDs(ctx context.Context, ref profile.Ref) ([]profile.ExternalID, error) {
	ids, err := s.Snapshot.IDs(ctx, ref)
	return ids, errors.Join(err, s.store.fails("IDs"))
}

func (s brokenSnapshot) Traits(ctx context.Context, ref profile.Ref) ([]profile.TraitWrite, error) {
	writes, err := s.Snapshot.Traits(ctx, ref)
	return writes, errors.Join(err, s.store.fails("Traits"))
}

func (s brokenSnapshot) ValuesOf(ctx context.Context, ref profile.Ref) ([]profile.ComputedValue, error) {
	values, err := s.Snapshot.ValuesOf(ctx, ref)
	return values, errors.Join(err, s.store.fails("ValuesOf"))
}

func (s brokenSnapshot) Memberships(ctx context.Context, ref profile.Ref) ([]profile.Membership, error) {
	members, err := s.Snapshot.Memberships(ctx, ref)
	return members, errors.Join(err, s.store.fails("Memberships"))
}

func (s brokenSnapshot) EventNames(ctx context.Context, user string) iter.Seq2[string, error] {
	if err := s.store.fails("EventNames"); err != nil {
		return func(yield func(string, error) bool) { yield("", err) }
	}
	return s.Snapshot.EventNames(ctx, user)
}

func (s brokenSnapshot) Events(ctx context.Context, user, name string, since time.Time) iter.Seq2[profile.Event, error] {
	if err := s.store.fails("Events"); err != nil {
		return func(yield func(profile.Event, error) bool) { yield(profile.Event{}, err) }
	}
	return s.Snapshot.Events(ctx, user, name, since)
}

func (s brokenSnapshot) Senders(ctx context.Context, account string) iter.Seq2[string, error] {
	if err := s.store.fails("Senders"); err != nil {
		return func(yield func(string, error) bool) { yield("", err) }
	}
	return s.Snapshot.Senders(ctx, account)
}

// A failure of the store is told to OnError, and nothing of it to the caller.
func TestFailuresOfTheStore(t *testing.T) {
	for _, c := range []struct{ at, target string }{
		{"Snapshot", "users/profiles/user_id:ann/traits"},
		{"Close", "users/profiles/user_id:ann/traits"},
		{"Resolve", "users/profiles/user_id:ann/traits"},
		{"Find", "users/profiles/email:ann@x.io/traits"},
		{"Position", "users/profiles/user_id:ann/traits"},
		{"Traits", "users/profiles/user_id:ann/traits"},
		{"ValuesOf", "users/profiles/user_id:ann/traits"},
		{"Memberships", "users/profiles/user_id:ann/traits"},
		{"EventNames", "users/profiles/user_id:ann/events"},
		{"Events", "users/profiles/user_id:ann/events"},
		{"Senders", "accounts/profiles/group_id:acme/events"},
		{"IDs", "users/profiles/user_id:ann/external_ids"},
	} {
		t.Run(c.at, func(t *testing.T) {
			w := newWorld(t, anyone{})
			store := &brokenStore{MemStore: w.store, at: c.at}
			var err error
			w.api, err = profileapi.New(w.engine, store, anyone{}, profileapi.Options{
				Clock:   w.clock,
				OnError: func(_ *http.Request, err error) { w.errs = append(w.errs, err) },
			})
			require.NoError(t, err)
			status, body := w.get(c.target)
			require.Equal(t, 500, status)
			require.JSONEq(t, `{"error":{"code":"internal","message":"an internal error"}}`, body)
			require.Len(t, w.errs, 1)
			require.ErrorIs(t, w.errs[0], errDisk)
			require.Zero(t, store.open, "the snapshot is closed")
		})
	}
}

func TestAClockThatWasNotSetIsAFailure(t *testing.T) {
	w := newWorld(t, anyone{})
	var err error
	w.api, err = profileapi.New(w.engine, w.store, anyone{}, profileapi.Options{Clock: audience.NewManualClock(time.Time{})})
	require.NoError(t, err)
	status, _ := w.get("users/profiles/user_id:ann/traits") // there is no OnError to tell
	require.Equal(t, 500, status)
}

func TestUnavailable(t *testing.T) {
	w := newWorld(t, anyone{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := httptest.NewRequest("GET", "/v1/collections/users/profiles/user_id:ann/traits", nil)
	rec := httptest.NewRecorder()
	w.api.ServeHTTP(rec, r.WithContext(ctx))
	require.Equal(t, 503, rec.Code, "the caller has given up")

	require.NoError(t, w.store.Close())
	status, body := w.get("users/profiles/user_id:ann/traits")
	require.Equal(t, 503, status, "the store is closed")
	require.Equal(t, "unavailable", errorCode(t, body))
	require.Empty(t, w.errs)
}
