package profile

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"time"
)

// pruneTraits returns the writes that can still matter, in the order of
// Reader.Traits. It reorders writes.
//
// A write is of no more use if a later arrival is at least as great and counts
// at every instant from now on at which this one does.
func pruneTraits(writes []TraitWrite, now int64) []TraitWrite {
	slices.SortStableFunc(writes, func(a, b TraitWrite) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), a.Compare(b))
	})
	kept := writes[len(writes):]
	var name string
	var instant time.Time
	var counting, sameTime uint64 // the last arrival among greater writes: that count by now; of this very time
	for i := len(writes) - 1; i >= 0; i-- {
		w := writes[i]
		if i == len(writes)-1 || w.Name != name {
			name, counting, sameTime = w.Name, 0, 0
			instant = time.Time{}
		}
		if !w.Time.Equal(instant) {
			instant, sameTime = w.Time, 0
		}
		if max(counting, sameTime) < w.Seq {
			// Fill from the back: what is read is always further to the front.
			kept = writes[len(writes)-len(kept)-1:]
			kept[0] = w
		}
		sameTime = max(sameTime, w.Seq)
		if w.Time.UnixNano() <= now {
			counting = max(counting, w.Seq)
		}
	}
	return kept
}

// packTraits packs writes: for each its name (as a key), time in ns since
// MinTime, seq, form and bytes of the message id, value.
func packTraits(writes []TraitWrite, dict *Dict) []byte {
	var b []byte
	for i := range writes {
		w := &writes[i]
		b = appendKey(b, w.Name, dict)
		b = binary.AppendUvarint(b, uint64(w.Time.UnixNano())-uint64(minNano))
		b = binary.AppendUvarint(b, w.Seq)
		m := formOf(w.MessageID)
		b = m.append(append(b, m.form))
		b = appendValue(b, w.Value, dict)
	}
	return slices.Clip(b)
}

// unpackTraits is the opposite of packTraits.
func unpackTraits(b []byte, dict *Dict) []TraitWrite {
	var writes []TraitWrite
	var last []byte // message id of the write before, often the same
	for len(b) > 0 {
		var w TraitWrite
		k, n := uvarint(b)
		if b = b[n:]; k&1 == 0 {
			w.Name = dict.name(uint32(k >> 1))
		} else {
			w.Name, b = string(b[:k>>1]), b[k>>1:]
		}
		t, n := binary.Uvarint(b)
		w.Time, b = fromNano(minNano+int64(t)), b[n:]
		w.Seq, n = binary.Uvarint(b)
		form := b[n]
		raw, rest := splitID(form, b[n+1:])
		if i := len(writes) - 1; i >= 0 && bytes.Equal(raw, last) {
			w.MessageID = writes[i].MessageID
		} else {
			w.MessageID = string(appendIDText(nil, form, raw))
		}
		last = raw
		var size int
		w.Value, size = decodeValue(rest, dict)
		b = rest[size:]
		writes = append(writes, w)
	}
	return writes
}
