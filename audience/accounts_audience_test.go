package audience_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// The users are u, v and w, the accounts acme and beta.

func ofAccounts(key string, c audience.Condition) audience.Definition {
	return audience.Define(key).OfAccounts().Members(c)
}

func ofUsers(key string, c audience.Condition) audience.Definition {
	return audience.Define(key).Members(c)
}

// active users logged in within the last two hours.
var active = audience.Performed("Login").Within(2 * time.Hour)

// story makes calls of an engine with some definitions, line by line, and wants
// what each line says to be told. A line has the instant of the call, since the
// start, the call, and who enters (+) and exits (-) which audience, for which
// cause, and when if that is before the instant of the call.
func story(t *testing.T, script string, definitions ...audience.Definition) {
	t.Helper()
	e, clock, _ := newEngine(t)
	require.NoError(t, e.Create(context.Background(), definitions...))
	now, told := start, []string{}
	e.Subscribe(func(_ context.Context, tr audience.Transition) error {
		at := ""
		if !tr.At.Equal(now) {
			at = "@" + profile.FormatDuration(tr.At.Sub(start))
		}
		sign := map[audience.Type]string{audience.Entered: "+", audience.Exited: "-"}[tr.Type]
		told = append(told, fmt.Sprint(tr.Profile, sign, tr.Audience, at, " ", tr.Cause))
		return nil
	})
	for line := range strings.Lines(strings.TrimSpace(script)) {
		call, want, ok := strings.Cut(strings.TrimSpace(line), "=>")
		require.True(t, ok, line)
		words := strings.Fields(call)
		since, err := time.ParseDuration(words[0])
		require.NoError(t, err, line)
		now, told = start.Add(since), nil
		clock.Set(now)
		require.NoError(t, tellEngine(e, now, words[1], words[2:]), line)
		require.Equal(t, strings.TrimSpace(want), strings.Join(told, ", "), line)
	}
}

func tellEngine(e *audience.Engine, now time.Time, call string, args []string) error {
	ctx := context.Background()
	traits := profile.Object{}
	if last := args[max(0, len(args)-1):]; len(last) == 1 && strings.HasPrefix(last[0], "{") {
		var err error
		if traits, err = profile.ParseObject([]byte(last[0])); err != nil {
			return err
		}
	}
	switch call {
	case "wait":
		return e.Advance(ctx, now)
	case "track":
		ev := profile.Event{Profile: args[0], Name: args[1], Time: now}
		if len(args) > 2 {
			ev.Account = args[2]
		}
		return e.Track(ctx, ev)
	case "identify":
		return e.Identify(ctx, audience.Identify{Profile: args[0], Traits: traits, Time: now})
	case "group":
		return e.Group(ctx, audience.Group{Profile: args[0], Account: args[1], Traits: traits, Time: now})
	case "leave":
		return e.Leave(ctx, args[0], args[1])
	case "merge":
		return e.Alias(ctx, args[0], args[1])
	case "delete":
		return e.DeleteUser(ctx, args[0])
	case "delete-account":
		return e.DeleteAccount(ctx, args[0])
	}
	return fmt.Errorf("no call %q", call)
}

func TestWithoutUsersAnyAndAllAreFalseAndNoneIsTrue(t *testing.T) {
	story(t, `
		0h track u Login     =>
		0h group u acme      => acme+all trait, acme+any trait
		0h leave u acme      => acme-all trait, acme-any trait, acme+none trait
		1h group v acme      =>
		1h group u acme      => acme+any trait, acme-none trait
		1h leave v acme      => acme+all trait
		1h delete u          => acme-all delete, acme-any delete, acme+none delete
		9h group w beta      => beta+none trait
		9h delete-account beta => beta-none delete
	`,
		ofAccounts("all", audience.AllUsers(active)),
		ofAccounts("any", audience.AnyUser(active)),
		ofAccounts("none", audience.NoUser(active)),
	)
}

// The account is moved at the exact instant at which one of its users is, not a
// nanosecond sooner or later, and no event moves it to and fro at that instant.
func TestTimeMovesTheAccountOfAUserAtTheExactInstant(t *testing.T) {
	story(t, `
		1h                    group u acme  =>
		1h                    group v acme  =>
		1h                    track v Login => acme+any event
		1h0m0.000000001s      track u Login => acme+all event
		2h59m59.999999999s    wait          =>
		3h                    wait          => acme-all time
		3h0m0.000000001s      track v Login =>
		5h                    wait          =>
		9h                    wait          => acme-any@5h0m0.000000001s time
	`,
		ofAccounts("all", audience.AllUsers(active)),
		ofAccounts("any", audience.AnyUser(active)),
	)
}

