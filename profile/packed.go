package profile

import "encoding/binary"

// The packed form of a value: its kind in a byte, then
//
//	Int     zigzag varint
//	Float   8 bytes, little endian
//	digits  8 bytes likewise, uvarint length, text: a Float with Digits
//	String  uvarint length, text
//	List    uvarint length of the body, values
//	Map     uvarint length of the body, entries: key, value
//
// where a key is a uvarint k: k/2 is its number in the dictionary if k is
// even, the length of the text that follows if k is odd.

// digitsKind is the first byte of a Float with Digits.
const digitsKind = Map + 1

// decodeValue returns the value at the start of b, and its packed size.
func decodeValue(b []byte, dict *Dict) (v Value, size int) {
	v.kind = Kind(b[0])
	switch v.kind {
	case Int:
		n, w := binary.Varint(b[1:])
		v.num = uint64(n)
		return v, 1 + w
	case Float:
		v.num = binary.LittleEndian.Uint64(b[1:])
		return v, 9
	case digitsKind:
		n, w := uvarint(b[9:])
		end := 9 + w + n
		return Value{kind: Float, num: binary.LittleEndian.Uint64(b[1:]), data: b[9+w : end : end]}, end
	case String, List, Map:
		n, w := uvarint(b[1:])
		end := 1 + w + n
		v.data, v.dict = b[1+w:end:end], dict
		return v, end
	}
	return v, 1
}

// decodeEntry returns the entry of a map at the start of b, and its packed size.
func decodeEntry(b []byte, dict *Dict) (key string, v Value, size int) {
	n, at := uvarint(b)
	if n&1 == 0 {
		key = dict.name(uint32(n >> 1))
	} else {
		key = string(b[at : at+n>>1])
		at += n >> 1
	}
	v, size = decodeValue(b[at:], dict)
	return key, v, at + size
}

// sizeOf returns the packed size of the value at the start of b.
func sizeOf(b []byte) int {
	switch Kind(b[0]) {
	case Int:
		i := 1
		for b[i] >= 0x80 {
			i++
		}
		return i + 1
	case Float:
		return 9
	case digitsKind:
		n, w := uvarint(b[9:])
		return 9 + w + n
	case String, List, Map:
		n, w := uvarint(b[1:])
		return 1 + w + n
	}
	return 1
}

func uvarint(b []byte) (n, width int) {
	if c := b[0]; c < 0x80 { // nearly every length and key
		return int(c), 1
	}
	u, w := binary.Uvarint(b)
	return int(u), w
}

// appendValue appends v, its keys interned in dict, or inline where dict is nil.
func appendValue(b []byte, v Value, dict *Dict) []byte {
	if digits, ok := v.Digits(); ok {
		b = binary.LittleEndian.AppendUint64(append(b, byte(digitsKind)), v.num)
		b = binary.AppendUvarint(b, uint64(len(digits)))
		return append(b, digits...)
	}
	b = append(b, byte(v.kind))
	switch v.kind {
	case Int:
		return binary.AppendVarint(b, int64(v.num))
	case Float:
		return binary.LittleEndian.AppendUint64(b, v.num)
	case String:
		b = binary.AppendUvarint(b, uint64(len(v.data)))
		return append(b, v.data...)
	case List, Map:
		if v.dict == dict {
			b = binary.AppendUvarint(b, uint64(len(v.data)))
			return append(b, v.data...)
		}
		var body []byte
		if v.kind == List {
			for item := range v.Items() {
				body = appendValue(body, item, dict)
			}
		} else {
			body = Object{dict: v.dict, body: v.data}.AppendPacked(nil, dict)
		}
		b = binary.AppendUvarint(b, uint64(len(body)))
		return append(b, body...)
	}
	return b
}

func appendKey(b []byte, key string, dict *Dict) []byte {
	if dict != nil {
		if id, ok := dict.Intern(key); ok {
			return binary.AppendUvarint(b, uint64(id)<<1)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(key))<<1|1)
	return append(b, key...)
}

// AppendPacked appends the packed bytes of o to b, its keys interned in dict.
// For stores: with PackedObject it is how an object is kept as bytes.
func (o Object) AppendPacked(b []byte, dict *Dict) []byte {
	if o.dict == dict {
		return append(b, o.body...)
	}
	rest := o.body
	for len(rest) > 0 {
		n, w := uvarint(rest)
		rest = rest[w:]
		if n&1 == 0 {
			b = appendKey(b, o.dict.name(uint32(n>>1)), dict)
		} else {
			key := rest[:n>>1]
			if id, ok := dict.known(key); ok { // spares the string
				b = binary.AppendUvarint(b, uint64(id)<<1)
			} else {
				b = appendKey(b, string(key), dict)
			}
			rest = rest[n>>1:]
		}
		if k := Kind(rest[0]); k == List || k == Map {
			v, size := decodeValue(rest, o.dict)
			b = appendValue(b, v, dict)
			rest = rest[size:]
			continue
		}
		size := sizeOf(rest)
		b = append(b, rest[:size]...)
		rest = rest[size:]
	}
	return b
}

// PackedObject returns the object whose packed bytes, made by AppendPacked
// with the same dictionary, are body. It keeps body.
func PackedObject(body []byte, dict *Dict) Object { return Object{dict: dict, body: body} }
