package audience

import (
	"context"
	"fmt"
	"iter"

	"github.com/muster-go/muster/profile"
)

// Values yields the values of a computed trait by ascending profile id, as of
// the instant that the engine has reached. The iterator yields at most one
// error, as its last pair; profile.ErrNotFound if there is no such trait.
func (e *Engine) Values(ctx context.Context, key string) iter.Seq2[profile.ComputedValue, error] {
	return e.ValuesAfter(ctx, key, "")
}

// ValuesAfter is Values from the first whose profile id is greater than after.
func (e *Engine) ValuesAfter(ctx context.Context, key, after string) iter.Seq2[profile.ComputedValue, error] {
	return func(yield func(profile.ComputedValue, error) bool) {
		if err := e.knownTrait(key); err != nil {
			yield(profile.ComputedValue{}, err)
			return
		}
		for v, err := range e.store.Values(ctx, key, after) {
			if !yield(v, err) {
				return
			}
		}
	}
}

// ValuesOf returns the computed traits that a user or an account has a value of,
// by key. An unknown one has none.
func (e *Engine) ValuesOf(ctx context.Context, ref profile.Ref) ([]profile.ComputedValue, error) {
	if e.closed.Load() {
		return nil, profile.ErrClosed
	}
	values, err := e.store.ValuesOf(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("computed traits of %s %q: %w", ref.Subject, ref.ID, err)
	}
	return values, nil
}
