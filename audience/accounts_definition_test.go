package audience_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

func TestBadDefinitionsOfAccounts(t *testing.T) {
	e, _, _ := newEngine(t)
	require.NoError(t, e.Create(context.Background(), ofUsers("people", active), ofAccounts("companies", active)))
	login := audience.Performed("Login")
	one := login.Node()
	sent := login.OfGroup()
	perUser := ofUsers("a", login)
	perUser.PerUser = true
	for _, test := range []struct {
		name       string
		definition audience.Definition
		want       string
	}{
		{"users of a user", ofUsers("a", audience.AnyUser(login)),
			`audience "a": where.users: invalid input: in a condition of users`},
		{"users of the users of an account", ofAccounts("a", audience.AnyUser(audience.Not(audience.NoUser(login)))),
			`audience "a": where.users.any.not.users: invalid input: in a condition of users`},
		{"two quantifiers in one node", ofAccounts("a", audience.Users{Any: &one, None: &one}),
			`audience "a": where.users: invalid input: want one of any, all, none`},
		{"no quantifier", ofAccounts("a", audience.Users{}),
			`audience "a": where.users: invalid input: want one of any, all, none`},
		{"an empty condition of users", ofAccounts("a", audience.AllUsers(audience.All())),
			`audience "a": where.users.all.all: invalid input: no conditions in it`},
		{"an audience of users, of an account", ofAccounts("a", audience.Not(audience.InAudience("people"))),
			`audience "a": where.not.audience: invalid input: people is an audience of users: ask for it below users`},
		{"a key of users as a trait of an account", ofAccounts("a", audience.Trait("account.traits.companies && traits.people")),
			`audience "a": where.trait: invalid input: people is of users, and these are the traits of an account`},
		{"events sent for a group, of users", ofUsers("a", sent),
			`audience "a": where.event.scope: invalid input: it is for the events of accounts`},
		{"events sent for a group, of the users of an account", ofAccounts("a", audience.NoUser(sent)),
			`audience "a": where.users.none.event.scope: invalid input: it is for the events of accounts`},
		{"users of an audience of users", perUser,
			`audience "a": per_user: invalid input: of an audience of users`},
		{"account traits in a funnel of users", ofUsers("a", audience.Funnel(
			funnel.Start("came", "Login").Followed("went", "Logout").Where("account.traits.size > 1"))),
			`audience "a": where.funnel.steps[1].where: invalid input: account.traits in a funnel of users`},
		{"an audience of neither", audience.Definition{Key: "a", Of: 2, Where: one},
			`audience "a": of: invalid input: subject 2`},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := e.Create(context.Background(), test.definition)
			require.ErrorIs(t, err, profile.ErrInvalid)
			require.ErrorContains(t, err, test.want)
			require.Len(t, e.List(), 2, "nothing was created")
		})
	}
}

// A circle is a circle also by way of the users of an account.
func TestACircleOfUsersAndAccounts(t *testing.T) {
	e, _, _ := newEngine(t)
	err := e.Create(context.Background(),
		ofUsers("a", audience.Not(audience.InAudience("b"))),
		ofAccounts("b", audience.AnyUser(audience.InAudience("a"))),
	)
	require.ErrorIs(t, err, audience.ErrCycle)
	require.Empty(t, e.List())
}

// What the builder makes has one JSON form, and reads back as the same.
func TestJSONFormsOfAccounts(t *testing.T) {
	login := audience.Performed("Login")
	for text, d := range map[string]audience.Definition{
		`{"key":"a","of":"accounts","where":{"trait":"traits.plan == \"pro\""}}`:                                    ofAccounts("a", audience.TraitIs(trait.Value("plan").Equals("pro"))),
		`{"key":"a","of":"accounts","per_user":true,"where":{"event":{"name":"Login"}}}`:                            ofAccounts("a", login).WithPerUser(),
		`{"key":"a","of":"accounts","backfill":false,"where":{"event":{"name":"Login","scope":"group"}}}`:           ofAccounts("a", login.OfGroup()).WithNoBackfill(),
		`{"key":"a","of":"accounts","where":{"users":{"any":{"event":{"name":"Login","window":{"within":"7d"}}}}}}`: ofAccounts("a", audience.AnyUser(login.Within(profile.Week))),
		`{"key":"a","of":"accounts","where":{"users":{"all":{"audience":"b"}}}}`:                                    ofAccounts("a", audience.AllUsers(audience.InAudience("b"))),
		`{"key":"a","of":"accounts","where":{"not":{"users":{"none":{"trait":"traits.vip"}}}}}`:                     ofAccounts("a", audience.Not(audience.NoUser(audience.Trait("traits.vip")))),
		`{"key":"a","of":"accounts","where":{"users":{"any":{"any":[{"trait":"traits.vip"},{"trait":"account.traits.vip"}]}}}}`: ofAccounts("a",
			audience.AnyUser(audience.Any(audience.Trait("traits.vip"), audience.Trait("account.traits.vip")))),
	} {
		var read audience.Definition
		require.NoError(t, json.Unmarshal([]byte(text), &read), text)
		require.Equal(t, d, read)
		written, err := json.Marshal(d)
		require.NoError(t, err)
		require.JSONEq(t, text, string(written))
	}
	// Said, or left to the default.
	for _, text := range []string{
		`{"key":"a","of":"users","where":{"event":{"name":"Login","scope":"users"}}}`,
		`{"key":"a","per_user":false,"where":{"event":{"name":"Login"}}}`,
	} {
		var read audience.Definition
		require.NoError(t, json.Unmarshal([]byte(text), &read), text)
		require.Equal(t, ofUsers("a", login), read)
	}
	for _, text := range []string{
		`{"key":"a","of":"account","where":{"event":{"name":"Login"}}}`,
		`{"key":"a","of":"accounts","where":{"event":{"name":"Login","scope":"groups"}}}`,
		`{"key":"a","of":"accounts","where":{"users":{"some":{"event":{"name":"Login"}}}}}`,
	} {
		var read audience.Definition
		require.ErrorIs(t, json.Unmarshal([]byte(text), &read), profile.ErrInvalid, text)
	}
}
