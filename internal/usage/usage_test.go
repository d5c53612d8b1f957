package usage

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/profile"
)

var newYear = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func add(t *Table[int, struct{}], key int) {
	item := t.Get(key)
	if item == nil {
		item = t.Insert(key)
	}
	item.Add()
}

// TestATableKnowsHowMuchItMisses holds tables to exact counts, of frequencies from all the
// same to one key that is half of all, alone and merged from several.
func TestATableKnowsHowMuchItMisses(t *testing.T) {
	const limit = 64
	random := rand.New(rand.NewPCG(1, 2))
	for _, skew := range []float64{0, 0.5, 1, 2, 6} {
		for parts := 1; parts <= 3; parts++ {
			exact := map[int]uint64{}
			all := NewTable[int, struct{}](limit)
			n := uint64(0)
			for part := range parts {
				table := NewTable[int, struct{}](limit)
				for range 5000 {
					key := int(1000 * pow(random.Float64(), skew+1))
					if part == 1 {
						key++ // not all parts have the same
					}
					exact[key]++
					n++
					add(&table, key)
					require.LessOrEqual(t, table.Len(), limit)
				}
				all.merge(&table, func(_, _ *struct{}) {})
			}
			require.LessOrEqual(t, all.Gone(), 2*n/limit)
			for key, count := range exact {
				item := all.Get(key)
				if item == nil {
					require.LessOrEqual(t, count, all.Gone(), "key %d", key)
					continue
				}
				if item.Count > count || count > item.Count+item.Missed {
					t.Fatalf("skew %v, %d parts: key %d was there %d times, not %d to %d", skew, parts, key, count, item.Count, item.Count+item.Missed)
				}
			}
		}
	}
}

func pow(x, y float64) float64 {
	p := 1.0
	for ; y > 0; y-- {
		p *= x
	}
	return p
}

// TestATableThatIsNotFullIsExact: nothing was let go of.
func TestATableThatIsNotFullIsExact(t *testing.T) {
	table := NewTable[int, struct{}](64)
	for i := range 6400 {
		add(&table, i%64)
	}
	for key, item := range table.All {
		require.Equal(t, uint64(100), item.Count, key)
		require.Zero(t, item.Missed)
	}
	require.Zero(t, table.Gone())
}

// TestValuesAreHeldToExactCounts does what the test of tables does for values of a field.
func TestValuesAreHeldToExactCounts(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, skew := range []float64{0, 1, 3, 9} {
		var all Field
		exact := map[int64]uint64{}
		n := uint64(0)
		for range 3 {
			var f Field
			for range 2000 {
				v := int64(100 * pow(random.Float64(), skew))
				exact[v]++
				n++
				f.add(profile.IntValue(v))
				require.LessOrEqual(t, len(f.Values), maxValues)
			}
			all.merge(&f)
			require.LessOrEqual(t, len(all.Values), maxValues)
		}
		kept := map[int64]bool{}
		for _, v := range all.Values {
			is, _ := v.Value.Int()
			kept[is] = true
			if v.Count > exact[is] || exact[is] > v.Count+v.Missed {
				t.Fatalf("skew %v: %d was there %d times, not %d to %d", skew, is, exact[is], v.Count, v.Count+v.Missed)
			}
		}
		for v, count := range exact {
			if count > n/(maxValues+1) {
				require.True(t, kept[v], "%d, %d times", v, count)
			}
		}
	}
}

// TestMemoryIsBounded sends a million names of properties, each once, with a text of its
// own, among events that are there all the time.
func TestMemoryIsBounded(t *testing.T) {
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	fields := NewFields()
	names := NewNames(fields)
	usual, err := profile.NewObject(map[string]any{"total": 20.58, "currency": "EUR"})
	require.NoError(t, err)
	const distinct = 1_000_000
	for i := range distinct / 100 {
		properties := map[string]any{}
		for j := range 100 {
			properties[fmt.Sprintf("property number %d", i*100+j)] = fmt.Sprintf("a value as long as they often are %d", i*100+j)
		}
		odd, err := profile.NewObject(properties)
		require.NoError(t, err)
		fields.Add(Group{Event: "Odd"}, odd) // each one is looked at
		names.Add(Group{Event: fmt.Sprint("Odd event ", i)}, newYear, odd)
		names.Add(Group{Event: "Order Completed"}, newYear, usual)
		fields.Add(Group{Event: "Order Completed"}, usual)
	}
	after := heap()
	t.Logf("%d distinct names of properties, %d of events: %.1f MB", distinct, distinct/100, float64(after-before)/1e6)
	require.Less(t, after-before, uint64(16<<20))
	item := names.groups.Get(Group{Event: "Order Completed"})
	require.Equal(t, uint64(distinct/100), item.Count)
	require.NotNil(t, fields.fields.Get(FieldKey{Group: Group{Event: "Order Completed"}, Name: "total"}), "what is frequent stays")
	runtime.KeepAlive(fields)
}

// BenchmarkNamesAdd is what an event costs: of one property and of ten.
func BenchmarkNamesAdd(b *testing.B) {
	for _, n := range []int{1, 10} {
		b.Run(fmt.Sprintf("properties=%d", n), func(b *testing.B) {
			properties := map[string]any{}
			for i := range n {
				properties[fmt.Sprint("property", i)] = i
			}
			o, err := profile.NewObject(properties)
			require.NoError(b, err)
			names := NewNames(NewFields())
			b.ReportAllocs()
			for b.Loop() {
				names.Add(Group{Event: "Order Completed"}, newYear, o)
			}
		})
	}
}
