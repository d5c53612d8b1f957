package trait_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

func TestComputedTraitsRoundTripThroughJSON(t *testing.T) {
	for text, def := range map[string]trait.Computed{
		`{"key":"orders","type":"count","event":"Order Completed"}`: trait.Count("orders", "Order Completed"),
		`{"key":"revenue","name":"Revenue","type":"sum","event":"Order Completed","property":"total","where":"properties.total > 0","window":{"within":"90d"},"backfill":false}`: trait.
			Sum("revenue", "Order Completed", "total").WithName("Revenue").
			Where("properties.total > 0").Within(90 * profile.Day).WithNoBackfill(),
		`{"key":"a","type":"min","event":"e","property":"p"}`:                                    trait.Min("a", "e", "p"),
		`{"key":"a","type":"max","event":"e","property":"p","window":{"between":["30d","90d"]}}`: trait.Max("a", "e", "p").Between(30*profile.Day, 90*profile.Day),
		`{"key":"a","type":"average","event":"e","property":"a.b"}`:                              trait.Average("a", "e", "a.b"),
		`{"key":"a","of":"accounts","type":"most_frequent","event":"e","property":"user.traits.email","min_frequency":3}`: trait.
			MostFrequent("a", "e", "user.traits.email").OfAccounts().WithMinFrequency(3),
		`{"key":"a","type":"first","event":"e","property":"p"}`:              trait.First("a", "e", "p"),
		`{"key":"a","type":"last","event":"e","property":"p"}`:               trait.Last("a", "e", "p"),
		`{"key":"a","type":"unique_list","event":"e","property":"p"}`:        trait.UniqueList("a", "e", "p"),
		`{"key":"a","type":"first_time","event":"e"}`:                        trait.FirstTime("a", "e"),
		`{"key":"a","type":"last_time","prefix":"Order "}`:                   trait.LastTime("a", "").OfPrefix("Order "),
		`{"key":"a","type":"unique_days","any":true,"zone":"Europe/Berlin"}`: trait.UniqueDays("a", "", "Europe/Berlin").OfAnyEvent(),
		`{"key":"a","type":"sum","names":["e","f"],"property":"p"}`:          trait.Sum("a", "", "p").OfEvents("e", "f"),
		`{"key":"a","type":"unique_list_count","event":"e","property":"p"}`:  trait.UniqueListCount("a", "e", "p"),
		`{"key":"a","name":"Score","of":"accounts","type":"formula","formula":"traits.seats * 10","backfill":false}`: trait.
			Formula("a", "traits.seats * 10").WithName("Score").OfAccounts().WithNoBackfill(),
	} {
		written, err := json.Marshal(def)
		require.NoError(t, err)
		require.Equal(t, strings.ReplaceAll(text, ">", `\u003e`), string(written))
		var read trait.Computed
		require.NoError(t, json.Unmarshal([]byte(text), &read))
		require.Equal(t, def, read)
		require.NoError(t, read.Validate(), text)
	}
	var read trait.Computed
	spelledOut := `{"key":"a","of":"users","type":"count","event":"e","window":null,"backfill":true}`
	require.NoError(t, json.Unmarshal([]byte(spelledOut), &read))
	require.Equal(t, trait.Count("a", "e"), read)
}

func TestMistakesInTheJSONOfAComputedTraitAreErrors(t *testing.T) {
	for name, text := range map[string]string{
		"unknown field":           `{"key":"a","type":"count","event":"e","prop":"x"}`,
		"unknown type":            `{"key":"a","type":"median","event":"e"}`,
		"type of another kind":    `{"key":"a","type":2,"event":"e"}`,
		"of neither":              `{"key":"a","of":"dogs","type":"count","event":"e"}`,
		"frequency of zero":       `{"key":"a","type":"most_frequent","event":"e","property":"p","min_frequency":0}`,
		"fraction of a frequency": `{"key":"a","type":"most_frequent","event":"e","property":"p","min_frequency":1.5}`,
		"unknown window":          `{"key":"a","type":"count","event":"e","window":{"last":"3d"}}`,
		"more behind the end":     `{"key":"a","type":"count","event":"e"} {}`,
		"not an object":           `"count"`,
	} {
		untouched := trait.Count("k", "e")
		require.ErrorIs(t, untouched.UnmarshalJSON([]byte(text)), profile.ErrInvalid, name)
		require.Equal(t, trait.Count("k", "e"), untouched, name)
	}
	_, err := json.Marshal(trait.Computed{Key: "a"})
	require.ErrorIs(t, err, profile.ErrInvalid)
}

