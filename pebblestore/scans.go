package pebblestore

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/muster-go/muster/profile"
)

// pageRows is how many rows a loop over the live store reads of one instant: then it goes
// on with those of another, so that it does not hold on to old files however long it takes.
const pageRows = 4096

// errStop ends a scan without an error.
var errStop = errors.New("stop")

// scan calls step for each row from lower up to upper. What step gets holds until it
// returns.
func (r *reader) scan(ctx context.Context, lower, upper []byte, step func(v *view, key, value []byte) error) error {
	for lower != nil {
		next, err := r.page(ctx, lower, upper, step)
		if err != nil {
			if err == errStop {
				return nil
			}
			return r.s.fault.of(err)
		}
		lower = next
	}
	return nil
}

// page is scan for as many rows as are to be of one instant. It returns where to go on.
func (r *reader) page(ctx context.Context, lower, upper []byte, step func(v *view, key, value []byte) error) (next []byte, err error) {
	v, done, err := r.from.open(ctx, allRows)
	if err != nil {
		return nil, err
	}
	defer done()
	v.beside = &beside{records: followed{space: spaceOwn}, heads: followed{space: spaceHeads}}
	defer v.beside.close()
	it, err := v.r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return nil, err
	}
	defer func() {
		if closing := it.Close(); err == nil {
			err = closing
		}
	}()
	n := 0
	for ok := it.First(); ok; ok = it.Next() {
		if n == pageRows && r.from.live() {
			return slices.Clone(it.Key()), nil
		}
		n++
		if err := r.from.alive(ctx); err != nil {
			return nil, err
		}
		value, err := it.ValueAndErr()
		if err != nil {
			return nil, err
		}
		if err := step(&v, it.Key(), value); err != nil {
			return nil, err
		}
	}
	return nil, it.Error()
}

// scanned yields what step makes of the rows from lower up to those that do not begin with
// prefix, until an error.
func scanned[T any](r *reader, ctx context.Context, prefix, lower []byte, step func(v *view, key, value []byte) (T, bool, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		err := r.scan(ctx, lower, keyAfter(prefix), func(v *view, key, value []byte) error {
			item, ok, err := step(v, key, value)
			if err != nil {
				return err
			}
			if ok && !yield(item, nil) {
				return errStop
			}
			return nil
		})
		if err != nil {
			var none T
			yield(none, err)
		}
	}
}

// follow returns the least key behind that of an id, which is appended to a prefix.
func follow(prefix []byte, after string) []byte {
	if after == "" {
		return prefix
	}
	return append(append(slices.Clip(prefix), after...), 0)
}

// Profiles implements profile.Reader.
func (r *reader) Profiles(ctx context.Context, s profile.Subject, after string) iter.Seq2[string, error] {
	if err := checkSubject(s); err != nil {
		return failing[string](err)
	}
	prefix := []byte{spaceHeads, byte(s)}
	return scanned(r, ctx, prefix, follow(prefix, after), func(_ *view, key, value []byte) (string, bool, error) {
		if len(value) == 0 {
			return "", false, damaged(key, errRow)
		}
		if value[0] == headMerged {
			return "", false, nil
		}
		return string(key[2:]), true, nil
	})
}

func failing[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yield(none, err)
	}
}

// Count implements profile.Reader.
func (r *reader) Count(ctx context.Context, s profile.Subject) (int, error) {
	if err := checkSubject(s); err != nil {
		return 0, err
	}
	_, done, err := r.from.open(ctx, allRows)
	if err != nil {
		return 0, err
	}
	defer done()
	n := 0
	err = r.from.counted(ctx, func(t *tally, _ readers) { n = int(t.profiles[s]) })
	return n, err
}

// Find implements profile.Reader.
func (r *reader) Find(ctx context.Context, s profile.Subject, id profile.ExternalID) (found []string, err error) {
	if err := checkSubject(s); err != nil {
		return nil, err
	}
	prefix := appendIDKey(nil, s, id, "")
	err = r.scan(ctx, prefix, keyAfter(prefix), func(_ *view, key, _ []byte) error {
		found = append(found, string(key[len(prefix):]))
		return nil
	})
	return found, err
}

// Users implements profile.Reader.
func (r *reader) Users(ctx context.Context, account string) iter.Seq2[string, error] {
	return r.pairs(ctx, spaceJoins, account)
}

// Senders implements profile.Reader.
func (r *reader) Senders(ctx context.Context, account string) iter.Seq2[string, error] {
	return r.pairs(ctx, spaceSenders, account)
}

func (r *reader) pairs(ctx context.Context, space byte, account string) iter.Seq2[string, error] {
	prefix := appendPairKey(nil, space, account, "")
	return scanned(r, ctx, prefix, prefix, func(_ *view, key, _ []byte) (string, bool, error) {
		return string(key[len(prefix):]), true, nil
	})
}

