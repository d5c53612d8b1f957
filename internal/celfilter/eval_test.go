package celfilter

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/profile"
)

const (
	order = `{
		"price": 129.5, "quantity": 2, "category": "shoes", "vip": true, "note": null, "größe": "42½",
		"big": 9007199254740993, "most": 9223372036854775807, "least": -9223372036854775808, "zero": 0, "zf": 0.0,
		"tags": ["new", "sale", 3, 2.5, null], "nested": {"a": {"b": "deep"}, "list": [1]}, "empty": {}, "none": [],
		"a b": "spaced", "lists": [[1], [2]]}`
	person = `{"plan": "pro", "age": 41, "limit": 100.0}`
)

// TestEval is the specification of filters by example. Every row runs three
// ways: over interned objects, over objects without a dictionary, and by
// cel-go alone.
func TestEval(t *testing.T) {
	for _, c := range []struct {
		filter  string
		want    Result
		lowered bool
	}{
		// Comparisons of one kind.
		{`properties.price > 100.0`, True, true},
		{`properties.price > 100.0 && properties.category == "shoes"`, True, true},
		{`properties.quantity == 2`, True, true},
		{`properties.quantity != 2`, False, true},
		{`properties.quantity >= 2 && properties.quantity <= 2`, True, true},
		{`properties.category < "t" && "a" < properties.category`, True, true},
		{`properties.vip > false`, True, true},
		{`2 == properties.quantity && 1 < properties.quantity`, True, true},
		{`properties["category"] == 'shoes'`, True, true},
		{`properties["a b"] == "spaced"`, True, true},
		{`context.page.path == "/shop"`, True, true},
		{`context["page"]["path"] == "/shop"`, True, true},
		{`properties.nested.a.b == "deep"`, True, true},
		{`traits.plan == "pro" && account.traits.seats >= 10`, True, true},
		{`properties.price > traits.limit`, True, true},

		// Numbers across int and double.
		{`properties.quantity == 2.0`, True, true},
		{`properties.quantity < 2.5 && properties.price > 129`, True, true},
		{`properties.zero == properties.zf`, True, true},
		{`properties.big == 9007199254740992`, False, true},
		{`properties.big == 9007199254740992.0`, True, true}, // cel-go rounds the int
		{`properties.most == 9223372036854775808.0`, True, true},
		{`properties.most < 9223372036854777856.0`, True, true},
		{`properties.least > -9223372036854777856.0`, True, true},

		// Across kinds: unequal, and without an order.
		{`properties.category == 5`, False, true},
		{`properties.category != 5`, True, true},
		{`properties.category < 5`, Miss, true},
		{`properties.category < 5.5`, Miss, true},
		{`properties.quantity > "1"`, Miss, true},
		{`properties.quantity == "2"`, False, true},
		{`properties.vip == 1`, False, true},
		{`properties.vip < 1`, Miss, true},
		{`properties.note == null`, True, true},
		{`properties.note != null`, False, true},
		{`properties.category == null`, False, true},
		{`properties.note < properties.note`, Miss, true},
		{`properties.note == properties.note`, True, true},
		{`properties.none == properties.empty`, False, true},
		{`properties.none < properties.none`, Miss, true},

		// What is missing, and errors absorbed.
		{`properties.missing == 1`, Miss, true},
		{`properties.missing != 1`, Miss, true},
		{`!(properties.missing == 1)`, Miss, true},
		{`properties.missing == 1 || true`, True, true},
		{`true || properties.missing == 1`, True, true},
		{`properties.missing == 1 && false`, False, true},
		{`properties.missing == 1 || false`, Miss, true},
		{`properties.missing == 1 && properties.vip && properties.quantity == 3`, False, true},
		{`properties.category.x == 1`, Miss, true},
		{`properties.tags.x == 1`, Miss, true},
		{`traits.missing == 1 || properties.vip`, True, true},
		{`properties.category || properties.vip`, True, true},
		{`properties.category && properties.vip`, Miss, true},

		// Booleans by themselves.
		{`properties.vip`, True, true},
		{`!properties.vip`, False, true},
		{`properties.category`, Miss, true},
		{`properties.missing`, Miss, true},
		{`!properties.category`, Miss, true},
		{`true`, True, true},
		{`(properties.quantity == 2) == properties.vip`, True, true},
		{`(properties.missing == 2) == properties.vip`, Miss, true},

		// has
		{`has(properties.price)`, True, true},
		{`has(properties.note)`, True, true},
		{`has(properties.missing)`, False, true},
		{`has(properties.nested.a)`, True, true},
		{`has(properties.nested.z)`, False, true},
		{`has(properties.missing.a)`, Miss, true},
		{`has(properties.category.a)`, False, true},
		{`has(properties.note.a)`, False, true},
		{`has(properties.tags.a)`, Miss, true},
		{`has(traits.plan) && !has(account.traits.missing)`, True, true},
		{`"price" in properties && !("missing" in properties)`, True, true},

		// in
		{`properties.category in ["hats", "shoes"]`, True, true},
		{`properties.category in ["hats"]`, False, true},
		{`properties.quantity in [1, 2.0, "x"]`, True, true},
		{`properties.quantity in [1.0, 3]`, False, true},
		{`properties.zf in [0]`, True, true},
		{`properties.big in [9007199254740992]`, False, true},
		{`properties.big in [9007199254740992.0]`, True, true},
		{`properties.vip in [true]`, True, true},
		{`properties.note in [null]`, True, true},
		{`properties.note in []`, False, true},
		{`properties.tags in ["new"]`, False, true},
		{`properties.missing in ["x"]`, Miss, true},
		{`"sale" in properties.tags`, True, true},
		{`3.0 in properties.tags && null in properties.tags && !(4 in properties.tags)`, True, true},
		{`"a" in properties.nested`, True, true},
		{`1 in properties.nested`, False, true},
		{`properties.category in properties.nested`, False, true}, // a key known at run time: cel-go's
		{`"a" in properties.category`, Miss, true},
		{`properties.none in properties.lists`, False, true},
		{`properties.nested.list in properties.lists`, True, true},
		{`name in ["Order Completed", "Order Refunded"]`, True, true},
		{`properties.category in [properties.category]`, True, false},
		{`properties.quantity in {2: "two"}`, True, false},

		// Texts.
		{`properties.category.startsWith("sh")`, True, true},
		{`properties.category.endsWith("oes")`, True, true},
		{`properties.category.contains("hoe")`, True, true},
		{`properties.category.contains("x")`, False, true},
		{`properties.category.matches("^s.*s$")`, True, true},
		{`matches(properties.category, "^h")`, False, true},
		{`properties.category.matches("^[a-z]{3,5}$")`, True, true},
		{`properties.tags.exists(t, t == "new" && t.matches("^n{1}e?w"))`, True, false},
		{`properties.quantity.startsWith("2")`, Miss, true},
		{`properties.quantity.matches("2")`, Miss, true},
		{`properties.missing.contains("2")`, Miss, true},
		{`properties.category.contains(properties.quantity)`, Miss, true},
		{`name.startsWith("Order ") && name.contains("Comp") && name.matches("d$")`, True, true},
		{`name == "Order Completed" && name != "x" && "A" < name`, True, true},
		{`name == properties.category`, False, true},
		{`name == properties.quantity`, False, true},
		{`name < properties.quantity`, Miss, true},
		{`size(name) == 15`, True, true},
		{`properties.category + "!" == "shoes!"`, True, true}, // a text built at run time: cel-go's
		{`"x".matches(properties.category)`, False, false},
		{`properties.category.upperAscii() == "SHOES"`, True, false},
		{`"%s %d".format([properties.category, properties.quantity]) == "shoes 2"`, True, false},
		{`["new", "x"].join("-") == "new-x"`, True, false},

		// size, in code points and entries.
		{`size(properties["größe"]) == 3`, True, true},
		{`properties.category.size() == 5`, True, true},
		{`size(properties.tags) == 5 && size(properties.nested) == 2 && size(properties.none) == 0`, True, true},
		{`size(properties.quantity) == 1`, Miss, true},
		{`size(properties) > 10 && size(traits) == 3 && size(context) == 1`, True, true},

		// Arithmetic.
		{`properties.quantity * 3 + 1 == 7`, True, true},
		{`properties.price * 2.0 == 259.0`, True, true},
		{`properties.price * 2 == 259`, Miss, true}, // no double times int in CEL
		{`properties.quantity % 2 == 0`, True, true},
		{`properties.price % properties.price == 0.0`, Miss, true},
		{`-properties.quantity == -2 && -properties.price < 0.0`, True, true},
		{`-properties.category == 1`, Miss, true},
		{`-properties.least > 0`, Miss, true},
		{`properties.most + 1 > 0`, Miss, true},
		{`properties.least - 1 < 0`, Miss, true},
		{`properties.most * 2 > 0`, Miss, true},
		{`properties.least * -1 > 0`, Miss, true},
		{`properties.least / -1 > 0`, Miss, true},
		{`properties.quantity / properties.zero > 0`, Miss, true},
		{`properties.quantity % properties.zero == 0`, Miss, true},
		{`properties.price / properties.zf > 1000.0`, True, true}, // infinity: cel-go's
		{`properties.zf / properties.zf == properties.zf`, False, true},
		{`properties.zf / properties.zf < 1.0`, False, true},
		{`-7 / properties.quantity == -3 && -7 % properties.quantity == -1`, True, true},

		// The conditional.
		{`properties.vip ? properties.price > 100.0 : false`, True, true},
		{`(properties.vip ? properties.quantity : properties.missing) == 2`, True, true},
		{`properties.category ? true : true`, Miss, true},
		{`properties.missing ? true : true`, Miss, true},

		// Time.
		{`timestamp > timestamp("2024-02-29T11:59:59Z")`, True, true},
		{`timestamp == timestamp("2024-02-29T12:00:00.000000001Z")`, True, true},
		{`timestamp("2024-02-29T12:00:00Z") >= timestamp`, False, true},
		{`timestamp("1500-01-01T00:00:00Z") < timestamp`, True, false}, // beyond nanoseconds
		{`timestamp - duration("24h") < timestamp("2024-02-28T13:00:00Z")`, True, false},
		{`timestamp.getFullYear() == 2024 && timestamp.getDayOfWeek() == 4`, True, false},

		// Left to cel-go, in part or whole.
		{`properties.tags.exists(t, t == "sale")`, True, false},
		{`properties.tags.all(t, t != "old")`, True, false},
		{`properties.nested.exists(k, k == "a")`, True, false},
		{`properties.tags.filter(t, t == 2.5).size() == 1`, True, false},
		{`properties.vip || properties.tags.exists(t, t == "sale")`, True, false},
		{`!properties.vip && properties.tags.exists(t, t == "sale")`, False, false},
		{`properties.vip && properties.tags.exists(t, t == "old")`, False, false},
		{`properties.tags[0] == "new" && properties.tags[3] == 2.5`, True, false},
		{`properties.tags[9] == "new"`, Miss, false},
		{`properties[traits.plan] == 1 || true`, True, false},
		{`properties.nested == {"a": {"b": "deep"}, "list": [1.0]}`, True, false},
		{`properties.tags == properties.tags && properties.nested == properties.nested`, True, true},
		{`properties.lists != properties.tags`, True, true},
		{`properties.tags + [1] == ["new", "sale", 3, 2.5, null, 1]`, True, false},
		{`properties.quantity == 2u`, True, true},
		{`int(properties.price) == 129 && string(properties.quantity) == "2"`, True, false},
		{`type(properties.note) == null_type && type(properties.tags) == list && type(properties.nested) == map`, True, false},
		{`properties.quantity > 0 ? properties.tags.exists(t, t == 3) : false`, True, false},
		{`dyn(1) == properties.quantity || dyn("a") < 2`, Miss, true},
	} {
		t.Run(c.filter, func(t *testing.T) {
			dict := profile.NewDict()
			env, err := NewEnv(dict)
			require.NoError(t, err)
			f, err := env.Event(c.filter)
			require.NoError(t, err)
			require.Equal(t, c.lowered, f.Lowered())

			at := time.Date(2024, 2, 29, 12, 0, 0, 1, time.UTC)
			page, account := `{"page":{"path":"/shop"}}`, `{"seats":12}`
			for _, make := range []func(string) profile.Object{
				func(s string) profile.Object { return stored(t, dict, s) },
				func(s string) profile.Object { return parsed(t, s) },
			} {
				traits, accountTraits := make(person), make(account)
				in := &Input{
					Name: "Order Completed", Time: at.UnixNano(), Properties: make(order), Context: make(page),
					Traits: &traits, Account: &accountTraits,
				}
				require.Equal(t, c.want, f.Eval(in))
			}
			require.Equal(t, c.want, f.Reference(Plain{
				Name: "Order Completed", Time: at, Properties: parsed(t, order).Map(), Context: parsed(t, page).Map(),
				Traits: parsed(t, person).Map(), Account: parsed(t, account).Map(),
			}), "reference")
		})
	}
}

