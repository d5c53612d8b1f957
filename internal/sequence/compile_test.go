package sequence

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/profile"
)

// TestEqualitiesAloneAreNotApplied tells the filters that the key answers from
// those that CEL has to.
func TestEqualitiesAloneAreNotApplied(t *testing.T) {
	const key = "properties.k == steps.a.properties.k"
	a := funnel.Start("a", "A")
	for _, c := range []struct {
		name    string
		f       funnel.Funnel
		implied bool // of the last step
	}{
		{"the key", a.Followed("b", "B").Where(key), true},
		{"the other way round, of another name", a.Followed("b", "B").Where("steps.a.properties.k == properties['l']"), true},
		{"not followed", a.NotFollowed("b", "B").Within(1).Where(key), true},
		{"two keys", a.Followed("b", "B").Where(key + " && properties.l == steps.a.properties.m"), true},
		{"one key, by way of two steps", a.Followed("b", "B").Where(key).
			Followed("c", "C").Where("properties.k == steps.b.properties.k && " + key), true},
		{"more than the key", a.Followed("b", "B").Where(key + " && properties.x > 1"), false},
		{"&& in a text", a.Followed("b", "B").Where(key + " && properties.x == '&&'"), false},
		{"two properties that are to be equal", a.NotFollowed("b", "B").Within(1).
			Where(key + " && properties.l == steps.a.properties.k"), false},
		{"no references", a.Followed("b", "B").Where("properties.x > 1"), false},
		{"not exact", a.Followed("b", "B").Followed("c", "C").Where(key), false},
	} {
		m, err := CompileAlone(c.f)
		require.NoError(t, err, c.name)
		require.Equal(t, c.implied, m.steps[len(m.steps)-1].implied, c.name)
	}
}

// TestOneFilterIsAppliedOnce has steps with the same filter, in other words.
func TestOneFilterIsAppliedOnce(t *testing.T) {
	m, err := CompileAlone(funnel.Start("a", "A").Where("properties.x == 1").
		Followed("b", "A").Where("properties.x==1").
		Followed("c", "A").
		Followed("d", "A").Where("properties.x == steps.a.properties.y").
		NotFollowed("e", "A").Within(profile.Day).Where("properties.x == steps.a.properties.y").
		Followed("f", "A").Where("(properties.x) == 1"))
	require.NoError(t, err)
	var twins []int
	for _, s := range m.steps {
		twins = append(twins, s.twin)
	}
	require.Equal(t, []int{0, 0, 2, 3, 4, 0}, twins)
}
