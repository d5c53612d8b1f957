package pebblestore

import (
	"encoding/binary"
	"math"

	"github.com/muster-go/muster/profile"
)

// The first byte of a key says what the row is. Rows of one kind lie together, and what
// belongs to one profile lies together within spaceOwn.
const (
	spaceMeta     = 'a' // name
	spaceDict     = 'd' // number: name of a property
	spaceHeads    = 'h' // subject, id: head
	spaceIDs      = 'i' // subject, type, value, id: nothing
	spaceJoins    = 'j' // account, user: nothing
	spaceKeys     = 'k' // place: key record
	spaceMembers  = 'm' // number, subject, id: instant of the entry
	spaceNumbers  = 'n' // number: key it stands for
	spaceOwn      = 'o' // subject, id, kind, ...: see ownKey
	spacePosition = 'p' // position
	spaceRecords  = 'r' // subscriber, key: what the subscriber keeps
	spaceSenders  = 'q' // account, user: nothing
	spaceValues   = 'v' // number, subject, id: nothing
	spaceWakes    = 'w' // lane, instant, subject, id: nothing
	spaceNotices  = 'x' // id: body
	spaceCursors  = 'y' // subscriber: id it was told up to
	spaceLogs     = 'u' // name: how far it has come in a log
	spaceDeleted  = 'z' // hash of a profile's id: hashes of message ids
)

// The kinds of a profile's own rows, in their order.
const (
	ownCalls  = 'c' // time, arrival: a message that is no event
	ownEvents = 'e' // name, time, arrival: an event
	ownRecord = 'm' // state, and hashes of the message ids in no order
	ownTraits = 't' // writes of traits
)

// Texts that something follows end with 0, and hold none: 0 and 1 within them are written
// as 1 1 and 1 2, so that the order of the keys is that of the texts.
const (
	textEnd    = 0
	textEscape = 1
)

func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c <= textEscape {
			b = append(b, textEscape, c+1)
		} else {
			b = append(b, c)
		}
	}
	return append(b, textEnd)
}

// readText reads what appendText wrote, and returns what follows it.
func readText(b []byte) (text string, rest []byte, ok bool) {
	end, escapes := 0, 0
	for end < len(b) && b[end] != textEnd {
		if b[end] == textEscape {
			escapes++
			end++
		}
		end++
	}
	if end >= len(b) {
		return "", nil, false
	}
	if escapes == 0 {
		return string(b[:end]), b[end+1:], true
	}
	plain := make([]byte, 0, end-escapes)
	for i := 0; i < end; i++ {
		if b[i] == textEscape {
			if i++; b[i] != textEscape && b[i] != textEscape+1 {
				return "", nil, false
			}
			plain = append(plain, b[i]-1)
		} else {
			plain = append(plain, b[i])
		}
	}
	return string(plain), b[end+1:], true
}

// appendInstant appends an instant in nanoseconds so that the order of the bytes is that
// of time.
func appendInstant(b []byte, nano int64) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(nano)^(1<<63))
}

func readInstant(b []byte) int64 { return int64(binary.BigEndian.Uint64(b) ^ (1 << 63)) }

func appendRef(b []byte, space byte, ref profile.Ref) []byte {
	b = append(b, space, byte(ref.Subject))
	return append(b, ref.ID...)
}

func appendHeadKey(b []byte, ref profile.Ref) []byte { return appendRef(b, spaceHeads, ref) }

// appendOwnKey appends the beginning of the keys of a profile's own rows; of those of
// one kind, with the kind behind it.
func appendOwnKey(b []byte, ref profile.Ref) []byte {
	return appendText(append(b, spaceOwn, byte(ref.Subject)), ref.ID)
}

func appendRecordKey(b []byte, ref profile.Ref) []byte {
	return append(appendOwnKey(b, ref), ownRecord)
}

func appendEventKey(b []byte, user, name string, nano int64, seq uint64) []byte {
	b = append(appendOwnKey(b, profile.UserRef(user)), ownEvents)
	b = appendInstant(appendText(b, name), nano)
	return binary.BigEndian.AppendUint64(b, seq)
}

func appendCallKey(b []byte, ref profile.Ref, nano int64, seq uint64) []byte {
	b = appendInstant(append(appendOwnKey(b, ref), ownCalls), nano)
	return binary.BigEndian.AppendUint64(b, seq)
}

func appendNumbered(b []byte, space byte, number uint32) []byte {
	return binary.BigEndian.AppendUint32(append(b, space), number)
}

// appendHolderKey is that of a member of an audience, or of who has a computed value.
func appendHolderKey(b []byte, space byte, number uint32, ref profile.Ref) []byte {
	b = append(appendNumbered(b, space, number), byte(ref.Subject))
	return append(b, ref.ID...)
}

func appendIDKey(b []byte, s profile.Subject, id profile.ExternalID, of string) []byte {
	b = appendText(append(b, spaceIDs, byte(s)), id.Type)
	return append(appendText(b, id.Value), of...)
}

func appendPairKey(b []byte, space byte, account, user string) []byte {
	return append(appendText(append(b, space), account), user...)
}

func appendWakeKey(b []byte, nano int64, ref profile.Ref) []byte {
	b = appendInstant(append(b, spaceWakes, byte(profile.Lane(ref.ID))), nano)
	return append(append(b, byte(ref.Subject)), ref.ID...)
}

func noticeKey(id uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{spaceNotices}, id)
}

func cursorKey(name string) []byte { return append([]byte{spaceCursors}, name...) }

func logKey(name string) []byte { return append([]byte{spaceLogs}, name...) }

// appendRecordsKey is that of a subscriber's record; of all of them, with an empty key.
func appendRecordsKey(b []byte, name, key string) []byte {
	return append(appendText(append(b, spaceRecords), name), key...)
}

var positionKey = []byte{spacePosition}

// keyAfter returns the least key that is greater than all that begin with prefix.
func keyAfter(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i] < math.MaxUint8 {
			end[i]++
			return end[:i+1]
		}
	}
	return nil
}
