package audience_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// faultCase is a call of the engine, and how it is made again after it failed.
type faultCase struct {
	call  func(context.Context, *audience.Engine) error
	again func(context.Context, *audience.Engine) error // nil: the same call
}

func repeated(call func(context.Context, *audience.Engine) error) faultCase {
	return faultCase{call: call}
}

func message(m profile.Message) faultCase {
	m.MessageID = "the message"
	return repeated(func(ctx context.Context, e *audience.Engine) error { return e.Apply(ctx, m) })
}

var (
	loyal = audience.Define("loyal").Members(audience.Performed("Buy").AtLeast(3))
	spent = trait.Sum("spent", "Buy", "price")
)

// faultCases are one or more of every kind of call that changes something, made
// in the world of newFaultWorld at its last instant.
func faultCases() map[string]faultCase {
	at := epoch.Add(10 * grid)
	buy := profile.Event{Profile: "ann", Name: "Buy", Time: at, MessageID: "the message", Account: "acme", Properties: object("price", 5)}
	buyOf := func(user string) profile.Event {
		buy := buy
		buy.Profile = user
		return buy
	}
	fresh := loyal
	fresh.Key = "fresh"
	return map[string]faultCase{
		"track":                 repeated(func(ctx context.Context, e *audience.Engine) error { return e.Track(ctx, buy) }),
		"track of somebody new": repeated(func(ctx context.Context, e *audience.Engine) error { return e.Track(ctx, buyOf("new")) }),
		"identify": repeated(func(ctx context.Context, e *audience.Engine) error {
			return e.Identify(ctx, audience.Identify{Profile: "ann", Traits: object("plan", "pro"), Time: at, MessageID: "the message",
				IDs: []profile.ExternalID{{Type: "email", Value: "ann@x.io"}}})
		}),
		"identify of somebody new": repeated(func(ctx context.Context, e *audience.Engine) error {
			return e.Identify(ctx, audience.Identify{Profile: "new", Traits: object("plan", "pro"), Time: at, MessageID: "the message"})
		}),
		"group": repeated(func(ctx context.Context, e *audience.Engine) error {
			return e.Group(ctx, audience.Group{Profile: "ann", Account: "globex", Traits: object("size", 200), Time: at, MessageID: "the message"})
		}),
		"group of somebody new": repeated(func(ctx context.Context, e *audience.Engine) error {
			return e.Group(ctx, audience.Group{Profile: "new", Account: "initech", Traits: object("size", 200), Time: at, MessageID: "the message"})
		}),
		"leave":          repeated(func(ctx context.Context, e *audience.Engine) error { return e.Leave(ctx, "ann", "acme") }),
		"alias":          repeated(func(ctx context.Context, e *audience.Engine) error { return e.Alias(ctx, "bob", "ann") }),
		"alias of an id": repeated(func(ctx context.Context, e *audience.Engine) error { return e.Alias(ctx, "nobody", "ann") }),
		"delete user":    repeated(func(ctx context.Context, e *audience.Engine) error { return e.DeleteUser(ctx, "ann") }),
		"delete account": repeated(func(ctx context.Context, e *audience.Engine) error { return e.DeleteAccount(ctx, "acme") }),
		"advance":        repeated(func(ctx context.Context, e *audience.Engine) error { return e.Advance(ctx, at.Add(3*grid)) }),
		"recompute":      repeated(func(ctx context.Context, e *audience.Engine) error { return e.Recompute(ctx, "daily") }),
		"edit": repeated(func(ctx context.Context, e *audience.Engine) error {
			return e.EditAudience(ctx, audience.Define("lately").Members(audience.Performed("Look").Within(8*grid)))
		}),
		"edit of a trait": repeated(func(ctx context.Context, e *audience.Engine) error {
			return e.EditTrait(ctx, trait.Sum("total", "Buy", "price").Where("properties.price > 1"))
		}),
		"create": {
			call:  func(ctx context.Context, e *audience.Engine) error { return e.Create(ctx, loyal) },
			again: func(ctx context.Context, e *audience.Engine) error { return e.Create(ctx, fresh) },
		},
		"create a trait": {
			call: func(ctx context.Context, e *audience.Engine) error { return e.CreateTraits(ctx, spent) },
			again: func(ctx context.Context, e *audience.Engine) error {
				return e.CreateTraits(ctx, trait.Sum("spent_again", "Buy", "price"))
			},
		},
		"delete an audience": {
			call: func(ctx context.Context, e *audience.Engine) error { return e.DeleteAudience(ctx, "lately") },
			again: func(ctx context.Context, e *audience.Engine) error {
				if err := e.DeleteAudience(ctx, "lately"); !errors.Is(err, profile.ErrNotFound) {
					return err
				}
				return nil
			},
		},
		"track message of a visitor":      message(profile.Message{Type: profile.Track, Name: "Buy", AnonymousID: "phone", Time: at}),
		"track message with a new device": message(profile.Message{Type: profile.Track, Name: "Buy", UserID: "ann", AnonymousID: "laptop", Time: at}),
		"track message of a visitor who turns out to be known": message(profile.Message{
			Type: profile.Track, Name: "Look", UserID: "ann", AnonymousID: "tablet", Time: at}),
		"identify message of somebody new": message(profile.Message{
			Type: profile.Identify, UserID: "new", AnonymousID: "laptop", Traits: object("plan", "pro", "email", "n@x.io"), Time: at}),
		"identify message that merges": message(profile.Message{
			Type: profile.Identify, UserID: "ann", AnonymousID: "tablet", Traits: object("plan", "pro"), Time: at}),
		"group message that merges": message(profile.Message{
			Type: profile.Group, UserID: "ann", AnonymousID: "tablet", GroupID: "globex", Traits: object("size", 200), Time: at}),
		"alias message": message(profile.Message{Type: profile.Alias, UserID: "ann", PreviousID: "bob", Time: at}),
	}
}

