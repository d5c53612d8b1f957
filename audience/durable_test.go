package audience_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
	"github.com/stretchr/testify/require"
)

// toldDurably collects what a durable subscriber is told.
type toldDurably struct {
	mu   sync.Mutex
	list []audience.Notice
	fail func(n audience.Notice) error // nil: nothing fails
}

func (w *toldDurably) tell(_ context.Context, n audience.Notice) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		if err := w.fail(n); err != nil {
			return err
		}
	}
	w.list = append(w.list, n)
	return nil
}

func (w *toldDurably) lines() (lines []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.list {
		lines = append(lines, fmt.Sprint(n.ID, " ", n))
	}
	return lines
}

// eventually waits until so many notices were told, and returns their lines.
func (w *toldDurably) eventually(t *testing.T, n int) []string {
	t.Helper()
	require.Eventually(t, func() bool { return len(w.lines()) >= n }, 10*time.Second, time.Millisecond)
	return w.lines()
}

func openOn(t *testing.T, store profile.Store, opts audience.Options) *audience.Engine {
	t.Helper()
	if opts.Clock == nil {
		opts.Clock = audience.NewManualClock(start)
	}
	e, err := audience.New(context.Background(), store, opts)
	require.NoError(t, err)
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// A durable subscriber is told of all from where it was, whichever engine told it.
func TestADurableSubscriberGoesOnWhereItWas(t *testing.T) {
	ctx, store := context.Background(), profile.NewMemStore()
	e := openOn(t, store, audience.Options{})
	require.NoError(t, e.CreateTraits(ctx, trait.Count("orders", "Order")))
	require.NoError(t, e.Create(ctx, audience.Define("buyers").Members(audience.Performed("Order"))))
	require.NoError(t, e.Track(ctx, event("early", "Order", 0))) // nobody has subscribed yet
	var first toldDurably
	stop, err := e.SubscribeDurable(ctx, "crm", first.tell)
	require.NoError(t, err)
	_, err = e.SubscribeDurable(ctx, "crm", first.tell)
	require.ErrorIs(t, err, audience.ErrExists)
	require.NoError(t, e.Track(ctx, event("u1", "Order", 0)))
	require.Equal(t, []string{
		"3 u1 orders null → 1 at 2026-01-01T00:00:00Z (event)",
		"4 u1 entered buyers at 2026-01-01T00:00:00Z (event)",
	}, first.eventually(t, 2))
	stop()
	require.NoError(t, e.Track(ctx, event("u2", "Order", 0)))
	require.NoError(t, e.Close())

	e = openOn(t, store, audience.Options{})
	require.NoError(t, e.DeleteUser(ctx, "u1"))
	var second toldDurably
	_, err = e.SubscribeDurable(ctx, "crm", second.tell)
	require.NoError(t, err)
	require.Equal(t, []string{
		"5 u2 orders null → 1 at 2026-01-01T00:00:00Z (event)",
		"6 u2 entered buyers at 2026-01-01T00:00:00Z (event)",
		"7 u1 orders 1 → null at 2026-01-01T00:00:00Z (delete)",
		"8 u1 exited buyers at 2026-01-01T00:00:00Z (delete)",
	}, second.eventually(t, 4))
	require.Len(t, first.lines(), 2)
	require.Eventually(t, func() bool {
		o, err := store.Outbox(ctx)
		return err == nil && o.Notices == 0 && o.Cursors["crm"] == 8
	}, 10*time.Second, time.Millisecond, "what was told is not kept")
}

// What a callback fails on comes again, and nothing before it has been done with.
func TestADurableSubscriberIsToldAgainUntilItIsDone(t *testing.T) {
	ctx, attempts := context.Background(), 0
	var reported []error
	var mu sync.Mutex
	e := openOn(t, profile.NewMemStore(), audience.Options{OnError: func(err error) {
		mu.Lock()
		defer mu.Unlock()
		reported = append(reported, err)
	}})
	require.NoError(t, e.Create(ctx, audience.Define("buyers").Members(audience.Performed("Order"))))
	refusing := fmt.Errorf("of another engine: %w", profile.ErrClosed) // which says nothing of this one
	w := toldDurably{fail: func(n audience.Notice) error {
		if attempts++; n.ID == 2 && attempts < 5 {
			switch attempts {
			case 2:
				return refusing
			case 3:
				panic(refusing)
			case 4:
				runtime.Goexit()
			}
		}
		return nil
	}}
	_, err := e.SubscribeDurable(ctx, "crm", w.tell)
	require.NoError(t, err)
	for i := range 3 {
		require.NoError(t, e.Track(ctx, event(fmt.Sprint("u", i), "Order", 0)))
	}
	require.Equal(t, []string{
		"1 u0 entered buyers at 2026-01-01T00:00:00Z (event)",
		"2 u1 entered buyers at 2026-01-01T00:00:00Z (event)",
		"3 u2 entered buyers at 2026-01-01T00:00:00Z (event)",
	}, w.eventually(t, 3))
	mu.Lock()
	defer mu.Unlock()
	require.Len(t, reported, 3)
	for i, says := range []string{refusing.Error(), "panic: " + refusing.Error(), "it ended its goroutine"} {
		var failed *audience.CallbackError
		require.ErrorAs(t, reported[i], &failed)
		require.Equal(t, "crm", failed.Subscriber)
		require.Equal(t, uint64(2), failed.Notice.ID)
		require.Equal(t, "u1", failed.Notice.Transition.Profile)
		require.Equal(t, i == 1, len(failed.Stack) > 0, "of the panic alone")
		require.Equal(t, i < 2, errors.Is(failed, refusing))
		require.EqualError(t, reported[i], `subscriber "crm": callback on u1 entered buyers at 2026-01-01T00:00:00Z (event): `+says)
	}
	require.Equal(t, uint64(3), e.Stats().Misfires)
}

// One type tells of whatever callback failed, and with what it was called.
func TestAFailedCallbackSaysWithWhatItWasCalled(t *testing.T) {
	ctx := context.Background()
	reported := map[string]audience.Notice{}
	var mu sync.Mutex
	e := openOn(t, profile.NewMemStore(), audience.Options{Clock: audience.NewManualClock(start), OnError: func(err error) {
		var failed *audience.CallbackError
		mu.Lock()
		defer mu.Unlock()
		if errors.As(err, &failed) && errors.Is(err, context.DeadlineExceeded) {
			reported[failed.Subscriber+" "+failed.Notice.String()] = failed.Notice
		}
	}})
	require.NoError(t, e.CreateTraits(ctx, trait.Count("orders", "Order")))
	require.NoError(t, e.Create(ctx, audience.Define("buyers").Members(audience.Performed("Order"))))
	late := context.DeadlineExceeded
	e.Subscribe(func(context.Context, audience.Transition) error { return late })
	e.SubscribeTraits(func(context.Context, audience.TraitChange) error { return late })
	e.SubscribeIDs(func(context.Context, audience.IDChange) error { panic(late) })
	tried := map[uint64]bool{}
	_, err := e.SubscribeDurable(ctx, "crm", func(_ context.Context, n audience.Notice) error {
		if tried[n.ID] {
			return nil
		}
		tried[n.ID] = true
		return late
	})
	require.NoError(t, err)
	require.NoError(t, e.Identify(ctx, audience.Identify{Profile: "ann", IDs: []profile.ExternalID{{Type: "email", Value: "ann@x.io"}}}))
	require.NoError(t, e.Track(ctx, event("ann", "Order", 0)))
	require.NoError(t, e.CatchUp(ctx, "crm"))
	mu.Lock()
	defer mu.Unlock()
	require.Len(t, reported, 6, "three kinds, plain and durable: %v", reported)
	for name, n := range reported {
		require.Equal(t, 1, btoi(n.Transition != nil)+btoi(n.TraitChange != nil)+btoi(n.IDChange != nil), name)
		require.NotZero(t, n.ID, name)
	}
}

func btoi(is bool) int {
	if is {
		return 1
	}
	return 0
}

// A notice is the same from the store as it is told at once.
func TestANoticeIsTheSameFromTheStore(t *testing.T) {
	ctx, clock := context.Background(), audience.NewManualClock(start)
	e := openOn(t, profile.NewMemStore(), audience.Options{Clock: clock, Evidence: true})
	require.NoError(t, e.CreateTraits(ctx, trait.UniqueList("names", "Order", "name")))
	require.NoError(t, e.Create(ctx,
		audience.Define("buyers").Members(audience.All(audience.Performed("Order").Within(time.Hour), audience.Trait("traits.plan == 'pro'"))),
		audience.Define("accounts").OfAccounts().WithPerUser().Members(audience.AnyUser(audience.InAudience("buyers")))))
	var at []audience.Notice
	var mu sync.Mutex
	note := func(n audience.Notice) error {
		mu.Lock()
		defer mu.Unlock()
		at = append(at, n)
		return nil
	}
	_, err := e.Subscribe(func(_ context.Context, tr audience.Transition) error {
		return note(audience.Notice{ID: tr.ID, Transition: &tr})
	})
	require.NoError(t, err)
	_, err = e.SubscribeTraits(func(_ context.Context, c audience.TraitChange) error {
		return note(audience.Notice{ID: c.ID, TraitChange: &c})
	})
	require.NoError(t, err)
	_, err = e.SubscribeIDs(func(_ context.Context, c audience.IDChange) error {
		return note(audience.Notice{ID: c.ID, IDChange: &c})
	})
	require.NoError(t, err)
	var kept toldDurably
	_, err = e.SubscribeDurable(ctx, "crm", kept.tell)
	require.NoError(t, err)
	require.NoError(t, e.Group(ctx, audience.Group{Profile: "u1", Account: "acme"}))
	require.NoError(t, e.Identify(ctx, audience.Identify{Profile: "u1", Traits: object("plan", "pro"),
		IDs: []profile.ExternalID{{Type: "email", Value: "ü@x"}}}))
	ev := event("u1", "Order", 0)
	ev.Props = profile.Props(map[string]any{"name": "1.0 \x00 ü"})
	require.NoError(t, e.Track(ctx, ev))
	require.NoError(t, e.Advance(ctx, start.Add(2*time.Hour)))
	require.NotEmpty(t, kept.eventually(t, 7))
	mu.Lock()
	defer mu.Unlock()
	require.Len(t, at, len(kept.list))
	byID := map[uint64]audience.Notice{}
	for _, n := range at {
		byID[n.ID] = n
	}
	for i, n := range kept.list {
		require.Equal(t, uint64(i+1), n.ID)
		require.Equal(t, byID[n.ID].String(), n.String())
		if n.Transition != nil {
			require.Equal(t, byID[n.ID].Transition.Evidence.Condition, n.Transition.Evidence.Condition)
			require.Equal(t, fmt.Sprintf("%+v", *byID[n.ID].Transition.Evidence), fmt.Sprintf("%+v", *n.Transition.Evidence))
		}
	}
}

// What is kept for a subscriber that lags is bounded: calls wait, or are refused.
func TestWhatWaitsForASubscriberIsBounded(t *testing.T) {
	ctx := context.Background()
	for _, refuse := range []bool{false, true} {
		e := openOn(t, profile.NewMemStore(), audience.Options{Outbox: audience.OutboxLimit{Notices: 10, Refuse: refuse}})
		require.NoError(t, e.Create(ctx, audience.Define("buyers").Members(audience.Performed("Order"))))
		goOn := make(chan struct{})
		w := toldDurably{fail: func(audience.Notice) error { <-goOn; return nil }}
		_, err := e.SubscribeDurable(ctx, "crm", func(ctx context.Context, n audience.Notice) error {
			if n.ID == 1 { // what a durable callback calls waits for nobody
				<-goOn
				return errors.Join(w.tell(ctx, n), e.Track(ctx, event("more", "Order", 0)))
			}
			return w.tell(ctx, n)
		})
		require.NoError(t, err)
		track := func(ctx context.Context, i int) error { return e.Track(ctx, event(fmt.Sprint("u", i), "Order", 0)) }
		for i := range 11 {
			require.NoError(t, track(ctx, i))
		}
		full, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		err = track(full, 11)
		cancel()
		if refuse {
			require.ErrorIs(t, err, audience.ErrOutboxFull)
		} else {
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		close(goOn)
		w.eventually(t, 12)
		require.Eventually(t, func() bool { return track(ctx, 11) == nil }, 10*time.Second, time.Millisecond)
		w.eventually(t, 13)
	}
}

// Who is no more is told of nothing, and nothing is kept for it.
func TestARemovedSubscriberIsNoMore(t *testing.T) {
	ctx, store := context.Background(), profile.NewMemStore()
	e := openOn(t, store, audience.Options{})
	require.ErrorIs(t, e.RemoveSubscriber(ctx, "crm"), profile.ErrNotFound)
	require.NoError(t, e.Create(ctx, audience.Define("buyers").Members(audience.Performed("Order"))))
	var w toldDurably
	stop, err := e.SubscribeDurable(ctx, "crm", w.tell)
	require.NoError(t, err)
	require.ErrorIs(t, e.RemoveSubscriber(ctx, "crm"), audience.ErrInUse)
	stop()
	require.NoError(t, e.Track(ctx, event("u1", "Order", 0)))
	o, err := store.Outbox(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, o.Notices)
	require.NoError(t, e.RemoveSubscriber(ctx, "crm"))
	o, err = store.Outbox(ctx)
	require.NoError(t, err)
	require.Equal(t, profile.Outbox{Last: 1, Cursors: map[string]uint64{}}, o)
}

// lateStore is a store on which nothing stays until it is told so.
type lateStore struct {
	profile.Store
	mu      sync.Mutex
	commits profile.Mark
	asked   chan profile.Mark
	answer  chan error
}

type lateTx struct {
	profile.Tx
	s *lateStore
}

func (s *lateStore) Begin(ctx context.Context, now time.Time, refs ...profile.Ref) (profile.Tx, error) {
	tx, err := s.Store.Begin(ctx, now, refs...)
	return lateTx{tx, s}, err
}

func (tx lateTx) Commit() (profile.Mark, error) {
	if _, err := tx.Tx.Commit(); err != nil {
		return 0, err
	}
	tx.s.mu.Lock()
	defer tx.s.mu.Unlock()
	tx.s.commits++
	return tx.s.commits, nil
}

func (s *lateStore) Durable(_ context.Context, upTo profile.Mark) error {
	s.asked <- upTo
	return <-s.answer
}

// A call returns, and callbacks run, when what was committed stays, and not before.
func TestCallbacksWaitUntilWhatTheyTellStays(t *testing.T) {
	ctx := context.Background()
	store := &lateStore{Store: profile.NewMemStore(), asked: make(chan profile.Mark), answer: make(chan error)}
	answering := make(chan struct{})
	go func() { // the creation's
		for {
			select {
			case <-store.asked:
				store.answer <- nil
			case <-answering:
				return
			}
		}
	}()
	e := openOn(t, store, audience.Options{Shards: 1, OnError: func(error) {}})
	require.NoError(t, e.Create(ctx, audience.Define("buyers").Members(audience.Performed("Order"))))
	close(answering)
	heard := make(chan string, 10)
	_, err := e.Subscribe(func(_ context.Context, tr audience.Transition) error {
		heard <- tr.Profile
		return nil
	})
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- e.Track(ctx, event("u1", "Order", 0)) }()
	<-store.asked
	n, err := e.MemberCount(ctx, "buyers")
	require.NoError(t, err)
	require.Equal(t, 1, n, "it is committed, and visible")
	require.Empty(t, heard)
	require.Empty(t, done)
	store.answer <- nil // of the call
	<-store.asked
	require.Empty(t, heard)
	store.answer <- nil // of the callbacks
	require.NoError(t, <-done)
	require.Equal(t, "u1", <-heard)

	broken := errors.New("the disk is full")
	go func() { done <- e.Track(ctx, event("u2", "Order", 0)) }()
	for range 2 {
		<-store.asked
		store.answer <- broken
	}
	require.ErrorIs(t, <-done, broken)
	require.Empty(t, heard, "nothing is told that may not stay")
}
