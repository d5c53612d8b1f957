package destination

import (
	"context"
	"slices"

	"github.com/muster-go/muster/profile"
)

func (c *Connection) namer(ctx context.Context, snapshot profile.Reader) *namer {
	return &namer{Reader: snapshot, ctx: ctx, types: c.cfg.ExternalIDs, states: map[profile.Ref]map[key]since{}}
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
		f.holders, err = n.holdersOf(k, it.pair.subject, it.was.identities(it.pair))
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

// holdersOf returns, for each id in identities of a subject, which profiles have it
// now.
func (n *namer) holdersOf(k key, of profile.Subject, identities []Identity) (map[profile.ExternalID][]holder, error) {
	all := map[profile.ExternalID][]holder{}
	for _, identity := range identities {
		ids := identity.ExternalIDs
		if identity.ID != "" && of == profile.User {
			ids = append([]profile.ExternalID{identity.primary()}, ids...)
		}
		for _, id := range ids {
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
