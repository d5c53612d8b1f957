package audience

import (
	"cmp"
	"strings"

	"github.com/muster-go/muster/profile"
)

// notice is what is told to subscribers: a transition, the change of a computed
// trait, or that of a profile's ids; or that a step has been told.
type notice struct {
	transition Transition
	change     *TraitChange
	ids        *IDChange
	step       *Step // that has been told in full, for an Observer
}

// ref returns the profile that a notice is about.
func (n *notice) ref() profile.Ref {
	switch {
	case n.ids != nil:
		return n.ids.Profile
	case n.change != nil:
		return n.change.Profile
	}
	return n.transition.Ref()
}

// compareNotices is the order of what is told of one instant: by profile, what is of
// computed traits before what is of memberships, and each by key.
func compareNotices(a, b notice) int {
	if c := a.ref().Compare(b.ref()); c != 0 {
		return c
	}
	if c := cmp.Compare(a.rank(), b.rank()); c != 0 || a.ids != nil {
		return c
	}
	if a.change != nil {
		return strings.Compare(a.change.Trait, b.change.Trait)
	}
	return strings.Compare(a.transition.Audience, b.transition.Audience)
}

// rank orders what is told of one profile.
func (n *notice) rank() int {
	switch {
	case n.ids != nil:
		return 0
	case n.change != nil:
		return 1
	}
	return 2
}

// exitOf tells the end of a membership.
func exitOf(m profile.Membership, t int64, cause Cause) notice {
	return notice{transition: Transition{
		Audience: m.Audience,
		Subject:  m.Ref.Subject,
		Profile:  m.Ref.ID,
		Type:     Exited,
		At:       instant(t),
		Cause:    cause,
	}}
}

// endOf tells the end of a value.
func endOf(v profile.ComputedValue, t int64, cause Cause) notice {
	return notice{change: &TraitChange{
		Trait:   v.Key,
		Profile: v.Ref,
		Old:     v.Value,
		At:      instant(t),
		Cause:   cause,
	}}
}

func typeOf(member bool) Type {
	if member {
		return Entered
	}
	return Exited
}

// holdings are what the engine has made of a profile.
type holdings struct {
	members []profile.Membership
	values  []profile.ComputedValue
}

func (x *txn) holdings(ref profile.Ref) (b holdings, err error) {
	if b.members, err = x.Store.Memberships(x.Ctx, ref); err != nil {
		return b, err
	}
	b.values, err = x.Store.ValuesOf(x.Ctx, ref)
	return b, err
}

// appendEnd tells that a profile is no more, which had these.
func (b holdings) appendEnd(into []notice, t int64, cause Cause) []notice {
	for _, v := range b.values {
		into = append(into, endOf(v, t, cause))
	}
	for _, m := range b.members {
		into = append(into, exitOf(m, t, cause))
	}
	return into
}
