package profile_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

var (
	benchStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	benchNames = [...]string{"Product Viewed", "Product Added", "Order Completed"}
)

// benchEvent returns event i of a profile: three short properties and a UUID.
func benchEvent(user, i int) profile.Event {
	return profile.Event{
		Profile:    "user-" + strconv.Itoa(1_000_000+user),
		Name:       benchNames[i%len(benchNames)],
		Time:       benchStart.Add(time.Duration(i)*7*time.Hour + time.Duration(user)*time.Millisecond),
		MessageID:  benchUUID(uint64(user), uint64(i)),
		Properties: benchProperties[(user+i)%len(benchProperties)],
	}
}

var benchProperties = func() (list []profile.Object) {
	for i := range 64 {
		o, err := profile.ParseObject(fmt.Appendf(nil, `{"product_id":"p%d","price":%d.99,"category":"shoes"}`, 1000+i, 10+i))
		if err != nil {
			panic(err)
		}
		list = append(list, o)
	}
	return list
}()

func benchUUID(a, b uint64) string {
	r := rand.New(rand.NewPCG(a, b))
	h, l := r.Uint64(), r.Uint64()
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", h>>32, h>>16&0xffff, h&0xffff, l>>48, l&0xffff_ffff_ffff)
}

func BenchmarkMemStoreBytesPerEvent(b *testing.B) {
	for _, size := range []struct{ profiles, events int }{{100_000, 10}, {10_000, 100}} {
		b.Run(fmt.Sprintf("profiles=%d/events=%d", size.profiles, size.events), func(b *testing.B) {
			for range b.N {
				before := heapInUse()
				s := profile.NewMemStore()
				for i := range size.events {
					for user := range size.profiles {
						put(b, s, &profile.PutEvent{Event: benchEvent(user, i)})
					}
				}
				b.ReportMetric(float64(heapInUse()-before)/float64(size.profiles*size.events), "bytes/event")
				require.NoError(b, s.Close())
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func put(tb testing.TB, s profile.Store, batch ...profile.Change) {
	if err := profile.Apply(context.Background(), s, benchStart.Add(365*profile.Day), batch...); err != nil {
		tb.Fatal(err)
	}
}

const benchUsers = 100_000

// benchStore returns a store of benchUsers profiles of one event each, and n
// events for them, the times of each profile's ascending.
func benchStore(b *testing.B, n int) (*profile.MemStore, []profile.PutEvent) {
	s := profile.NewMemStore()
	for user := range benchUsers {
		put(b, s, &profile.PutEvent{Event: benchEvent(user, 0)})
	}
	events := make([]profile.PutEvent, n)
	for i := range events {
		events[i].Event = benchEvent(i%benchUsers, 1+i/benchUsers)
	}
	runtime.GC()
	return s, events
}

func BenchmarkMemStoreApply(b *testing.B) {
	now := benchStart.Add(365 * profile.Day)
	ctx := context.Background()

	for _, goroutines := range []int{1, 2} {
		b.Run(fmt.Sprintf("inOrder/goroutines=%d", goroutines), func(b *testing.B) {
			s, events := benchStore(b, b.N)
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			for g := range goroutines {
				wg.Add(1)
				go func() {
					defer wg.Done()
					for i := g; i < len(events); i += goroutines {
						if err := profile.Apply(ctx, s, now, &events[i]); err != nil {
							b.Error(err)
						}
					}
				}()
			}
			wg.Wait()
		})
	}
	b.Run("late", func(b *testing.B) {
		s, events := benchStore(b, b.N)
		for i := range events {
			events[i].Event.Time = benchStart.Add(-time.Duration(i) * time.Second)
		}
		b.ReportAllocs()
		b.ResetTimer()
		for i := range events {
			if err := profile.Apply(ctx, s, now, &events[i]); err != nil {
				b.Error(err)
			}
		}
	})
	b.Run("duplicate", func(b *testing.B) {
		s, events := benchStore(b, 1000)
		for i := range events {
			put(b, s, &events[i])
		}
		b.ReportAllocs()
		b.ResetTimer()
		for i := range b.N {
			e := &events[i%len(events)]
			if err := profile.Apply(ctx, s, now, e); err != nil || !e.Duplicate {
				b.Error("stored again", err)
			}
		}
	})
}

func BenchmarkMemStoreEvents(b *testing.B) {
	s := profile.NewMemStore()
	const n = 10_000
	for i := range n {
		e := benchEvent(0, i)
		e.Name = benchNames[0]
		put(b, s, &profile.PutEvent{Event: e})
	}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		seen := 0
		for _, err := range s.Events(context.Background(), "user-1000000", benchNames[0], time.Time{}) {
			if err != nil {
				b.Fatal(err)
			}
			seen++
		}
		require.Equal(b, n, seen)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
}

func BenchmarkMemStoreSnapshot(b *testing.B) {
	for _, users := range []int{1000, 100_000} {
		b.Run(fmt.Sprintf("profiles=%d", users), func(b *testing.B) {
			s := profile.NewMemStore()
			for user := range users {
				put(b, s, &profile.PutEvent{Event: benchEvent(user, 0)})
			}
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				snap, err := s.Snapshot(context.Background())
				if err != nil {
					b.Fatal(err)
				}
				if err := snap.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkMemStoreSetValue sets values that fit in the bytes of those before.
func BenchmarkMemStoreSetValue(b *testing.B) {
	s, _ := benchStore(b, 0)
	sets := make([]profile.SetValue, benchUsers)
	for i := range sets {
		sets[i].Value = profile.ComputedValue{Key: "orders", Ref: profile.UserRef(benchEvent(i, 0).Profile), Since: benchStart}
		sets[i].Value.Value = profile.IntValue(int64(i))
		put(b, s, &sets[i])
	}
	batch := make([]profile.Change, 1)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		set := &sets[i%benchUsers]
		set.Value.Value = profile.IntValue(int64(i))
		batch[0] = set
		put(b, s, batch...)
	}
}

// BenchmarkMemStoreDuplicate is a message that comes again, by its id alone, to a
// profile of many events.
func BenchmarkMemStoreDuplicate(b *testing.B) {
	for _, n := range []int{1000, 500_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			ctx, s := context.Background(), profile.NewMemStore()
			for i := range n {
				at := benchStart.Add(time.Duration(i) * 10 * time.Second)
				e := &profile.PutEvent{Event: profile.Event{Profile: "u", Name: "A", Time: at, MessageID: strconv.Itoa(i)}}
				if err := profile.Apply(ctx, s, at, e); err != nil {
					b.Fatal(err)
				}
			}
			tx, err := s.Begin(ctx, benchStart.Add(365*profile.Day))
			require.NoError(b, err)
			defer tx.Abort()
			for i := 0; b.Loop(); i++ {
				if seen, err := tx.Seen(ctx, profile.UserRef("u"), strconv.Itoa(i*7919%n)); err != nil || !seen {
					b.Fatal("lost", err)
				}
			}
		})
	}
}

// BenchmarkMemStoreMerge is a visitor of one event who becomes a user of many.
func BenchmarkMemStoreMerge(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			ctx, s := context.Background(), profile.NewMemStore(profile.WithLimits(profile.Limits{IDs: math.MaxInt}))
			put := func(id string, i int) {
				at := benchStart.Add(time.Duration(i) * 10 * time.Second)
				e := &profile.PutEvent{Event: profile.Event{Profile: id, Name: "A", Time: at, MessageID: id + strconv.Itoa(i)}}
				if err := profile.Apply(ctx, s, at, e); err != nil {
					b.Fatal(err)
				}
			}
			for i := range n {
				put("u", i)
			}
			for i := n; b.Loop(); i++ {
				id := "visitor" + strconv.Itoa(i)
				put(id, i)
				if err := profile.Apply(ctx, s, benchStart, &profile.Merge{From: id, Into: "u"}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
