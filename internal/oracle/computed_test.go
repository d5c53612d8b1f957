package oracle_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

func TestValuesOfComputedTraits(t *testing.T) {
	for _, c := range []struct {
		of   trait.Computed
		p    []string // the property p of events an hour apart
		want string
	}{
		{trait.Count("x", "Buy"), []string{`null`, `"a"`}, `2`},
		{trait.Count("x", "Look"), []string{`1`}, `null`},
		{trait.Sum("x", "Buy", "p"), []string{`1`, `"7"`, `2`, `null`, `true`, `[3]`}, `3`},
		{trait.Sum("x", "Buy", "p"), []string{`1`, `2.0`}, `3.0`},
		{trait.Sum("x", "Buy", "p"), []string{`1e16`, `1.0`, `-1e16`}, `1.0`},
		{trait.Sum("x", "Buy", "p"), []string{`9223372036854775807`, `1`}, `9223372036854776000.0`},
		{trait.Sum("x", "Buy", "p"), []string{`9223372036854775807`, `1`, `-1`}, `9223372036854775807`},
		{trait.Sum("x", "Buy", "p"), []string{`1.7e308`, `1.7e308`}, `null`},
		{trait.Sum("x", "Buy", "p"), []string{`"1"`}, `null`},
		{trait.Average("x", "Buy", "p"), []string{`1`, `2`}, `1.5`},
		{trait.Average("x", "Buy", "p"), []string{`1`, `3`}, `2.0`},
		{trait.Average("x", "Buy", "p"), []string{`1.7e308`, `1.7e308`}, `1.7e+308`},
		{trait.Min("x", "Buy", "p"), []string{`2`, `1.5`, `"0"`, `1.5`}, `1.5`},
		{trait.Min("x", "Buy", "p"), []string{`1.0`}, `1.0`},
		{trait.Min("x", "Buy", "p"), []string{`1.0`, `1`, `1.0`}, `1`},
		{trait.Min("x", "Buy", "p"), []string{`-0.0`}, `0.0`},
		{trait.Max("x", "Buy", "p"), []string{`1.0`, `1`, `1.0`}, `1`},
		{trait.Max("x", "Buy", "p"), []string{`9223372036854775806`, `9223372036854775807`}, `9223372036854775807`},
		{trait.MostFrequent("x", "Buy", "p"), []string{`"a"`, `"b"`, `"b"`, `"c"`}, `"b"`},
		{trait.MostFrequent("x", "Buy", "p"), []string{`"b"`, `"b"`, `1.0`, `1`}, `1`}, // the first in sort order
		{trait.MostFrequent("x", "Buy", "p"), []string{`"a"`, `"b"`, `null`, `null`}, `null`},
		{trait.MostFrequent("x", "Buy", "p").WithMinFrequency(1), []string{`"b"`, `"a"`}, `"a"`},
		{trait.MostFrequent("x", "Buy", "p").WithMinFrequency(3), []string{`"a"`, `"a"`}, `null`},
		{trait.First("x", "Buy", "p"), []string{`null`, `2.0`, `"a"`}, `2`},
		{trait.Last("x", "Buy", "p"), []string{`"a"`, `{"k": [1.0]}`, `null`}, `{"k":[1]}`},
		{trait.Last("x", "Buy", "p.k"), []string{`{"k": false}`, `"a"`, `{"l": 1}`}, `false`},
		{trait.UniqueList("x", "Buy", "p"), []string{`"b"`, `1.0`, `"a"`, `1`, `"b"`, `[1.0]`, `[1]`, `true`}, `[true,1,"a","b",[1]]`},
		{trait.UniqueListCount("x", "Buy", "p"), []string{`"b"`, `1.0`, `1`, `null`}, `2`},
		{trait.UniqueListCount("x", "Buy", "p"), []string{`null`}, `null`},
		{trait.Sum("x", "Buy", "p").Where(`properties.p > 1`), []string{`1`, `2`, `"3"`, `4`}, `6`},
		{trait.Sum("x", "Buy", "p").Within(2 * hour), []string{`1`, `2`, `4`}, `6`},
		{trait.Sum("x", "Buy", "p").Between(hour, 3*hour), []string{`1`, `2`, `4`, `8`}, `6`},
	} {
		m := oracle.NewModel(at(0))
		m.Do(at(0), oracle.Create{Traits: []trait.Computed{c.of}})
		for i, p := range c.p {
			when := at(float64(i))
			m.Do(when, event(when, "u", "Buy", when, "", `{"p": `+p+`}`).do)
		}
		got := m.Value(profile.UserRef("u"), "x", at(float64(len(c.p)-1)))
		require.Equal(t, c.want, got.String(), "%+v of %v", c.of, c.p)
	}
}

