package network

import (
	"fmt"
	"strconv"
)

// Quantifier says how many of the users of an account have to meet a condition.
type Quantifier struct {
	Of Quantity
	N  int64 // of AtLeastUsers users; of AtLeastPercent millionths of a percent
}

// Quantity is the form of a Quantifier.
type Quantity uint8

// The quantities.
const (
	AnyUser Quantity = iota
	AllUsers
	NoUser
	AtLeastUsers
	AtLeastPercent
)

// PercentUnit is one percent as the N of a Quantifier, so that a share of so many decimals
// is exact.
const PercentUnit = 1_000_000

// Field returns the name that definitions have for the condition of users.
func (q Quantifier) Field() string {
	switch q.Of {
	case AnyUser:
		return "any"
	case AllUsers:
		return "all"
	case NoUser:
		return "none"
	}
	return "where"
}

// String returns the quantifier for people.
func (q Quantifier) String() string {
	switch q.Of {
	case AnyUser:
		return "any user"
	case AllUsers:
		return "all users"
	case NoUser:
		return "no user"
	case AtLeastUsers:
		if q.N == 1 {
			return "at least 1 user"
		}
		return fmt.Sprintf("at least %d users", q.N)
	}
	return "at least " + strconv.FormatFloat(float64(q.N)/PercentUnit, 'f', -1, 64) + " % of the users"
}

// Holds answers for an account of so many users, of whom so many meet the
// condition.
func (q Quantifier) Holds(users, meet int) bool {
	switch q.Of {
	case AnyUser:
		return meet > 0
	case AllUsers:
		return users > 0 && meet == users
	case NoUser:
		return meet == 0
	case AtLeastUsers:
		return int64(meet) >= q.N
	}
	return users > 0 && int64(meet)*100*PercentUnit >= q.N*int64(users)
}