func TestEvalWithoutTraitsOrAccount(t *testing.T) {
	env, err := NewEnv(nil)
	require.NoError(t, err)
	for src, want := range map[string]Result{
		`has(traits.plan)`:                      False,
		`traits.plan == "pro"`:                  Miss,
		`size(account.traits) == 0`:             True,
		`!has(account.traits.plan)`:             True,
		`account.traits.exists(k, k == "plan")`: False,
	} {
		f, err := env.Trait(src)
		require.NoError(t, err)
		require.Equal(t, want, f.Eval(&Input{}), src)
		require.Equal(t, want, f.Reference(Plain{}), src)
	}
}

func TestEvalStep(t *testing.T) {
	env, err := NewEnv(nil)
	require.NoError(t, err)
	first := Step{Name: "Viewed", Time: 100, Properties: parsed(t, `{"id":"x"}`), Context: parsed(t, `{"ip":"::1"}`)}
	in := &Input{Name: "Bought", Time: 200, Properties: parsed(t, `{"id":"x"}`), Steps: []Step{first}}
	plain := Plain{
		Name: "Bought", Time: time.Unix(0, 200), Properties: in.Properties.Map(),
		Steps: []Plain{{Name: "Viewed", Time: time.Unix(0, 100), Properties: first.Properties.Map(), Context: first.Context.Map()}},
	}
	for _, c := range []struct {
		src     string
		want    Result
		lowered bool
	}{
		{`steps.viewed.properties.id == properties.id`, True, true},
		{`steps.viewed.context.ip == "::1" && steps.viewed.name == "Viewed" && steps.viewed.name != name`, True, true},
		{`steps.viewed.timestamp < timestamp`, True, true},
		{`has(steps.viewed.properties.other)`, False, true},
		{`timestamp - steps.viewed.timestamp < duration("1s")`, True, false},
		{`steps.later.properties.id == properties.id`, Miss, true},
		{`has(steps.later.properties.id)`, Miss, true},
		{`steps.later.timestamp < timestamp`, Miss, true},
		{`steps.later.name == name || size(steps.later.name) == 1`, Miss, true},
		{`size(steps.later.context) == 0`, Miss, true},
		{`steps.later.properties.exists(k, k == "id")`, Miss, false},
	} {
		f, err := env.Step(c.src, []string{"viewed", "later"})
		require.NoError(t, err)
		require.Equal(t, c.lowered, f.Lowered(), c.src)
		require.Equal(t, c.want, f.Eval(in), c.src)
		require.Equal(t, c.want, f.Reference(plain), c.src)
	}
}

