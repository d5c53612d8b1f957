package audience_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// BenchmarkAccountSize shows that what an event costs does not depend on how
// many users its account has. One engine has a million users in accounts of ten,
// another has them all in one account. The two take turns of 250 events, so that
// whatever else the machine does slows both. In the second run both have only the
// same nine users log in: of either engine all that counts is in the cache.
func BenchmarkAccountSize(b *testing.B) {
	const users, turn = 1_000_000, 250
	few, many := newOffice(b, users, 10), newOffice(b, users, users)
	runtime.GC() // of what the set-up left behind
	for _, active := range []int{len(few.users), 9} {
		b.Run(fmt.Sprint(active, "_active"), func(b *testing.B) {
			var ofFew, ofMany time.Duration
			for range b.N {
				ofFew += few.logins(b, turn, active)
				ofMany += many.logins(b, turn, active)
			}
			events := float64(b.N * turn)
			b.ReportMetric(float64(ofFew)/events, "ns/event-of-10")
			b.ReportMetric(float64(ofMany)/events, "ns/event-of-1000000")
			b.ReportMetric(float64(ofMany)/float64(ofFew), "times")
			b.ReportMetric(0, "ns/op") // of a turn of both, which says nothing
		})
	}
}

// office is an engine with users in accounts, who log in one after the other.
// Each login flips what the account asks of its users, and time flips it back a
// few logins later: twice a login a count of users moves. No account enters the
// audience, as one user in ten never logs in.
type office struct {
	engine *audience.Engine
	clock  *audience.ManualClock
	users  []string // who log in
	done   int      // logins so far
}

const loginEvery = time.Millisecond

func newOffice(b *testing.B, users, size int) *office {
	b.Helper()
	o := &office{}
	o.engine, o.clock = benchEngine(b, 1)
	b.Cleanup(func() { require.NoError(b, o.engine.Close()) })
	for i := range users {
		user := fmt.Sprintf("user-%06d", i)
		require.NoError(b, o.engine.Group(context.Background(), audience.Group{
			Profile: user, Account: fmt.Sprintf("account-%05d", i/size), Time: benchStart,
		}))
		if i%10 != 0 {
			o.users = append(o.users, user)
		}
	}
	require.NoError(b, o.engine.Create(context.Background(), audience.Define("all_active").OfAccounts().Members(
		audience.AllUsers(audience.Performed("Login").Within(5*loginEvery)))))
	return o
}

// logins returns how long n of them take, by so many users in turn.
func (o *office) logins(b *testing.B, n, active int) time.Duration {
	begun := time.Now()
	for range n {
		at := benchStart.Add(time.Duration(o.done) * loginEvery)
		user := o.users[o.done*7919%active] // far from the one before
		o.done++
		o.clock.Set(at)
		if err := o.engine.Track(context.Background(), profile.Event{Profile: user, Name: "Login", Time: at}); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(begun)
}
