package profile

import (
	"cmp"
	"context"
	"iter"
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
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.subject, b.subject), strings.Compare(a.profile, b.profile)) < 0
}

func (tx *tx) setWake(c *SetWake) {
	w := &c.Wake
	sh, r := tx.enter(w.Ref)
	if r == nil {
		return
	}
	at, version, marks := r.wake, r.version, r.marks
	tx.moveWake(sh, w.Ref.Subject, r, wakeNano(w))
	if r.version = w.Version; len(w.Marks) == 0 {
		r.marks = nil
	} else if marks == nil || !slices.Equal(*marks, w.Marks) {
		r.marks = new([]uint64)
		*r.marks = slices.Clone(w.Marks)
	}
	if !tx.ending {
		tx.onAbort(func() {
			tx.moveWake(sh, w.Ref.Subject, r, at)
			r.version, r.marks = version, marks
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
		sh.wakes.Delete(wakeEntry{r.wake, s, r.id})
	}
	if r.wake = at; at != never {
		sh.wakes.Set(wakeEntry{at, s, r.id})
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
	return w, nil
}

// wakesPage is how many wakes are read under one lock.
const wakesPage = 64

// Wakes implements Reader.
func (r *reader) Wakes(ctx context.Context, lane int, after Wake) iter.Seq2[Wake, error] {
	return func(yield func(Wake, error) bool) {
		from := wakeEntry{wakeNano(&after), after.Ref.Subject, after.Ref.ID}
		for {
			page, err := r.pageOfWakes(ctx, lane, from)
			if err != nil {
				yield(Wake{}, err)
				return
			}
			for _, e := range page {
				if from = e; !yield(Wake{Ref: Ref{e.subject, e.profile}, At: fromNano(e.at)}, nil) {
					return
				}
			}
			if len(page) < wakesPage {
				return
			}
		}
	}
}

func (r *reader) pageOfWakes(ctx context.Context, lane int, after wakeEntry) (page []wakeEntry, err error) {
	st, err := r.enterAll(ctx)
	if err != nil {
		return nil, err
	}
	sh := &st.shards[lane]
	r.lock(sh)
	defer r.unlock(sh)
	sh.wakes.Ascend(after, func(e wakeEntry) bool {
		if e != after {
			page = append(page, e)
		}
		return len(page) < wakesPage
	})
	return page, nil
}
