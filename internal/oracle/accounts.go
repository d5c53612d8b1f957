package oracle

import (
	"slices"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// crosses reports whether what holds for one profile may hang on another: it is
// of accounts, or a user's that reads their traits. Then every profile is looked
// at whenever one is.
func (w *world) crosses() bool {
	for _, a := range w.audiences {
		if a.definition.Of == profile.Account || readsAccounts(a.definition.Where) {
			return true
		}
	}
	for _, c := range w.traits {
		if c.definition.Of == profile.Account || readsAccount.MatchString(c.definition.Filter) {
			return true
		}
	}
	return false
}

func readsAccounts(n audience.Node) bool {
	return readsAccount.MatchString(n.Trait) ||
		n.Event != nil && readsAccount.MatchString(n.Event.Filter) ||
		slices.ContainsFunc(children(n), readsAccounts)
}
