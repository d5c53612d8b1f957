package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/muster-go/muster/profile"
)

// entry is one thing that the company's service says, and when.
type entry struct {
	at      time.Time
	message profile.Message
	leaves  bool // the message's user leaves its account: there is no message for that
}

var (
	accounts = []string{"acme", "globex", "hooli", "initech", "umbrella"}
	people   = []string{"ann", "ben", "cleo", "dan", "eve", "finn", "gus", "hana", "ivo", "jo", "kim", "leo"}
)

// companyLog makes up what the users of some accounts do in so many days, in the
// order of time. The same seed makes the same log.
func companyLog(seed uint64, days int) ([]entry, error) {
	c := company{rand: rand.New(rand.NewPCG(seed, 0)), days: days}
	for i, account := range accounts {
		c.found(account, people[i])
	}
	for i, user := range people {
		if i >= len(accounts) { // the others founded one
			c.join(user, c.anAccount())
		}
		if c.oneIn(4) {
			c.join(user, c.anAccount())
		}
		c.works(user)
	}
	slices.SortFunc(c.log, func(a, b entry) int { return a.at.Compare(b.at) })
	return c.log, c.err
}

type company struct {
	rand *rand.Rand
	days int
	log  []entry
	err  error // the first
}

// found has a user found an account the day after the first login, on a plan that
// may change.
func (c *company) found(account, user string) {
	plans := []string{"business", "free"}
	if c.oneIn(3) {
		slices.Reverse(plans)
	}
	c.logsIn(user, 0)
	c.group(user, account, 1, map[string]any{"plan": plans[0]})
	if c.oneIn(2) {
		c.group(user, account, 1+c.aDay(), map[string]any{"plan": plans[1]})
	}
}

// join has a user join an account, and perhaps leave it.
func (c *company) join(user, account string) {
	day := 1 + c.aDay()/2
	c.group(user, account, day, nil)
	if c.oneIn(3) {
		c.happens(entry{
			at:      c.timeOn(day + 1 + c.rand.IntN(c.days/2)),
			message: profile.Message{UserID: user, GroupID: account},
			leaves:  true,
		})
	}
}

func (c *company) group(user, account string, day int, traits map[string]any) {
	object, err := profile.NewObject(traits)
	if c.err == nil {
		c.err = err
	}
	c.happens(entry{at: c.timeOn(day), message: profile.Message{
		Type: profile.Group, UserID: user, GroupID: account, Traits: object,
	}})
}

// works has a user log in every few days, and not at all for weeks on end.
func (c *company) works(user string) {
	for day := c.rand.IntN(4); day < c.days; day += 1 + c.rand.IntN(6) {
		if c.oneIn(8) {
			c.signsOn(user, day)
		} else {
			c.logsIn(user, day)
		}
		if c.oneIn(4) {
			day += 15 + c.rand.IntN(20)
		}
	}
}

// signsOn has a user log in by single sign-on, under an id that is new. A while
// later it is known whose it is.
func (c *company) signsOn(user string, day int) {
	sso := fmt.Sprintf("sso-%s-%d", user, day)
	c.logsIn(sso, day)
	c.happens(entry{at: c.timeOn(day + 1 + c.rand.IntN(3)), message: profile.Message{
		Type: profile.Alias, PreviousID: sso, UserID: user,
	}})
}

func (c *company) logsIn(user string, day int) {
	c.happens(entry{at: c.timeOn(day), message: profile.Message{Type: profile.Track, UserID: user, Name: "Login"}})
}

func (c *company) happens(e entry) {
	e.message.Time = e.at
	c.log = append(c.log, e)
}

func (c *company) anAccount() string { return accounts[c.rand.IntN(len(accounts))] }

func (c *company) aDay() int { return 1 + c.rand.IntN(c.days-1) }

// oneIn is true once in n times.
func (c *company) oneIn(n int) bool { return c.rand.IntN(n) == 0 }

// timeOn returns an instant in the office hours of a day, which no other entry
// has.
func (c *company) timeOn(day int) time.Time {
	opening := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	return opening.AddDate(0, 0, day).Add(time.Duration(c.rand.Int64N(int64(10 * time.Hour))))
}