func TestOfEventsAtOneTimeTheirValuesDecide(t *testing.T) {
	play(t,
		createTraits(at(0), "", trait.First("first", "Buy", "p"), trait.Last("last", "Buy", "p")),
		event(at(1), "u", "Buy", at(1), `u.first=null>2@1 event, u.last=null>2@1 event`, `{"p": 2}`),
		event(at(2), "u", "Buy", at(1), `u.last=2>"a"@2 event`, `{"p": "a"}`),
		event(at(3), "u", "Buy", at(1), `u.first=2>1@3 event`, `{"p": 1}`),
		event(at(4), "u", "Buy", at(1), "", `{"p": 1.5}`),
	)
}

func TestChangesOfComputedTraits(t *testing.T) {
	play(t,
		createTraits(at(0), "",
			trait.Count("n", "Buy").Within(2*hour),
			trait.Sum("late", "Buy", "p").Between(2*hour, 3*hour),
			trait.Max("top", "Buy", "p")),
		event(at(1), "u", "Buy", at(1), "u.n=null>1@1 event, u.top=null>1@1 event", `{"p": 1}`, "m"),
		event(at(1), "u", "Buy", at(1), "", `{"p": 9}`, "m"), // a duplicate
		event(at(2), "u", "Buy", at(2), "u.n=1>2@2 event", `{"p": 0}`),
		advance(at(9), "u.late=null>1@3 time, u.n=2>1@3 time, u.late=1>0@4 time, u.n=1>null@4 time, u.late=0>null@5 time"),
		event(at(9), "u", "Buy", at(11), "", `{"p": 3}`), // from its own time on
		advance(at(11), "u.n=null>1@11 time, u.top=1>3@11 time"),
	)
	play(t, // equal, but not of one kind
		createTraits(at(0), "", trait.Sum("x", "Buy", "p").Within(2*hour), trait.Last("y", "Buy", "p")),
		event(at(1), "u", "Buy", at(1), "u.x=null>1@1 event, u.y=null>1@1 event", `{"p": 1}`),
		event(at(2), "u", "Buy", at(2), "u.x=1>1.0@2 event, u.y=1>0@2 event", `{"p": 0.0}`),
		event(at(2.5), "u", "Buy", at(2.5), "u.y=0>false@2.5 event", `{"p": false}`),
	)
}

func TestChangesComeBeforeTransitions(t *testing.T) {
	m := play(t,
		step{at(0), oracle.Create{
			Traits: []trait.Computed{trait.Sum("total", "Buy", "p").Within(2 * hour), trait.Count("zeal", "Buy").Where("traits.big")},
			Definitions: []audience.Definition{
				members("big", audience.Trait("traits.total > 10")),
				members("any", audience.Trait("has(traits.total)")),
			},
		}, ""},
		event(at(1), "u", "Buy", at(1), "u.total=null>6@1 event, u+any@1 event", `{"p": 6}`),
		event(at(2), "u", "Buy", at(2), "u.total=6>12@2 event, u.zeal=null>2@2 event, u+big@2 event", `{"p": 6}`),
		advance(at(9), "u.total=12>6@3 time, u.zeal=2>null@3 time, u-big@3 time, u.total=6>null@4 time, u-any@4 time"),
		event(at(9), "u", "Buy", at(9), "u.total=null>6@9 event, u+any@9 event", `{"p": 6}`),
	)
	require.Equal(t, []profile.ComputedValue{
		{Key: "total", Ref: profile.UserRef("u"), Value: profile.IntValue(6), Since: at(9)},
	}, m.ToldValues("total"))
	require.Empty(t, m.ToldValues("zeal"))
	require.Equal(t, []string{"total", "zeal"}, m.Traits())
}

