package destination

import (
	"cmp"
	"math"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/tidwall/btree"
)

// ledger holds what a receiver knows and what it is to be told: the net change
// of each pair against what it was told last.
type ledger struct {
	keys    []key          // by number
	numbers map[key]uint32 // the numbers of keys

	known   *btree.BTreeG[row] // the pairs that the receiver has, or is being told
	changes map[pair]change    // what waits
	order   *btree.BTreeG[place]
	last    uint64 // the number of the newest change
	folded  uint64 // changes that were made unnecessary

	refused map[profile.Ref]map[uint32]change // entries that the receiver did not take, by key

	exits [2]map[pair]mark // those sent lately, and those before
	epoch int64            // the instant with which exits[0] began
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

// change is a net change that waits. If the receiver has that state already, what
// it has not got are ids of the profile.
type change struct {
	at      int64
	seq     uint64
	to      state
	renamed bool // the profile may have other ids than when the receiver was told of it
	again   bool // the receiver may have been told that it is out, by an id of it
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

// item is a change on its way to the receiver.
type item struct {
	pair   pair
	to     state
	mark   mark
	was    told // what the receiver had, or may have
	known  bool // it had the pair
	again  bool // it is told also if the receiver should have all of it
	unsure bool // others may have taken back what the receiver was told of it
}

func newLedger() ledger {
	return ledger{
		numbers: map[key]uint32{},
		known:   btree.NewBTreeGOptions(func(a, b row) bool { return a.pair.compare(b.pair) < 0 }, btree.Options{NoLocks: true}),
		changes: map[pair]change{},
		refused: map[profile.Ref]map[uint32]change{},
		order:   btree.NewBTreeGOptions(place.less, btree.Options{NoLocks: true}),
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

func (l *ledger) set(p pair, t told) { l.known.Set(row{p, t}) }

// member reports whether a pair is a member when all that waits has been told.
func (l *ledger) member(p pair) bool {
	if c, waits := l.changes[p]; waits {
		return c.to.in
	}
	_, has := l.get(p)
	return has
}

// record takes note of the state that a pair has from an instant on. What comes
// out as no change is none; but after an end for which the profile was deleted the
// ids have to be looked at, if it is there again.
func (l *ledger) record(p pair, to state, at int64, deleted bool) {
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
		if has.equal(to) {
			if c.renamed && known {
				l.put(p, change{at: t.at, to: has, renamed: true, again: c.again})
			}
			return
		}
	}
	l.put(p, change{at: at, to: to, renamed: c.renamed || deleted, again: c.again})
}

// rename takes note that a profile has ids that the receiver may not know, or,
// again, that it may have been told of an id of it that it is out.
func (l *ledger) rename(p pair, again bool) {
	t, known := l.get(p)
	if !known {
		return
	}
	c, waits := l.changes[p]
	if !waits {
		l.put(p, change{at: t.at, to: t.state(), renamed: true, again: again})
		return
	}
	c.renamed, c.again = true, c.again || again
	l.changes[p] = c
}

// renameAll is rename for all pairs of a profile. What the receiver refused it may
// take under other ids.
func (l *ledger) renameAll(ref profile.Ref) {
	var pairs []pair
	l.known.Ascend(row{pair: pair{subject: ref.Subject, id: ref.ID}}, func(r row) bool {
		if r.pair.ref() != ref {
			return false
		}
		pairs = append(pairs, r.pair)
		return true
	})
	for _, p := range pairs {
		l.rename(p, false)
	}
	for n, c := range l.refused[ref] {
		l.put(pair{n, ref.Subject, ref.ID}, c)
	}
	delete(l.refused, ref)
}

// refuse takes back that the receiver knows an item, which it will not take. An
// entry is remembered as long as nothing else is known of the pair.
func (l *ledger) refuse(it item) {
	_, waits := l.changes[it.pair]
	l.untell(it)
	if waits || it.known || !it.to.in {
		return
	}
	ref := it.pair.ref()
	if l.refused[ref] == nil {
		l.refused[ref] = map[uint32]change{}
	}
	l.refused[ref][it.pair.key] = change{at: it.mark.at, to: it.to}
}

func (l *ledger) forgetRefusal(p pair) {
	if of := l.refused[p.ref()]; of != nil {
		if delete(of, p.key); len(of) == 0 {
			delete(l.refused, p.ref())
		}
	}
}

// put has a change wait. None of the pair does.
func (l *ledger) put(p pair, c change) {
	l.last++
	c.seq = l.last
	l.changes[p] = c
	l.order.Set(place{c.at, c.to.in, c.seq, p})
}

// drop forgets a change that waits.
func (l *ledger) drop(p pair, c change) {
	delete(l.changes, p)
	l.order.Delete(place{c.at, c.to.in, c.seq, p})
}

// take removes the first changes, at most n and none newer than the one of number
// cut, and has the receiver know them: what comes meanwhile is folded against
// that.
func (l *ledger) take(n int, cut uint64) []item {
	var places []place
	l.order.Scan(func(at place) bool {
		if at.seq <= cut && len(places) < n {
			places = append(places, at)
		}
		return len(places) < n
	})
	var items []item
	for _, at := range places {
		c := l.changes[at.pair]
		l.drop(at.pair, c)
		items = append(items, l.tell(at.pair, c))
	}
	if len(l.changes) == 0 { // after a backfill, say, let go of the memory
		l.changes = map[pair]change{}
	}
	return items
}

// tell makes the item of a change.
func (l *ledger) tell(p pair, c change) item {
	it := item{pair: p, to: c.to, mark: mark{at: c.at}, again: c.again, unsure: c.again || c.renamed}
	it.was, it.known = l.get(p)
	if it.known && it.was.at == c.at {
		it.mark.number = it.was.number + 1
	}
	if exit, is := l.exit(p); is && exit.at == c.at {
		it.mark.number = max(it.mark.number, exit.number+1)
	}
	if c.to.in {
		l.set(p, told{mark: it.mark, value: c.to.value, ids: it.was.ids})
		return it
	}
	l.known.Delete(row{pair: p})
	l.rememberExit(p, it.mark)
	return it
}

// untell takes back that the receiver knows an item. A change that waits is none
// any more if it leads to what the receiver has then.
func (l *ledger) untell(it item) {
	var has state
	if it.known {
		has = it.was.state()
		l.set(it.pair, it.was)
	} else {
		l.known.Delete(row{pair: it.pair})
	}
	if c, waits := l.changes[it.pair]; waits && c.to.equal(has) && !c.renamed {
		l.drop(it.pair, c)
	}
}

// exitMemory is how long at least an exit is remembered after it was sent, in
// time of the transitions. It has to outlast what lies between two transitions
// of one instant, which is the time of their callbacks.
const exitMemory = int64(time.Minute)

// rememberExit keeps the mark of an exit for as long as the pair may enter again
// at the same instant.
func (l *ledger) rememberExit(p pair, m mark) {
	if m.at >= l.epoch+exitMemory || l.epoch == math.MinInt64 {
		l.exits[1], l.exits[0] = l.exits[0], map[pair]mark{}
		l.epoch = m.at
	}
	l.exits[0][p] = m
}

func (l *ledger) exit(p pair) (mark, bool) {
	for _, exits := range l.exits {
		if m, ok := exits[p]; ok {
			return m, true
		}
	}
	return mark{}, false
}

// export returns what was told of a pair as a State.
func (l *ledger) export(p pair, t told, in, unsure bool) State {
	s := State{
		Ref:        p.ref(),
		Type:       audience.Exited,
		At:         time.Unix(0, t.at).UTC(),
		Number:     t.number,
		Identities: t.ids,
		Unsure:     unsure,
	}
	if in {
		s.Type = audience.Entered
		if t.value != nil {
			s.Value = *t.value
		}
	}
	if k := l.keys[p.key]; k.trait {
		s.Trait = k.name
	} else {
		s.Audience = k.name
	}
	return s
}

// restore has the receiver know a state, and returns it as an item.
func (l *ledger) restore(s *State) item {
	k := s.key()
	p := l.pairOf(k, s.Ref)
	it := item{pair: p, mark: mark{s.At.UnixNano(), s.Number}}
	t := told{mark: it.mark, ids: s.Identities}
	if s.Type == audience.Entered {
		if it.to.in = true; k.trait {
			v := s.Value
			it.to.value, t.value = &v, &v
		}
		l.set(p, t)
	} else {
		l.rememberExit(p, it.mark)
	}
	it.was, it.known, it.again, it.unsure = t, true, true, true // what came before is not told
	return it
}
