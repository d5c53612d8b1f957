package oracle_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

func merge(hours float64, from, into, want string) step {
	return step{at(hours), oracle.Merge{From: from, Into: into}, want}
}

func remove(hours float64, user, want string) step {
	return step{at(hours), oracle.Delete{Profile: user}, want}
}

func users(ids ...string) []profile.Ref {
	var refs []profile.Ref
	for _, id := range ids {
		refs = append(refs, profile.UserRef(id))
	}
	return refs
}

func TestCreationTellsWhatWasDueFirst(t *testing.T) {
	play(t,
		create(at(0), "", members("a", audience.Performed("Buy").Within(2*hour))),
		event(at(1), "v", "Buy", at(1), "v+a@1 event"),
		event(at(1), "u", "Buy", at(1), "u+a@1 event"),
		create(at(3), "u-a@3 time, v-a@3 time, u+b@3 backfill, u+c@3 backfill, v+b@3 backfill, v+c@3 backfill",
			members("c", audience.Performed("Buy")), members("b", audience.InAudience("c"))),
	)
}

func TestWithoutBackfill(t *testing.T) {
	pro := `traits.plan == "pro"`
	play(t,
		traits(at(1), "u", `{"plan": "pro", "d": "2024-03-01"}`, at(1), ""),
		event(at(1), "u", "Buy", at(1), ""),
		create(at(2), "u+never@2 backfill, u+old@2 backfill, u+ref@2 backfill",
			members("bought", audience.Performed("Buy")).WithNoBackfill(),
			members("bought_pro", audience.Performed("Buy").Where(pro)).WithNoBackfill(),
			members("date", audience.TraitDate("d", trait.DateWindow{})).WithNoBackfill(),
			members("never", audience.NotPerformed("Buy")).WithNoBackfill(),
			members("old", audience.Performed("Buy")),
			members("pro", audience.Trait(pro)).WithNoBackfill(),
			members("ref", audience.InAudience("old")).WithNoBackfill(), // old has its own backfill
		),
		// What arrives later counts, however old it is.
		event(at(3), "u", "Buy", at(0), "u+bought@3 event, u-never@3 event"),
		traits(at(4), "u", `{"plan": "pro", "d": "2024-03-01"}`, at(0), "u+bought_pro@4 trait, u+date@4 trait, u+pro@4 trait"),
	)
}

func TestDroppedAudience(t *testing.T) {
	play(t,
		create(at(0), "", members("a", audience.Performed("Buy")), members("b", audience.Performed("Buy").Within(2*hour))),
		event(at(1), "u", "Buy", at(1), "u+a@1 event, u+b@1 event"),
		step{at(3), oracle.Drop{Audience: "a"}, "u-b@3 time, u-a@3 delete"},
		event(at(4), "u", "Buy", at(4), "u+b@4 event"),
	)
}

func TestMerge(t *testing.T) {
	m := play(t,
		create(at(0), "",
			members("none", audience.NotPerformed("Buy")),
			members("one", audience.Performed("Buy").Exactly(1)),
			members("two", audience.Performed("Buy").AtLeast(2))),
		event(at(1), "a", "Buy", at(1), "a+one@1 event", `{}`, "m"),
		event(at(1), "b", "Buy", at(1), "b+one@1 event", `{}`, "n"),
		merge(2, "a", "b", "a-one@2 merge, b-one@2 merge, b+two@2 merge"),
		merge(2, "a", "b", ""),
		merge(2, "b", "a", ""), // one already
		event(at(3), "a", "Buy", at(3), "", `{}`, "n"),
		merge(3, "b", "c", "b-two@3 merge, c+two@3 merge"), // a chain
		event(at(4), "a", "Buy", at(4), ""),
		merge(5, "unknown", "x", "x+none@5 merge"), // neither was there
		merge(5, "x", "unknown", ""),
		event(at(6), "unknown", "Buy", at(6), "x-none@6 event, x+one@6 event"),
	)
	require.Equal(t, "c", m.Resolve("a"))
	require.Equal(t, users("c", "x"), m.Profiles())
	require.Equal(t, []string{"none", "one", "two"}, m.Audiences())
	require.Equal(t, []profile.Membership{{Audience: "two", Ref: profile.UserRef("c"), Since: at(3)}}, m.Told("two"))
}

func TestAnyMessageMakesAProfile(t *testing.T) {
	play(t,
		create(at(0), "", members("none", audience.NotPerformed("Buy"))),
		step{at(1), oracle.Group{Profile: "u", Account: "acme"}, "u+none@1 trait"},
		step{at(1), oracle.Identify{Profile: "v", Time: at(1)}, "v+none@1 trait"},
		event(at(1), "w", "Look", at(99), "w+none@1 event"),
		merge(1, "nobody", "x", "x+none@1 merge"),
		remove(1, "y", ""),
		advance(at(9), ""),
	)
}

