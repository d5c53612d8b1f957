package csvexport_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// The tests of the format fill a store as an engine would, without one: then
// who is a member of what is plain to see.

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Definitions that stores of tests have.
var (
	bought   = audience.Performed("Order Completed")
	buyers   = audience.Define("buyers").Members(bought)
	atRisk   = audience.Definition{Key: "at_risk", Of: profile.Account, PerUser: true, Where: bought.Node()}
	revenue  = trait.Sum("revenue", "Order Completed", "total")
	accounts = trait.Count("orders", "Order Completed").OfAccounts()
)

func apply(t testing.TB, s profile.Store, batch ...profile.Change) {
	t.Helper()
	require.NoError(t, profile.Apply(context.Background(), s, noon, batch...))
}

// define makes keys known to a store, by the definitions that an engine keeps.
func define(t testing.TB, s profile.Store, definitions ...any) {
	t.Helper()
	for _, d := range definitions {
		var file audience.File
		var key string
		switch d := d.(type) {
		case audience.Definition:
			file.Audiences, key = []audience.Definition{d}, d.Key
		case trait.Computed:
			file.Traits, key = []trait.Computed{d}, d.Key
		}
		text, err := json.Marshal(file)
		require.NoError(t, err)
		apply(t, s, &profile.UseKey{Record: profile.KeyRecord{Key: key, Definition: text}})
	}
}

// enter makes a profile a member.
func enter(key string, ref profile.Ref) profile.Change {
	return &profile.SetMember{Membership: profile.Membership{Audience: key, Ref: ref, Since: noon}, Member: true}
}

// set gives a profile a value.
func set(key string, ref profile.Ref, v profile.Value) profile.Change {
	return &profile.SetValue{Value: profile.ComputedValue{Key: key, Ref: ref, Value: v, Since: noon}}
}

// ids attaches external ids, given as type, value, type, value, ...
func ids(ref profile.Ref, typesAndValues ...string) profile.Change {
	c := &profile.PutIDs{Ref: ref}
	for i := 0; i < len(typesAndValues); i += 2 {
		c.IDs = append(c.IDs, profile.ExternalID{Type: typesAndValues[i], Value: typesAndValues[i+1]})
	}
	return c
}
