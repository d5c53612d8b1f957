package profile_test

import (
	"testing"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/profile/storetest"
)

func TestMemStoreConforms(t *testing.T) {
	storetest.Run(t, func(t *testing.T, retention time.Duration) profile.Store {
		return profile.NewMemStore(profile.WithRetention(retention))
	})
}