func TestMergedHistoryCountsAMessageOnce(t *testing.T) {
	play(t,
		event(at(1), "a", "Buy", at(1), "", `{"k": "x"}`, "m"),
		create(at(2), "",
			members("late", audience.Performed("Buy")).WithNoBackfill(),
			members("two", audience.Performed("Buy").AtLeast(2)),
			members("y", audience.Performed("Buy").Where(`properties.k == "y"`))),
		event(at(3), "b", "Buy", at(3), "b+late@3 event, b+y@3 event", `{"k": "y"}`, "m"),
		merge(4, "b", "a", "b-late@4 merge, b-y@4 merge"), // the first to arrive is the message
	)
}

func TestDeletionForgetsAllButTheMessageIDs(t *testing.T) {
	m := play(t,
		create(at(0), "", members("a", audience.Performed("Buy")), members("z", audience.NotPerformed("Buy"))),
		event(at(1), "u", "Buy", at(1), "u+a@1 event", `{}`, "m"),
		merge(1, "old", "u", ""),
		merge(1, "older", "old", ""),
		remove(2, "old", "u-a@2 delete"),
		remove(2, "old", ""),
		event(at(3), "u", "Buy", at(1), "", `{}`, "m"), // a duplicate still
		event(at(3), "older", "Buy", at(1), "", `{}`, "m"),
		event(at(3), "u", "Buy", at(1), "u+a@3 event", `{}`, "n"), // not known before
		event(at(3), "older", "Look", at(3), "older+z@3 event"),   // nor merged
	)
	require.Equal(t, users("older", "u"), m.Profiles())
}

func TestWhatIsDueWithDataIsSettledWithIt(t *testing.T) {
	play(t,
		create(at(0), "", members("a", audience.Performed("Buy").Within(2*hour)), members("b", audience.Performed("Buy").Between(2*hour, 3*hour))),
		event(at(1), "u", "Buy", at(1), "u+a@1 event", `{}`, "m"),
		event(at(1), "v", "Buy", at(1), "v+a@1 event"),
		event(at(3), "u", "Buy", at(1), "", `{}`, "m"),                                    // a duplicate touches nothing
		event(at(3), "u", "Look", at(3), "u-a@3 event, u+b@3 event"),                      // any other message does
		event(at(3), "w", "Look", at(3), ""),                                              // v waits for the next call
		event(at(4), "w", "Look", at(4), "v-a@3 time, v+b@3 time"),                        // and is told the instant
		advance(at(4), "u-b@4 time, v-b@4 time"),                                          // inclusive
		remove(5, "u", ""),                                                                // in nothing
		event(at(5), "v", "Buy", at(5), "v+a@5 event"),                                    //
		merge(7, "v", "w", "v-a@7 merge, w+b@7 merge"),                                    // w never was in a
		event(at(9), "x", "Buy", at(4), "w-b@8 time"),                                     // over when it comes
		step{at(9), oracle.Identify{Profile: "x", Traits: object(`{}`), Time: at(9)}, ""}, // no traits
	)
}

func TestOrderIsInstantThenProfileThenAudience(t *testing.T) {
	play(t,
		create(at(0), "",
			members("y", audience.Performed("Buy").Within(2*hour)),
			members("x", audience.Performed("Buy").Within(3*hour))),
		event(at(1), "v", "Buy", at(1), "v+x@1 event, v+y@1 event"),
		event(at(2), "u", "Buy", at(2), "u+x@2 event, u+y@2 event"),
		event(at(2), "a", "Buy", at(1), "a+x@2 event, a+y@2 event"),
		advance(at(9), "a-y@3 time, v-y@3 time, a-x@4 time, u-y@4 time, v-x@4 time, u-x@5 time"),
	)
}

func TestReactions(t *testing.T) {
	m := oracle.NewModel(at(0))
	m.React = func(n oracle.Notice) []oracle.Operation {
		if tr := n.Transition; tr.Type == audience.Exited && tr.Audience == "a" {
			return []oracle.Operation{oracle.Track{Event: profile.Event{Profile: "w", Name: "Left", Time: tr.At}}}
		}
		return nil
	}
	playOn(t, m,
		create(at(0), "",
			members("a", audience.Performed("Buy").Within(2*hour)),
			members("left", audience.Performed("Left").Within(hour))),
		event(at(1), "u", "Buy", at(1), "u+a@1 event"),
		event(at(2), "v", "Buy", at(2), "v+a@2 event"),
		// They happen at the transition's instant, before anything later: w
		// enters at 3; at 4, when w was to leave, the next event is there.
		advance(at(9), "u-a@3 time, w+left@3 event, v-a@4 time, w-left@5 time"),
		event(at(10), "u", "Buy", at(10), "u+a@10 event"),
		event(at(10), "v", "Buy", at(10), "v+a@10 event"),
		// Where the clock is ahead already they happen there: too late for w to
		// be in, but not for the exit of v, which comes first.
		event(at(15), "x", "Look", at(15), "u-a@12 time, v-a@12 time"),
	)
}
