package eval

import (
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/network"
)

// Since when a profile is in an audience is what was told of it, which the store has. A cell
// keeps it as long as the membership holds; where what follows is not stored, as in a
// forecast, it is all that knows.

// computeTenure answers how long the profile at hand has been in an audience.
func (r *Run) computeTenure(n *network.Node) horizon.Verdict {
	root, key := n.Member()
	member := r.Ask(root)
	if !member.True {
		if r.Aside { // when it begins is to be noted
			r.Profile.Cell(n)
			return horizon.Verdict{Until: member.Until}
		}
		return horizon.Verdict{Until: horizon.Add(member.Until, n.Tenure.Min)}
	}
	c := r.Profile.Cell(n)
	since, known := c.Since()
	if !known {
		if since, known = r.Outside.MemberSince(r.Profile.Ref, key); !known || since > r.At {
			since = r.At
		}
		c.BeginTenure(since)
	}
	switch age := r.At - since; {
	case age < n.Tenure.Min:
		return horizon.Verdict{Until: horizon.Add(since, n.Tenure.Min)}
	case !n.Tenure.Holds(age):
		return horizon.Verdict{Until: horizon.Add(member.Until, n.Tenure.Min)} // of the next one
	case n.Tenure.Max > 0:
		return horizon.Verdict{True: true, Until: min(member.Until, horizon.Add(since, n.Tenure.Max))}
	}
	return horizon.Verdict{True: true, Until: member.Until}
}

// endTenures notes for what asks how long a membership has held that it has begun or ended.
func (r *Run) endTenures(root *network.Node, member bool) {
	for _, n := range root.Parents {
		if n.Kind != network.KindTenure {
			continue
		}
		i, ok := r.Profile.Find(n.ID)
		switch {
		case !ok:
		case !member && r.Aside:
			r.Profile.Cells[i].EndTenure(r.At)
		case member && r.Aside:
			r.Profile.Cells[i].ResumeTenure(r.At)
		default:
			r.Profile.Cells[i].ForgetTenure() // the store knows
		}
	}
}

// RenewTenures has what asks how long a membership has held ask the store anew.
func (r *Run) RenewTenures(root *network.Node) {
	for _, n := range root.Parents {
		if n.Kind != network.KindTenure {
			continue
		}
		if i, ok := r.Profile.Find(n.ID); ok {
			r.Profile.Cells[i].ForgetTenure()
		}
		r.Push(n)
	}
}

// TenureOf returns since when the profile at hand has been in the audience that a node asks
// for, if it is.
func (r *Run) TenureOf(n *network.Node) (since int64, ok bool) {
	if i, has := r.Profile.Find(n.ID); has {
		return r.Profile.Cells[i].Since()
	}
	return 0, false
}
