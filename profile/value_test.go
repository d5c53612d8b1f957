package profile

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// parse is ParseValue for texts that are known to be good.
func parse(t *testing.T, text string) Value {
	t.Helper()
	v, err := ParseValue([]byte(text))
	require.NoError(t, err)
	return v
}

func TestNewValuePacksGoValues(t *testing.T) {
	at := time.Date(2024, 3, 1, 12, 0, 0, 5e8, time.FixedZone("", 3600))
	for _, c := range []struct {
		name string
		in   any
		kind Kind
		want any
	}{
		{"nil", nil, Null, nil},
		{"true", true, True, true},
		{"false", false, False, false},
		{"int", -5, Int, int64(-5)},
		{"smallest int64", int64(math.MinInt64), Int, int64(math.MinInt64)},
		{"uint8", uint8(200), Int, int64(200)},
		{"uint64 beyond int64", uint64(1 << 63), Float, json.Number("9223372036854775808")},
		{"float32", float32(0.5), Float, 0.5},
		{"whole float stays a float", 2.0, Float, 2.0},
		{"json.Number without fraction", json.Number("17"), Int, int64(17)},
		{"json.Number with fraction", json.Number("17.0"), Float, 17.0},
		{"json.Number beyond int64", json.Number("9223372036854775808"), Float, json.Number("9223372036854775808")},
		{"json.Number that is a float64", json.Number("100000000000000000000"), Float, 1e20},
		{"string", "naïve", String, "naïve"},
		{"time", at, String, "2024-03-01T12:00:00.5+01:00"},
		{"strings", []string{"b", "a"}, List, []any{"b", "a"}},
		{"list", []any{1, nil, "x"}, List, []any{int64(1), nil, "x"}},
		{"map", map[string]any{"k": []any{}}, Map, map[string]any{"k": []any{}}},
		{"value", ListValue(IntValue(1)), List, []any{int64(1)}},
		{"object", Object{}, Map, map[string]any{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, err := NewValue(c.in)
			require.NoError(t, err)
			require.Equal(t, c.kind, v.Kind())
			require.Equal(t, c.want, v.Any())
		})
	}
}

// nested returns a value inside n lists.
func nested(v any, n int) any {
	for range n {
		v = []any{v}
	}
	return v
}

func TestNewValueRefusesWhatIsNotJSON(t *testing.T) {
	deep, err := NewValue(nested(1, MaxDepth))
	require.NoError(t, err, "the limit itself is accepted")
	for _, c := range []struct {
		name string
		in   any
		want error
	}{
		{"NaN", math.NaN(), ErrInvalid},
		{"infinity in a list", []any{1, math.Inf(-1)}, ErrInvalid},
		{"text", "a\xff", ErrInvalid},
		{"key", map[string]any{"\xff": 1}, ErrInvalid},
		{"channel", make(chan int), ErrInvalid},
		{"hexadecimal json.Number", json.Number("0x1p4"), ErrInvalid},
		{"json.Number that is text", json.Number(`"5"`), ErrInvalid},
		{"empty json.Number", json.Number(""), ErrInvalid},
		{"json.Number beyond float64", json.Number("1e999"), ErrInvalid},
		{"text beyond the size", strings.Repeat("a", MaxSize+1), ErrTooLarge},
		{"list beyond the size", make([]any, MaxSize+1), ErrTooLarge},
		{"lists nested too deep", nested(1, MaxDepth+1), ErrTooLarge},
		{"empty list nested too deep", nested([]any{}, MaxDepth), ErrTooLarge},
		{"a deep Value inside a list", []any{deep}, ErrTooLarge},
		{"a deep Value inside a map", map[string]any{"k": deep}, ErrTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := NewValue(c.in)
			require.ErrorIs(t, err, c.want)
		})
	}
}

func TestConstructorsMakeOnlyWhatJSONHolds(t *testing.T) {
	require.True(t, FloatValue(math.NaN()).IsNull())
	require.True(t, FloatValue(math.Inf(1)).IsNull())
	require.Equal(t, "a\ufffdb", StringValue("a\xffb").Any())
}

func TestAccessorsTellOtherKinds(t *testing.T) {
	for _, v := range []Value{{}, BoolValue(true), IntValue(3), FloatValue(1.5), StringValue("s"), ListValue(), Object{}.Value()} {
		_, isBool := v.Bool()
		_, isInt := v.Int()
		_, isFloat := v.Float()
		_, isText := v.Text()
		_, isBytes := v.Bytes()
		_, isObject := v.Object()
		require.Equal(t, v.Kind() == True || v.Kind() == False, isBool, v)
		require.Equal(t, v.Kind() == Int, isInt, v)
		require.Equal(t, v.Kind() == Int || v.Kind() == Float, isFloat, v)
		require.Equal(t, v.Kind() == String, isText, v)
		require.Equal(t, v.Kind() == String, isBytes, v)
		require.Equal(t, v.Kind() == Map, isObject, v)
		if v.Kind() != List {
			require.Empty(t, slices.Collect(v.Items()))
		}
	}
	f, _ := IntValue(3).Float()
	require.Equal(t, 3.0, f)
}

