package oracle_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/profile"
)

// batch is an audience of users that is computed at an interval.
func batch(key string, interval time.Duration, c audience.Condition) audience.Definition {
	return members(key, c).WithBatch(interval)
}

// asked is one that is computed on request.
func asked(key string, c audience.Condition) audience.Definition {
	return batch(key, audience.OnRequest, c)
}

func recompute(hours float64, want string, keys ...string) step {
	return step{at(hours), oracle.Recompute{Audiences: keys}, want}
}

func TestBatchIsComputedWhenMade(t *testing.T) {
	play(t,
		buys(1, "u", ""),
		create(at(1), "u+a@1 backfill", asked("a", audience.Performed("Buy")), asked("b", audience.Performed("Buy")).WithNoBackfill()),
		buys(2, "v", ""), // neither data
		advance(at(9), ""),
	)
}

func TestBatchIsFrozen(t *testing.T) {
	recent := audience.Performed("Buy").Within(2 * hour)
	m := play(t,
		create(at(0), "", asked("a", recent), members("live", recent)),
		buys(1, "u", "u+live@1 event"),
		recompute(2, "u+a@2 backfill", "a"),
		advance(at(9), "u-live@3 time"), // nor time move it
		buys(9, "v", "v+live@9 event"),
		recompute(11, "v-live@11 time, u-a@11 backfill", "a"), // what is due comes first
	)
	require.Empty(t, m.Told("a"))
}

func TestBatchThatIsEdited(t *testing.T) {
	buyers, lookers := audience.Performed("Buy"), audience.Performed("Look")
	play(t,
		create(at(0), "", asked("a", buyers), members("other", lookers)),
		buys(1, "u", ""),
		editAudience(2, asked("a", buyers), ""), // nothing is different
		editAudience(3, batch("a", 8*hour, buyers), "u+a@3 edit"),
		buys(4, "v", ""),
		editAudience(4, asked("a", buyers), "v+a@4 edit"),
		editAudience(5, asked("a", lookers), "u-a@5 edit, v-a@5 edit"),
		buys(6, "w", ""),
		editAudience(6, members("a", buyers), "u+a@6 edit, v+a@6 edit, w+a@6 edit"), // in real time from now on
		buys(7, "x", "x+a@7 event"),
		editAudience(8, asked("a", audience.All(buyers, audience.Not(audience.InAudience("other")))), ""),
		editAudience(9, members("other", buyers), "u+other@9 edit, v+other@9 edit, w+other@9 edit, x+other@9 edit"), // a stays
		recompute(9, "u-a@9 backfill, v-a@9 backfill, w-a@9 backfill, x-a@9 backfill", "a"),
		step{at(10), oracle.Drop{Audience: "a"}, ""},
	)
}

func TestBatchAtAnInterval(t *testing.T) {
	play(t,
		create(at(0.5), "", batch("a", 3*hour, audience.Performed("Buy").Within(4*hour))),
		buys(1, "u", ""),
		buys(3, "v", ""), // before the computation of 3
		buys(3, "w", ""), //
		buys(3.5, "x", "u+a@3 time, v+a@3 time, w+a@3 time"),            // that was when time moved on
		advance(at(6), "u-a@6 time, x+a@6 time"),                        // inclusive
		buys(6, "y", ""),                                                // and once more
		remove(7, "v", "y+a@6 time, v-a@7 delete"),                      //
		advance(at(99), "w-a@9 time, x-a@9 time, y-a@12 time"),          // not when they are too old
		step{at(99), oracle.Drop{Audience: "a"}, ""},                    //
		buys(100, "u", ""),                                              //
		create(at(100), "u+b@100 backfill", batch("b", 4*hour, bought)), // at a multiple
		buys(100, "v", ""),                                              //
		advance(at(100), "v+b@100 time"),                                // which is an instant as any other
		buys(104, "w", ""),                                              //
		create(at(104), "w+b@104 time, u+c@104 backfill, v+c@104 backfill, w+c@104 backfill", members("c", audience.InAudience("b"))),
		buys(108, "x", ""),
		recompute(108, "x+b@108 time, x+c@108 time", "b"), // it was due
	)
}

var bought = audience.Performed("Buy").Within(10 * hour)

func TestBatchIsComputedAfterAllElseOfItsInstant(t *testing.T) {
	recent := audience.Performed("Buy").Within(2 * hour)
	play(t,
		create(at(0), "", batch("a", hour, audience.All(audience.InAudience("live"), audience.Not(audience.InAudience("z")))),
			members("live", audience.Performed("Buy").Between(2*hour, 4*hour)), members("z", recent)),
		buys(1, "u", "u+z@1 event"),
		advance(at(9), "u+live@3 time, u-z@3 time, u+a@3 time, u-live@5 time, u-a@5 time"),
	)
}