// underRace says that the race detector is on, under which a sync.Pool, such as that of
// regexp, drops some of what it is given.
var underRace bool

func TestEvalAllocatesNothing(t *testing.T) {
	dict := profile.NewDict()
	env, err := NewEnv(dict)
	require.NoError(t, err)
	traits := stored(t, dict, person)
	in := &Input{Name: "Order Completed", Properties: stored(t, dict, order), Traits: &traits}
	for _, src := range []string{
		`properties.price > 100.0 && properties.category == "shoes"`,
		`properties.nested.a.b == "deep" && has(properties.nested.a)`,
		`properties.category in ["hats", "shoes"] && name in ["Order Completed"]`,
		`"sale" in properties.tags && size(properties.tags) == 5 && size(properties.nested) == 2`,
		`name.startsWith("Order") && properties.category.matches("^s.*s$") && size(name) == 15`,
		`traits.age + 1 == 42 && size(traits) == 3 && size(properties) > 3 && "plan" in traits`,
		`(properties.vip ? properties.price : 1.0) * 2.0 > 200.0 && timestamp < timestamp("2024-01-01T00:00:00Z")`,
	} {
		f, err := env.Event(src)
		require.NoError(t, err)
		require.Equal(t, True, f.Eval(in), src)
		if !underRace {
			require.Zero(t, testing.AllocsPerRun(100, func() { f.Eval(in) }), src)
		}
	}
}

func TestEvalConcurrently(t *testing.T) {
	env, err := NewEnv(nil)
	require.NoError(t, err)
	f, err := env.Event(`properties.n % 2 == 0 && properties.list.exists(x, x == properties.n)`)
	require.NoError(t, err)
	done := make(chan bool)
	for i := range 8 {
		o, err := profile.NewObject(map[string]any{"n": i, "list": []any{i}})
		require.NoError(t, err)
		go func() {
			right := true
			for range 500 {
				right = right && f.Eval(&Input{Properties: o}) == resultOf(i%2 == 0)
			}
			done <- right
		}()
	}
	for range 8 {
		require.True(t, <-done)
	}
}

func parsed(t testing.TB, json string) profile.Object {
	o, err := profile.ParseObject([]byte(json))
	require.NoError(t, err)
	return o
}
