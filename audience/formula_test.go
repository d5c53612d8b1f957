package audience_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/csvexport"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// A formula is evaluated when it is made, and when something that it reads has changed, but for
// nothing else: each evaluation of this one is a miss.
func TestAFormulaIsComputedOnlyWhenWhatItReadsChanges(t *testing.T) {
	ctx := context.Background()
	e, _, _ := newEngine(t)
	require.NoError(t, e.CreateTraits(ctx,
		trait.Count("orders", "Order Completed"),
		trait.Count("visits", "Visit"),
		trait.Formula("share", "traits.orders / 0 + traits.base")))
	missed := func() uint64 {
		misses, err := e.Misses("share")
		require.NoError(t, err)
		require.Len(t, misses, 1)
		require.Equal(t, "formula", misses[0].Path)
		require.Equal(t, "traits.orders / 0 + traits.base", misses[0].Filter)
		return misses[0].Count
	}
	steps := []struct {
		name     string
		do       func() error
		computed bool
	}{
		{"a visit", func() error { return e.Track(ctx, event("u", "Visit", 0)) }, false},
		{"an order", func() error { return e.Track(ctx, order(t, "u", 0, 5)) }, true},
		{"another visit", func() error { return e.Track(ctx, event("u", "Visit", time.Second)) }, false},
		{"another trait", func() error { return e.Identify(ctx, audience.Identify{Profile: "u", Traits: object("plan", "pro")}) }, false},
		{"its trait", func() error { return e.Identify(ctx, audience.Identify{Profile: "u", Traits: object("base", 1)}) }, true},
		{"one that is known", func() error {
			return e.Track(ctx, profile.Event{Profile: "v", Name: "Visit", MessageID: "m"})
		}, false},
	}
	for _, step := range steps {
		before := missed()
		require.NoError(t, step.do())
		require.Equal(t, step.computed, missed() > before, step.name)
	}
}

// A name that nobody sets is hinted at.
func TestMissesOfAFormulaHintAtMisspeltTraits(t *testing.T) {
	ctx := context.Background()
	e, _, _ := newEngine(t)
	require.NoError(t, e.CreateTraits(ctx, trait.Formula("score", "traits.seets * 2")))
	require.NoError(t, e.Identify(ctx, audience.Identify{Profile: "u", Traits: object("seats", 3)}))
	misses, err := e.Misses("score")
	require.NoError(t, err)
	require.Equal(t, []audience.Misses{{Path: "formula", Filter: "traits.seets * 2", Count: 1, Hint: `no trait "seets" has come, did you mean "seats"?`}}, misses)
}

// What a formula has made is in the store: an engine that comes later goes on from there, and tells
// only what differs.
func TestAFormulaGoesOnAfterReopening(t *testing.T) {
	ctx := context.Background()
	store, clock := profile.NewMemStore(), audience.NewManualClock(start)
	open := func() (*audience.Engine, *[]string) {
		e, err := audience.New(ctx, store, audience.Options{Clock: clock, CacheBytes: 1})
		require.NoError(t, err)
		told := &[]string{}
		tellTraits(e, told)
		return e, told
	}
	e, _ := open()
	require.NoError(t, e.CreateTraits(ctx,
		trait.Count("orders", "Order Completed").Within(time.Hour),
		trait.Formula("score", "traits.orders * 10"),
		trait.Formula("twice", "[traits.score, traits.score * 2]")))
	require.NoError(t, e.Track(ctx, order(t, "u", 0, 5)))
	require.NoError(t, e.Track(ctx, event("v", "Visit", 0)))
	require.NoError(t, e.Close())
	e, told := open()
	require.NoError(t, e.Track(ctx, event("v", "Visit", 0)))
	require.Empty(t, *told)
	require.NoError(t, e.Advance(ctx, start.Add(2*time.Hour)))
	require.Equal(t, []string{
		"u orders 1 → null at 2026-01-01T01:00:00Z (time)",
		"u score 10 → 0 at 2026-01-01T01:00:00Z (time)",
		"u twice [10,20] → [0,0] at 2026-01-01T01:00:00Z (time)",
	}, *told)
	require.NoError(t, e.Check())
	require.NoError(t, e.DeleteTrait(ctx, "twice"))
	require.Equal(t, "u twice [0,0] → null at 2026-01-01T02:00:00Z (delete)", (*told)[3])
	require.ErrorIs(t, e.DeleteTrait(ctx, "orders"), audience.ErrInUse)
}

