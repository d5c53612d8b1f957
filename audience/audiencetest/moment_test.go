package audiencetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMoments(t *testing.T) {
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	now := start.Add(36 * time.Hour)
	for _, c := range []struct{ text, canonical, instant string }{
		{"day 1", "day 1 00:00", "2026-03-01T00:00:00Z"},
		{"day 3 10:00", "day 3 10:00", "2026-03-03T10:00:00Z"},
		{"day 3 9:05:07", "day 3 09:05:07", "2026-03-03T09:05:07Z"},
		{"day 3 23:59:59.999999999", "day 3 23:59:59.999999999", "2026-03-03T23:59:59.999999999Z"},
		{"day 0", "day 0 00:00", "2026-02-28T00:00:00Z"},
		{"day -1 12:00", "day -1 12:00", "2026-02-27T12:00:00Z"},
		{"day 31 10:00 -1ns", "day 31 10:00 -1ns", "2026-03-31T09:59:59.999999999Z"},
		{"day 1 +1w", "day 1 00:00 +7d", "2026-03-08T00:00:00Z"},
		{"+30d", "+30d", "2026-04-01T12:00:00Z"},
		{"-1h30m", "-1h30m", "2026-03-02T10:30:00Z"},
		{"2026-05-01", "2026-05-01T00:00:00Z", "2026-05-01T00:00:00Z"},
		{"2026-05-01T10:00:00+02:00 +1ns", "2026-05-01T08:00:00Z +1ns", "2026-05-01T08:00:00.000000001Z"},
	} {
		tokens, err := tokenize([]string{c.text}, 1)
		require.NoError(t, err)
		cur := newCursor(tokens, 1)
		m, err := cur.moment()
		require.NoError(t, err, c.text)
		require.NoError(t, cur.end(), c.text)
		require.Equal(t, c.canonical, m.String())
		require.Equal(t, c.instant, m.in(start, now).Format(time.RFC3339Nano), c.text)
	}
}

// What the engine writes of instants is given in days; texts in quotes are values.
func TestInstantsOfTheEngineAreGivenInDays(t *testing.T) {
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	require.Equal(t,
		`until day 31 10:00:00.5 if "2026-03-01T00:00:00Z" \ "a \" 2026-03-01T00:00:00Z"; day 0 23:59`,
		inDays(`until 2026-03-31T10:00:00.5Z if "2026-03-01T00:00:00Z" \ "a \" 2026-03-01T00:00:00Z"; 2026-02-28T23:59:00Z`, start))
}
