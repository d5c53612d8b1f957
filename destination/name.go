package destination

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/muster-go/muster/profile"
)

// call is one message, or one member of a list: a change under one identity.
type call struct {
	item
	key      key
	identity Identity
}

// calls finds out what the receiver is to be told of a flight's changes and under
// which ids, and has the ledger remember that. Changes that come out as none are
// taken out of the flight.
//
// An entry names what the profile is known by now. An exit takes back what the
// receiver was told, whatever has become of the profile; but not an id that now
// is that of another member, as after a merge, or of a shared phone: the receiver
// would take that one to be out. Such an id is the other's from then on, and goes
// when it goes. Of a profile that was deleted, and is there anew, what is not its
// own any more is taken back as well.
func (c *Connection) calls(ctx context.Context, f *flight) ([]call, error) {
	c.mu.Lock()
	f.ids = c.ids
	c.mu.Unlock()
	snapshot, err := c.hub.source.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer snapshot.Close()
	n := c.namer(ctx, snapshot)
	facts := make([]facts, len(f.items))
	for i, it := range f.items {
		if facts[i], err = n.read(c.keyOf(it.pair), it); err != nil {
			return nil, fmt.Errorf("ids of %s %q: %w", it.pair.subject, it.pair.id, err)
		}
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	// Entries first: what is taken back depends on who is a member, under which ids.
	enters, entering := make([]bool, len(f.items)), map[pair]bool{}
	for i, it := range f.items {
		if !it.again && it.to.in != c.ledger.member(it.pair) {
			// The opposite has happened since: the receiver need not know.
			c.ledger.untell(it)
			facts[i].gone = true
			continue
		}
		enters[i] = it.to.in && c.ledger.enter(it, &facts[i])
		entering[it.pair] = enters[i]
	}
	var calls []call
	var items []item
	for i, it := range f.items {
		before := len(calls)
		had := it.was.identities(it.pair)
		if it.known && (enters[i] || !it.to.in) && !facts[i].gone {
			var back []call
			back, had = c.ledger.takeBack(it, facts[i].holders, entering)
			calls = append(calls, back...)
		}
		news := !it.known || it.again || !it.to.equal(it.was.state()) || !facts[i].identity.within(had)
		if enters[i] && news {
			calls = append(calls, call{it, c.ledger.keys[it.pair.key], facts[i].identity})
		}
		if len(calls) == before {
			c.ledger.folded++
			continue
		}
		items = append(items, it)
	}
	f.items = items
	return calls, nil
}

func (c *Connection) keyOf(p pair) key {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ledger.keys[p.key]
}

// confirm looks once more at the exits of a batch that has arrived. While it was on
// its way, or was tried again, an id that it takes back may have become another
// member's, by a merge: that one is told again.
func (c *Connection) confirm(ctx context.Context, f *flight) error {
	c.mu.Lock()
	same := c.ids == f.ids
	c.mu.Unlock()
	if same || !slices.ContainsFunc(f.calls, func(t call) bool { return !t.to.in }) {
		return nil
	}
	snapshot, err := c.hub.source.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer snapshot.Close()
	n := c.namer(ctx, snapshot)
	for i := range f.calls {
		t := &f.calls[i]
		if t.to.in {
			continue
		}
		holders, err := n.holdersOf(t.key, t.pair.subject, []Identity{t.identity})
		if err != nil {
			return fmt.Errorf("ids of %s %q: %w", t.pair.subject, t.pair.id, err)
		}
		c.mu.Lock()
		for _, hs := range holders {
			c.ledger.doubt(t.item, hs)
		}
		c.mu.Unlock()
	}
	return nil
}

// enter notes under which ids the receiver is told of an entry, and reports whether
// there is anything to tell.
func (l *ledger) enter(it item, f *facts) bool {
	if f.gone && (it.known && it.to.equal(it.was.state()) || !l.member(it.pair)) {
		// Its exit is there, or will be, and says what there is to say.
		l.untell(it)
		if it.again {
			l.rename(it.pair, true) // it may not have got all that it is told to forget
		}
		return false
	}
	if f.gone && it.known {
		f.identity = it.was.identities(it.pair)[0]
	}
	if t, known := l.get(it.pair); known {
		var list []Identity
		if it.known || len(t.ids) > 0 {
			list = t.identities(it.pair)
		}
		t.name(it.pair, list, f.identity)
		l.set(it.pair, t)
	}
	return true
}

// takeBack returns the calls that take back ids under which the receiver was told
// of a pair: one for each identity, with those of its ids that are no other
// member's nor, where the pair stays, its own. It returns those too that are.
func (l *ledger) takeBack(it item, holders map[profile.ExternalID][]holder, entering map[pair]bool) (calls []call, own []Identity) {
	out := it
	out.to = state{}
	for _, told := range it.was.identities(it.pair) {
		var stays, goes, other Identity
		goes.Anonymous = told.Anonymous
		if told.ID != "" {
			id := Identity{ID: told.ID, Anonymous: told.Anonymous}
			switch owner := l.owner(it, holders[told.primary()], entering); {
			case it.pair.subject == profile.Account && !it.to.in:
				goes.ID = told.ID
			case it.pair.subject == profile.Account || owner != nil && owner.ref == it.pair.ref():
				stays = id
			case owner != nil:
				other = id
				l.adopt(it, owner, id)
			default:
				goes.ID = told.ID
				l.doubt(it, holders[told.primary()])
			}
		}
		for _, id := range told.ExternalIDs {
			ids := []profile.ExternalID{id}
			switch owner := l.owner(it, holders[id], entering); {
			case owner == nil:
				goes.ExternalIDs = append(goes.ExternalIDs, id)
				l.doubt(it, holders[id])
			case owner.ref == it.pair.ref():
				stays.ExternalIDs = append(stays.ExternalIDs, id)
			default:
				other.ExternalIDs = append(other.ExternalIDs, id)
				l.adopt(it, owner, Identity{ExternalIDs: ids})
			}
		}
		if !goes.empty() {
			calls = append(calls, call{out, l.keys[it.pair.key], goes})
		}
		if !stays.empty() {
			own = append(own, stays)
		}
		if t, known := l.get(it.pair); known && !(goes.empty() && other.empty()) {
			t.ids = without(t.identities(it.pair), told, stays)
			l.set(it.pair, t)
		}
	}
	return calls, own
}

// doubt notes that an id is taken back which other profiles have, whose exits wait:
// the receiver has them under it no more.
func (l *ledger) doubt(it item, holders []holder) {
	for _, h := range holders {
		if h.ref != it.pair.ref() {
			l.rename(pair{it.pair.key, h.ref.Subject, h.ref.ID}, true)
		}
	}
}

// owner returns who has an id of a pair that the receiver was told: the pair
// itself, if it stays, or else another member, or who enters in the same batch.
func (l *ledger) owner(it item, holders []holder, entering map[pair]bool) (owner *holder) {
	for i := range holders {
		h := &holders[i]
		if h.ref == it.pair.ref() {
			if it.to.in {
				return h
			}
			continue
		}
		if p := (pair{it.pair.key, h.ref.Subject, h.ref.ID}); h.in || l.member(p) || entering[p] {
			owner = h
		}
	}
	return owner
}

// adopt makes ids that the receiver was told of a pair that exits those of another
// member. One of whom it was not told yet it knows by these ids then. If it may
// have been told that the pair is out already, or has another value, it is told of
// the other again.
func (l *ledger) adopt(from item, to *holder, ids Identity) {
	p := pair{from.pair.key, to.ref.Subject, to.ref.ID}
	t, known := l.get(p)
	list := t.identities(p)
	c, waits := l.changes[p]
	if !known {
		list = nil
		t = told{mark: mark{at: to.at}, value: cmp.Or(from.was.value, to.value)}
		if waits {
			t.at = c.at
		} else {
			l.put(p, change{at: to.at, to: to.state, renamed: true})
		}
		if exit, is := l.exit(p); is && exit.at == t.at {
			t.number = exit.number
		}
	}
	t.name(p, list, ids)
	l.set(p, t)
	again := from.unsure || to.value != nil
	if !known || again {
		l.rename(p, again)
	}
}
