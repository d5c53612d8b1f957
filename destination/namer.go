package destination

import (
	"context"
	"slices"

	"github.com/muster-go/muster/profile"
)

func (c *Connection) namer(ctx context.Context, snapshot profile.Reader) *namer {
	return &namer{Reader: snapshot, ctx: ctx, types: c.cfg.ExternalIDs, states: map[profile.Ref]map[key]since{}}
}

// facts are what the store says of a pair.
type facts struct {
	in       bool                            // it is a member, or has a value
	identity Identity                        // what a member is known by
	holders  map[profile.ExternalID][]holder // who has the ids under which the receiver was told
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

// read returns the facts of a pair, which the receiver has under the ids told.
func (n *namer) read(k key, p pair, told []Identity) (f facts, err error) {
	s, err := n.stateOf(p.ref(), k)
	if err != nil {
		return f, err
	}
	if f.in = s.in; f.in {
		if f.identity, err = n.nameOf(p.ref()); err != nil {
			return f, err
		}
	}
	f.holders, err = n.holdersOf(k, p.subject, told)
	return f, err
}

// nameOf returns what a member is known by.
func (n *namer) nameOf(ref profile.Ref) (Identity, error) {
	name := Identity{ID: ref.ID}
	if ref.Subject == profile.User {
		known, err := n.Known(n.ctx, ref.ID)
		if err != nil {
			return name, err
		}
		name.Anonymous = !known
	}
	if len(n.types) == 0 {
		return name, nil
	}
	ids, err := n.IDs(n.ctx, ref)
	if err != nil {
		return name, err
	}
	for _, id := range ids {
		if slices.Contains(n.types, id.Type) || slices.Contains(n.types, All) {
			name.ExternalIDs = append(name.ExternalIDs, id)
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

// holdersOf returns, for each id in identities of a subject, which profiles have it
// now.
func (n *namer) holdersOf(k key, of profile.Subject, identities []Identity) (map[profile.ExternalID][]holder, error) {
	all := map[profile.ExternalID][]holder{}
	for _, identity := range identities {
		if of == profile.Account {
			identity.ID = "" // it is nobody else's
		}
		for id := range identity.all() {
			if _, done := all[id]; done {
				continue
			}
			refs, err := n.find(of, id)
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

// stateOf returns the state of a profile in an audience or trait. One that was
// merged into another has none, though the store answers for it with the other's.
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
		if m.Ref != ref {
			continue
		}
		states[key{name: m.Audience}] = since{state{in: true}, m.Since.UnixNano()}
	}
	values, err := n.ValuesOf(n.ctx, ref)
	if err != nil {
		return since{}, err
	}
	for _, v := range values {
		if v.Ref != ref {
			continue
		}
		states[key{name: v.Key, trait: true}] = since{valued(v.Value), v.Since.UnixNano()}
	}
	n.states[ref] = states
	return states[k], nil
}
