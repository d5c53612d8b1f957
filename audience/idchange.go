package audience

import (
	"fmt"
	"time"

	"github.com/muster-go/muster/profile"
)

// IDChange says that a profile has external ids that it had not, or has been
// merged with another, whose ids are now its own.
type IDChange struct {
	ID      uint64 // as that of a Transition
	Profile profile.Ref
	At      time.Time // UTC; as that of a Transition
}

// String returns, say, "u1 has other ids at 2026-01-02T15:04:05Z".
func (c IDChange) String() string {
	return printable(fmt.Sprintf("%s has other ids at %s", nameOf(c.Profile), c.At.UTC().Format(time.RFC3339Nano)))
}

// tellIDs tells that a user has other ids.
func (x *txn) tellIDs(user string) {
	x.notices = append(x.notices, notice{ids: &IDChange{Profile: profile.UserRef(user), At: instant(x.At)}})
}
