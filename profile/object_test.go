package profile

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseValueRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"nothing":                    {``, ErrInvalid},
		"half a word":                {`tru`, ErrInvalid},
		"another word":               {`NaN`, ErrInvalid},
		"leading zero":               {`01`, ErrInvalid},
		"plus":                       {`+1`, ErrInvalid},
		"minus alone":                {`-`, ErrInvalid},
		"no digits after the point":  {`1.`, ErrInvalid},
		"no digits in the exponent":  {`1e`, ErrInvalid},
		"number beyond float64":      {`1e400`, ErrInvalid},
		"open string":                {`"abc`, ErrInvalid},
		"string that ends in escape": {`"abc\`, ErrInvalid},
		"unknown escape":             {`"\x"`, ErrInvalid},
		"short escape":               {`"\u12"`, ErrInvalid},
		"control character":          {"\"a\nb\"", ErrInvalid},
		"control after an escape":    {"\"\\n\x01\"", ErrInvalid},
		"invalid UTF-8":              {"\"\xff\"", ErrInvalid},
		"encoded surrogate":          {"\"\xed\xa0\x80\"", ErrInvalid},
		"open list":                  {`[1`, ErrInvalid},
		"comma at the end of a list": {`[1,]`, ErrInvalid},
		"open object":                {`{"a":1`, ErrInvalid},
		"comma at the end":           {`{"a":1,}`, ErrInvalid},
		"key without quotes":         {`{a:1}`, ErrInvalid},
		"no colon":                   {`{"a" 1}`, ErrInvalid},
		"two values":                 {`{} {}`, ErrInvalid},
		"byte order mark":            {"\ufeff{}", ErrInvalid},
		"1,000 levels":               {strings.Repeat("[", 1000) + strings.Repeat("]", 1000), ErrTooLarge},
		"one level too deep":         {strings.Repeat(`{"a":`, MaxDepth+1) + "1" + strings.Repeat("}", MaxDepth+1), ErrTooLarge},
		"too much text":              {strings.Repeat(" ", 4*MaxSize) + "1", ErrTooLarge},
		"too large when packed":      {"[" + strings.Repeat("1.5,", MaxSize/9) + "1.5]", ErrTooLarge},
		"a string too large":         {`"` + strings.Repeat("a", MaxSize) + `"`, ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseValue([]byte(c.text))
			require.ErrorIs(t, err, c.want)
		})
	}
}

func TestParseValueTakesTheDeepestNesting(t *testing.T) {
	text := strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth)
	require.Equal(t, text, parse(t, text).String())
}

func TestParseValueReadsEscapes(t *testing.T) {
	for in, want := range map[string]string{
		`"\"\\\/\b\f\n\r\t"`: "\"\\/\b\f\n\r\t",
		`"\u00E9\u00e9"`:     "éé",
		`"\ud83d\ude00!"`:    "😀!",
		`"\ud83dx"`:          "\ufffdx",
		`"\ud83d"`:           "\ufffd",
		`"\ude00\ud83d"`:     "\ufffd\ufffd",
		`"\ud83d\u0041"`:     "\ufffdA",
		`"\u0000"`:           "\x00",
	} {
		require.Equal(t, want, parse(t, in).Any(), in)
	}
}

func TestParseObjectKeepsTheLastOfARepeatedKey(t *testing.T) {
	o, err := ParseObject([]byte(`{"b":1,"a":{"z":1},"b":2,"\u0061":{"y":[3,4]},"b":3}`))
	require.NoError(t, err)
	require.Equal(t, `{"a":{"y":[3,4]},"b":3}`, o.String())
	require.Equal(t, 2, o.Len())
}

func TestParseObjectTakesNothingAndNullAsEmpty(t *testing.T) {
	for _, text := range []string{``, " \n", `null`, `{}`} {
		o, err := ParseObject([]byte(text))
		require.NoError(t, err)
		require.Zero(t, o.Len())
		require.Equal(t, `{}`, o.String())
	}
	for _, text := range []string{`[]`, `1`, `"{}"`} {
		_, err := ParseObject([]byte(text))
		require.ErrorIs(t, err, ErrInvalid, text)
	}
}

func TestAllYieldsKeysInOrderHoweverTheObjectWasMade(t *testing.T) {
	text := `{"z":1,"":2,"aa":3,"a":4,"é":5,"Z":6,"list":[1,2],"long":"` + strings.Repeat("x", 300) + `"}`
	want := []string{"", "Z", "a", "aa", "list", "long", "z", "é"}
	parsed, err := ParseObject([]byte(text))
	require.NoError(t, err)
	built, err := NewObject(parsed.Map())
	require.NoError(t, err)
	dict := NewDict()
	dict.Intern("z") // numbers in the dictionary are in another order
	stored := PackedObject(parsed.AppendPacked(nil, dict), dict)
	for _, o := range []Object{parsed, built, stored} {
		var keys []string
		for k := range o.All() {
			keys = append(keys, k)
		}
		require.Equal(t, want, keys)
	}
}

func TestLookupFindsKeysOfAnyDictionary(t *testing.T) {
	o, err := NewObject(map[string]any{"price": 9.5, "tags": []string{"new"}, "size": "L"})
	require.NoError(t, err)
	dict, other := NewDict(), NewDict()
	stored := PackedObject(o.AppendPacked(nil, dict), dict)
	other.Intern("size") // the same number, another key
	for _, object := range []Object{o, stored} {
		for _, d := range []*Dict{nil, dict, other} {
			v, ok := object.Lookup(d.Key("price"))
			require.True(t, ok)
			require.Equal(t, 9.5, v.Any())
			_, ok = object.Lookup(d.Key("absent"))
			require.False(t, ok)
		}
		v, ok := object.Get("size")
		require.True(t, ok)
		require.Equal(t, "L", v.Any())
		_, ok = object.Get("siz")
		require.False(t, ok)
	}
}

func TestLookupDoesNotAllocate(t *testing.T) {
	o, err := ParseObject([]byte(`{"category":"shoes","price":120.5,"quantity":2}`))
	require.NoError(t, err)
	dict := NewDict()
	stored, key := PackedObject(o.AppendPacked(nil, dict), dict), dict.Key("quantity")
	require.Zero(t, testing.AllocsPerRun(100, func() {
		stored.Lookup(key)
		o.Lookup(key)
		o.Get("quantity")
	}))
}

func TestAppendPackedKeepsContentsInEveryDictionary(t *testing.T) {
	o, err := ParseObject([]byte(`{"a":{"b":[{"c":1},{"c":2.5}],"d":null},"e":"text","f":true}`))
	require.NoError(t, err)
	first, second := NewDict(), NewDict()
	second.Intern("e")
	kept := PackedObject(o.AppendPacked(nil, first), first)
	moved := PackedObject(kept.AppendPacked(nil, second), second)
	back := PackedObject(moved.AppendPacked(nil, nil), nil)
	for _, other := range []Object{kept, moved, back} {
		require.Equal(t, o.String(), other.String())
		require.True(t, o.Value().Equal(other.Value()))
	}
	require.Equal(t, o.body, back.body)
	require.Less(t, len(kept.body), len(o.body), "interned keys are shorter")
}

func TestWithReplacesOrInserts(t *testing.T) {
	o, err := ParseObject([]byte(`{"b":1,"d":2}`))
	require.NoError(t, err)
	for _, c := range []struct{ key, want string }{
		{"a", `{"a":9,"b":1,"d":2}`},
		{"b", `{"b":9,"d":2}`},
		{"c", `{"b":1,"c":9,"d":2}`},
		{"d", `{"b":1,"d":9}`},
		{"e", `{"b":1,"d":2,"e":9}`},
	} {
		require.Equal(t, c.want, o.with(c.key, IntValue(9)).String())
	}
	require.Equal(t, `{"b":1,"d":2}`, o.String(), "the object itself stays")
}

func TestNewObjectRefusesWhatNewValueRefuses(t *testing.T) {
	_, err := NewObject(map[string]any{"a": map[string]any{"b": func() {}}})
	require.ErrorIs(t, err, ErrInvalid)
	require.ErrorContains(t, err, "a: b: ", "the path is told")
	_, err = NewObject(map[string]any{"big": strings.Repeat("x", MaxSize)})
	require.ErrorIs(t, err, ErrTooLarge)
}

func TestObjectIsAJSONField(t *testing.T) {
	var s struct{ O Object }
	require.NoError(t, json.Unmarshal([]byte(`{"O":{"b":1,"a":"<"}}`), &s))
	text, err := json.Marshal(s)
	require.NoError(t, err)
	require.JSONEq(t, `{"O":{"a":"<","b":1}}`, string(text))
	require.Error(t, json.Unmarshal([]byte(`{"O":[]}`), &s))
}