// Made for profiles that are there already, a formula is told of each that has a value; one without
// backfill sees only the traits that are set from then on.
func TestAFormulaIsBroughtToStoredProfiles(t *testing.T) {
	ctx := context.Background()
	e, _, told := newEngine(t)
	tellTraits(e, told)
	require.NoError(t, e.Identify(ctx, audience.Identify{Profile: "u", Traits: object("seats", 3)}))
	require.NoError(t, e.Track(ctx, event("v", "Visit", 0)))
	require.NoError(t, e.CreateTraits(ctx,
		trait.Formula("all", "has(traits.seats) ? traits.seats : 1"),
		trait.Formula("fresh", "traits.seats").WithNoBackfill()))
	require.NoError(t, e.Identify(ctx, audience.Identify{Profile: "u", Traits: object("seats", 4)}))
	require.Equal(t, []string{
		"u all null → 3 at 2026-01-01T00:00:00Z (backfill)",
		"v all null → 1 at 2026-01-01T00:00:00Z (backfill)",
		"u all 3 → 4 at 2026-01-01T00:00:00Z (trait)",
		"u fresh null → 4 at 2026-01-01T00:00:00Z (trait)",
	}, *told)
	snapshot, err := e.Snapshot(ctx)
	require.NoError(t, err)
	defer snapshot.Close()
	var csv bytes.Buffer
	_, err = csvexport.Export{Key: "all"}.Write(ctx, &csv, snapshot)
	require.NoError(t, err)
	require.Equal(t, "key,value,external_ids\r\nu,4,{}\r\nv,1,{}\r\n", csv.String())
}

// Sync creates formulas before what reads them, whatever their order in the file, and edits them.
func TestSyncOrdersFormulasByWhatTheyRead(t *testing.T) {
	ctx := context.Background()
	e, _, told := newEngine(t)
	tellTraits(e, told)
	parse := func(text string) audience.File {
		f, err := audience.ParseFile([]byte(text))
		require.NoError(t, err)
		return f
	}
	file := parse(`{"traits": [
		{"key": "grade", "type": "formula", "formula": "traits.score > 5 ? \"A\" : \"B\""},
		{"key": "score", "type": "formula", "formula": "traits.orders * 10"},
		{"key": "orders", "type": "count", "event": "Order Completed"}
	], "audiences": [{"key": "best", "where": {"trait": "traits.grade == \"A\""}}]}`)
	require.NoError(t, e.Track(ctx, order(t, "u", 0, 5)))
	plan, err := e.Sync(ctx, file, audience.SyncOptions{})
	require.NoError(t, err)
	require.Len(t, plan.Steps, 4)
	in, err := e.AudiencesOf(ctx, profile.UserRef("u"))
	require.NoError(t, err)
	require.Equal(t, []string{"best"}, in)
	plan, err = e.Sync(ctx, file, audience.SyncOptions{})
	require.NoError(t, err)
	require.Empty(t, plan.Steps)
	// What a sum was is a formula now, and the formula that read it reads another.
	*told = nil
	file.Traits[1].Formula = "has(traits.base) ? traits.base : 0"
	plan, err = e.Sync(ctx, file, audience.SyncOptions{})
	require.NoError(t, err)
	require.Len(t, plan.Steps, 1)
	require.Equal(t, []string{
		"u grade \"A\" → \"B\" at 2026-01-01T00:00:00Z (dependency)",
		"u score 10 → 0 at 2026-01-01T00:00:00Z (edit)",
		"u exited best at 2026-01-01T00:00:00Z (dependency)",
	}, *told)
	file.Traits[1].Formula = `traits.grade == "A" ? 1 : 0`
	_, err = e.Plan(ctx, file, audience.SyncOptions{})
	require.ErrorIs(t, err, audience.ErrCycle)
	_, err = e.Sync(ctx, file, audience.SyncOptions{})
	require.ErrorIs(t, err, audience.ErrCycle)
}

