package audience_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// errLooksLikeARefusal is of a store that has read damaged rows, say: it wraps all that a
// refusal may.
var errLooksLikeARefusal = fmt.Errorf("%w: %w", errFault, errors.Join(profile.ErrInvalid, profile.ErrTooLarge, profile.ErrTime,
	profile.ErrRetention, profile.ErrLimit, profile.ErrNotNamed, audience.ErrComputed))

// A call that fails of the store, of a panic in it or of its context's end, at any point, is
// not refused, whatever the error wraps.
func TestAFailureIsNoRefusal(t *testing.T) {
	for name, tc := range faultCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			points := 0
			for f := range faults {
				for n := 1; ; n++ {
					w := newFaultWorld(t, n%2 == 0, 1+n%2*2)
					ctx, cancel := context.WithCancel(context.Background())
					w.store.err = errLooksLikeARefusal
					w.store.arm(f, n, cancel)
					err := tc.call(ctx, w.engine)
					fired := w.store.disarm()
					cancel()
					require.NotErrorIs(t, err, audience.ErrRefused, "%s at point %d", f, n)
					if of := (*audience.MessageError)(nil); errors.As(err, &of) {
						require.False(t, of.Refused)
					}
					require.NoError(t, w.engine.Close())
					if !fired {
						break
					}
					points++
				}
			}
			require.Positive(t, points)
		})
	}
}

// badData are calls that can never be taken.
func badData() map[string]func(context.Context, *audience.Engine) error {
	at, long := epoch.Add(10*grid), strings.Repeat("x", profile.MaxID+1)
	object := func(key string, v any) profile.Object { return object(key, v) }
	calls := map[string]func(context.Context, *audience.Engine) error{
		"track of nobody": func(ctx context.Context, e *audience.Engine) error {
			return e.Track(ctx, profile.Event{Name: "Buy", Time: at})
		},
		"track without a name": func(ctx context.Context, e *audience.Engine) error {
			return e.Track(ctx, profile.Event{Profile: "ann", Time: at})
		},
		"track after 2200": func(ctx context.Context, e *audience.Engine) error {
			return e.Track(ctx, profile.Event{Profile: "ann", Name: "Buy", Time: profile.MaxTime})
		},
		"track that is no JSON": func(ctx context.Context, e *audience.Engine) error {
			return e.Track(ctx, profile.Event{Profile: "ann", Name: "Buy", Time: at, Props: profile.Props{"f": func() {}}})
		},
		"identify of nobody": func(ctx context.Context, e *audience.Engine) error {
			return e.Identify(ctx, audience.Identify{Time: at})
		},
		"identify a computed": func(ctx context.Context, e *audience.Engine) error {
			return e.Identify(ctx, audience.Identify{Profile: "ann", Time: at, Traits: object("total", 1)})
		},
		"identify an id of none": func(ctx context.Context, e *audience.Engine) error {
			return e.Identify(ctx, audience.Identify{Profile: "ann", Time: at, IDs: []profile.ExternalID{{Type: "email"}}})
		},
		"identify too many ids": func(ctx context.Context, e *audience.Engine) error {
			id := audience.Identify{Profile: "ann", Time: at, Traits: object("plan", "new")}
			for i := range 1001 {
				id.IDs = append(id.IDs, profile.ExternalID{Type: "email", Value: fmt.Sprint(i)})
			}
			return e.Identify(ctx, id)
		},
		"group of nobody": func(ctx context.Context, e *audience.Engine) error {
			return e.Group(ctx, audience.Group{Account: "acme", Time: at})
		},
		"group without an account": func(ctx context.Context, e *audience.Engine) error {
			return e.Group(ctx, audience.Group{Profile: "ann", Time: at})
		},
		"leave of nobody":      func(ctx context.Context, e *audience.Engine) error { return e.Leave(ctx, "", "acme") },
		"alias of nothing":     func(ctx context.Context, e *audience.Engine) error { return e.Alias(ctx, "", "ann") },
		"alias to nothing":     func(ctx context.Context, e *audience.Engine) error { return e.Alias(ctx, "ann", long) },
		"delete of nobody":     func(ctx context.Context, e *audience.Engine) error { return e.DeleteUser(ctx, "") },
		"delete of no account": func(ctx context.Context, e *audience.Engine) error { return e.DeleteAccount(ctx, "\xff") },
	}
	ids := make([]any, 0, 1001)
	for i := range 1001 {
		ids = append(ids, map[string]any{"type": "email", "id": fmt.Sprint(i), "collection": "users"})
	}
	for name, m := range map[string]profile.Message{
		"no type":            {UserID: "ann", Time: at},
		"nobody":             {Type: profile.Track, Name: "Buy", Time: at},
		"no name":            {Type: profile.Track, UserID: "ann", AnonymousID: "tablet", Time: at},
		"no time":            {Type: profile.Track, UserID: "ann", Name: "Buy", Time: at.AddDate(400, 0, 0)},
		"long id":            {Type: profile.Track, UserID: long, Name: "Buy", Time: at},
		"long account":       {Type: profile.Group, UserID: "ann", AnonymousID: "tablet", GroupID: long, Time: at},
		"a computed trait":   {Type: profile.Identify, UserID: "ann", AnonymousID: "tablet", Traits: object("total", 1), Time: at},
		"alias of nobody":    {Type: profile.Alias, UserID: "ann", Time: at},
		"too many ids":       {Type: profile.Track, UserID: "ann", Name: "Buy", Time: at, Context: object("externalIds", ids)},
		"ids that it merges": {Type: profile.Track, UserID: "ann", AnonymousID: "tablet", Name: "Buy", Time: at, Context: object("externalIds", ids)},
	} {
		calls["apply: "+name] = func(ctx context.Context, e *audience.Engine) error { return e.Apply(ctx, m) }
		each := func(take func(context.Context, *audience.Engine, ...profile.Message) ([]*audience.MessageError, error)) func(context.Context, *audience.Engine) error {
			return func(ctx context.Context, e *audience.Engine) error {
				refused, err := take(ctx, e, m, m)
				for _, of := range refused {
					if err == nil && !errors.Is(of, audience.ErrRefused) {
						return fmt.Errorf("it is listed, and not refused: %w", of)
					}
				}
				if err == nil && len(refused) == 2 {
					return refused[0]
				}
				return err
			}
		}
		calls["apply each: "+name] = each(func(ctx context.Context, e *audience.Engine, m ...profile.Message) ([]*audience.MessageError, error) {
			return e.ApplyEach(ctx, m...)
		})
		calls["replay: "+name] = each(func(ctx context.Context, e *audience.Engine, m ...profile.Message) ([]*audience.MessageError, error) {
			return e.Replay(ctx, m...)
		})
	}
	return calls
}

