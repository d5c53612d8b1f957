package oracle_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// Here what holds for one profile hangs on another.

func TestUsersInAccountsThatAreMembers(t *testing.T) {
	play(t,
		create(at(0), "",
			accountsWho("big", audience.Trait("traits.size > 1")),
			members("in", audience.InAudience("big")),
			members("out", audience.Not(audience.InAudience("big")))),
		group(1, "u", "acme", `{"size": 2}`, at(1), "u+in@1 trait, acme+big@1 trait"),
		group(2, "u", "beta", `{"size": 2}`, at(2), "beta+big@2 trait"),
		group(3, "v", "acme", `{"size": 1}`, at(3), "v+out@3 trait, acme-big@3 trait"), // u is in beta
		leave(4, "u", "beta", "u-in@4 trait, u+out@4 trait"),
		merge(5, "v", "w", "v-out@5 merge, w+out@5 merge"),
		join(6, "w", "beta", "w+in@6 trait, w-out@6 trait"),
		removeAccount(7, "beta", "w-in@7 delete, w+out@7 delete, beta-big@7 delete"),
	)
}

func TestAccountsInAudiencesOfAccounts(t *testing.T) {
	play(t,
		create(at(0), "",
			accountsWho("big", audience.Trait("traits.size > 1")).WithPerUser(),
			accountsWho("idle", audience.All(audience.InAudience("big"), audience.NoUser(audience.Performed("Buy")))),
			accountsWho("shared", audience.AnyUser(audience.All(audience.InAudience("big"), audience.Not(audience.Performed("Buy")))))),
		group(1, "u", "acme", `{"size": 2}`, at(1), "u+big@1 trait, acme+big@1 trait, acme+idle@1 trait, acme+shared@1 trait"),
		join(2, "u", "beta", "beta+shared@2 trait"), // its user is in one that is big; it is not itself
		buys(3, "u", "acme-idle@3 event, acme-shared@3 event, beta-shared@3 event"),
	)
}

func TestTraitsOfAccountsInConditionsOfUsers(t *testing.T) {
	play(t,
		createTraits(at(0), "", trait.Count("n", "Buy").OfAccounts()),
		create(at(0), "",
			accountsWho("big", audience.Trait("traits.size > 2")),
			members("buyer", audience.Performed("Buy").AtLeast(2).Where("properties.p > account.traits.size || account.traits.big")),
			members("computed", audience.Trait("account.traits.n >= 1 && has(traits.plan)")),
			members("small", audience.Trait("account.traits.size < 2")),
			members("unlike", audience.Trait("!has(account.traits.size)"))),
		buys(1, "u", ""), // without accounts nothing holds
		group(1, "u", "acme", `{"size": 2}`, at(1), "acme.n=null>1@1 trait"),
		group(2, "u", "beta", `{"size": 1}`, at(2), "u+small@2 trait, beta.n=null>1@2 trait"),
		traits(at(3), "u", `{"plan": 1}`, at(3), "u+computed@3 trait"),
		sent(4, "u", "", `{"p": 3}`, "acme.n=1>2@4 event, beta.n=1>2@4 event"),
		sent(5, "u", "", `{"p": 2}`, "u+buyer@5 event, acme.n=2>3@5 event, beta.n=2>3@5 event"), // each with any account
		group(6, "u", "beta", `{"size": null}`, at(6), "u-buyer@6 trait, u-small@6 trait, u+unlike@6 trait"),
		group(7, "v", "acme", `{"size": 3}`, at(7), "u+buyer@7 trait, acme+big@7 trait"),
		leave(8, "u", "beta", "u-unlike@8 trait, beta.n=3>null@8 trait"),
		leave(8, "u", "acme", "u-buyer@8 trait, u-computed@8 trait, acme.n=3>null@8 trait"),
	)
}

