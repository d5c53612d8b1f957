package destination

import (
	"cmp"

	"github.com/muster-go/muster/profile"
)

// naming is an id under which the receiver was told of a pair, in ledger.named, where
// those of one id stand together.
type naming struct {
	id   profile.ExternalID
	pair pair
}

func (a naming) less(b naming) bool {
	return cmp.Or(cmp.Compare(a.id.Value, b.id.Value), cmp.Compare(a.id.Type, b.id.Type), a.pair.compare(b.pair)) < 0
}

// rename has a pair be found by other ids than before.
func (l *ledger) rename(p pair, was, now []Identity) {
	if len(was) == len(now) && (len(was) == 0 || &was[0] == &now[0]) {
		return
	}
	for _, i := range was {
		for id := range i.all() {
			l.named.Delete(naming{id, p})
		}
	}
	for _, i := range now {
		for id := range i.all() {
			l.named.Set(naming{id, p})
		}
	}
}

// namedBy returns the other pairs of the same audience or trait of which the receiver
// was told under an id of a pair.
func (l *ledger) namedBy(id profile.ExternalID, of pair) (pairs []pair) {
	l.named.Ascend(naming{id: id}, func(n naming) bool {
		if n.id != id {
			return false
		}
		if n.pair.key == of.key && n.pair.subject == of.subject && n.pair != of {
			pairs = append(pairs, n.pair)
		}
		return true
	})
	if of.subject == profile.User && id.Type == userID {
		own := pair{of.key, profile.User, id.Value}
		if t, known := l.get(own); known && len(t.ids) == 0 && own != of {
			pairs = append(pairs, own)
		}
	}
	return pairs
}
