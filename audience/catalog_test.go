package audience_test

import (
	"context"
	"fmt"
	"iter"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// While something of accounts is made, with all locks, whoever asks for what there is
// waits for nobody: if it did, this test would never end.
func TestProgressWaitsForNobody(t *testing.T) {
	ctx := context.Background()
	e, store, _ := shop(t, 100)
	buyers := audience.Define("buyers").Members(audience.Performed("Order"))
	orders := trait.Count("orders", "Order")
	require.NoError(t, e.CreateFile(ctx, audience.File{Traits: []trait.Computed{orders}, Audiences: []audience.Definition{buyers}}))
	running, goOn := make(chan struct{}), make(chan struct{})
	hook := func() { close(running); <-goOn }
	store.hook.Store(&hook)
	made := make(chan error)
	busy := audience.Define("busy").OfAccounts().Members(audience.AnyUser(audience.Performed("View")))
	go func() { made <- e.Create(ctx, busy) }()
	<-running
	progress := e.Progress()
	require.Len(t, progress, 1)
	require.Equal(t, []string{"busy"}, progress[0].Keys)
	require.Equal(t, 100, progress[0].Total)
	require.Contains(t, e.List(), buyers)
	require.Equal(t, []trait.Computed{orders}, e.ListTraits())
	d, err := e.Definition("buyers")
	require.NoError(t, err)
	require.Equal(t, buyers, d)
	require.Equal(t, 50, count(t, e, "buyers"))
	close(goOn)
	require.NoError(t, <-made)
	require.Empty(t, e.Progress())
	d, err = e.Definition("busy")
	require.NoError(t, err)
	require.Equal(t, busy, d)
}

func TestDefinitionsByKey(t *testing.T) {
	ctx := context.Background()
	e, _, _ := newEngine(t)
	d, c := audience.Define("a").Members(audience.Performed("Buy")), trait.Count("n", "Buy")
	require.NoError(t, e.CreateFile(ctx, audience.File{Traits: []trait.Computed{c}, Audiences: []audience.Definition{d}}))
	got, err := e.Definition("a")
	require.NoError(t, err)
	require.Equal(t, d, got)
	computed, err := e.TraitDefinition("n")
	require.NoError(t, err)
	require.Equal(t, c, computed)
	_, err = e.Definition("n")
	require.ErrorIs(t, err, profile.ErrNotFound)
	_, err = e.TraitDefinition("a")
	require.ErrorIs(t, err, profile.ErrNotFound)
}

func TestMembersAndValuesComeInPages(t *testing.T) {
	ctx := context.Background()
	e, _, _ := shop(t, 10)
	require.NoError(t, e.CreateFile(ctx, audience.File{
		Traits:    []trait.Computed{trait.Count("views", "View")},
		Audiences: []audience.Definition{audience.Define("viewers").Members(audience.Performed("View"))},
	}))
	var ids []string
	for after, more := "", true; more; {
		more = false
		for m, err := range e.MembersAfter(ctx, "viewers", after) {
			require.NoError(t, err)
			ids = append(ids, m.Ref.ID)
			if after, more = m.Ref.ID, len(ids)%3 == 0; more {
				break
			}
		}
	}
	require.Equal(t, []string{"u0", "u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8", "u9"}, ids)
	for v, err := range e.ValuesAfter(ctx, "views", "u8") {
		require.NoError(t, err)
		require.Equal(t, "u9", v.Ref.ID)
	}
}

// countingStore counts what is read of users.
type countingStore struct {
	profile.Store
	read atomic.Int64
}

func (s *countingStore) Events(ctx context.Context, user, name string, since time.Time) iter.Seq2[profile.Event, error] {
	s.read.Add(1)
	return s.Store.Events(ctx, user, name, since)
}

// What an account is told with, and how it is explained, does not cost more the more
// users it has.
func TestEvidenceOfAnAccountIsBounded(t *testing.T) {
	ctx := context.Background()
	read := func(users int) (evidence, explanation int64) {
		store := &countingStore{Store: profile.NewMemStore()}
		clock := audience.NewManualClock(start)
		e, err := audience.New(ctx, store, audience.Options{Clock: clock, Evidence: true})
		require.NoError(t, err)
		for u := range users {
			require.NoError(t, e.Group(ctx, audience.Group{Profile: fmt.Sprint("u", u), Account: "acme"}))
			require.NoError(t, e.Track(ctx, event(fmt.Sprint("u", u), "Look", 0)))
		}
		require.NoError(t, e.Create(ctx,
			audience.Define("busy").OfAccounts().Members(audience.Performed("Look").AtLeast(users+1)),
			audience.Define("buying").OfAccounts().Members(audience.AnyUser(audience.Performed("Buy"))),
			audience.Define("bought").OfAccounts().Members(audience.Funnel(
				funnel.Start("look", "Look").Followed("buy", "Buy").Within(time.Hour).WithWindow(profile.Within(2*time.Hour)))),
			audience.Define("idle").OfAccounts().Members(audience.NoUser(audience.Performed("Buy")))))
		var told []audience.Transition
		_, err = e.Subscribe(func(_ context.Context, tr audience.Transition) error { told = append(told, tr); return nil })
		require.NoError(t, err)
		store.read.Store(0)
		require.NoError(t, e.Track(ctx, event("u1", "Look", 0)))
		clock.Set(start.Add(time.Minute))
		require.NoError(t, e.Track(ctx, event("u1", "Buy", time.Minute)))
		evidence = store.read.Swap(0)
		require.Len(t, told, 4)
		for _, key := range []string{"busy", "buying", "bought", "idle"} {
			x, err := e.Explain(ctx, key, profile.AccountRef("acme"))
			require.NoError(t, err)
			require.Equal(t, key != "idle", x.Member)
			if key == "bought" {
				require.Len(t, x.Tree.Funnel, 2, "the events")
				require.Equal(t, start.Add(2*time.Hour), x.Until)
			}
		}
		return evidence, store.read.Load()
	}
	few, fewExplained := read(2 * audience.MaxExamined)
	many, manyExplained := read(4 * audience.MaxExamined)
	require.Equal(t, few, many)
	require.Equal(t, fewExplained, manyExplained)
}
