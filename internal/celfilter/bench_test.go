package celfilter

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/profile"
)

// BenchmarkFilter sets lowered filters beside the same tests written by hand
// on the same stored event, and beside cel-go's own program. The promise: at
// most 3 times the hand-written time, and no allocation.
func BenchmarkFilter(b *testing.B) {
	dict := profile.NewDict()
	env, err := NewEnv(dict)
	require.NoError(b, err)
	properties := stored(b, dict, `{"category":"shoes","price":129.5,"product_id":"p-4711","quantity":2,"vip":true}`)
	traits := stored(b, dict, `{"country":"de","plan":"pro"}`)
	in := &Input{Name: "Order Completed", Time: 1, Properties: properties, Traits: &traits}
	plain := Plain{Properties: properties.Map(), Traits: traits.Map()}

	category, price, product := dict.Key("category"), dict.Key("price"), dict.Key("product_id")
	quantity, vip, plan := dict.Key("quantity"), dict.Key("vip"), dict.Key("plan")
	ids := map[string]bool{"p-1": true, "p-2": true, "p-3": true, "p-4711": true}
	text := func(o profile.Object, k profile.Key) []byte {
		v, _ := o.Lookup(k)
		t, _ := v.Bytes()
		return t
	}
	float := func(o profile.Object, k profile.Key) float64 {
		v, _ := o.Lookup(k)
		f, _ := v.Float()
		return f
	}
	for _, c := range []struct {
		name, filter string
		hand         func() bool
	}{
		{"price-and-category", `properties.price > 100.0 && properties.category == "shoes"`, func() bool {
			return float(properties, price) > 100 && string(text(properties, category)) == "shoes"
		}},
		{"equal", `properties.product_id == "p-4711"`, func() bool {
			return string(text(properties, product)) == "p-4711"
		}},
		{"in", `properties.product_id in ["p-1", "p-2", "p-3", "p-4711"]`, func() bool {
			return ids[string(text(properties, product))]
		}},
		{"prefix-or-flag", `properties.product_id.startsWith("q-") || properties.vip`, func() bool {
			if bytes.HasPrefix(text(properties, product), []byte("q-")) {
				return true
			}
			v, _ := properties.Lookup(vip)
			flag, _ := v.Bool()
			return flag
		}},
		{"has-and-trait", `has(properties.price) && traits.plan == "pro"`, func() bool {
			_, ok := properties.Lookup(price)
			return ok && string(text(traits, plan)) == "pro"
		}},
		{"total", `properties.price * 2.0 > 250.0 && properties.quantity >= 2`, func() bool {
			v, _ := properties.Lookup(quantity)
			n, _ := v.Int()
			return float(properties, price)*2 > 250 && n >= 2
		}},
	} {
		f, err := env.Event(c.filter)
		require.NoError(b, err)
		require.True(b, f.Lowered())
		require.Equal(b, True, f.Eval(in))
		require.True(b, c.hand())
		b.Run(c.name+"/lowered", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f.Eval(in)
			}
		})
		b.Run(c.name+"/hand", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.hand()
			}
		})
		b.Run(c.name+"/cel-go", func(b *testing.B) {
			b.ReportAllocs()
			vars := f.bindings(plain)
			for b.Loop() {
				evaluate(f.plain(), vars)
			}
		})
	}
}

// BenchmarkLoop is a filter that stays in cel-go, over the packed values and
// over plain maps.
func BenchmarkLoop(b *testing.B) {
	dict := profile.NewDict()
	env, err := NewEnv(dict)
	require.NoError(b, err)
	o := stored(b, dict, `{"items":[{"sku":"a","price":3.5},{"sku":"b","price":12.5}]}`)
	f, err := env.Event(`properties.items.exists(i, i.price > 10.0)`)
	require.NoError(b, err)
	in := &Input{Properties: o}
	require.Equal(b, True, f.Eval(in))
	b.Run("packed", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			f.Eval(in)
		}
	})
	b.Run("plain", func(b *testing.B) {
		b.ReportAllocs()
		vars := f.bindings(Plain{Properties: o.Map()})
		for b.Loop() {
			evaluate(f.plain(), vars)
		}
	})
}

func BenchmarkCompile(b *testing.B) {
	env, err := NewEnv(nil)
	require.NoError(b, err)
	for b.Loop() {
		_, err := env.Event(`properties.price > 100.0 && properties.category == "shoes"`)
		require.NoError(b, err)
	}
}

// stored returns an object as a store keeps it: in bytes, its keys interned.
func stored(t testing.TB, dict *profile.Dict, json string) profile.Object {
	o, err := profile.ParseObject([]byte(json))
	require.NoError(t, err)
	return profile.PackedObject(o.AppendPacked(nil, dict), dict)
}
