package audience_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// perEvent reports the time of one event.
func perEvent(b *testing.B, events int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(events), "ns/event")
}

// BenchmarkIngest takes a log of 200,000 events through ten audiences, by hand
// and through the engine, which also stores the events. With 100 events a user
// most of them find a user that is known; with 10 every other event is the first
// of its kind for its user, and changes one or two memberships.
func BenchmarkIngest(b *testing.B) {
	const n = 200_000
	for _, perUser := range []int{100, 10} {
		events := benchLog(n, n/perUser)
		b.Run(fmt.Sprint(perUser, "/hand"), func(b *testing.B) {
			b.ReportAllocs()
			changes := 0
			for range b.N {
				changes = 0
				l := newHandLoop(nil, func(string, int, bool, int64) { changes++ })
				for i := range events {
					l.track(&events[i])
				}
			}
			b.ReportMetric(float64(changes)/n, "transitions/event")
			perEvent(b, n)
		})
		b.Run(fmt.Sprint(perUser, "/engine"), func(b *testing.B) {
			b.ReportAllocs()
			changes := 0
			for range b.N {
				changes = 0
				e, clock := benchEngine(b, 1, benchAudiences()...)
				e.Subscribe(func(context.Context, audience.Transition) error { changes++; return nil })
				benchIngest(b, e, clock, events)
			}
			b.ReportMetric(float64(changes)/n, "transitions/event")
			perEvent(b, n)
		})
	}
}

func benchEngine(tb testing.TB, shards int, defs ...audience.Definition) (*audience.Engine, *audience.ManualClock) {
	tb.Helper()
	clock := audience.NewManualClock(benchStart)
	e, err := audience.New(context.Background(), profile.NewMemStore(), audience.Options{Clock: clock, Shards: shards})
	require.NoError(tb, err)
	require.NoError(tb, e.Create(context.Background(), defs...))
	return e, clock
}

func benchIngest(tb testing.TB, e *audience.Engine, clock *audience.ManualClock, events []profile.Event) {
	ctx := context.Background()
	for i := range events {
		clock.Set(events[i].Time)
		if err := e.Track(ctx, events[i]); err != nil {
			tb.Fatal(err)
		}
	}
}

// BenchmarkIngestAudiences shows that the cost of an event depends on the
// audiences that it can change: ten on ten products, then ten thousand on ten
// thousand products, of which an event can match as many.
func BenchmarkIngestAudiences(b *testing.B) {
	const n = 100_000
	events := benchLog(n, 20_000)
	for _, audiences := range []int{10, 10_000} {
		b.Run(fmt.Sprint(audiences), func(b *testing.B) {
			b.ReportAllocs()
			defs := benchAudiences()
			for i := len(defs); i < audiences; i++ {
				defs = append(defs, audience.Define(fmt.Sprintf("product_%d", i)).Members(
					audience.Performed("Product Viewed").
						Where(fmt.Sprintf(`properties.product_id == "none-%d"`, i)).
						Within(30*profile.Day)))
			}
			for range b.N {
				b.StopTimer()
				e, clock := benchEngine(b, 1, defs...)
				b.StartTimer()
				benchIngest(b, e, clock, events)
			}
			perEvent(b, n)
		})
	}
}

// BenchmarkTimers replays a million due timers: as many users leave an audience
// by time alone.
func BenchmarkTimers(b *testing.B) {
	const n = 1_000_000
	ctx := context.Background()
	b.ReportAllocs()
	for range b.N {
		b.StopTimer()
		e, clock := benchEngine(b, 1, audience.Define("recent").Members(audience.Performed("View").Within(profile.Day)))
		for i := range n {
			at := benchStart.Add(time.Duration(i*7919%n) * time.Millisecond)
			clock.Set(benchStart.Add(time.Hour))
			if err := e.Track(ctx, profile.Event{Profile: fmt.Sprintf("u%07d", i), Name: "View", Time: at}); err != nil {
				b.Fatal(err)
			}
		}
		exits := 0
		e.Subscribe(func(context.Context, audience.Transition) error { exits++; return nil })
		b.StartTimer()
		require.NoError(b, e.Advance(ctx, benchStart.Add(3*profile.Day)))
		b.StopTimer()
		require.Equal(b, n, exits)
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "transitions/s")
}

// BenchmarkIngestParallel takes the same events from one goroutine and from
// two, each with users of its own. By hand the two share nothing at all: what
// they gain is what the machine gives.
func BenchmarkIngestParallel(b *testing.B) {
	const n = 400_000
	events := benchLog(n, 20_000)
	for _, goroutines := range []int{1, 2} {
		parts := make([][]profile.Event, goroutines)
		for _, ev := range events {
			i := int(ev.Profile[len(ev.Profile)-1]) % goroutines
			parts[i] = append(parts[i], ev)
		}
		b.Run(fmt.Sprint("hand/", goroutines), func(b *testing.B) {
			for range b.N {
				inParallel(parts, func(part []profile.Event) {
					l := newHandLoop(nil, func(string, int, bool, int64) {})
					for i := range part {
						l.track(&part[i])
					}
				})
			}
			perEvent(b, n)
		})
		names, accounts := benchAccounts()
		for i, of := range accounts {
			b.Run(fmt.Sprint(names[i], "/", goroutines), func(b *testing.B) {
				b.ReportAllocs()
				for range b.N {
					b.StopTimer()
					e, clock := benchEngine(b, 64, append(benchAudiences(), of...)...)
					if names[i] == "users-of-accounts" {
						benchGroup(b, e, events, 1000)
					}
					b.StartTimer()
					inParallel(parts, func(part []profile.Event) { benchIngest(b, e, clock, part) })
				}
				perEvent(b, n)
			})
		}
	}
}

// benchAccounts are definitions of accounts that are live beside those of users.
func benchAccounts() (names []string, defs [][]audience.Definition) {
	one := func(event string) []audience.Definition {
		return []audience.Definition{audience.Define("account").OfAccounts().Members(audience.Performed(event).Within(profile.Day))}
	}
	return []string{"engine", "accounts-of-others", "users-of-none", "users-of-accounts"},
		[][]audience.Definition{nil, one("Nobody Sends"), one("Product Viewed"), one("Product Viewed")}
}

// benchGroup attaches all users to one of n accounts.
func benchGroup(b *testing.B, e *audience.Engine, events []profile.Event, n int) {
	grouped := map[string]bool{}
	for i := range events {
		user := events[i].Profile
		if grouped[user] {
			continue
		}
		grouped[user] = true
		if err := e.Group(context.Background(), audience.Group{Profile: user, Account: fmt.Sprint("account", len(grouped)%n)}); err != nil {
			b.Fatal(err)
		}
	}
}

func inParallel(parts [][]profile.Event, do func([]profile.Event)) {
	var wg sync.WaitGroup
	for _, part := range parts {
		wg.Add(1)
		go func() {
			defer wg.Done()
			do(part)
		}()
	}
	wg.Wait()
}