func TestSeveralQuantifiersInOneTree(t *testing.T) {
	story(t, `
		0h group u acme {"plan":"pro"}   =>
		0h track u Login                 => acme+healthy event
		0h group v acme                  => acme-healthy trait
		0h identify v {"invited":true}   => acme+healthy trait
		1h track v Complained            => acme-healthy event
		1h leave v acme                  => acme+healthy trait
		1h group u acme {"plan":"free"}  => acme-healthy trait
		1h track u Paid                  => acme+healthy event
		9h wait                          => acme-healthy@2h time
	`, ofAccounts("healthy", audience.All(
		audience.AnyUser(active),
		audience.AllUsers(audience.Any(active, audience.Trait("traits.invited"))),
		audience.NoUser(audience.Performed("Complained")),
		audience.Any(audience.Trait(`traits.plan == "pro"`), audience.Performed("Paid")),
	)))
}

func TestAUserExitsWithTheLastMemberAccount(t *testing.T) {
	trial := ofAccounts("trial", audience.Trait("traits.on_trial")).WithPerUser()
	story(t, `
		0h group u acme {"on_trial":true}   => u+trial trait, acme+trial trait
		1h group v acme                  => v+trial trait
		1h group v beta {"on_trial":true}   => beta+trial trait
		2h group u acme {"on_trial":false}  => u-trial trait, acme-trial trait
		3h leave v acme                  =>
		3h group w beta                  => w+trial trait
		4h leave w beta                  => w-trial trait
		5h group v beta {"on_trial":false}  => v-trial trait, beta-trial trait
		6h group v beta {"on_trial":true}   => v+trial trait, beta+trial trait
		7h delete-account beta           => v-trial delete, beta-trial delete
	`, trial)
}

func TestMergedUsersAreOneUserOfTheirAccounts(t *testing.T) {
	all := ofAccounts("all", audience.AllUsers(active)).WithPerUser()
	t.Run("in the same account", func(t *testing.T) {
		story(t, `
			0h group u acme   =>
			0h group v acme   =>
			0h track u Login  =>
			1h merge v u      => u+all merge, acme+all merge
			9h wait           => u-all@2h time, acme-all@2h time
		`, all)
	})
	t.Run("in different accounts", func(t *testing.T) {
		story(t, `
			0h group u acme   =>
			0h group v beta   =>
			0h track u Login  => u+all event, acme+all event
			1h track v Login  => v+all event, beta+all event
			2h wait           => u-all time, acme-all time
			2h merge v u      => u+all merge, v-all merge, acme+all merge
			2h leave v beta   => beta-all trait
			9h wait           => u-all@3h time, acme-all@3h time
		`, all)
	})
	t.Run("into one who is in none", func(t *testing.T) {
		story(t, `
			0h group u acme   =>
			1h track v Login  =>
			1h merge u v      => v+all merge, acme+all merge
		`, all)
	})
}

func TestADeletedUserCountsForNoAccount(t *testing.T) {
	story(t, `
		0h group u acme   =>
		0h group u beta   =>
		0h group v acme   =>
		0h track v Login  => acme+events event
		1h delete u       => acme+all delete
		1h delete v       => acme-all delete, acme-events delete
		1h track v Login  =>
	`,
		ofAccounts("all", audience.AllUsers(active)),
		ofAccounts("events", audience.Performed("Login")),
	)
}

func TestEventsOfUsersCountForEachOfTheirAccounts(t *testing.T) {
	story(t, `
		0h track u Login            =>
		0h group u acme             => acme+once trait
	`, ofAccounts("once", audience.Performed("Login")))
	story(t, `
		0h track u Login            =>
		0h group u acme             =>
		0h group u beta             =>
		1h track u Login acme       => acme+sent event, acme+twice event, beta+twice event
		1h track w Login beta       => beta+sent event
		2h leave u beta             => beta-twice trait
		2h leave u acme             => acme-twice trait
		9h wait                     => acme-sent@3h time, beta-sent@3h time
	`,
		ofAccounts("sent", active.OfGroup()),
		ofAccounts("twice", audience.Performed("Login").AtLeast(2)),
	)
}

