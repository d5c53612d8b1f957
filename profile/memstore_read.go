package profile

import (
	"context"
	"iter"
	"math"
	"slices"
	"sync/atomic"
	"time"
)

// reader is the reading half of a MemStore and of its snapshots.
type reader struct {
	state atomic.Pointer[state] // nil after Close
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
	return st, nil
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
func (st *state) view(ref Ref) (sh *shard, id string, r *record) {
	at := ref
	for {
		sh = st.shard(at.ID)
		sh.mu.Lock()
		if r = sh.find(at); r != nil {
			return sh, r.id, r
		}
		target, merged := sh.alias(at)
		if !merged && at == ref {
			return sh, ref.ID, nil
		}
		// A shard can only be locked when the one before is not: what the
		// alias named may be merged or deleted by now. Then begin again.
		sh.mu.Unlock()
		if at = ref; merged {
			at.ID = target
		}
	}
}

// rlockAll locks all shards for reading, for an answer that is that of one
// instant.
func (st *state) rlockAll() (unlock func()) {
	for i := range st.shards {
		st.shards[i].mu.Lock()
	}
	return func() {
		for i := range st.shards {
			st.shards[i].mu.Unlock()
		}
	}
}

// Resolve implements Reader.
func (r *reader) Resolve(ctx context.Context, ref Ref) (string, bool, error) {
	st, err := r.enterRef(ctx, ref.Subject)
	if err != nil {
		return "", false, err
	}
	sh, id, rec := st.view(ref)
	sh.mu.Unlock()
	return id, rec != nil, nil
}

// Known implements Reader.
func (r *reader) Known(ctx context.Context, user string) (bool, error) {
	st, err := r.enter(ctx)
	if err != nil {
		return false, err
	}
	sh, _, rec := st.view(UserRef(user))
	defer sh.mu.Unlock()
	return rec != nil && rec.known, nil
}

// Seen implements Reader, of the live store.
func (s *MemStore) Seen(ctx context.Context, ref Ref, messageID string) (bool, error) {
	st, err := s.enterRef(ctx, ref.Subject)
	if err != nil || messageID == "" {
		return false, err
	}
	m := st.message(messageID)
	sh, _, rec := st.view(ref)
	seen := rec != nil && rec.has(&m, "", never)
	sh.mu.Unlock()
	if seen {
		return true, nil
	}
	sh = st.shard(ref.ID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.deleted.had(st.identity(ref), m.sum, sh.now.Load()), nil
}

// Count implements Reader.
func (r *reader) Count(ctx context.Context, s Subject) (int, error) {
	st, err := r.enterRef(ctx, s)
	if err != nil {
		return 0, err
	}
	defer st.rlockAll()()
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
		sh, _, rec := st.view(UserRef(user))
		if rec != nil {
			for i := range rec.series {
				if name := rec.series[i].name.Value(); name != "" {
					names = append(names, name)
				}
			}
		}
		sh.mu.Unlock()
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
		sh, id, rec := st.view(UserRef(user))
		if rec != nil && name != "" {
			if i, ok := rec.findSeries(name); ok {
				s = rec.series[i]
			}
		}
		sh.mu.Unlock()
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
	sh, _, rec := st.view(ref)
	var packed []byte
	if rec != nil {
		packed = rec.traits
	}
	sh.mu.Unlock()
	return pruneTraits(unpackTraits(packed, st.dict), st.latest()), nil
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
	sh, _, rec := st.view(ref)
	defer sh.mu.Unlock()
	if rec == nil {
		return links{}, nil
	}
	return rec.linked(), nil
}

// Find implements Reader.
func (r *reader) Find(ctx context.Context, s Subject, id ExternalID) ([]string, error) {
	st, err := r.enterRef(ctx, s)
	if err != nil {
		return nil, err
	}
	defer st.rlockAll()()
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
	if now == never {
		return seq, time.Time{}, nil
	}
	return seq, fromNano(now), nil
}
