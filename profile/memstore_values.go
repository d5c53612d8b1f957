package profile

import (
	"bytes"
	"cmp"
	"context"
	"iter"
	"slices"

	"github.com/tidwall/btree"
)

// computed is the value of a computed trait in a record. Traits have numbers,
// as audiences have: the two share their keys. The entries are in the order of
// the numbers. packed is never changed in place: a snapshot may see it.
type computed struct {
	key    uint32
	since  int64
	packed []byte
}

func compareComputed(c computed, key uint32) int { return cmp.Compare(c.key, key) }

// computedOf returns the record's value of a computed trait.
func (r *record) computedOf(key uint32) (computed, bool) {
	if r.computed == nil {
		return computed{}, false
	}
	i, ok := slices.BinarySearchFunc(*r.computed, key, compareComputed)
	if !ok {
		return computed{}, false
	}
	return (*r.computed)[i], true
}

// setComputed sets a value, or removes it if packed is nil. The entries are
// replaced, not changed, where a snapshot may see them.
func (r *record) setComputed(c computed) {
	if r.computed == nil {
		if c.packed == nil {
			return
		}
		r.computed = &[]computed{}
	}
	list := *r.computed
	i, is := slices.BinarySearchFunc(list, c.key, compareComputed)
	switch {
	case c.packed == nil && is:
		list = slices.Delete(list, i, i+1)
	case c.packed == nil:
	case is:
		list[i] = c
	default:
		list = slices.Insert(list, i, c)
	}
	*r.computed = list
	if len(list) == 0 {
		r.computed = nil
	}
}

func (tx *tx) setValue(c *SetValue) {
	v := &c.Value
	sh, r := tx.enter(v.Ref)
	if r == nil {
		return
	}
	if v.Value.IsNull() {
		if key, ok := tx.audiences.find(v.Key); ok {
			r.setComputed(computed{key: key})
		}
		return
	}
	packed := appendValue(sh.scratch[:0], v.Value, tx.dict)
	sh.keepScratch(packed)
	r.setComputed(computed{tx.audiences.of(v.Key), v.Since.UnixNano(), bytes.Clone(packed)})
}

func (tx *tx) dropValues(name string) {
	key, ok := tx.audiences.find(name)
	if !ok {
		return
	}
	for i := range tx.shards {
		sh := &tx.shards[i]
		for s := range sh.profiles {
			var have []*record
			sh.profiles[s].Scan(func(r *record) bool {
				if _, ok := r.computedOf(key); ok {
					have = append(have, r)
				}
				return true
			})
			for _, r := range have {
				tx.own(sh, Subject(s), r).setComputed(computed{key: key})
			}
		}
	}
}

// Values implements Reader.
func (r *reader) Values(ctx context.Context, name, after string) iter.Seq2[ComputedValue, error] {
	return func(yield func(ComputedValue, error) bool) {
		st, err := r.enter(ctx)
		if err != nil {
			yield(ComputedValue{}, err)
			return
		}
		key, ok := st.audiences.find(name)
		if !ok {
			return
		}
		for s := range Subject(len(st.shards[0].profiles)) {
			values := scan[*record, ComputedValue]{
				tree: func(sh *shard) *btree.BTreeG[*record] { return sh.profiles[s] },
				in:   func(*record) bool { return true },
				take: func(r *record) (ComputedValue, bool) {
					c, ok := r.computedOf(key)
					if !ok {
						return ComputedValue{}, false
					}
					return st.value(name, Ref{s, r.id}, c), true
				},
			}
			for v, err := range values.after(ctx, r, &record{id: after}) {
				if !yield(v, err) || err != nil {
					return
				}
			}
		}
	}
}

func (st *state) value(key string, ref Ref, c computed) ComputedValue {
	v, _ := decodeValue(c.packed, st.dict)
	return ComputedValue{Key: key, Ref: ref, Value: v, Since: fromNano(c.since)}
}

// ValuesOf implements Reader.
func (r *reader) ValuesOf(ctx context.Context, ref Ref) ([]ComputedValue, error) {
	st, err := r.enterRef(ctx, ref.Subject)
	if err != nil {
		return nil, err
	}
	sh, id, rec := st.view(ref)
	var list []ComputedValue
	if rec != nil && rec.computed != nil {
		for _, c := range *rec.computed {
			list = append(list, st.value(st.audiences.key(c.key), Ref{ref.Subject, id}, c))
		}
	}
	sh.mu.RUnlock()
	slices.SortFunc(list, func(a, b ComputedValue) int { return cmp.Compare(a.Key, b.Key) })
	return list, nil
}
