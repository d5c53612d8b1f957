package property_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/internal/property"
	"github.com/muster-go/muster/profile"
)

func TestPathsAreReadAndWritten(t *testing.T) {
	for text, want := range map[string][]string{
		"renewal":              {"renewal"},
		"subscription.renewal": {"subscription", "renewal"},
		`["a.b"]`:              {"a.b"},
		`["a.b"]["c]"].d e`:    {"a.b", "c]", "d e"},
		`a["b.\"c"].d`:         {"a", `b."c`, "d"},
		`ä["[]"]`:              {"ä", "[]"},
	} {
		keys, err := property.ParsePath(text)
		require.NoError(t, err, text)
		require.Equal(t, want, keys, text)
		require.Equal(t, text, property.FormatPath(keys...))
	}
	keys, err := property.ParsePath(`["plain"]["\u0061"]`)
	require.NoError(t, err)
	require.Equal(t, "plain.a", property.FormatPath(keys...))
}

func TestPathsThatCannotBeAreErrors(t *testing.T) {
	for _, text := range []string{"", ".", "a.", ".a", "a..b", "a[", "a[]", "a[b]", `a["b"`, `a["b"x]`, `["b"]c`, `a.["b"]`, "a]", `[""]`, `["b]`} {
		_, err := property.ParsePath(text)
		require.ErrorIs(t, err, profile.ErrInvalid, text)
	}
}

func FuzzPath(f *testing.F) {
	f.Add(`a["b.c"].d`)
	f.Add(`["\u00e4"]`)
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := property.ParsePath(text)
		if err != nil {
			return
		}
		again, err := property.ParsePath(property.FormatPath(keys...))
		require.NoError(t, err)
		require.Equal(t, keys, again)
	})
}
