package aggregate

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"

	"github.com/muster-go/muster/internal/canonical"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// Values that are remembered have one form for all that are equal by
// profile.Value.Compare: a double that is an int64 is that Int, in lists and
// maps as well. So 1 and 1.0 are one value, reported as 1, whichever came.

// canonicalCopy returns v in that form, in memory of its own.
func canonicalCopy(v profile.Value) profile.Value {
	switch v.Kind() {
	case profile.String:
		text, _ := v.Text()
		return profile.StringValue(text)
	case profile.List, profile.Map:
		return unpacked(canonical.Append(nil, v))
	}
	if _, ok := v.Digits(); ok {
		return unpacked(canonical.Append(nil, v))
	}
	return canonical.Number(v)
}

// unpacked returns the value whose packed form is b. It shares nothing with b.
func unpacked(b []byte) profile.Value {
	kind, b := profile.Kind(b[0]), b[1:]
	switch kind {
	case profile.False, profile.True:
		return profile.BoolValue(kind == profile.True)
	case profile.Int:
		n, _ := binary.Varint(b)
		return profile.IntValue(n)
	case profile.Float:
		if digits := b[8:]; len(digits) > 0 {
			v, _ := profile.NewValue(json.Number(digits)) // it was one
			return v
		}
		return profile.FloatValue(math.Float64frombits(binary.LittleEndian.Uint64(b)))
	case profile.String:
		return profile.StringValue(string(b))
	case profile.List:
		var items []profile.Value
		for len(b) > 0 {
			var item []byte
			item, b = cutSized(b)
			items = append(items, unpacked(item))
		}
		return profile.ListValue(items...)
	case profile.Map:
		m := map[string]any{}
		for len(b) > 0 {
			var key, item []byte
			key, b = cutSized(b)
			item, b = cutSized(b)
			m[string(key)] = unpacked(item)
		}
		v, _ := profile.NewValue(m) // within its limits: see rememberable
		return v
	}
	return profile.Value{}
}

func cutSized(b []byte) (part, rest []byte) {
	n, w := binary.Uvarint(b)
	b = b[w:]
	return b[:n], b[n:]
}

// comparePacked is profile.Value.Compare of packed values, without unpacking
// the kinds that are common.
func comparePacked(a, b []byte) int {
	if profile.Kind(a[0]) == profile.String && profile.Kind(b[0]) == profile.String {
		return bytes.Compare(a[1:], b[1:])
	}
	return unpacked(a).Compare(unpacked(b))
}

// rememberable reports whether v is such a value, and not null.
func rememberable(v profile.Value) bool {
	switch v.Kind() {
	case profile.Null:
		return false
	case profile.String:
		text, _ := v.Bytes()
		return len(text) <= trait.MaxValue
	case profile.List, profile.Map:
		_, err := profile.NewValue(v) // nested too deep
		return err == nil && len(canonical.Append(nil, v)) <= trait.MaxValue
	}
	return true
}
