package celfilter

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/profile"
)

// FuzzLoweredAgainstCEL reads a random filter and a random event out of the
// bytes, and holds Eval to what cel-go says by itself.
func FuzzLoweredAgainstCEL(f *testing.F) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		f.Add(randomBytes(random))
	}
	dict := profile.NewDict()
	env, err := NewEnv(dict)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, data []byte) {
		checkAgainstCEL(t, env, dict, &generator{data: data})
	})
}

// TestLoweredAgainstCEL is the same over fixed random bytes, and makes sure
// that the generator reaches what it is for.
func TestLoweredAgainstCEL(t *testing.T) {
	dict := profile.NewDict()
	env, err := NewEnv(dict)
	require.NoError(t, err)
	random := rand.New(rand.NewPCG(3, 4))
	results := map[Result]int{}
	compiled, lowered := 0, 0
	const runs = 3000
	for range runs {
		f, r := checkAgainstCEL(t, env, dict, &generator{data: randomBytes(random)})
		if f == nil {
			continue
		}
		compiled++
		results[r]++
		if f.Lowered() {
			lowered++
		}
	}
	require.Greater(t, compiled, runs/2)
	require.Greater(t, lowered, compiled/3)
	for _, r := range []Result{True, False, Miss} {
		require.Greater(t, results[r], compiled/20, r)
	}
}

// FuzzCompile gives the compiler any text at all.
func FuzzCompile(f *testing.F) {
	for _, src := range []string{
		`properties.a == 1 && traits.b in ["x"]`, `has(account.traits.x) ? name : timestamp`, `[1].exists(x, x == "`,
		`"\u00`, `{"a": 1}.b`, `properties.a.matches("(")`, `timestamp("2024")`, `((((((`, "\x00\xff", `a.b.c.d`, `-9223372036854775808 == 1u`,
	} {
		f.Add(src)
	}
	env, err := NewEnv(nil)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, src string) {
		start := time.Now()
		filter, err := env.Event(src)
		require.Less(t, time.Since(start), 5*time.Second)
		if err != nil {
			var e *Error
			require.ErrorAs(t, err, &e)
			require.NotEmpty(t, e.Message)
			require.Positive(t, e.Line)
			require.Positive(t, e.Column)
			return
		}
		filter.Eval(&Input{})
		again, err := env.Event(filter.Source())
		require.NoError(t, err, "canonical text of %q", src)
		require.Equal(t, filter.Source(), again.Source())
	})
}

func checkAgainstCEL(t *testing.T, env *Env, dict *profile.Dict, g *generator) (*Filter, Result) {
	src := g.test(4)
	f, err := env.Step(src, []string{"one", "two"})
	if err != nil {
		return nil, Miss // a type error, mostly of a literal against another
	}
	properties, context, traits, account := g.object(2), g.object(1), g.object(1), g.object(1)
	step, name, at := g.object(1), g.pick("a", "Order Completed", "é"), time.Unix(0, int64(g.byte())).UTC()
	packed := func(m map[string]any) profile.Object {
		o, err := profile.NewObject(m)
		require.NoError(t, err)
		if g.byte()%2 == 0 {
			return o
		}
		return profile.PackedObject(o.AppendPacked(nil, dict), dict)
	}
	in := &Input{
		Name: name, Time: at.UnixNano(), Properties: packed(properties), Context: packed(context),
		Steps: []Step{{Name: "a", Time: 7, Properties: packed(step)}},
	}
	packedTraits, packedAccount := packed(traits), packed(account)
	in.Traits, in.Account = &packedTraits, &packedAccount
	got := f.Eval(in)
	want := f.Reference(Plain{
		Name: name, Time: at, Properties: properties, Context: context, Traits: traits, Account: account,
		Steps: []Plain{{Name: "a", Time: time.Unix(0, 7).UTC(), Properties: step}},
	})
	require.Equal(t, want, got, "%s\nproperties %v\ncontext %v\ntraits %v\naccount %v\nstep %v\nname %q, time %v",
		src, in.Properties, in.Context, packedTraits, packedAccount, step, name, at.UnixNano())
	for _, e := range f.Equality() {
		if v, ok := in.Properties.Lookup(e.Key); !ok || !v.Equal(e.Value) {
			require.NotEqual(t, True, got, "%s is true without %s == %s", src, e.Key, e.Value)
		}
	}
	return f, got
}

func randomBytes(random *rand.Rand) []byte {
	data := make([]byte, 40+random.IntN(200))
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	return data
}

// generator derives filters and events from bytes; when they run out it goes
// on with zeros, which choose leaves.
type generator struct {
	data  []byte
	roots []string // what may be read; nil: all that steps see
}

func (g *generator) byte() byte {
	if len(g.data) == 0 {
		return 0
	}
	b := g.data[0]
	g.data = g.data[1:]
	return b
}

func (g *generator) pick(choices ...string) string { return choices[int(g.byte())%len(choices)] }