func TestWhatReadsComputedTraits(t *testing.T) {
	day := fmt.Sprintf(`{"p": %q}`, at(5).Format(time.RFC3339))
	play(t,
		step{at(0), oracle.Create{
			Traits: []trait.Computed{
				trait.Last("goal", "Goal", "p"),
				trait.Count("hits", "Buy").Where("properties.p == traits.goal"),
			},
			Definitions: []audience.Definition{
				members("due", audience.TraitDate("goal", trait.WithinNext(2*hour))),
				members("hit", audience.Performed("Buy").Where("properties.p == traits.goal && traits.hits > 0")),
				members("idle", audience.Trait(`"hits" in traits && traits.hits == 0 && !traits.due`)),
				members("sized", audience.Trait(`size(traits) == 0`)), // custom ones alone
			},
		}, ""},
		event(at(1), "u", "Goal", at(1), "u.goal=null>1@1 event, u+idle@1 event, u+sized@1 event", `{"p": 1}`),
		event(at(2), "u", "Buy", at(2), "u.hits=null>1@2 event, u+hit@2 event, u-idle@2 event", `{"p": 1.0}`),
		event(at(2), "u", "Goal", at(2), `u.goal=1>"`+at(5).Format(time.RFC3339)+`"@2 event, u.hits=1>null@2 event, u-hit@2 event, u+idle@2 event`, day),
		advance(at(9), "u+due@3 time, u-idle@3 time, u-due@5 time, u+idle@5 time"),
	)
}

func TestLifeOfAComputedTrait(t *testing.T) {
	pro := `traits.plan == "pro"`
	play(t,
		traits(at(1), "u", `{"plan": "pro"}`, at(1), ""),
		event(at(1), "u", "Buy", at(1), "", `{"p": 1}`),
		event(at(1), "v", "Buy", at(1), "", `{"p": 3}`),
		createTraits(at(2), "u.old=null>1@2 backfill, v.old=null>1@2 backfill",
			trait.Count("new", "Buy").WithNoBackfill(),
			trait.Count("old", "Buy"),
			trait.Count("pro", "Buy").Where(pro).WithNoBackfill()),
		create(at(2), "v+many@2 backfill", members("many", audience.Trait("traits.old >= 1 && !has(traits.plan)"))),
		event(at(3), "u", "Buy", at(0), "u.new=null>1@3 event, u.old=1>2@3 event", `{"p": 2}`),
		traits(at(3), "u", `{"plan": "pro"}`, at(3), "u.pro=null>1@3 trait"), // the plan of before does not count
		step{at(4), oracle.Edit{Trait: trait.Max("old", "Buy", "p")}, "v.old=1>3@4 edit"},
		step{at(5), oracle.Edit{Trait: trait.Count("old", "Look")}, "u.old=2>null@5 edit, v.old=3>null@5 edit, v-many@5 dependency"},
		step{at(6), oracle.Edit{Trait: trait.Count("old", "Buy").Within(4 * hour).WithNoBackfill()}, ""},
		event(at(7), "v", "Buy", at(7), "v.new=null>1@7 event, v.old=null>1@7 event, v+many@7 event"),
		step{at(7), oracle.Drop{Audience: "many"}, "v-many@7 delete"},
		step{at(11), oracle.DropTrait{Trait: "new"}, "v.old=1>null@11 time, u.new=1>null@11 delete, v.new=1>null@11 delete"},
		create(at(11), "u+named@11 backfill, v+named@11 backfill", members("named", audience.Trait("!has(traits.new)"))),
		traits(at(12), "u", `{"new": "name"}`, at(12), "u-named@12 trait"), // a custom trait like any
	)
}

func TestEndOfAProfileEndsItsValues(t *testing.T) {
	play(t,
		createTraits(at(0), "", trait.Count("n", "Buy"), trait.Last("l", "Buy", "p")),
		create(at(0), "", members("a", audience.Trait("traits.n > 0"))),
		event(at(1), "u", "Buy", at(1), `u.l=null>"x"@1 event, u.n=null>1@1 event, u+a@1 event`, `{"p": "x"}`),
		event(at(1), "v", "Buy", at(1), `v.l=null>"x"@1 event, v.n=null>1@1 event, v+a@1 event`, `{"p": "x"}`),
		merge(2, "v", "u", `u.n=1>2@2 merge, v.l="x">null@2 merge, v.n=1>null@2 merge, v-a@2 merge`),
		remove(3, "u", `u.l="x">null@3 delete, u.n=2>null@3 delete, u-a@3 delete`),
		remove(3, "u", ""),
	)
}
