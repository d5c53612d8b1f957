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
