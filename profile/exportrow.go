package profile

import (
	"encoding/binary"
	"fmt"
	"time"
)

// The row of an export: its kind in a byte, then its fields in their order. Numbers are
// uvarints, instants are 8 bytes of nanoseconds, texts come after their length, lists after
// their number. Objects and values are packed without a dictionary, so that they are the
// same whatever store they come from.
const (
	rowAt       = 'a'
	rowKey      = 'k'
	rowCursor   = 'c'
	rowPosition = 'p'
	rowRecord   = 'r'
	rowNotice   = 'n'
	rowDeleted  = 'd'
	rowContents = 'u'
)

// appendRow appends a row, kind and all.
func appendRow(b []byte, row Row) []byte {
	switch r := row.(type) {
	case *At:
		b = binary.AppendUvarint(append(b, rowAt), r.Seq)
		return appendInstant(binary.AppendUvarint(b, r.Notice), r.Now)
	case *KeyRecord:
		b = appendText(append(b, rowKey), r.Key)
		b = binary.AppendUvarint(binary.AppendUvarint(b, r.Since), uint64(r.Version))
		b = appendFlags(b, r.Pending, r.Definition != nil)
		return append(b, r.Definition...)
	case *SetCursor:
		return binary.AppendUvarint(appendText(append(b, rowCursor), r.Subscriber), r.UpTo)
	case *SetPosition:
		return binary.AppendUvarint(appendText(appendText(append(b, rowPosition), r.Name), r.Offset), r.OutTold)
	case *SetRecord:
		b = appendText(appendText(append(b, rowRecord), r.Subscriber), r.Record.Key)
		return append(b, r.Record.Value...)
	case *Notice:
		return append(binary.AppendUvarint(append(b, rowNotice), r.ID), r.Body...)
	case *Deleted:
		b = append(append(b, rowDeleted), r.Profile[:]...)
		b = appendInstant(b, r.Until)
		for i := range r.Messages {
			b = append(b, r.Messages[i][:]...)
		}
		return b
	case *Contents:
		return appendContents(append(b, rowContents), r)
	}
	return b
}

func appendContents(b []byte, c *Contents) []byte {
	b = appendText(appendFlags(append(b, byte(c.Ref.Subject)), c.Known), c.Ref.ID)
	b = binary.AppendUvarint(b, uint64(len(c.IDs)))
	for _, id := range c.IDs {
		b = appendText(appendText(b, id.Type), id.Value)
	}
	for _, list := range [...][]string{c.Accounts, c.Senders, c.Merged} {
		b = binary.AppendUvarint(b, uint64(len(list)))
		for _, id := range list {
			b = appendText(b, id)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(c.Messages)))
	name := ""
	for i := range c.Messages {
		b = appendMessage(b, &c.Messages[i], name)
		name = c.Messages[i].Event.Name
	}
	b = binary.AppendUvarint(b, uint64(len(c.Traits)))
	for i := range c.Traits {
		w := &c.Traits[i]
		b = appendInstant(appendText(b, w.Name), w.Time)
		b = appendText(binary.AppendUvarint(b, w.Seq), w.MessageID)
		b = appendValue(b, w.Value, nil)
	}
	b = binary.AppendUvarint(b, uint64(len(c.Members)))
	for _, m := range c.Members {
		b = appendInstant(appendText(b, m.Audience), m.Since)
	}
	b = binary.AppendUvarint(b, uint64(len(c.Values)))
	for _, v := range c.Values {
		b = appendValue(appendInstant(appendText(b, v.Key), v.Since), v.Value, nil)
	}
	b = binary.AppendUvarint(appendInstant(b, c.Wake.At), uint64(c.Wake.Version))
	b = binary.AppendUvarint(b, uint64(len(c.Wake.Marks)))
	for _, m := range c.Wake.Marks {
		b = binary.LittleEndian.AppendUint64(b, m)
	}
	return b
}

// appendMessage appends a message; name is that of the event before.
func appendMessage(b []byte, m *KeptMessage, name string) []byte {
	e := &m.Event
	same := e.Name == name
	b = appendFlags(b, same, m.Call, e.Account != "", len(e.Context.body) > 0)
	if !same {
		b = appendText(b, e.Name)
	}
	b = appendText(binary.AppendUvarint(appendInstant(b, e.Time), e.Seq), e.MessageID)
	if e.Account != "" {
		b = appendText(b, e.Account)
	}
	if len(e.Context.body) > 0 {
		b = appendText(b, e.Context.AppendPacked(nil, nil))
	}
	if m.Call {
		return appendText(appendInstant(b, m.Time), m.Traits.AppendPacked(nil, nil))
	}
	return appendText(b, e.Properties.AppendPacked(nil, nil))
}

