package trait_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// evaluate answers a condition for the traits of a user and of its account.
func evaluate(t testing.TB, c trait.Condition, traits map[string]any) celfilter.Result {
	t.Helper()
	env, err := celfilter.NewEnv(nil)
	require.NoError(t, err)
	filter, err := env.Trait(c.CEL())
	require.NoError(t, err, c.CEL())
	o, err := profile.NewObject(traits)
	require.NoError(t, err)
	return filter.Eval(&celfilter.Input{Traits: &o, Account: &o})
}

func TestConditionsOnTraits(t *testing.T) {
	where := trait.Value
	list := []any{"a", 1, 2.5}
	for _, c := range []struct {
		condition trait.Condition
		traits    map[string]any
		want      bool
	}{
		{where("x").Equals(1), map[string]any{"x": 1.0}, true},
		{where("x").Equals(1.0), map[string]any{"x": 1}, true},
		{where("x").Equals(-1), map[string]any{"x": -1}, true},
		{where("x").Equals(int64(-1 << 63)), map[string]any{"x": int64(-1 << 63)}, true},
		{where("x").Equals(1e300), map[string]any{"x": 1e300}, true},
		{where("x").Equals(1e-7), map[string]any{"x": 1e-7}, true},
		{where("x").Equals(true), map[string]any{"x": true}, true},
		{where("x").Equals(false), map[string]any{"x": true}, false},
		{where("x").Equals("1"), map[string]any{"x": 1}, false},
		{where("x").Equals("a"), nil, false},
		{where("x").Equals([]any{"a", 1}), map[string]any{"x": []any{"a", 1}}, true},
		{where("x").Equals(map[string]any{"k": "v"}), map[string]any{"x": map[string]any{"k": "v"}}, true},
		{where("x").Key("y").Equals(nil), map[string]any{"x": map[string]any{"y": nil}}, true},
		{where("x").NotEquals("a"), map[string]any{"x": "b"}, true},
		{where("x").NotEquals("a"), map[string]any{"x": 7}, true},
		{where("x").NotEquals("a"), map[string]any{"x": "a"}, false},
		{where("x").NotEquals("a"), nil, false},
		{where("x").LessThan(2), map[string]any{"x": 1.5}, true},
		{where("x").LessThan(2), map[string]any{"x": 2}, false},
		{where("x").LessThan(2), map[string]any{"x": "1"}, false},
		{where("x").AtMost(2), map[string]any{"x": 2.0}, true},
		{where("x").GreaterThan("a"), map[string]any{"x": "b"}, true},
		{where("x").GreaterThan(2), map[string]any{"x": 2}, false},
		{where("x").AtLeast(2), map[string]any{"x": 2}, true},
		{where("x").Between(1, 2), map[string]any{"x": 2}, true},
		{where("x").Between(1, 2), map[string]any{"x": 1}, true},
		{where("x").Between(1, 2), map[string]any{"x": 2.01}, false},
		{where("x").OneOf("a", 1), map[string]any{"x": 1.0}, true},
		{where("x").OneOf("a", 1), map[string]any{"x": "b"}, false},
		{where("x").OneOf(), map[string]any{"x": "b"}, false},
		{where("x").Contains("b"), map[string]any{"x": "abc"}, true},
		{where("x").Contains("b"), map[string]any{"x": []any{"b"}}, false},
		{where("x").StartsWith("ab"), map[string]any{"x": "abc"}, true},
		{where("x").StartsWith("b"), map[string]any{"x": "abc"}, false},
		{where("x").EndsWith("bc"), map[string]any{"x": "abc"}, true},
		{where("x").Matches(`^\w+@x\.io$`), map[string]any{"x": "a@x.io"}, true},
		{where("x").Matches(`^\w+@x\.io$`), map[string]any{"x": "a@xqio"}, false},
		{where("x").Exists(), map[string]any{"x": false}, true},
		{where("x").Exists(), nil, false},
		{where("a b").Exists(), map[string]any{"a b": 1}, true},
		{where("a b").Exists(), nil, false},
		{where("x").Key("y").Exists(), nil, false},
		{where("x").Key("y z").Exists(), map[string]any{"x": map[string]any{"y z": 1}}, true},
		{where("x").Key("y").Missing(), nil, true},
		{where("x").Key("y").Missing(), map[string]any{"x": 5}, true},
		{where("x").Key("y").Missing(), map[string]any{"x": map[string]any{"y": 1}}, false},
		{where("x").IsEmpty(), nil, true},
		{where("x").IsEmpty(), map[string]any{"x": ""}, true},
		{where("x").IsEmpty(), map[string]any{"x": []any{}}, true},
		{where("x").IsEmpty(), map[string]any{"x": map[string]any{}}, true},
		{where("x").IsEmpty(), map[string]any{"x": " "}, false},
		{where("x").IsEmpty(), map[string]any{"x": 0}, false},
		{where("x").ContainsAny("b", 2.5), map[string]any{"x": list}, true},
		{where("x").ContainsAny("b", 1.0), map[string]any{"x": list}, true},
		{where("x").ContainsAny("b", 3), map[string]any{"x": list}, false},
		{where("x").ContainsAny("a"), map[string]any{"x": "a"}, false},
		{where("x").ContainsAny(), map[string]any{"x": list}, false},
		{where("x").ContainsAll("a", 1), map[string]any{"x": list}, true},
		{where("x").ContainsAll("a", 3), map[string]any{"x": list}, false},
		{where("x").ContainsAll(), map[string]any{"x": list}, true},
		{where("x").ContainsAll(), nil, false},
		{trait.AccountValue("x").Key("y").AtLeast(3), map[string]any{"x": map[string]any{"y": 3}}, true},
	} {
		require.NoError(t, c.condition.Err())
		got := evaluate(t, c.condition, c.traits)
		require.Equal(t, c.want, got == celfilter.True, "%s for %v", c.condition.CEL(), c.traits)
	}
}

