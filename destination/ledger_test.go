package destination

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// take tells what waits, at most n changes and none newer than cut, as if the
// store said what the callbacks did.
func (l *ledger) take(n int, cut uint64) (calls []call, undo map[pair]before) {
	l.undo = map[pair]before{}
	for _, p := range l.next(n, cut) {
		c := l.changes[p]
		l.drop(p, c)
		calls = append(calls, l.tell(p, c, &facts{in: c.to.in, identity: Identity{ID: p.id}, holders: map[profile.ExternalID][]holder{{Type: userID, Value: p.id}: nil}})...)
	}
	undo, l.undo = l.undo, nil
	return calls, undo
}

// A script of the ledger: + and - record that u enters or exits, T takes what
// waits, X has what was taken last refused. What is taken is written down.
func TestLedgerFolds(t *testing.T) {
	for _, tt := range []struct{ script, want string }{
		{"+T", "+"},
		{"+-T", ""},
		{"+-+T", "+"},
		{"+T-T", "+-"},
		{"+T-+T", "+"},
		{"+T-+-T", "+-"},
		{"-T", ""},
		{"++T--T", "+-"},
		{"+TX-T", "+"}, // what it was not told does not end
		{"+TX-+T", "++"},
		{"+T-X+T", "++"},  // nor does what it turns out not to have been told
		{"+T-TX+T", "+-"}, // and what it still has does not begin
		{"+T-TX+-T", "+--"},
		{"+T-T+X-T", "+--"},
	} {
		t.Run(tt.script, func(t *testing.T) {
			l := newLedger()
			p := l.pairOf(key{name: "a"}, profile.UserRef("u"))
			got := ""
			var undo map[pair]before
			for i, op := range tt.script {
				switch op {
				case '+', '-':
					l.record(p, state{in: op == '+'}, int64(i))
				case 'X':
					l.takeBackAll(undo, nil)
				case 'T':
					var taken []call
					taken, undo = l.take(10, math.MaxUint64)
					for _, it := range taken {
						got += map[bool]string{true: "+", false: "-"}[it.to.in]
					}
				}
			}
			require.Equal(t, tt.want, got)
			require.Empty(t, l.changes)
			require.Zero(t, l.order.Len())
		})
	}
}

// Random histories: what is taken alternates for each pair, no two items have
// the same instant and number, and in the end the receiver has the truth.
func TestLedgerAgainstAModel(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		l := newLedger()
		truth, told := map[pair]bool{}, map[pair]bool{}
		marks := map[string]bool{}
		at := int64(0)
		take := func(n int, cut uint64) {
			calls, _ := l.take(n, cut)
			for _, it := range calls {
				require.NotEqual(t, it.to.in, told[it.pair], "seed %d", seed)
				told[it.pair] = it.to.in
				mark := fmt.Sprint(it.pair, it.to.in, it.mark)
				require.False(t, marks[mark], "seed %d: %s again", seed, mark)
				marks[mark] = true
			}
		}
		for range 400 {
			at += int64(rnd.IntN(3)) * int64(time.Second) * int64(rnd.IntN(30))
			p := l.pairOf(key{name: []string{"a", "b"}[rnd.IntN(2)]}, profile.Ref{Subject: profile.Subject(rnd.IntN(2)), ID: fmt.Sprint(rnd.IntN(5))})
			truth[p] = !truth[p]
			l.record(p, state{in: truth[p]}, at)
			if rnd.IntN(10) == 0 {
				take(rnd.IntN(5), l.last-uint64(rnd.IntN(2)))
			}
			require.Equal(t, len(l.changes), l.order.Len())
		}
		take(math.MaxInt, l.last)
		for p, is := range truth {
			require.Equal(t, is, told[p])
			_, known := l.get(p)
			require.Equal(t, is, known)
		}
	}
}

// The order of what waits does not grow with what was folded, and exits are
// forgotten.
func TestLedgerIsBounded(t *testing.T) {
	l := newLedger()
	for i := range int64(10_000) {
		p := l.pairOf(key{name: "a"}, profile.UserRef(fmt.Sprint(i)))
		l.record(p, state{in: true}, i)
		l.record(p, state{}, i)
	}
	require.Zero(t, l.order.Len())
	for i := range int64(1000) {
		p := l.pairOf(key{name: "a"}, profile.UserRef(fmt.Sprint(i)))
		for _, entered := range []bool{true, false} {
			l.record(p, state{in: entered}, i*int64(time.Second))
			calls, _ := l.take(1, math.MaxUint64)
			require.Len(t, calls, 1)
		}
	}
	require.Zero(t, l.known.Len())
	require.LessOrEqual(t, len(l.exits[0])+len(l.exits[1]), 120)
}

// BenchmarkMemory reports the memory of a pair that waits, and of a member that
// the receiver has, beside the id.
func BenchmarkMemory(b *testing.B) {
	const n = 200_000
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("user-%d", i)
	}
	for b.Loop() {
		before := heap()
		l := newLedger()
		for i, id := range ids {
			l.record(l.pairOf(key{name: "a"}, profile.UserRef(id)), state{in: true}, int64(i))
		}
		b.ReportMetric(float64(heap()-before)/n, "B/waiting")
		for l.order.Len() > 0 {
			l.take(100, math.MaxUint64)
		}
		b.ReportMetric(float64(heap()-before)/n, "B/known")
		before = heap()
		for _, id := range ids { // an id of the engine's, not of ours
			p := l.pairOf(key{name: "a"}, profile.UserRef(id))
			t, _ := l.get(p)
			t.name(p, nil, Identity{ID: id, ExternalIDs: []profile.ExternalID{{Type: "email", Value: id}}})
			l.set(p, t)
		}
		b.ReportMetric(float64(heap()-before)/n, "B/email")
		runtime.KeepAlive(l)
	}
}

// BenchmarkRecord is what a callback costs, and putting the change into a batch.
func BenchmarkRecord(b *testing.B) {
	l := newLedger()
	ids := make([]string, 10_000)
	for i := range ids {
		ids[i] = fmt.Sprintf("user-%d", i)
	}
	for i := 0; b.Loop(); i++ {
		l.record(l.pairOf(key{name: "a"}, profile.UserRef(ids[i%len(ids)])), state{in: i/len(ids)%2 == 0}, int64(i))
		if i%100 == 99 {
			l.take(100, math.MaxUint64)
		}
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
