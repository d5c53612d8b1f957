package replica_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/replica"
	"github.com/muster-go/muster/trait"
)

// epoch is when the histories begin. They move on a coarse grid of hours, with windows of a
// few, so that ends of windows and arrivals collide.
var epoch = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// step is one record of a history: its body, and what it says to the oracle, nil where it
// says nothing or that time goes on.
type step struct {
	at   time.Time
	body []byte
	op   oracle.Operation
}

// generator makes one random history.
type generator struct {
	*rand.Rand
	now      time.Time
	accounts bool     // definitions of accounts
	keys     []string // live, but for base, and of users
	made     int
	sent     []step // messages with ids
	steps    []step
}

// generate returns a random history of messages of all kinds, ticks, and definitions that
// come, change and go.
func generate(seed uint64, length int) []step {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 1)), now: epoch}
	g.accounts = g.IntN(3) == 0
	g.begin()
	for len(g.steps) < length {
		if g.IntN(3) == 0 {
			g.now = g.now.Add(time.Duration(1+g.IntN(3)) * time.Hour)
		}
		if g.IntN(12) == 0 {
			g.now = g.now.Add(1)
		}
		g.next()
	}
	return g.steps
}

// begin makes what others read.
func (g *generator) begin() {
	traits := []trait.Computed{
		must(decode[trait.Computed](`{"key":"spent","type":"sum","event":"Buy","property":"n","window":{"within":"5h"}}`)),
		must(decode[trait.Computed](`{"key":"looks","type":"count","event":"Look"}`)),
	}
	base := must(decode[audience.Definition](`{"key":"base","where":{"event":{"name":"Buy","window":{"within":"3h"}}}}`))
	g.command(replica.Command{Op: replica.Create, File: &audience.File{Traits: traits, Audiences: []audience.Definition{base}}},
		oracle.Create{Traits: traits, Definitions: []audience.Definition{base}})
	g.create()
	g.create()
}

func (g *generator) add(body []byte, op oracle.Operation) {
	g.steps = append(g.steps, step{g.now, body, op})
}

func (g *generator) command(c replica.Command, op oracle.Operation) { g.add(must(c.Body()), op) }

func (g *generator) next() {
	switch n := g.IntN(100); {
	case n < 10:
		g.command(replica.Command{Op: replica.Tick}, nil)
	case n < 14:
		g.create()
	case n < 17 && len(g.keys) > 0:
		d := g.definition(pick(g, g.keys))
		g.command(replica.Command{Op: replica.EditAudience, Audience: &d}, oracle.EditAudience{Definition: d})
	case n < 19 && len(g.keys) > 1:
		i := g.IntN(len(g.keys))
		g.command(replica.Command{Op: replica.DeleteAudience, Key: g.keys[i]}, oracle.Drop{Audience: g.keys[i]})
		g.keys = slices.Delete(g.keys, i, i+1)
	case n < 21:
		c := must(decode[trait.Computed](fmt.Sprintf(`{"key":"spent","type":"sum","event":"Buy","property":"n","window":{"within":"%dh"}}`, 1+g.IntN(9))))
		g.command(replica.Command{Op: replica.EditTrait, Trait: &c}, oracle.Edit{Trait: c})
	case n < 24:
		user := g.user()
		g.command(replica.Command{Op: replica.DeleteUser, Profile: user}, oracle.Delete{Profile: user})
	case n < 26:
		user, account := g.user(), g.account()
		g.command(replica.Command{Op: replica.Leave, Profile: user, Account: account}, oracle.Leave{Profile: user, Account: account})
	case n < 27:
		account := g.account()
		g.command(replica.Command{Op: replica.DeleteAccount, Account: account}, oracle.DeleteAccount{Account: account})
	case n < 30:
		g.add(pick(g, refusedBodies), nil)
	default:
		g.message()
	}
}

// refusedBodies are records that cannot be taken.
var refusedBodies = [][]byte{
	[]byte(`{"type":"track","userId":"u1","timestamp":"2026-03-01T00:00:00Z"}`),
	[]byte(`{"type":"identify","userId":"u1","traits":{"spent":1},"timestamp":"2026-03-01T00:00:00Z"}`),
	[]byte(`no JSON`),
	[]byte(`!{"op":"create","file":{"audiences":[{"key":"base","where":{"event":{"name":"Buy"}}}]}}`),
	[]byte(`!{"op":"delete_audience","key":"nobody_has_it"}`),
	[]byte(`!{"op":"reboot"}`),
}

func (g *generator) user() string    { return pick(g, []string{"u1", "u2", "u3"}) }
func (g *generator) account() string { return pick(g, []string{"a1", "a2"}) }

