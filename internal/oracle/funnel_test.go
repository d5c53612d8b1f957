package oracle_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/profile"
)

// funnelOf is the audience f of those for whom a funnel holds.
func funnelOf(f funnel.Funnel) step { return create(at(0), "", members("f", audience.Funnel(f))) }

// does is an event of now.
func does(hours float64, name, properties, want string) step {
	return event(at(hours), "u", name, at(hours), want, properties)
}

// late is an event that comes at hour 9.
func late(hours float64, name, properties, want string) step {
	return event(at(9), "u", name, at(hours), want, properties)
}

func TestStepsFollowInStrictOrder(t *testing.T) {
	play(t,
		funnelOf(funnel.Start("a", "A").Followed("b", "B").Followed("c", "A")),
		does(1, "B", `{}`, ""),
		does(2, "A", `{}`, ""),
		does(2, "B", `{}`, ""), // at one time there is no order
		does(3, "B", `{}`, ""),
		does(3, "A", `{}`, ""),
		does(4, "A", `{}`, "u+f@4 event"),
	)
	play(t, // one event is not two steps
		funnelOf(funnel.Start("a", "A").Followed("b", "A")),
		does(1, "A", `{}`, ""),
		does(1, "A", `{}`, ""),
		event(at(2), "u", "A", at(4), ""), // it counts from its own time on
		advance(at(9), "u+f@4 time"),
	)
}

func TestAStepComesWithinAnOpenInterval(t *testing.T) {
	within := funnelOf(funnel.Start("a", "A").Followed("b", "B").Within(2 * hour))
	play(t, within, does(1, "A", `{}`, ""), does(3, "B", `{}`, ""))
	play(t, within, does(1, "A", `{}`, ""), event(at(3), "u", "B", at(3).Add(-1), "u+f@3 event"))
	play(t, // of the step before, not of the first
		funnelOf(funnel.Start("a", "A").Followed("b", "B").Within(2*hour).Followed("c", "C").Within(2*hour)),
		does(1, "A", `{}`, ""), does(2, "B", `{}`, ""), does(3.5, "C", `{}`, "u+f@3.5 event"))
}

func TestTheWholeFunnelLiesInItsWindow(t *testing.T) {
	steps := funnel.Start("a", "A").Followed("b", "B")
	play(t,
		funnelOf(steps.WithWindow(profile.Within(3*hour))),
		does(1, "A", `{}`, ""),
		does(2, "B", `{}`, "u+f@2 event"),
		does(3, "A", `{}`, ""),
		does(5, "B", `{}`, "u-f@4 time, u+f@5 event"),
		advance(at(9), "u-f@6 time"),
	)
	play(t, // which may end before now
		funnelOf(steps.WithWindow(profile.Between(2*hour, 4*hour))),
		does(1, "A", `{}`, ""),
		does(2, "B", `{}`, ""),
		advance(at(9), "u+f@4 time, u-f@5 time"),
	)
}

func TestNoChoiceIsCutOffByAGreedyOne(t *testing.T) {
	play(t,
		funnelOf(funnel.Start("a", "A").
			Followed("b", "B").Within(2*hour).
			Followed("c", "C").Where("properties.n == steps.a.properties.n && properties.n > steps.b.properties.n")),
		does(1, "A", `{"n": 2}`, ""), does(1, "A", `{"n": 3}`, ""), does(2, "A", `{"n": 1}`, ""),
		does(2.5, "B", `{"n": 2}`, ""), does(2.75, "B", `{"n": 9}`, ""),
		does(3, "C", `{"n": 1}`, ""), does(3, "C", `{"n": 2}`, ""),
		does(4, "C", `{"n": 3}`, "u+f@4 event"),
	)
}

