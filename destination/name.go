package destination

import (
	"context"
	"fmt"
	"slices"

	"github.com/muster-go/muster/profile"
)

// call is one message, or one member of a list: what is told of a pair under one
// identity.
type call struct {
	pair     pair
	key      key
	mark     mark
	to       state
	entry    bool // the pair is in; to may take back an id that is not its any more
	identity Identity
}

// calls finds out what the receiver is to be told of a flight's pairs and under
// which ids, and has the ledger remember that.
//
// Who is in and who has which id is asked of one snapshot: calls to the engine that
// run beside this one can then not show two halves of a change, as of a merge. A
// snapshot is at least as new as the callbacks that came before it. If it is newer,
// and says otherwise of a pair than the last of them, the pair is left for the next,
// which has the instant of the change too.
//
// An entry names what the profile is known by. An exit takes back what the receiver
// was told, whatever has become of the profile; but not an id that is another
// member's, as after a merge, or of a shared phone: the receiver would take that one
// to be out. Such an id is the other's from then on, and goes when it goes. Of a
// profile that was deleted, and is there anew, what is not its own any more is taken
// back as well.
func (c *Connection) calls(ctx context.Context, f *flight) error {
	pairs, told := c.waiting(f)
	defer c.noted()
	snapshot, err := c.hub.source.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer snapshot.Close()
	n := c.namer(ctx, snapshot)
	of := make([]facts, len(pairs))
	for i, p := range pairs {
		if of[i], err = n.read(c.keyOf(p), p, told[i]); err != nil {
			return fmt.Errorf("ids of %s %q: %w", p.subject, p.id, err)
		}
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	l := &c.ledger
	l.undo, f.told = map[pair]before{}, map[pair]change{}
	for i, p := range pairs {
		if c.newer(p, of[i].holders) {
			continue // the next snapshot has what the callback told
		}
		change := l.changes[p]
		if change.to.in != of[i].in {
			l.park(p, change)
			continue
		}
		l.drop(p, change)
		calls := l.tell(p, change, &of[i])
		if len(calls) == 0 {
			l.folded++
			continue
		}
		f.told[p] = change
		f.calls = append(f.calls, calls...)
	}
	f.undo, l.undo = l.undo, nil
	for _, ref := range c.renamed {
		l.lookAtAll(ref)
	}
	return nil
}

// newer reports whether callbacks told, after the snapshot was asked for, of a pair or
// of who else has its ids.
func (c *Connection) newer(p pair, holders map[profile.ExternalID][]holder) bool {
	_, is := c.touched[p]
	for _, hs := range holders {
		for _, h := range hs {
			_, too := c.touched[pair{p.key, h.ref.Subject, h.ref.ID}]
			is = is || too
		}
	}
	return is
}

// noted ends what waiting began.
func (c *Connection) noted() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.touched, c.renamed = nil, nil
}

// waiting returns those pairs of a flight of which changes wait, with the ids under
// which the receiver was told of them. From then on it is noted what callbacks tell.
func (c *Connection) waiting(f *flight) (pairs []pair, told [][]Identity) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.ids, c.touched = c.ids, map[pair]struct{}{}
	for _, p := range f.pairs {
		if _, waits := c.ledger.changes[p]; !waits {
			continue
		}
		var ids []Identity
		if t, known := c.ledger.get(p); known {
			ids = t.identities(p)
		}
		pairs = append(pairs, p)
		told = append(told, ids)
	}
	return pairs, told
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
		for id, hs := range holders {
			c.ledger.doubt(t.pair, id, hs)
		}
		c.mu.Unlock()
	}
	return nil
}

// tell returns the calls that tell a change, and has the receiver know it.
func (l *ledger) tell(p pair, c change, f *facts) (calls []call) {
	t, known := l.get(p)
	m := l.markOf(p, c)
	add := func(to state, i Identity) {
		calls = append(calls, call{p, l.keys[p.key], m, to, c.to.in, i})
	}
	var own []Identity
	if known {
		var back []Identity
		back, own = l.takeBack(p, c.to.in, t, f.holders)
		for _, i := range back {
			add(state{}, i)
		}
	}
	if !c.to.in {
		if known {
			l.exited(p, m)
		}
		return calls
	}
	now := told{mark: m, value: c.to.value}
	now.ids = slices.DeleteFunc(slices.Clone(own), func(i Identity) bool { return i.ID == "" })
	now.name(p, now.ids, f.identity)
	for _, i := range own {
		if i.ID == "" { // got from another: told as her own from now on
			i.ID, i.Anonymous = f.identity.ID, f.identity.Anonymous
			now.name(p, now.identities(p), i)
		}
	}
	if anew := known && (t.doubt || !c.to.equal(t.state())); anew {
		// Under all its ids: those that it has from others, too.
		for _, i := range now.identities(p) {
			add(c.to, i)
		}
	} else if !known || !f.identity.within(own) {
		add(c.to, f.identity)
	}
	if len(calls) == 0 {
		now.mark = t.mark
	}
	l.set(p, now)
	return calls
}

