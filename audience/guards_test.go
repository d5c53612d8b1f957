package audience_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

func TestWhatIsNotThereIsRefused(t *testing.T) {
	ctx := context.Background()
	_, err := audience.New(ctx, nil, audience.Options{})
	require.ErrorIs(t, err, profile.ErrInvalid)
	var none *profile.MemStore
	_, err = audience.New(ctx, none, audience.Options{})
	require.ErrorAs(t, err, new(*audience.PanicError), "a nil of a type")
	e, _, _ := newEngine(t)
	_, err = e.Subscribe(nil)
	require.ErrorIs(t, err, profile.ErrInvalid)
	_, err = e.SubscribeTraits(nil)
	require.ErrorIs(t, err, profile.ErrInvalid)
	_, err = e.SubscribeIDs(nil)
	require.ErrorIs(t, err, profile.ErrInvalid)
	var clock *audience.ManualClock
	stopped, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock})
	require.NoError(t, err)
	require.ErrorAs(t, stopped.Track(ctx, event("u", "Buy", 0)), new(*audience.PanicError))
}

// A callback that ends its goroutine, as a test's FailNow does, silences neither the
// other callbacks nor those of what comes after.
func TestACallbackThatEndsItsGoroutineSilencesNobody(t *testing.T) {
	ctx := context.Background()
	e, reported := reporting(t)
	require.NoError(t, e.CreateTraits(ctx, trait.Count("buys", "Buy")))
	var told []string
	ends := true
	exit := func() error {
		if ends {
			runtime.Goexit()
		}
		return nil
	}
	for _, name := range []string{"first", "second"} {
		if name == "second" {
			_, _ = e.Subscribe(func(context.Context, audience.Transition) error { return exit() })
			_, _ = e.SubscribeTraits(func(context.Context, audience.TraitChange) error { return exit() })
			_, _ = e.SubscribeIDs(func(context.Context, audience.IDChange) error { return exit() })
		}
		_, _ = e.Subscribe(func(_ context.Context, tr audience.Transition) error {
			told = append(told, name+" "+tr.Audience)
			return nil
		})
		_, _ = e.SubscribeTraits(func(_ context.Context, c audience.TraitChange) error {
			told = append(told, name+" "+c.Trait)
			return nil
		})
		_, _ = e.SubscribeIDs(func(context.Context, audience.IDChange) error { told = append(told, name+" ids"); return nil })
	}
	var wait sync.WaitGroup
	wait.Add(1)
	go func() {
		defer wait.Done()
		_ = e.Apply(ctx, profile.Message{Type: profile.Track, UserID: "u", Name: "Buy"})
		t.Error("the goroutine goes on")
	}()
	wait.Wait()
	want := []string{"first ids", "second ids", "first buys", "second buys", "first buyers", "second buyers"}
	require.Equal(t, want, told)
	require.Len(t, *reported, 3)
	require.ErrorContains(t, (*reported)[0], "it ended its goroutine")
	ends, told = false, nil
	require.NoError(t, e.Apply(ctx, profile.Message{Type: profile.Track, UserID: "v", Name: "Buy"}))
	require.Equal(t, want, told, "no lock is held, and no outbox")
}

func TestWhatNoCallerCanBeToldIsLogged(t *testing.T) {
	ctx := context.Background()
	var text bytes.Buffer
	e, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Logger: slog.New(slog.NewTextHandler(&text, nil))})
	require.NoError(t, err)
	require.NoError(t, e.Create(ctx, audience.Define("buyers").Members(audience.Performed("Buy"))))
	_, _ = e.Subscribe(func(context.Context, audience.Transition) error { return errors.New("the mail is down") })
	_, _ = e.Subscribe(func(context.Context, audience.Transition) error { panic("at once") })
	require.NoError(t, e.Track(ctx, profile.Event{Profile: "u", Name: "Buy"}))
	require.Contains(t, text.String(), "u entered buyers")
	require.Contains(t, text.String(), "the mail is down")
	require.Contains(t, text.String(), "panic: at once")
	require.Contains(t, text.String(), "stack=")
}

// downStore fails for as long as it is told to.
type downStore struct {
	profile.Store
	down atomic.Bool // no transaction can be begun
}

