package audience_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// parsed reads a definitions file.
func parsed(t *testing.T, text string) audience.File {
	t.Helper()
	f, err := audience.ParseFile([]byte(text))
	require.NoError(t, err)
	return f
}

// liveText returns what is live, as a definitions file.
func liveText(t *testing.T, e *audience.Engine) string {
	t.Helper()
	text, err := audience.FormatFile(audience.File{Traits: e.ListTraits(), Audiences: e.List()})
	require.NoError(t, err)
	return string(text)
}

const shopFile = `{"traits": [
	{"key": "orders", "type": "count", "event": "Order"}
], "audiences": [
	{"key": "buyers", "where": {"event": {"name": "Order"}}},
	{"key": "loyal", "where": {"all": [{"trait": "traits.orders >= 2"}, {"audience": "buyers"}]}}
]}`

func TestSyncMakesWhatIsLiveThatOfTheFile(t *testing.T) {
	ctx := context.Background()
	for name, tc := range map[string]struct {
		file string
		opts audience.SyncOptions
		plan string // with the counts
		told []string
	}{
		"the same": {file: shopFile, plan: "+0, ~0, -0"},
		"the same, written otherwise": {
			file: `{"audiences": [
				{"key": "loyal", "of": "users", "backfill": true, "where": {"all": [{"trait": "traits.orders >= 2"}, {"audience": "buyers"}]}},
				{"key": "buyers", "where": {"event": {"name": "Order", "count": {"at_least": 1}}}}
			], "traits": [{"key": "orders", "type": "count", "event": "Order", "of": "users"}]}`,
			plan: "+0, ~0, -0",
		},
		"an empty file keeps all": {file: `{}`, plan: "+0, ~0, -0\nkept, though not in the file: buyers, loyal, orders"},
		"an empty file deletes all if it is to": {
			file: `{}`, opts: audience.SyncOptions{Delete: true},
			plan: "+0, ~0, -3\n- audience \"loyal\": 1 exits\n- audience \"buyers\": 2 exit\n- trait \"orders\"",
			told: []string{
				"ann exited loyal at 2026-01-01T00:00:00Z (delete)",
				"ann exited buyers at 2026-01-01T00:00:00Z (delete)",
				"ben exited buyers at 2026-01-01T00:00:00Z (delete)",
			},
		},
		"a new one and an edit": {
			file: `{"traits": [
				{"key": "orders", "type": "count", "event": "Order"}
			], "audiences": [
				{"key": "buyers", "where": {"event": {"name": "Order"}}},
				{"key": "lookers", "where": {"event": {"name": "View"}}},
				{"key": "loyal", "where": {"all": [{"trait": "traits.orders >= 1"}, {"audience": "buyers"}]}}
			]}`,
			plan: "+1, ~1, -0\n+ audience \"lookers\": 1 enters\n~ audience \"loyal\": 1 enters\n" +
				"    where.all[0].trait: \"traits.orders >= 2\" → \"traits.orders >= 1\"",
			told: []string{
				"cid entered lookers at 2026-01-01T00:00:00Z (backfill)",
				"ben entered loyal at 2026-01-01T00:00:00Z (edit)",
			},
		},
		// The new audience reads the edited trait: had it been made first, ben would have
		// entered it and gone again.
		"what is read comes before": {
			file: `{"traits": [
				{"key": "orders", "type": "count", "event": "Order", "where": "properties.total >= 10"}
			], "audiences": [
				{"key": "starters", "where": {"trait": "traits.orders == 1"}},
				{"key": "lookers", "where": {"event": {"name": "View"}}}
			]}`,
			opts: audience.SyncOptions{Delete: true},
			plan: "+2, ~1, -2\n+ audience \"lookers\": 1 enters\n~ trait \"orders\"\n" +
				"    where: + \"properties.total >= 10\"\n    read by loyal\n" +
				"+ audience \"starters\": who enters and exits cannot be foreseen, as it reads trait \"orders\", which changes too\n" +
				"- audience \"loyal\": 1 exits\n- audience \"buyers\": 2 exit",
			told: []string{
				"cid entered lookers at 2026-01-01T00:00:00Z (backfill)",
				"ann exited loyal at 2026-01-01T00:00:00Z (dependency)",
				"ann entered starters at 2026-01-01T00:00:00Z (backfill)",
				"ann exited buyers at 2026-01-01T00:00:00Z (delete)",
				"ben exited buyers at 2026-01-01T00:00:00Z (delete)",
			},
		},
		// Each reads the other's old self: the order is that of what they are to be.
		"who reads whom is turned round": {
			file: `{"audiences": [
				{"key": "buyers", "where": {"any": [{"audience": "loyal"}, {"event": {"name": "Gift"}}]}},
				{"key": "loyal", "where": {"event": {"name": "Order", "count": {"at_least": 2}}}}
			]}`,
			plan: "+0, ~2, -0\n~ audience \"loyal\": nobody enters or exits\n" +
				"    where.all: - [{\"trait\":\"traits.orders >= 2\"},{\"audience\":\"buyers\"}]\n" +
				"    where.event: + {\"count\":{\"at_least\":2},\"name\":\"Order\"}\n" +
				"~ audience \"buyers\": who enters and exits cannot be foreseen, as it reads audience \"loyal\", which changes too\n" +
				"    where.any: + [{\"audience\":\"loyal\"},{\"event\":{\"name\":\"Gift\"}}]\n" +
				"    where.event: - {\"name\":\"Order\"}\n    read by loyal\n" +
				"kept, though not in the file: orders",
			told: []string{"ben exited buyers at 2026-01-01T00:00:00Z (edit)"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			e, _, told := newEngine(t)
			for user, names := range map[string][]string{"ann": {"Order", "Order"}, "ben": {"Order"}, "cid": {"View"}} {
				for i, name := range names {
					require.NoError(t, e.Track(ctx, profile.Event{Profile: user, Name: name, Time: start, Properties: object("total", 10*i)}))
				}
			}
			_, err := e.Sync(ctx, parsed(t, shopFile), audience.SyncOptions{})
			require.NoError(t, err)
			require.Len(t, *told, 3)
			before := liveText(t, e)
			*told = nil

			file := parsed(t, tc.file)
			counted := tc.opts
			counted.Count = true
			plan, err := e.Plan(ctx, file, counted)
			require.NoError(t, err)
			require.Equal(t, tc.plan, plan.String())
			require.Empty(t, *told)
			require.Equal(t, before, liveText(t, e), "a plan changes nothing")

			done, err := e.Sync(ctx, file, counted)
			require.NoError(t, err)
			require.Equal(t, plan, done)
			require.ElementsMatch(t, tc.told, *told)
			*told = nil

			again, err := e.Sync(ctx, file, tc.opts)
			require.NoError(t, err)
			require.True(t, again.Empty(), again)
			require.Empty(t, *told)
		})
	}
}

