package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Both sides answer alike, whatever shape the history has.
func TestBothSidesAnswerAlike(t *testing.T) {
	for _, s := range []sizes{{events: 20_000, users: 2_000, runs: 1}, {events: 20_000, users: 100, runs: 1}, {events: 3_000, users: 3_000, runs: 2}} {
		rows, err := run(t.Context(), s)
		require.NoError(t, err)
		require.Len(t, rows, len(questions))
		some := 0
		for _, r := range rows {
			require.Positive(t, r.duck)
			require.Positive(t, r.preview)
			require.Positive(t, r.create)
			some += r.members
		}
		require.Positive(t, some)
	}
}

// A difference is an error, and says which.
func TestADifferenceIsAnError(t *testing.T) {
	require.NoError(t, differ("preview", 3, 3, nil))
	require.EqualError(t, differ("preview", 3, 4, nil), "preview has 3 members, DuckDB 4")
}

func TestTheTableHasRatios(t *testing.T) {
	var out strings.Builder
	require.NoError(t, command(t.Context(), []string{"-events", "2000", "-runs", "1"}, &out))
	require.Contains(t, out.String(), "× DuckDB")
	require.Contains(t, out.String(), "× Preview")
	for _, q := range questions {
		require.Contains(t, out.String(), q.text)
	}
}

func TestSizesAreChecked(t *testing.T) {
	for _, args := range [][]string{{"-events", "0"}, {"-events", "10000001"}, {"-runs", "0"}, {"-users", "-1"}, {"more"}} {
		require.Error(t, command(t.Context(), args, &strings.Builder{}), args)
	}
}
