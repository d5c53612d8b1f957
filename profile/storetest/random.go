package storetest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

var modelCases = []testCase{
	{name: "random changes", run: func(h *harness) { h.compareWithModel(1, 1500, 0) }},
	{name: "random changes under open snapshots", run: func(h *harness) { h.compareWithModel(2, 1500, 5) }},
	{name: "random changes in large batches", run: func(h *harness) { h.compareWithModel(3, 3000, 1) }},
	{name: "random transactions that are aborted", run: func(h *harness) { h.abortAtRandom(4, 300, 0) }},
	{name: "random transactions that are aborted under open snapshots", run: func(h *harness) { h.abortAtRandom(5, 300, 3) }},
}

// frozen is a snapshot with what it must go on to answer.
type frozen struct {
	profile.Snapshot
	want []string
}

// compareWithModel makes n random changes to the store and to a model, and
// compares now and then all that they answer. snapshots is how many are open at
// a time.
func (h *harness) compareWithModel(seed uint64, n, snapshots int) {
	g := newGenerator(seed)
	m := newModel()
	var open []frozen
	for step := 0; step < n; {
		h.now = h.now.Add(time.Duration(g.rand.IntN(3)) * time.Minute)
		var batch, want []profile.Change
		for range 1 + g.rand.IntN(1+int(seed)*3) {
			c := g.change(h.now)
			batch = append(batch, c)
			want = append(want, m.apply(h.now, c))
			step++
		}
		h.apply(batch...)
		for i := range batch {
			require.Equal(h, want[i], batch[i], "seed %d, step %d: %T", seed, step, batch[i])
		}
		if g.rand.IntN(20) > 0 && step < n {
			continue
		}
		require.Equal(h, m.contents(), contents(h, h.store), "seed %d, step %d", seed, step)
		h.requireHistories(h.store, someUsers...)
		if snapshots == 0 {
			continue
		}
		snap, err := h.store.Snapshot(h.ctx())
		require.NoError(h, err)
		open = append(open, frozen{snap, m.contents()})
		i := g.rand.IntN(len(open))
		require.Equal(h, open[i].want, contents(h, open[i]), "seed %d, step %d: an older snapshot", seed, step)
		h.requireHistories(open[i].Snapshot, someUsers...)
		if len(open) > snapshots {
			require.NoError(h, open[i].Close())
			open = append(open[:i], open[i+1:]...)
		}
	}
}

// abortAtRandom makes random transactions, and aborts some: what each sees of what it
// has put is as a model has it, and of an aborted one nothing is left.
func (h *harness) abortAtRandom(seed uint64, n, snapshots int) {
	g := newGenerator(seed)
	var done []func(*model)
	replay := func() *model {
		m := newModel()
		for _, apply := range done {
			apply(m)
		}
		return m
	}
	var open []profile.Snapshot
	for step := range n {
		h.now = h.now.Add(time.Duration(g.rand.IntN(3)) * time.Minute)
		before, keys := len(done), g.keys
		tx := h.begin()
		for range 1 + g.rand.IntN(3) {
			var batch []profile.Change
			for range 1 + g.rand.IntN(4) {
				now, c := h.now, g.change(h.now)
				batch = append(batch, c)
				done = append(done, func(m *model) { m.apply(now, c) })
			}
			require.NoError(h, tx.Put(batch...))
			if g.rand.IntN(4) == 0 {
				require.Equal(h, replay().contents(), contents(h, tx), "seed %d, step %d: within", seed, step)
			}
		}
		if g.rand.IntN(2) == 0 {
			tx.Abort()
			done, g.keys = done[:before], keys
		} else {
			_, err := tx.Commit()
			require.NoError(h, err)
		}
		require.Equal(h, replay().contents(), contents(h, h.store), "seed %d, step %d", seed, step)
		if snapshots > 0 && g.rand.IntN(3) == 0 {
			snap, err := h.store.Snapshot(h.ctx())
			require.NoError(h, err)
			if open = append(open, snap); len(open) > snapshots {
				require.NoError(h, open[0].Close())
				open = open[1:]
			}
		}
	}
	for _, snap := range open {
		require.NoError(h, snap.Close())
	}
}

// generator makes random changes that no store may refuse.
type generator struct {
	rand   *rand.Rand
	source *rand.PCG
	seed   uint64
	keys   int
}

func newGenerator(seed uint64) *generator {
	source := rand.NewPCG(seed, 0)
	return &generator{rand: rand.New(source), source: source, seed: seed}
}

