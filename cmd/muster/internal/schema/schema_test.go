package schema

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Definitions))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("definitions.schema.json", doc))
	s, err := c.Compile("definitions.schema.json")
	require.NoError(t, err)
	return s
}

func validate(t *testing.T, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	return s.Validate(v)
}

// Every file of the tree that is a definitions file, to audience.ParseFile, is one to
// the schema.
func TestEveryDefinitionsFileOfTheTreeIsValid(t *testing.T) {
	s, found := compiled(t), 0
	err := filepath.WalkDir("../../../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && entry.Name() == "node_modules" {
			return fs.SkipDir
		}
		if filepath.Ext(path) != ".json" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := audience.ParseFile(text)
		if err != nil || len(f.Traits)+len(f.Audiences) == 0 || f.Check() != nil {
			return nil
		}
		found++
		require.NoError(t, validate(t, s, text), path)
		return nil
	})
	require.NoError(t, err)
	require.GreaterOrEqual(t, found, 5)
}

// whole has everything that a file can have.
const whole = `{"$schema": "./muster.schema.json", "description": "all of it", "traits": [
	{"key": "a", "name": "A", "description": "a", "of": "accounts", "type": "sum", "event": "E", "property": "x.y", "where": "properties.x > 1",
		"window": {"within": "1w2d3h4m5.5s"}, "backfill": false},
	{"key": "b", "type": "most_frequent", "event": "E", "property": "x", "min_frequency": 3, "window": {"between": ["0s", "1d12h"]}},
	{"key": "f", "type": "count", "names": ["E", "F"]},
	{"key": "h", "type": "first_time", "event": "E"},
	{"key": "i", "type": "last_time", "event": "E", "window": {"within": "3mo"}},
	{"key": "j", "type": "unique_days", "event": "E", "zone": "Europe/Berlin"},
	{"key": "k", "type": "formula", "formula": "double(traits.i) / 2.0", "backfill": false},
	{"key": "g", "type": "first", "prefix": "Order ", "property": "x"},
	{"key": "c", "type": "count", "any": true, "window": {"between": ["1h", "1y2mo3d"], "zone": "Europe/Berlin"}}
], "audiences": [
	{"key": "d", "name": "D", "description": "d", "tags": ["t", "u"], "owner": "o", "of": "accounts", "per_user": true, "backfill": true, "batch": "1h", "paused": true, "where": {"all": [
		{"any": [{"users": {"any": {"event": {"name": "E"}}}}, {"users": {"all": {"trait": "traits.x == 1"}}}, {"users": {"none": {"trait": "traits.x == 1"}}},
			{"users": {"at_least": 5, "where": {"trait": "traits.x == 1"}}}, {"users": {"at_least_percent": 33.3, "where": {"trait": "traits.x == 1"}}}]},
		{"not": {"event": {"name": "E", "where": "properties.x == 1", "count": {"at_least": 2, "at_most": 5}, "window": {"within": "90d"}, "scope": "group"}}},
		{"event": {"name": "E", "count": {"exactly": 0}, "scope": "users"}},
		{"event": {"names": ["E", "F"]}},
		{"event": {"prefix": "Order "}},
		{"event": {"any": true}},
		{"event": {"name": "E", "distinct": {"by": "properties.sku"}, "count": {"at_least": 3}, "window": {"within": "30d"}}},
		{"event": {"name": "E", "distinct": {"by": "day", "zone": "Europe/Berlin"}, "count": {"at_least": 3}}},
		{"event": {"name": "E", "distinct": {"by": "user.traits.email"}, "count": {"exactly": 2}}},
		{"event": {"name": "E", "regularly": {"at_least": 15, "periods": 30, "of": "1d"}}},
		{"event": {"name": "E", "window": {"unit": "month", "from": -1, "to": -1, "zone": "America/New_York", "since": "2026-01-01", "until": "2027-01-01T00:00:00Z"}}}
	]}},
	{"key": "e", "of": "users", "batch": "on request", "where": {"any": [
		{"audience": "d"},
		{"audience": "d", "for": "14d"},
		{"audience": "d", "for_less": "1w"},
		{"audience": "d", "for": "1h", "for_less": "1d"},
		{"sample": {"percent": 12.5, "salt": "spring"}},
		{"sample": {"percent": 100}},
		{"trait_date": {"name": "x"}},
		{"trait_date": {"name": "x.y[\"a.b\"]", "yearly": true, "zone": "Europe/Berlin", "window": {"next": "7d"}}},
		{"trait_date": {"name": "x", "window": {"within": "7d"}}},
		{"trait_date": {"name": "x", "window": {"between": ["7d", "30d"]}}},
		{"trait_date": {"name": "x", "window": {"next": "7d"}}},
		{"trait_date": {"name": "x", "window": {"after": "2026-01-01"}}},
		{"trait_date": {"name": "x", "window": {"from": "2026-01-01", "before": "2027-01-01T00:00:00Z"}}},
		{"trait_date": {"name": "x", "window": {"before": "2027-01-01"}}},
		{"trait_date": {"name": "x", "window": {"unit": "month", "from": 1, "to": 1, "zone": "-05:00"}}},
		{"trait_date": {"name": "x", "window": {"within": "1y", "since": "2027-01-01"}}},
		{"funnel": {"window": {"within": "30d"}, "steps": [
			{"name": "one", "event": "A", "where": "properties.x == 1"},
			{"name": "two", "event": "B", "within": "7d", "not": true, "pending": true, "where": "properties.x == steps.one.properties.x"},
			{"name": "gone", "event": "G", "not": true, "until_next": true},
			{"name": "three", "event": "C", "within": "500ms"},
			{"name": "soon", "event": "D", "next": true},
			{"name": "four", "names": ["C", "D"]}, {"name": "five", "prefix": "C"}, {"name": "six", "any": true}
		]}}
	]}}
]}`

