package audience

import (
	"context"

	"github.com/muster-go/muster/profile"
)

// Alias makes two user profiles one, kept under the id of into: all is as if
// they had always been one. From's id serves for it from then on; it need not
// have had a profile. From exits the audiences it was in, and into gets the
// difference that the whole makes, both with the cause merge.
func (e *Engine) Alias(ctx context.Context, from, into string) (err error) {
	ctx, end := e.begin(ctx, "alias")
	defer func() { err = end(err) }()
	if err := profile.CheckID("previous id", from); err != nil {
		return taking("alias", err)
	}
	if err := profile.CheckID("profile id", into); err != nil {
		return taking("alias", err)
	}
	return taking("", e.aloneNoting(ctx, "alias", false, func(x *txn) error { return x.merge(from, into, "", nil) }))
}

// merge is Alias that attaches ids to the whole.
func (x *txn) merge(from, into, messageID string, ids []profile.ExternalID) error {
	known := false // whether from is a profile: else it is an id and nothing more
	for _, id := range []string{into, from} {
		kept, exists, err := x.Store.Resolve(x.Ctx, profile.UserRef(id))
		if err == nil && exists {
			err = x.upgradeID(profile.UserRef(kept), x.At)
		}
		if err != nil {
			return err
		}
		known = exists
	}
	was, err := x.holdings(profile.UserRef(from))
	if err != nil {
		return err
	}
	fromLinks, err := x.linksOf(from)
	if err != nil {
		return err
	}
	intoLinks, err := x.linksOf(into)
	if err != nil {
		return err
	}
	fromLinks.join(&intoLinks)
	merge := &profile.Merge{From: from, Into: into, MessageID: messageID}
	if err := x.put(merge); err != nil || merge.Duplicate {
		return err
	}
	if merge.OutFrom == merge.OutInto {
		if from == into {
			return nil // of one id there need not be a profile
		}
		if err := x.putIDs(into, ids, false); err != nil || !x.ids.Changed || !x.readsIDs() {
			return err // else what is due at this instant would be told as if it came of the merge
		}
		return x.run(CauseMerge, func() {
			x.renewIDs(x.reach(profile.UserRef(merge.OutInto)))
		})
	}
	whole := profile.UserRef(merge.OutInto)
	if len(ids) > 0 {
		if err := x.put(&profile.PutIDs{Ref: whole, IDs: ids}); err != nil {
			return err
		}
	}
	x.tellIDs(whole.ID)
	return x.run(CauseMerge, func() {
		if !known {
			x.ids.Changed = true // it may have more
			x.renewIDs(x.user(merge.OutInto, merge.Created))
			return
		}
		x.unlink(fromLinks)
		x.unlink(intoLinks)
		x.end(profile.UserRef(merge.OutFrom), was)
		// What each of the two remembers does not tell what both together do.
		p := x.renew(whole, x.keptOf(whole))
		if merge.Created {
			p.Version = x.e.version // it has lacked nothing
		}
		x.hydrate(p)
		x.link(p, fromLinks, intoLinks)
		x.renewAccounts(intoLinks.renew)
	})
}
