package celfilter

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/profile"
)

func TestCompileErrors(t *testing.T) {
	env, err := NewEnv(nil)
	require.NoError(t, err)
	step := func(src string) (*Filter, error) { return env.Step(src, []string{"viewed", "not a name"}) }
	for _, c := range []struct {
		compile      func(string) (*Filter, error)
		src          string
		line, column int
		message      string
	}{
		{env.Event, ``, 1, 1, "the expression is empty"},
		{env.Event, "\n ", 1, 1, "the expression is empty"},
		{env.Event, `properties.a ==`, 1, 16, "Syntax error"},
		{env.Event, "properties.a == 1 &&\n  propertis.b", 2, 3, "undeclared reference to 'propertis'"},
		{env.Event, `size(properties.a)`, 1, 5, "the filter is a int, it must be a bool"},
		{env.Event, `"a" < 1`, 1, 5, "no matching overload"},
		{env.Event, `properties.a.matches("(")`, 1, 22, "missing closing )"},
		{env.Event, `matches(properties.a, "(")`, 1, 23, "missing closing )"},
		{env.Event, `timestamp > timestamp("yesterday")`, 1, 23, "timestamp"},
		{env.Event, `timestamp - timestamp > duration("1 day")`, 1, 34, "duration"},
		{env.Event, `account.seats > 1`, 1, 1, "undeclared reference to 'account'"},
		{env.Event, `timestamp < now`, 1, 13, "undeclared reference to 'now'"},
		{env.Event, `steps.viewed.properties.a == 1`, 1, 1, "undeclared reference to 'steps'"},
		{env.Trait, `properties.a == 1`, 1, 1, "undeclared reference to 'properties'"},
		{env.Trait, `traits.a == 1 && name == "x"`, 1, 18, "undeclared reference to 'name'"},
		{step, `steps.bought.properties.a == 1`, 1, 1, "undeclared reference to 'steps'"},
		{step, `steps.viewed.traits.a == 1`, 1, 1, "undeclared reference to 'steps'"},
		{step, `steps.viewed.timestamp == "x"`, 1, 24, "no matching overload"},
	} {
		f, err := c.compile(c.src)
		require.Nil(t, f, c.src)
		var e *Error
		require.ErrorAs(t, err, &e, c.src)
		require.Equal(t, c.src, e.Source)
		require.Equal(t, []int{c.line, c.column}, []int{e.Line, e.Column}, "%s: %v", c.src, err)
		require.Contains(t, e.Message, c.message, c.src)
		require.Contains(t, err.Error(), fmt.Sprintf("%d:%d: %s", c.line, c.column, e.Message), c.src)
		require.NotErrorIs(t, err, ErrCost, c.src)
	}
}

func TestCompileErrorNamesEveryIssue(t *testing.T) {
	env, err := NewEnv(nil)
	require.NoError(t, err)
	_, err = env.Event("first == 1 ||\nsecond == 2")
	require.ErrorContains(t, err, "1:1: undeclared reference to 'first'")
	require.ErrorContains(t, err, "2:1: undeclared reference to 'second'")
}

func TestStepNamesMustDiffer(t *testing.T) {
	env, err := NewEnv(nil)
	require.NoError(t, err)
	_, err = env.Step(`true`, []string{"a", "b", "a"})
	require.ErrorContains(t, err, `"a"`)
}

func TestCostLimits(t *testing.T) {
	env, err := NewEnv(nil)
	require.NoError(t, err)
	loops := func(n int) string {
		s := "true"
		for i := range n {
			s = fmt.Sprintf("properties.a.exists(x%d, %s)", i, s)
		}
		return s
	}
	for name, src := range map[string]string{
		"length":         strings.Repeat(" ", maxSource) + "true",
		"brackets":       strings.Repeat("(", 5000) + "true" + strings.Repeat(")", 5000),
		"lists":          strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + " == []",
		"nodes":          "properties.a in [" + strings.Repeat("1,", maxNodes) + "1]",
		"loops":          loops(6),
		"regex":          `properties.a.matches("` + strings.Repeat("(a{1,30}){1,30}", 20) + `")`,
		"loop in a loop": `properties.a.exists(i, properties.b.exists(j, properties.c.exists(k, i + j == k)))`,
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			f, err := env.Event(src)
			require.Nil(t, f)
			require.ErrorIs(t, err, ErrCost)
			require.Less(t, time.Since(start), 5*time.Second)
		})
	}
	for name, src := range map[string]string{
		"a thousand ids": `properties.id in [` + strings.Repeat(`"p-0123456789", `, 1000) + `"p"]`,
		"two loops":      `properties.a.exists(i, properties.b.exists(j, i == j))`,
		"many conjuncts": strings.Repeat(`properties.a == 1 && `, 200) + "true",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := env.Event(src)
			require.NoError(t, err)
		})
	}
}

