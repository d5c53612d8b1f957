package audience_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// recordsOf returns what a subscriber keeps, by key.
func recordsOf(t *testing.T, r profile.Reader, subscriber string) map[string]string {
	t.Helper()
	kept := map[string]string{}
	for record, err := range r.Records(context.Background(), subscriber) {
		require.NoError(t, err)
		kept[record.Key] = string(record.Value)
	}
	return kept
}

// What a subscriber keeps with a notice is there exactly if the notice does not come again.
func TestRecordsAreKeptWithTheNoticesTheyAreOf(t *testing.T) {
	ctx, store := context.Background(), profile.NewMemStore()
	e := openOn(t, store, audience.Options{})
	require.NoError(t, e.Create(ctx, audience.Define("buyers").Members(audience.Performed("Order"))))
	var w toldDurably
	crashed := errors.New("crashed")
	w.fail = func(n audience.Notice) error {
		if _, err := e.Keep(ctx, "crm", n.ID, profile.Record{Key: "last", Value: []byte(n.Transition.Profile)}); err != nil {
			return err
		}
		return crashed // it is kept, and the engine is not told so
	}
	stop, err := e.SubscribeDurable(ctx, "crm", w.tell)
	require.NoError(t, err)
	require.NoError(t, e.Track(ctx, event("u1", "Order", 0)))
	require.Eventually(t, func() bool { return recordsOf(t, store, "crm")["last"] == "u1" }, 10*time.Second, time.Millisecond)
	stop()
	require.NoError(t, e.Track(ctx, event("u2", "Order", 0)))
	require.NoError(t, e.Close())
	_, err = e.Keep(ctx, "crm", 2, profile.Record{Key: "last", Value: []byte("late")})
	require.ErrorIs(t, err, profile.ErrClosed)

	e = openOn(t, store, audience.Options{})
	var again toldDurably
	stop, err = e.SubscribeDurable(ctx, "crm", again.tell)
	require.NoError(t, err)
	require.NoError(t, e.CatchUp(ctx, "crm"))
	require.Equal(t, []string{"2 u2 entered buyers at 2026-01-01T00:00:00Z (event)"}, again.lines())
	mark, err := e.Keep(ctx, "crm", 2, profile.Record{Key: "last"}, profile.Record{Key: "more", Value: []byte("1")})
	require.NoError(t, err)
	require.NoError(t, e.Durable(ctx, mark))
	require.Equal(t, map[string]string{"more": "1"}, recordsOf(t, store, "crm"))
	_, err = e.Keep(ctx, "crm", 2, profile.Record{Key: ""})
	require.ErrorIs(t, err, profile.ErrInvalid)
	stop()
	require.NoError(t, e.RemoveSubscriber(ctx, "crm"))
	require.Empty(t, recordsOf(t, store, "crm"))
}

// CatchUp waits for what was told before, and no longer than there is somebody to wait for.
func TestCatchUp(t *testing.T) {
	ctx := context.Background()
	e := openOn(t, profile.NewMemStore(), audience.Options{})
	require.NoError(t, e.Create(ctx, audience.Define("buyers").Members(audience.Performed("Order"))))
	require.ErrorIs(t, e.CatchUp(ctx, "crm"), profile.ErrNotFound)
	let := make(chan struct{})
	var w toldDurably
	w.fail = func(audience.Notice) error { <-let; return nil }
	_, err := e.SubscribeDurable(ctx, "crm", w.tell)
	require.NoError(t, err)
	require.NoError(t, e.CatchUp(ctx, "crm"), "nothing was told")
	require.NoError(t, e.Track(ctx, event("u1", "Order", 0)))
	short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, e.CatchUp(short, "crm"), context.DeadlineExceeded)
	close(let)
	require.NoError(t, e.CatchUp(ctx, "crm"))
	require.Len(t, w.lines(), 1)
}