func TestAccountTraitsInAConditionOfUsersHoldForAnyAccount(t *testing.T) {
	story(t, `
		0h identify u {"role":"admin"}  =>
		0h group u acme {"size":3}      =>
		0h group u beta {"size":9}      => u+admins trait
		1h group v beta                 =>
		1h track v Login                => v+filtered event
		1h group v acme {"size":8}      =>
		2h leave u beta                 =>
		3h group v acme {"size":2}      => u-admins trait
		4h delete-account beta          => v-filtered delete
	`,
		ofUsers("admins", audience.Trait(`traits.role == "admin" && account.traits.size > 5`)),
		ofUsers("filtered", audience.Performed("Login").Where("account.traits.size > 5")),
	)
}

func TestReferencesAcrossUsersAndAccounts(t *testing.T) {
	story(t, `
		0h group u acme   => u+peers trait, acme+quiet trait
		0h group v acme   => v+peers trait
		0h track w Login  => w+active event
		1h group w beta   => beta+lively trait
		1h30m leave w beta => beta-lively trait, beta+quiet trait
		2h wait           => w-active time
		3h track u Login  => u+active event, u-peers event, v-peers event, acme+lively event, acme-quiet event
	`,
		ofUsers("active", active),
		ofAccounts("lively", audience.AnyUser(audience.InAudience("active"))),
		ofAccounts("quiet", audience.Not(audience.InAudience("lively"))),
		ofUsers("peers", audience.InAudience("quiet")),
	)
}

// A login moves its user one way and the account the other. What asks for both,
// or for neither, is always the same: nobody is told of a moment in between, and
// no callback sees one.
func TestAUserAndItsAccountChangeInOneStep(t *testing.T) {
	ctx := context.Background()
	definitions := []audience.Definition{
		ofUsers("active", active),
		ofAccounts("quiet", audience.NoUser(audience.InAudience("active"))),
		ofUsers("both", audience.All(audience.InAudience("active"), audience.InAudience("quiet"))),
		ofUsers("neither", audience.Not(audience.Any(audience.InAudience("active"), audience.InAudience("quiet")))),
		ofAccounts("quiet_and_active", audience.All(audience.InAudience("quiet"), audience.AnyUser(active))),
		ofAccounts("always", audience.Any(audience.InAudience("quiet"), audience.AllUsers(audience.InAudience("active")))),
		ofUsers("in_lively", audience.All(audience.InAudience("active"), audience.Not(audience.InAudience("quiet")))),
	}
	story(t, `
		0h group u acme           => acme+always trait, acme+quiet trait
		1h track u Login          => u+active event, u+in_lively event, acme-quiet event
		3h track u Login          =>
		5h wait                   => u-active time, u-in_lively time, acme+quiet time
		6h track v Login          => v+active event, v+in_lively event
		7h merge v u              => u+active merge, u+in_lively merge, v-active merge, v-in_lively merge, acme-quiet merge
		8h wait                   => u-active time, u-in_lively time, acme+quiet time
	`, definitions...)

	e, clock, _ := newEngine(t)
	require.NoError(t, e.Create(ctx, definitions...))
	join(t, e, "u", "acme", nil)
	seen := []string{}
	e.Subscribe(func(ctx context.Context, tr audience.Transition) error {
		seen = append(seen, fmt.Sprint(tr.Audience, memberCounts(ctx, t, e, "active", "quiet")))
		return nil
	})
	require.NoError(t, e.Track(ctx, event("u", "Login", 0)))
	clock.Set(start.Add(2 * time.Hour))
	require.NoError(t, e.Advance(ctx, clock.Now()))
	require.Equal(t, []string{
		"active[1 0]", "in_lively[1 0]", "quiet[1 0]",
		"active[0 1]", "in_lively[0 1]", "quiet[0 1]",
	}, seen)
}

func memberCounts(ctx context.Context, t *testing.T, e *audience.Engine, keys ...string) []int {
	t.Helper()
	var counts []int
	for _, key := range keys {
		n, err := e.MemberCount(ctx, key)
		require.NoError(t, err)
		counts = append(counts, n)
	}
	return counts
}
