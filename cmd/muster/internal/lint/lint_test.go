package lint

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// check returns what is found in a file, shortened to "rule path".
func check(t *testing.T, text string, opts Options) []string {
	t.Helper()
	f, err := audience.ParseFile([]byte(text))
	require.NoError(t, err)
	found, err := Check(f, opts)
	require.NoError(t, err)
	short := []string{}
	for _, f := range found {
		short = append(short, f.Rule+" "+f.Path)
	}
	return short
}

// in returns a file of one audience, beside a count and an audience that it may read.
func in(node string) string {
	return `{"traits": [{"key": "orders", "type": "count", "event": "E"}, {"key": "spent", "type": "sum", "event": "E", "property": "x"}],
		"audiences": [{"key": "buyers", "where": {"event": {"name": "E"}}}, {"key": "a", "where": ` + node + `}]}`
}

// cel returns a file of one audience with a condition on traits.
func cel(text string) string {
	return in(`{"trait": "` + strings.ReplaceAll(text, `"`, `\"`) + `"}`)
}

func TestWhatIsAlwaysOrNeverTrue(t *testing.T) {
	for _, tc := range []struct {
		where string
		want  string // the rule; empty: nothing is found
		path  string
	}{
		{cel(`true`), AlwaysTrue, "where"},
		{cel(`1 + 1 == 2`), AlwaysTrue, "where"},
		{cel(`"a" in ["b"]`), NeverTrue, "where"},
		{cel(`traits.x > 5 && traits.x < 3`), NeverTrue, "where"},
		{cel(`traits.x > 5 && traits.x < 6`), "", ""},
		{cel(`traits.x >= 5 && traits.x <= 5`), "", ""},
		{cel(`traits.x >= 5 && 5 > traits.x`), NeverTrue, "where"},
		{cel(`traits.x > -1 && traits.x < -2.5`), NeverTrue, "where"},
		{cel(`traits.x == 5 && traits["x"] != 5`), NeverTrue, "where"},
		{cel(`traits.x == 5 && traits.y == 6`), "", ""},
		{cel(`traits.x == "a" && (traits.z == 1 && traits.x == "b")`), NeverTrue, "where"},
		{cel(`traits.x == "a" || traits.x == "b"`), "", ""},
		{cel(`traits.x == "a" && "b" != traits.x`), "", ""},
		{cel(`traits.x == "a" && traits.x != "a"`), NeverTrue, "where"},
		{cel(`traits.x == "a" && traits.x > 3`), NeverTrue, "where"},
		{cel(`traits.x.y == true && traits.x.y == false`), NeverTrue, "where"},
		{cel(`traits.x == 1 || true`), AlwaysTrue, "where"},
		{cel(`traits.x == 1 && false`), NeverTrue, "where"},
		{cel(`!(false) && has(traits.x)`), "", ""},
		{cel(`has(traits.x) || !has(traits.x)`), "", ""},
		{cel(`traits.x.exists(v, v == "a" && v == "b")`), "", ""},
		// A count is there and 0 or more; a sum may be missing.
		{cel(`traits.orders >= 0`), AlwaysTrue, "where"},
		{cel(`traits.orders < 0`), NeverTrue, "where"},
		{cel(`traits.orders > 0`), "", ""},
		{cel(`traits.orders != -1`), AlwaysTrue, "where"},
		{cel(`traits.orders == "3"`), NeverTrue, "where"},
		{cel(`traits.orders > "3"`), NeverTrue, "where"},
		{cel(`traits.spent >= 0`), "", ""},
		{cel(`account.traits.orders >= 0`), "", ""},
		// Trees.
		{in(`{"all": [{"trait": "traits.x > 5"}, {"not": {"event": {"name": "E"}}}, {"trait": "traits.x < 3"}]}`), NeverTrue, "where"},
		{in(`{"all": [{"audience": "buyers"}, {"all": [{"not": {"audience": "buyers"}}]}]}`), NeverTrue, "where"},
		{in(`{"any": [{"audience": "buyers"}, {"not": {"audience": "buyers"}}]}`), AlwaysTrue, "where"},
		{in(`{"any": [{"audience": "buyers"}, {"not": {"event": {"name": "E"}}}]}`), "", ""},
		{in(`{"not": {"any": [{"event": {"name": "E"}}, {"not": {"event": {"name": "E"}}}]}}`), NeverTrue, "where"},
		{in(`{"all": [{"event": {"name": "E", "count": {"at_least": 3}, "window": {"within": "7d"}}}, {"event": {"name": "E", "count": {"at_most": 2}, "window": {"within": "30d"}}}]}`), NeverTrue, "where"},
		{in(`{"all": [{"event": {"name": "E", "count": {"at_least": 3}, "window": {"within": "30d"}}}, {"event": {"name": "E", "count": {"at_most": 2}, "window": {"within": "7d"}}}]}`), "", ""},
		{in(`{"all": [{"event": {"name": "E", "count": {"at_least": 1}}}, {"event": {"name": "F", "count": {"at_most": 0}}}]}`), "", ""},
		{in(`{"all": [{"event": {"name": "E", "window": {"between": ["1d", "2d"]}}}, {"not": {"event": {"name": "E"}}}]}`), NeverTrue, "where"},
		{in(`{"any": [{"event": {"name": "E", "count": {"at_least": 1}, "window": {"within": "30d"}}}, {"event": {"name": "E", "count": {"at_most": 2}, "window": {"within": "7d"}}}]}`), AlwaysTrue, "where"},
		{in(`{"any": [{"event": {"name": "E", "count": {"exactly": 1}}}, {"event": {"name": "E", "count": {"exactly": 2}}}]}`), "", ""},
		{in(`{"all": [{"event": {"name": "E", "count": {"at_least": 2, "at_most": 3}}}, {"not": {"event": {"name": "E", "count": {"at_most": 3}}}}]}`), NeverTrue, "where"},
		// Filters, and what follows from them.
		{in(`{"any": [{"audience": "buyers"}, {"event": {"name": "E", "where": "properties.x == 1 && properties.x == 2"}}]}`), NeverTrue, "where.any[1]"},
		{in(`{"event": {"name": "E", "where": "properties.x == 1 && properties.x == 2", "count": {"at_most": 0}}}`), AlwaysTrue, "where"},
		{in(`{"event": {"name": "E", "where": "1 == 1"}}`), AlwaysTrue, "where.event.where"},
		{in(`{"any": [{"audience": "buyers"}, {"funnel": {"steps": [{"name": "s", "event": "E", "where": "properties.x < 1 && properties.x > 2"}]}}]}`), NeverTrue, "where.any[1]"},
		{in(`{"funnel": {"steps": [{"name": "s", "event": "E", "where": "name == name || true"}]}}`), AlwaysTrue, "where.funnel.steps[0].where"},
		{`{"audiences": [{"key": "a", "of": "accounts", "where": {"users": {"none": {"trait": "traits.x > 2 && traits.x < 1"}}}}]}`, AlwaysTrue, "where"},
		{`{"audiences": [{"key": "a", "of": "accounts", "where": {"users": {"all": {"trait": "traits.x > 2 && traits.x < 1"}}}}]}`, NeverTrue, "where"},
		{`{"audiences": [{"key": "a", "of": "accounts", "where": {"users": {"all": {"trait": "true"}}}}]}`, AlwaysTrue, "where.users.all"},
		{`{"traits": [{"key": "n", "type": "count", "event": "E", "where": "properties.x > 2 && properties.x < 1"}]}`, NeverTrue, "where"},
	} {
		want := []string{}
		if tc.want != "" {
			want = append(want, tc.want+" "+tc.path)
		}
		found := slices.DeleteFunc(check(t, tc.where, Options{}), func(f string) bool { return strings.HasPrefix(f, NegatedMissing) })
		require.Equal(t, want, found, tc.where)
	}
}

