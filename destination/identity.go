package destination

import (
	"cmp"
	"iter"
	"slices"

	"github.com/muster-go/muster/profile"
)

// Identity is what one message, or one member of a list, names a profile by.
type Identity struct {
	// ID is the profile's: of a user or of an account. It is empty where only
	// external ids are left to be named, because the profile's own is another's now.
	ID          string
	Anonymous   bool                 // ID is a visitor's: an anonymous id rather than a user id
	ExternalIDs []profile.ExternalID // of the types in Config.ExternalIDs; by type, then value
}

func (i *Identity) same(j *Identity) bool { return i.ID == j.ID && i.Anonymous == j.Anonymous }

func (i *Identity) equal(j *Identity) bool {
	return i.same(j) && slices.Equal(i.ExternalIDs, j.ExternalIDs)
}

// within reports whether a receiver that was told of list knows i by now.
func (i *Identity) within(list []Identity) bool {
	for k := range list {
		if list[k].same(i) {
			return !slices.ContainsFunc(i.ExternalIDs, func(id profile.ExternalID) bool {
				return !slices.Contains(list[k].ExternalIDs, id)
			})
		}
	}
	return false
}

// withIdentity returns list and i. External ids without a profile's id join an
// identity that has one. The list may be read by others: it is not changed.
func withIdentity(list []Identity, i Identity) []Identity {
	list = slices.Clone(list)
	at := slices.IndexFunc(list, func(j Identity) bool { return j.same(&i) })
	if at < 0 && len(list) > 0 && (i.ID == "" || list[0].ID == "") {
		at = 0
	}
	if at < 0 {
		return append(list, i)
	}
	if list[at].ID == "" {
		list[at].ID, list[at].Anonymous = i.ID, i.Anonymous
	}
	ids := slices.Concat(list[at].ExternalIDs, i.ExternalIDs)
	slices.SortFunc(ids, func(a, b profile.ExternalID) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Value, b.Value))
	})
	list[at].ExternalIDs = slices.Compact(ids)
	return list
}

// all yields every id of a user's identity.
func (i *Identity) all() iter.Seq[profile.ExternalID] {
	return func(yield func(profile.ExternalID) bool) {
		if i.ID != "" && !yield(i.primary()) {
			return
		}
		for _, id := range i.ExternalIDs {
			if !yield(id) {
				return
			}
		}
	}
}

func (i *Identity) empty() bool { return i.ID == "" && len(i.ExternalIDs) == 0 }

// identities returns under which ids the receiver was told of a pair. A user who
// was told under the user id alone, as most are, needs no list.
func (t *told) identities(p pair) []Identity {
	if len(t.ids) == 0 {
		return []Identity{{ID: p.id}}
	}
	return t.ids
}

// name notes that the receiver is told of a pair under an identity too.
func (t *told) name(p pair, list []Identity, i Identity) {
	t.ids = withIdentity(list, i)
	if len(t.ids) == 1 && t.ids[0].ID == p.id && !t.ids[0].Anonymous && len(t.ids[0].ExternalIDs) == 0 {
		t.ids = nil
	}
}
