package audience

import (
	"context"
	"fmt"
	"iter"

	"github.com/muster-go/muster/profile"
)

// Members yields the members of an audience by ascending profile id, as of the
// instant that the engine has reached: Run keeps that at the clock's. The
// iterator yields at most one error, as its last pair; profile.ErrNotFound if
// there is no such audience.
func (e *Engine) Members(ctx context.Context, key string) iter.Seq2[profile.Membership, error] {
	return func(yield func(profile.Membership, error) bool) {
		if err := e.known(key); err != nil {
			yield(profile.Membership{}, err)
			return
		}
		for m, err := range e.store.Members(ctx, key, "") {
			if !yield(m, err) {
				return
			}
		}
	}
}

// MemberCount returns the number of members of an audience; see Members.
func (e *Engine) MemberCount(ctx context.Context, key string) (int, error) {
	if err := e.known(key); err != nil {
		return 0, err
	}
	return e.store.MemberCount(ctx, key)
}

// Audiences returns the keys of the audiences that a user is in, ascending. An
// unknown user is in none.
func (e *Engine) Audiences(ctx context.Context, user string) ([]string, error) {
	if e.closed.Load() {
		return nil, profile.ErrClosed
	}
	members, err := e.store.Memberships(ctx, profile.UserRef(user))
	if err != nil {
		return nil, fmt.Errorf("audiences of %q: %w", user, err)
	}
	keys := make([]string, len(members))
	for i, m := range members {
		keys[i] = m.Audience
	}
	return keys, nil
}

func (e *Engine) known(key string) error {
	e.mu.RLock()
	defer e.mu.RUnlock()
	_, err := e.lookup(key)
	return err
}

// lookup returns a live audience; e.mu is held.
func (e *Engine) lookup(key string) (*live, error) {
	if e.closed.Load() {
		return nil, profile.ErrClosed
	}
	if a := e.live[key]; a != nil {
		return a, nil
	}
	return nil, fmt.Errorf("audience %q: %w", key, profile.ErrNotFound)
}
