package pebblestore

import (
	"context"
	"iter"
	"slices"

	"github.com/muster-go/muster/profile"
)

// Holders implements profile.Reader. It goes through who has what the key names and,
// beside, through the heads: two scans in one order.
func (r *reader) Holders(ctx context.Context, key string, s profile.Subject, after string) iter.Seq2[profile.Holder, error] {
	if err := checkSubject(s); err != nil {
		return failing[profile.Holder](err)
	}
	return func(yield func(profile.Holder, error) bool) {
		audience, isAudience, err := r.numberOf(ctx, numberAudience, key)
		if err != nil {
			yield(profile.Holder{}, err)
			return
		}
		trait, isTrait, err := r.numberOf(ctx, numberTrait, key)
		switch {
		case err != nil:
			yield(profile.Holder{}, err)
		case isAudience && isTrait:
			r.holdersOfBoth(ctx, audience, trait, s, after, yield)
		case isAudience:
			r.holders(ctx, spaceMembers, audience, s, after)(yield)
		case isTrait:
			r.holders(ctx, spaceValues, trait, s, after)(yield)
		}
	}
}

// holders yields who has the number of an audience, or of a trait.
func (r *reader) holders(ctx context.Context, space byte, number uint32, s profile.Subject, after string) iter.Seq2[profile.Holder, error] {
	prefix := appendHolderKey(nil, space, number, profile.Ref{Subject: s})
	return scanned(r, ctx, prefix, follow(prefix, after), func(v *view, key, _ []byte) (profile.Holder, bool, error) {
		ref := profile.Ref{Subject: s, ID: string(key[len(prefix):])}
		o := profile.Holder{ID: ref.ID}
		if space == spaceValues {
			value, _, err := v.beside.records.value(v, number, ref)
			if err != nil {
				return o, false, err
			}
			o.Value = value
		}
		b, err := v.beside.heads.row(v, ref)
		if err != nil {
			return o, false, err
		}
		h, err := readHead(b)
		if err != nil {
			return o, false, damaged(v.beside.heads.key, err)
		}
		o.IDs = slices.Clip(h.ids)
		return o, true, nil
	})
}

// holdersOfBoth is holders of a key that is an audience's and a trait's: whoever is in
// either comes once, a member without the value.
func (r *reader) holdersOfBoth(ctx context.Context, audience, trait uint32, s profile.Subject, after string, yield func(profile.Holder, error) bool) {
	next, stop := iter.Pull2(r.holders(ctx, spaceValues, trait, s, after))
	defer stop()
	value, err, more := next()
	for member, e := range r.holders(ctx, spaceMembers, audience, s, after) {
		for ; more && err == nil && e == nil && value.ID < member.ID; value, err, more = next() {
			if !yield(value, nil) {
				return
			}
		}
		if more && err != nil {
			yield(profile.Holder{}, err)
			return
		}
		if more && value.ID == member.ID {
			value, err, more = next()
		}
		if !yield(member, e) || e != nil {
			return
		}
	}
	for ; more; value, err, more = next() {
		if !yield(value, err) || err != nil {
			return
		}
	}
}

// MaxIDs implements profile.Reader, of one instant.
func (r *reader) MaxIDs(ctx context.Context, key string, s profile.Subject) (map[string]int, error) {
	if err := checkSubject(s); err != nil {
		return nil, err
	}
	if r.from.live() {
		snap, err := r.s.Snapshot(ctx)
		if err != nil {
			return nil, err
		}
		most, err := snap.MaxIDs(ctx, key, s)
		_ = snap.Close() // it was open
		return most, err
	}
	most := map[string]int{}
	for o, err := range r.Holders(ctx, key, s, "") {
		if err != nil {
			return nil, err
		}
		for n, ids := 0, o.IDs; len(ids) > 0; ids = ids[n:] {
			t := ids[0].Type
			for n = 1; n < len(ids) && ids[n].Type == t; n++ {
			}
			most[t] = max(most[t], n)
		}
	}
	return most, nil
}
