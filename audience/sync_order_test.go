package audience_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
)

// Whatever way one definition reads another, the one that is read is edited first and
// deleted last.
func TestSyncKnowsEveryWayToReadADefinition(t *testing.T) {
	ctx := context.Background()
	const users, accounts = `"of": "users", `, `"of": "accounts", `
	for name, tc := range map[string]struct {
		read   string // the definition "z", but for its key and what is edited
		reader string // the definition "a"
	}{
		"a trait": {
			`{"traits": [{"key": "z", "type": "count", "event": "E"%s}], "audiences": [`, users + `"where": {"trait": "traits.z > 1"}`,
		},
		"a date": {
			`{"traits": [{"key": "z", "type": "last", "event": "E", "property": "p"%s}], "audiences": [`, `"where": {"trait_date": {"name": "z", "window": {"within": "1d"}}}`,
		},
		"a filter": {
			`{"traits": [{"key": "z", "type": "count", "event": "E"%s}], "audiences": [`, `"where": {"event": {"name": "A", "where": "traits.z > 1"}}`,
		},
		"a funnel": {
			`{"traits": [{"key": "z", "type": "count", "event": "E"%s}], "audiences": [`,
			`"where": {"not": {"funnel": {"steps": [{"name": "one", "event": "A"}, {"name": "no", "event": "B", "not": true, "within": "1h"}, {"name": "two", "event": "C", "where": "traits.z > properties.x && steps.one.properties.x == 1"}]}}}`,
		},
		"the account's trait": {
			`{"traits": [{"key": "z", "type": "count", "of": "accounts", "event": "E"%s}], "audiences": [`, users + `"where": {"trait": "account.traits.z > 1"}`,
		},
		"an account's own trait": {
			`{"traits": [{"key": "z", "type": "count", "of": "accounts", "event": "E"%s}], "audiences": [`, accounts + `"where": {"trait": "traits.z > 1"}`,
		},
		"a trait of the users of an account": {
			`{"traits": [{"key": "z", "type": "count", "event": "E"%s}], "audiences": [`, accounts + `"where": {"users": {"all": {"any": [{"trait": "traits.z > 1"}]}}}`,
		},
		"an audience as a trait": {
			`{"audiences": [{"key": "z", "where": {"event": {"name": "E"%s}}}, `, `"where": {"trait": "traits.z"}`,
		},
		"an audience": {
			`{"audiences": [{"key": "z", "where": {"event": {"name": "E"%s}}}, `, `"where": {"all": [{"audience": "z"}]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			file := func(name, filter string) audience.File {
				return parsed(t, fmt.Sprintf(tc.read, filter)+`{"key": "a", "name": "`+name+`", `+tc.reader+`}]}`)
			}
			e, _, _ := newEngine(t)
			_, err := e.Sync(ctx, file("as it was", ""), audience.SyncOptions{})
			require.NoError(t, err)
			plan, err := e.Sync(ctx, file("edited", `, "where": "properties.x > 1"`), audience.SyncOptions{})
			require.NoError(t, err)
			require.Equal(t, []string{"z", "a"}, keysOf(plan))
			require.Equal(t, []string{"a"}, plan.Steps[0].Readers)
			plan, err = e.Sync(ctx, audience.File{}, audience.SyncOptions{Delete: true})
			require.NoError(t, err)
			require.Equal(t, []string{"a", "z"}, keysOf(plan))
		})
	}
}

func keysOf(p audience.Plan) (keys []string) {
	for _, s := range p.Steps {
		keys = append(keys, s.Audience+s.Trait)
	}
	return keys
}
