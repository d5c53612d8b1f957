package profileapi_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// A page of 20 of a user with 20 traits, where audiences are live beside.
func BenchmarkTraits(b *testing.B) {
	for _, audiences := range []int{10, 1000} {
		b.Run(fmt.Sprintf("audiences=%d", audiences), func(b *testing.B) {
			w := newWorld(b, anyone{})
			for i := range 20 {
				w.setTrait("u", fmt.Sprintf("trait_%d", i), i)
			}
			var defs []audience.Definition
			for i := range audiences {
				defs = append(defs, audience.Define(fmt.Sprintf("audience_%d", i)).Members(audience.Performed(fmt.Sprintf("Event %d", i))))
			}
			require.NoError(b, w.engine.Create(context.Background(), defs...))
			w.measure(b, "users/profiles/user_id:u/traits")
		})
	}
}

// A page of 20 of a user with ten events a day: the first, and one in the middle
// of the history.
func BenchmarkEvents(b *testing.B) {
	for _, n := range []int{1_000, 20_000} {
		w := newWorld(b, anyone{})
		for i := range n {
			w.track("u", fmt.Sprintf("Event %d", i%10), fmt.Sprint(i), noon.Add(-time.Duration(i)*profile.Day/10))
		}
		const target = "users/profiles/user_id:u/events"
		b.Run(fmt.Sprintf("events=%d/first", n), func(b *testing.B) { w.measure(b, target) })
		next := ""
		for range n / 200 / 2 {
			next = "&next=" + w.page(target+"?limit=200"+next).Cursor.Next
		}
		b.Run(fmt.Sprintf("events=%d/middle", n), func(b *testing.B) { w.measure(b, target+"?limit=20"+next) })
	}
}

func (w *world) measure(b *testing.B, target string) {
	b.ReportAllocs()
	for b.Loop() {
		if status, body := w.get(target); status != 200 {
			b.Fatal(body)
		}
	}
}
