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
	snapshot, err := c.hub.source.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer snapshot.Close()
	n := namer{Reader: snapshot, ctx: ctx, types: c.cfg.ExternalIDs, states: map[profile.Ref]map[key]since{}}
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

// facts are what the store says of an item.
type facts struct {
	naming
	holders map[profile.ExternalID][]holder // who has the ids under which the receiver was told
}

// naming is what a profile is known by.
type naming struct {
	identity Identity
	gone     bool // it is no more: it was deleted, or is part of another
}

// since is a state with its instant.
type since struct {
	state
	at int64
}

// holder is a profile that has an id now, and its state in the audience or trait.
type holder struct {
	ref profile.Ref
	since
}

// namer reads from one snapshot who is known by what.
type namer struct {
	profile.Reader
	ctx    context.Context
	types  []string // of external ids that are sent
	states map[profile.Ref]map[key]since
}

// read returns the facts of an item.
func (n *namer) read(k key, it item) (f facts, err error) {
	if it.to.in {
		if f.naming, err = n.nameOf(it.pair.ref()); err != nil {
			return f, err
		}
	}
	if it.known {
		f.holders, err = n.holdersOf(k, it)
	}
	return f, err
}

// nameOf returns what a profile is known by. One that was merged into another is
// not known by the other's ids.
func (n *namer) nameOf(ref profile.Ref) (naming, error) {
	name := naming{identity: Identity{ID: ref.ID}}
	kept, exists, err := n.Resolve(n.ctx, ref)
	if err != nil || !exists {
		name.gone = true
		return name, err
	}
	ids, err := n.IDs(n.ctx, ref)
	if err != nil {
		return name, err
	}
	if kept != ref.ID {
		name.gone = true
		name.identity.Anonymous = slices.Contains(ids, profile.ExternalID{Type: anonymousID, Value: ref.ID}) &&
			!slices.Contains(ids, profile.ExternalID{Type: userID, Value: ref.ID})
		return name, nil
	}
	if ref.Subject == profile.User {
		known, err := n.Known(n.ctx, ref.ID)
		if err != nil {
			return name, err
		}
		name.identity.Anonymous = !known
	}
	for _, id := range ids {
		if slices.Contains(n.types, id.Type) || slices.Contains(n.types, All) {
			name.identity.ExternalIDs = append(name.identity.ExternalIDs, id)
		}
	}
	return name, nil
}

// The types of the external ids that are ids of users too.
const (
	userID      = "user_id"
	anonymousID = "anonymous_id"
)

// primary returns an identity's own id as an external one.
func (i *Identity) primary() profile.ExternalID {
	if i.Anonymous {
		return profile.ExternalID{Type: anonymousID, Value: i.ID}
	}
	return profile.ExternalID{Type: userID, Value: i.ID}
}

// holdersOf returns, for each id under which the receiver was told of a pair, which
// profiles have it now.
func (n *namer) holdersOf(k key, it item) (map[profile.ExternalID][]holder, error) {
	all := map[profile.ExternalID][]holder{}
	for _, identity := range it.was.identities(it.pair) {
		ids := identity.ExternalIDs
		if identity.ID != "" && it.pair.subject == profile.User {
			ids = append([]profile.ExternalID{identity.primary()}, ids...)
		}
		for _, id := range ids {
			if _, done := all[id]; done {
				continue
			}
			refs, err := n.find(it.pair.subject, id)
			if err != nil {
				return nil, err
			}
			all[id] = nil
			for _, ref := range refs {
				s, err := n.stateOf(ref, k)
				if err != nil {
					return nil, err
				}
				all[id] = append(all[id], holder{ref, s})
			}
		}
	}
	return all, nil
}

// find returns the profiles that have an id: among their external ids or, of a
// user, as their own.
func (n *namer) find(of profile.Subject, id profile.ExternalID) ([]profile.Ref, error) {
	found, err := n.Find(n.ctx, of, id)
	if err != nil {
		return nil, err
	}
	if of == profile.User && (id.Type == userID || id.Type == anonymousID) {
		kept, exists, err := n.Resolve(n.ctx, profile.UserRef(id.Value))
		if err != nil {
			return nil, err
		}
		if exists && !slices.Contains(found, kept) {
			found = append(found, kept)
		}
	}
	refs := make([]profile.Ref, len(found))
	for i, id := range found {
		refs[i] = profile.Ref{Subject: of, ID: id}
	}
	return refs, nil
}

// stateOf returns the state of a profile in an audience or trait.
func (n *namer) stateOf(ref profile.Ref, k key) (since, error) {
	if states, read := n.states[ref]; read {
		return states[k], nil
	}
	states := map[key]since{}
	members, err := n.Memberships(n.ctx, ref)
	if err != nil {
		return since{}, err
	}
	for _, m := range members {
		states[key{name: m.Audience}] = since{state{in: true}, m.Since.UnixNano()}
	}
	values, err := n.ValuesOf(n.ctx, ref)
	if err != nil {
		return since{}, err
	}
	for _, v := range values {
		states[key{name: v.Key, trait: true}] = since{valued(v.Value), v.Since.UnixNano()}
	}
	n.states[ref] = states
	return states[k], nil
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
