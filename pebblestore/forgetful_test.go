package pebblestore

import (
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/profile/storetest"
	"github.com/stretchr/testify/require"
)

// A store that keeps no profile in memory reads each from its rows, for every transaction.
func TestAStoreThatForgetsEveryProfilePassesTheConformanceSuite(t *testing.T) {
	storetest.Run(t, func(t *testing.T, retention time.Duration) profile.Store {
		s, err := Open("store", Options{Retention: retention, FS: vfs.NewMem(), CacheBytes: 8 << 20})
		require.NoError(t, err)
		for i := range s.lanes {
			s.lanes[i].cache.most = 0
		}
		return s
	})
}
