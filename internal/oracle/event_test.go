package oracle_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
)

func TestEventWithoutWindowCountsFromItsTimeOn(t *testing.T) {
	play(t,
		create(at(1), "", members("a", audience.Performed("Buy"))),
		event(at(1), "u", "Look", at(1), ""),
		event(at(1), "u", "Buy", at(3), ""),
		advance(at(3).Add(-1), ""),
		advance(at(3), "u+a@3 time"),
		advance(at(9999), ""),
		event(at(9999), "v", "Buy", at(-500), "v+a@9999 event"),
	)
}

func TestWithinIsHalfOpen(t *testing.T) {
	play(t,
		create(at(0), "", members("a", audience.Performed("Buy").Within(2*hour))),
		event(at(1), "u", "Buy", at(1), "u+a@1 event"),
		advance(at(3).Add(-1), ""),
		advance(at(3), "u-a@3 time"),
		event(at(4), "u", "Buy", at(2), ""), // late, and over
		event(at(4), "u", "Buy", at(2).Add(1), "u+a@4 event"),
		advance(at(5), "u-a@4h0m0.000000001s time"),
	)
}

func TestBetweenEntersAndExitsByTimeAlone(t *testing.T) {
	play(t,
		create(at(0), "", members("a", audience.Performed("Buy").Between(2*hour, 4*hour))),
		event(at(1), "u", "Buy", at(1), ""),
		advance(at(3).Add(-1), ""),
		advance(at(3), "u+a@3 time"),
		advance(at(10), "u-a@5 time"),
	)
}

func TestCounts(t *testing.T) {
	play(t,
		create(at(0), "",
			members("exactly", audience.Performed("Buy").Exactly(1).Within(4*hour)),
			members("least", audience.Performed("Buy").AtLeast(2).Within(4*hour)),
			members("most", audience.Performed("Buy").AtMost(1).Within(4*hour)),
			members("none", audience.NotPerformed("Buy")),
			members("zero", audience.Performed("Buy").Exactly(0))),
		event(at(1), "u", "Buy", at(1), "u+exactly@1 event, u+most@1 event"),
		event(at(2), "u", "Buy", at(2), "u-exactly@2 event, u+least@2 event, u-most@2 event"),
		advance(at(5), "u+exactly@5 time, u-least@5 time, u+most@5 time"),
		advance(at(9), "u-exactly@6 time"),
		event(at(9), "v", "Look", at(9), "v+most@9 event, v+none@9 event, v+zero@9 event"),
	)
}

func TestAnEventThatReplacesAnotherAtItsExpiry(t *testing.T) {
	play(t,
		create(at(0), "", members("a", audience.Performed("Buy").Within(2*hour))),
		event(at(1), "u", "Buy", at(1), "u+a@1 event"),
		event(at(3), "u", "Buy", at(3), ""),
		advance(at(4), ""),
		event(at(5).Add(1), "u", "Buy", at(5).Add(1), "u-a@5 time, u+a@5h0m0.000000001s event"),
	)
}

func TestDuplicatesCountOnce(t *testing.T) {
	play(t,
		create(at(0), "",
			members("two", audience.Performed("Buy").AtLeast(2)),
			members("x", audience.Performed("Buy").Where(`properties.k == "x"`))),
		event(at(1), "u", "Buy", at(1), "", `{"k": "y"}`, "m"),
		event(at(1), "u", "Buy", at(1), "", `{"k": "x"}`, "m"), // the first counts
		event(at(1), "v", "Buy", at(1), "v+x@1 event", `{"k": "x"}`, "m"),
		event(at(2), "v", "Buy", at(1), "v+two@2 event", `{"k": "x"}`),
		event(at(3), "u", "Buy", at(1), "u+two@3 event"),
		traits(at(3), "w", `{"plan": "pro"}`, at(3), "", "n"),
		event(at(3), "w", "Buy", at(3), "", `{"k": "x"}`, "n"), // traits and events share ids
	)
}

func TestFilters(t *testing.T) {
	for _, c := range []struct {
		filter, properties string
		want               bool
	}{
		{`properties.price > 1`, `{"price": 1.5}`, true},
		{`properties.price > 1`, `{"price": "2"}`, false},
		{`properties.price == 2`, `{"price": 2.0}`, true},
		{`properties.k == "x"`, `{}`, false},
		{`!(properties.k == "x")`, `{}`, false}, // a miss, not the opposite
		{`!(properties.k == "x")`, `{"k": "y"}`, true},
		{`properties.k == "x" || properties.price > 1`, `{"price": 3}`, true},
		{`!has(properties.k)`, `{}`, true},
		{`traits.plan == properties.k`, `{"k": "pro"}`, true},
		{`traits.none == properties.k`, `{"k": "pro"}`, false},
		{`name == "Buy" && timestamp < timestamp("2024-03-01T02:00:00Z")`, `{}`, true},
	} {
		want := ""
		if c.want {
			want = "u+a@1 event"
		}
		play(t,
			create(at(0), "", members("a", audience.Performed("Buy").Where(c.filter))),
			traits(at(0), "u", `{"plan": "pro"}`, at(0), ""),
			event(at(1), "u", "Buy", at(1), want, c.properties))
	}
}

func TestFilterReadsTraitsOfNowNotOfThen(t *testing.T) {
	play(t,
		create(at(0), "", members("a", audience.Performed("Buy").Where(`traits.plan == "pro"`))),
		event(at(1), "u", "Buy", at(1), ""),
		traits(at(2), "u", `{"plan": "pro"}`, at(2), "u+a@2 trait"),
		traits(at(3), "u", `{"plan": "free"}`, at(5), ""),
		advance(at(6), "u-a@5 time"),
	)
}

func TestNodes(t *testing.T) {
	buy, look := audience.Performed("Buy"), audience.Performed("Look")
	m := play(t,
		create(at(0), "",
			members("all", audience.All(buy, look)),
			members("any", audience.Any(buy, look)),
			members("in", audience.All(audience.InAudience("any"), audience.Not(audience.InAudience("all")))),
			members("not", audience.Not(audience.Any(buy, look)))),
		event(at(1), "u", "Other", at(1), "u+not@1 event"),
		event(at(2), "u", "Buy", at(2), "u+any@2 event, u+in@2 event, u-not@2 event"),
		event(at(3), "u", "Look", at(3), "u+all@3 event, u-in@3 event"),
	)
	require.Equal(t, users("u"), m.Members("in", at(2)))
	require.Empty(t, m.Members("in", at(3)))
	require.Equal(t, users("u"), m.Members("all", at(3)))
	told := m.Told("any")
	require.Len(t, told, 1)
	require.Equal(t, at(2), told[0].Since)
}

func TestTheClockNeverGoesBackwards(t *testing.T) {
	play(t,
		create(at(5), "", members("a", audience.Performed("Buy"))),
		event(at(2), "u", "Buy", at(1), "u+a@5 event"),
		advance(at(1), ""),
		event(time.Time{}.AddDate(2000, 0, 0), "v", "Buy", at(1), "v+a@5 event"),
	)
}