// test is a boolean expression of at most that depth.
func (g *generator) test(depth int) string {
	if depth == 0 {
		return g.pick("true", "false", g.path(), "has("+g.chain()+")")
	}
	d := depth - 1
	switch g.byte() % 16 {
	case 0:
		return "has(" + g.chain() + ")"
	case 1, 2:
		return "(" + g.test(d) + " && " + g.test(d) + ")"
	case 3, 4:
		return "(" + g.test(d) + " || " + g.test(d) + ")"
	case 5:
		return "!(" + g.test(d) + ")"
	case 6:
		return "(" + g.test(d) + " ? " + g.test(d) + " : " + g.test(d) + ")"
	case 7:
		return g.value(d) + " in [" + g.constant() + ", " + g.constant() + "]"
	case 8:
		return g.value(d) + " in " + g.path()
	case 9:
		return g.value(d) + "." + g.pick("startsWith", "endsWith", "contains") + "(" + g.value(d) + ")"
	case 10:
		return g.value(d) + ".matches(" + g.pick(`"a"`, `"^é?$"`, `"\\d+"`) + ")"
	case 11:
		return "timestamp " + g.relation() + " " + g.pick("steps.one.timestamp", "steps.two.timestamp", `timestamp("1970-01-01T00:00:00.000000009Z")`)
	case 12:
		return g.pick("name", "steps.one.name", "steps.two.name") + " " + g.relation() + " " + g.value(d)
	case 13:
		return g.path() + "." + g.pick("exists", "all") + "(x, x " + g.relation() + " " + g.value(d) + ")"
	}
	return g.value(d) + " " + g.relation() + " " + g.value(d)
}

func (g *generator) relation() string { return g.pick("==", "!=", "<", "<=", ">", ">=") }

// value is an expression of any type, and of type dyn as often as can be, so
// that few filters fail to type-check.
func (g *generator) value(depth int) string {
	if depth == 0 {
		return g.pick(g.path(), "dyn("+g.constant()+")", g.constant())
	}
	d := depth - 1
	switch g.byte() % 12 {
	case 0, 1, 2, 3:
		return g.path()
	case 4:
		return "dyn(double(" + g.value(d) + "))"
	case 5:
		return "dyn(" + g.constant() + ")"
	case 6:
		return g.constant()
	case 7, 8:
		return "dyn(" + g.value(d) + g.pick(" + ", " - ", " * ", " / ", " % ") + g.value(d) + ")"
	case 9:
		return "dyn(-" + g.path() + ")"
	case 10:
		return "dyn(" + g.test(d) + " ? dyn(" + g.value(d) + ") : dyn(" + g.value(d) + "))"
	}
	return "dyn(size(" + g.pick(g.path(), g.root(), "traits") + "))"
}

func (g *generator) root() string {
	if g.roots != nil {
		return g.pick(g.roots...)
	}
	return g.pick("properties", "properties", "properties", "context", "traits", "account.traits",
		"steps.one.properties", "steps.two.properties")
}

func (g *generator) chain() string {
	s := g.root() + "." + g.pick("a", "b", "c", "d")
	for g.byte()%4 == 0 && len(g.data) > 0 {
		s += "." + g.pick("a", "b")
	}
	return s
}

func (g *generator) path() string {
	switch g.byte() % 8 {
	case 0:
		return g.root() + g.pick(`["a"]`, `["é"]`)
	case 1:
		return g.chain() + g.pick(`["a"]`, `[0]`, `[1]`, "["+g.chain()+"]")
	}
	return g.chain()
}

func (g *generator) constant() string {
	return g.pick("0", "1", "-1", "2", "1.0", "2.5", "-0.0", "1e300", "18446744073709551615u", `"a"`, `"é"`, `""`, "true", "false", "null",
		"9007199254740993", "9007199254740992.0", "9223372036854775807", "-9223372036854775808", "9223372036854775808.0", "1u", `["a", 1]`, `{"a": 1}`)
}

func (g *generator) object(depth int) map[string]any {
	m := map[string]any{}
	for _, key := range strings.Fields("a b c é") {
		if g.byte()%5 != 0 {
			m[key] = g.any(depth)
		}
	}
	return m
}

func (g *generator) any(depth int) any {
	values := []any{
		int64(0), int64(1), int64(-1), int64(2), 1.0, 2.5, 1e300, "a", "aé", "", "12", true, false, nil,
		int64(9007199254740993), 9007199254740992.0, int64(9223372036854775807), int64(-9223372036854775808), 9223372036854775808.0,
		json.Number("18446744073709551617"), json.Number("18446744073709551615"), 18446744073709551615.0, json.Number("-9223372036854775809"),
	}
	n := int(g.byte()) % (len(values) + 6)
	switch {
	case n < len(values):
		return values[n]
	case depth == 0:
		return fmt.Sprint(n)
	case n%2 == 0:
		return g.object(depth - 1)
	}
	list := []any{}
	for range g.byte() % 4 {
		list = append(list, g.any(depth-1))
	}
	return list
}