func appendText[T string | []byte](b []byte, text T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// appendInstant appends an instant; the zero time is none.
func appendInstant(b []byte, t time.Time) []byte {
	nano := int64(never)
	if !t.IsZero() {
		nano = t.UnixNano()
	}
	return binary.LittleEndian.AppendUint64(b, uint64(nano))
}

func appendFlags(b []byte, flags ...bool) []byte {
	all := byte(0)
	for i, is := range flags {
		if is {
			all |= 1 << i
		}
	}
	return append(b, all)
}

// readRow reads a row. It keeps b. An error wraps ErrInvalid, ErrTooLarge or ErrTime.
func readRow(b []byte) (row Row, err error) {
	f := rowFields{b: b}
	switch kind := f.byte(); kind {
	case rowAt:
		row = &At{Seq: f.number(), Notice: f.number(), Now: f.instant()}
	case rowKey:
		r := &KeyRecord{Key: f.text(), Since: f.number(), Version: f.number32()}
		flags := f.flags(2)
		if r.Pending = flags&1 != 0; flags&2 != 0 {
			r.Definition = f.rest()
		}
		row = r
	case rowCursor:
		row = &SetCursor{Subscriber: f.text(), UpTo: f.number()}
	case rowPosition:
		row = &SetPosition{Name: f.text(), Offset: f.text(), OutTold: f.number()}
	case rowRecord:
		row = &SetRecord{Subscriber: f.text(), Record: Record{Key: f.text(), Value: f.rest()}}
	case rowNotice:
		row = &Notice{ID: f.number(), Body: f.rest()}
	case rowDeleted:
		r := &Deleted{Profile: f.hash(), Until: f.instant()}
		for range len(f.b) / len(Hash{}) {
			r.Messages = append(r.Messages, f.hash())
		}
		row = r
	case rowContents:
		row = f.contents()
	default:
		return nil, fmt.Errorf("%w: a row of kind %q", ErrInvalid, kind)
	}
	if f.bad || len(f.b) > 0 {
		return nil, fmt.Errorf("%w: a row of kind %q is too short or too long", ErrInvalid, b[0])
	}
	return row, CheckRow(row)
}

func (f *rowFields) contents() *Contents {
	c := &Contents{Ref: Ref{Subject: Subject(f.byte())}, Known: f.flags(1) != 0}
	c.Ref.ID = f.text()
	for range f.count() {
		c.IDs = append(c.IDs, ExternalID{f.text(), f.text()})
	}
	for _, list := range [...]*[]string{&c.Accounts, &c.Senders, &c.Merged} {
		for range f.count() {
			*list = append(*list, f.text())
		}
	}
	name := ""
	for range f.count() {
		m := f.message(c.Ref.ID, name)
		name = m.Event.Name
		c.Messages = append(c.Messages, m)
	}
	for range f.count() {
		c.Traits = append(c.Traits, TraitWrite{Name: f.text(), Time: f.instant(), Seq: f.number(), MessageID: f.text(), Value: f.value()})
	}
	for range f.count() {
		c.Members = append(c.Members, Membership{f.text(), c.Ref, f.instant()})
	}
	for range f.count() {
		v := ComputedValue{Key: f.text(), Ref: c.Ref, Since: f.instant()}
		v.Value = f.value()
		c.Values = append(c.Values, v)
	}
	c.Wake = Wake{Ref: c.Ref, At: f.instant(), Version: f.number32()}
	for range f.count() {
		c.Wake.Marks = append(c.Wake.Marks, uint64(f.nano()))
	}
	return c
}

func (f *rowFields) message(profile, name string) (m KeptMessage) {
	flags := f.flags(4)
	m.Event.Profile = profile
	if m.Event.Name = name; flags&1 == 0 {
		m.Event.Name = f.text()
	}
	m.Event.Time, m.Event.Seq, m.Event.MessageID = f.instant(), f.number(), f.text()
	if flags&4 != 0 {
		m.Event.Account = f.text()
	}
	if flags&8 != 0 {
		m.Event.Context = f.object()
	}
	if m.Call = flags&2 != 0; m.Call {
		m.Time, m.Traits = f.instant(), f.object()
	} else {
		m.Event.Properties = f.object()
	}
	return m
}

// rowFields reads the fields of a row. Once one is missing all that follow are zero, and bad is
// set.
type rowFields struct {
	b   []byte
	bad bool
}

func (f *rowFields) next(n uint64) []byte {
	if n > uint64(len(f.b)) {
		f.b, f.bad = nil, true
		return nil
	}
	b := f.b[:n:n]
	f.b = f.b[n:]
	return b
}

func (f *rowFields) rest() []byte { return f.next(uint64(len(f.b))) }

func (f *rowFields) byte() byte {
	if b := f.next(1); b != nil {
		return b[0]
	}
	return 0
}

// flags reads flags, of which there are n.
func (f *rowFields) flags(n int) byte {
	b := f.byte()
	f.bad = f.bad || b>>n != 0
	return b
}

func (f *rowFields) number() uint64 {
	n, w := binary.Uvarint(f.b)
	if w <= 0 {
		f.b, f.bad = nil, true
		return 0
	}
	f.b = f.b[w:]
	return n
}

func (f *rowFields) number32() uint32 {
	n := f.number()
	f.bad = f.bad || n>>32 != 0
	return uint32(n)
}

// count reads how many things follow, each of which takes a byte at least.
func (f *rowFields) count() int {
	n := f.number()
	if n > uint64(len(f.b)) {
		f.b, f.bad = nil, true
		return 0
	}
	return int(n)
}

func (f *rowFields) text() string { return string(f.next(f.number())) }

func (f *rowFields) nano() int64 {
	if b := f.next(8); b != nil {
		return int64(binary.LittleEndian.Uint64(b))
	}
	return 0
}

func (f *rowFields) instant() time.Time {
	if nano := f.nano(); nano != never {
		return fromNano(nano)
	}
	return time.Time{}
}

func (f *rowFields) hash() (h Hash) {
	copy(h[:], f.next(uint64(len(h))))
	return h
}

func (f *rowFields) object() Object {
	body := f.next(f.number())
	if len(body) > MaxSize || checkEntries(body, nil, MaxDepth) != nil {
		f.bad = true
		return Object{}
	}
	if len(body) == 0 {
		return Object{}
	}
	return PackedObject(body, nil)
}

func (f *rowFields) value() Value {
	v, size, err := PackedValue(f.b, nil)
	if err != nil {
		f.b, f.bad = nil, true
		return Value{}
	}
	f.b = f.b[size:]
	return v
}
