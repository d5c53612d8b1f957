package audience_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
	"github.com/stretchr/testify/require"
)

func TestDefinitionsRoundTripThroughJSON(t *testing.T) {
	buy := audience.Performed("Order Completed")
	for text, def := range map[string]audience.Definition{
		`{"key":"a","where":{"event":{"names":["A","B"],"count":{"at_least":2}}}}`: audience.Define("a").Members(audience.Performed("A", "B").AtLeast(2)),
		`{"key":"a","where":{"event":{"prefix":"Order "}}}`:                        audience.Define("a").Members(audience.PerformedPrefix("Order ")),
		`{"key":"a","where":{"event":{"name":"A","count":{"at_least":3},"window":{"within":"7d"},"distinct":{"by":"day","zone":"Europe/Berlin"}}}}`: audience.Define("a").
			Members(audience.Performed("A").OnDays("Europe/Berlin").AtLeast(3).Within(7 * profile.Day)),
		`{"key":"a","where":{"event":{"name":"A","distinct":{"by":"properties.sku"}}}}`: audience.Define("a").Members(audience.Performed("A").DistinctBy("properties.sku")),
		`{"key":"a","where":{"event":{"name":"A","distinct":{"by":"properties[\"the items\"][].sku"}}}}`: audience.Define("a").
			Members(audience.Performed("A").DistinctBy(`properties["the items"][].sku`)),
		`{"key":"a","where":{"all":[{"event":{"name":"A","distinct":{"by":"week"}}},{"event":{"name":"A","distinct":{"by":"month","zone":"-05:00"}}}]}}`: audience.Define("a").
			Members(audience.All(audience.Performed("A").InWeeks(""), audience.Performed("A").InMonths("-05:00"))),
		`{"key":"a","where":{"event":{"any":true}}}`: audience.Define("a").Members(audience.PerformedAny()),
		`{"key":"a","where":{"funnel":{"steps":[{"name":"s","names":["A","B"]},{"name":"t","prefix":"C"},{"name":"u","any":true}]}}}`: audience.Define("a").
			Members(audience.Funnel(funnel.Start("s", "").OfEvents("A", "B").Followed("t", "").OfPrefix("C").Followed("u", "").OfAnyEvent())),
		`{"key":"a","where":{"event":{"name":"Order Completed"}}}`: audience.Define("a").Members(buy),
		`{"key":"a","name":"Big","backfill":false,"where":{"event":{"name":"Order Completed","where":"properties.total > 100","count":{"at_least":3},"window":{"within":"30d"}}}}`: audience.Define("a").
			WithName("Big").WithNoBackfill().
			Members(buy.Where("properties.total > 100").AtLeast(3).Within(30 * profile.Day)),
		`{"key":"a","where":{"all":[{"event":{"name":"Order Completed","count":{"exactly":0},"window":{"between":["30d","12w"]}}},{"any":[{"trait":"traits.vip"},{"not":{"audience":"b"}}]}]}}`: audience.Define("a").
			Members(audience.All(
				buy.Exactly(0).Between(30*profile.Day, 12*profile.Week),
				audience.Any(audience.Trait("traits.vip"), audience.Not(audience.InAudience("b"))),
			)),
		`{"key":"a","where":{"event":{"name":"Order Completed","count":{"at_most":2}}}}`:                                      audience.Define("a").Members(buy.AtMost(2)),
		`{"key":"a","where":{"trait_date":{"name":"renewal_date","window":{"next":"7d"}}}}`:                                   audience.Define("a").Members(audience.TraitDate("renewal_date", trait.WithinNext(7*profile.Day))),
		`{"key":"a","where":{"trait_date":{"name":"user.born","yearly":true,"zone":"Europe/Berlin","window":{"next":"7d"}}}}`: audience.Define("a").Members(audience.DateIs(trait.Value("user").Key("born").WithinNext(7 * profile.Day).InYears("Europe/Berlin"))),
		`{"key":"a","where":{"trait_date":{"name":"[\"a.b\"].c"}}}`:                                                           audience.Define("a").Members(audience.DateIs(trait.Value("a.b").Key("c").InPast())),
		`{"key":"a","where":{"trait_date":{"name":"renewal_date","window":{"within":"1h30m"}}}}`:                              audience.Define("a").Members(audience.TraitDate("renewal_date", trait.WithinLast(90*time.Minute))),
		`{"key":"a","where":{"trait_date":{"name":"renewal_date","window":{"between":["1d","2d"]}}}}`:                         audience.Define("a").Members(audience.TraitDate("renewal_date", trait.Between(profile.Day, 2*profile.Day))),
		`{"key":"a","where":{"trait_date":{"name":"renewal_date"}}}`:                                                          audience.Define("a").Members(audience.TraitDate("renewal_date", trait.DateWindow{})),
		`{"key":"a","of":"users","backfill":true,"where":{"event":{"name":"Order Completed","count":{"at_least":1}}}}`:        audience.Define("a").Members(buy.AtLeast(1)),
	} {
		var read audience.Definition
		require.NoError(t, json.Unmarshal([]byte(text), &read), text)
		require.Equal(t, def, read, text)
		written, err := json.Marshal(def)
		require.NoError(t, err)
		var again audience.Definition
		require.NoError(t, json.Unmarshal(written, &again), string(written))
		require.Equal(t, def, again)
	}
}

