package profile

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"sync/atomic"
	"time"
)

// reader is the reading half of a MemStore and of its snapshots.
type reader struct {
	state atomic.Pointer[state] // nil after Close
	tx    *tx                   // nil: it is no transaction's
}

// enter begins a call, and continues an iterator from time to time.
func (r *reader) enter(ctx context.Context) (*state, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	st := r.state.Load()
	if st == nil {
		return nil, ErrClosed
	}
	if r.tx != nil {
		r.tx.flush()
	}
	return st, nil
}

// lock locks a shard, unless the reader's transaction has it locked.
func (r *reader) lock(sh *shard) {
	if r.tx == nil {
		sh.mu.Lock()
	}
}

func (r *reader) unlock(sh *shard) {
	if r.tx == nil {
		sh.mu.Unlock()
	}
}

// enterAll is enter for a call about any number of profiles.
func (r *reader) enterAll(ctx context.Context) (*state, error) {
	if r.tx != nil && !r.tx.whole {
		return nil, ErrNotNamed
	}
	return r.enter(ctx)
}

// enterAllOf is enterAll for those of a subject.
func (r *reader) enterAllOf(ctx context.Context, s Subject) (*state, error) {
	if err := checkSubject(s); err != nil {
		return nil, err
	}
	return r.enterAll(ctx)
}

// enterRef is enter for a call about a profile.
func (r *reader) enterRef(ctx context.Context, s Subject) (*state, error) {
	if err := checkSubject(s); err != nil {
		return nil, err
	}
	return r.enter(ctx)
}

// view finds the profile that ref names and locks its shard for reading: the
// caller unlocks it. id is what the profile is kept under; r is nil if there is
// none.
func (r *reader) view(st *state, ref Ref) (sh *shard, id string, rec *record, err error) {
	at := ref
	for {
		if r.tx != nil && r.tx.locked&st.setOf(at.ID) == 0 {
			return nil, "", nil, fmt.Errorf("%w: %s %q", ErrNotNamed, ref.Subject, ref.ID)
		}
		sh = st.shard(at.ID)
		r.lock(sh)
		if rec = sh.find(at); rec != nil {
			return sh, rec.id, rec, nil
		}
		target, merged := sh.alias(at)
		if !merged && at == ref {
			return sh, ref.ID, nil, nil
		}
		// A shard can only be locked when the one before is not: what the
		// alias named may be merged or deleted by now. Then begin again.
		r.unlock(sh)
		if at = ref; merged {
			at.ID = target
		}
	}
}

// lockAll locks all shards for reading, for an answer that is that of one
// instant.
func (r *reader) lockAll(st *state) (unlock func()) {
	if r.tx != nil {
		return func() {}
	}
	st.lock(allShards)
	return func() { st.unlock(allShards) }
}

// Resolve implements Reader.
func (r *reader) Resolve(ctx context.Context, ref Ref) (string, bool, error) {
	st, err := r.enterRef(ctx, ref.Subject)
	if err != nil {
		return "", false, err
	}
	sh, id, rec, err := r.view(st, ref)
	if err != nil {
		return "", false, err
	}
	r.unlock(sh)
	return id, rec != nil, nil
}

// Known implements Reader.
func (r *reader) Known(ctx context.Context, user string) (bool, error) {
	st, err := r.enter(ctx)
	if err != nil {
		return false, err
	}
	sh, _, rec, err := r.view(st, UserRef(user))
	if err != nil {
		return false, err
	}
	defer r.unlock(sh)
	return rec != nil && rec.known, nil
}

// Count implements Reader.
func (r *reader) Count(ctx context.Context, s Subject) (int, error) {
	st, err := r.enterAllOf(ctx, s)
	if err != nil {
		return 0, err
	}
	defer r.lockAll(st)()
	n := 0
	for i := range st.shards {
		n += st.shards[i].profiles[s].Len()
	}
	return n, nil
}

