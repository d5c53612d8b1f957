package pebblestore_test

import (
	"context"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/pebblestore"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

var officeUsers = flag.Int("office-users", 1_000_000, "how many users the account of BenchmarkFirstTouch has")

// BenchmarkFirstTouch opens an engine on a store, and takes the first event of a user of an
// account of many, which asks how many of them log in.
func BenchmarkFirstTouch(b *testing.B) {
	ctx := context.Background()
	s, err := pebblestore.Open(b.TempDir(), pebblestore.Options{SyncInterval: 100 * time.Millisecond})
	require.NoError(b, err)
	defer s.Close()
	batch := make([]profile.Change, 0, 1000)
	for i := range *officeUsers {
		batch = append(batch, &profile.Join{User: fmt.Sprint("user-", i), Account: "acme"})
		if len(batch) == cap(batch) || i == *officeUsers-1 {
			require.NoError(b, profile.Apply(ctx, s, shopStart, batch...))
			batch = batch[:0]
		}
	}
	clock := audience.NewManualClock(shopStart)
	open := func() *audience.Engine {
		e, err := audience.New(ctx, s, audience.Options{Clock: clock, CacheBytes: 64 << 20})
		require.NoError(b, err)
		return e
	}
	e := open()
	require.NoError(b, e.Create(ctx, audience.Define("active").OfAccounts().Members(
		audience.AtLeastPercentOfUsers(50, audience.Performed("Login").Within(profile.Day)))))
	require.NoError(b, e.Close())
	i := 0
	b.ResetTimer()
	for b.Loop() {
		e := open()
		i++
		if err := e.Track(ctx, profile.Event{Profile: fmt.Sprint("user-", i), Name: "Login", Time: shopStart}); err != nil {
			b.Fatal(err)
		}
		require.NoError(b, e.Close())
	}
}