func TestMembersPerUser(t *testing.T) {
	m := play(t,
		create(at(0), "", accountsWho("a", audience.Trait("traits.size > 1")).WithPerUser()),
		group(1, "u", "acme", `{"size": 2}`, at(1), "u+a@1 trait, acme+a@1 trait"),
		group(1, "u", "beta", `{"size": 2}`, at(1), "beta+a@1 trait"),
		join(2, "v", "beta", "v+a@2 trait"),
		group(3, "w", "acme", `{"size": 1}`, at(3), "acme-a@3 trait"),
		leave(4, "u", "beta", "u-a@4 trait"), // the last
		merge(5, "v", "u", "u+a@5 merge, v-a@5 merge"),
	)
	require.Equal(t, []profile.Ref{profile.UserRef("u"), profile.AccountRef("beta")}, m.Members("a", at(5)))
	playOn(t, m,
		removeAccount(6, "beta", "u-a@6 delete, beta-a@6 delete"),
		removeAccount(6, "beta", ""),
		group(7, "u", "acme", `{"size": 2}`, at(7), "u+a@7 trait, w+a@7 trait, acme+a@7 trait"),
		remove(8, "u", "u-a@8 delete"),
		step{at(9), oracle.Drop{Audience: "a"}, "w-a@9 delete, acme-a@9 delete"},
	)
	require.Empty(t, m.Told("a"))
}

func TestAnAccountThatIsDeletedAndMadeAnew(t *testing.T) {
	m := play(t,
		createTraits(at(0), "", trait.Count("n", "Buy").OfAccounts()),
		step{at(1), oracle.Group{Profile: "u", Account: "acme", Traits: object(`{"size": 2}`), Time: at(1), MessageID: "m"}, ""},
		sent(1, "u", "acme", `{}`, "acme.n=null>1@1 event"),
		buys(1, "u", "acme.n=1>2@1 event"),
		removeAccount(2, "acme", "acme.n=2>null@2 delete"),
		create(at(2), "",
			accountsWho("any", audience.Performed("Look")),
			accountsWho("big", audience.Trait("traits.size == 2")),
			accountsWho("none", audience.NoUser(audience.Performed("Buy")))),
		buys(3, "u", ""),
		step{at(3), oracle.Group{Profile: "u", Account: "acme", Traits: object(`{"size": 2}`), Time: at(1), MessageID: "m"}, ""}, // a duplicate
		step{at(4), oracle.Group{Profile: "v", Account: "acme", Traits: object(`{"size": 2}`), Time: at(4), MessageID: "n"},
			"acme.n=null>1@4 trait, acme+big@4 trait, acme+none@4 trait"}, // u is not attached
	)
	require.Equal(t, append(users("u", "v"), profile.AccountRef("acme")), m.Profiles())
}

func TestAccountAudiencesWithoutBackfill(t *testing.T) {
	play(t,
		group(1, "u", "acme", `{"size": 2}`, at(1), ""),
		traits(at(1), "u", `{"plan": "pro"}`, at(1), ""),
		buys(1, "u", ""),
		create(at(2), "acme+has@2 backfill, acme+none@2 backfill",
			accountsWho("bought", audience.Performed("Buy").Where("has(traits.plan)")).WithNoBackfill(),
			accountsWho("has", audience.AnyUser(audience.NotPerformed("Buy"))).WithNoBackfill(), // who is attached counts
			accountsWho("none", audience.NoUser(audience.Trait("has(traits.plan)"))).WithNoBackfill(),
			accountsWho("sized", audience.Trait("has(traits.size)")).WithNoBackfill()),
		buys(3, "u", "acme-has@3 event"),
		traits(at(4), "u", `{"plan": "pro"}`, at(1), "acme+bought@4 trait, acme-none@4 trait"),
		group(5, "u", "acme", `{"size": 2}`, at(5), "acme+sized@5 trait"),
	)
}