func TestNegationsThatLeaveOutWhoLacksTheTrait(t *testing.T) {
	for text, found := range map[string]bool{
		`traits.plan != "pro"`:                              true,
		`"pro" != traits.plan`:                              true,
		`!(traits.plan == "pro")`:                           true,
		`!(traits.plan in ["pro", "team"])`:                 true,
		`!traits.subscribed`:                                true,
		`!traits.tags.exists(t, t == "x")`:                  true,
		`traits.address.city != "Berlin"`:                   true,
		`account.traits.plan != "pro"`:                      true,
		`traits.spent != 3`:                                 true, // a sum of nothing is missing
		`has(traits.plan) && traits.plan != "pro"`:          false,
		`!has(traits.plan) || traits.plan != "pro"`:         false,
		`has(traits.address) && traits.address.city != "B"`: false,
		`!has(traits.plan)`:                                 false,
		`traits.plan == "pro"`:                              false,
		`traits.orders != 3`:                                false, // a count of nothing is 0
		`!traits.buyers`:                                    false, // an audience has everybody in or out
	} {
		want := []string{}
		if found {
			want = append(want, NegatedMissing+" where.trait")
		}
		require.Equal(t, want, check(t, cel(text), Options{}), text)
	}
	require.Equal(t, []string{NegatedMissing + " where.event.where"},
		check(t, in(`{"event": {"name": "E", "where": "traits.plan != \"pro\" && properties.x != 1"}}`), Options{}))
	require.Equal(t, []string{NegatedMissing + " where.funnel.steps[0].where"},
		check(t, in(`{"funnel": {"steps": [{"name": "s", "event": "E", "where": "!traits.beta"}]}}`), Options{}))
}

