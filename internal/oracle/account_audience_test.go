package oracle_test

import (
	"testing"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/trait"
)

// The accounts are acme and beta, the users u, v and w.

func accountsWho(key string, c audience.Condition) audience.Definition {
	return members(key, c).OfAccounts()
}

// join is a group call without traits.
func join(hours float64, user, account, want string) step {
	return group(hours, user, account, `{}`, at(hours), want)
}

func leave(hours float64, user, account, want string) step {
	return step{at(hours), oracle.Leave{Profile: user, Account: account}, want}
}

func removeAccount(hours float64, account, want string) step {
	return step{at(hours), oracle.DeleteAccount{Account: account}, want}
}

// buys is an event Buy of now.
func buys(hours float64, user, want string) step { return sent(hours, user, "", `{}`, want) }

func TestEventsOfAnAccount(t *testing.T) {
	play(t,
		create(at(0), "",
			accountsWho("all", audience.Performed("Buy").AtLeast(2).Within(4*hour)),
			accountsWho("group", audience.Performed("Buy").OfGroup())),
		join(1, "u", "acme", ""),
		buys(1, "u", ""),
		buys(1, "v", ""),                                         // of no account
		join(2, "v", "acme", "acme+all@2 trait"),                 // whenever done
		sent(3, "w", "acme", `{}`, "acme+group@3 event"),         // by anyone
		leave(3, "u", "acme", ""),                                // two are left
		leave(3, "v", "acme", "acme-all@3 trait"),                //
		leave(3, "v", "acme", ""),                                // no more
		leave(3, "nobody", "acme", ""),                           //
		join(3, "u", "acme", "acme+all@3 trait"),                 //
		advance(at(9), "acme-all@5 time"),                        //
		sent(9, "u", "acme", `{}`, ""),                           // once, not as u's and as acme's
		sent(9, "u", "beta", `{}`, "acme+all@9 event"),           // beta is not there yet
		join(9, "w", "beta", "beta+group@9 trait"),               //
		remove(9, "u", "acme-all@9 delete, beta-group@9 delete"), //
	)
}

func TestFiltersOfAccountAudiences(t *testing.T) {
	play(t,
		createTraits(at(0), "", trait.Count("n", "Buy").OfAccounts()),
		create(at(0), "",
			accountsWho("both", audience.Performed("Buy").Where(`traits.plan == "pro" && account.traits.plan == "big"`)),
			accountsWho("reads", audience.Performed("Buy").Where("account.traits.n > 1 && account.traits.both"))),
		group(1, "u", "acme", `{"plan": "big"}`, at(1), ""),
		traits(at(1), "v", `{"plan": "pro"}`, at(1), ""),
		buys(2, "u", "acme.n=null>1@2 event"),
		sent(3, "v", "acme", `{}`, "acme.n=1>2@3 event, acme+both@3 event, acme+reads@3 event"),
		traits(at(4), "v", `{"plan": "free"}`, at(4), "acme-both@4 trait, acme-reads@4 trait"),
		group(5, "u", "acme", `{"plan": "small"}`, at(5), ""),
		traits(at(6), "u", `{"plan": "pro"}`, at(6), ""),
		group(7, "u", "acme", `{"plan": "big"}`, at(7), "acme+both@7 trait, acme+reads@7 trait"),
	)
}

func TestTraitsOfAnAccount(t *testing.T) {
	play(t,
		createTraits(at(0), "", trait.Count("n", "Buy").OfAccounts(), trait.Last("goal", "Goal", "p").OfAccounts(), trait.Count("hers", "Buy")),
		create(at(0), "",
			accountsWho("big", audience.Trait(`traits.plan == "big"`)),
			accountsWho("busy", audience.Trait("account.traits.n > 0 && traits.n < 2 && account.traits.big")),
			accountsWho("due", audience.TraitDate("goal", trait.WithinNext(2*hour))),
			accountsWho("mine", audience.Trait("has(traits.hers)")), // of a user
			accountsWho("no", audience.Trait("!traits.big && !account.traits.busy"))),
		traits(at(1), "u", `{"plan": "big"}`, at(1), ""),
		join(1, "u", "acme", "acme+no@1 trait"),
		group(2, "u", "acme", `{"plan": "big"}`, at(2), "acme+big@2 trait, acme-no@2 trait"),
		buys(3, "u", "u.hers=null>1@3 event, acme.n=null>1@3 event, acme+busy@3 event"),
		event(at(4), "u", "Goal", at(4), `acme.goal=null>"2024-03-01T08:00:00Z"@4 event`, `{"p": "2024-03-01T08:00:00Z"}`),
		advance(at(9), "acme+due@6 time, acme-due@8 time"),
		buys(9, "u", "u.hers=1>2@9 event, acme.n=1>2@9 event, acme-busy@9 event"),
	)
}

