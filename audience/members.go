package audience

import (
	"context"
	"fmt"
	"iter"

	"github.com/muster-go/muster/profile"
)

// Members yields the members of an audience by ascending profile id, as of the
// instant that the engine has reached: Run keeps that at the clock's. Those of
// an audience of accounts are accounts, and before them the users, if it is
// WithPerUser: see Membership.Ref. The
// iterator yields at most one error, as its last pair; profile.ErrNotFound if
// there is no such audience.
func (e *Engine) Members(ctx context.Context, key string) iter.Seq2[profile.Membership, error] {
	return e.MembersAfter(ctx, key, "")
}

// MembersAfter is Members from the first whose profile id is greater than after: the
// next page, if after is the last of the page before.
func (e *Engine) MembersAfter(ctx context.Context, key, after string) iter.Seq2[profile.Membership, error] {
	return func(yield func(profile.Membership, error) bool) {
		if err := e.known(key); err != nil {
			yield(profile.Membership{}, err)
			return
		}
		for m, err := range e.store.Members(ctx, key, after) {
			if !yield(m, err) {
				return
			}
		}
	}
}

// MemberCount returns the number of members of an audience, all that Members
// yields.
func (e *Engine) MemberCount(ctx context.Context, key string) (int, error) {
	if err := e.known(key); err != nil {
		return 0, err
	}
	return e.store.MemberCount(ctx, key)
}

// AudiencesOf returns the keys of the audiences that a user or an account is in,
// ascending. An unknown one is in none.
func (e *Engine) AudiencesOf(ctx context.Context, ref profile.Ref) ([]string, error) {
	if e.closed.Load() {
		return nil, profile.ErrClosed
	}
	members, err := e.store.Memberships(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("audiences of %s %q: %w", ref.Subject, ref.ID, err)
	}
	keys := make([]string, len(members))
	for i, m := range members {
		keys[i] = m.Audience
	}
	return keys, nil
}

// known returns an error unless a key names a live audience.
func (e *Engine) known(key string) error {
	return e.knownAs("audience", key, keyOf.isAudience)
}

// knownTrait returns an error unless a key names a live computed trait.
func (e *Engine) knownTrait(key string) error {
	return e.knownAs("trait", key, func(of keyOf) bool { return of == aTrait || of == anAccountTrait })
}

func (e *Engine) knownAs(what, key string, is func(keyOf) bool) error {
	switch {
	case e.closed.Load():
		return profile.ErrClosed
	case !is(e.roster.Load().of[key]):
		return fmt.Errorf("%s %q: %w", what, key, profile.ErrNotFound)
	}
	return nil
}
