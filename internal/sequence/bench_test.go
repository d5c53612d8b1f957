package sequence_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/internal/sequence"
	"github.com/muster-go/muster/profile"
)

// bought is the two-step funnel of the benchmarks, abandoned its negation.
var (
	sameProduct = "properties.product == steps.viewed.properties.product"
	bought      = funnel.Start("viewed", "View").
			Followed("ordered", "Order").Within(profile.Day).Where(sameProduct).
			WithWindow(profile.Within(profile.Week))
	abandoned = funnel.Start("viewed", "View").
			NotFollowed("ordered", "Order").Within(profile.Day).Where(sameProduct).
			WithWindow(profile.Within(profile.Week))
	cheaper = funnel.Start("viewed", "View").
		Followed("ordered", "Order").Within(profile.Day).Where("properties.price < steps.viewed.properties.price").
		WithWindow(profile.Within(profile.Week))
)

func product(b testing.TB, name string, n, price int) profile.Event {
	o, err := profile.NewObject(map[string]any{"product": fmt.Sprintf("p%06d", n), "price": price})
	require.NoError(b, err)
	return profile.Event{Profile: "u", Name: name, Properties: o}
}

// shopping returns views and orders in turn, of a thousand products.
func shopping(b testing.TB) []profile.Event {
	var events []profile.Event
	for i := range 1000 {
		events = append(events, product(b, "View", i, 100), product(b, "Order", i*7%1000, 90))
	}
	return events
}

// BenchmarkAddAndAt has some thirty events in the window, or ten thousand.
func BenchmarkAddAndAt(b *testing.B) {
	for name, f := range map[string]funnel.Funnel{"followed": bought, "not followed": abandoned, "bounded": cheaper} {
		for size, every := range map[string]time.Duration{"few": 6 * time.Hour, "fifty": 3 * time.Hour, "many": time.Minute} {
			b.Run(name+"/"+size, func(b *testing.B) {
				m, err := sequence.CompileAlone(f)
				require.NoError(b, err)
				events := shopping(b)
				s, now := m.NewState(), second(0)
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					now = now.Add(every)
					e := &events[i%len(events)]
					e.Time = now
					s.Add(e, sequence.Traits{}, now.UnixNano())
					s.At(now.UnixNano())
				}
			})
		}
	}
}

// BenchmarkLog is a log of a shop: a hundred events of each of three thousand
// users, over a month, views of a thousand products; two in ten are an order of
// one of the last ten products viewed. Counts by hand are two slices of times.
func BenchmarkLog(b *testing.B) {
	const users, each = 3000, 100
	views, orders := make([]profile.Event, 1000), make([]profile.Event, 1000)
	for i := range views {
		views[i], orders[i] = product(b, "View", i, 100), product(b, "Order", i, 90)
	}
	type record struct {
		user int
		e    *profile.Event
	}
	random := rand.New(rand.NewPCG(1, 1))
	seen := make([][]int, users)
	var log []record
	for range users * each {
		u := random.IntN(users)
		if n := len(seen[u]); n > 0 && random.IntN(5) == 0 {
			log = append(log, record{u, &orders[seen[u][n-1-random.IntN(min(n, 10))]]})
		} else {
			p := random.IntN(len(views))
			seen[u] = append(seen[u], p)
			log = append(log, record{u, &views[p]})
		}
	}
	every := 30 * profile.Day / time.Duration(len(log))
	b.Run("two counts by hand", func(b *testing.B) {
		views, orders := make([][]int64, users), make([][]int64, users)
		now := second(0).UnixNano()
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			now += int64(every)
			r := &log[i%len(log)]
			times := &views[r.user]
			if r.e.Name == "Order" {
				times = &orders[r.user]
			}
			*times = append(*times, now)
			for (*times)[0]+int64(profile.Week) <= now {
				*times = (*times)[1:]
			}
		}
	})
	for name, f := range map[string]funnel.Funnel{"followed": bought, "not followed": abandoned} {
		b.Run(name, func(b *testing.B) {
			m, err := sequence.CompileAlone(f)
			require.NoError(b, err)
			states := make([]*sequence.State, users)
			for u := range states {
				states[u] = m.NewState()
			}
			now := second(0)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				now = now.Add(every)
				r := &log[i%len(log)]
				r.e.Time = now
				states[r.user].Add(r.e, sequence.Traits{}, now.UnixNano())
				states[r.user].At(now.UnixNano())
			}
		})
	}
}

