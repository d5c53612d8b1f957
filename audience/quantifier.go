package audience

// quantifier says how many of the users of an account have to meet a condition.
type quantifier uint8

const (
	anyUser quantifier = iota
	allUsers
	noUser
)

func (q quantifier) String() string { return [...]string{"any", "all", "none"}[q] }

// holds answers for an account of so many users, of whom so many meet the
// condition.
func (q quantifier) holds(users, meet int) bool {
	switch q {
	case anyUser:
		return meet > 0
	case allUsers:
		return users > 0 && meet == users
	}
	return meet == 0
}

// quantified returns the one condition that is set; ok is false if there is none,
// or more than one.
func (u *Users) quantified() (q quantifier, n *Node, ok bool) {
	for i, of := range [...]*Node{u.Any, u.All, u.None} {
		if of == nil {
			continue
		}
		if n != nil {
			return 0, nil, false
		}
		q, n = quantifier(i), of
	}
	return q, n, n != nil
}