func TestFunnelsOfAnAccountAreOfAllItsEvents(t *testing.T) {
	play(t,
		create(at(0), "",
			accountsWho("f", audience.Funnel(funnel.Start("a", "A").Where("account.traits.open").
				Followed("b", "B").Where("properties.n == steps.a.properties.n && traits.plan == account.traits.plan"))),
			members("own", audience.Funnel(funnel.Start("a", "A").Followed("b", "B")))),
		group(0, "u", "acme", `{"open": true, "plan": "x"}`, at(0), ""),
		traits(at(0), "v", `{"plan": "x"}`, at(0), ""),
		event(at(1), "u", "A", at(1), "", `{"n": 1}`),
		event(at(2), "v", "B", at(2), "", `{"n": 1}`),
		join(3, "v", "acme", "acme+f@3 trait"),
		traits(at(4), "v", `{"plan": "y"}`, at(4), "acme-f@4 trait"),
	)
}

func TestUsersOfAnAccount(t *testing.T) {
	buy := audience.Performed("Buy").Within(4 * hour)
	play(t,
		create(at(0), "",
			accountsWho("all", audience.AllUsers(buy)),
			accountsWho("any", audience.AnyUser(buy)),
			accountsWho("most", audience.All(audience.AnyUser(buy), audience.Not(audience.AllUsers(buy)))),
			accountsWho("none", audience.NoUser(buy)),
			accountsWho("not", audience.AnyUser(audience.Not(buy)))),
		join(1, "u", "acme", "acme+none@1 trait, acme+not@1 trait"),
		leave(1, "u", "acme", "acme-not@1 trait"), // without users any and all are false, none is true
		sent(1, "w", "acme", `{}`, ""),            // she is not attached
		join(2, "u", "acme", "acme+not@2 trait"),
		buys(3, "u", "acme+all@3 event, acme+any@3 event, acme-none@3 event, acme-not@3 event"),
		join(4, "v", "acme", "acme-all@4 trait, acme+most@4 trait, acme+not@4 trait"),
		buys(5, "v", "acme+all@5 event, acme-most@5 event, acme-not@5 event"),
		advance(at(99), "acme-all@7 time, acme+most@7 time, acme+not@7 time, acme-any@9 time, acme-most@9 time, acme+none@9 time"),
		join(99, "w", "beta", "beta+none@99 trait, beta+not@99 trait"),
	)
}

func TestWhatUsersMeetMayBeAnything(t *testing.T) {
	play(t,
		createTraits(at(0), "", trait.Count("n", "Buy"), trait.Count("n2", "Buy").OfAccounts()),
		create(at(0), "",
			accountsWho("computed", audience.AnyUser(audience.Trait("traits.n > 1"))),
			accountsWho("funnel", audience.AnyUser(audience.Funnel(funnel.Start("a", "Buy").Followed("b", "Buy")))),
			accountsWho("in", audience.AllUsers(audience.InAudience("buyers"))),
			accountsWho("peers", audience.AnyUser(audience.All(audience.InAudience("rich"), audience.Not(audience.InAudience("buyers"))))),
			accountsWho("rich", audience.Trait("traits.n2 > 2")),
			accountsWho("wide", audience.AnyUser(audience.Trait("account.traits.size > 1"))),
			members("buyers", audience.Performed("Buy"))),
		join(1, "u", "acme", ""),
		join(1, "v", "acme", ""),
		buys(2, "u", "u.n=null>1@2 event, u+buyers@2 event, acme.n2=null>1@2 event"),
		buys(3, "u", "u.n=1>2@3 event, acme.n2=1>2@3 event, acme+computed@3 event, acme+funnel@3 event"),
		buys(4, "u", "u.n=2>3@4 event, acme.n2=2>3@4 event, acme+peers@4 event, acme+rich@4 event"),
		buys(5, "v", "v.n=null>1@5 event, v+buyers@5 event, acme.n2=3>4@5 event, acme+in@5 event, acme-peers@5 event"),
		group(6, "w", "beta", `{"size": 2}`, at(6), "beta+wide@6 trait"),
		join(7, "v", "beta", "acme+wide@7 trait, beta.n2=null>1@7 trait"), // of v it is true with beta
		leave(8, "w", "beta", "beta+in@8 trait"),
		join(8, "u", "beta", "beta.n2=1>4@8 trait, beta+computed@8 trait, beta+funnel@8 trait, beta+rich@8 trait"),
	)
}
