package pebblestore

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/muster-go/muster/profile"
)

// reader is the reading half of a store, of its snapshots and of its transactions.
type reader struct {
	s    *Store
	from source
}

// source is where a reader reads.
type source interface {
	// open returns what there is to read, until done is called.
	open(ctx context.Context, what scope) (v view, done func(), err error)
	// alive returns an error once a loop that has begun is not to go on.
	alive(ctx context.Context) error
	// live reports whether others change what is read.
	live() bool
	// counted calls do with what is counted, which holds until do returns.
	counted(ctx context.Context, do func(*tally, readers)) error
}

// scope is what a call reads.
type scope uint8

const (
	oneRecord scope = iota // what is kept of one profile in its rows of one each
	oneRows                // other rows of one profile
	allRows
)

// view is what there is to read at one instant.
type view struct {
	s    *Store
	r    pebble.Reader
	nums *numbers
	tx   *tx // whose view it is; nil: a committed one

	beside *beside // of a scan
}

// lookup returns the profile that an id names, with the parts that are asked for.
func (v *view) lookup(ref profile.Ref, want part) (*record, error) {
	if err := checkSubject(ref.Subject); err != nil {
		return nil, err
	}
	if v.tx != nil {
		t, err := v.tx.find(ref, want)
		if err != nil {
			return nil, err
		}
		return &t.record, nil
	}
	rec, err := readRecord(v.r, ref)
	if err == nil && rec.into != "" {
		rec, err = readRecord(v.r, profile.UserRef(rec.into))
	}
	if err == nil {
		err = rec.read(v.r, v.s.dict, want)
	}
	if err != nil {
		return nil, v.s.fault.of(err)
	}
	return &rec, nil
}

// one opens what is read of one profile, and looks it up.
func (r *reader) one(ctx context.Context, ref profile.Ref, want part) (v view, rec *record, done func(), err error) {
	if err := checkSubject(ref.Subject); err != nil {
		return v, nil, nil, err
	}
	v, done, err = r.from.open(ctx, oneRecord)
	if err != nil {
		return v, nil, nil, err
	}
	if rec, err = v.lookup(ref, want); err != nil {
		done()
		return v, nil, nil, err
	}
	return v, rec, done, nil
}

func checkSubject(s profile.Subject) error {
	if s > profile.Account {
		return fmt.Errorf("%w: subject %d", profile.ErrInvalid, s)
	}
	return nil
}

// Resolve implements profile.Reader.
func (r *reader) Resolve(ctx context.Context, ref profile.Ref) (string, bool, error) {
	_, rec, done, err := r.one(ctx, ref, 0)
	if err != nil {
		return "", false, err
	}
	defer done()
	return rec.ref.ID, rec.exists, nil
}

// Known implements profile.Reader.
func (r *reader) Known(ctx context.Context, user string) (bool, error) {
	_, rec, done, err := r.one(ctx, profile.UserRef(user), 0)
	if err != nil {
		return false, err
	}
	defer done()
	return rec.known, nil
}

// Traits implements profile.Reader.
func (r *reader) Traits(ctx context.Context, ref profile.Ref) ([]profile.TraitWrite, error) {
	_, rec, done, err := r.one(ctx, ref, partTraits)
	if err != nil {
		return nil, err
	}
	defer done()
	return readWrites(rec.traits, r.s.dict)
}

// IDs implements profile.Reader.
func (r *reader) IDs(ctx context.Context, ref profile.Ref) ([]profile.ExternalID, error) {
	_, rec, done, err := r.one(ctx, ref, 0)
	if err != nil {
		return nil, err
	}
	defer done()
	return slices.Clone(rec.ids), nil
}

// Accounts implements profile.Reader.
func (r *reader) Accounts(ctx context.Context, user string) ([]string, error) {
	_, rec, done, err := r.one(ctx, profile.UserRef(user), 0)
	if err != nil {
		return nil, err
	}
	defer done()
	return slices.Clone(rec.accounts), nil
}

// Memberships implements profile.Reader.
func (r *reader) Memberships(ctx context.Context, ref profile.Ref) ([]profile.Membership, error) {
	v, rec, done, err := r.one(ctx, ref, partRecord)
	if err != nil {
		return nil, err
	}
	defer done()
	var list []profile.Membership
	for _, m := range rec.members {
		if key, ok := v.nums.key(m.number); ok {
			list = append(list, profile.Membership{Audience: key, Ref: rec.ref, Since: fromNano(m.since)})
		}
	}
	slices.SortFunc(list, func(a, b profile.Membership) int { return compareStrings(a.Audience, b.Audience) })
	return list, nil
}