// A value that JSON has no form for is an error, and the CEL does not compile.
func TestConditionsOnImpossibleValuesDoNotCompile(t *testing.T) {
	env, err := celfilter.NewEnv(nil)
	require.NoError(t, err)
	impossible := make(chan int)
	for _, c := range []trait.Condition{
		trait.Value("x").Equals(impossible),
		trait.Value("x").Between(1, impossible),
		trait.Value("x").OneOf("a", impossible),
		trait.Value("x").ContainsAny(impossible),
		trait.Value("x").ContainsAll("a", impossible),
	} {
		_, err := env.Trait(c.CEL())
		require.Error(t, err)
		require.ErrorIs(t, c.Err(), profile.ErrInvalid)
		require.ErrorContains(t, c.Err(), "chan int has no JSON form")
	}
}

// FuzzConditionText: whatever the names and texts are, the CEL compiles and
// means what the builder's method says.
func FuzzConditionText(f *testing.F) {
	for _, text := range []string{
		"plan", "", "a b", `"`, `\`, "\\\"", "'", "`", "in", "true", "package", "_", "9", "é", "a.b", "a\x00b",
		"\n\r\t", "\u2028", "\U0001F600", "\ufeff", "\xff\xfe", `" || true || "`, "\\u0041", "\u0085", "\ufffd",
	} {
		f.Add(text, text)
		f.Add("plan", text)
	}
	env, err := celfilter.NewEnv(nil)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, name, text string) {
		if len(name)+len(text) > 1000 {
			return
		}
		name = strings.ToValidUTF8(name, "\ufffd")
		text = strings.ToValidUTF8(text, "\ufffd")
		with := func(v any) *profile.Object {
			o, err := profile.NewObject(map[string]any{name: v})
			require.NoError(t, err)
			return &o
		}
		nested := with(map[string]any{text: text})
		x := trait.Value(name)
		for _, c := range []struct {
			condition trait.Condition
			traits    *profile.Object
			want      celfilter.Result
		}{
			{x.Equals(text), with(text), celfilter.True},
			{x.Equals(text), with(text + "x"), celfilter.False},
			{x.Equals(text), new(profile.Object), celfilter.Miss},
			{x.NotEquals(text), with(text), celfilter.False},
			{x.OneOf(text, 1), with(text), celfilter.True},
			{x.OneOf(text, 1), with("x" + text), celfilter.False},
			{x.Contains(text), with("x" + text + "x"), celfilter.True},
			{x.StartsWith(text), with(text + "x"), celfilter.True},
			{x.EndsWith(text + "y"), with(text + "x"), celfilter.False},
			{x.Exists(), with(1), celfilter.True},
			{x.Exists(), new(profile.Object), celfilter.False},
			{x.Missing(), with(1), celfilter.False},
			{x.IsEmpty(), new(profile.Object), celfilter.True},
			{x.IsEmpty(), with(text + "x"), celfilter.False},
			{x.ContainsAny(text, 1), with([]any{text}), celfilter.True},
			{x.ContainsAll(text, 1), with([]any{text}), celfilter.False},
			{x.Equals(map[string]any{text: text}), nested, celfilter.True},
			{x.Key(text).Equals(text), nested, celfilter.True},
			{x.Key(text).Exists(), nested, celfilter.True},
			{x.Key(text + "x").Exists(), nested, celfilter.False},
			{trait.AccountValue(name).Equals(text), with(text), celfilter.True},
		} {
			filter, err := env.Trait(c.condition.CEL())
			require.NoError(t, err, c.condition.CEL())
			got := filter.Eval(&celfilter.Input{Traits: c.traits, Account: c.traits})
			require.Equal(t, c.want, got, "%s for %s", c.condition.CEL(), c.traits)
		}
	})
}
