package audience_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// What a builder method is given comes beside what was given before: it never takes
// its place in silence.
func TestTheBuilderNeverChangesMeaningSilently(t *testing.T) {
	buy := audience.Performed("Buy")
	for name, tc := range map[string]struct{ built, want audience.Condition }{
		"a range": {
			buy.AtLeast(2).AtMost(5),
			audience.Event{Name: "Buy", Count: audience.Count{Comparison: audience.Range, N: 2, Max: 5}},
		},
		"the other way round": {buy.AtMost(5).AtLeast(2), buy.AtLeast(2).AtMost(5)},
		"narrowed":            {buy.AtLeast(2).AtLeast(3).AtLeast(1), buy.AtLeast(3)},
		"to one number":       {buy.AtLeast(3).AtMost(3), buy.Exactly(3)},
		"one number of many":  {buy.AtLeast(2).Exactly(3), buy.Exactly(3)},
		"two filters":         {buy.Where("properties.a == 1").Where("properties.b == 2"), buy.Where("(properties.a == 1) && (properties.b == 2)")},
		"two windows":         {buy.Within(7 * profile.Day).Within(30 * profile.Day), buy.Within(7 * profile.Day)},
		"a window and ages":   {buy.Within(30*profile.Day).Between(7*profile.Day, 60*profile.Day), buy.Between(7*profile.Day, 30*profile.Day)},
		"a step's filters": {
			audience.Funnel(funnel.Start("a", "A").Where("properties.a == 1").Where("properties.b == 2")),
			audience.Funnel(funnel.Start("a", "A").Where("(properties.a == 1) && (properties.b == 2)")),
		},
		"a step's durations": {
			audience.Funnel(funnel.Start("a", "A").Followed("b", "B").Within(time.Hour).Within(2 * time.Hour)),
			audience.Funnel(funnel.Start("a", "A").Followed("b", "B").Within(time.Hour)),
		},
		"a funnel's windows": {
			audience.Funnel(funnel.Start("a", "A").WithWindow(profile.Within(time.Hour)).WithWindow(profile.Within(2 * time.Hour))),
			audience.Funnel(funnel.Start("a", "A").WithWindow(profile.Within(time.Hour))),
		},
	} {
		require.Equal(t, tc.want.Node(), tc.built.Node(), name)
		require.NoError(t, audience.Check(audience.Define("a").Members(tc.built)), name)
	}
	require.Equal(t,
		trait.Sum("s", "Buy", "price").Where("(properties.a == 1) && (properties.b == 2)").Within(profile.Day),
		trait.Sum("s", "Buy", "price").Where("properties.a == 1").Where("properties.b == 2").Within(profile.Week).Within(profile.Day))
}

func TestWhatTheBuilderCannotMeanIsAnErrorThatNamesIt(t *testing.T) {
	buy := audience.Performed("Buy")
	for name, tc := range map[string]struct {
		built audience.Condition
		want  string
	}{
		"not, at least three times": {audience.NotPerformed("Login").AtLeast(3), "where.event.count: invalid input: at least 3 and at most 0: it never holds"},
		"two numbers":               {buy.Exactly(1).Exactly(2), "where.event.count: "},
		"an empty range":            {buy.AtLeast(5).AtMost(2), "at least 5 and at most 2: it never holds"},
		"at least nothing":          {buy.AtLeast(0), "at least 0: it always holds"},
		"windows apart":             {buy.Within(profile.Day).Between(2*profile.Day, 3*profile.Day), "where.event.window: "},
		"a step within nothing":     {audience.Funnel(funnel.Start("a", "A").Followed("b", "B").Within(0)), "where.funnel.steps[1].within: "},
		"no condition":              {nil, "where: invalid input: no condition"},
		"none in all":               {audience.All(buy, nil), "where.all[1]: "},
		"none in any":               {audience.Any(nil), "where.any[0]: "},
		"not of none":               {audience.Not(nil), "where.not: "},
	} {
		require.ErrorContains(t, audience.Check(audience.Define("a").Members(tc.built)), tc.want, name)
	}
	for _, users := range []audience.Users{audience.AnyUser(nil), audience.AllUsers(nil), audience.NoUser(nil)} {
		require.ErrorContains(t, audience.Check(audience.Define("a").OfAccounts().Members(users)), "no condition")
	}
}

func TestARangeOfCounts(t *testing.T) {
	ctx := t.Context()
	e, _, told := newEngine(t)
	f, err := audience.ParseFile([]byte(`{"audiences":[{"key":"some","where":{"event":{"name":"Buy","count":{"at_least":2,"at_most":3},"window":{"within":"1d"}}}}]}`))
	require.NoError(t, err)
	require.NoError(t, e.CreateFile(ctx, f))
	for range 4 {
		require.NoError(t, e.Track(ctx, event("u", "Buy", 0)))
	}
	require.NoError(t, e.Track(ctx, event("v", "Buy", 0)))
	require.NoError(t, e.Track(ctx, event("v", "Buy", time.Hour)))
	require.NoError(t, e.Advance(ctx, start.Add(3*profile.Day)))
	require.Equal(t, []string{
		"u entered some at 2026-01-01T00:00:00Z (event)",
		"u exited some at 2026-01-01T00:00:00Z (event)",
		"v entered some at 2026-01-01T01:00:00Z (time)",
		"v exited some at 2026-01-02T00:00:00Z (time)",
	}, *told)
}
