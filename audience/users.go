package audience

import (
	"fmt"
	"math"

	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/profile"
)

// Users is a condition on the users attached to an account. Either one of Any, All and None
// is set; or Where, with one of AtLeast and AtLeastPercent. Of an account without users None
// is true, and all else is false: no percentage of nobody is enough.
type Users struct {
	Any  *Node `json:"any,omitempty"`  // at least one meets it
	All  *Node `json:"all,omitempty"`  // each meets it
	None *Node `json:"none,omitempty"` // no one meets it

	Where          *Node   `json:"where,omitempty"`            // so many meet it:
	AtLeast        int     `json:"at_least,omitempty"`         // users, from 1 on
	AtLeastPercent float64 `json:"at_least_percent,omitempty"` // or percent of the users, more than 0 and at most 100, with at most 6 decimals
}

// Node returns the condition as a node.
func (u Users) Node() Node { return Node{Users: &u} }

// Condition returns the condition of users that is set, and the name of its field; nil if
// there is none.
func (u *Users) Condition() (n *Node, field string) {
	q, n, err := u.quantified()
	if err != nil {
		return nil, ""
	}
	return n, q.Field()
}

// quantified returns the one condition that is set, and how many are to meet it.
func (u *Users) quantified() (q network.Quantifier, n *Node, err error) {
	set := 0
	for i, of := range [...]*Node{u.Any, u.All, u.None, u.Where} {
		if of != nil {
			set++
			q.Of, n = network.Quantity(i), of
		}
	}
	switch {
	case set != 1:
		return q, nil, fmt.Errorf("%w: want one of any, all, none, and where with at_least or at_least_percent", profile.ErrInvalid)
	case u.Where == nil && (u.AtLeast != 0 || u.AtLeastPercent != 0):
		return q, nil, fmt.Errorf("%w: at_least and at_least_percent are of where, not of %s", profile.ErrInvalid, q.Field())
	case u.Where == nil:
		return q, n, nil
	case (u.AtLeast != 0) == (u.AtLeastPercent != 0):
		return q, nil, fmt.Errorf("%w: want one of at_least, from 1 on, and at_least_percent, more than 0", profile.ErrInvalid)
	case u.AtLeast != 0:
		if u.AtLeast < 0 || u.AtLeast > network.MaxCount {
			return q, nil, fmt.Errorf("%w: at_least %d users, want 1 to %d", profile.ErrInvalid, u.AtLeast, network.MaxCount)
		}
		return network.Quantifier{Of: network.AtLeastUsers, N: int64(u.AtLeast)}, n, nil
	}
	millionths := math.Round(u.AtLeastPercent * network.PercentUnit)
	if !(u.AtLeastPercent > 0 && u.AtLeastPercent <= 100) || millionths/network.PercentUnit != u.AtLeastPercent {
		return q, nil, fmt.Errorf("%w: at_least_percent %v, want more than 0 and at most 100, with at most 6 decimals", profile.ErrInvalid, u.AtLeastPercent)
	}
	return network.Quantifier{Of: network.AtLeastPercent, N: int64(millionths)}, n, nil
}

// describe says how many users are asked for.
func (u *Users) describe() string {
	q, _, err := u.quantified()
	if err != nil {
		return "users"
	}
	return q.String()
}