// message returns a message of a line.
func messageOf(t *testing.T, line string) profile.Message {
	t.Helper()
	m, err := profile.ParseMessage([]byte(line))
	require.NoError(t, err)
	return m
}

func TestNamesThatNoDataHas(t *testing.T) {
	sample := NewSample()
	for _, line := range []string{
		`{"type":"track","userId":"u","event":"Order Completed","timestamp":"2026-01-01","properties":{"total":5,"address":{"city":"B"}}}`,
		`{"type":"page","userId":"u","name":"Home","timestamp":"2026-01-01"}`,
		`{"type":"identify","userId":"u","timestamp":"2026-01-01","traits":{"plan":"pro"}}`,
		`{"type":"group","userId":"u","groupId":"g","timestamp":"2026-01-01","traits":{"employees":5}}`,
	} {
		sample.Add(messageOf(t, line))
	}
	require.Equal(t, 4, sample.Messages())
	for name, tc := range map[string]struct {
		file string
		want []string
	}{
		"all known": {
			`{"traits": [{"key": "cities", "type": "unique_list", "event": "Order Completed", "property": "address.city"}], "audiences": [
				{"key": "a", "where": {"all": [{"event": {"name": "Order Completed", "where": "properties.total > 1 && traits.plan == \"pro\" && account.traits.employees > 1"}},
					{"event": {"name": "Page Viewed", "where": "properties.name == \"Home\""}}, {"trait": "\"B\" in traits.cities && traits.plan == \"x\""}, {"trait_date": {"name": "plan"}}]}},
				{"key": "b", "of": "accounts", "where": {"all": [{"trait": "traits.employees > 3"}, {"users": {"any": {"trait": "traits.a && traits.plan == \"pro\""}}}]}}]}`,
			[]string{},
		},
		"an event": {`{"audiences": [{"key": "a", "where": {"event": {"name": "Order Complete", "where": "properties.x == 1"}}}]}`, []string{UnknownEvent + " where.event.name"}},
		"a property": {`{"audiences": [{"key": "a", "where": {"event": {"name": "Order Completed", "where": "properties.totl > 1 && properties.y == 1"}}}]}`,
			[]string{UnknownProperty + " where.event.where", UnknownProperty + " where.event.where"}},
		"a trait": {`{"audiences": [{"key": "a", "where": {"trait": "traits.plann == \"pro\""}}]}`, []string{UnknownTrait + " where.trait"}},
		"of a formula": {`{"traits": [{"key": "f", "type": "formula", "formula": "traits.employees + traits.g"}, {"key": "g", "type": "formula", "formula": "traits.f2 ? traits.plan : id"},
			{"key": "h", "of": "accounts", "type": "formula", "formula": "traits.employees + account.traits.seats"}]}`,
			[]string{UnknownTrait + " formula", UnknownTrait + " formula", UnknownTrait + " formula"}},
		"a date":                 {`{"audiences": [{"key": "a", "where": {"trait_date": {"name": "renewal"}}}]}`, []string{UnknownTrait + " where.trait_date.name"}},
		"the account's":          {`{"audiences": [{"key": "a", "where": {"trait": "account.traits.plan == \"pro\""}}]}`, []string{UnknownTrait + " where.trait"}},
		"an account's own":       {`{"audiences": [{"key": "a", "of": "accounts", "where": {"trait": "traits.plan == \"pro\""}}]}`, []string{UnknownTrait + " where.trait"}},
		"what is read of events": {`{"traits": [{"key": "s", "type": "sum", "event": "Order Completed", "property": "totl"}]}`, []string{UnknownProperty + " property"}},
		"of the acting user":     {`{"traits": [{"key": "s", "of": "accounts", "type": "last", "event": "Order Completed", "property": "user.traits.mail"}]}`, []string{UnknownTrait + " property"}},
		"of an earlier step": {`{"audiences": [{"key": "a", "where": {"funnel": {"steps": [{"name": "one", "event": "Order Completed"},
			{"name": "two", "event": "Page View", "where": "properties.id == steps.one.properties.id"}]}}}]}`,
			[]string{UnknownEvent + " where.funnel.steps[1].event", UnknownProperty + " where.funnel.steps[1].where"}},
		"of a step that is the next": {`{"audiences": [{"key": "a", "where": {"funnel": {"steps": [{"name": "one", "event": "Order Completed"},
			{"name": "two", "event": "Page View", "not": true, "until_next": true}, {"name": "three", "event": "Order Completed", "where": "properties.totl > 1", "next": true}]}}}]}`,
			[]string{UnknownEvent + " where.funnel.steps[1].event", UnknownProperty + " where.funnel.steps[2].where"}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, check(t, tc.file, Options{Sample: sample}))
			require.Empty(t, check(t, tc.file, Options{}), "without a sample no name is known or unknown")
		})
	}
	f, err := audience.ParseFile([]byte(`{"audiences": [{"key": "a", "where": {"event": {"name": "Order Complete"}}}]}`))
	require.NoError(t, err)
	found, err := Check(f, Options{Sample: sample})
	require.NoError(t, err)
	require.Equal(t, `audience "a": where.event.name: no event of the sample is called "Order Complete", did you mean "Order Completed"? (unknown-event)`, found[0].String())
}