func TestMistakesInADefinitionsFileAreErrors(t *testing.T) {
	for name, text := range map[string]string{
		"unknown field of the file":        `{"audience":[]}`,
		"unknown field of an audience":     `{"audiences":[{"key":"a","wher":{}}]}`,
		"unknown field of a node":          `{"audiences":[{"key":"a","where":{"and":[]}}]}`,
		"unknown field of an event":        `{"audiences":[{"key":"a","where":{"event":{"name":"x","filter":"true"}}}]}`,
		"unknown field of a count":         `{"audiences":[{"key":"a","where":{"event":{"name":"x","count":{"more_than":1}}}}]}`,
		"two comparisons":                  `{"audiences":[{"key":"a","where":{"event":{"name":"x","count":{"at_least":1,"exactly":2}}}}]}`,
		"a range that never holds":         `{"audiences":[{"key":"a","where":{"event":{"name":"x","count":{"at_least":3,"at_most":2}}}}]}`,
		"a field that is there twice":      `{"audiences":[{"key":"a","key":"b","where":{"trait":"true"}}]}`,
		"levels without end":               strings.Repeat(`{"audiences":[`, 5000),
		"a count that always holds":        `{"audiences":[{"key":"a","where":{"event":{"name":"x","count":{"at_least":0}}}}]}`,
		"unknown field of a window":        `{"audiences":[{"key":"a","where":{"event":{"name":"x","window":{"last":"3d"}}}}]}`,
		"a duration without unit":          `{"audiences":[{"key":"a","where":{"event":{"name":"x","window":{"within":"3"}}}}]}`,
		"a date window of two kinds":       `{"audiences":[{"key":"a","where":{"trait_date":{"name":"x","window":{"next":"3d","within":"3d"}}}}]}`,
		"a coming window of nothing":       `{"audiences":[{"key":"a","where":{"trait_date":{"name":"x","window":{"next":"0s"}}}}]}`,
		"audiences of something else":      `{"audiences":[{"key":"a","of":"dogs","where":{"trait":"true"}}]}`,
		"more behind the end":              `{"audiences":[]} {}`,
		"not JSON":                         `audiences:`,
		"a number where a key should be":   `{"audiences":[{"key":7}]}`,
		"an object where a list should be": `{"audiences":[{"key":"a","where":{"all":{}}}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := audience.ParseFile([]byte(text))
			require.ErrorIs(t, err, profile.ErrInvalid)
		})
	}
}

func FuzzParseFile(f *testing.F) {
	f.Add([]byte(`{"audiences":[{"key":"a","name":"A","of":"users","backfill":false,"where":{"all":[{"event":{"name":"x","where":"properties.y == 1","count":{"exactly":2},"window":{"between":["1d","2w"]}}},{"not":{"trait_date":{"name":"d","window":{"next":"1h"}}}}]}}]}`))
	f.Add([]byte(`{"audiences":[{"key":"a","where":{"any":[{"trait":"has(traits.x)"},{"audience":"b"}]}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := audience.ParseFile(text)
		if err != nil {
			var at *audience.FileError
			require.ErrorAs(t, err, &at)
			require.Positive(t, at.Line)
			require.Positive(t, at.Column)
			return
		}
		if err := file.Check(); err != nil {
			_ = audience.Locate(text, err).Error() // it never panics
			return
		}
		// What is valid is written and read back as it is.
		for _, write := range []func(audience.File) ([]byte, error){
			audience.FormatFile, func(f audience.File) ([]byte, error) { return json.Marshal(f) },
		} {
			written, err := write(file)
			require.NoError(t, err)
			again, err := audience.ParseFile(written)
			require.NoError(t, err)
			require.Equal(t, file, again)
		}
	})
}

// Errors of a definitions file say in which definition they are, where in it, and on
// which line; and what was meant, where that can be guessed.
func TestErrorsOfADefinitionsFileSayWhere(t *testing.T) {
	for text, want := range map[string]string{
		`{"audiences": [
  {"key": "big", "where": {"event": {"name": "X",
    "window": {"last": "3d"}}}}]}`: `3:16: audience "big": where.event.window: unknown field "last"`,
		`{"audiences": [{"key": "big", "where": {"event": {"name": "X", "window": {"withn": "3d"}}}}]}`:                `1:75: audience "big": where.event.window: unknown field "withn", did you mean "within"?`,
		`{"audiences": [{"key": "big", "where": {"event": {"name": "X", "count": {"atleast": 3}}}}]}`:                  `1:74: audience "big": where.event.count: unknown field "atleast", did you mean "at_least"?`,
		`{"audiences": [{"key": "big", "where": {"trait_date": {"name": "d", "window": {"next": 7}}}}]}`:               `1:88: audience "big": where.trait_date.window.next: 7, want a text`,
		`{"audiences": [{"key": "big", "where": {"all": [{"trait": "true"}, {"event": {"name": "X", "count": 3}}]}}]}`: `1:101: audience "big": where.all[1].event.count: 3, want an object`,
		"{\"audiences\": [\n\t{\"where\": {}, \"key\": \"big\", \"of\": \"dogs\"}]}":                                   `2:36: audience "big": of: "dogs", want "users" or "accounts"`,
		`{"traits": [{"key": "total", "type": "summ", "event": "X"}]}`:                                                 `1:38: trait "total": type: `,
		`{"traits": [{"key": "total", "type": "sum", "evnt": "X"}]}`:                                                   `1:45: trait "total": unknown field "evnt", did you mean "event"?`,
		`{"audiences": [{"where": {}, "x": 1}]}`:                                                                       `1:30: audiences[0]: unknown field "x"`,
		`{"audiences": [{"key": "big", "where": {"event": {"name": "X", "window": {"within": "3"}}}}]}`:                `1:85: audience "big": where.event.window.within: duration "3"`,
		`{"audiences": [{"key": "f", "where": {"funnel": {"steps": [{"name": "a", "event": "A", "within": "0s"}]}}}]}`: `1:98: audience "f": where.funnel.steps[0].within: 0s`,
		"{\"audiences\":\n [}": "2:3: not JSON: invalid character '}' looking for beginning of value",
		`{"audience": []}`:     `1:2: unknown field "audience", did you mean "audiences"?`,
		``:                     `1:1: no JSON`,
	} {
		_, err := audience.ParseFile([]byte(text))
		require.ErrorContains(t, err, want, text)
		require.ErrorIs(t, err, profile.ErrInvalid, text)
		for _, internal := range []string{"invalid input", "json:", "Go ", "audience.", "unmarshal"} {
			require.NotContains(t, err.Error(), internal)
		}
	}
}

// What the engine finds wrong is located in the file likewise.
func TestErrorsOfDefinitionsAreLocatedInTheirFile(t *testing.T) {
	text := []byte(`{
  "traits": [{"key": "total", "type": "count", "event": "X", "where": "properties.x ="}],
  "audiences": [
    {"key": "one", "where": {"all": [{"trait": "true"},
      {"event": {"name": "X", "where": "now > timestamp"}}]}}
  ]
}`)
	f, err := audience.ParseFile(text)
	require.NoError(t, err)
	require.ErrorContains(t, audience.Locate(text, f.Check()), `2:71: trait "total": where: 1:14: Syntax error`)
	f.Traits = nil
	err = audience.Locate(text, f.Check())
	require.ErrorContains(t, err, `5:40: audience "one": where.all[1].event.where: 1:1: undeclared reference to 'now'`)
	var at *audience.FileError
	require.ErrorAs(t, err, &at)
	var of *audience.DefinitionError
	require.ErrorAs(t, err, &of)
	require.Equal(t, "one", of.Audience)
	require.Equal(t, profile.ErrClosed, audience.Locate(text, profile.ErrClosed))
}

func TestADefinitionsFileHasASchemaAndDescriptions(t *testing.T) {
	text := `{
  "$schema": "https://example.com/muster.json",
  "description": "of the shop",
  "traits": [
    {
      "key": "total",
      "description": "all that was ever spent",
      "type": "sum",
      "event": "Order Completed",
      "property": "total"
    }
  ],
  "audiences": [
    {
      "key": "big",
      "description": "who spends > 100 & more",
      "where": {
        "trait": "traits.total > 100 && traits.total < 1000"
      }
    }
  ]
}
`
	f, err := audience.ParseFile([]byte(text))
	require.NoError(t, err)
	written, err := audience.FormatFile(f)
	require.NoError(t, err)
	require.Equal(t, text, string(written), "as it was, with > and &&")
}

func TestAnAudienceThatReadsATraitOfItsOwnName(t *testing.T) {
	for _, d := range []audience.Definition{
		audience.Define("big").Members(audience.Trait("traits.big > 100")),
		audience.Define("big").Members(audience.Performed("X").Where("properties.x > traits.big")),
		audience.Define("big").Members(audience.DateIs(trait.Value("big").WithinNext(profile.Day))),
	} {
		require.ErrorContains(t, audience.Check(d), `big reads the trait big, which is its own key`)
	}
}