// ofFaults are the definitions of the world: of each kind, with what depends on
// other profiles or without.
func ofFaults(accounts bool) audience.File {
	f := audience.File{
		Traits: []trait.Computed{trait.Sum("total", "Buy", "price")},
		Audiences: []audience.Definition{
			audience.Define("buyers").Members(audience.Performed("Buy").AtLeast(2)),
			audience.Define("lately").Members(audience.Performed("Look").Within(11 * grid)),
			audience.Define("pros").Members(audience.Trait(`traits.plan == "pro"`)),
			audience.Define("daily").Members(audience.Performed("Look")).WithBatch(audience.OnRequest),
			audience.Define("anyone").Members(audience.NotPerformed("Left")),
		},
	}
	if accounts {
		f.Traits = append(f.Traits, trait.Count("buys", "Buy").OfAccounts().Where(`traits.plan == "pro"`))
		f.Audiences = append(f.Audiences,
			audience.Define("busy").OfAccounts().Members(audience.AnyUser(audience.Performed("Buy").AtLeast(3))),
			audience.Define("big").OfAccounts().Members(audience.Trait("traits.size > 100")),
			audience.Define("colleagues").Members(audience.InAudience("big")),
			audience.Define("idle").OfAccounts().Members(audience.NoUser(audience.Performed("Look").Within(11*grid))),
		)
	}
	return f
}

// faultWorld is an engine with some people, and what it told.
type faultWorld struct {
	store  *faultyStore
	engine *audience.Engine
	clock  *audience.ManualClock
	mu     sync.Mutex // of told: shards tell side by side
	told   []oracle.Notice
}

// hear notes what is told.
func (w *faultWorld) hear(n oracle.Notice) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, n)
	return nil
}