func TestAbsenceIsSettled(t *testing.T) {
	f := funnel.Start("a", "A").NotFollowed("b", "B").Within(2 * hour)
	play(t,
		funnelOf(f),
		does(1, "A", `{}`, ""),
		does(1, "B", `{}`, ""), // not after it
		does(3, "B", `{}`, "u+f@3 event"),
		late(2, "B", `{}`, "u-f@9 event"),
	)
	play(t, // another attempt goes on
		funnelOf(f),
		does(1, "A", `{}`, ""), does(2, "B", `{}`, ""), does(2, "A", `{}`, ""),
		advance(at(9), "u+f@4 time"),
	)
	play(t, // until the step before has left the window
		funnelOf(f.WithWindow(profile.Within(3*hour))),
		does(1, "A", `{}`, ""),
		advance(at(9), "u+f@3 time, u-f@4 time"),
	)
}

func TestAbsenceIsPending(t *testing.T) {
	play(t,
		funnelOf(funnel.Start("a", "A").NotFollowed("b", "B").Within(2*hour).Pending()),
		does(1, "A", `{}`, "u+f@1 event"),
		event(at(1), "u", "B", at(2), ""), // known before it counts
		advance(at(3), "u-f@2 time"),
		does(4, "A", `{}`, "u+f@4 event"),
		does(6, "B", `{}`, ""),
		late(5, "B", `{}`, "u-f@9 event"),
	)
}

// The example of package funnel: viewed; not ordered within 1h; visited within
// 2h.
func TestAbsenceInBetween(t *testing.T) {
	viewed := funnel.Start("viewed", "View").NotFollowed("ordered", "Order").Within(hour)
	f := funnelOf(viewed.Followed("visited", "Visit").Within(2 * hour))
	pending := funnelOf(viewed.Pending().Followed("visited", "Visit").Within(2 * hour))
	minute := func(n float64) float64 { return 12 + n/60 }
	view := does(12, "View", `{}`, "")
	visit := func(want string) step { return does(minute(10), "Visit", `{}`, want) }

	play(t, f, view, visit(""), advance(at(14), "u+f@13 time"))
	play(t, f, view, does(minute(5), "Order", `{}`, ""), visit(""), advance(at(14), ""))
	play(t, f, view, visit(""), does(minute(30), "Order", `{}`, ""), advance(at(14), ""))
	play(t, f, view, does(13, "Visit", `{}`, "u+f@13 event"))
	play(t, f, view, advance(at(13), ""), does(14, "Visit", `{}`, "")) // two hours later
	play(t, pending, view, visit("u+f@12h10m0s event"), does(minute(30), "Order", `{}`, "u-f@12.5 event"))
	play(t, pending, view, does(minute(5), "Order", `{}`, ""), visit(""))

	two := viewed.NotFollowed("called", "Call").Within(2 * hour).Where("properties.n == steps.viewed.properties.n")
	play(t, funnelOf(two), does(1, "View", `{"n": 1}`, ""), does(2.5, "Call", `{"n": 2}`, ""), advance(at(9), "u+f@3 time"))
	play(t, funnelOf(two), does(1, "View", `{"n": 1}`, ""), does(2.5, "Call", `{"n": 1}`, ""), advance(at(9), ""))
}

func TestFiltersOfSteps(t *testing.T) {
	for _, c := range []struct {
		filter, first, second string
		want                  bool
	}{
		{`properties.k == steps.a.properties.k`, `{"k": 1}`, `{"k": 1.0}`, true},
		{`properties.k == steps.a.properties.k`, `{"k": 1}`, `{"k": "1"}`, false},
		{`properties.k == steps.a.properties.k`, `{}`, `{}`, false},
		{`!(properties.k == steps.a.properties.k)`, `{}`, `{"k": 1}`, false}, // a miss, not the opposite
		{`properties.k == steps.a.properties.l`, `{"l": 1}`, `{"k": 1}`, true},
		{`properties.k > steps.a.properties.k`, `{"k": 1}`, `{"k": 2}`, true},
		{`!has(steps.a.properties.k)`, `{}`, `{}`, true},
		{`steps.a.name == "A" && name == "B"`, `{}`, `{}`, true},
		{`timestamp - steps.a.timestamp >= duration("1h")`, `{}`, `{}`, true},
		{`timestamp - steps.a.timestamp > duration("1h")`, `{}`, `{}`, false},
		{`traits.plan == properties.k`, `{}`, `{"k": "pro"}`, true},
		{`traits.plan == steps.a.properties.k`, `{"k": "free"}`, `{}`, false},
	} {
		want := ""
		if c.want {
			want = "u+f@2 event"
		}
		play(t,
			funnelOf(funnel.Start("a", "A").Followed("b", "B").Where(c.filter)),
			traits(at(0), "u", `{"plan": "pro"}`, at(0), ""),
			does(1, "A", c.first, ""),
			does(2, "B", c.second, want))
	}
}

