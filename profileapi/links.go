package profileapi

import (
	"context"
	"iter"
	"slices"

	"github.com/muster-go/muster/profile"
)

// linkJSON is the form of a profile that another is linked to.
type linkJSON struct {
	ToCollection string           `json:"to_collection"`
	ExternalIDs  []externalIDJSON `json:"external_ids"`
}

// links returns the profiles after a key that the profile is linked to, by their ids: the
// accounts of a user, the users of an account. Those that the caller may not read are
// left out.
func (l *list) links(ctx context.Context, after string) ([]item, error) {
	subject := profile.Account
	if l.ref.Subject == profile.Account {
		subject = profile.User
	}
	var items []item
	for id, err := range l.linked(ctx) {
		if err != nil {
			return nil, err
		}
		if l.next != "" && id <= after {
			continue
		}
		ref := profile.Ref{Subject: subject, ID: id}
		allowed, err := l.may(ref)
		if err != nil {
			return nil, err
		}
		if !allowed {
			continue
		}
		ids, err := l.idsOf(ctx, ref)
		if err != nil {
			return nil, err
		}
		link := linkJSON{ToCollection: subject.String() + "s"}
		for _, id := range ids {
			link.ExternalIDs = append(link.ExternalIDs, formOfID(subject, id))
		}
		if items = append(items, item{key: id, value: link}); len(items) > l.limit {
			break
		}
	}
	return items, nil
}

// linked yields the ids of the profiles that the profile is linked to, ascending.
func (l *list) linked(ctx context.Context) iter.Seq2[string, error] {
	if l.ref.Subject == profile.Account {
		return l.Users(ctx, l.ref.ID)
	}
	return func(yield func(string, error) bool) {
		accounts, err := l.Accounts(ctx, l.ref.ID)
		if err != nil {
			yield("", err)
			return
		}
		for id := range slices.Values(accounts) {
			if !yield(id, nil) {
				return
			}
		}
	}
}
