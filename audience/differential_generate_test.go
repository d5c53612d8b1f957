package audience_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/profile"
)

// epoch is where the histories begin. All happens on a coarse grid of time,
// with windows of a few units, so that the ends of windows, arrivals and
// callbacks collide all the time; a nanosecond here and there tells < from <=.
var epoch = time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC)

const grid = time.Hour

// generator makes one random history.
type generator struct {
	*rand.Rand
	now      time.Time
	people   []string
	names    []string        // of events
	keys     []string        // of the live audiences of users
	groups   []string        // of those of accounts
	traits   []string        // of the live computed traits of users
	accounts []string        // of those of accounts
	retired  []string        // keys of what is no more
	subject  profile.Subject // of what the condition at hand is
	strict   bool            // a user's of this kind cannot read traits of accounts
	crossing bool            // what holds for one profile hangs on others
	made     int             // audiences so far
	latest   map[string]audience.Definition
	computed int // computed traits so far
	messages []oracle.Operation
	dense    bool // one who does one thing again and again, long before or after
	reading  bool // computed traits, wherever that is possible
	batching bool // batch audiences
	pausing  bool // audiences are paused and resumed
	calendar bool // windows of months and of units of the calendar, and weeks without an event
	windows  int  // the longest, in units of the grid
	ahead    int  // of now, in units of the grid, are messages at most
	most     int  // audiences there are at most
}

func generate(seed uint64) *history {
	g := &generator{
		Rand:    rand.New(rand.NewPCG(seed, 0)),
		now:     epoch,
		people:  []string{"u1", "u2", "u3", "u4"},
		names:   []string{"Buy", "Look"},
		windows: 5,
		ahead:   3,
		most:    6,
	}
	g.people = g.people[:1+g.IntN(4)]
	if g.IntN(3) == 0 {
		g.names = append(g.names, "Buy more")
	}
	length := 12 + g.IntN(24)
	// Crowded: dozens of audiences on one event, and many events about one thing.
	crowded := g.IntN(25) == 0
	if crowded {
		g.people, g.names, g.most = g.people[:1], g.names[:1], 40
		length = 16
	}
	if g.dense = g.IntN(10) == 0; g.dense {
		g.people, g.names, g.windows = g.people[:1], g.names[:1], 40
		g.ahead = 3 + g.IntN(9)
		length = 80
	}
	g.calendar = !g.dense && g.IntN(4) == 0
	g.reading = g.IntN(3) == 0
	g.crossing = g.IntN(2) == 0
	g.batching = g.IntN(3) == 0
	g.pausing = g.IntN(3) == 0
	g.latest = map[string]audience.Definition{}
	h := &history{}
	if g.crossing {
		g.attach(h)
	}
	g.create(h, 1+g.IntN(3), g.IntN(3))
	if crowded {
		g.create(h, 12+g.IntN(24), 0)
	}
	for range length {
		g.tick()
		h.calls = append(h.calls, g.call(h)...)
		last := &h.calls[len(h.calls)-1]
		if g.IntN(6) == 0 {
			last.explain = 1 + g.IntN(1000)
		}
		if g.IntN(20) == 0 {
			last.refused = [2]string{g.id(), g.id()}
		}
	}
	for range g.IntN(3) {
		h.rules = append(h.rules, g.rule())
	}
	return h
}

// tick moves the clock, or not.
func (g *generator) tick() {
	switch n := g.IntN(20); {
	case n < 9:
	case n < 15:
		g.now = g.now.Add(grid)
	case n < 17:
		g.now = g.now.Add(2 * grid)
	case n == 17:
		g.now = g.now.Add(1)
	case n == 18:
		g.now = g.now.Truncate(grid).Add(grid - 1)
	case g.calendar && g.IntN(2) == 0:
		g.now = g.now.Add(time.Duration(g.IntN(40*24)) * grid)
	default:
		g.now = g.now.Add(time.Duration(g.IntN(12)) * grid)
	}
}

// call returns the next call of the history.
func (g *generator) call(h *history) []call {
	switch n := g.IntN(100); {
	case n < 14:
		return []call{{at: g.now}}
	case n < 18:
		return g.do(oracle.Merge{From: g.id(), Into: g.id()})
	case n < 20:
		return g.do(oracle.Delete{Profile: g.id()})
	case n < 22:
		return g.twins(h)
	case n < 26 && g.made < g.most:
		g.create(h, 1+g.IntN(2), g.IntN(2))
		return nil
	case n < 27 && len(g.keys) > 0:
		return g.do(oracle.Drop{Audience: g.retire(&g.keys)})
	case n < 28 && len(g.groups) > 0:
		return g.do(oracle.Drop{Audience: g.retire(&g.groups)})
	case n < 29 && g.computed < maxComputed:
		g.create(h, 0, 1)
		return nil
	case n < 30 && len(g.traits) > 0:
		return g.do(oracle.DropTrait{Trait: g.retire(&g.traits)})
	case n < 31 && len(g.accounts) > 0:
		return g.do(oracle.DropTrait{Trait: g.retire(&g.accounts)})
	case n < 34 && len(g.traits) > 0:
		return g.do(oracle.Edit{Trait: g.computedTrait(pick(g, g.traits), profile.User)})
	case n < 35 && len(g.accounts) > 0:
		return g.do(oracle.Edit{Trait: g.computedTrait(pick(g, g.accounts), profile.Account)})
	case n < 38:
		return g.do(oracle.Leave{Profile: g.id(), Account: g.account()})
	case n < 39:
		return g.do(oracle.DeleteAccount{Account: g.account()})
	case n < 43 && g.pausing:
		if d := g.toggled(); d != nil {
			return g.do(oracle.EditAudience{Definition: *d})
		}
	case n < 42 && len(g.keys) > 0:
		return g.do(oracle.EditAudience{Definition: g.definition(pick(g, g.keys), profile.User)})
	case n < 44 && len(g.groups) > 0:
		return g.do(oracle.EditAudience{Definition: g.definition(pick(g, g.groups), profile.Account)})
	case n < 50 && g.batching:
		if keys := slices.Concat(g.keys, g.groups); len(keys) > 0 {
			g.Shuffle(len(keys), func(i, k int) { keys[i], keys[k] = keys[k], keys[i] })
			return g.do(oracle.Recompute{Audiences: keys[:1+g.IntN(min(2, len(keys)))]})
		}
	}
	return g.do(g.message())
}

