package replica

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// ErrCrosses says that what holds for one profile would hang on others, which may be in
// other partitions.
var ErrCrosses = errors.New("the command crosses profiles")

// ofAccount finds the variable account in an expression; with it what looks like it in a
// text, which is refused too.
var ofAccount = regexp.MustCompile(`(^|[^.\w])account\b`)

// crosses returns an error for a command that a partition of some profiles cannot do alone:
// one of accounts, or of users by the traits of their accounts. That an audience is of
// accounts which another reads is seen where that is made.
func crosses(c *Command) error {
	var f audience.File
	switch {
	case c.Op == Leave || c.Op == DeleteAccount:
		return fmt.Errorf("%w: %s", ErrCrosses, c.Op)
	case c.File != nil:
		f = *c.File
	case c.Audience != nil:
		f.Audiences = []audience.Definition{*c.Audience}
	case c.Trait != nil:
		f.Traits = append(f.Traits, *c.Trait)
	}
	for i := range f.Audiences {
		if d := &f.Audiences[i]; d.Of != profile.User || crossesIn(&d.Where) {
			return fmt.Errorf("%w: audience %q", ErrCrosses, d.Key)
		}
	}
	for i := range f.Traits {
		if t := &f.Traits[i]; t.Of != profile.User || ofAccount.MatchString(t.Filter) {
			return fmt.Errorf("%w: computed trait %q", ErrCrosses, t.Key)
		}
	}
	return nil
}

// crossesIn reports whether a condition of users reads what is of accounts.
func crossesIn(n *audience.Node) bool {
	if n.Users != nil || ofAccount.MatchString(n.Trait) || n.Event != nil && ofAccount.MatchString(n.Event.Filter) {
		return true
	}
	if n.Funnel != nil {
		for i := range n.Funnel.Steps {
			if ofAccount.MatchString(n.Funnel.Steps[i].Filter) {
				return true
			}
		}
	}
	if n.Not != nil && crossesIn(n.Not) {
		return true
	}
	for _, of := range [][]audience.Node{n.All, n.Any} {
		for i := range of {
			if crossesIn(&of[i]) {
				return true
			}
		}
	}
	return false
}