// takeBack divides the ids under which the receiver was told of a pair into those
// that it is told to be out, with what stays in one identity together, and those
// that are the pair's own, if that is in. What is another member's is that one's.
func (l *ledger) takeBack(p pair, in bool, t told, holders map[profile.ExternalID][]holder) (back, own []Identity) {
	for _, told := range t.identities(p) {
		stays, goes := Identity{}, Identity{Anonymous: told.Anonymous}
		if told.ID != "" {
			id := Identity{ID: told.ID, Anonymous: told.Anonymous}
			holders, read := holders[told.primary()]
			switch owner := owner(p, in, holders); {
			case p.subject == profile.Account && !in:
				goes.ID = told.ID
			case p.subject == profile.Account || !read || owner != nil && owner.ref == p.ref():
				stays = id
			case owner != nil:
				l.adopt(p, t, owner, id)
			default:
				goes.ID = told.ID
				l.doubt(p, told.primary(), holders)
			}
		}
		for _, id := range told.ExternalIDs {
			holders, read := holders[id]
			switch owner := owner(p, in, holders); {
			case !read || owner != nil && owner.ref == p.ref():
				stays.ExternalIDs = append(stays.ExternalIDs, id)
			case owner == nil:
				goes.ExternalIDs = append(goes.ExternalIDs, id)
				l.doubt(p, id, holders)
			default:
				l.adopt(p, t, owner, Identity{ExternalIDs: []profile.ExternalID{id}})
			}
		}
		if !goes.empty() {
			back = append(back, goes)
		}
		if !stays.empty() {
			own = append(own, stays)
		}
	}
	return back, own
}

// owner returns who has an id of a pair that the receiver was told: the pair
// itself, if it is in, or else another member.
func owner(p pair, in bool, holders []holder) (owner *holder) {
	for i := range holders {
		h := &holders[i]
		switch {
		case h.ref == p.ref():
			if in {
				return h
			}
		case h.in:
			owner = h
		}
	}
	return owner
}

// doubt notes that an id of a pair is taken back. Who else has it now, or had it when
// the receiver was told of them, is told anew, if they are in: the receiver may take
// them to be out. They need not be there at the moment: who was deleted may come back.
func (l *ledger) doubt(of pair, id profile.ExternalID, holders []holder) {
	others := l.namedBy(id, of)
	for _, h := range holders {
		others = append(others, pair{of.key, h.ref.Subject, h.ref.ID})
	}
	for _, p := range others {
		t, known := l.get(p)
		if !known || p == of {
			continue
		}
		t.doubt = true
		l.set(p, t)
		l.lookAt(p)
	}
}

// adopt makes ids that the receiver was told of a pair those of another member. One
// of whom it was not told yet it knows by these ids then. If it may have been told
// that they are out already, or with another value, it is told of the other again.
func (l *ledger) adopt(of pair, from told, to *holder, ids Identity) {
	p := pair{of.key, to.ref.Subject, to.ref.ID}
	t, known := l.get(p)
	list := t.identities(p)
	if !known {
		list = nil
		t = told{mark: mark{at: to.at}, value: from.value}
		if exit, is := l.exit(p); is && exit.at == to.at {
			t.number = exit.number
		}
	}
	switch {
	case ids.ID != "":
		t.name(p, list, ids)
	case !slices.ContainsFunc(list, func(i Identity) bool { return slices.Contains(i.ExternalIDs, ids.ExternalIDs[0]) }):
		t.ids = append(slices.Clip(list), ids) // the receiver has it, but not as one of hers
	}
	t.doubt = t.doubt || from.doubt || to.value != nil
	l.set(p, t)
	if !known || t.doubt {
		l.lookAt(p)
	}
}
