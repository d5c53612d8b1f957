package celfilter

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/profile"
)

// TestFormulaValues is the specification of formulas by example: what they are for a person.
// A want without text is no value.
func TestFormulaValues(t *testing.T) {
	const person = `{"plan": "pro", "age": 41, "limit": 100.0, "ratio": 0.25, "neg": -0.0, "vip": true, "none": null, "big": 18446744073709551615,
		"tags": ["new", 3, 2.0, null], "address": {"city": "Bonn", "zip": 53111.0}, "since": "2024-03-01T00:00:00Z"}`
	for _, c := range []struct {
		formula, want string
		lowered       bool
	}{
		{`1`, `1`, true},
		{`traits.age`, `41`, true},
		{`traits.age + 1`, `42`, true},
		{`traits.age / 2`, `20`, true}, // of ints
		{`double(traits.age) / 2.0`, `20.5`, true},
		{`double(traits.age) / traits.limit`, `0.41`, true},
		{`double(traits.limit) * 2.0`, `200.0`, true},
		{`traits.limit * 2.0`, `200.0`, true},
		{`-traits.neg + traits.neg`, `0.0`, true}, // there is one zero
		{`traits.neg`, `0.0`, true},
		{`traits.vip ? "gold" : traits.plan`, `"gold"`, true},
		{`traits.age > 40 && traits.vip`, `true`, true},
		{`has(traits.missing) ? traits.missing : 0`, `0`, true},
		{`traits.missing + 1`, ``, true},
		{`traits.age / 0`, ``, true},
		{`traits.age + traits.limit`, ``, true}, // CEL adds no int to a double
		{`double(traits.age) / 0.0`, ``, true},  // infinite
		{`double(traits.none)`, ``, true},
		{`double("1.5")`, `1.5`, true},
		{`double(traits.plan)`, ``, true},
		{`double(traits.big)`, `18446744073709551615`, true}, // it keeps its digits
		{`traits.none`, `null`, true},
		{`null`, `null`, true},
		{`traits.address`, `{"city":"Bonn","zip":53111}`, true},
		{`traits.address.city`, `"Bonn"`, true},
		{`traits.tags`, `["new",3,2,null]`, true},
		{`"plan " + traits.plan`, `"plan pro"`, true},
		{`[traits.age, traits.ratio]`, `[41,0.25]`, false},
		{`{"age": traits.age, "of": {"plan": traits.plan}}`, `{"age":41,"of":{"plan":"pro"}}`, false},
		{`traits.tags.filter(t, type(t) == int)`, `[3]`, false},
		{`int(traits.limit)`, `100`, false},
		{`uint(traits.age)`, `41`, false},
		{`18446744073709551615u`, `18446744073709551615`, false},
		{`timestamp(traits.since)`, `"2024-03-01T00:00:00Z"`, false},
		{`timestamp(traits.since) + duration("36h")`, `"2024-03-02T12:00:00Z"`, false},
		{`traits.plan.upperAscii()`, `"PRO"`, false},
		{`dyn(duration("1h"))`, ``, false},
		{`[dyn(duration("1h"))]`, ``, false},
		{`dyn({1: 2})`, ``, false}, // the keys of a value are texts
		{`dyn(b"x")`, ``, false},
		{`type(traits.plan) == string ? dyn(1) : dyn(b"x")`, `1`, false},
		{`id + "!"`, `"p!"`, false},
		{`ids.email[0]`, `"p@x"`, false},
		{`size(traits.tags) + size(traits)`, `15`, true},
	} {
		env, err := NewEnv(nil)
		require.NoError(t, err)
		traits := parsed(t, person)
		self := &Self{ID: "p", IDs: parsed(t, `{"email": ["p@x"]}`)}
		f, err := env.Formula(c.formula)
		require.NoError(t, err, c.formula)
		require.Equal(t, c.lowered, f.Lowered(), c.formula)
		got, ok := f.Value(&Input{Traits: &traits, Self: self})
		want, wantOK := f.ReferenceValue(Plain{Traits: traits.Map(), ID: "p", IDs: self.IDs.Map()})
		require.Equal(t, c.want != "", ok, "%s is %s", c.formula, got)
		require.Equal(t, wantOK, ok, c.formula)
		if ok {
			require.Equal(t, c.want, got.String(), c.formula)
			require.Equal(t, want.String(), got.String(), c.formula)
		}
	}
}