// retire takes a key from those that are live.
func (g *generator) retire(keys *[]string) string {
	key := pick(g, *keys)
	*keys = slices.DeleteFunc(*keys, func(k string) bool { return k == key })
	g.retired = append(g.retired, key)
	return key
}

// twins sends one message for two profiles and makes them one.
func (g *generator) twins(h *history) []call {
	calls := g.do(g.message())
	if g.IntN(2) == 0 && g.made < g.most-1 {
		h.calls = append(h.calls, calls...)
		g.create(h, 1, 0) // perhaps without backfill: of the two only the second counts, or none
		calls = nil
	}
	first, second := "", g.id()
	op := g.messages[len(g.messages)-1]
	switch m := op.(type) {
	case oracle.Track:
		first, m.Event.Profile = m.Event.Profile, second
		op = m
	case oracle.Identify:
		first, m.Profile = m.Profile, second
		op = m
	case oracle.Group:
		first, m.Profile = m.Profile, second
		op = m
	}
	from, into := first, second
	if g.IntN(2) == 0 {
		from, into = second, first
	}
	g.tick()
	calls = append(calls, g.do(op)...)
	g.tick()
	return append(calls, g.do(oracle.Merge{From: from, Into: into})...)
}

func (g *generator) do(op oracle.Operation) []call {
	return []call{{at: g.now, do: op, message: g.IntN(4) == 0}}
}

// id returns an id of a profile, known or not.
func (g *generator) id() string {
	if g.IntN(12) == 0 {
		return pick(g, []string{"x1", "x2"})
	}
	return pick(g, g.people)
}

// rule returns a callback that calls the engine.
func (g *generator) rule() rule {
	r := rule{
		audience: g.key(1 + g.IntN(4)),
		typ:      audience.Type(g.IntN(2)),
		times:    1 + g.IntN(3),
		do:       pick(g, []string{"track", "track", "track", "identify", "identify", "merge", "delete", "group", "leave"}),
		ahead:    pick(g, []time.Duration{0, 0, -grid, grid, 2 * grid}),
	}
	if g.IntN(3) == 0 {
		r.profile = g.id()
	}
	if g.IntN(2) == 0 {
		r.trait = g.traitKey(1 + g.IntN(maxComputed))
	}
	switch r.do {
	case "track":
		r.text = pick(g, g.names)
	case "identify":
		r.text = pick(g, []string{"pro", "free"})
	case "merge":
		r.text = pick(g, g.people)
	case "group", "leave":
		r.text = pick(g, accounts)
	}
	return r
}

// create appends the creation of so many audiences and computed traits at
// once. They may read each other.
func (g *generator) create(h *history, audiences, traits int) {
	var op oracle.Create
	for audiences+traits > 0 {
		if g.IntN(audiences+traits) < audiences {
			audiences--
			g.made++
			of := profile.User
			if g.crossing {
				of = pick(g, []profile.Subject{profile.User, profile.Account})
			}
			d := g.definition(g.key(g.made), of)
			if of == profile.Account {
				g.groups = append(g.groups, d.Key)
			} else {
				g.keys = append(g.keys, d.Key)
			}
			op.Definitions = append(op.Definitions, d)
		} else if traits--; g.computed < maxComputed {
			g.computed++
			c := g.computedTrait(g.traitKey(g.computed), pick(g, []profile.Subject{profile.User, profile.User, profile.Account}))
			if c.Of == profile.Account {
				g.accounts = append(g.accounts, c.Key)
			} else {
				g.traits = append(g.traits, c.Key)
			}
			op.Traits = append(op.Traits, c)
		}
	}
	g.Shuffle(len(op.Definitions), func(i, k int) {
		op.Definitions[i], op.Definitions[k] = op.Definitions[k], op.Definitions[i]
	})
	g.Shuffle(len(op.Traits), func(i, k int) { op.Traits[i], op.Traits[k] = op.Traits[k], op.Traits[i] })
	h.calls = append(h.calls, g.do(op)...)
}

// key names the n-th audience so that the order of keys is not that of
// creation; traitKey does the same for computed traits.
func (g *generator) key(n int) string {
	const first = "_caebdfg"
	if n < len(first) {
		return string(first[n])
	}
	return fmt.Sprintf("%c%d", "hdka"[n%4], n)
}

func (g *generator) traitKey(n int) string { return string("_qprts"[n]) }

// maxComputed is how many computed traits a history has at most.
const maxComputed = 5

func pick[T any](g *generator, of []T) T { return of[g.IntN(len(of))] }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
