package destination

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// Config is how a destination is connected. The zero value of each field but
// Mode is fine.
type Config struct {
	// Mode is what is sent: Identify, Track, both, or Lists.
	Mode Mode
	// Audiences are the keys of the audiences that are sent; none means all,
	// those that are created later included.
	Audiences []string
	// Accounts says what is sent of audiences of accounts.
	Accounts AccountCalls
	// AnonymousID is what group calls carry beside the group's id. They concern
	// an account and no user, but the Segment spec wants one in every call, and
	// some receivers hold to that. Empty: there is none.
	AnonymousID string
	// ExternalIDs, if set, is asked for what else a profile is known by, when
	// its change is put into a batch: profile.Store.IDs fits. Messages carry
	// that as context.externalIds, lists as they are. A profile that has been
	// deleted has none.
	ExternalIDs func(context.Context, profile.Ref) ([]profile.ExternalID, error)
	// Known is what the receiver was told before, as Connection.Known of a former
	// connection tells it. Then the difference is sent, and before it, once
	// more, what was on its way. States of what this connection does not send,
	// by Audiences and Accounts, are ignored.
	Known iter.Seq[State]

	// Interval is the shortest time from the end of one sync to the begin of
	// the next; the first is due at once. Changes in between are folded to the
	// net change. Zero: changes are sent as they come.
	Interval time.Duration
	// BatchSize is the greatest number of changes in a batch; 100 by default.
	BatchSize int
	// MaxQueued is the number of changes that may wait while the hub runs; then
	// callbacks do. 1<<20 by default. Those of the backfill do not count.
	MaxQueued int
	// Timeout bounds one attempt; 30 s by default.
	Timeout time.Duration
	// Retry says how long to wait after an attempt that failed.
	Retry Retry
}

// State is what a receiver was told last of a pair of audience and profile.
type State struct {
	Audience string
	Ref      profile.Ref
	Type     audience.Type
	At       time.Time // the instant of that transition
	Number   uint32    // tells transitions of a pair at one instant apart
	Unsure   bool      // it was on its way: the receiver may have it, or not
}

// AccountCalls says what is sent of audiences of accounts. Memberships of their
// users there are only if the audience has them (audience.Definition.PerUser).
type AccountCalls uint8

// The choices.
const (
	GroupAndUserCalls AccountCalls = iota
	GroupCalls                     // memberships of accounts alone
	UserCalls                      // memberships of their users alone
)

// Retry is exponential backoff with full jitter: the n-th failure in a row of a
// batch is followed by a wait that is uniform in (0, min(Cap, Base·2ⁿ⁻¹)], or as
// long as a RetryAfterError says if that is longer. There is no last attempt.
type Retry struct {
	Base time.Duration // 1 s by default
	Cap  time.Duration // 5 min by default
	// Rand is where the jitter comes from; the runtime's by default. The
	// connection uses it for itself.
	Rand rand.Source
}

// wait returns how long to wait after the n-th failure in a row.
func (r *Retry) wait(n int) time.Duration {
	most := r.Cap
	if shift := n - 1; shift < 62 && r.Base <= r.Cap>>shift {
		most = r.Base << shift
	}
	if r.Rand == nil {
		return 1 + time.Duration(rand.Int64N(int64(most)))
	}
	return 1 + time.Duration(rand.New(r.Rand).Int64N(int64(most)))
}

// withDefaults returns the configuration with what is left out filled in.
func (c Config) withDefaults(d Destination) (Config, error) {
	switch m := c.Mode; {
	case d.Type() == "":
		return c, fmt.Errorf("%w: the destination has no type", profile.ErrInvalid)
	case m == 0, m > Identify|Track && m != Lists:
		return c, fmt.Errorf("%w: mode %d", profile.ErrInvalid, m)
	case m&^d.Modes() != 0:
		return c, ErrMode
	case c.Accounts > UserCalls:
		return c, fmt.Errorf("%w: account calls %d", profile.ErrInvalid, c.Accounts)
	case c.AnonymousID != "":
		if err := profile.CheckID("anonymous id", c.AnonymousID); err != nil {
			return c, err
		}
	}
	for _, n := range [...]struct {
		what string
		n    int64
	}{
		{"interval", int64(c.Interval)}, {"batch size", int64(c.BatchSize)}, {"queue", int64(c.MaxQueued)},
		{"timeout", int64(c.Timeout)}, {"retry base", int64(c.Retry.Base)}, {"retry cap", int64(c.Retry.Cap)},
	} {
		if n.n < 0 {
			return c, fmt.Errorf("%w: %s of %d", profile.ErrInvalid, n.what, n.n)
		}
	}
	orDefault(&c.BatchSize, 100)
	orDefault(&c.MaxQueued, 1<<20)
	orDefault(&c.Timeout, 30*time.Second)
	orDefault(&c.Retry.Base, time.Second)
	orDefault(&c.Retry.Cap, 5*time.Minute)
	return c, nil
}

func orDefault[T int | time.Duration](v *T, or T) {
	if *v == 0 {
		*v = or
	}
}
