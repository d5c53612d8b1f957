package profileapi

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"

	"github.com/muster-go/muster/profile"
)

// externalIDJSON is the form of an external id.
type externalIDJSON struct {
	Collection string `json:"collection"`
	Type       string `json:"type"`
	ID         string `json:"id"`
	Encoding   string `json:"encoding"`
}

func formOfID(s profile.Subject, id profile.ExternalID) externalIDJSON {
	return externalIDJSON{s.String() + "s", id.Type, id.Value, "none"}
}

// externalIDs returns the external ids after a key, by type, then id.
func (l *list) externalIDs(ctx context.Context, after string) ([]item, error) {
	ids, err := l.idsOf(ctx, l.ref)
	if err != nil {
		return nil, err
	}
	if l.next != "" {
		last, ok := idOfKey(after)
		if !ok {
			return nil, errCursor
		}
		ids = slices.DeleteFunc(ids, func(id profile.ExternalID) bool { return compareIDs(id, last) <= 0 })
	}
	var items []item
	for _, id := range ids {
		if l.includes(id.Type) {
			items = append(items, item{key: keyOfID(id), value: formOfID(l.ref.Subject, id)})
		}
	}
	return items, nil
}

// idsOf returns the external ids of a profile, by type, then id, that under which it is
// kept among them. That of an anonymous visitor is there as the anonymous id it is.
func (l *list) idsOf(ctx context.Context, ref profile.Ref) ([]profile.ExternalID, error) {
	ids, err := l.IDs(ctx, ref)
	if err != nil || ref.Subject == profile.User && slices.Contains(ids, profile.ExternalID{Type: "anonymous_id", Value: ref.ID}) {
		return ids, err
	}
	own := profile.ExternalID{Type: ownType(ref.Subject), Value: ref.ID}
	i, found := slices.BinarySearchFunc(ids, own, compareIDs)
	if found {
		return ids, nil
	}
	return slices.Insert(slices.Clone(ids), i, own), nil
}

func compareIDs(a, b profile.ExternalID) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Value, b.Value))
}

func keyOfID(id profile.ExternalID) string {
	return string(binary.AppendUvarint(nil, uint64(len(id.Type)))) + id.Type + id.Value
}

// idOfKey reads a key; ok is false for what is none.
func idOfKey(key string) (id profile.ExternalID, ok bool) {
	n, width := binary.Uvarint([]byte(key))
	if width <= 0 || n > uint64(len(key)-width) {
		return profile.ExternalID{}, false
	}
	text := key[width:]
	return profile.ExternalID{Type: text[:n], Value: text[n:]}, true
}