func TestWindowsBeyondTheRetention(t *testing.T) {
	file := `{"traits": [{"key": "n", "type": "count", "event": "E", "window": {"within": "30d"}}, {"key": "m", "type": "count", "event": "E"}], "audiences": [
		{"key": "a", "where": {"any": [{"event": {"name": "E", "window": {"between": ["1d", "31d"]}}}, {"event": {"name": "E", "window": {"within": "1d"}}}]}},
		{"key": "b", "where": {"funnel": {"window": {"within": "1y"}, "steps": [{"name": "s", "event": "E"}]}}}]}`
	file = strings.ReplaceAll(file, "1y", "365d")
	require.Equal(t, []string{Retention + " window", Retention + " where.any[0].event.window", Retention + " where.funnel.window"},
		check(t, file, Options{Retention: 30 * profile.Day}))
	require.Empty(t, check(t, file, Options{}))
}

func TestFunnelsWhoseSearchIsBounded(t *testing.T) {
	funnel := func(filter string) string {
		return in(`{"funnel": {"steps": [{"name": "one", "event": "A"}, {"name": "two", "event": "B", "where": "` + filter + `"}]}}`)
	}
	require.Empty(t, check(t, funnel("properties.id == steps.one.properties.id"), Options{}))
	require.Equal(t, []string{BoundedFunnel + " where.funnel"}, check(t, funnel("properties.n > steps.one.properties.n"), Options{}))
}

func TestWhatDoesNotCompileIsAnError(t *testing.T) {
	_, err := Check(audience.File{Audiences: []audience.Definition{audience.Define("a").Members(audience.Trait("traits."))}}, Options{})
	var of *audience.DefinitionError
	require.ErrorAs(t, err, &of)
}