func newFaultWorld(t *testing.T, accounts bool, shards int) *faultWorld {
	ctx := context.Background()
	w := &faultWorld{store: newFaultyStore(profile.NewMemStore()), clock: audience.NewManualClock(epoch)}
	var err error
	w.engine, err = audience.New(ctx, w.store, audience.Options{
		Clock: w.clock, Shards: shards, OnError: func(err error) { t.Error(err) },
	})
	require.NoError(t, err)
	w.engine.SetFirstUpgrades(2)
	w.engine.Subscribe(func(_ context.Context, tr audience.Transition) error {
		return w.hear(oracle.Notice{Transition: tr})
	})
	w.engine.SubscribeTraits(func(_ context.Context, c audience.TraitChange) error {
		return w.hear(oracle.Notice{Change: &c})
	})
	require.NoError(t, w.engine.CreateFile(ctx, ofFaults(accounts)))
	send := func(at time.Duration, m profile.Message) {
		m.Time = epoch.Add(at)
		w.clock.Set(m.Time)
		require.NoError(t, w.engine.Apply(ctx, m))
	}
	for i, user := range []string{"ann", "bob", "cid"} {
		at := time.Duration(i) * grid
		send(at, profile.Message{Type: profile.Group, UserID: user, GroupID: "acme", Traits: object("size", 100+i)})
		send(at, profile.Message{Type: profile.Track, UserID: user, Name: "Buy", Properties: object("price", 1+i)})
		send(at, profile.Message{Type: profile.Track, UserID: user, Name: "Look"})
		send(at, profile.Message{Type: profile.Identify, UserID: user, Traits: object("plan", []string{"pro", "free"}[i%2])})
	}
	send(3*grid, profile.Message{Type: profile.Track, AnonymousID: "tablet", Name: "Buy", Properties: object("price", 7)})
	send(3*grid, profile.Message{Type: profile.Group, UserID: "bob", GroupID: "globex", Traits: object("size", 5)})
	require.NoError(t, w.engine.Recompute(ctx, "daily"))
	w.clock.Set(epoch.Add(10 * grid))
	return w
}

// defines reports whether any of some keys names something live.
func (w *faultWorld) defines(keys ...string) (key string, live bool) {
	for _, d := range w.engine.List() {
		if slices.Contains(keys, d.Key) {
			return d.Key, true
		}
	}
	for _, c := range w.engine.ListTraits() {
		if slices.Contains(keys, c.Key) {
			return c.Key, true
		}
	}
	return "", false
}

// settled brings the world to where all that it owes has been told.
func (w *faultWorld) settled(t *testing.T) {
	require.NoError(t, w.engine.Advance(context.Background(), epoch.Add(13*grid)))
}

// check wants one truth of all that can be asked, and of what was told.
func (w *faultWorld) check() error {
	ctx := context.Background()
	if err := alternating(w.told); err != nil {
		return err
	}
	in, values := map[string]map[profile.Ref]bool{}, map[string]map[profile.Ref]profile.Value{}
	for _, n := range w.told {
		if c := n.Change; c != nil {
			put(values, c.Trait, c.Profile, c.New)
			continue
		}
		put(in, n.Transition.Audience, n.Transition.Ref(), n.Transition.Type == audience.Entered)
	}
	for _, d := range w.engine.List() {
		members, err := all(w.engine.Members(ctx, d.Key))
		if err != nil {
			return err
		}
		is := map[profile.Ref]bool{}
		for _, m := range members {
			is[m.Ref] = true
		}
		for ref, told := range in[d.Key] {
			if told != is[ref] {
				return fmt.Errorf("%v in %s: told %t, stored %t", ref, d.Key, told, is[ref])
			}
		}
		for ref := range is {
			if !in[d.Key][ref] {
				return fmt.Errorf("%v in %s: stored, and not told", ref, d.Key)
			}
		}
		if err := w.checkAudience(d, is); err != nil {
			return err
		}
	}
	for _, c := range w.engine.ListTraits() {
		stored, err := all(w.engine.Values(ctx, c.Key))
		if err != nil {
			return err
		}
		is := map[profile.Ref]profile.Value{}
		for _, v := range stored {
			is[v.Ref] = v.Value
		}
		for ref, told := range values[c.Key] {
			if !sameValue(told, is[ref]) {
				return fmt.Errorf("%s of %v: told %s, stored %s", c.Key, ref, told, is[ref])
			}
		}
	}
	return nil
}

// checkAudience compares members with Preview and Explain. A batch audience was
// computed some time ago.
func (w *faultWorld) checkAudience(d audience.Definition, is map[profile.Ref]bool) error {
	ctx := context.Background()
	if d.Batch != 0 {
		return nil
	}
	snap, err := w.store.store.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = snap.Close() }()
	ids, err := all(snap.Profiles(ctx, d.Of, ""))
	if err != nil {
		return err
	}
	for _, id := range ids {
		ref := profile.Ref{Subject: d.Of, ID: id}
		if x, err := w.engine.Explain(ctx, d.Key, ref); err != nil || x.Member != is[ref] {
			return fmt.Errorf("%v in %s: stored %t, explained %t, %w", ref, d.Key, is[ref], x.Member, err)
		}
	}
	return nil
}