// A formula may become a count, and a count a formula, under the same key.
func TestAFormulaIsEditedIntoACount(t *testing.T) {
	ctx := context.Background()
	e, _, told := newEngine(t)
	tellTraits(e, told)
	require.NoError(t, e.Track(ctx, order(t, "u", 0, 5)))
	for _, c := range []struct {
		to   trait.Computed
		want string
	}{
		{trait.Formula("n", "3"), "u n null → 3 at 2026-01-01T00:00:00Z (backfill)"},
		{trait.Count("n", "Order Completed"), "u n 3 → 1 at 2026-01-01T00:00:00Z (edit)"},
		{trait.Formula("n", "1.0"), "u n 1 → 1.0 at 2026-01-01T00:00:00Z (edit)"},
		{trait.Formula("n", "null"), "u n 1.0 → null at 2026-01-01T00:00:00Z (edit)"},
	} {
		*told = nil
		do := e.EditTrait
		if len(e.ListTraits()) == 0 {
			do = func(ctx context.Context, c trait.Computed) error { return e.CreateTraits(ctx, c) }
		}
		require.NoError(t, do(ctx, c.to))
		require.Equal(t, []string{c.want}, *told)
	}
}

func TestAFormulaThatIsTooLargeIsAbsent(t *testing.T) {
	ctx := context.Background()
	e, _, _ := newEngine(t)
	require.NoError(t, e.CreateTraits(ctx, trait.Formula("long", `traits.text + traits.text`)))
	text := func(n int) profile.Object { return object("text", string(bytes.Repeat([]byte("x"), n))) }
	for _, c := range []struct {
		n    int
		fits bool
	}{{trait.MaxValue / 2, true}, {trait.MaxValue/2 + 1, false}} {
		require.NoError(t, e.Identify(ctx, audience.Identify{Profile: "u", Traits: text(c.n)}))
		values, err := e.ValuesOf(ctx, profile.UserRef("u"))
		require.NoError(t, err)
		require.Equal(t, c.fits, len(values) == 1)
	}
}

// The evidence of a condition on a formula has what it is made of, in JSON as well, and each formula
// once however many read it.
func TestAnExplanationShowsEachFormulaOnce(t *testing.T) {
	ctx := context.Background()
	e, _, _ := newEngine(t)
	f := audience.File{Traits: []trait.Computed{trait.Formula("f0", "traits.n")},
		Audiences: []audience.Definition{audience.Define("a").Members(audience.Trait("traits.f20 > 0 && traits.f19 > 0"))}}
	names := []string{"f0", "f1"}
	f.Traits = append(f.Traits, trait.Formula("f1", "traits.f0 + 1"))
	for i := 2; i <= 20; i++ {
		names = append(names, fmt.Sprint("f", i))
		f.Traits = append(f.Traits, trait.Formula(names[i], "traits."+names[i-1]+" + traits."+names[i-2]))
	}
	require.NoError(t, e.CreateFile(ctx, f))
	require.NoError(t, e.Identify(ctx, audience.Identify{Profile: "u", Traits: object("n", 1)}))
	x, err := e.Explain(ctx, "a", profile.UserRef("u"))
	require.NoError(t, err)
	require.True(t, x.Member)
	seen := map[string]int{}
	var count func([]audience.SeenTrait)
	count = func(all []audience.SeenTrait) {
		for _, s := range all {
			if s.Formula != "" {
				seen[s.Name]++
			}
			count(s.Reads)
		}
	}
	count(x.Tree.Traits)
	require.Len(t, seen, 21)
	for name, n := range seen {
		require.Equal(t, 1, n, name)
	}
	text, err := json.Marshal(x)
	require.NoError(t, err)
	require.Contains(t, string(text), `"formula":"traits.n","reads":[{"name":"n","value":1}]`)
}
