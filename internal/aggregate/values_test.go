package aggregate_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/internal/aggregate"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// answer adds values one after the other and returns what comes out.
func answer(def trait.Computed, values ...any) string {
	a := aggregate.Of(def)
	for i, v := range values {
		value, err := profile.NewValue(v)
		if err != nil {
			return err.Error()
		}
		a.Add(int64(i), value, int64(i))
	}
	v, _ := a.At(int64(len(values)))
	return v.String()
}

func TestWhatEachTypeMakesOfValues(t *testing.T) {
	for _, c := range []struct {
		def    trait.Computed
		values []any
		want   string
	}{
		{trait.Count("k", "e"), nil, "null"},
		{trait.Count("k", "e"), []any{nil, "a", 1}, "3"},
		{trait.Sum("k", "e", "p"), nil, "null"},
		{trait.Sum("k", "e", "p"), []any{"5", true, nil, []any{1}}, "null"},
		{trait.Sum("k", "e", "p"), []any{1, "5", 2}, "3"},
		{trait.Sum("k", "e", "p"), []any{1, 2.0}, "3.0"},
		{trait.Sum("k", "e", "p"), []any{0.1, 0.2, 0.3}, "0.6"},
		{trait.Sum("k", "e", "p"), []any{1e16, 1.0, 1.0}, "10000000000000002.0"},
		{trait.Sum("k", "e", "p"), []any{5, -5}, "0"},
		{trait.Average("k", "e", "p"), []any{1, 2, "x"}, "1.5"},
		{trait.Average("k", "e", "p"), []any{2, 2}, "2.0"},
		{trait.Average("k", "e", "p"), []any{1.7e308, 1.7e308}, "1.7e+308"},
		{trait.Min("k", "e", "p"), []any{3, "0", 2.5, nil}, "2.5"},
		{trait.Max("k", "e", "p"), []any{int64(1<<53 + 1), 9007199254740992.0}, "9007199254740993"},
		{trait.Max("k", "e", "p"), []any{1.0, 1}, "1"},
		{trait.Max("k", "e", "p"), []any{1, 1.0}, "1"},
		{trait.MostFrequent("k", "e", "p"), []any{"a", "b"}, "null"},
		{trait.MostFrequent("k", "e", "p").WithMinFrequency(1), []any{"b", "a"}, `"a"`},
		{trait.MostFrequent("k", "e", "p"), []any{"b", "a", "b", "a", nil, nil, nil}, `"a"`},
		{trait.MostFrequent("k", "e", "p"), []any{"b", 1.0, 1}, "1"},
		{trait.First("k", "e", "p"), []any{nil, "a", "b"}, `"a"`},
		{trait.Last("k", "e", "p"), []any{"a", map[string]any{"b": 2.0}, nil}, `{"b":2}`},
		{trait.UniqueList("k", "e", "p"), []any{"b", 2, "a", 2.0, true, nil, []any{1.0}, []any{1}}, `[true,2,"a","b",[1]]`},
		{trait.UniqueListCount("k", "e", "p"), []any{"b", 2, "a", 2.0, true, nil, []any{1.0}, []any{1}}, "5"},
		{trait.Last("k", "e", "p"), []any{"a", strings.Repeat("x", trait.MaxValue+1)}, `"a"`},
		{trait.UniqueListCount("k", "e", "p"), []any{"a", []any{strings.Repeat("x", trait.MaxValue)}}, "1"},
	} {
		require.Equal(t, c.want, answer(c.def, c.values...), "%s of %v", c.def.Type, c.values)
		require.Equal(t, c.want, answer(c.def.Within(profile.Day), c.values...), "%s of %v", c.def.Type, c.values)
	}
}

func TestUniqueListReportsTheFirstValuesInSortOrder(t *testing.T) {
	list := aggregate.Of(trait.UniqueList("k", "e", "p").Within(10_000))
	count := aggregate.Of(trait.UniqueListCount("k", "e", "p").Within(10_000))
	const n = 2 * trait.MaxUnique
	for i := range int64(n) {
		v := profile.IntValue(n - i) // the greatest is the oldest
		list.Add(i, v, i)
		count.Add(i, v, i)
	}
	items := func(now int64) (got []int64) {
		v, _ := list.At(now)
		for item := range v.Items() {
			i, _ := item.Int()
			got = append(got, i)
		}
		return got
	}
	got := items(n)
	require.Len(t, got, trait.MaxUnique)
	require.EqualValues(t, 1, got[0])
	require.EqualValues(t, trait.MaxUnique, got[trait.MaxUnique-1])
	v, _ := count.At(n)
	require.Equal(t, profile.IntValue(n), v)

	// The newest value, 1, stays the longest.
	require.Equal(t, []int64{1}, items(10_000+n-2))

	long := aggregate.Of(trait.UniqueList("k", "e", "p"))
	for i := range 10 {
		long.Add(0, profile.StringValue(fmt.Sprint(i)+strings.Repeat("x", trait.MaxUniqueBytes/4)), 0)
	}
	v, _ = long.At(0)
	require.Len(t, v.Any(), 3)
}

// An aggregate of strings keeps copies: the bytes of an event may be reused.
func TestAggregatesKeepNothingOfTheEvent(t *testing.T) {
	for _, typ := range everyType {
		for _, window := range someWindows {
			a := aggregate.Of(trait.Computed{Type: typ, Window: window, MinFrequency: 1})
			dict := profile.NewDict()
			o, err := profile.NewObject(map[string]any{"p": "value"})
			require.NoError(t, err)
			body := o.AppendPacked(nil, dict)
			v, _ := profile.PackedObject(body, dict).Get("p")
			a.Add(1000, v, 990) // to come
			a.Add(1000, v, 1000)
			before, _ := a.At(1000 + int64(window.Min))
			text := before.String()
			clear(body)
			require.Equal(t, text, before.String(), typ)
			after, _ := a.At(1000 + int64(window.Min))
			require.Equal(t, text, after.String(), typ)
		}
	}
}

// An aggregate that was large and is empty again answers like a new one.
func TestAggregatesThatWereLargeStartAnew(t *testing.T) {
	for _, typ := range everyType {
		def := trait.Computed{Type: typ, Window: profile.Within(1000), MinFrequency: 1}
		used := aggregate.Of(def)
		fill := func(a *aggregate.State, from int64) string {
			for i := range int64(500) {
				at := from + (i*7)%500 // out of order
				a.Add(at, profile.IntValue(i*13%400), from+500)
			}
			v, _ := a.At(from + 500)
			return v.String()
		}
		fill(used, 0)
		v, until := used.At(2000)
		require.True(t, v.IsNull(), typ)
		require.Equal(t, horizon.Never, until)
		want := fill(aggregate.Of(def), 2000)
		require.NotEqual(t, "null", want)
		require.Equal(t, want, fill(used, 2000), typ)
	}
}
