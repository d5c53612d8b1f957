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
	names    []string // of events
	keys     []string // of the live audiences
	made     int      // audiences so far
	messages []oracle.Operation
	dense    bool // one who does one thing again and again, long before or after
	windows  int  // the longest, in units of the grid
	ahead    int  // of now, in units of the grid, are messages at most
}

func generate(seed uint64) *history {
	g := &generator{
		Rand:    rand.New(rand.NewPCG(seed, 0)),
		now:     epoch,
		people:  []string{"u1", "u2", "u3", "u4"},
		names:   []string{"Buy", "Look"},
		windows: 5,
		ahead:   3,
	}
	g.people = g.people[:1+g.IntN(4)]
	length := 12 + g.IntN(24)
	if g.dense = g.IntN(10) == 0; g.dense {
		g.people, g.names, g.windows = g.people[:1], g.names[:1], 40
		g.ahead = 3 + g.IntN(9)
		length = 80
	}
	h := &history{}
	g.create(h, 1+g.IntN(3))
	for range length {
		g.tick()
		h.calls = append(h.calls, g.call(h)...)
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
	case n < 21:
		return g.do(oracle.Group{Profile: g.id(), Account: pick(g, []string{"a1", "a2"})})
	case n < 23:
		return g.twins(h)
	case n < 26 && g.made < 5:
		g.create(h, 1+g.IntN(2))
		return nil
	case n < 28 && len(g.keys) > 0:
		key := pick(g, g.keys)
		g.keys = slices.DeleteFunc(g.keys, func(k string) bool { return k == key })
		return g.do(oracle.Drop{Audience: key})
	}
	return g.do(g.message())
}

// twins sends one message for two profiles and makes them one.
func (g *generator) twins(h *history) []call {
	calls := g.do(g.message())
	if g.IntN(2) == 0 && g.made < 5 {
		h.calls = append(h.calls, calls...)
		g.create(h, 1) // perhaps without backfill: of the two only the second counts, or none
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

// message returns an event or traits, new or seen before.
func (g *generator) message() oracle.Operation {
	if len(g.messages) > 0 && g.IntN(6) == 0 {
		return g.again(pick(g, g.messages))
	}
	var op oracle.Operation
	id := ""
	if g.IntN(2) == 0 {
		id = fmt.Sprintf("m%d", len(g.messages))
	}
	if g.IntN(4) > 0 {
		op = oracle.Track{Event: profile.Event{
			Profile:    g.id(),
			Name:       pick(g, g.names),
			Time:       g.time(),
			MessageID:  id,
			Properties: g.properties(),
			Context:    g.context(),
		}}
	} else {
		op = oracle.Identify{Profile: g.id(), Traits: g.traits(), Time: g.time(), MessageID: id}
	}
	g.messages = append(g.messages, op)
	return op
}

// again sends a message once more: as it was, for somebody else, or with its
// id on something else.
func (g *generator) again(op oracle.Operation) oracle.Operation {
	switch op := op.(type) {
	case oracle.Track:
		switch g.IntN(4) {
		case 0:
			op.Event.Profile = g.id()
		case 1:
			op.Event.Time = g.time()
		case 2:
			return oracle.Identify{Profile: op.Event.Profile, Traits: g.traits(), Time: g.time(), MessageID: op.Event.MessageID}
		}
		return op
	case oracle.Identify:
		switch g.IntN(3) {
		case 0:
			op.Profile = g.id()
		case 1:
			op.Traits = g.traits()
		}
		return op
	}
	panic("no message")
}

// time returns the time of a message: now, late, or in the future.
func (g *generator) time() time.Time {
	t := g.now
	if g.dense || g.IntN(2) == 0 {
		t = t.Add(time.Duration(g.ahead-g.IntN(9)) * grid)
	}
	return t.Add(g.nudge())
}

// nudge is nothing, nearly always.
func (g *generator) nudge() time.Duration {
	if g.IntN(15) == 0 {
		return time.Duration(g.IntN(3) - 1)
	}
	return 0
}

func (g *generator) properties() profile.Object {
	m := map[string]any{}
	if g.IntN(4) > 0 {
		m["k"] = pick(g, []any{"x", "x", "y", "pro", 1, 1.0, 1.5, true, nil})
	}
	if g.IntN(2) == 0 {
		m["price"] = pick(g, []any{0, 1, 2.5, 2, "2", nil})
	}
	if g.IntN(4) == 0 {
		m["tags"] = pick(g, []any{[]any{"x"}, []any{"y", 1}, []any{}, "x"})
	}
	return must(profile.NewObject(m))
}

func (g *generator) context() profile.Object {
	if g.IntN(4) > 0 {
		return profile.Object{}
	}
	return object("lang", pick(g, []string{"de", "en"}))
}

func (g *generator) traits() profile.Object {
	m := map[string]any{}
	if g.IntN(2) == 0 {
		m["plan"] = pick(g, []any{"pro", "pro", "free", "x", nil, 1})
	}
	if g.IntN(2) == 0 {
		m["score"] = pick(g, []any{1, 2.0, 3, "3", nil})
	}
	if g.IntN(2) == 0 {
		m["due"] = g.date()
	}
	return must(profile.NewObject(m))
}

// date returns a date as a trait holds it, in any form.
func (g *generator) date() any {
	t := g.now.Truncate(grid).Add(time.Duration(g.IntN(9)-4) * grid)
	switch g.IntN(8) {
	case 0:
		return t.Add(g.nudge()).Format(time.RFC3339Nano)
	case 1:
		return t.In(time.FixedZone("", -5*3600)).Format(time.RFC3339)
	case 2:
		return t.Format(time.DateTime)
	case 3:
		return t.Unix()
	case 4:
		return t.UnixMilli()
	case 5:
		return float64(t.Unix()) + 0.5
	case 6:
		return t.Format(time.DateOnly)
	}
	return pick(g, []any{nil, "soon", true, 0})
}

// rule returns a callback that calls the engine.
func (g *generator) rule() rule {
	r := rule{
		audience: g.key(1 + g.IntN(3)),
		typ:      audience.Type(g.IntN(2)),
		times:    1 + g.IntN(3),
		do:       pick(g, []string{"track", "track", "track", "identify", "identify", "merge", "delete"}),
		ahead:    pick(g, []time.Duration{0, 0, -grid, grid, 2 * grid}),
	}
	if g.IntN(3) == 0 {
		r.profile = g.id()
	}
	switch r.do {
	case "track":
		r.text = pick(g, g.names)
	case "identify":
		r.text = pick(g, []string{"pro", "free"})
	case "merge":
		r.text = pick(g, g.people)
	}
	return r
}

// create appends the creation of n audiences at once.
func (g *generator) create(h *history, n int) {
	var ds []audience.Definition
	for range n {
		g.made++
		d := audience.Define(g.key(g.made)).Members(g.node(3))
		d.NoBackfill = g.IntN(3) == 0
		g.keys = append(g.keys, d.Key)
		ds = append(ds, d)
	}
	h.calls = append(h.calls, g.do(oracle.Create{Definitions: ds})...)
}

// key names the n-th audience so that the order of keys is not that of
// creation.
func (g *generator) key(n int) string { return string(rune("_caebdf"[n])) }

func pick[T any](g *generator, of []T) T { return of[g.IntN(len(of))] }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
