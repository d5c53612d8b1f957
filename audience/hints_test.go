package audience_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// A misspelt name does not pass in silence: Misses says what has never come, how
// often that made a difference, and what may be meant.
func TestMissesHintAtMisspeltNames(t *testing.T) {
	ctx := context.Background()
	e, _, _ := newEngine(t)
	require.NoError(t, e.CreateFile(ctx, audience.File{
		Traits: []trait.Computed{trait.Sum("revenue", "Order Completed", "totl"), trait.Count("prefixed", "").OfPrefix("Ordre C")},
		Audiences: []audience.Definition{
			audience.Define("a_trait").Members(audience.Trait(`traits.plna == "pro"`)),
			audience.Define("an_event").Members(audience.Performed("Ordr Completed")),
			audience.Define("a_prefix").Members(audience.PerformedPrefix("Odrer ")),
			audience.Define("a_prefix_of_a_step").Members(audience.Funnel(funnel.Funnel{Steps: []funnel.Step{{Name: "one", Prefix: "order"}}})),
			audience.Define("a_prefix_of_nothing").Members(audience.PerformedPrefix("Zebra")),
			audience.Define("a_prefix_that_is_sent").Members(audience.PerformedPrefix("Order Comp")),
			audience.Define("a_step").Members(audience.Funnel(funnel.Start("one", "Order Completed").Followed("two", "Order Refundd"))),
			audience.Define("a_date").Members(audience.Not(audience.DateIs(trait.Value("renewal").WithinNext(profile.Week)))),
			audience.Define("a_date_misspelt").Members(audience.DateIs(trait.Value("renewl").WithinNext(profile.Week))),
			audience.Define("fine").Members(audience.All(audience.Trait(`traits.plan == "pro"`), audience.Performed("Order Completed"))),
		},
	}))
	for range 1000 {
		require.NoError(t, e.Identify(ctx, audience.Identify{Profile: "u", Traits: object("plan", "pro", "renewal", "soon")}))
	}
	require.NoError(t, e.Track(ctx, profile.Event{Profile: "u", Name: "Order Completed", Props: profile.Props{"total": 5}}))
	require.NoError(t, e.Track(ctx, profile.Event{Profile: "u", Name: "Order Refunded"}))
	for key, want := range map[string][]audience.Misses{
		"a_trait":               {{Path: "where.trait", Filter: `traits.plna == "pro"`, Count: 1000, Hint: `no trait "plna" has come, did you mean "plan"?`}},
		"an_event":              {{Path: "where.event.name", Filter: "Ordr Completed", Hint: `no event "Ordr Completed" has come, did you mean "Order Completed"?`}},
		"a_prefix":              {{Path: "where.event.prefix", Filter: "Odrer ", Hint: `no event that begins with "Odrer " has come, did you mean "Order "?`}},
		"a_prefix_of_a_step":    {{Path: "where.funnel.steps[0].prefix", Filter: "order", Hint: `no event that begins with "order" has come, did you mean "Order"?`}},
		"a_prefix_of_nothing":   {{Path: "where.event.prefix", Filter: "Zebra", Hint: `no event that begins with "Zebra" has come`}},
		"a_prefix_that_is_sent": nil,
		"prefixed":              {{Path: "prefix", Filter: "Ordre C", Hint: `no event that begins with "Ordre C" has come, did you mean "Order C"?`}},
		"a_step":                {{Path: "where.funnel.steps[1].event", Filter: "Order Refundd", Hint: `no event "Order Refundd" has come, did you mean "Order Refunded"?`}},
		"a_date_misspelt":       {{Path: "where.trait_date", Filter: "renewl", Count: 1000, Hint: `no trait "renewl" has come, did you mean "renewal"?`}},
		"revenue":               {{Path: "property", Filter: "totl", Count: 1, Hint: `the first event that misses it has "total"`}},
		"fine":                  {{Path: "where.all[0].trait", Filter: `traits.plan == "pro"`}},
	} {
		got, err := e.Misses(key)
		require.NoError(t, err)
		require.Equal(t, want, got, key)
	}

	// A date that is none is true under not: it is counted, and Explain shows it.
	misses, err := e.Misses("a_date")
	require.NoError(t, err)
	require.Len(t, misses, 1)
	require.Equal(t, "values that are no date", misses[0].Hint)
	require.Positive(t, misses[0].Count)
	x, err := e.Explain(ctx, "a_date", profile.UserRef("u"))
	require.NoError(t, err)
	require.True(t, x.Member)
	require.Contains(t, x.String(), `renewal = "soon", which is no date`)
}

func TestAMisspeltStepOrZoneIsAnError(t *testing.T) {
	for want, condition := range map[string]audience.Condition{
		`did you mean "viewed"?`: audience.Funnel(funnel.Start("viewed", "V").Followed("ordered", "O").
			Where("properties.id == steps.veiwed.properties.id")),
		`time zone "Europe/Berln"`:    audience.Performed("V").Where(`timestamp.getHours("Europe/Berln") > 8`),
		`time zone "Amerika/Chicago"`: audience.Performed("V").Where(`timestamp.getDayOfWeek("Amerika/Chicago") == 1`),
	} {
		require.ErrorContains(t, audience.Check(audience.Define("a").Members(condition)), want)
	}
	require.NoError(t, audience.Check(audience.Define("a").Members(
		audience.Performed("V").Where(`timestamp.getHours("Europe/Berlin") > 8 && timestamp.getHours("+02:00") > 8 && timestamp.getHours("UTC") > 1`))))
}