func (s *downStore) Begin(ctx context.Context, now time.Time, refs ...profile.Ref) (profile.Tx, error) {
	if s.down.Load() {
		return nil, errFault
	}
	return s.Store.Begin(ctx, now, refs...)
}

// Run outlives a store that is away for a while, and reports it.
func TestRunGoesOnWhenTheStoreFails(t *testing.T) {
	ctx := t.Context()
	store := &downStore{Store: profile.NewMemStore()}
	clock := audience.NewManualClock(start)
	reports := make(chan error, 10)
	e, err := audience.New(ctx, store, audience.Options{Clock: clock, OnError: func(err error) { reports <- err }})
	require.NoError(t, err)
	require.NoError(t, e.Create(ctx, audience.Define("buyers").Members(audience.Performed("Buy").Within(time.Hour))))
	require.NoError(t, e.Track(ctx, event("u", "Buy", 0)))
	exited := make(chan audience.Transition, 1)
	_, err = e.Subscribe(func(_ context.Context, tr audience.Transition) error { exited <- tr; return nil })
	require.NoError(t, err)
	store.down.Store(true)
	clock.Set(start.Add(2 * time.Hour))
	ran := make(chan error)
	go func() { ran <- e.Run(ctx) }()
	for range 3 {
		require.ErrorIs(t, <-reports, errFault)
	}
	store.down.Store(false)
	require.Equal(t, start.Add(time.Hour), (<-exited).At, "at the exact instant")
	require.NoError(t, e.Close())
	require.NoError(t, <-ran)
}

// settableClock goes where a test sets it, also back.
type settableClock struct{ now time.Time }

func (c *settableClock) Now() time.Time { return c.now }

// A clock that is ten years ahead for one call would keep everybody out of what is
// within a day for ten years.
func TestAClockThatJumpsIsAnErrorAndChangesNothing(t *testing.T) {
	ctx := context.Background()
	store := profile.NewMemStore()
	clock := &settableClock{start}
	open := func() *audience.Engine {
		e, err := audience.New(ctx, store, audience.Options{Clock: clock})
		require.NoError(t, err)
		return e
	}
	e := open()
	require.NoError(t, e.Create(ctx, audience.Define("buyers").Members(audience.Performed("Buy").Within(profile.Day))))
	clock.now = start.AddDate(10, 0, 0)
	buy := profile.Event{Profile: "u", Name: "Buy", Time: start}
	for name, call := range map[string]func() error{
		"track":   func() error { return e.Track(ctx, buy) },
		"message": func() error { return e.Apply(ctx, profile.Message{Type: profile.Track, UserID: "u", Name: "Buy"}) },
		"group":   func() error { return e.Group(ctx, audience.Group{Profile: "u", Account: "a"}) },
		"alias":   func() error { return e.Alias(ctx, "a", "b") },
		"create":  func() error { return e.Create(ctx, audience.Define("x").Members(audience.Performed("Buy"))) },
		"explain": func() error { _, err := e.Explain(ctx, "buyers", profile.UserRef("u")); return err },
	} {
		require.ErrorIs(t, call(), audience.ErrClockJump, name)
	}
	require.NoError(t, e.Close())
	e = open()
	require.ErrorIs(t, e.Track(ctx, buy), audience.ErrClockJump, "a new engine over the same store")
	require.Equal(t, start, e.Now())
	clock.now = start.Add(time.Hour)
	require.NoError(t, e.Track(ctx, buy))
	require.Equal(t, 1, count(t, e, "buyers"), "as if nothing had happened")

	// If it is the engine that was away for so long, Advance says so.
	clock.now = start.AddDate(10, 0, 0)
	require.ErrorIs(t, e.Track(ctx, buy), audience.ErrClockJump)
	require.NoError(t, e.Advance(ctx, clock.now))
	require.Zero(t, count(t, e, "buyers"))
	require.NoError(t, e.Track(ctx, profile.Event{Profile: "v", Name: "Buy"}))
	require.Equal(t, 1, count(t, e, "buyers"))

	require.NoError(t, e.Close())
	free, err := audience.New(ctx, store, audience.Options{Clock: &settableClock{start.AddDate(100, 0, 0)}, MaxClockJump: -1})
	require.NoError(t, err)
	require.NoError(t, free.Track(ctx, profile.Event{Profile: "w", Name: "Buy"}))
}

