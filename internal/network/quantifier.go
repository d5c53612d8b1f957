package network

// Quantifier says how many of the users of an account have to meet a condition.
type Quantifier uint8

// The quantifiers.
const (
	AnyUser Quantifier = iota
	AllUsers
	NoUser
)

// String returns the name that definitions have for it.
func (q Quantifier) String() string { return [...]string{"any", "all", "none"}[q] }

// Holds answers for an account of so many users, of whom so many meet the
// condition.
func (q Quantifier) Holds(users, meet int) bool {
	switch q {
	case AnyUser:
		return meet > 0
	case AllUsers:
		return users > 0 && meet == users
	}
	return meet == 0
}