func TestFiltersOfStepsReadTraitsOfNow(t *testing.T) {
	play(t,
		funnelOf(funnel.Start("a", "A").Where(`traits.plan == "pro"`).Followed("b", "B").Where("traits.n >= 2")),
		does(1, "A", `{}`, ""),
		does(2, "B", `{}`, ""),
		traits(at(3), "u", `{"plan": "pro", "n": 2}`, at(3), "u+f@3 trait"),
		traits(at(4), "u", `{"plan": "free"}`, at(6), ""),
		advance(at(9), "u-f@6 time"),
	)
}

func TestFunnelsOfALateDoubledMergedAndDeletedHistory(t *testing.T) {
	f := funnel.Start("a", "A").NotFollowed("x", "X").Within(hour).Pending().Followed("b", "B")
	by := func(hours float64, user, name string, when time.Time, id, want string) step {
		return event(at(hours), user, name, when, want, `{}`, id)
	}
	m := play(t,
		funnelOf(f),
		by(5, "u", "B", at(3), "b", ""),
		by(5, "u", "A", at(2), "a", "u+f@5 event"), // after its successor
		by(6, "u", "X", at(2.5), "b", ""),          // a duplicate
		by(6, "u", "X", at(2.5), "x", "u-f@6 event"),
		by(6, "v", "B", at(4), "x", ""),
		merge(7, "v", "u", ""),                        // of the two messages x the first counts
		by(8, "v", "A", at(2.75), "", "u+f@8 event"),  // so there is one B, at 3
		remove(9, "v", "u-f@9 delete"),                //
		by(10, "w", "A", at(1), "", ""),               //
		by(10, "z", "B", at(2), "", ""),               //
		merge(11, "w", "z", "z+f@11 merge"),           // what two did is one funnel
		by(12, "z", "X", at(1.5), "", "z-f@12 event"), //
	)
	require.Equal(t, users("z"), m.Profiles())
	require.Empty(t, m.Members("f", at(20)))
}

func TestFunnelsWithoutBackfill(t *testing.T) {
	f := funnel.Start("a", "A").Followed("b", "B")
	play(t,
		does(1, "A", `{}`, ""),
		create(at(2), "", members("f", audience.Funnel(f)).WithNoBackfill(),
			members("g", audience.Funnel(funnel.Start("a", "A").NotFollowed("b", "B").Within(hour))).WithNoBackfill()),
		does(3, "B", `{}`, ""),
		event(at(4), "u", "A", at(2.5), "u+f@4 event"), // it arrives later, however old it is
		event(at(5), "u", "A", at(3), "u+g@5 event"),
	)
}

func TestFunnelsInATree(t *testing.T) {
	f := funnel.Start("a", "A").NotFollowed("b", "B").Within(2 * hour)
	play(t,
		create(at(0), "",
			members("both", audience.All(audience.Funnel(f), audience.Not(audience.Performed("C")))),
			members("not", audience.Not(audience.Funnel(f)))),
		does(1, "A", `{}`, "u+not@1 event"),
		advance(at(3), "u+both@3 time, u-not@3 time"),
		does(4, "C", `{}`, "u-both@4 event"),
	)
}
