package pebblestore

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/muster-go/muster/profile"
)

// errRow is the error of a row that cannot be one of this store's.
var errRow = errors.New("a row that no store wrote")

// damaged says which row is not as it was written. It wraps ErrDamaged.
func damaged(key []byte, err error) error {
	return fmt.Errorf("%w: row %s: %w", ErrDamaged, hex.EncodeToString(key), err)
}

// scanner reads the fields of a row. Once a field is missing all that follow are zero,
// and bad is set.
type scanner struct {
	b   []byte
	bad bool
}

func (s *scanner) fail() { s.b, s.bad = nil, true }

func (s *scanner) byte() byte {
	if len(s.b) == 0 {
		s.fail()
		return 0
	}
	c := s.b[0]
	s.b = s.b[1:]
	return c
}

func (s *scanner) uvarint() uint64 {
	n, w := binary.Uvarint(s.b)
	if w <= 0 {
		s.fail()
		return 0
	}
	s.b = s.b[w:]
	return n
}

// count reads how many things follow, each of which takes a byte at least.
func (s *scanner) count() int {
	n := s.uvarint()
	if n > uint64(len(s.b)) {
		s.fail()
		return 0
	}
	return int(n)
}

func (s *scanner) bytes() []byte { return s.next(s.count()) }

func (s *scanner) next(n int) []byte {
	if n < 0 || n > len(s.b) {
		s.fail()
		return nil
	}
	b := s.b[:n:n]
	s.b = s.b[n:]
	return b
}

func (s *scanner) text() string { return string(s.bytes()) }

func (s *scanner) instant() int64 {
	if b := s.next(8); b != nil {
		return int64(binary.LittleEndian.Uint64(b))
	}
	return 0
}

// end returns an error unless the row was read to its end, and no further.
func (s *scanner) end() error {
	if s.bad || len(s.b) > 0 {
		return errRow
	}
	return nil
}

func appendBytes[T string | []byte](b []byte, text T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func appendTexts(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, text := range list {
		b = appendBytes(b, text)
	}
	return b
}

func (s *scanner) texts() []string {
	n := s.count()
	if n == 0 {
		return nil
	}
	list := make([]string, 0, n)
	for range n {
		list = append(list, s.text())
	}
	return list
}

func appendNano(b []byte, nano int64) []byte {
	return binary.LittleEndian.AppendUint64(b, uint64(nano))
}

// never is the instant of what has none.
const never = math.MinInt64

func fromNano(n int64) time.Time { return time.Unix(0, n).UTC() }

func toNano(t time.Time) int64 {
	if t.IsZero() {
		return never
	}
	return t.UnixNano()
}

// head is who a profile is: the row of spaceHeads.
type head struct {
	into     string // the id is another profile's, which it was merged into, under this id
	known    bool
	ids      []profile.ExternalID // by type, then value
	accounts []string             // ascending, as the others are
	senders  []string
	aliases  []string // ids merged into it, in the order of the merges
}

const (
	headKnown  = 1
	headMerged = 2
)

func (h *head) append(b []byte) []byte {
	if h.into != "" {
		return append(append(b, headMerged), h.into...)
	}
	flags := byte(0)
	if h.known {
		flags = headKnown
	}
	b = binary.AppendUvarint(append(b, flags), uint64(len(h.ids)))
	for _, id := range h.ids {
		b = appendBytes(appendBytes(b, id.Type), id.Value)
	}
	return appendTexts(appendTexts(appendTexts(b, h.accounts), h.senders), h.aliases)
}

func readHead(b []byte) (h head, err error) {
	s := scanner{b: b}
	switch flags := s.byte(); flags {
	case headMerged:
		if len(s.b) == 0 {
			return h, errRow
		}
		h.into = string(s.b)
		return h, nil
	case 0, headKnown:
		h.known = flags == headKnown
	default:
		return h, errRow
	}
	if n := s.count(); n > 0 {
		h.ids = make([]profile.ExternalID, 0, n)
		for range n {
			h.ids = append(h.ids, profile.ExternalID{Type: s.text(), Value: s.text()})
		}
	}
	h.accounts, h.senders, h.aliases = s.texts(), s.texts(), s.texts()
	return h, s.end()
}

// state is what the engine has made of a profile: a part of the row of ownRecord. Its lists are
// replaced, never changed in place.
type state struct {
	wake    int64 // never: none
	version uint32
	marks   []uint64
	members []membership // by number
	values  []computed   // by number
	counts  []profile.UsersCount
	counted uint32
}

type membership struct {
	number uint32 // of the audience
	since  int64
}

type computed struct {
	number uint32 // of the computed trait
	since  int64
	packed []byte
}

func noState() state { return state{wake: never} }

func (st *state) append(b []byte) []byte {
	b = appendNano(binary.AppendUvarint(b, uint64(st.version)), st.wake)
	b = binary.AppendUvarint(b, uint64(len(st.marks)))
	for _, m := range st.marks {
		b = appendNano(b, int64(m))
	}
	b = binary.AppendUvarint(b, uint64(len(st.members)))
	for _, m := range st.members {
		b = appendNano(binary.AppendUvarint(b, uint64(m.number)), m.since)
	}
	b = binary.AppendUvarint(b, uint64(len(st.values)))
	for _, v := range st.values {
		b = appendBytes(appendNano(binary.AppendUvarint(b, uint64(v.number)), v.since), v.packed)
	}
	if len(st.counts) == 0 {
		return b // most profiles are users
	}
	b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(len(st.counts))), uint64(st.counted))
	for _, c := range st.counts {
		b = binary.AppendUvarint(appendNano(b, int64(c.Mark)), uint64(c.Users))
		b = binary.AppendUvarint(b, uint64(c.Meet))
	}
	return b
}

// readState reads a state; it keeps b.
func readState(b []byte) (st state, err error) {
	s := scanner{b: b}
	version := s.uvarint()
	st.version, st.wake = uint32(version), s.instant()
	if n := s.count(); n > 0 {
		st.marks = make([]uint64, 0, n)
		for range n {
			st.marks = append(st.marks, uint64(s.instant()))
		}
	}
	if n := s.count(); n > 0 {
		st.members = make([]membership, 0, n)
		for range n {
			st.members = append(st.members, membership{s.number(), s.instant()})
		}
	}
	if n := s.count(); n > 0 {
		st.values = make([]computed, 0, n)
		for range n {
			st.values = append(st.values, computed{s.number(), s.instant(), s.bytes()})
		}
	}
	if len(s.b) > 0 && !s.bad {
		n := s.count()
		st.counted = s.number()
		st.counts = make([]profile.UsersCount, 0, n)
		for range n {
			st.counts = append(st.counts, profile.UsersCount{Mark: uint64(s.instant()), Users: s.number(), Meet: s.number()})
		}
		if n == 0 {
			return st, errRow
		}
	}
	if version > math.MaxUint32 {
		return st, errRow
	}
	return st, s.end()
}

func (s *scanner) number() uint32 {
	n := s.uvarint()
	if n > math.MaxUint32 {
		s.fail()
	}
	return uint32(n)
}
