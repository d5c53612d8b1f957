package audience_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
	"github.com/stretchr/testify/require"
)

func TestDefinitionsRoundTripThroughJSON(t *testing.T) {
	buy := audience.Performed("Order Completed")
	for text, def := range map[string]audience.Definition{
		`{"key":"a","where":{"event":{"name":"Order Completed"}}}`: audience.Define("a").Members(buy),
		`{"key":"a","name":"Big","backfill":false,"where":{"event":{"name":"Order Completed","where":"properties.total > 100","count":{"at_least":3},"window":{"within":"30d"}}}}`: audience.Define("a").
			WithName("Big").WithNoBackfill().
			Members(buy.Where("properties.total > 100").AtLeast(3).Within(30 * profile.Day)),
		`{"key":"a","where":{"all":[{"event":{"name":"Order Completed","count":{"exactly":0},"window":{"between":["30d","12w"]}}},{"any":[{"trait":"traits.vip"},{"not":{"audience":"b"}}]}]}}`: audience.Define("a").
			Members(audience.All(
				buy.Exactly(0).Between(30*profile.Day, 12*profile.Week),
				audience.Any(audience.Trait("traits.vip"), audience.Not(audience.InAudience("b"))),
			)),
		`{"key":"a","where":{"event":{"name":"Order Completed","count":{"at_most":2}}}}`:                               audience.Define("a").Members(buy.AtMost(2)),
		`{"key":"a","where":{"trait_date":{"name":"renewal_date","window":{"next":"7d"}}}}`:                            audience.Define("a").Members(audience.TraitDate("renewal_date", trait.WithinNext(7*profile.Day))),
		`{"key":"a","where":{"trait_date":{"name":"renewal_date","window":{"within":"1h30m"}}}}`:                       audience.Define("a").Members(audience.TraitDate("renewal_date", trait.WithinLast(90*time.Minute))),
		`{"key":"a","where":{"trait_date":{"name":"renewal_date","window":{"between":["1d","2d"]}}}}`:                  audience.Define("a").Members(audience.TraitDate("renewal_date", trait.Between(profile.Day, 2*profile.Day))),
		`{"key":"a","where":{"trait_date":{"name":"renewal_date"}}}`:                                                   audience.Define("a").Members(audience.TraitDate("renewal_date", trait.DateWindow{})),
		`{"key":"a","of":"users","backfill":true,"where":{"event":{"name":"Order Completed","count":{"at_least":1}}}}`: audience.Define("a").Members(buy.AtLeast(1)),
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
		"two comparisons":                  `{"audiences":[{"key":"a","where":{"event":{"name":"x","count":{"at_least":1,"at_most":2}}}}]}`,
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
			return
		}
		if audience.Check(file.Audiences...) != nil {
			return
		}
		// What is valid is written and read back as it is.
		written, err := json.Marshal(file)
		require.NoError(t, err)
		again, err := audience.ParseFile(written)
		require.NoError(t, err)
		require.Equal(t, file, again)
	})
}
