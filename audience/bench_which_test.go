package audience_test

import (
	"fmt"
	"testing"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// BenchmarkWhichEvents shows that one leaf more costs an event the same whether it takes one name,
// several, a prefix or any, and that ten thousand prefixes with which no event begins cost a
// search among them. Each is beside ten thousand audiences on products.
func BenchmarkWhichEvents(b *testing.B) {
	const n = 100_000
	events := benchLog(n, 20_000)
	base := benchAudiences()
	for i := range 10_000 {
		base = append(base, audience.Define(fmt.Sprintf("product_%d", i)).Members(
			audience.Performed("Product Viewed").Where(fmt.Sprintf(`properties.product_id == "none-%d"`, i)).Within(30*profile.Day)))
	}
	month := func(e audience.Event) []audience.Definition {
		return []audience.Definition{audience.Define("more").Members(e.AtLeast(3).Within(30 * profile.Day))}
	}
	var prefixes []audience.Definition
	for i := range 10_000 {
		prefixes = append(prefixes, audience.Define(fmt.Sprintf("prefix_%d", i)).Members(audience.PerformedPrefix(fmt.Sprintf("Product %d", i))))
	}
	for _, c := range []struct {
		name string
		defs []audience.Definition
	}{
		{"none", nil},
		{"name", month(audience.Performed("Product Viewed"))},
		{"names", month(audience.Performed("Product Viewed", "Order Completed"))},
		{"prefix", month(audience.PerformedPrefix("Product "))},
		{"any", month(audience.PerformedAny())},
		{"10000_prefixes", prefixes},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				b.StopTimer()
				e, clock := benchEngine(b, 1, append(base[:len(base):len(base)], c.defs...)...)
				b.StartTimer()
				benchIngest(b, e, clock, events)
			}
			perEvent(b, n)
		})
	}
}