// checkPreviews has previews agree with the members. That comes of the history alone, as
// explanations do, to which check holds each world.
func (w *faultWorld) checkPreviews(t *testing.T) {
	for _, d := range w.engine.List() {
		if d.Batch != 0 {
			continue
		}
		members, err := all(w.engine.Members(context.Background(), d.Key))
		require.NoError(t, err)
		preview, err := w.engine.Preview(context.Background(), d, audience.PreviewOptions{})
		require.NoError(t, err)
		require.Equal(t, len(members), preview.Members, d.Key)
	}
}

// answers are all memberships, values and ids, of which fault or none makes no
// difference.
func (w *faultWorld) answers(t *testing.T) []string {
	ctx := context.Background()
	var lines []string
	for _, d := range w.engine.List() {
		members, err := all(w.engine.Members(ctx, d.Key))
		require.NoError(t, err)
		for _, m := range members {
			lines = append(lines, fmt.Sprintf("%s: %v since %s", d.Key, m.Ref, sinceEpoch(m.Since)))
		}
	}
	for _, c := range w.engine.ListTraits() {
		values, err := all(w.engine.Values(ctx, c.Key))
		require.NoError(t, err)
		for _, v := range values {
			lines = append(lines, fmt.Sprintf("%s of %v: %s since %s", c.Key, v.Ref, v.Value, sinceEpoch(v.Since)))
		}
	}
	users, err := all(w.store.store.Profiles(ctx, profile.User, ""))
	require.NoError(t, err)
	for _, user := range users {
		ids, err := w.store.store.IDs(ctx, profile.UserRef(user))
		require.NoError(t, err)
		for _, id := range ids {
			found, err := w.store.store.Find(ctx, profile.User, id)
			require.NoError(t, err)
			require.Contains(t, found, user)
		}
		lines = append(lines, fmt.Sprintf("%s has %v", user, ids))
	}
	return lines
}

func put[V any](into map[string]map[profile.Ref]V, key string, ref profile.Ref, v V) {
	if into[key] == nil {
		into[key] = map[profile.Ref]V{}
	}
	into[key][ref] = v
}

// Whatever call a context ends in, or a store fails or panics in, and wherever:
// when the call is made again all is as if nothing had happened, and everything
// was told once.
func TestEveryCallSurvivesAFaultAtEveryPoint(t *testing.T) {
	for name, tc := range faultCases() {
		for _, accounts := range []bool{false, true} {
			for _, shards := range []int{1, 3} {
				t.Run(fmt.Sprintf("%s, accounts %t, %d shards", name, accounts, shards), func(t *testing.T) {
					t.Parallel()
					playFaults(t, tc, accounts, shards)
				})
			}
		}
	}
}

func playFaults(t *testing.T, tc faultCase, accounts bool, shards int) {
	good := newFaultWorld(t, accounts, shards)
	require.NoError(t, tc.call(context.Background(), good.engine))
	good.settled(t)
	require.NoError(t, good.check(), "without a fault")
	good.checkPreviews(t)
	want := good.answers(t)
	again := tc.again
	if again == nil {
		again = tc.call
	}
	points := 0
	for f := range faults {
		for n := 1; ; n++ {
			w := newFaultWorld(t, accounts, shards)
			ctx, cancel := context.WithCancel(context.Background())
			w.store.arm(f, n, cancel)
			err := tc.call(ctx, w.engine)
			fired := w.store.disarm()
			cancel()
			if !fired {
				require.NoError(t, err)
				break
			}
			points++
			if err != nil {
				if key, live := w.defines("loyal", "spent"); live {
					t.Fatalf("%s at point %d: %s is live, whose creation failed", f, n, key)
				}
				if !errors.Is(err, errFault) && !errors.Is(err, context.Canceled) {
					t.Fatalf("%s at point %d: %v", f, n, err)
				}
				if err := again(context.Background(), w.engine); err != nil {
					t.Fatalf("%s at point %d: again: %v", f, n, err)
				}
			}
			w.settled(t)
			if err := w.check(); err != nil {
				t.Fatalf("%s at point %d: %v", f, n, err)
			}
			if got := w.answers(t); tc.again == nil && !slices.Equal(want, got) {
				t.Fatalf("%s at point %d:\nexpected %q\nactual   %q", f, n, want, got)
			}
		}
	}
	require.Positive(t, points)
}