// A start that creates would fail the second time; one that syncs can be repeated, over
// a store that stays and engines that come and go.
func TestSyncAHundredTimes(t *testing.T) {
	ctx, r := context.Background(), require.New(t)
	store, clock := profile.NewMemStore(), audience.NewManualClock(start)
	told := 0
	for i := range 100 {
		e, err := audience.New(ctx, store, audience.Options{Clock: clock})
		r.NoError(err)
		_, err = e.Subscribe(func(context.Context, audience.Transition) error { told++; return nil })
		r.NoError(err)
		plan, err := e.Sync(ctx, parsed(t, shopFile), audience.SyncOptions{Delete: true})
		r.NoError(err)
		if i > 0 {
			r.Equal(audience.Plan{Steps: []audience.PlanStep{}, Unchanged: 3}, plan)
		} else {
			r.Equal("+3, ~0, -0", plan.Summary())
		}
		r.NoError(e.Track(ctx, profile.Event{Profile: "ann", Name: "Order", Time: start}))
		r.NoError(e.Close())
	}
	r.Equal(2, told, "ann entered each audience once")
}

func TestSyncMendsAndDeletesWhatIsBroken(t *testing.T) {
	ctx, r := context.Background(), require.New(t)
	store := profile.NewMemStore()
	for key, text := range map[string]string{
		"mended": `{"audiences":[{"key":"mended","where":{"event":{"nam":"A"}}}]}`,
		"gone":   `{"traits":[{"key":"gone","type":"cnt","event":"A"}]}`,
		"torn":   `{"audiences":`,
	} {
		r.NoError(profile.Apply(ctx, store, start, &profile.UseKey{Record: profile.KeyRecord{Key: key, Definition: []byte(text)}}))
	}
	e, err := audience.New(ctx, store, audience.Options{Clock: audience.NewManualClock(start)})
	r.NoError(err)
	file := parsed(t, `{"audiences": [{"key": "mended", "where": {"event": {"name": "A"}}}]}`)
	plan, err := e.Plan(ctx, file, audience.SyncOptions{Count: true})
	r.NoError(err)
	r.Equal("+0, ~1, -0", plan.Summary())
	r.Contains(plan.String(), `it is broken: `)
	r.Contains(plan.String(), `unknown field "nam"`)
	r.Equal([]string{"gone", "torn"}, plan.Kept)

	plan, err = e.Sync(ctx, file, audience.SyncOptions{Delete: true})
	r.NoError(err)
	r.Equal("+0, ~1, -2", plan.Summary())
	r.Empty(e.ListBroken())
	r.Equal(file.Audiences, e.List())
	r.Equal(0, count(t, e, "mended"))
	plan, err = e.Sync(ctx, file, audience.SyncOptions{Delete: true})
	r.NoError(err)
	r.True(plan.Empty())
}

