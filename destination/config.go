package destination

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/muster-go/muster/profile"
)

// Config is how a destination is connected. The zero value of each field but
// Mode is fine.
type Config struct {
	// Mode is what is sent: Identify, Track, both, or Lists.
	Mode Mode
	// Audiences are the keys of the audiences that are sent. Nil means all, those
	// that are created later included, and so does All; an empty list means none.
	Audiences []string
	// Traits are the keys of the computed traits whose values are sent, or All;
	// nil means none. Lists have no place for them.
	Traits []string
	// Accounts says what is sent of audiences of accounts.
	Accounts AccountCalls
	// ExternalIDs are the types of external ids that are sent along, "email" for
	// example, or All; nil means none. Messages carry them as context.externalIds,
	// lists as they are. A member who gets one of these types is told again.
	ExternalIDs []string

	// AnonymousID is what group calls carry beside the group's id. They concern
	// an account and no user, but the Segment spec wants one in every call, and
	// receivers refuse those without. By default each account has one of its own,
	// "muster-" and a hash of the account's id: so no receiver takes two accounts
	// to have a user in common.
	AnonymousID string
	// Names are those of events and properties; Segment's by default.
	Names Names
	// Personas is what messages say of where they come from.
	Personas Personas

	// Interval is the shortest time from the end of one sync to the begin of
	// the next; the first is due at once. Changes in between are folded to the
	// net change. Zero: changes are sent as they come.
	Interval time.Duration
	// BatchSize is the greatest number of changes in a batch; 100 by default.
	BatchSize int
	// Timeout bounds one attempt; 30 s by default.
	Timeout time.Duration
	// Retry says how long to wait after an attempt that failed.
	Retry Retry
}

// All stands for all keys in Config.Audiences and Config.Traits, and for all types
// in Config.ExternalIDs.
const All = "*"

// Personas are the fields of context.personas that only the user knows. The empty
// ones are left out; computation_class and computation_key are always there.
type Personas struct {
	SpaceID   string // space_id
	Namespace string // namespace; Segment has the space's id there too
	// ComputationID returns, for the key of an audience or a computed trait, its
	// computation_id: its id in another system, say. Nil, or "": none.
	ComputationID func(key string) string
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
	case m == Lists && len(c.Traits) > 0:
		return c, fmt.Errorf("%w: lists have no place for traits", profile.ErrInvalid)
	}
	if err := c.Names.checkEvents(); err != nil {
		return c, err
	}
	if c.AnonymousID != "" {
		if err := profile.CheckID("anonymous id", c.AnonymousID); err != nil {
			return c, err
		}
	}
	for _, n := range [...]struct {
		what string
		n    int64
	}{
		{"interval", int64(c.Interval)}, {"batch size", int64(c.BatchSize)},
		{"timeout", int64(c.Timeout)}, {"retry base", int64(c.Retry.Base)}, {"retry cap", int64(c.Retry.Cap)},
	} {
		if n.n < 0 {
			return c, fmt.Errorf("%w: %s of %d", profile.ErrInvalid, n.what, n.n)
		}
	}
	orDefault(&c.BatchSize, 100)
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
