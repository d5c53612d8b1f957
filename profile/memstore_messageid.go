package profile

import (
	"encoding/binary"
	"encoding/hex"
	"hash/maphash"
)

// The forms in which a message id is kept: the low bits of an event's flags.
const (
	idNone byte = iota
	idUUID      // 16 bytes, written with dashes in lower case
	idText      // uvarint length, text
	idMask = 3
)

// messageID is a message id ready to be stored or searched for.
type messageID struct {
	form byte
	hash uint32 // not 0, unless there is no id
	uuid [16]byte
	text string
}

func formOf(id string) (m messageID) {
	switch {
	case id == "":
	case parseUUID(id, &m.uuid):
		m.form = idUUID
	default:
		m.form, m.text = idText, id
	}
	return m
}

func (st *state) message(id string) messageID {
	m := formOf(id)
	switch m.form {
	case idUUID:
		m.hash = foldHash(maphash.Bytes(st.seed, m.uuid[:]))
	case idText:
		m.hash = foldHash(maphash.String(st.seed, id))
	}
	return m
}

// wide returns the hash that stands for the id where the id itself is not kept.
func (m *messageID) wide() Hash {
	if m.form == idUUID {
		var text [36]byte
		return HashMessageID(string(appendIDText(text[:0], idUUID, m.uuid[:])))
	}
	return HashMessageID(m.text)
}

func foldHash(h uint64) uint32 { return uint32(h) | 1<<31 }

// append appends the stored form, without the flags.
func (m *messageID) append(b []byte) []byte {
	switch m.form {
	case idUUID:
		return append(b, m.uuid[:]...)
	case idText:
		b = binary.AppendUvarint(b, uint64(len(m.text)))
		return append(b, m.text...)
	}
	return b
}

// is reports whether m is the message id of a packed event.
func (m *messageID) is(body []byte) bool {
	raw, _ := idOf(body)
	if body[0]&idMask != m.form {
		return false
	}
	if m.form == idUUID {
		return string(raw) == string(m.uuid[:])
	}
	return string(raw) == m.text
}

// idOf returns the stored bytes of a packed event's message id, and what
// follows them.
func idOf(body []byte) (raw, rest []byte) {
	return splitID(body[0]&idMask, body[1:])
}

func splitID(form byte, b []byte) (raw, rest []byte) {
	switch form {
	case idUUID:
		return b[:16], b[16:]
	case idText:
		n, w := uvarint(b)
		return b[w : w+n], b[w+n:]
	}
	return nil, b
}

// hashOf returns the hash of a packed event's message id, if it has one.
func hashOf(seed maphash.Seed, body []byte) (uint32, bool) {
	if body[0]&idMask == idNone {
		return 0, false
	}
	raw, _ := idOf(body)
	return foldHash(maphash.Bytes(seed, raw)), true
}

// wideOf returns the hash that stands for a packed event's message id, if it has one.
func wideOf(body []byte) (Hash, bool) {
	form := body[0] & idMask
	if form == idNone {
		return Hash{}, false
	}
	raw, _ := idOf(body)
	return HashMessageID(string(appendIDText(nil, form, raw))), true
}

// appendIDText appends the message id as the sender wrote it.
func appendIDText(b []byte, form byte, raw []byte) []byte {
	if form != idUUID {
		return append(b, raw...)
	}
	for i, part := range [...][]byte{raw[:4], raw[4:6], raw[6:8], raw[8:10], raw[10:]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, part)
	}
	return b
}

// parseUUID decodes a UUID in its usual form, exactly: what appendIDText
// would not give back letter by letter is refused.
func parseUUID(s string, into *[16]byte) bool {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	n := 0
	for i := 0; i < 36; i += 2 {
		if s[i] == '-' {
			i++
		}
		hi, lo := fromHex[s[i]], fromHex[s[i+1]]
		if hi|lo > 15 {
			return false
		}
		into[n] = hi<<4 | lo
		n++
	}
	return true
}

// fromHex is the value of a lower-case hex digit, 0xff for any other byte: in
// random ids branches would be mispredicted every other time.
var fromHex = func() (table [256]byte) {
	for i := range table {
		table[i] = 0xff
	}
	for i, c := range []byte("0123456789abcdef") {
		table[c] = byte(i)
	}
	return table
}()
