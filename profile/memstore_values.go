package profile

import (
	"bytes"
	"cmp"
	"context"
	"iter"
	"slices"
)

// computed is the value of a computed trait in a record. Traits have numbers,
// as audiences have: the two share their keys. The entries are in the order of
// the numbers.
type computed struct {
	key    uint32
	shared bool // a record that a snapshot sees has the same bytes: they are not written over
	since  int64
	packed []byte
}

// maxIdle is how many bytes a value may leave unused of the one it is written
// over: a long list that is gone shall not hold its memory for a number.
const maxIdle = 256

// set makes a copy of packed the value, in the bytes of the one before if it
// fits and nobody else sees them. Readers get copies: see state.value.
func (c *computed) set(since int64, packed []byte) {
	c.since = since
	if idle := cap(c.packed) - len(packed); !c.shared && 0 <= idle && idle <= maxIdle {
		c.packed = append(c.packed[:0], packed...)
		return
	}
	c.packed, c.shared = bytes.Clone(packed), false
}

func compareComputed(c computed, key uint32) int { return cmp.Compare(c.key, key) }

// values returns the record's values of computed traits.
func (r *record) values() []computed {
	if r.computed == nil {
		return nil
	}
	return *r.computed
}

// computedOf returns the record's value of a computed trait.
func (r *record) computedOf(key uint32) (computed, bool) {
	list := r.values()
	i, ok := slices.BinarySearchFunc(list, key, compareComputed)
	if !ok {
		return computed{}, false
	}
	return list[i], true
}

// setComputed sets a value of a record that may be written to.
func (r *record) setComputed(key uint32, since int64, packed []byte) {
	if r.computed == nil {
		r.computed = new([]computed)
	}
	i, ok := slices.BinarySearchFunc(*r.computed, key, compareComputed)
	if !ok {
		*r.computed = slices.Insert(*r.computed, i, computed{key: key})
	}
	(*r.computed)[i].set(since, packed)
}

// removeComputed removes a value of a record that may be written to.
func (r *record) removeComputed(key uint32) {
	i, ok := slices.BinarySearchFunc(r.values(), key, compareComputed)
	switch {
	case !ok:
	case len(*r.computed) == 1:
		r.computed = nil
	default:
		*r.computed = slices.Delete(*r.computed, i, i+1)
	}
}

// shareComputed returns the values for a copy of the record. The bytes are
// those of the record: each is replaced when its value changes.
func (r *record) shareComputed() *[]computed {
	if r.computed == nil {
		return nil
	}
	list := slices.Clone(*r.computed)
	for i := range list {
		list[i].shared = true
	}
	return &list
}

func (tx *tx) setValue(c *SetValue) {
	v := &c.Value
	sh, r := tx.enter(v.Ref)
	if r == nil {
		return
	}
	if v.Value.IsNull() {
		if key, ok := tx.audiences.find(v.Key); ok {
			tx.noteComputed(r, key)
			r.removeComputed(key)
		}
		return
	}
	key := tx.audiences.of(v.Key)
	tx.noteComputed(r, key)
	packed := appendValue(sh.scratch[:0], v.Value, tx.dict)
	r.setComputed(key, v.Since.UnixNano(), packed)
	sh.keepScratch(packed)
}

// noteComputed notes the value of a record before it is changed.
func (tx *tx) noteComputed(r *record, key uint32) {
	if tx.ending {
		return
	}
	before, was := r.computedOf(key)
	before.packed = bytes.Clone(before.packed) // they may be written over
	tx.onAbort(func() {
		if !was {
			r.removeComputed(key)
			return
		}
		r.setComputed(key, before.since, before.packed)
	})
}

func (tx *tx) dropValues(name string) {
	key, ok := tx.audiences.find(name)
	if !ok {
		return
	}
	for i := range tx.shards {
		sh := &tx.shards[i]
		for s := range sh.profiles {
			var have []*record // own may change the tree, which Scan does not allow
			sh.profiles[s].Scan(func(r *record) bool {
				if _, ok := r.computedOf(key); ok {
					have = append(have, r)
				}
				return true
			})
			for _, r := range have {
				r = tx.own(sh, Subject(s), r)
				tx.noteComputed(r, key)
				r.removeComputed(key)
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
				tree: profilesOf(s),
				key:  (*record).key,
				take: func(block []*record, to *page[*record, ComputedValue]) {
					for _, r := range block {
						if c, ok := r.computedOf(key); ok {
							to.add(r.id, st.value(name, Ref{s, r.id}, c))
						}
					}
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

// value unpacks a value, for use after the shard is unlocked: texts, lists and
// maps point into their bytes, which the next value may be written over.
func (st *state) value(key string, ref Ref, c computed) ComputedValue {
	v, _ := decodeValue(c.packed, st.dict)
	v.data = bytes.Clone(v.data)
	return ComputedValue{Key: key, Ref: ref, Value: v, Since: fromNano(c.since)}
}

// ValuesOf implements Reader.
func (r *reader) ValuesOf(ctx context.Context, ref Ref) ([]ComputedValue, error) {
	st, err := r.enterRef(ctx, ref.Subject)
	if err != nil {
		return nil, err
	}
	sh, id, rec, err := r.view(st, ref)
	if err != nil {
		return nil, err
	}
	var list []ComputedValue
	if rec != nil {
		for _, c := range rec.values() {
			list = append(list, st.value(st.audiences.key(c.key), Ref{ref.Subject, id}, c))
		}
	}
	r.unlock(sh)
	slices.SortFunc(list, func(a, b ComputedValue) int { return cmp.Compare(a.Key, b.Key) })
	return list, nil
}
