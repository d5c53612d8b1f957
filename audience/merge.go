package audience

import (
	"context"
	"slices"

	"github.com/muster-go/muster/profile"
)

// Alias makes two user profiles one, kept under the id of into: all is as if
// they had always been one. From's id serves for it from then on; it need not
// have had a profile. From exits the audiences it was in, and into gets the
// difference that the whole makes, both with the cause merge.
func (e *Engine) Alias(ctx context.Context, from, into string) error {
	return e.alias(ctx, from, into, "", nil)
}

// alias is Alias that attaches ids to the whole.
func (e *Engine) alias(ctx context.Context, from, into, messageID string, ids []profile.ExternalID) error {
	if err := profile.CheckID("previous id", from); err != nil {
		return in("alias", err)
	}
	if err := profile.CheckID("profile id", into); err != nil {
		return in("alias", err)
	}
	return e.alone(ctx, "alias", false, func(t int64) error { return e.merge(ctx, from, into, messageID, ids, t) })
}

// merge is alias with all locks held.
func (e *Engine) merge(ctx context.Context, from, into, messageID string, ids []profile.ExternalID, t int64) error {
	if seen, err := e.store.Seen(ctx, profile.UserRef(into), messageID); err != nil || seen {
		return err
	}
	known := false // whether from is a profile: else it is an id and nothing more
	for _, id := range []string{into, from} {
		kept, exists, err := e.store.Resolve(ctx, profile.UserRef(id))
		if err == nil && exists && len(e.growths) > 0 {
			err = e.shardOf(kept).upgradeID(ctx, kept, t)
		}
		if err != nil {
			return err
		}
		known = exists
	}
	was, err := e.belongings(ctx, profile.UserRef(from))
	if err != nil {
		return err
	}
	fromTies, err := e.tiesOf(ctx, from)
	if err != nil {
		return err
	}
	intoTies, err := e.tiesOf(ctx, into)
	if err != nil {
		return err
	}
	fromTies.join(&intoTies)
	merge := &profile.Merge{From: from, Into: into, MessageID: messageID}
	batch := []profile.Change{merge}
	if len(ids) > 0 && from != into { // of one id there need not be a profile
		batch = append(batch, &profile.PutIDs{Ref: profile.UserRef(into), IDs: ids})
	}
	if err := e.store.Apply(ctx, instant(t), batch...); err != nil {
		return err
	}
	if merge.OutFrom == merge.OutInto {
		return nil
	}
	e.shardOf(merge.OutInto).tellIDs(&profile.PutIDs{Ref: profile.UserRef(into), OutID: merge.OutInto, Changed: true}, t)
	switch {
	case e.joined() && !known:
		return e.together(ctx, t, CauseMerge, func(j *joint) { j.user(merge.OutInto, merge.Created) })
	case !known:
		return e.shardOf(merge.OutInto).settle(ctx, merge.OutInto, merge.Created, t, CauseMerge, func(*step) {})
	case e.joined():
		return e.together(lasting(ctx), t, CauseMerge, func(j *joint) {
			j.loosen(fromTies)
			j.loosen(intoTies)
			j.end(profile.UserRef(merge.OutFrom), was)
			j.forget(profile.UserRef(merge.OutInto))
			p, _ := j.reach(profile.UserRef(merge.OutInto))
			j.tie(p, fromTies, intoTies)
			j.renewAccounts(intoTies.renew)
		})
	}
	home := e.shardOf(merge.OutFrom)
	if p := home.state(profile.UserRef(merge.OutFrom)); p != nil {
		home.forget(p)
	}
	order := []func() error{
		func() error { home.tellEnd(was, t, CauseMerge); return nil },
		func() error {
			// What each of the two remembers does not tell what both together do.
			return e.shardOf(merge.OutInto).load(lasting(ctx), profile.UserRef(merge.OutInto), t, CauseMerge)
		},
	}
	if merge.OutInto < merge.OutFrom {
		slices.Reverse(order)
	}
	for _, do := range order {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}
