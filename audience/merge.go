package audience

import (
	"context"
	"fmt"
	"strings"

	"github.com/muster-go/muster/profile"
)

// Alias makes two user profiles one, kept under the id of into: all is as if
// they had always been one. From's id serves for it from then on; it need not
// have had a profile. From exits the audiences it was in, and into gets the
// difference that the whole makes, both with the cause merge.
func (e *Engine) Alias(ctx context.Context, from, into string) error {
	if err := profile.CheckID("previous id", from); err != nil {
		return fmt.Errorf("alias: %w", err)
	}
	if err := profile.CheckID("profile id", into); err != nil {
		return fmt.Errorf("alias: %w", err)
	}
	t, err := e.exclusive(ctx, false)
	if err != nil {
		return fmt.Errorf("alias: %w", err)
	}
	err = e.merge(ctx, from, into, t)
	e.release(ctx)
	if err != nil {
		return fmt.Errorf("alias: %w", err)
	}
	return nil
}

// merge is Alias with all locks held.
func (e *Engine) merge(ctx context.Context, from, into string, t int64) error {
	was, err := e.belongings(ctx, profile.UserRef(from))
	if err != nil {
		return err
	}
	merge := &profile.Merge{From: from, Into: into}
	if err := e.store.Apply(ctx, instant(t), merge); err != nil {
		return err
	}
	if merge.OutFrom == merge.OutInto {
		return nil
	}
	if sh := e.shardOf(merge.OutFrom); sh.profiles[merge.OutFrom] != nil {
		sh.forget(sh.profiles[merge.OutFrom])
	}
	exit := func() { e.shardOf(merge.OutFrom).tellEnd(was, t, CauseMerge) }
	if strings.Compare(merge.OutFrom, merge.OutInto) < 0 {
		exit()
	} else {
		defer exit()
	}
	// What each of the two remembers does not tell what both together do.
	return e.shardOf(merge.OutInto).load(lasting(ctx), merge.OutInto, t, CauseMerge)
}
