package audiencetest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// Props are the properties of an event, or traits.
type Props = map[string]any

// Test is a script written in Go: each method is a command of the script, done
// at once. An expectation that is not met fails the test, and it goes on; after
// a command that fails, or cannot be read, the rest is passed over.
type Test struct {
	t       TB
	p       *player
	stopped bool
}

// New returns a test whose clock stands at day 1 00:00, that is 2026-01-01, with
// definitions made then.
func New(t TB, definitions ...audience.File) *Test {
	t.Helper()
	x := &Test{t: t}
	p, err := newPlayer(context.Background(), "", defaultStart)
	if err == nil {
		err = p.define(context.Background(), definitions)
	}
	x.p = p
	x.check("", err)
	return x
}

// check fails the test for an error, unless it has stopped.
func (x *Test) check(command string, err error) {
	x.t.Helper()
	if err == nil || x.stopped {
		return
	}
	if _, is := err.(*mismatch); !is {
		x.stopped = true
	}
	if command != "" {
		command += ": "
	}
	x.t.Errorf("%s%v", command, err)
}

// play plays one command.
func (x *Test) play(c command) *Test {
	x.t.Helper()
	if !x.stopped {
		about := ""
		err := x.p.play(context.Background(), c)
		if _, is := err.(*mismatch); !is {
			about = c.String()
		}
		x.check(about, err)
	}
	return x
}

// Do does what the lines of a script say: for all that has no method here.
func (x *Test) Do(script string) *Test {
	x.t.Helper()
	s, err := Parse("script", script)
	if err == nil && !s.start.Equal(defaultStart) {
		err = &SyntaxError{"script", 1, "want no start: the test has begun"}
	}
	if err != nil {
		x.check("", err)
		return x
	}
	for i := range s.steps {
		st := &s.steps[i]
		if x.stopped {
			break
		}
		if err := st.verdict(x.p.play(context.Background(), st.command)); err != nil {
			x.check(fmt.Sprintf("line %d", st.line), err)
		}
	}
	return x
}

// At moves the clock: "day 3 10:00", or "+30d" from now. All happens that is due
// before; what is due at that very instant waits for what comes next.
func (x *Test) At(when string) *Test {
	x.t.Helper()
	return x.Do("at " + when)
}

// Track has a user do something now.
func (x *Test) Track(user, event string, properties Props) *Test {
	x.t.Helper()
	return x.say(&say{of: profile.Track, user: user, name: event}, properties)
}

// Identify sets traits of a user.
func (x *Test) Identify(user string, traits Props) *Test {
	x.t.Helper()
	return x.say(&say{of: profile.Identify, user: user}, traits)
}

// Group attaches a user to an account and sets traits of the account.
func (x *Test) Group(user, account string, traits Props) *Test {
	x.t.Helper()
	return x.say(&say{of: profile.Group, user: user, account: account}, traits)
}

// Leave detaches a user from an account.
func (x *Test) Leave(user, account string) *Test {
	x.t.Helper()
	return x.play(&leave{user, account})
}

// Alias makes two users one, under the second id.
func (x *Test) Alias(previous, user string) *Test {
	x.t.Helper()
	return x.play(&say{of: profile.Alias, from: previous, user: user})
}

// DeleteUser deletes a user.
func (x *Test) DeleteUser(user string) *Test {
	x.t.Helper()
	return x.play(&remove{ofUser, user})
}

func (x *Test) say(c *say, fields Props) *Test {
	x.t.Helper()
	var err error
	if c.fields, err = profile.NewObject(fields); err != nil {
		x.check(c.String(), err)
		return x
	}
	return x.play(c)
}

// ExpectMembers expects an audience to have just these members: users, or
// accounts if it is one of accounts.
func (x *Test) ExpectMembers(key string, ids ...string) *Test {
	x.t.Helper()
	c := &expectMembers{key: key}
	of := x.subjectOf(key)
	for _, id := range ids {
		c.refs = append(c.refs, profile.Ref{Subject: of, ID: id})
	}
	slices.SortFunc(c.refs, compareRefs)
	return x.play(c)
}

// ExpectIn expects a user, or an account where the audience is one of accounts,
// to be in an audience.
func (x *Test) ExpectIn(key, id string) *Test {
	x.t.Helper()
	return x.play(&expectIn{ref: profile.Ref{Subject: x.subjectOf(key), ID: id}, keys: []string{key}})
}

// ExpectNotIn is the opposite of ExpectIn.
func (x *Test) ExpectNotIn(key, id string) *Test {
	x.t.Helper()
	return x.play(&expectIn{ref: profile.Ref{Subject: x.subjectOf(key), ID: id}, not: true, keys: []string{key}})
}

// subjectOf returns of whom an audience is; of one that does not exist, users.
func (x *Test) subjectOf(key string) profile.Subject {
	if x.stopped {
		return profile.User
	}
	for _, d := range x.p.engine.List() {
		if d.Key == key {
			return d.Of
		}
	}
	return profile.User
}

// ExpectTransitions expects just these transitions since the last call of it, in
// order, each as a line of a script: "ann entered buyers at day 3 10:00 (event)".
// The time and the cause may be left out.
func (x *Test) ExpectTransitions(lines ...string) *Test {
	x.t.Helper()
	return x.expectBlock("transitions", lines)
}

// ExpectChanges does the same for changes of computed traits: "ann orders 1 -> 2".
func (x *Test) ExpectChanges(lines ...string) *Test {
	x.t.Helper()
	return x.expectBlock("changes", lines)
}

func (x *Test) expectBlock(what string, lines []string) *Test {
	x.t.Helper()
	for _, l := range lines {
		if strings.ContainsAny(l, "\r\n") {
			x.check(l, fmt.Errorf("%w: want one line", profile.ErrInvalid))
			return x
		}
	}
	head := "expect " + what
	if len(lines) == 0 {
		head = "expect no " + what
	}
	return x.Do(head + indented(lines))
}

// ExpectTrait expects the value of a trait of a user, custom or computed; nil
// if there is to be none.
func (x *Test) ExpectTrait(user, key string, value any) *Test {
	x.t.Helper()
	v, err := profile.NewValue(value)
	if err != nil {
		x.check("expect trait "+key, err)
		return x
	}
	return x.play(&expectTrait{ref: profile.UserRef(user), key: key, value: v})
}

// ExpectAccountTrait is ExpectTrait for a trait of an account.
func (x *Test) ExpectAccountTrait(account, key string, value any) *Test {
	x.t.Helper()
	v, err := profile.NewValue(value)
	if err != nil {
		x.check("expect trait "+key, err)
		return x
	}
	return x.play(&expectTrait{ref: profile.AccountRef(account), key: key, value: v})
}