func TestRunTimeCostLimit(t *testing.T) {
	env, err := NewEnv(nil)
	require.NoError(t, err)
	f, err := env.Event(`properties.a.all(i, properties.a.all(j, i != j - 1000000))`)
	require.NoError(t, err)
	list := func(n int) profile.Object {
		items := make([]any, n)
		for i := range items {
			items[i] = i
		}
		o, err := profile.NewObject(map[string]any{"a": items})
		require.NoError(t, err)
		return o
	}
	small, large := list(50), list(2000)
	require.Equal(t, True, f.Eval(&Input{Properties: small}))
	require.Equal(t, Miss, f.Eval(&Input{Properties: large}))
}

func TestSourceIsCanonical(t *testing.T) {
	env, err := NewEnv(nil)
	require.NoError(t, err)
	source := func(src string) string {
		f, err := env.Step(src, []string{"s"})
		require.NoError(t, err)
		return f.Source()
	}
	require.Equal(t, source(`properties.a==1&&has( traits.b )`), source("properties.a == 1 // one\n && has(traits.b)"))
	require.Equal(t, source(`properties.a == 'x'`), source(`((properties.a) == "x")`))
	require.Equal(t, source(`properties.a.exists(x,x==1)`), source(`properties.a.exists( x, x == 1 )`))
	require.NotEqual(t, source(`properties.a == 1`), source(`properties.a == 1.0`))
	require.NotEqual(t, source(`properties.a == 1`), source(`properties.a == "1"`))
	require.NotEqual(t, source(`properties.a`), source(`steps.s.properties.a`))
}

func TestEquality(t *testing.T) {
	dict := profile.NewDict()
	env, err := NewEnv(dict)
	require.NoError(t, err)
	is := func(key string, v any) Equality {
		value, err := profile.NewValue(v)
		require.NoError(t, err)
		return Equality{dict.Key(key), value}
	}
	for src, want := range map[string][]Equality{
		`properties.a == "x"`: {is("a", "x")},
		`properties.a == 1 && (true == properties["b"] && properties.c > 1) && 2.5 == properties.d`: {is("a", 1), is("b", true), is("d", 2.5)},
		`properties.a == 1 || properties.b == 2`:                                                    nil,
		`!(properties.a == 1)`:                                                                      nil,
		`properties.a != 1`:                                                                         nil,
		`properties.a.b == 1`:                                                                       nil,
		`traits.a == 1 && context.a == 1`:                                                           nil,
		`steps.s.properties.a == 1`:                                                                 nil,
		`properties.a == properties.b`:                                                              nil,
		`has(properties.a) == true`:                                                                 nil,
		`properties.a == null`:                                                                      nil,
		`properties.a == 9007199254740992`:                                                          nil, // where cel-go's equality is not exact
		`properties.a == -9007199254740993.0`:                                                       nil,
		`properties.a == 9007199254740991`:                                                          {is("a", 9007199254740991)},
		`properties.a == 1 && properties.b.all(x, x)`:                                               {is("a", 1)},
	} {
		f, err := env.Step(src, []string{"s"})
		require.NoError(t, err)
		require.Equal(t, want, f.Equality(), src)
	}
}

func TestReads(t *testing.T) {
	env, err := NewEnv(nil)
	require.NoError(t, err)
	for _, c := range []struct {
		src                         string
		properties, traits, account []string
		all                         string // of which maps: p, t, a
	}{
		{src: `name == "x"`},
		{src: `traits.b == 1 && traits["a"] == 1 || has(traits.c)`, traits: []string{"a", "b", "c"}},
		{src: `traits.b.c.d == 1`, traits: []string{"b"}},
		{src: `"b" in traits`, traits: []string{"b"}},
		{src: `account.traits.x == traits.y && properties.z == 1`, properties: []string{"z"}, traits: []string{"y"}, account: []string{"x"}},
		{src: `size(traits) > 0 && traits.a == 1`, traits: []string{"a"}, all: "t"},
		{src: `traits[properties.k] == 1`, properties: []string{"k"}, all: "t"},
		{src: `account.traits.exists(k, k == properties.p)`, properties: []string{"p"}, all: "a"},
		{src: `properties.list.exists(x, x == traits.t)`, properties: []string{"list"}, traits: []string{"t"}},
		{src: `{"a": properties} == {"a": {traits.k: [account.traits.v]}}`, traits: []string{"k"}, account: []string{"v"}, all: "p"},
		{src: `steps.s.properties.a == 1`},
	} {
		f, err := env.Step(c.src, []string{"s"})
		require.NoError(t, err)
		for kind, want := range map[string][]string{"p": c.properties, "t": c.traits, "a": c.account} {
			names, all := map[string]func() ([]string, bool){"p": f.Properties, "t": f.Traits, "a": f.AccountTraits}[kind]()
			require.Equal(t, want, names, "%s of %s", kind, c.src)
			require.Equal(t, strings.Contains(c.all, kind), all, "%s of %s", kind, c.src)
		}
	}
}

func TestErrorWithoutCauseUnwrapsToNothing(t *testing.T) {
	env, err := NewEnv(nil)
	require.NoError(t, err)
	_, err = env.Event(`nothing`)
	require.NoError(t, errors.Unwrap(err))
}
