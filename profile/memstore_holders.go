package profile

import (
	"context"
	"iter"
	"slices"
)

// Holders implements Reader.
func (r *reader) Holders(ctx context.Context, key string, s Subject, after string) iter.Seq2[Holder, error] {
	return func(yield func(Holder, error) bool) {
		st, err := r.enterRef(ctx, s)
		if err != nil {
			yield(Holder{}, err)
			return
		}
		number, ok := st.audiences.find(key)
		if !ok {
			return
		}
		found, texts := holding{key: number}, texts{}
		holders := scan[*record, Holder]{
			tree: profilesOf(s),
			key:  (*record).key,
			take: func(block []*record, to *page[*record, Holder]) {
				found.read(block)
				for i := range found.holders {
					f := &found.holders[i]
					h := Holder{ID: f.id, IDs: f.ids}
					if f.value != nil {
						h.Value, _ = decodeValue(f.value.packed, st.dict)
						h.Value.data = texts.keep(h.Value.data)
					}
					to.add(h.ID, h)
				}
			},
		}
		for h, err := range holders.after(ctx, r, &record{id: after}) {
			if !yield(h, err) || err != nil {
				return
			}
		}
	}
}

// holding reads what those who hold a key have.
//
// Records, and what they point to, lie all over the memory. Who reads one record
// after the other waits for each part of each; here each loop reads one part of
// every record of a block, and the shorter it is, the more of them the processor
// fetches at a time.
type holding struct {
	key     uint32
	parts   []parts
	holders []holder // of the block that was read
	touched int      // a sum of what was read just to have it at hand
}

type parts struct {
	members  []membership
	computed *[]computed
	links    *links
}

type holder struct {
	id    string
	links *links
	ids   []ExternalID
	value *computed // nil: it is a member
}

// read reads a block of records, whose shard is locked.
func (h *holding) read(block []*record) {
	h.parts, h.holders = h.parts[:0], h.holders[:0]
	for _, r := range block {
		h.touched += len(r.id) + cap(r.members)
	}
	for _, r := range block {
		h.parts = append(h.parts, parts{r.members, r.computed, r.links})
	}
	for i := range h.parts {
		p := &h.parts[i]
		if h.isMember(p.members) {
			h.holders = append(h.holders, holder{id: block[i].id, links: p.links})
		} else if v := h.valueOf(p.computed); v != nil {
			h.holders = append(h.holders, holder{id: block[i].id, links: p.links, value: v})
		}
	}
	for i := range h.holders {
		if l := h.holders[i].links; l != nil {
			h.holders[i].ids = l.ids
		}
	}
}

func (h *holding) isMember(list []membership) bool {
	if len(list) > 0 && list[0].audience == h.key {
		return true
	}
	_, ok := slices.BinarySearchFunc(list, h.key, compareMembership)
	return ok
}

func (h *holding) valueOf(list *[]computed) *computed {
	if list == nil {
		return nil
	}
	i, ok := slices.BinarySearchFunc(*list, h.key, compareComputed)
	if !ok {
		return nil
	}
	return &(*list)[i]
}

// texts keeps copies of bytes, many in one allocation.
type texts []byte

const textsSize = 4 << 10

func (t *texts) keep(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	if len(b) > cap(*t)-len(*t) {
		*t = make([]byte, 0, max(len(b), textsSize))
	}
	at := len(*t)
	*t = append(*t, b...)
	return slices.Clip((*t)[at:])
}
