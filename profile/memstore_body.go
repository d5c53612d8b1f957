package profile

import (
	"encoding/binary"
	"strings"
	"time"
)

// Flags of a packed event, besides the form of its message id.
const (
	hasAccount = 1 << 2
	hasContext = 1 << 3
	hasTraits  = 1 << 4 // it is a trait call: see appendTraitCall
)

// appendBody packs what an event holds besides its name, time and seq:
//
//	flags       1 byte
//	message id  see messageID
//	account     uvarint length, text; if there is one
//	properties  packed, up to the end or the context
//	context     packed, then its length in 4 bytes; if there is one
func appendBody(b []byte, m *messageID, e *Event, dict *Dict) []byte {
	flags := m.form
	if e.Account != "" {
		flags |= hasAccount
	}
	if len(e.Context.body) > 0 {
		flags |= hasContext
	}
	b = m.append(append(b, flags))
	if e.Account != "" {
		b = binary.AppendUvarint(b, uint64(len(e.Account)))
		b = append(b, e.Account...)
	}
	b = e.Properties.AppendPacked(b, dict)
	if flags&hasContext != 0 {
		start := len(b)
		b = e.Context.AppendPacked(b, dict)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(b)-start))
	}
	return b
}

// appendTraitCall packs what a trait call holds besides its arrival:
//
//	flags       1 byte
//	message id  see messageID
//	time        uvarint, in ns since MinTime
//	traits      packed, up to the end
func appendTraitCall(b []byte, m *messageID, c *PutTraits, dict *Dict) []byte {
	b = m.append(append(b, m.form|hasTraits))
	b = binary.AppendUvarint(b, uint64(c.Time.UnixNano())-uint64(minNano))
	return c.Traits.AppendPacked(b, dict)
}

// appendWrites appends the writes of the trait call that a body of no name may be.
func appendWrites(writes []TraitWrite, c *cursor, dict *Dict) []TraitWrite {
	flags := c.body[0]
	if flags&hasTraits == 0 {
		return writes
	}
	raw, rest := idOf(c.body)
	id := ""
	if flags&idMask != idNone {
		id = string(appendIDText(nil, flags&idMask, raw))
	}
	t, n := binary.Uvarint(rest)
	for name, v := range PackedObject(rest[n:], dict).All() {
		writes = append(writes, TraitWrite{Name: name, Value: v, Time: fromNano(minNano + int64(t)), MessageID: id, Seq: c.seq})
	}
	return writes
}

// unpacker makes Events of packed ones.
type unpacker struct {
	profile, name string
	dict          *Dict
	ids           strings.Builder // the message ids of many events in one allocation
	text          []byte
}

func (u *unpacker) event(c *cursor) Event {
	e := Event{Profile: u.profile, Name: u.name, Time: fromNano(c.time), Seq: c.seq}
	flags := c.body[0]
	raw, rest := idOf(c.body)
	if flags&idMask != idNone {
		u.text = appendIDText(u.text[:0], flags&idMask, raw)
		e.MessageID = u.keep(u.text)
	}
	if flags&hasAccount != 0 {
		n, w := uvarint(rest)
		e.Account = u.keep(rest[w : w+n])
		rest = rest[w+n:]
	}
	if flags&hasContext != 0 {
		e.Context, rest = cutContext(rest, u.dict)
	}
	if len(rest) > 0 {
		e.Properties = PackedObject(rest, u.dict)
	}
	return e
}

// cutAccount splits a packed event, from its account on, into that and the rest.
func cutAccount(b []byte) (account string, rest []byte) {
	n, w := uvarint(b)
	return string(b[w : w+n]), b[w+n:]
}

// cutContext splits a packed event, from its properties on, into the context behind them and
// them.
func cutContext(b []byte, dict *Dict) (context Object, properties []byte) {
	end := len(b) - 4
	start := end - int(binary.LittleEndian.Uint32(b[end:]))
	return PackedObject(b[start:end:end], dict), b[:start:start]
}

// keep returns text as a string. One that is kept keeps a few neighbours.
func (u *unpacker) keep(text []byte) string {
	if u.ids.Cap()-u.ids.Len() < len(text) {
		u.ids.Reset()
		u.ids.Grow(max(16*36, len(text)))
	}
	start := u.ids.Len()
	u.ids.Write(text)
	return u.ids.String()[start:]
}

func fromNano(n int64) time.Time { return time.Unix(0, n).UTC() }