// ValuesOf implements profile.Reader.
func (r *reader) ValuesOf(ctx context.Context, ref profile.Ref) ([]profile.ComputedValue, error) {
	v, rec, done, err := r.one(ctx, ref, partRecord)
	if err != nil {
		return nil, err
	}
	defer done()
	var list []profile.ComputedValue
	for _, c := range rec.values {
		key, ok := v.nums.key(c.number)
		if !ok {
			continue
		}
		value, err := readValue(appendRecordKey(nil, rec.ref), c, r.s.dict)
		if err != nil {
			return nil, r.s.fault.of(err)
		}
		list = append(list, profile.ComputedValue{Key: key, Ref: rec.ref, Value: value, Since: fromNano(c.since)})
	}
	slices.SortFunc(list, func(a, b profile.ComputedValue) int { return compareStrings(a.Key, b.Key) })
	return list, nil
}

// readValue unpacks a value of the row of a key.
func readValue(key []byte, c computed, dict *profile.Dict) (profile.Value, error) {
	v, size, err := profile.PackedValue(c.packed, dict)
	if err == nil && size < len(c.packed) {
		err = errRow
	}
	if err != nil {
		return v, damaged(key, err)
	}
	return v, nil
}

// Wake implements profile.Reader.
func (r *reader) Wake(ctx context.Context, ref profile.Ref) (profile.Wake, error) {
	_, rec, done, err := r.one(ctx, ref, partRecord)
	if err != nil {
		return profile.Wake{Ref: ref}, err
	}
	defer done()
	w := profile.Wake{Ref: rec.ref, Version: rec.version, Marks: rec.marks, Counts: rec.counts, Counted: rec.counted} // they are never changed in place
	if rec.wake != never {
		w.At = fromNano(rec.wake)
	}
	return w, nil
}

// EventNames implements profile.Reader.
func (r *reader) EventNames(ctx context.Context, user string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		v, done, err := r.from.open(ctx, oneRows)
		if err != nil {
			yield("", err)
			return
		}
		rec, err := v.lookup(profile.UserRef(user), 0)
		var names []string
		if err == nil && rec.exists {
			names, err = readNames(v.r, rec.ref)
		}
		done()
		if err != nil {
			yield("", r.s.fault.of(err))
			return
		}
		for _, name := range names {
			if err := r.from.alive(ctx); err != nil {
				yield("", err)
				return
			}
			if !yield(name, nil) {
				return
			}
		}
	}
}

// Events implements profile.Reader. It yields the events as they are when it begins.
func (r *reader) Events(ctx context.Context, user, name string, since time.Time) iter.Seq2[profile.Event, error] {
	return func(yield func(profile.Event, error) bool) {
		if err := r.events(ctx, user, name, since, yield); err != nil {
			yield(profile.Event{}, r.s.fault.of(err))
		}
	}
}

func (r *reader) events(ctx context.Context, user, name string, since time.Time, yield func(profile.Event, error) bool) error {
	v, done, err := r.from.open(ctx, oneRows)
	if err != nil {
		return err
	}
	defer done()
	rec, err := v.lookup(profile.UserRef(user), 0)
	if err != nil || !rec.exists || name == "" {
		return err
	}
	prefix := appendText(append(appendOwnKey(nil, rec.ref), ownEvents), name)
	from := slices.Clip(prefix)
	if nano := sinceNano(since); nano > math.MinInt64 {
		from = appendInstant(from, nano)
	}
	it, err := v.r.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: keyAfter(prefix)})
	if err != nil {
		return err
	}
	defer it.Close()
	var rows arena
	for ok := it.First(); ok; ok = it.Next() {
		if err := r.from.alive(ctx); err != nil {
			return err
		}
		value, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		m, err := readMessage(rows.keep(value), r.s.dict)
		if err == nil {
			err = m.readTail(it.Key()[len(prefix):])
		}
		if err != nil {
			return damaged(it.Key(), err)
		}
		m.name = name
		if !yield(m.event(rec.ref.ID), nil) {
			return nil
		}
	}
	return it.Error()
}

// arena keeps copies of bytes, many in one allocation.
type arena []byte

func (a *arena) keep(b []byte) []byte {
	if len(b) > cap(*a)-len(*a) {
		*a = make([]byte, 0, max(len(b), min(max(2*cap(*a), 512), 16<<10)))
	}
	at := len(*a)
	*a = append(*a, b...)
	return slices.Clip((*a)[at:])
}

// sinceNano returns a lower bound; no event is outside of the times that a store takes,
// and only within are nanoseconds exact.
func sinceNano(t time.Time) int64 {
	switch {
	case t.Before(profile.MinTime):
		return math.MinInt64
	case !t.Before(profile.MaxTime):
		return math.MaxInt64
	}
	return t.UnixNano()
}

func compareStrings(a, b string) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}
