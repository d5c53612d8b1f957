package pebblestore

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"time"

	"github.com/muster-go/muster/profile"
)

// The flags of a message's row: the form of its id in the two lowest bits, and what there
// is besides.
const (
	idNone = iota
	idUUID // 16 bytes, written with dashes in lower case
	idText
	idMask     = 3
	hasAccount = 1 << 2
	hasContext = 1 << 3
	hasTraits  = 1 << 4 // a trait call: see appendCall
)

// message is an event, or another message with a message id, as its row has it.
type message struct {
	name    string // of an event
	nano    int64  // of an event its time, of another message when it arrived
	seq     uint64
	id      string
	account string
	props   profile.Object
	context profile.Object
	at      int64 // of a trait call: its time
	call    bool  // a trait call, of props
}

// appendMessage appends the row of a message: flags, message id, then what the flags say,
// in the order of their bits; the properties are at its end.
func appendMessage(b []byte, m *message, dict *profile.Dict) []byte {
	start := len(b)
	b = appendMessageID(append(b, 0), start, m.id)
	if m.account != "" {
		b[start] |= hasAccount
		b = appendBytes(b, m.account)
	}
	if m.context.Len() > 0 {
		b[start] |= hasContext
		packed := m.context.AppendPacked(nil, dict)
		b = appendBytes(b, packed)
	}
	if m.call {
		b[start] |= hasTraits
		b = appendNano(b, m.at)
	}
	return m.props.AppendPacked(b, dict)
}

// appendMessageID appends a message id, and sets its form in the flags.
func appendMessageID(b []byte, flags int, id string) []byte {
	var uuid [16]byte
	switch {
	case id == "":
		return b
	case parseUUID(id, &uuid):
		b[flags] |= idUUID
		return append(b, uuid[:]...)
	}
	b[flags] |= idText
	return appendBytes(b, id)
}

// readMessage reads the row of a message: all but what its key has. It keeps b.
func readMessage(b []byte, dict *profile.Dict) (m message, err error) {
	s := scanner{b: b}
	flags := s.byte()
	switch flags & idMask {
	case idUUID:
		m.id = string(appendUUID(nil, s.next(16)))
	case idText:
		m.id = s.text()
	case idNone:
	default:
		return m, errRow
	}
	if flags&hasAccount != 0 {
		m.account = s.text()
	}
	if flags&hasContext != 0 {
		packed := s.bytes()
		if err := profile.CheckPacked(packed, dict); err != nil {
			return m, err
		}
		m.context = profile.PackedObject(packed, dict)
	}
	if flags&hasTraits != 0 {
		m.call, m.at = true, s.instant()
	}
	if s.bad || flags >= hasTraits<<1 {
		return m, errRow
	}
	if len(s.b) > 0 {
		if err := profile.CheckPacked(s.b, dict); err != nil {
			return m, err
		}
		m.props = profile.PackedObject(s.b, dict)
	}
	return m, nil
}

// readEventKey reads the key of an event behind the name; readCallKey that of another
// message behind the kind.
func (m *message) readTail(b []byte) error {
	if len(b) != 16 {
		return errRow
	}
	m.nano, m.seq = readInstant(b), binary.BigEndian.Uint64(b[8:])
	return nil
}

func (m *message) event(user string) profile.Event {
	return profile.Event{Profile: user, Name: m.name, Time: fromNano(m.nano), MessageID: m.id, Account: m.account,
		Properties: m.props, Context: m.context, Seq: m.seq}
}

// writes returns what a trait call set.
func (m *message) writes() (list []profile.TraitWrite) {
	if !m.call {
		return nil
	}
	for name, v := range m.props.All() {
		list = append(list, profile.TraitWrite{Name: name, Value: v, Time: fromNano(m.at), MessageID: m.id, Seq: m.seq})
	}
	return list
}

func appendUUID(b, raw []byte) []byte {
	if len(raw) != 16 {
		return b
	}
	for i, part := range [...][]byte{raw[:4], raw[4:6], raw[6:8], raw[8:10], raw[10:]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, part)
	}
	return b
}

// parseUUID reads a UUID in its usual form; what appendUUID would not give back letter by
// letter is none.
func parseUUID(s string, into *[16]byte) bool {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	n := 0
	for i := 0; i < 36; i += 2 {
		if s[i] == '-' {
			i++
		}
		hi, lo := fromHex(s[i]), fromHex(s[i+1])
		if hi|lo > 15 {
			return false
		}
		into[n] = hi<<4 | lo
		n++
	}
	return true
}

func fromHex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return math.MaxUint8
}

// appendWrites packs the writes of a profile's traits.
func appendWrites(b []byte, writes []profile.TraitWrite, dict *profile.Dict) []byte {
	for i := range writes {
		w := &writes[i]
		b = appendNano(appendBytes(b, w.Name), w.Time.UnixNano())
		b = appendBytes(binary.AppendUvarint(b, w.Seq), w.MessageID)
		b = profile.AppendPackedValue(b, w.Value, dict)
	}
	return b
}

// readWrites is the opposite of appendWrites; it keeps b.
func readWrites(b []byte, dict *profile.Dict) (writes []profile.TraitWrite, err error) {
	s := scanner{b: b}
	for len(s.b) > 0 {
		w := profile.TraitWrite{Name: s.text(), Time: fromNano(s.instant()), Seq: s.uvarint(), MessageID: s.text()}
		if s.bad {
			return nil, errRow
		}
		var size int
		if w.Value, size, err = profile.PackedValue(s.b, dict); err != nil {
			return nil, err
		}
		s.next(size)
		writes = append(writes, w)
	}
	return writes, nil
}

// seed is random, of the store: who chooses ids cannot choose their hashes.
type seed [16]byte

// sum returns the hash of a text.
func (s *seed) sum(text string) uint64 {
	var buffer [256]byte
	h := sha256.Sum256(append(append(buffer[:0], s[:]...), text...))
	return binary.LittleEndian.Uint64(h[:])
}

// fold returns the hash of a message id as the row of those has it: never 0, which stands
// for a message without one.
func fold(sum uint64) uint32 { return max(uint32(sum), 1) }

// cutoff returns the instant before which events are dropped.
func cutoff(now int64, retention time.Duration) int64 {
	if retention == 0 || now < math.MinInt64+int64(retention) {
		return math.MinInt64
	}
	return now - int64(retention)
}
