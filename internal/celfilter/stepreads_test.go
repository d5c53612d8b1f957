package celfilter

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatAStepReads(t *testing.T) {
	env, err := NewEnv(nil)
	require.NoError(t, err)
	earlier := []string{"a", "b"}
	all := Names{All: true}
	some := func(names ...string) Names { return Names{Names: names} }
	for _, c := range []struct {
		filter string
		self   EventReads
		a, b   EventReads
		edges  []StepEquality
		beyond []bool
	}{
		{filter: `properties.x == 1 && context["y"] == traits.z`, self: EventReads{some("x"), some("y")}},
		{filter: `has(properties.x) || "y" in context`, self: EventReads{some("x"), all}},
		{filter: `properties.items.exists(i, i == properties.x) && size(context) > 1`, self: EventReads{some("items", "x"), all}},
		{filter: `[properties.x, {"k": context.y}, -properties.z] != []`, self: EventReads{some("x", "z"), some("y")}},
		{
			filter: `properties.x == steps.a.properties.y && (steps.b.properties["z"] == properties.x && name == "n")`,
			self:   EventReads{some("x"), Names{}},
			a:      EventReads{some("y"), Names{}},
			b:      EventReads{some("z"), Names{}},
			edges:  []StepEquality{{"x", 0, "y"}, {"x", 1, "z"}},
		},
		{
			filter: `properties.x.y == steps.a.properties.x.y`,
			self:   EventReads{some("x"), Names{}}, a: EventReads{some("x"), Names{}},
			beyond: []bool{true, false},
		},
		{
			filter: `context.x == steps.b.context.x || !("z" in steps.a.properties)`,
			self:   EventReads{Names{}, some("x")}, a: EventReads{all, Names{}}, b: EventReads{Names{}, some("x")},
			beyond: []bool{true, true},
		},
		{filter: `timestamp > steps.a.timestamp && steps.b.name == "n"`, beyond: []bool{true, true}},
		{filter: `steps.a.context.x.size() == 1 && steps.b.context == {}`, a: EventReads{Names{}, some("x")}, b: EventReads{Names{}, all}, beyond: []bool{true, true}},
	} {
		f, err := env.Step(c.filter, earlier)
		require.NoError(t, err, c.filter)
		if c.beyond == nil {
			c.beyond = []bool{false, false}
		}
		require.Equal(t, StepReads{
			Self: c.self, Steps: []EventReads{c.a, c.b}, Equalities: c.edges, Beyond: c.beyond,
		}, f.StepReads(earlier), c.filter)
	}
}
