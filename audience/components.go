package audience

import (
	"cmp"
	"context"
	"slices"

	"github.com/muster-go/muster/profile"
)

// components are profiles in groups, so that none of one group depends on any of another: the
// connected components of the graph of users and their accounts. In each, users come before
// accounts.
type components struct {
	refs []profile.Ref
	ends []int // of the components in refs; nil: each profile is one
}

func (c components) len() int {
	if c.ends == nil {
		return len(c.refs)
	}
	return len(c.ends)
}

func (c components) at(i int) []profile.Ref {
	switch {
	case c.ends == nil:
		return c.refs[i : i+1]
	case i == 0:
		return c.refs[:c.ends[0]]
	}
	return c.refs[c.ends[i-1]:c.ends[i]]
}

// connected returns the components that have profiles of a subject, the largest first: who
// works on one alone is to begin with it. Unless profiles depend on each other each is one.
func connected(ctx context.Context, store profile.Reader, of profile.Subject, depend bool) (components, error) {
	var all components
	if !depend {
		return all, all.read(ctx, store, of)
	}
	for _, subject := range []profile.Subject{profile.User, profile.Account} {
		if err := all.read(ctx, store, subject); err != nil {
			return all, err
		}
	}
	users := map[string]int{}
	roots := make([]int, len(all.refs)) // a forest: of each profile one that is nearer to the root
	for i, ref := range all.refs {
		if roots[i] = i; ref.Subject == profile.User {
			users[ref.ID] = i
		}
	}
	root := func(i int) int {
		for roots[i] != i {
			roots[i] = roots[roots[i]]
			i = roots[i]
		}
		return i
	}
	for i, ref := range all.refs[len(users):] {
		for user, err := range store.Users(ctx, ref.ID) {
			if err != nil {
				return all, failed(ref, err)
			}
			roots[root(users[user])] = root(len(users) + i)
		}
	}
	size := make([]int, len(roots))
	has := make([]bool, len(roots)) // a profile of the subject
	for i, ref := range all.refs {
		r := root(i)
		size[r]++
		has[r] = has[r] || ref.Subject == of
	}
	order := make([]int, 0, len(roots))
	for i := range roots {
		if has[root(i)] {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(size[root(b)]-size[root(a)], root(a)-root(b), a-b)
	})
	refs := make([]profile.Ref, len(order))
	all.ends = []int{}
	for n, i := range order {
		refs[n] = all.refs[i]
		if n+1 == len(order) || root(order[n+1]) != root(i) {
			all.ends = append(all.ends, n+1)
		}
	}
	all.refs = refs
	return all, nil
}

// read appends the profiles of a subject.
func (c *components) read(ctx context.Context, store profile.Reader, of profile.Subject) error {
	return eachProfile(ctx, store, of, func(ref profile.Ref) error {
		c.refs = append(c.refs, ref)
		return ctx.Err()
	})
}