// A service that is told to stop while it starts must not use up its keys: the creation
// goes on, with the next engine of the store if need be.
func TestACreationThatSyncBeganOutlivesTheCall(t *testing.T) {
	r := require.New(t)
	e, store, at := shop(t, 100)
	ctx, cancel := context.WithCancel(context.Background())
	running, goOn := make(chan struct{}), make(chan struct{})
	hook := func() { close(running); <-goOn }
	store.hook.Store(&hook)
	file := audience.File{Audiences: []audience.Definition{audience.Define("buyers").Members(audience.Performed("Order"))}}
	failed := make(chan error)
	go func() {
		plan, err := e.Sync(ctx, file, audience.SyncOptions{})
		if err != nil && !plan.Empty() {
			err = errors.New("a plan that says it is done")
		}
		failed <- err
	}()
	<-running
	cancel()
	err := <-failed
	r.ErrorIs(err, context.Canceled)
	r.ErrorContains(err, `sync: the creation of audience "buyers" goes on`)
	close(goOn)
	ctx = context.Background()
	r.NoError(e.Close())
	e, err = audience.New(ctx, store, audience.Options{Clock: audience.NewManualClock(at)})
	r.NoError(err)
	defer e.Close()
	// What differs waits for the creation that goes on.
	file.Audiences[0].Name = "Those who bought"
	plan, err := e.Sync(ctx, file, audience.SyncOptions{})
	r.NoError(err)
	r.Equal("+0, ~1, -0\n~ audience \"buyers\"\n    name: + \"Those who bought\"", plan.String())
	r.Equal(50, count(t, e, "buyers"))
}

func TestSyncOnAClosedEngineOrWithAnEndedContext(t *testing.T) {
	e, _, _ := newEngine(t)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := e.Sync(ended, parsed(t, shopFile), audience.SyncOptions{})
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, e.Close())
	_, err = e.Sync(context.Background(), parsed(t, shopFile), audience.SyncOptions{})
	require.ErrorIs(t, err, profile.ErrClosed)
}