func TestAllThatFollowsIsOneStep(t *testing.T) {
	buy := audience.Performed("Buy").Within(2 * hour)
	story := create(at(0), "",
		accountsWho("active", audience.AnyUser(buy)).WithPerUser(),
		members("alone", audience.All(buy, audience.Not(audience.InAudience("active")))),
		members("b", buy),
		members("peer", audience.All(audience.Not(buy), audience.InAudience("active"))))
	play(t, story,
		join(1, "u", "acme", ""),
		join(1, "v", "acme", ""),
		buys(1, "u", "u+active@1 event, u+b@1 event, v+active@1 event, v+peer@1 event, acme+active@1 event"),
		// Time moves them together, and so does what arrives at the instant.
		advance(at(3), "u-active@3 time, u-b@3 time, v-active@3 time, v-peer@3 time, acme-active@3 time"),
		buys(4, "u", "u+active@4 event, u+b@4 event, v+active@4 event, v+peer@4 event, acme+active@4 event"),
		buys(6, "v", "u-b@6 event, u+peer@6 event, v+b@6 event, v-peer@6 event"),
		advance(at(9), "u-active@8 time, u-peer@8 time, v-active@8 time, v-b@8 time, acme-active@8 time"),
	)
	play(t, story, // whom it does not reach as well
		join(1, "u", "acme", ""),
		buys(1, "w", "w+alone@1 event, w+b@1 event"),
		buys(3, "u", "u+active@3 event, u+b@3 event, w-alone@3 event, w-b@3 event, acme+active@3 event"),
	)
}

func TestCausesAtOtherProfiles(t *testing.T) {
	m := play(t,
		create(at(0), "",
			accountsWho("all", audience.AllUsers(audience.Performed("Buy"))),
			members("in", audience.InAudience("all"))),
		join(1, "u", "acme", ""),
		join(1, "v", "acme", ""),
		buys(1, "u", ""),
		leave(2, "v", "acme", "u+in@2 trait, acme+all@2 trait"),
		join(3, "v", "acme", "u-in@3 trait, acme-all@3 trait"),
		merge(4, "v", "w", ""),
		merge(4, "w", "u", "u+in@4 merge, acme+all@4 merge"),
		join(5, "v", "beta", "beta+all@5 trait"), // v is u
		join(5, "x", "beta", "beta-all@5 trait"),
		remove(6, "x", "beta+all@6 delete"),
		remove(7, "u", "u-in@7 delete, acme-all@7 delete, beta-all@7 delete"),
	)
	require.Equal(t, []profile.Ref{profile.AccountRef("acme"), profile.AccountRef("beta")}, m.Profiles())
}

func TestEditsOfAudiences(t *testing.T) {
	edit := func(hours float64, d audience.Definition, want string) step {
		return step{at(hours), oracle.EditAudience{Definition: d}, want}
	}
	play(t,
		create(at(0), "",
			members("a", audience.Performed("Buy").Within(2*hour)),
			members("b", audience.All(audience.InAudience("a"), audience.Performed("Look"))),
			members("c", audience.Not(audience.Trait("traits.a")))),
		buys(1, "u", "u+a@1 event"),
		event(at(1), "v", "Look", at(1), "v+c@1 event"),
		event(at(2), "w", "Look", at(2), "w+c@2 event"),
		edit(2, members("a", audience.Any(audience.Performed("Buy"), audience.Performed("Look").Within(2*hour))),
			"v+a@2 edit, v+b@2 dependency, v-c@2 dependency, w+a@2 edit, w+b@2 dependency, w-c@2 dependency"),
		// What is due comes before the edit.
		edit(3, members("a", audience.Performed("Buy")), "v-a@3 time, v-b@3 time, v+c@3 time, w-a@3 edit, w-b@3 dependency, w+c@3 dependency"),
		edit(4, members("a", audience.Performed("Buy")).WithNoBackfill(), "u-a@4 edit, u+c@4 dependency"),
		event(at(5), "u", "Buy", at(1), "u+a@5 event, u-c@5 event"),
		edit(6, members("a", audience.Performed("Buy").AtLeast(2)), ""),
	)
	play(t,
		create(at(0), "", accountsWho("a", audience.AnyUser(audience.Performed("Buy"))), members("in", audience.InAudience("a"))),
		join(1, "u", "acme", ""),
		edit(2, accountsWho("a", audience.NoUser(audience.Performed("Buy"))).WithPerUser(), "u+a@2 edit, u+in@2 dependency, acme+a@2 edit"),
		edit(3, accountsWho("a", audience.NoUser(audience.Performed("Buy"))), "u-a@3 edit"),
	)
}