// EventNames implements Reader.
func (r *reader) EventNames(ctx context.Context, user string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		st, err := r.enter(ctx)
		if err != nil {
			yield("", err)
			return
		}
		var names []string
		sh, _, rec, err := r.view(st, UserRef(user))
		if err != nil {
			yield("", err)
			return
		}
		if rec != nil {
			for i := range rec.series {
				if name := rec.series[i].name.Value(); name != "" {
					names = append(names, name)
				}
			}
		}
		r.unlock(sh)
		for _, name := range names {
			if _, err := r.enter(ctx); err != nil {
				yield("", err)
				return
			}
			if !yield(name, nil) {
				return
			}
		}
	}
}

// Events implements Reader. It yields the events as they are when it begins.
func (r *reader) Events(ctx context.Context, user, name string, since time.Time) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		st, err := r.enter(ctx)
		if err != nil {
			yield(Event{}, err)
			return
		}
		var s series // a copy of the headers: the chunks behind them do not change
		sh, id, rec, err := r.view(st, UserRef(user))
		if err != nil {
			yield(Event{}, err)
			return
		}
		if rec != nil && name != "" {
			if i, ok := rec.findSeries(name); ok {
				s = rec.series[i]
			}
		}
		r.unlock(sh)
		if s.empty() {
			return
		}
		from := sinceNano(since)
		u := unpacker{profile: id, name: s.name.Value(), dict: st.dict}
		for i := s.search(from); i < s.len(); i++ {
			if _, err := r.enter(ctx); err != nil {
				yield(Event{}, err)
				return
			}
			for c := s.at(i).events(); c.next(); {
				if c.time >= from && !yield(u.event(&c), nil) {
					return
				}
			}
		}
	}
}

// sinceNano returns a lower bound in Unix nanoseconds; no event is outside
// [MinTime, MaxTime), and only within are those exact.
func sinceNano(t time.Time) int64 {
	switch {
	case t.Before(MinTime):
		return math.MinInt64
	case !t.Before(MaxTime):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// Traits implements Reader.
func (r *reader) Traits(ctx context.Context, ref Ref) ([]TraitWrite, error) {
	st, err := r.enterRef(ctx, ref.Subject)
	if err != nil {
		return nil, err
	}
	sh, _, rec, err := r.view(st, ref)
	if err != nil {
		return nil, err
	}
	var packed []byte
	if rec != nil {
		packed = rec.traits
	}
	r.unlock(sh)
	return unpackTraits(packed, st.dict), nil
}

// IDs implements Reader.
func (r *reader) IDs(ctx context.Context, ref Ref) ([]ExternalID, error) {
	l, err := r.links(ctx, ref)
	return slices.Clone(l.ids), err
}

// Accounts implements Reader.
func (r *reader) Accounts(ctx context.Context, user string) ([]string, error) {
	l, err := r.links(ctx, UserRef(user))
	return slices.Clone(l.accounts), err
}

func (r *reader) links(ctx context.Context, ref Ref) (links, error) {
	st, err := r.enterRef(ctx, ref.Subject)
	if err != nil {
		return links{}, err
	}
	sh, _, rec, err := r.view(st, ref)
	if err != nil {
		return links{}, err
	}
	defer r.unlock(sh)
	if rec == nil {
		return links{}, nil
	}
	return rec.linked(), nil
}

// Find implements Reader.
func (r *reader) Find(ctx context.Context, s Subject, id ExternalID) ([]string, error) {
	st, err := r.enterAllOf(ctx, s)
	if err != nil {
		return nil, err
	}
	defer r.lockAll(st)()
	var found []string
	for i := range st.shards {
		st.shards[i].ids.Ascend(idEntry{id: id, subject: s}, func(e idEntry) bool {
			if e.id != id || e.subject != s {
				return false
			}
			found = append(found, e.profile)
			return true
		})
	}
	slices.Sort(found)
	return found, nil
}

// Position implements Reader.
func (r *reader) Position(ctx context.Context) (uint64, time.Time, error) {
	st, err := r.enter(ctx)
	if err != nil {
		return 0, time.Time{}, err
	}
	seq, now := st.seq.Load(), st.latest()
	if r.tx != nil {
		now = max(now, r.tx.now)
	}
	if now == never {
		return seq, time.Time{}, nil
	}
	return seq, fromNano(now), nil
}
