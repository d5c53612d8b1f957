package profile

import (
	"fmt"
	"iter"
)

// Limits on one object. Segment's own limit is 32 KB a message; these leave
// room for senders who do not keep to it.
const (
	MaxSize  = 256 << 10 // bytes of one packed object
	MaxDepth = 32        // levels of nesting
)

// Object is an immutable JSON object in packed form: properties, a context, a
// set of traits. The zero Object is empty. Reading a key scans the entries:
// for the handful of properties of an event that is faster than a map, and
// takes a fraction of its memory.
type Object struct {
	dict *Dict
	body []byte
}

// NewObject packs m. See NewValue for what is accepted and refused.
func NewObject(m map[string]any) (Object, error) {
	if len(m) == 0 {
		return Object{}, nil
	}
	v, err := NewValue(m)
	if err != nil {
		return Object{}, err
	}
	return Object{body: v.data}, nil
}

// Get returns the value of key.
func (o Object) Get(key string) (Value, bool) { return o.Lookup(Key{name: key}) }

// Lookup is Get for a prepared key; it allocates nothing.
func (o Object) Lookup(k Key) (Value, bool) {
	b := o.body
	interned := o.dict != nil && o.dict == k.dict
	for len(b) > 0 {
		n, w := uvarint(b)
		b = b[w:]
		var found bool
		if n&1 == 0 {
			if interned {
				found = uint32(n>>1) == k.id
			} else {
				found = o.dict.name(uint32(n>>1)) == k.name
			}
		} else {
			found = string(b[:n>>1]) == k.name
			b = b[n>>1:]
		}
		if found {
			v, _ := decodeValue(b, o.dict)
			return v, true
		}
		b = b[sizeOf(b):]
	}
	return Value{}, false
}

// Len returns the number of entries.
func (o Object) Len() int {
	n := 0
	for range o.All() {
		n++
	}
	return n
}

// All iterates over the entries in the order of their keys.
func (o Object) All() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		for b := o.body; len(b) > 0; {
			key, v, size := decodeEntry(b, o.dict)
			if !yield(key, v) {
				return
			}
			b = b[size:]
		}
	}
}

// with returns o with key set to v.
func (o Object) with(key string, v Value) Object {
	body := make([]byte, 0, len(o.body)+len(key)+len(v.data)+16)
	put := func(key string, v Value) {
		body = appendKey(body, key, o.dict)
		body = appendValue(body, v, o.dict)
	}
	done := false
	for k, old := range o.All() {
		if k >= key && !done {
			put(key, v)
			done = true
		}
		if k != key {
			put(k, old)
		}
	}
	if !done {
		put(key, v)
	}
	return Object{dict: o.dict, body: body}
}

// checkSize returns an error for an object beyond MaxSize. what names it.
func (o Object) checkSize(what string) error {
	if len(o.body) > MaxSize {
		return fmt.Errorf("%w: %s of %d bytes packed, at most %d", ErrTooLarge, what, len(o.body), MaxSize)
	}
	return nil
}

// Value returns the object as a value.
func (o Object) Value() Value { return Value{kind: Map, data: o.body, dict: o.dict} }

// Map returns the object as plain Go values; see Value.Any.
func (o Object) Map() map[string]any {
	m := map[string]any{}
	for k, v := range o.All() {
		m[k] = v.Any()
	}
	return m
}
