package destination

import (
	"math"
	"slices"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// ledger holds what a receiver knows and what it is to be told: the net change
// of each pair of audience and profile against what it was told last.
type ledger struct {
	keys    []string          // the audiences, by number
	numbers map[string]uint32 // the numbers of audiences

	known   map[pair]mark   // the members that the receiver has, or is being told
	changes map[pair]change // what waits
	order   []place         // of changes, oldest first; places whose change is gone are passed over
	last    uint64          // the number of the newest change
	counted int             // changes that are not of the backfill
	folded  uint64          // changes that cancelled each other

	exits [2]map[pair]mark // those sent lately, and those before
	epoch int64            // the instant with which exits[0] began
}

// pair is one membership: who, in which audience.
type pair struct {
	audience uint32
	subject  profile.Subject
	id       string
}

// mark is what was told of a pair last. Its number tells changes of a pair at
// the same instant apart: a clock may stand.
type mark struct {
	at     int64
	number uint32
}

// change is a net change that waits.
type change struct {
	at       int64
	seq      uint64
	entered  bool
	backfill bool
}

type place struct {
	pair pair
	seq  uint64
}

// item is a change on its way to the receiver.
type item struct {
	pair    pair
	entered bool
	mark    mark
	was     mark // what the receiver had, if it had the pair as a member
}

func newLedger() ledger {
	return ledger{
		numbers: map[string]uint32{},
		known:   map[pair]mark{},
		changes: map[pair]change{},
		exits:   [2]map[pair]mark{{}, {}},
		epoch:   math.MinInt64,
	}
}

// pairOf returns the pair of an audience's key and a profile.
func (l *ledger) pairOf(key string, ref profile.Ref) pair {
	n, ok := l.numbers[key]
	if !ok {
		n = uint32(len(l.keys))
		l.keys = append(l.keys, key)
		l.numbers[key] = n
	}
	return pair{n, ref.Subject, ref.ID}
}

// member reports whether a pair is a member when all that waits has been told,
// and since when.
func (l *ledger) member(p pair) (since int64, is bool) {
	if c, ok := l.changes[p]; ok {
		return c.at, c.entered
	}
	m, is := l.known[p]
	return m.at, is
}

// record takes note that a pair entered or exited at an instant. What comes out
// as no change is none.
func (l *ledger) record(p pair, entered bool, at int64, backfill bool) {
	since, is := l.member(p)
	if is == entered {
		return
	}
	// The members of the backfill may be newer than what callbacks have yet to
	// tell: an exit from before they entered is no news.
	if is && at < since {
		return
	}
	if _, waits := l.changes[p]; waits {
		l.drop(p)
		l.folded++
		return
	}
	l.last++
	l.changes[p] = change{at: at, seq: l.last, entered: entered, backfill: backfill}
	if !backfill {
		l.counted++
	}
	if len(l.order) > 2*len(l.changes)+64 {
		l.order = slices.DeleteFunc(l.order, func(at place) bool { return l.changes[at.pair].seq != at.seq })
	}
	l.order = append(l.order, place{p, l.last})
}

// drop forgets a change that waits.
func (l *ledger) drop(p pair) {
	if c, ok := l.changes[p]; ok {
		delete(l.changes, p)
		if !c.backfill {
			l.counted--
		}
	}
}

// take removes the oldest changes, at most n and up to the one of number cut,
// and has the receiver know them: what comes meanwhile is folded against that.
func (l *ledger) take(n int, cut uint64) []item {
	var items []item
	for len(l.order) > 0 && len(items) < n && l.order[0].seq <= cut {
		at := l.order[0]
		l.order = l.order[1:]
		c, ok := l.changes[at.pair]
		if !ok || c.seq != at.seq {
			continue
		}
		l.drop(at.pair)
		items = append(items, l.tell(at.pair, c))
	}
	if len(l.changes) == 0 { // after a backfill, say, let go of the memory
		l.changes, l.order = map[pair]change{}, nil
	}
	return items
}

// tell makes the item of a change.
func (l *ledger) tell(p pair, c change) item {
	it := item{pair: p, entered: c.entered, mark: mark{at: c.at}, was: l.known[p]}
	before, told := it.was, !c.entered
	if c.entered {
		before, told = l.exit(p)
	}
	if told && before.at == c.at {
		it.mark.number = before.number + 1
	}
	if c.entered {
		l.known[p] = it.mark
		return it
	}
	delete(l.known, p)
	l.rememberExit(p, it.mark)
	return it
}

// refused takes back that the receiver knows an item. What waits for the pair is
// then what it has, and no change.
func (l *ledger) refused(it item) {
	if it.entered {
		delete(l.known, it.pair)
	} else {
		l.known[it.pair] = it.was
	}
	l.drop(it.pair)
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

// state returns an item as a State.
func (l *ledger) state(it item, unsure bool) State {
	s := State{
		Audience: l.keys[it.pair.audience],
		Ref:      profile.Ref{Subject: it.pair.subject, ID: it.pair.id},
		Type:     audience.Exited,
		At:       time.Unix(0, it.mark.at).UTC(),
		Number:   it.mark.number,
		Unsure:   unsure,
	}
	if it.entered {
		s.Type = audience.Entered
	}
	return s
}

// restore has the receiver know a state, and returns it as an item.
func (l *ledger) restore(s *State) item {
	it := item{
		pair:    l.pairOf(s.Audience, s.Ref),
		entered: s.Type == audience.Entered,
		mark:    mark{s.At.UnixNano(), s.Number},
	}
	if it.entered {
		l.known[it.pair] = it.mark
	} else {
		it.was = it.mark // what came before is not told
		l.rememberExit(it.pair, it.mark)
	}
	return it
}