func TestReadersFollowABatch(t *testing.T) {
	play(t,
		create(at(0), "",
			asked("a", audience.Performed("Buy")),
			members("not", audience.Not(audience.InAudience("a"))),
			members("reads", audience.Trait("traits.a"))),
		buys(1, "u", "u+not@1 event"),
		recompute(2, "u+a@2 backfill, u-not@2 backfill, u+reads@2 backfill", "a"),
		create(at(3), "u+hourly@3 backfill", batch("hourly", hour, audience.InAudience("a"))),
		buys(4, "v", "v+not@4 event"),
		recompute(4.5, "v+a@4.5 backfill, v-not@4.5 backfill, v+reads@4.5 backfill", "a"),
		advance(at(9), "v+hourly@5 time"),
	)
}

// Of those computed together, one that reads another sees its new members: to
// compute them once more makes no difference.
func TestBatchesThatReadEachOther(t *testing.T) {
	play(t,
		create(at(0), "", batch("a", 2*hour, audience.InAudience("b")), batch("b", hour, audience.InAudience("c")), batch("c", hour, audience.Performed("Buy"))),
		buys(1, "u", ""),
		advance(at(1), "u+b@1 time, u+c@1 time"),
		advance(at(9), "u+a@2 time"),
		buys(9.5, "v", ""),
		recompute(9.5, "v+a@9.5 backfill, v+b@9.5 backfill, v+c@9.5 backfill", "b", "c", "a"),
	)
}

func TestProfilesOfABatch(t *testing.T) {
	play(t,
		create(at(0), "", asked("none", audience.NotPerformed("Look"))),
		buys(1, "u", ""), // it is new since
		buys(1, "v", ""),
		recompute(2, "u+none@2 backfill, v+none@2 backfill", "none"),
		remove(3, "u", "u-none@3 delete"),
		buys(3, "u", ""), // a new one
		merge(4, "v", "w", "v-none@4 merge"),
		recompute(5, "u+none@5 backfill, w+none@5 backfill", "none"),
		buys(6, "x", ""),
		event(at(6), "u", "Look", at(6), ""),
		merge(6, "x", "u", ""),               // u stays in
		merge(7, "u", "y", "u-none@7 merge"), // y is new
		recompute(8, "", "none"),
	)
}

func TestBatchesOfAccounts(t *testing.T) {
	big := audience.Trait("traits.size > 1")
	m := play(t,
		create(at(0), "",
			accountsWho("a", big).WithPerUser().WithBatch(audience.OnRequest),
			asked("buyers", audience.Performed("Buy")),
			accountsWho("bought", audience.AnyUser(audience.InAudience("buyers"))),
			members("in", audience.InAudience("a")),
			members("reads", audience.Trait("account.traits.a"))),
		group(1, "u", "acme", `{"size": 2}`, at(1), ""),
		recompute(2, "u+a@2 backfill, u+in@2 backfill, u+reads@2 backfill, acme+a@2 backfill", "a"),
		group(3, "v", "acme", `{"size": 1}`, at(3), "v+a@3 trait, v+in@3 trait, v+reads@3 trait"), // users come and go
		leave(4, "u", "acme", "u-a@4 trait, u-in@4 trait, u-reads@4 trait"),                       // in real time
		buys(5, "v", ""),
		recompute(5, "v-a@5 backfill, v+buyers@5 backfill, v-in@5 backfill, v-reads@5 backfill, acme-a@5 backfill, acme+bought@5 backfill", "a", "buyers"),
		group(6, "u", "acme", `{"size": 2}`, at(6), ""),
		removeAccount(6, "acme", "acme-bought@6 delete"),
		join(7, "v", "acme", "acme+bought@7 trait"),
	)
	require.Equal(t, users("v"), m.Members("buyers", at(7)))
	require.Empty(t, m.Members("a", at(7)))
}

func TestForesee(t *testing.T) {
	m := play(t,
		create(at(0), "",
			asked("batch", audience.Performed("Buy").Within(hour)),
			members("a", audience.Any(audience.InAudience("batch"), audience.Performed("Buy").Within(2*hour), audience.Performed("Buy").Between(3*hour, 4*hour)))),
		buys(1, "u", "u+a@1 event"),
	)
	foresees := func(key string, member bool, until time.Time) {
		t.Helper()
		is, changes := m.Foresee(profile.UserRef("u"), key)
		require.Equal(t, member, is)
		require.Equal(t, until, changes)
	}
	foresees("a", true, at(3))
	foresees("batch", false, time.Time{})
	playOn(t, m, event(at(3), "v", "Look", at(3), ""))
	foresees("a", false, at(4)) // what is due now is over; nobody was told
	playOn(t, m, recompute(4.5, "u-a@3 time, u+a@4 time", "batch"))
	foresees("a", true, at(5))
	playOn(t, m, buys(5, "u", ""), recompute(5, "u+batch@5 backfill", "batch"))
	foresees("a", true, time.Time{}) // for as long as batch is not computed
	foresees("batch", true, time.Time{})
	playOn(t, m, advance(at(99), ""))
	foresees("a", true, time.Time{})
}

func editAudience(hours float64, d audience.Definition, want string) step {
	return step{at(hours), oracle.EditAudience{Definition: d}, want}
}