// BenchmarkByHand is what a program would write for BenchmarkAddAndAt/followed:
// two checks of a name and a property, and a map. It takes no late event, and
// answers without a horizon.
func BenchmarkByHand(b *testing.B) {
	events := shopping(b)
	now := second(0)
	viewed := map[string]time.Time{}
	var since time.Time
	key := (*profile.Dict)(nil).Key("product")
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now = now.Add(time.Minute)
		e := &events[i%len(events)]
		e.Time = now
		if e.Name == "View" {
			if v, ok := e.Properties.Lookup(key); ok {
				p, _ := v.Text()
				viewed[p] = e.Time
			}
		}
		if e.Name == "Order" {
			if v, ok := e.Properties.Lookup(key); ok {
				p, _ := v.Bytes()
				if at, ok := viewed[string(p)]; ok && at.Before(e.Time) && e.Time.Sub(at) < profile.Day && at.After(since) {
					since = at
				}
			}
		}
	}
	_ = since
}

// BenchmarkOpenStep is the memory of states with so many first steps open each.
func BenchmarkOpenStep(b *testing.B) {
	for name, f := range map[string]funnel.Funnel{"followed": bought, "not followed": abandoned} {
		m, err := sequence.CompileAlone(f)
		require.NoError(b, err)
		for _, open := range []int{1, 2, 3, 10, 33, 100, 1000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", name, open), func(b *testing.B) {
				states := min(100_000, 300_000/open)
				for b.Loop() {
					b.ReportMetric(float64(statesWithOpen(b, m, states, open))/float64(states*open), "bytes/open")
				}
			})
		}
	}
}

// statesWithOpen returns the memory of states that have so many first steps open
// each, of a product of its own, all included. As pointers states take 16 bytes
// more.
func statesWithOpen(b testing.TB, m *sequence.Matcher, states, open int) int64 {
	events := make([]profile.Event, open)
	for i := range events {
		events[i] = product(b, "View", i, 100)
		events[i].Time = second(i)
	}
	now := second(open).UnixNano()
	before := heap()
	all := make([]sequence.State, states)
	for i := range all {
		all[i] = *m.NewState()
		for n := range events {
			all[i].Add(&events[n], sequence.Traits{}, now)
		}
	}
	after := heap()
	runtime.KeepAlive(all)
	runtime.KeepAlive(events)
	return after - before
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// hostile are histories of a hundred thousand views and as many orders.
func hostile(b testing.TB, products int) map[string][]profile.Event {
	const n = 100_000
	var views, orders, inTurn []profile.Event
	for i := range n {
		at := second(0).Add(time.Duration(i) * time.Second / 2)
		v, o := product(b, "View", i%products, 100), product(b, "Order", i%products, 100)
		v.Time, o.Time = at, at.Add(time.Second/4)
		views, orders, inTurn = append(views, v), append(orders, o), append(inTurn, v, o)
	}
	reverse := make([]profile.Event, 0, len(inTurn))
	for i := range inTurn {
		reverse = append(reverse, inTurn[len(inTurn)-1-i])
	}
	shuffled := append([]profile.Event(nil), inTurn...)
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	after := append([]profile.Event(nil), views...)
	for i, e := range orders {
		e.Time = second(0).Add(n*time.Second/2 + time.Duration(i)*time.Millisecond)
		after = append(after, e)
	}
	before := append([]profile.Event(nil), after[n:]...)
	for i := range views {
		before = append(before, views[n-1-i])
	}
	return map[string][]profile.Event{
		"in turn": inTurn, "in reverse": reverse, "shuffled": shuffled,
		"orders after": after, "orders first, then views backwards": before,
	}
}

func BenchmarkHostile(b *testing.B) {
	const n = 100_000
	between := funnel.Start("viewed", "View").
		NotFollowed("ordered", "Order").Within(time.Second).Where(sameProduct).Pending().
		Followed("viewed_again", "View").Within(profile.Day).Where(sameProduct).
		WithWindow(profile.Within(profile.Week))
	for products, name := range map[int]string{1: "one product", n: "one product each"} {
		histories := hostile(b, products)
		for shape, f := range map[string]funnel.Funnel{"followed": bought, "not followed": abandoned, "between": between, "bounded": cheaper} {
			m, err := sequence.CompileAlone(f)
			require.NoError(b, err)
			for order, events := range histories {
				b.Run(shape+"/"+name+"/"+order, func(b *testing.B) {
					now := second(0).Add(n * time.Second)
					var worst, total time.Duration
					for b.Loop() {
						s := m.NewState()
						worst, total = 0, 0
						for i := range events {
							start := time.Now()
							s.Add(&events[i], sequence.Traits{}, now.UnixNano())
							s.At(now.UnixNano())
							took := time.Since(start)
							worst, total = max(worst, took), total+took
						}
					}
					b.ReportMetric(float64(total.Nanoseconds())/float64(len(events)), "ns/event")
					b.ReportMetric(float64(worst.Microseconds()), "worst-µs")
				})
			}
		}
	}
}