func TestFormulasThatNoTraitCanBe(t *testing.T) {
	env, err := NewEnv(nil)
	require.NoError(t, err)
	for src, message := range map[string]string{
		`duration("1h")`:                  "the formula is a google.protobuf.Duration, which no trait can be",
		`[duration("1h")]`:                "which no trait can be",
		`b"x"`:                            "the formula is a bytes",
		`type(1)`:                         "which no trait can be",
		`{1: 2}`:                          "the formula is a map(int, int)",
		``:                                "the expression is empty",
		`properties.total`:                "undeclared reference to 'properties'",
		`traitz.total`:                    `did you mean "traits"?`,
		`timestamp`:                       "undeclared reference to 'timestamp'",
		`now`:                             "undeclared reference to 'now'",
		strings.Repeat("1 + ", 200) + "1": "recursion",
	} {
		_, err := env.Formula(src)
		var of *Error
		require.ErrorAs(t, err, &of, src)
		require.ErrorContains(t, err, message, src)
	}
}

// What a formula says does not point into the traits that it read.
func TestFormulaValuesShareNothing(t *testing.T) {
	env, err := NewEnv(nil)
	require.NoError(t, err)
	for _, src := range []string{`traits.plan`, `traits.list`, `traits.map`, `traits.big`} {
		traits := parsed(t, `{"plan": "pro", "list": ["a", 1], "map": {"k": "v"}, "big": 18446744073709551616}`)
		f, err := env.Formula(src)
		require.NoError(t, err)
		v, ok := f.Value(&Input{Traits: &traits})
		require.True(t, ok)
		before := v.String()
		for name, part := range traits.All() {
			if b, ok := part.Bytes(); ok && name == "plan" {
				clear(b)
			}
		}
		b := traits.AppendPacked(nil, nil)
		clear(b)
		require.Equal(t, before, v.String(), src)
	}
}

// TestFormulasAgainstCEL holds Value to what cel-go says by itself, for random formulas over
// random traits.
func TestFormulasAgainstCEL(t *testing.T) {
	dict := profile.NewDict()
	env, err := NewEnv(dict)
	require.NoError(t, err)
	random := rand.New(rand.NewPCG(5, 6))
	compiled, valued, lowered := 0, 0, 0
	const runs = 3000
	for range runs {
		g := &generator{data: randomBytes(random), roots: []string{"traits", "account.traits"}}
		src := g.value(3)
		f, err := env.Formula(src)
		if err != nil {
			continue
		}
		compiled++
		if f.Lowered() {
			lowered++
		}
		traits, account := g.object(2), g.object(1)
		own, of := stored(t, dict, packedText(t, traits)), stored(t, dict, packedText(t, account))
		got, ok := f.Value(&Input{Traits: &own, Account: &of})
		want, wantOK := f.ReferenceValue(Plain{Traits: own.Map(), Account: of.Map()})
		require.Equal(t, wantOK, ok, "%s\ntraits %v\naccount %v", src, own, of)
		require.Equal(t, want.String(), got.String(), "%s\ntraits %v\naccount %v", src, own, of)
		require.Equal(t, want.Kind(), got.Kind(), src)
		if ok {
			valued++
		}
	}
	require.Greater(t, compiled, runs/2)
	require.Greater(t, lowered, compiled/3)
	require.Greater(t, valued, compiled/5)
}

func packedText(t *testing.T, m map[string]any) string {
	o, err := profile.NewObject(m)
	require.NoError(t, err)
	return o.String()
}

func FuzzFormula(f *testing.F) {
	for _, src := range []string{`traits.a + 1`, `double(traits.a) / 0.0`, `[traits]`, `{"a": traits.a}`, `timestamp(0)`, `dyn(b"\xff")`, `ids`, `type(1)`, `[[[]]]`, `{}`} {
		f.Add(src)
	}
	env, err := NewEnv(nil)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, src string) {
		formula, err := env.Formula(src)
		if err != nil {
			var e *Error
			require.ErrorAs(t, err, &e)
			return
		}
		traits := parsed(t, `{"a": 1}`)
		self := &Self{ID: "u", IDs: parsed(t, `{"email": ["a@x"]}`)}
		v, ok := formula.Value(&Input{Traits: &traits, Self: self})
		want, wantOK := formula.ReferenceValue(Plain{Traits: traits.Map(), ID: self.ID, IDs: self.IDs.Map()})
		if ok || wantOK {
			require.Equal(t, want.String(), v.String(), src)
		}
	})
}