func TestComputedTraitsThatCannotBeAreErrors(t *testing.T) {
	for name, def := range map[string]trait.Computed{
		"no type":                     {Key: "a", Event: "e"},
		"a type that is none":         {Key: "a", Event: "e", Type: 99},
		"no subject":                  {Key: "a", Event: "e", Type: trait.TypeCount, Of: 7},
		"no event":                    trait.Count("a", ""),
		"no property":                 trait.Sum("a", "e", ""),
		"a count of a property":       {Key: "a", Event: "e", Type: trait.TypeCount, Property: "p"},
		"an empty key of a property":  trait.Sum("a", "e", "a..b"),
		"a dot at the end":            trait.Sum("a", "e", "a."),
		"a user's trait of a user":    trait.Last("a", "e", "user.traits.plan"),
		"no name of the user's trait": trait.Last("a", "e", "user.traits.").OfAccounts(),
		"a window of nothing":         trait.Count("a", "e").Between(3, 3),
		"frequency of a sum":          trait.Sum("a", "e", "p").WithMinFrequency(2),
		"negative frequency":          trait.MostFrequent("a", "e", "p").WithMinFrequency(-1),
		"enormous frequency":          trait.MostFrequent("a", "e", "p").WithMinFrequency(1e9),
		"formula of nothing":          trait.Formula("a", " "),
		"formula of a sum":            {Key: "a", Type: trait.TypeSum, Event: "e", Property: "p", Formula: "1"},
		"formula of a property":       {Key: "a", Type: trait.TypeFormula, Formula: "1", Property: "p"},
		"formula in a zone":           {Key: "a", Type: trait.TypeFormula, Formula: "1", Zone: "UTC"},
		"formula of an event":         {Key: "a", Type: trait.TypeFormula, Formula: "1", Event: "e"},
		"formula of events":           trait.Formula("a", "1").OfEvents("e", "f"),
		"formula of a prefix":         trait.Formula("a", "1").OfPrefix("e"),
		"formula of any event":        trait.Formula("a", "1").OfAnyEvent(),
		"formula that filters":        trait.Formula("a", "1").Where("true"),
		"formula in a window":         trait.Formula("a", "1").Within(profile.Day),
		"frequency of a formula":      trait.Formula("a", "1").WithMinFrequency(2),
	} {
		require.ErrorIs(t, def.Validate(), profile.ErrInvalid, name)
	}
}

// FuzzComputedJSON: what is read is written and read again as the same.
func FuzzComputedJSON(f *testing.F) {
	f.Add(`{"key":"a","name":"n","of":"accounts","type":"most_frequent","event":"e","property":"user.traits.x","where":"true","window":{"within":"1d"},"min_frequency":3,"backfill":false}`)
	f.Add(`{"key":"a","type":"count","event":"e","window":{"between":["0s","1ns"]}}`)
	f.Add(`{"type":"sum"}`)
	f.Add(`{"key":"a","type":"formula","formula":"traits.b + 1"}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, text string) {
		var def, again trait.Computed
		if err := json.Unmarshal([]byte(text), &def); err != nil {
			return
		}
		if def.Type == 0 {
			_, err := json.Marshal(def)
			require.Error(t, err)
			return
		}
		written, err := json.Marshal(def)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(written, &again), string(written))
		require.Equal(t, def, again)
		_ = def.Validate() // no panic
	})
}