// ascending holds values each of which is less than the next line's; those on a
// line are equal.
var ascending = [][]string{
	{`null`},
	{`false`},
	{`true`},
	{`-1e300`},
	{`-9223372036854775808`, `-9223372036854775808.0`},
	{`-1.5`},
	{`-1`, `-1.0`},
	{`0`, `-0.0`, `0.0`},
	{`0.5`},
	{`1`, `1.0`, `10e-1`},
	{`9007199254740992`, `9007199254740993.0`},
	{`9007199254740993`},
	{`9223372036854775807`},
	{`9223372036854775808`},
	{`""`},
	{`"Z"`},
	{`"a"`},
	{`"aa"`},
	{`"é"`, `"\u00e9"`},
	{`[]`},
	{`[1]`, `[1.0]`},
	{`[1,2]`},
	{`[2]`},
	{`[10]`}, // by number, not by digits
	{`["a"]`},
	{`[[]]`},
	{`[[1]]`, `[[1.0]]`},
	{`[{"a":1}]`, `[{"a":1.0}]`},
	{`{}`},
	{`{"a":1}`, `{"a":1.0}`},
	{`{"a":1,"b":null}`, `{"b":null,"a":1}`},
	{`{"a":2}`},
	{`{"a":10}`},
	{`{"b":0}`},
}

func TestCompareOrdersByKindThenValue(t *testing.T) {
	dict := NewDict()
	stored := func(v Value) Value { // as a store keeps it: keys interned
		o := Object{}.with("k", v)
		kept, _ := PackedObject(o.AppendPacked(nil, dict), dict).Get("k")
		return kept
	}
	for i, line := range ascending {
		for j, other := range ascending {
			for _, a := range line {
				for _, b := range other {
					v, w := parse(t, a), parse(t, b)
					want := max(-1, min(1, i-j))
					require.Equal(t, want, v.Compare(w), "%s and %s", a, b)
					require.Equal(t, want, stored(v).Compare(w), "stored %s and %s", a, b)
					require.Equal(t, want == 0, v.Equal(stored(w)), "%s and stored %s", a, b)
				}
			}
		}
	}
}

func TestCompareIntFloatIsExact(t *testing.T) {
	for _, c := range []struct {
		n    int64
		f    float64
		want int
	}{
		{1<<53 + 1, 1 << 53, 1},
		{math.MaxInt64, 1 << 63, -1},
		{math.MinInt64, -1 << 63, 0},
		{math.MinInt64, -1.1 * (1 << 63), 1},
		{-1, -1.5, 1},
		{-2, -1.5, -1},
		{0, 5e-324, -1},
		{0, math.Copysign(0, -1), 0},
	} {
		require.Equal(t, c.want, CompareIntFloat(c.n, c.f), "%d and %g", c.n, c.f)
	}
}

func TestListValueTakesValuesOfAnyDictionary(t *testing.T) {
	dict := NewDict()
	o, err := ParseObject([]byte(`{"inner":{"x":1,"list":[{"y":2}]}}`))
	require.NoError(t, err)
	stored, _ := PackedObject(o.AppendPacked(nil, dict), dict).Get("inner")
	list := ListValue(stored, IntValue(7), ListValue(stored))
	require.JSONEq(t, `[{"x":1,"list":[{"y":2}]},7,[{"x":1,"list":[{"y":2}]}]]`, list.String())
}

func TestMarshalJSONIsReadBackAsTheSameKind(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`1.0`, `1.0`},
		{`-0.0`, `-0.0`},
		{`1e20`, `100000000000000000000.0`},
		{`1e21`, `1e+21`},
		{`1e-7`, `1e-07`},
		{`4611686018427387904.0`, `4611686018427388000.0`}, // an Int of these digits is another number
		{`0.1`, `0.1`},
		{`"<a> & \u2028 \u0001 \" \\ \n\r\t é"`, `"<a> & \u2028 \u0001 \" \\ \n\r\t é"`},
		{`[ 1 , [ ] , { } ]`, `[1,[],{}]`},
	} {
		v := parse(t, c.in)
		require.Equal(t, c.want, v.String())
		again := parse(t, v.String())
		require.Equal(t, v.Any(), again.Any())
	}
}

func TestValueIsAJSONField(t *testing.T) {
	var s struct{ V Value }
	require.NoError(t, json.Unmarshal([]byte(`{"V":[1,{"a":2.5}]}`), &s))
	text, err := json.Marshal(s)
	require.NoError(t, err)
	require.Equal(t, `{"V":[1,{"a":2.5}]}`, string(text))
}
