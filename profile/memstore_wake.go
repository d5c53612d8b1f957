package profile

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// A shard is a lane, so that the wakes of a lane are one index.

// wakeEntry is an entry of the index of wakes.
type wakeEntry struct {
	at      int64
	subject Subject
	profile string
}

func wakeLess(a, b wakeEntry) bool {
	if a.at != b.at {
		return a.at < b.at
	}
	return cmp.Or(cmp.Compare(a.subject, b.subject), strings.Compare(a.profile, b.profile)) < 0
}

func (tx *tx) setWake(c *SetWake) {
	w := &c.Wake
	sh, r := tx.enter(w.Ref)
	if r == nil {
		return
	}
	at, version, marks, old := r.wake, r.version, r.marks, r.counts
	tx.moveWake(sh, w.Ref.Subject, r, wakeNano(w))
	if r.version = w.Version; len(w.Marks) == 0 {
		r.marks = nil
	} else if marks == nil || !slices.Equal(*marks, w.Marks) {
		r.marks = new([]uint64)
		*r.marks = slices.Clone(w.Marks)
	}
	if r.counts = nil; len(w.Counts) > 0 {
		r.counts = &counts{slices.Clone(w.Counts), w.Counted}
	}
	if !tx.ending {
		tx.onAbort(func() {
			tx.moveWake(sh, w.Ref.Subject, r, at)
			r.version, r.marks, r.counts = version, marks, old
		})
	}
}

func wakeNano(w *Wake) int64 {
	if w.At.IsZero() {
		return never
	}
	return w.At.UnixNano()
}

// moveWake sets the instant of a record that may be written to.
func (tx *tx) moveWake(sh *shard, s Subject, r *record, at int64) {
	if r.wake == at {
		return
	}
	if r.wake != never {
		sh.wakes.DeleteHint(wakeEntry{r.wake, s, r.id}, &sh.wakeHint)
	}
	if r.wake = at; at != never {
		sh.wakes.SetHint(wakeEntry{at, s, r.id}, &sh.wakeHint)
	}
}

// Wake implements Reader.
func (r *reader) Wake(ctx context.Context, ref Ref) (Wake, error) {
	w := Wake{Ref: ref}
	st, err := r.enterRef(ctx, ref.Subject)
	if err != nil {
		return w, err
	}
	sh, id, rec, err := r.view(st, ref)
	if err != nil {
		return w, err
	}
	defer r.unlock(sh)
	if w.Ref.ID = id; rec == nil {
		return w, nil
	}
	if rec.wake != never {
		w.At = fromNano(rec.wake)
	}
	if w.Version = rec.version; rec.marks != nil {
		w.Marks = *rec.marks // they are replaced, never changed in place
	}
	if rec.counts != nil {
		w.Counts, w.Counted = rec.counts.of, rec.counts.version // likewise
	}
	return w, nil
}

// Wakes implements Reader.
func (r *reader) Wakes(ctx context.Context, lane int, after Wake, page []Wake) (n int, err error) {
	st, err := r.enterAll(ctx)
	if err != nil || len(page) == 0 {
		return 0, err
	}
	from := wakeEntry{wakeNano(&after), after.Ref.Subject, after.Ref.ID}
	sh := &st.shards[lane]
	r.lock(sh)
	defer r.unlock(sh)
	sh.wakes.Ascend(from, func(e wakeEntry) bool {
		if e == from {
			return true
		}
		page[n] = Wake{Ref: Ref{e.subject, e.profile}, At: fromNano(e.at)}
		n++
		return n < len(page)
	})
	return n, nil
}
