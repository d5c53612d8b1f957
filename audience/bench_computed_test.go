package audience_test

import (
	"context"
	"testing"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
	"github.com/stretchr/testify/require"
)

// BenchmarkComputed takes the same 200,000 orders, each of which counts, through
// a count of those of the last 90 days and through a computed sum of them. The
// count changes a membership now and then, the sum its value with every event. Then with a formula
// that reads the sum, and so changes with every event too, and with one of a trait that nobody sets.
func BenchmarkComputed(b *testing.B) {
	const n, window = 200_000, 90 * profile.Day
	events := benchLog(n, 5_000)
	for i := range events {
		events[i].Name = "Order Completed"
	}
	sum := trait.Sum("revenue", "Order Completed", "total").Within(window)
	count := audience.Performed("Order Completed").AtLeast(3).Within(window)
	for _, of := range []struct {
		name string
		file audience.File
	}{
		{"count", audience.File{Audiences: []audience.Definition{audience.Define("loyal").Members(count)}}},
		{"sum", audience.File{Traits: []trait.Computed{sum}}},
		{"sum_and_formula_of_it", audience.File{Traits: []trait.Computed{sum, trait.Formula("double", "traits.revenue * 2")}}},
		{"sum_and_formula_of_else", audience.File{Traits: []trait.Computed{sum, trait.Formula("double", "traits.seats * 2")}}},
	} {
		b.Run(of.name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				b.StopTimer()
				e, clock := benchEngine(b, 1)
				require.NoError(b, e.CreateFile(context.Background(), of.file))
				b.StartTimer()
				benchIngest(b, e, clock, events)
			}
			perEvent(b, n)
		})
	}
}