func pick[T any](g *generator, list []T) T { return list[g.rand.IntN(len(list))] }

func (g *generator) ref() profile.Ref {
	if g.rand.IntN(4) == 0 {
		return profile.AccountRef(pick(g, someAccounts))
	}
	return profile.UserRef(pick(g, someUsers))
}

func (g *generator) visitor() bool { return g.rand.IntN(8) > 0 }

// time is often equal to another, sometimes late, rarely in the future.
func (g *generator) time(now time.Time) time.Time {
	return now.Truncate(time.Minute).Add(time.Duration(5-g.rand.IntN(60)) * time.Minute)
}

func (g *generator) messageID() string {
	switch n := g.rand.IntN(400); {
	case n < 40:
		return ""
	case n < 200:
		return fmt.Sprintf("m%d", n)
	default:
		return fmt.Sprintf("%08x-8d3b-4c7f-9a10-0b2d4e6f8a1c", n)
	}
}

func (g *generator) change(now time.Time) profile.Change {
	switch n := g.rand.IntN(106); {
	case n >= 100:
		w := profile.Wake{Ref: g.ref(), Version: uint32(g.rand.IntN(3)), Marks: pick(g, [][]uint64{nil, {1}, {1, 1 << 63}})}
		if n := g.rand.IntN(3); n > 0 {
			w.Counts, w.Counted = []profile.UsersCount{{Mark: 7, Users: 9, Meet: uint32(n)}, {Mark: 1 << 63, Users: 9}}[:n], uint32(n)
		}
		if g.rand.IntN(3) > 0 {
			w.At = g.time(now)
		}
		return &profile.SetWake{Wake: w}
	case n < 45:
		return g.event(now)
	case n < 58:
		return &profile.PutTraits{Ref: g.ref(), MessageID: g.messageID(), Time: g.time(now), Visitor: g.visitor(),
			Traits: object(fmt.Sprintf(`{%q: %d, "both": null}`, pick(g, []string{"p", "q"}), g.rand.IntN(3)))}
	case n < 63:
		return &profile.PutIDs{Ref: g.ref(), Visitor: g.visitor(), IDs: []profile.ExternalID{pick(g, someIDs), pick(g, someIDs)}}
	case n < 67:
		return &profile.Merge{From: pick(g, someUsers), Into: pick(g, someUsers), MessageID: g.messageID()}
	case n < 71:
		return &profile.Delete{Ref: g.ref()}
	case n < 76:
		return &profile.Join{User: pick(g, someUsers), Account: pick(g, someAccounts), MessageID: g.messageID(), Visitor: g.visitor()}
	case n < 79:
		return &profile.Leave{User: pick(g, someUsers), Account: pick(g, someAccounts)}
	case n < 87:
		return &profile.SetMember{Member: g.rand.IntN(3) > 0, Membership: profile.Membership{
			Audience: pick(g, someAudiences), Ref: g.ref(), Since: g.time(now)}}
	case n < 88:
		return &profile.DropMembers{Audience: pick(g, someAudiences)}
	case n < 96:
		c := value(pick(g, someComputed), g.ref(), g.value())
		c.Value.Since = g.time(now)
		return c
	case n < 97:
		return &profile.DropValues{Key: pick(g, someComputed)}
	case n < 98 || g.keys == 0:
		g.keys++
		return use(fmt.Sprint("k", g.keys), "1")
	default:
		return set(fmt.Sprint("k", 1+g.rand.IntN(g.keys)), []byte{byte('a' + g.rand.IntN(26))})
	}
}

// value is of any kind and of different lengths, and sometimes null.
func (g *generator) value() any {
	n := g.rand.IntN(10)
	return pick(g, []any{nil, n > 4, n, n << 40, float64(n) / 4, strings.Repeat("ü", n), []any{n, "x"},
		map[string]any{"n": n, fmt.Sprint("k", n): []string{"y"}}})
}

func (g *generator) event(now time.Time) *profile.PutEvent {
	e := &profile.PutEvent{Visitor: g.visitor(), Event: profile.Event{
		Profile: pick(g, someUsers), Name: pick(g, someNames), Time: g.time(now), MessageID: g.messageID(),
		Properties: object(fmt.Sprintf(`{"n": %d, "list": [{"s": "x"}]}`, g.rand.IntN(1000))),
	}}
	if g.rand.IntN(4) == 0 {
		e.Event.Account = pick(g, someAccounts)
	}
	if g.rand.IntN(4) == 0 {
		e.Event.Context = object(`{"ip": "::1"}`)
	}
	return e
}
