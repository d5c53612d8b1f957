package property_test

import (
	"strings"
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

	s, err := property.Parse(`["order.total"]`)
	require.NoError(t, err)
	require.Equal(t, "order.total", s.Keys[0].String())
	s, err = property.Parse(`user.traits["a.b"].c`)
	require.NoError(t, err)
	require.True(t, s.OfUser)
	require.Equal(t, "a.b", s.Keys[0].String())
	s, err = property.Parse("user.traits.plan")
	require.NoError(t, err)
	require.True(t, s.OfUser)
	require.Equal(t, "plan", s.Keys[0].String())
	traits := traitset.At([]profile.TraitWrite{{Name: "plan", Value: profile.StringValue("pro")}}, 0, 0)
	require.Equal(t, "null", s.Value(&traits).String(), "arrived before") // Seq 0
	traits = traitset.At([]profile.TraitWrite{{Name: "plan", Value: profile.StringValue("pro"), Seq: 1, Time: profile.MinTime}}, 0, 0)
	require.Equal(t, `"pro"`, s.Value(&traits).String())

	require.True(t, property.Source{}.Value(&properties).IsNull(), "of a count")
}

func TestListsAreGoneThrough(t *testing.T) {
	o, err := profile.NewObject(map[string]any{
		"products": []any{map[string]any{"price": 2, "tags": []any{"a", "b"}}, map[string]any{"tags": "c"}, 7, nil, map[string]any{"price": 3.5}},
		"tags":     []any{"x", nil, "y"}, "plain": 1, "in": map[string]any{"a.b": []any{1, 2}},
	})
	require.NoError(t, err)
	for path, want := range map[string]string{
		"products[].price":        "2 3.5",
		"products[].tags":         `["a","b"] "c"`,
		"products[].tags[]":       `"a" "b"`,
		"tags[]":                  `"x" "y"`,
		`in["a.b"][]`:             "1 2",
		`["products"][]["price"]`: "2 3.5",
		"plain[]":                 "", "none[].x": "", "in[]": "", "tags[].x": "",
	} {
		s, err := property.Parse(path)
		require.NoError(t, err, path)
		require.True(t, s.Lists())
		var all []string
		for v := range s.All(&o) {
			all = append(all, v.String())
		}
		require.Equal(t, want, strings.Join(all, " "), path)
	}
	for _, path := range []string{"[]", "a[][]", "a[]b", "[].a", "a.[]", "a[0]"} {
		_, err := property.Parse(path)
		require.ErrorIs(t, err, profile.ErrInvalid, path)
	}
}
