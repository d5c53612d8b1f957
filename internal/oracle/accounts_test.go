package oracle_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// group is a group call of a time, with the account's traits as JSON.
func group(hours float64, user, account, json string, when time.Time, want string) step {
	return step{at(hours), oracle.Group{Profile: user, Account: account, Traits: object(json), Time: when}, want}
}

// sent is an event of now that was sent for an account.
func sent(hours float64, user, account, properties, want string) step {
	e := profile.Event{Profile: user, Name: "Buy", Time: at(hours), Account: account, Properties: object(properties)}
	return step{at(hours), oracle.Track{Event: e}, want}
}

func TestAnAccountTakesTheEventsOfItsUsersAndThoseSentForIt(t *testing.T) {
	m := play(t,
		createTraits(at(0), "", trait.Sum("total", "Buy", "p").OfAccounts(), trait.Count("n", "Buy")),
		sent(1, "u", "acme", `{"p": 1}`, "u.n=null>1@1 event"), // there is no account yet
		sent(1, "u", "", `{"p": 2}`, "u.n=1>2@1 event"),
		group(2, "v", "acme", `{}`, at(2), "acme.total=null>1@2 trait"),
		group(3, "u", "acme", `{}`, at(3), "acme.total=1>3@3 trait"), // the whole history, each event once
		group(3, "u", "beta", `{}`, at(3), "beta.total=null>3@3 trait"),
		sent(4, "u", "acme", `{"p": 4}`, "u.n=2>3@4 event, acme.total=3>7@4 event, beta.total=3>7@4 event"),
		sent(4, "w", "beta", `{"p": 8}`, "w.n=null>1@4 event, beta.total=7>15@4 event"),
		remove(5, "u", "u.n=3>null@5 delete, acme.total=7>null@5 delete, beta.total=15>8@5 delete"),
		sent(6, "u", "", `{"p": 1}`, "u.n=null>1@6 event"), // who is in no account any more
		step{at(7), oracle.DropTrait{Trait: "total"}, "beta.total=8>null@7 delete"},
	)
	require.Equal(t, append(users("u", "v", "w"), profile.AccountRef("acme"), profile.AccountRef("beta")), m.Profiles())
}

func TestMergedUsersAreOneForTheirAccounts(t *testing.T) {
	play(t,
		group(0, "u", "acme", `{}`, at(0), ""),
		group(0, "v", "beta", `{}`, at(0), ""),
		event(at(1), "u", "Buy", at(1), "", `{"p": 1}`, "m"),
		event(at(1), "v", "Buy", at(1), "", `{"p": 2}`, "m"),
		event(at(1), "v", "Buy", at(1), "", `{"p": 4}`),
		createTraits(at(2), "acme.x=null>1@2 backfill, beta.x=null>6@2 backfill", trait.Sum("x", "Buy", "p").OfAccounts()),
		merge(3, "u", "v", "acme.x=1>5@3 merge, beta.x=6>5@3 merge"),
	)
}

func TestFiltersOfAccounts(t *testing.T) {
	play(t,
		createTraits(at(0), "",
			trait.Count("pros", "Buy").Where(`traits.plan == "pro" && properties.p >= account.traits.least`).OfAccounts(),
			trait.Count("few", "Buy").Where(`account.traits.pros == 0`).OfAccounts(),
			trait.MostFrequent("who", "Buy", "user.traits.name.first").WithMinFrequency(1).Within(4*hour).OfAccounts()),
		group(1, "u", "acme", `{"least": 2}`, at(1), ""),
		sent(2, "u", "", `{"p": 2}`, "acme.few=null>1@2 event"),
		traits(at(3), "u", `{"plan": "pro", "name": {"first": "Ann"}}`, at(3), `acme.few=1>null@3 trait, acme.pros=null>1@3 trait, acme.who=null>"Ann"@3 trait`),
		group(4, "v", "acme", `{"least": 3}`, at(5), ""),
		advance(at(9), `acme.few=null>1@5 time, acme.pros=1>null@5 time, acme.who="Ann">null@6 time`),
	)
	play(t, // a user's memberships and an account's values have nothing to do with each other
		create(at(0), "", members("a", audience.Trait("has(traits.x)"))),
		createTraits(at(0), "", trait.Count("x", "Buy").OfAccounts()),
		group(1, "u", "acme", `{}`, at(1), ""),
		sent(2, "u", "", `{}`, "acme.x=null>1@2 event"),
	)
}

func TestAccountsWithoutBackfill(t *testing.T) {
	pro := `traits.plan == "pro" && account.traits.open`
	play(t,
		traits(at(0), "u", `{"plan": "pro"}`, at(0), ""),
		group(0, "u", "acme", `{"open": true}`, at(0), ""),
		sent(0, "u", "", `{}`, ""),
		createTraits(at(1), "",
			trait.Count("x", "Buy").OfAccounts().WithNoBackfill(),
			trait.Count("y", "Buy").Where(pro).OfAccounts().WithNoBackfill()),
		sent(2, "u", "", `{}`, "acme.x=null>1@2 event"),
		traits(at(3), "u", `{"plan": "pro"}`, at(3), ""),
		group(4, "v", "acme", `{"open": true}`, at(4), "acme.y=null>1@4 trait"),
	)
}

func TestWhatIsDueForAnAccountIsSettledWithData(t *testing.T) {
	n := trait.Count("n", "Buy").Within(2 * hour).OfAccounts()
	play(t,
		createTraits(at(0), "", n),
		group(0, "u", "acme", `{}`, at(0), ""),
		sent(1, "u", "", `{}`, "acme.n=null>1@1 event"),
		traits(at(3), "v", `{"plan": "pro"}`, at(3), "acme.n=1>null@3 trait"), // whomever it is about
	)
	play(t, // users come before accounts
		createTraits(at(0), "", n, trait.Count("z", "Buy").Within(2*hour)),
		group(0, "u", "acme", `{}`, at(0), ""),
		sent(1, "u", "", `{}`, "u.z=null>1@1 event, acme.n=null>1@1 event"),
		advance(at(3), "u.z=1>null@3 time, acme.n=1>null@3 time"),
	)
}
