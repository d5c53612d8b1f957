package audience_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// BenchmarkAccountSize shows that what an event costs does not depend on how
// many users its account has. Of a million users, in accounts of ten or all in
// one, one after the other logs in. That flips what the account asks of them, and
// time flips it back a thousand events later: its count of users moves twice an
// event. The account itself stays out of the audience in either case, as one
// user in ten never logs in.
func BenchmarkAccountSize(b *testing.B) {
	const users, window = 1_000_000, 1000 * time.Millisecond
	ids := make([]string, users)
	for i := range ids {
		ids[i] = fmt.Sprintf("user-%06d", i)
	}
	for _, size := range []int{10, users} {
		e, clock := benchEngine(b, 16, audience.Define("all_active").OfAccounts().Members(
			audience.AllUsers(audience.Performed("Login").Within(window))))
		for i, user := range ids {
			require.NoError(b, e.Group(context.Background(), audience.Group{
				Profile: user, Account: fmt.Sprintf("account-%05d", i/size), Time: benchStart,
			}))
		}
		e.Subscribe(func(_ context.Context, t audience.Transition) error {
			b.Error(t)
			return nil
		})
		logins := 0 // so far
		b.Run(fmt.Sprint(size, "_users"), func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				// Neighbours in this order are far apart, and not of one account.
				user := logins * 7919 % (users / 10 * 9)
				at := benchStart.Add(time.Duration(logins) * time.Millisecond)
				logins++
				clock.Set(at)
				err := e.Track(context.Background(), profile.Event{Profile: ids[user/9*10+user%9+1], Name: "Login", Time: at})
				if err != nil {
					b.Fatal(err)
				}
			}
			perEvent(b, 1)
		})
		require.NoError(b, e.Close())
	}
}
