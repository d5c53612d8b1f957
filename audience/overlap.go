package audience

import (
	"context"
	"iter"
)

// Overlap says how many profiles two audiences share.
type Overlap struct {
	Both  int
	Only1 int // only in the first
	Only2 int // only in the second
}

// Overlap compares the members of two audiences, as of one instant. It reads both once, and
// holds nobody up. The error wraps profile.ErrNotFound if there is no such audience.
func (e *Engine) Overlap(ctx context.Context, key1, key2 string) (Overlap, error) {
	o, err := e.overlap(ctx, key1, key2)
	return o, in("overlap", err)
}

func (e *Engine) overlap(ctx context.Context, key1, key2 string) (o Overlap, err error) {
	for _, key := range []string{key1, key2} {
		if err := e.known(key); err != nil {
			return o, err
		}
	}
	snap, err := e.Snapshot(ctx)
	if err != nil {
		return o, err
	}
	defer func() { _ = snap.Close() }()
	next, stop := iter.Pull2(snap.Members(ctx, key2, ""))
	defer stop()
	other, err, more := next()
	for m, errOf := range snap.Members(ctx, key1, "") {
		if errOf != nil {
			return o, errOf
		}
		for ; more && err == nil && other.Ref.Compare(m.Ref) < 0; other, err, more = next() {
			o.Only2++
		}
		switch {
		case err != nil:
			return o, err
		case more && other.Ref == m.Ref:
			o.Both++
			other, err, more = next()
		default:
			o.Only1++
		}
	}
	for ; more && err == nil; other, err, more = next() {
		o.Only2++
	}
	return o, err
}