// create makes an audience of users, or rarely of accounts.
func (g *generator) create() {
	if g.made == 9 {
		return
	}
	g.made++
	key := fmt.Sprintf("m%d", g.made)
	var d audience.Definition
	if g.accounts && g.IntN(3) == 0 {
		d = must(decode[audience.Definition](fmt.Sprintf(`{"key":%q,"of":"accounts","where":{"users":{%q:{"event":{"name":"Buy","window":{"within":"%dh"}}}}}}`,
			key, pick(g, []string{"any", "all", "none"}), 1+g.IntN(5))))
	} else {
		d = g.definition(key)
		g.keys = append(g.keys, key)
	}
	g.command(replica.Command{Op: replica.Create, File: &audience.File{Audiences: []audience.Definition{d}}}, oracle.Create{Definitions: []audience.Definition{d}})
}

// definition returns some definition of users.
func (g *generator) definition(key string) audience.Definition {
	h := 1 + g.IntN(6)
	where := pick(g, []string{
		fmt.Sprintf(`{"event":{"name":"Buy","count":{"at_least":%d},"window":{"within":"%dh"}}}`, 1+g.IntN(2), h),
		fmt.Sprintf(`{"event":{"name":"Look","count":{"at_most":0},"window":{"within":"%dh"}}}`, h),
		fmt.Sprintf(`{"event":{"name":"Buy","where":"properties.n > 1","window":{"between":["%dh","%dh"]}}}`, h, h+2),
		`{"trait":"traits.plan == 'pro'"}`,
		`{"trait":"traits.spent > 3"}`,
		`{"trait":"traits.looks >= 2"}`,
		fmt.Sprintf(`{"audience":"base","for":"%dh"}`, h),
		fmt.Sprintf(`{"all":[{"audience":"base"},{"not":{"event":{"name":"Look","window":{"within":"%dh"}}}}]}`, h),
		fmt.Sprintf(`{"funnel":{"steps":[{"name":"looked","event":"Look"},{"name":"bought","event":"Buy","within":"%dh"}]}}`, h),
		fmt.Sprintf(`{"funnel":{"steps":[{"name":"looked","event":"Look"},{"name":"bought","event":"Buy","within":"%dh","not":true}]}}`, h),
	})
	if g.accounts && g.IntN(4) == 0 {
		where = `{"trait":"account.traits.tier == 'gold'"}`
	}
	batch := ""
	if g.IntN(8) == 0 && !g.accounts {
		batch = fmt.Sprintf(`"batch":"%dh",`, 1+g.IntN(3))
	}
	return must(decode[audience.Definition](fmt.Sprintf(`{"key":%q,%s"where":%s}`, key, batch, where)))
}

// message sends a message, or one again.
func (g *generator) message() {
	if len(g.sent) > 0 && g.IntN(12) == 0 {
		again := pick(g, g.sent)
		g.add(again.body, again.op)
		return
	}
	at := g.now.Add(-time.Duration(g.IntN(4)) * time.Hour)
	id := fmt.Sprintf("m-%d", len(g.steps))
	user, visitor := g.user(), pick(g, []string{"v1", "v2", "v3"})
	from := oracle.Sender{}
	m := map[string]any{"messageId": id, "timestamp": at.Format(time.RFC3339Nano)}
	switch g.IntN(4) {
	case 0:
		m["anonymousId"], user, from.Visitor = visitor, visitor, true
	case 1:
		m["userId"], m["anonymousId"], from.Device = user, visitor, visitor
	default:
		m["userId"] = user
	}
	var op oracle.Operation
	switch n := g.IntN(20); {
	case n < 13:
		name, props := pick(g, []string{"Buy", "Look"}), map[string]any{"n": g.IntN(4)}
		m["type"], m["event"], m["properties"] = "track", name, props
		op = oracle.Track{Sender: from, Event: profile.Event{Profile: user, Name: name, Time: at, MessageID: id, Properties: must(profile.NewObject(props))}}
	case n < 16:
		traits := map[string]any{"plan": pick(g, []any{"pro", "free", nil})}
		m["type"], m["traits"] = "identify", traits
		op = oracle.Identify{Sender: from, Profile: user, Traits: must(profile.NewObject(traits)), Time: at, MessageID: id}
	case n < 18:
		account, traits := g.account(), map[string]any{"tier": pick(g, []string{"gold", "tin"})}
		m["type"], m["groupId"], m["traits"] = "group", account, traits
		op = oracle.Group{Sender: from, Profile: user, Account: account, Traits: must(profile.NewObject(traits)), Time: at, MessageID: id}
	default:
		into := g.user()
		for into == user {
			into = g.user()
		}
		g.add(must(json.Marshal(map[string]any{"type": "alias", "previousId": user, "userId": into, "timestamp": at.Format(time.RFC3339Nano)})), oracle.Merge{From: user, Into: into})
		return
	}
	g.add(must(json.Marshal(m)), op)
	g.sent = append(g.sent, g.steps[len(g.steps)-1])
}

func pick[T any](g *generator, of []T) T { return of[g.IntN(len(of))] }

func decode[T any](text string) (v T, err error) { return v, json.Unmarshal([]byte(text), &v) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
