package profile

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"
	"unicode/utf8"
)

// What a Store outside of this package needs to keep what this package defines, and to
// refuse what MemStore refuses.

// CheckChange returns an error for a change that no store takes, whatever the store
// holds: it wraps ErrInvalid, ErrTooLarge or ErrTime.
func CheckChange(c Change) error { return validate(c) }

// CheckLater returns an error for an instant that a transaction cannot be moved to from
// another: see Tx.At.
func CheckLater(from, to time.Time) error {
	if err := CheckTime(to); err != nil {
		return fmt.Errorf("instant of a transaction: %w", err)
	}
	if to.Before(from) {
		return fmt.Errorf("%w: instant of a transaction: %s is before %s", ErrInvalid, to.UTC().Format(time.RFC3339Nano), from.UTC().Format(time.RFC3339Nano))
	}
	return nil
}

// PruneTraits returns the writes of a profile that can still matter after an instant, in
// the order of Reader.Traits. It reorders writes, and returns a part of that memory.
func PruneTraits(writes []TraitWrite, now time.Time) []TraitWrite {
	return pruneTraits(writes, now.UnixNano())
}

// WithDefaults returns the limits with the defaults in place of those that are 0.
func (l Limits) WithDefaults() Limits { return l.withDefaults() }

// Names returns the keys that have a number, in the order of the numbers. The list must
// not be changed.
func (d *Dict) Names() []string { return slices.Clip(d.state.Load().names) }

// RestoreDict returns a dictionary in which each name has its place in the list for a
// number: that of which Names has returned the list. No name is there twice.
func RestoreDict(names []string) *Dict {
	d := NewDict()
	ids := make(map[string]uint32, len(names))
	for i, name := range names {
		ids[name] = uint32(i)
	}
	d.state.Store(&dictState{ids: ids, names: slices.Clone(names)})
	return d
}

// AppendPackedValue appends the packed bytes of v to b, its keys interned in dict.
func AppendPackedValue(b []byte, v Value, dict *Dict) []byte { return appendValue(b, v, dict) }

// PackedValue returns the value at the start of b, which AppendPackedValue made with the
// same dictionary, and its size in bytes. It keeps b. Of other bytes it returns an error
// that wraps ErrInvalid: what it returns without one can be read.
func PackedValue(b []byte, dict *Dict) (v Value, size int, err error) {
	size, err = checkValue(b, dict, MaxDepth)
	if err != nil {
		return Value{}, 0, err
	}
	v, _ = decodeValue(b, dict)
	return v, size, nil
}

// CheckPacked returns an error that wraps ErrInvalid unless body is the packed bytes of
// an object of a dictionary: of what it takes PackedObject makes an object that can be
// read.
func CheckPacked(body []byte, dict *Dict) error { return checkEntries(body, dict, MaxDepth) }

var errPacked = fmt.Errorf("%w: packed bytes of no value", ErrInvalid)

// checkEntries checks the body of a map that nests at most depth more levels.
func checkEntries(b []byte, dict *Dict, depth int) error {
	names := uint64(0)
	if dict != nil {
		names = uint64(len(dict.state.Load().names))
	}
	for len(b) > 0 {
		k, w := binary.Uvarint(b)
		if w <= 0 {
			return errPacked
		}
		b = b[w:]
		if k&1 == 0 {
			if k>>1 >= names {
				return errPacked
			}
		} else if k >>= 1; k > uint64(len(b)) || !utf8.Valid(b[:k]) {
			return errPacked
		} else {
			b = b[k:]
		}
		size, err := checkValue(b, dict, depth)
		if err != nil {
			return err
		}
		b = b[size:]
	}
	return nil
}

// checkValue returns the size of the value at the start of b, which nests at most depth
// levels.
func checkValue(b []byte, dict *Dict, depth int) (size int, err error) {
	if len(b) == 0 {
		return 0, errPacked
	}
	at := 1
	switch kind := Kind(b[0]); kind {
	case Null, False, True:
		return 1, nil
	case Int:
		_, w := binary.Varint(b[1:])
		if w <= 0 {
			return 0, errPacked
		}
		return 1 + w, nil
	case Float:
		if len(b) < 9 || !finite(b[1:]) {
			return 0, errPacked
		}
		return 9, nil
	case String, List, Map:
	case digitsKind:
		if at = 9; len(b) < at {
			return 0, errPacked
		}
	default:
		return 0, errPacked
	}
	n, w := binary.Uvarint(b[at:])
	if at += w; w <= 0 || n > uint64(len(b)-at) {
		return 0, errPacked
	}
	size = at + int(n)
	body := b[at:size]
	switch Kind(b[0]) {
	case List, Map:
		if depth == 0 {
			return 0, errPacked
		}
	}
	switch Kind(b[0]) {
	case String:
		if !utf8.Valid(body) {
			return 0, errPacked
		}
	case digitsKind:
		v, ok := wholeValue(body)
		if !ok || v.data == nil || v.num != binary.LittleEndian.Uint64(b[1:]) {
			return 0, errPacked
		}
	case List:
		for len(body) > 0 {
			n, err := checkValue(body, dict, depth-1)
			if err != nil {
				return 0, err
			}
			body = body[n:]
		}
	case Map:
		return size, checkEntries(body, dict, depth-1)
	}
	return size, nil
}

// finite reports whether the float64 at the start of b is a number.
func finite(b []byte) bool {
	f := math.Float64frombits(binary.LittleEndian.Uint64(b))
	return !math.IsInf(f, 0) && !math.IsNaN(f)
}
