package pebblestore_test

import (
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/muster-go/muster/pebblestore"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/profile/storetest"
	"github.com/stretchr/testify/require"
)

func TestStorePassesTheConformanceSuite(t *testing.T) {
	storetest.Run(t, func(t *testing.T, retention time.Duration) profile.Store {
		s, err := pebblestore.Open("store", pebblestore.Options{Retention: retention, FS: vfs.NewMem(), CacheBytes: 8 << 20})
		require.NoError(t, err)
		return s
	})
}
