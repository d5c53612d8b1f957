package audience_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// From any file to any other, in any order of what reads what: the members are those of an
// engine that never had another file, each step was foreseen, and an audience is told of
// twice only if it reads what is edited before and after something new.
func TestSyncFromAnyFileToAnyOther(t *testing.T) {
	ctx := context.Background()
	random := rand.New(rand.NewPCG(3, 4))
	steps, counted, together := 0, 0, 0
	for range 40 {
		e, _, _ := newEngine(t)
		data(t, e)
		twice := map[string]bool{}
		seen := map[string]bool{}
		_, err := e.Subscribe(func(_ context.Context, tr audience.Transition) error {
			if who := tr.Audience + " " + tr.Profile; seen[who] {
				twice[tr.Audience] = true
			} else {
				seen[who] = true
			}
			return nil
		})
		require.NoError(t, err)
		for range 4 {
			f := randomFile(random)
			clear(seen)
			clear(twice)
			before := membersOf(t, e)
			plan, err := e.Sync(ctx, f, audience.SyncOptions{Count: true})
			require.NoError(t, err)
			var readers []string
			for _, s := range plan.Steps {
				readers = append(readers, s.Readers...)
			}
			require.Subset(t, readers, slices.Collect(maps.Keys(twice)), plan.String())
			if oneEdit(plan) {
				require.Empty(t, twice, plan.String())
				together++
			}
			for _, s := range plan.Steps {
				steps++
				if s.Count == nil || s.Count.Unknown != "" {
					continue
				}
				counted++
				was, is := before[s.Audience], membersOf(t, e)[s.Audience]
				require.Equal(t, s.Count.Enter, less(is, was), plan.String())
				require.Equal(t, s.Count.Exit, less(was, is), plan.String())
			}
			again, err := e.Plan(ctx, f, audience.SyncOptions{})
			require.NoError(t, err)
			require.True(t, again.Empty())

			fresh, _, _ := newEngine(t)
			data(t, fresh)
			require.NoError(t, fresh.CreateFile(ctx, audience.File{Traits: e.ListTraits(), Audiences: e.List()}))
			require.Equal(t, membersOf(t, fresh), membersOf(t, e), plan.String())
		}
	}
	require.Greater(t, steps, 300)
	require.Positive(t, together)
	require.Greater(t, counted, 100)
}

// data has ten users look and buy, none, one or several times.
func data(t *testing.T, e *audience.Engine) {
	for u := range 10 {
		for i := range u % 4 {
			require.NoError(t, e.Track(context.Background(), event(fmt.Sprint("u", u), []string{"Look", "Buy"}[(u+i)%2], time.Duration(i))))
		}
	}
}

// randomFile returns definitions under a few keys that read each other, in an order that
// chance gives.
func randomFile(random *rand.Rand) audience.File {
	keys := []string{"a", "b", "c", "d"}
	random.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	event := func() string { return []string{"Look", "Buy"}[random.IntN(2)] }
	f := audience.File{Traits: []trait.Computed{trait.Count("n", event()), trait.Count("m", event())}}
	for i, key := range keys {
		conditions := []audience.Condition{audience.Performed(event()).AtLeast(1 + random.IntN(3))}
		if random.IntN(2) == 0 {
			name := []string{"n", "m"}[random.IntN(2)]
			conditions = append(conditions, audience.Trait(fmt.Sprintf("traits.%s > %d", name, random.IntN(3))))
		}
		if i > 0 && random.IntN(2) == 0 { // what comes before it
			conditions = append(conditions, audience.Not(audience.InAudience(keys[random.IntN(i)])))
		}
		where := audience.All(conditions...)
		if random.IntN(2) == 0 {
			where = audience.Any(conditions...)
		}
		f.Audiences = append(f.Audiences, audience.Define(key).Members(where))
	}
	random.Shuffle(len(f.Audiences), func(i, j int) { f.Audiences[i], f.Audiences[j] = f.Audiences[j], f.Audiences[i] })
	if random.IntN(2) == 0 {
		f.Audiences = f.Audiences[1:] // it may be read all the same, if it is live
	}
	if f.Check() != nil {
		return randomFile(random)
	}
	return f
}

// less returns how many members one audience has that another has not.
func less(one, other []profile.Ref) (n int) {
	for _, m := range one {
		if !slices.Contains(other, m) {
			n++
		}
	}
	return n
}

func membersOf(t *testing.T, e *audience.Engine) map[string][]profile.Ref {
	all := map[string][]profile.Ref{}
	for _, d := range e.List() {
		for m, err := range e.Members(context.Background(), d.Key) {
			require.NoError(t, err)
			all[d.Key] = append(all[d.Key], m.Ref)
		}
	}
	return all
}

// oneEdit reports whether all edits of a plan follow each other: they are one change.
func oneEdit(p audience.Plan) bool {
	edits, runs := 0, 0
	for i, s := range p.Steps {
		if s.Action != audience.PlanEdit {
			continue
		}
		if edits++; i == 0 || p.Steps[i-1].Action != audience.PlanEdit {
			runs++
		}
	}
	return edits > 1 && runs == 1
}
