package audience

import (
	"fmt"
	"time"

	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/profile"
)

// Tenure is for how long a profile has been in an audience; 0: that is not asked.
type Tenure time.Duration

// InAudienceFor is the condition of being in an audience without a break for at least d, by
// the instants that were told: who entered at an instant meets it from d after that on, if
// there is no exit before. For a user and an audience of accounts it is one of the accounts
// that has been a member for that long.
//
// Since when profiles are members is what the engine has told of them: who entered by the
// backfill as the audience was made, entered then, however old the events are. An edit that
// keeps a member in is no break; of two profiles that are made one the one that remains goes
// on with its own membership.
func InAudienceFor(key string, d time.Duration) Node { return Node{Audience: key, For: Tenure(d)} }

// InAudienceForLess is the condition of being in an audience for less than d: the opposite of
// InAudienceFor among the members. Who is in none of it has not been in it for a while either.
func InAudienceForLess(key string, d time.Duration) Node {
	return Node{Audience: key, ForLess: Tenure(d)}
}

// IsZero reports whether nothing is asked.
func (t Tenure) IsZero() bool { return t == 0 }

// String returns the duration: "14d".
func (t Tenure) String() string { return profile.FormatDuration(time.Duration(t)) }

// MarshalText writes the duration.
func (t Tenure) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (t *Tenure) UnmarshalText(text []byte) error {
	d, err := profile.ParseDuration(string(text))
	if err != nil {
		return err
	}
	*t = Tenure(d)
	return t.validate()
}

func (t Tenure) validate() error {
	if t <= 0 || time.Duration(t) > profile.MaxWindow {
		return fmt.Errorf("%w: %s, want more than nothing and at most %s", profile.ErrInvalid, t, profile.FormatDuration(profile.MaxWindow))
	}
	return nil
}

func (n *Node) validateTenure() *pathError {
	for _, f := range []struct {
		path string
		of   Tenure
	}{{".for", n.For}, {".for_less", n.ForLess}} {
		switch {
		case f.of == 0:
		case n.Audience == "":
			return &pathError{f.path, fmt.Errorf("%w: it goes with audience", profile.ErrInvalid)}
		default:
			if err := f.of.validate(); err != nil {
				return &pathError{f.path, err}
			}
		}
	}
	if n.ForLess > 0 && n.For >= n.ForLess {
		return &pathError{".for_less", fmt.Errorf("%w: for at least %s and less than %s: it never holds", profile.ErrInvalid, n.For, n.ForLess)}
	}
	return nil
}

func (n *Node) describeTenure() string {
	text := ""
	if n.For > 0 {
		text = " for at least " + n.For.String()
	}
	switch {
	case n.ForLess > 0 && n.For > 0:
		text += " and less than " + n.ForLess.String()
	case n.ForLess > 0:
		text = " for less than " + n.ForLess.String()
	}
	return text
}

// tenure returns the plan of a reference that asks for how long. Accounts count for
// themselves: of a user it is asked whether one of the accounts meets it.
func (pl *planner) tenure(n *Node, path string) *network.Plan {
	p := &network.Plan{
		Kind: network.KindTenure, Of: pl.of, Path: path, Reads: []string{n.Audience},
		Tenure: network.Tenure{Min: int64(n.For), Max: int64(n.ForLess)},
	}
	if pl.of == profile.User && pl.isOf(profile.Account, n.Audience) {
		p.Of = profile.Account
		p = &network.Plan{Kind: network.KindInAccount, Of: profile.User, Path: path, Children: []*network.Plan{p}}
	}
	return p
}