// Who enters and exits is what an edit then tells, also where members stand still.
func TestThePlansCountsAreWhatThenHappens(t *testing.T) {
	ctx := context.Background()
	for name, old := range map[string]audience.Definition{
		"in real time": audience.Define("a").Members(audience.Performed("A").Within(2 * time.Hour)),
		"batch":        audience.Define("a").Members(audience.Performed("A").Within(2 * time.Hour)).WithBatch(audience.OnRequest),
		"of accounts":  audience.Define("a").OfAccounts().WithPerUser().Members(audience.AnyUser(audience.Performed("A").Within(2 * time.Hour))),
	} {
		t.Run(name, func(t *testing.T) {
			e, clock, _ := newEngine(t)
			for i := range 20 {
				user := fmt.Sprint("u", i)
				require.NoError(t, e.Group(ctx, audience.Group{Profile: user, Account: "of " + user, Time: start}))
				require.NoError(t, e.Track(ctx, event(user, []string{"A", "B", "C"}[i%3], 0)))
				if i == 1 {
					require.NoError(t, e.Track(ctx, event(user, "A", 0)))
				}
			}
			require.NoError(t, e.Create(ctx, old))
			clock.Set(start.Add(time.Hour))
			counts := map[audience.Type]int{}
			_, err := e.Subscribe(func(_ context.Context, tr audience.Transition) error {
				if tr.Subject == old.Of {
					counts[tr.Type]++
				}
				return nil
			})
			require.NoError(t, err)
			edited := old
			edited.Where = audience.Performed("B").Node()
			file := audience.File{Audiences: []audience.Definition{edited}}
			plan, err := e.Sync(ctx, file, audience.SyncOptions{Count: true})
			require.NoError(t, err)
			require.Equal(t, &audience.PlanCount{Enter: 6, Exit: 7}, plan.Steps[0].Count)
			require.Equal(t, map[audience.Type]int{audience.Entered: 6, audience.Exited: 7}, counts)
			gone, err := e.Plan(ctx, audience.File{}, audience.SyncOptions{Delete: true, Count: true})
			require.NoError(t, err)
			require.Equal(t, &audience.PlanCount{Exit: 7}, gone.Steps[0].Count)
		})
	}
}

func TestAPlanInJSON(t *testing.T) {
	ctx := context.Background()
	e, _, _ := newEngine(t)
	require.NoError(t, e.Create(ctx, audience.Define("a").Members(audience.Performed("A").Within(profile.Day))))
	plan, err := e.Plan(ctx, audience.File{Audiences: []audience.Definition{
		audience.Define("a").Members(audience.Performed("A").Within(profile.Week)),
	}}, audience.SyncOptions{Count: true})
	require.NoError(t, err)
	text, err := json.Marshal(plan)
	require.NoError(t, err)
	require.JSONEq(t, `{"unchanged": 0, "steps": [{"action": "edit", "audience": "a", "count": {"enter": 0, "exit": 0},
		"differences": [{"path": "where.event.window.within", "old": "1d", "new": "7d"}]}]}`, string(text))
}

// Edits of what reads each other are one change: who is moved by both is told of once, or, if
// the one undoes the other, not at all.
func TestSyncTellsOnceOfDependentEdits(t *testing.T) {
	ctx := context.Background()
	e, _, told := newEngine(t)
	sync := func(text string) audience.Plan {
		f, err := audience.ParseFile([]byte(text))
		require.NoError(t, err)
		*told = nil
		plan, err := e.Sync(ctx, f, audience.SyncOptions{})
		require.NoError(t, err)
		return plan
	}
	file := func(least, total, orders int) string {
		return fmt.Sprintf(`{"traits": [{"key": "orders", "type": "count", "event": "Order", "where": "properties.total >= %d"}],
			"audiences": [{"key": "loyal", "where": {"trait": "traits.orders >= %d"}},
				{"key": "rest", "where": {"all": [{"not": {"audience": "loyal"}}, {"event": {"name": "Order", "count": {"at_least": %d}}}]}}]}`, total, orders, least)
	}
	for i := range 3 {
		require.NoError(t, e.Track(ctx, profile.Event{Profile: "ann", Name: "Order", Time: start.Add(-time.Duration(i) * time.Hour), Properties: object("total", 10*i)}))
	}
	sync(file(1, 0, 3))
	plan := sync(file(1, 10, 2)) // of three orders two count, and two are enough
	require.Len(t, plan.Steps, 2)
	require.Empty(t, *told)
	sync(file(2, 20, 2))
	require.Equal(t, []string{
		"ann exited loyal at 2026-01-01T00:00:00Z (dependency)",
		"ann entered rest at 2026-01-01T00:00:00Z (edit)",
	}, *told)
}
