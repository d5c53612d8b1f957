package backoff

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEachFailureWaitsTwiceAsLong(t *testing.T) {
	for failures, want := range []time.Duration{10 * time.Millisecond, 20 * time.Millisecond, 40 * time.Millisecond, 80 * time.Millisecond} {
		require.Equal(t, want, After(failures))
	}
}

func TestNoWaitIsLongerThanAMinute(t *testing.T) {
	last := time.Duration(0)
	for failures := range 100 {
		wait := After(failures)
		require.GreaterOrEqual(t, wait, last)
		require.LessOrEqual(t, wait, time.Minute)
		last = wait
	}
	require.Equal(t, time.Minute, After(math.MaxInt))
}