// Members implements profile.Reader.
func (r *reader) Members(ctx context.Context, audience, after string) iter.Seq2[profile.Membership, error] {
	return func(yield func(profile.Membership, error) bool) {
		number, ok, err := r.numberOf(ctx, numberAudience, audience)
		if err != nil {
			yield(profile.Membership{}, err)
			return
		}
		for s := profile.User; ok && s <= profile.Account; s++ {
			prefix := appendHolderKey(nil, spaceMembers, number, profile.Ref{Subject: s})
			members := scanned(r, ctx, prefix, follow(prefix, after), func(_ *view, key, value []byte) (profile.Membership, bool, error) {
				if len(value) != 8 {
					return profile.Membership{}, false, damaged(key, errRow)
				}
				ref := profile.Ref{Subject: s, ID: string(key[len(prefix):])}
				return profile.Membership{Audience: audience, Ref: ref, Since: fromNano(readInstant(value))}, true, nil
			})
			for m, err := range members {
				if !yield(m, err) || err != nil {
					return
				}
			}
		}
	}
}

// numberOf returns the number of a key.
func (r *reader) numberOf(ctx context.Context, kind numberKind, key string) (uint32, bool, error) {
	v, done, err := r.from.open(ctx, allRows)
	if err != nil {
		return 0, false, err
	}
	defer done()
	number, ok := v.nums.find(kind, key)
	return number, ok, nil
}

// MemberCount implements profile.Reader.
func (r *reader) MemberCount(ctx context.Context, audience string) (int, error) {
	number, ok, err := r.numberOf(ctx, numberAudience, audience)
	if !ok || err != nil {
		return 0, err
	}
	n := 0
	err = r.from.counted(ctx, func(t *tally, _ readers) { n = int(t.members[number]) })
	return n, err
}

// Values implements profile.Reader.
func (r *reader) Values(ctx context.Context, name, after string) iter.Seq2[profile.ComputedValue, error] {
	return func(yield func(profile.ComputedValue, error) bool) {
		number, ok, err := r.numberOf(ctx, numberTrait, name)
		if err != nil {
			yield(profile.ComputedValue{}, err)
			return
		}
		for s := profile.User; ok && s <= profile.Account; s++ {
			prefix := appendHolderKey(nil, spaceValues, number, profile.Ref{Subject: s})
			values := scanned(r, ctx, prefix, follow(prefix, after), func(v *view, key, _ []byte) (profile.ComputedValue, bool, error) {
				ref := profile.Ref{Subject: s, ID: string(key[len(prefix):])}
				value, since, err := v.beside.records.value(v, number, ref)
				return profile.ComputedValue{Key: name, Ref: ref, Value: value, Since: fromNano(since)}, true, err
			})
			for c, err := range values {
				if !yield(c, err) || err != nil {
					return
				}
			}
		}
	}
}

// beside are rows that a scan reads besides those that it goes through.
type beside struct{ records, heads followed }

func (b *beside) close() {
	b.records.close()
	b.heads.close()
}

// followed reads rows of profiles in the order of a scan over others: one after the
// other, it goes on from where it is.
type followed struct {
	space byte
	it    *pebble.Iterator
	key   []byte
}

// row returns the row of a profile, which holds until the next call; nil if there is none.
func (f *followed) row(v *view, ref profile.Ref) ([]byte, error) {
	if f.it == nil {
		it, err := v.r.NewIter(&pebble.IterOptions{LowerBound: []byte{f.space}, UpperBound: []byte{f.space + 1}})
		if err != nil {
			return nil, err
		}
		f.it = it
	}
	if f.space == spaceOwn {
		f.key = appendRecordKey(f.key[:0], ref)
	} else {
		f.key = appendHeadKey(f.key[:0], ref)
	}
	if !f.it.SeekGE(f.key) || !bytes.Equal(f.it.Key(), f.key) {
		return nil, f.it.Error()
	}
	return f.it.ValueAndErr()
}

func (f *followed) close() {
	if f.it != nil {
		_ = f.it.Close() // what it said was looked at
	}
}

// value returns the value of a profile's computed trait.
func (f *followed) value(v *view, number uint32, ref profile.Ref) (profile.Value, int64, error) {
	b, err := f.row(v, ref)
	if err != nil {
		return profile.Value{}, 0, err
	}
	st, _, err := readRecordRow(slices.Clone(b))
	if err != nil {
		return profile.Value{}, 0, damaged(f.key, err)
	}
	i, ok := slices.BinarySearchFunc(st.values, number, compareComputed)
	if !ok {
		return profile.Value{}, 0, damaged(f.key, errRow)
	}
	value, err := readValue(f.key, st.values[i], v.s.dict)
	return value, st.values[i].since, err
}

// Wakes implements profile.Reader.
func (r *reader) Wakes(ctx context.Context, lane int, after profile.Wake, page []profile.Wake) (n int, err error) {
	prefix := []byte{spaceWakes, byte(lane)}
	lower := prefix
	if !after.At.IsZero() {
		lower = appendInstant(slices.Clone(prefix), after.At.UnixNano())
		lower = append(append(append(lower, byte(after.Ref.Subject)), after.Ref.ID...), 0)
	}
	if len(page) == 0 {
		return 0, r.from.alive(ctx)
	}
	err = r.scan(ctx, lower, keyAfter(prefix), func(_ *view, key, _ []byte) error {
		if len(key) < 12 {
			return damaged(key, errRow)
		}
		ref := profile.Ref{Subject: profile.Subject(key[10]), ID: string(key[11:])}
		page[n] = profile.Wake{Ref: ref, At: fromNano(readInstant(key[2:]))}
		if n++; n == len(page) {
			return errStop
		}
		return nil
	})
	return n, err
}
