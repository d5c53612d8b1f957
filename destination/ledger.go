package destination

import (
	"cmp"
	"math"

	"github.com/muster-go/muster/profile"
	"github.com/tidwall/btree"
)

// ledger holds what a receiver knows and what it is to be told: the net change
// of each pair against what it was told last.
type ledger struct {
	keys    []key          // by number
	numbers map[key]uint32 // the numbers of keys

	known   *btree.BTreeG[row]    // the pairs that the receiver has, or is being told
	named   *btree.BTreeG[naming] // and under which ids, if not under the user id alone
	changes map[pair]change       // what waits
	order   *btree.BTreeG[place]
	last    uint64 // the number of the newest change
	folded  uint64 // changes that were made unnecessary

	refused map[profile.Ref]map[uint32]change // entries that the receiver did not take, by key

	exits [2]map[pair]mark // those sent lately, and those before
	epoch int64            // the instant with which exits[0] began

	undo map[pair]before // of the flight that is put together; nil if none is

	dirty map[pair]struct{} // whose record is to be kept anew; nil if none are
}

// key is that of an audience or of a computed trait.
type key struct {
	name  string
	trait bool
}

// pair is one profile in one audience, or with one computed trait.
type pair struct {
	key     uint32
	subject profile.Subject
	id      string
}

// mark is what was told of a pair last. Its number tells changes of a pair at
// the same instant apart: a clock may stand.
type mark struct {
	at     int64
	number uint32
}

// state is what there is to tell of a pair.
type state struct {
	in    bool           // it is a member, or the trait has a value
	value *profile.Value // of a trait
}

func (s state) equal(t state) bool {
	if s.in != t.in || s.value == nil || t.value == nil {
		return s.in == t.in
	}
	return s.value.Kind() == t.value.Kind() && s.value.Equal(*t.value)
}

// told is what the receiver has of a pair.
type told struct {
	mark
	doubt bool // it may have been told otherwise: by an id that another has too
	value *profile.Value
	ids   []Identity // see identities
}

func (t *told) state() state { return state{in: true, value: t.value} }

// row is one of ledger.known, where the pairs of a profile stand together.
type row struct {
	pair pair
	told told
}

func (p pair) compare(q pair) int {
	return cmp.Or(cmp.Compare(p.subject, q.subject), cmp.Compare(p.id, q.id), cmp.Compare(p.key, q.key))
}

// change is what callbacks told of a pair last, and the receiver was not told.
type change struct {
	at   int64
	seq  uint64
	to   state
	look bool // the receiver may have that, but under other ids than the profile has now
}

// place is a change in the order in which they are sent: by instant, and the
// exits of an instant before its entries.
type place struct {
	at   int64
	in   bool
	seq  uint64
	pair pair
}

func (a place) less(b place) bool {
	switch {
	case a.at != b.at:
		return a.at < b.at
	case a.in != b.in:
		return b.in
	}
	return a.seq < b.seq
}

func newLedger() ledger {
	return ledger{
		numbers: map[key]uint32{},
		known:   btree.NewBTreeGOptions(func(a, b row) bool { return a.pair.compare(b.pair) < 0 }, btree.Options{NoLocks: true}),
		changes: map[pair]change{},
		refused: map[profile.Ref]map[uint32]change{},
		order:   btree.NewBTreeGOptions(place.less, btree.Options{NoLocks: true}),
		named:   btree.NewBTreeGOptions(naming.less, btree.Options{NoLocks: true}),
		exits:   [2]map[pair]mark{{}, {}},
		epoch:   math.MinInt64,
	}
}

// pairOf returns the pair of a key and a profile.
func (l *ledger) pairOf(k key, ref profile.Ref) pair {
	n, ok := l.numbers[k]
	if !ok {
		n = uint32(len(l.keys))
		l.keys = append(l.keys, k)
		l.numbers[k] = n
	}
	return pair{n, ref.Subject, ref.ID}
}

func (p pair) ref() profile.Ref { return profile.Ref{Subject: p.subject, ID: p.id} }

// get returns what the receiver has of a pair.
func (l *ledger) get(p pair) (t told, has bool) {
	r, has := l.known.Get(row{pair: p})
	return r.told, has
}

// touch notes that what is kept of a pair has changed.
func (l *ledger) touch(p pair) {
	if l.dirty != nil {
		l.dirty[p] = struct{}{}
	}
}

func (l *ledger) set(p pair, t told) {
	l.remember(p)
	l.touch(p)
	was, _ := l.known.Set(row{p, t})
	l.rename(p, was.told.ids, t.ids)
}

func (l *ledger) unset(p pair) {
	l.touch(p)
	was, _ := l.known.Delete(row{pair: p})
	l.rename(p, was.told.ids, nil)
}

