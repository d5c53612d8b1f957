package property_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/internal/property"
	"github.com/muster-go/muster/internal/traitset"
	"github.com/muster-go/muster/profile"
)

func TestSourceReadsPropertiesAndTraitsOfTheUser(t *testing.T) {
	properties, err := profile.NewObject(map[string]any{
		"total": 5, "address": map[string]any{"city": "Ulm"}, "user": map[string]any{"plan": "pro"}})
	require.NoError(t, err)
	for path, want := range map[string]string{
		"total": "5", "address.city": `"Ulm"`, "user.plan": `"pro"`,
		"address": `{"city":"Ulm"}`, "total.city": "null", "address.zip": "null", "none": "null",
	} {
		s, err := property.Parse(path)
		require.NoError(t, err)
		require.False(t, s.OfUser)
		require.Equal(t, want, s.Value(&properties).String(), path)
	}

	s, err := property.Parse("user.traits.plan")
	require.NoError(t, err)
	require.True(t, s.OfUser)
	require.Equal(t, "plan", s.Keys[0].String())
	traits := traitset.At([]profile.TraitWrite{{Name: "plan", Value: profile.StringValue("pro")}}, 0, 0)
	require.Equal(t, "null", s.Value(&traits).String(), "arrived before") // Seq 0
	traits = traitset.At([]profile.TraitWrite{{Name: "plan", Value: profile.StringValue("pro"), Seq: 1, Time: profile.MinTime}}, 0, 0)
	require.Equal(t, `"pro"`, s.Value(&traits).String())

	require.True(t, property.Source{}.Value(&properties).IsNull(), "of a count")
}
