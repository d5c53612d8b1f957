package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/replica/logtest"
	"github.com/stretchr/testify/require"
)

func TestPostgresIsALog(t *testing.T) {
	logtest.Run(t, func(t *testing.T, partitions int) logtest.Fixture {
		pool, _ := database(t)
		l, err := Open(t.Context(), pool, partitions, Options{Lease: 500 * time.Millisecond})
		require.NoError(t, err)
		return logtest.Fixture{Log: l, Steal: func(partition int) {
			_, err := pool.Exec(context.Background(), `UPDATE muster_output SET owner = NULL WHERE partition = $1`, partition)
			require.NoError(t, err)
		}}
	})
}

func TestPostgresKeepsBlobs(t *testing.T) {
	pool, _ := database(t)
	l, err := Open(t.Context(), pool, 1, Options{})
	require.NoError(t, err)
	logtest.RunBlobs(t, l)
}

func TestPlacementsStay(t *testing.T) {
	pool, _ := database(t)
	l, err := Open(t.Context(), pool, 4, Options{})
	require.NoError(t, err)
	_, placed, err := l.Find(t.Context(), "u1")
	require.NoError(t, err)
	require.False(t, placed)
	for _, wish := range []int{3, 1, 3} {
		where, err := l.Place(t.Context(), "u1", wish)
		require.NoError(t, err)
		require.Equal(t, 3, where)
	}
	where, placed, err := l.Find(t.Context(), "u1")
	require.NoError(t, err)
	require.True(t, placed)
	require.Equal(t, 3, where)
}

func TestASchemaIsMadeOnceAndALaterOneIsRefused(t *testing.T) {
	pool, _ := database(t)
	for range 2 {
		_, err := Open(t.Context(), pool, 4, Options{})
		require.NoError(t, err)
	}
	_, err := Open(t.Context(), pool, 5, Options{})
	require.ErrorIs(t, err, profile.ErrInvalid)
	_, err = pool.Exec(t.Context(), `INSERT INTO muster_migrations (name) VALUES ('migrations/9999_later.sql')`)
	require.NoError(t, err)
	_, err = Open(t.Context(), pool, 4, Options{})
	require.ErrorContains(t, err, "9999_later")
}