// record takes note of the state that a pair has from an instant on. What comes
// out as no change is none, unless the receiver may have been told otherwise.
func (l *ledger) record(p pair, to state, at int64) {
	l.forgetRefusal(p)
	c, waits := l.changes[p]
	t, known := l.get(p)
	var has state
	if known {
		has = t.state()
	}
	now, since := has, t.at
	if waits {
		now, since = c.to, c.at
	}
	// What the backfill has read may be newer than what callbacks have yet to
	// tell: what is from before that is no news.
	if now.equal(to) || now.in && at < since {
		return
	}
	if waits {
		l.drop(p, c)
		l.folded++
	}
	switch {
	case !has.equal(to):
		l.put(p, change{at: at, to: to, look: c.look})
	case waits && known && (c.look || t.doubt):
		l.put(p, change{at: t.at, to: to, look: c.look})
	}
}

// lookAt takes note that the receiver may have a pair under other ids than the
// profile has now.
func (l *ledger) lookAt(p pair) {
	t, known := l.get(p)
	if !known {
		return
	}
	if _, waits := l.changes[p]; !waits {
		l.put(p, change{at: t.at, to: t.state(), look: true})
		return
	}
	l.change(p, func(c *change) { c.look = true })
}

// lookAtAll is lookAt for all pairs of a profile. What the receiver refused it may
// take under other ids.
func (l *ledger) lookAtAll(ref profile.Ref) {
	var pairs []pair
	l.known.Ascend(row{pair: pair{subject: ref.Subject, id: ref.ID}}, func(r row) bool {
		if r.pair.ref() != ref {
			return false
		}
		pairs = append(pairs, r.pair)
		return true
	})
	for _, p := range pairs {
		l.lookAt(p)
	}
	for n, c := range l.refused[ref] {
		l.put(pair{n, ref.Subject, ref.ID}, c)
	}
	delete(l.refused, ref)
}

// change changes what waits of a pair, but for its place.
func (l *ledger) change(p pair, do func(c *change)) {
	l.touch(p)
	c := l.changes[p]
	do(&c)
	l.changes[p] = c
}

// refuse gives up a change that the receiver will not take. An entry is remembered
// as long as nothing else is known of the pair.
func (l *ledger) refuse(p pair, c change) {
	_, waits := l.changes[p]
	_, known := l.get(p)
	if waits || known || !c.to.in {
		return
	}
	ref := p.ref()
	if l.refused[ref] == nil {
		l.refused[ref] = map[uint32]change{}
	}
	l.refused[ref][p.key] = change{at: c.at, to: c.to}
	l.touch(p)
}

func (l *ledger) forgetRefusal(p pair) {
	if of := l.refused[p.ref()]; of != nil {
		l.touch(p)
		if delete(of, p.key); len(of) == 0 {
			delete(l.refused, p.ref())
		}
	}
}

// put has a change wait. None of the pair does.
func (l *ledger) put(p pair, c change) {
	l.touch(p)
	l.last++
	c.seq = l.last
	l.changes[p] = c
	l.order.Set(place{c.at, c.to.in, c.seq, p})
}

// drop forgets a change that waits.
func (l *ledger) drop(p pair, c change) {
	l.touch(p)
	delete(l.changes, p)
	l.order.Delete(place{c.at, c.to.in, c.seq, p})
	if len(l.changes) == 0 { // after a backfill, say, let go of the memory
		l.changes = map[pair]change{}
	}
}

// park has a change wait, out of the order, until callbacks tell of its pair.
func (l *ledger) park(p pair, c change) { l.order.Delete(place{c.at, c.to.in, c.seq, p}) }

// next returns the pairs of the first changes, at most n and none newer than the
// one of number cut.
func (l *ledger) next(n int, cut uint64) (pairs []pair) {
	l.order.Scan(func(at place) bool {
		if at.seq <= cut && len(pairs) < n {
			pairs = append(pairs, at.pair)
		}
		return len(pairs) < n
	})
	return pairs
}

// before is what the ledger had of a pair before a flight.
type before struct {
	told    told
	known   bool
	exit    mark
	wasTold bool // exit is one
}

// remember keeps what the ledger has of a pair, in case that the flight which is
// put together is refused.
func (l *ledger) remember(p pair) {
	if l.undo == nil {
		return
	}
	if _, has := l.undo[p]; !has {
		var b before
		b.told, b.known = l.get(p)
		b.exit, b.wasTold = l.exit(p)
		l.undo[p] = b
	}
}

// takeBackAll has the ledger be as it was before a flight, which told some changes.
// Changes that came since are none any more if they lead to what the receiver has
// then. It returns the pairs of which none came.
func (l *ledger) takeBackAll(undo map[pair]before, told map[pair]change) (left map[pair]change) {
	left = map[pair]change{}
	for p, b := range undo {
		l.touch(p)
		for _, exits := range l.exits {
			delete(exits, p)
		}
		if b.wasTold {
			l.exits[0][p] = b.exit
		}
		was, tells := told[p]
		c, waits := l.changes[p]
		var has state
		if b.known {
			if t, known := l.get(p); known && t.doubt {
				b.told.doubt = true
			}
			has = b.told.state()
			l.set(p, b.told)
		} else {
			l.unset(p)
		}
		switch {
		case tells && !waits:
			left[p] = was
		case waits && c.to.equal(has) && !c.look && !b.told.doubt:
			l.drop(p, c)
		}
	}
	return left
}
