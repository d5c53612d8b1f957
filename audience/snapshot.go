package audience

import (
	"context"
	"fmt"

	"github.com/muster-go/muster/profile"
)

// Snapshot returns what the engine has stored as it is at the call, unaffected by
// later changes: profiles, members and values of one instant, the one that the
// engine has reached. It is what exports and pages of several answers are read
// from. The caller closes it; it stays readable after the engine is closed.
func (e *Engine) Snapshot(ctx context.Context) (profile.Snapshot, error) {
	if e.closed.Load() {
		return nil, profile.ErrClosed
	}
	s, err := e.store.Snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	return s, nil
}