func TestEverythingThatAFileCanHaveIsValid(t *testing.T) {
	f, err := audience.ParseFile([]byte(whole))
	require.NoError(t, err)
	require.NoError(t, f.Check())
	s := compiled(t)
	require.NoError(t, validate(t, s, []byte(whole)))
	written, err := audience.FormatFile(f)
	require.NoError(t, err)
	require.NoError(t, validate(t, s, written))
}

// The schema has the fields that the types have, and no others, so it cannot fall behind.
func TestTheSchemaHasTheFieldsOfTheTypes(t *testing.T) {
	var s struct {
		Properties map[string]any `json:"properties"`
		Defs       map[string]struct {
			Properties map[string]any `json:"properties"`
		} `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(Definitions, &s))
	for name, of := range map[string]any{"node": audience.Node{}, "event": audience.Event{}, "users": audience.Users{}, "trait_date": trait.Date{}, "sample": audience.Sample{}} {
		require.ElementsMatch(t, tags(of), keys(s.Defs[name].Properties), name)
	}
	require.ElementsMatch(t, tags(audience.File{}), keys(s.Properties))
	// Those with a form of their own: whatever the schema has they read.
	for name, has := range map[string][]string{
		"audience": fields(t, audience.Definition{Name: "n", Description: "d", Tags: []string{"t"}, Owner: "o", Of: profile.Account, PerUser: true, NoBackfill: true, Batch: 1, Paused: true}),
		"computed": fields(t, trait.Computed{Type: trait.TypeMostFrequent, Formula: "1", Event: "e", Names: []string{"e"}, Prefix: "e", Any: true, Name: "n", Description: "d", Of: profile.Account, Property: "p",
			Filter: "f", Window: profile.Within(1), Zone: "UTC", MinFrequency: 3, NoBackfill: true}),
	} {
		require.ElementsMatch(t, has, keys(s.Defs[name].Properties), name)
	}
}

func tags(of any) (names []string) {
	for i := range reflect.TypeOf(of).NumField() {
		name, _, _ := strings.Cut(reflect.TypeOf(of).Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

func fields(t *testing.T, of any) []string {
	text, err := json.Marshal(of)
	require.NoError(t, err)
	var m map[string]any
	require.NoError(t, json.Unmarshal(text, &m))
	return keys(m)
}

func keys(m map[string]any) (names []string) {
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// What the schema refuses ParseFile or Check refuses too: an editor marks nothing that
// is right.
func TestWhatIsWrongIsNotValid(t *testing.T) {
	s := compiled(t)
	in := func(node string) string { return `{"audiences": [{"key": "a", "where": ` + node + `}]}` }
	of := func(fields string) string { return `{"traits": [{"key": "a", "event": "E", ` + fields + `}]}` }
	for name, text := range map[string]string{
		"a field that nobody reads":       `{"audience": []}`,
		"no list":                         `{"audiences": {}}`,
		"no key":                          `{"audiences": [{"where": {"audience": "b"}}]}`,
		"a key in capitals":               `{"audiences": [{"key": "A", "where": {"event": {"name": "E"}}}]}`,
		"no condition":                    `{"audiences": [{"key": "a"}]}`,
		"an empty condition":              in(`{}`),
		"two conditions in one":           in(`{"trait": "true", "event": {"name": "E"}}`),
		"an empty list":                   in(`{"all": []}`),
		"a while of no audience":          in(`{"event": {"name": "E"}, "for": "1d"}`),
		"a while alone":                   in(`{"for": "1d"}`),
		"a while and something else":      in(`{"audience": "d", "for": "1d", "trait": "traits.x"}`),
		"a while without a unit":          in(`{"audience": "d", "for": "14"}`),
		"a share of nobody":               in(`{"sample": {"percent": 0}}`),
		"a share of more than all":        in(`{"sample": {"percent": 101}}`),
		"a share of no size":              in(`{"sample": {"salt": "a"}}`),
		"no name of an event":             in(`{"event": {"where": "true"}}`),
		"an empty name":                   in(`{"event": {"name": ""}}`),
		"a misspelt window":               in(`{"event": {"name": "E", "window": {"withn": "1d"}}}`),
		"two windows":                     in(`{"event": {"name": "E", "window": {"within": "1d", "between": ["1d", "2d"]}}}`),
		"a window of one end":             in(`{"event": {"name": "E", "window": {"between": ["1d"]}}}`),
		"a duration without a unit":       in(`{"event": {"name": "E", "window": {"within": "30"}}}`),
		"a duration of a number":          in(`{"event": {"name": "E", "window": {"within": 30}}}`),
		"a length with days before years": in(`{"event": {"name": "E", "window": {"within": "1d1y"}}}`),
		"a period of no length":           in(`{"event": {"name": "E", "regularly": {"at_least": 1, "periods": 2}}}`),
		"periods without a number":        in(`{"event": {"name": "E", "regularly": {"periods": 2, "of": "1d"}}}`),
		"a unit that is none":             in(`{"event": {"name": "E", "window": {"unit": "hour"}}}`),
		"units of nothing":                in(`{"event": {"name": "E", "window": {"since": "2026-01-01", "from": -1}}}`),
		"a unit that is to come":          in(`{"event": {"name": "E", "window": {"unit": "day", "to": 1}}}`),
		"a count of nothing":              in(`{"event": {"name": "E", "count": {}}}`),
		"a count that always holds":       in(`{"event": {"name": "E", "count": {"at_least": 0}}}`),
		"a count of two kinds":            in(`{"event": {"name": "E", "count": {"exactly": 1, "at_least": 1}}}`),
		"a count of a fraction":           in(`{"event": {"name": "E", "count": {"exactly": 1.5}}}`),
		"a scope of nobody":               in(`{"event": {"name": "E", "scope": "all"}}`),
		"a date without a name":           in(`{"trait_date": {"window": {"next": "1d"}}}`),
		"a date in two windows":           in(`{"trait_date": {"name": "x", "window": {"next": "1d", "within": "1d"}}}`),
		"a date after and from":           in(`{"trait_date": {"name": "x", "window": {"after": "2026-01-01", "from": "2026-01-01"}}}`),
		"a date in an empty window":       in(`{"trait_date": {"name": "x", "window": {}}}`),
		"a funnel without steps":          in(`{"funnel": {"steps": []}}`),
		"a step without a name":           in(`{"funnel": {"steps": [{"event": "E"}]}}`),
		"a step that is no identifier":    in(`{"funnel": {"steps": [{"name": "a b", "event": "E"}]}}`),
		"an absence without end":          in(`{"funnel": {"steps": [{"name": "a", "event": "E"}, {"name": "b", "event": "F", "not": true}]}}`),
		"pending, what is to follow":      in(`{"funnel": {"steps": [{"name": "a", "event": "E", "pending": true}]}}`),
		"users without a number":          `{"audiences": [{"key": "a", "of": "accounts", "where": {"users": {"where": {"trait": "true"}}}}]}`,
		"any users with a number":         `{"audiences": [{"key": "a", "of": "accounts", "where": {"users": {"any": {"trait": "true"}, "at_least": 2}}}]}`,
		"users with two numbers":          `{"audiences": [{"key": "a", "of": "accounts", "where": {"users": {"where": {"trait": "true"}, "at_least": 2, "at_least_percent": 2}}}]}`,
		"no percent of users":             `{"audiences": [{"key": "a", "of": "accounts", "where": {"users": {"where": {"trait": "true"}, "at_least_percent": 0}}}]}`,
		"users in two ways":               `{"audiences": [{"key": "a", "of": "accounts", "where": {"users": {"any": {"trait": "true"}, "all": {"trait": "true"}}}}]}`,
		"of whom there is none":           `{"audiences": [{"key": "a", "of": "people", "where": {"event": {"name": "E"}}}]}`,
		"per user, of users":              `{"audiences": [{"key": "a", "per_user": true, "where": {"event": {"name": "E"}}}]}`,
		"a batch of no duration":          `{"audiences": [{"key": "a", "batch": "daily", "where": {"event": {"name": "E"}}}]}`,
		"a type of trait that is none":    of(`"type": "total"`),
		"a trait without a type":          of(`"property": "x"`),
		"a sum of nothing":                of(`"type": "sum"`),
		"a count of a property":           of(`"type": "count", "property": "x"`),
		"a least frequency of a sum":      of(`"type": "sum", "property": "x", "min_frequency": 2`),
		"a least frequency of 0":          of(`"type": "most_frequent", "property": "x", "min_frequency": 0`),
		"a backfill that is no yes or no": of(`"type": "count", "backfill": "no"`),
		"a formula of a count":            of(`"type": "count", "formula": "1"`),
		"a formula of an event":           of(`"type": "formula", "formula": "1"`),
		"a formula without one":           `{"traits": [{"key": "a", "type": "formula"}]}`,
		"an empty formula":                `{"traits": [{"key": "a", "type": "formula", "formula": ""}]}`,
		"a formula in a window":           `{"traits": [{"key": "a", "type": "formula", "formula": "1", "window": {"within": "1d"}}]}`,
		"a formula of a property":         `{"traits": [{"key": "a", "type": "formula", "formula": "1", "property": "x"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			require.Error(t, validate(t, s, []byte(text)))
			f, err := audience.ParseFile([]byte(text))
			if err == nil {
				err = f.Check()
			}
			require.Error(t, err, "the schema refuses what is right")
		})
	}
}