// What is refused has changed nothing, nor has what fails on the way to be.
func TestWhatIsRefusedChangesNothing(t *testing.T) {
	for name, call := range badData() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFaultWorld(t, true, 1)
			defer w.engine.Close()
			require.NoError(t, w.engine.Advance(t.Context(), w.clock.Now().Add(time.Minute)))
			require.NoError(t, w.engine.Track(t.Context(), profile.Event{Profile: "zoe", Name: "Look"})) // the store is there, too
			digest := func() profile.Exported {
				x, err := profile.Export(context.Background(), w.store, io.Discard)
				require.NoError(t, err)
				return x
			}
			before, told := digest(), len(w.told)
			require.ErrorIs(t, call(t.Context(), w.engine), audience.ErrRefused)
			require.Equal(t, before, digest())
			for f := range faults {
				for n := 1; ; n++ {
					ctx, cancel := context.WithCancel(context.Background())
					w.store.err = errLooksLikeARefusal
					w.store.arm(f, n, cancel)
					err := call(ctx, w.engine)
					fired := w.store.disarm()
					cancel()
					require.Error(t, err, "%s at point %d", f, n)
					if errors.Is(err, errFault) || errors.Is(err, context.Canceled) {
						require.NotErrorIs(t, err, audience.ErrRefused, "%s at point %d", f, n)
					} else {
						require.ErrorIs(t, err, audience.ErrRefused, "%s at point %d", f, n)
					}
					require.Equal(t, before, digest(), "%s at point %d", f, n)
					if !fired {
						break
					}
				}
			}
			require.Len(t, w.told, told)
		})
	}
}

// A clock that says nothing that is a time, or panics with an error of the input, refuses
// nothing.
func TestAClockRefusesNothing(t *testing.T) {
	for name, clock := range map[string]clockFunc{
		"no time": func() time.Time { return time.Time{} },
		"panic":   func() time.Time { panic(profile.ErrInvalid) },
	} {
		good := audience.NewManualClock(epoch)
		now := clockFunc(good.Now)
		e, err := audience.New(t.Context(), profile.NewMemStore(), audience.Options{Clock: clockFunc(func() time.Time { return now() })})
		require.NoError(t, err)
		now = clock
		err = e.Track(t.Context(), profile.Event{Profile: "ann", Name: "Buy", Time: epoch})
		require.Error(t, err, name)
		require.NotErrorIs(t, err, audience.ErrRefused, name)
		require.NoError(t, e.Close())
	}
}

type clockFunc func() time.Time

func (f clockFunc) Now() time.Time { return f() }