func TestAStoreIsOneEnginesUntilThatIsClosed(t *testing.T) {
	ctx := context.Background()
	store := profile.NewMemStore()
	first, err := audience.New(ctx, store, audience.Options{})
	require.NoError(t, err)
	_, err = audience.New(ctx, store, audience.Options{})
	require.ErrorIs(t, err, profile.ErrTaken)
	require.NoError(t, first.Track(ctx, profile.Event{Profile: "u", Name: "Buy"}))
	require.NoError(t, first.Close())
	require.NoError(t, first.Close(), "once more does nothing")
	second, err := audience.New(ctx, store, audience.Options{})
	require.NoError(t, err)
	require.NoError(t, first.Close())
	_, err = audience.New(ctx, store, audience.Options{})
	require.ErrorIs(t, err, profile.ErrTaken, "it is the second one's")
	require.NoError(t, second.Close())
}

// What goes beyond a limit of a profile is refused, and changes nothing: also where a
// message would first merge two profiles, and in a batch.
func TestLimitsOfAProfileRefuseAMessageWhole(t *testing.T) {
	ctx := context.Background()
	store := profile.NewMemStore(profile.WithLimits(profile.Limits{EventNames: 3, TraitNames: 3, IDs: 4, Accounts: 2}))
	e, err := audience.New(ctx, store, audience.Options{Clock: audience.NewManualClock(start)})
	require.NoError(t, err)
	require.NoError(t, e.Create(ctx, audience.Define("anyone").Members(audience.NotPerformed("Left"))))
	track := func(user, device, name string) profile.Message {
		return profile.Message{Type: profile.Track, UserID: user, AnonymousID: device, Name: name}
	}
	require.NoError(t, e.Apply(ctx, track("ann", "", "1"), track("ann", "", "2"), track("ann", "", "3"), track("", "a1", "1")))
	var told []string
	_, err = e.Subscribe(func(_ context.Context, tr audience.Transition) error { told = append(told, tr.String()); return nil })
	require.NoError(t, err)
	before, err := store.IDs(ctx, profile.UserRef("ann"))
	require.NoError(t, err)
	for name, messages := range map[string][]profile.Message{
		"an event's name":    {track("ann", "", "4")},
		"of one that merges": {track("ann", "a1", "4")},
		"traits":             {{Type: profile.Identify, UserID: "ann", AnonymousID: "a1", Traits: object("a", 1, "b", 2, "c", 3, "d", 4)}},
		"ids": {{Type: profile.Identify, UserID: "ann", Context: object("externalIds", []any{
			map[string]any{"type": "x", "id": "1"}, map[string]any{"type": "x", "id": "2"}, map[string]any{"type": "x", "id": "3"}, map[string]any{"type": "x", "id": "4"}})}},
		"accounts of a batch": {
			{Type: profile.Group, UserID: "ann", GroupID: "1"}, {Type: profile.Group, UserID: "ann", GroupID: "2"}, {Type: profile.Group, UserID: "ann", GroupID: "3"}},
		"ids of a batch": {track("ann", "d1", "1"), track("ann", "d2", "1"), track("ann", "d3", "1"), track("ann", "d4", "1")},
	} {
		err := e.Apply(ctx, messages...)
		require.ErrorIs(t, err, audience.ErrRefused, name)
		var of *profile.LimitError
		require.ErrorAs(t, err, &of, name)
		require.Equal(t, "ann", of.Ref.ID)
	}
	require.Empty(t, told)
	after, err := store.IDs(ctx, profile.UserRef("ann"))
	require.NoError(t, err)
	require.Equal(t, before, after)
	_, exists, err := store.Resolve(ctx, profile.UserRef("a1"))
	require.NoError(t, err)
	require.True(t, exists)
	accounts, err := store.Accounts(ctx, "ann")
	require.NoError(t, err)
	require.Empty(t, accounts)
	require.NoError(t, e.Apply(ctx, track("ann", "a1", "3")), "within the limits she goes on")
}
