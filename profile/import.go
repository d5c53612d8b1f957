package profile

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"iter"
)

// What Import returns of what it reads; what is wrong with it more closely is in the text.
var (
	// ErrExportFormat says that it is no export, or one of a later version than this program
	// knows.
	ErrExportFormat = errors.New("no export that can be read")
	// ErrExportDamaged says that it is not as Export has written it, or not all of it.
	ErrExportDamaged = errors.New("the export is damaged")
)

// Import fills an empty store with an export of another. The retention is that of the
// store itself. On an error the store is empty as it was: what it returns wraps
// ErrExportFormat or ErrExportDamaged, ErrNotEmpty, ErrTaken while an engine has the store,
// or the error of reading, or of the store.
func Import(ctx context.Context, s Store, from io.Reader) (Exported, error) {
	m := importer{in: bufio.NewReaderSize(from, blockSize), sum: sha256.New()}
	err := m.header()
	if err == nil {
		err = s.Restore(ctx, m.rows())
	}
	if err == nil && !m.ended {
		err = errors.New("the store has not read all") // a fault of the store
	}
	if err != nil {
		return Exported{}, fmt.Errorf("import: %w", err)
	}
	return m.total, nil
}

type importer struct {
	in    *bufio.Reader
	sum   hash.Hash
	total Exported
	order rowOrder
	ended bool
}

// damagedExport says how an export is damaged. What it is of is no input of a caller that
// could be refused: so the reason is in the text alone.
func damagedExport(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrExportDamaged, fmt.Sprintf(format, args...))
}

// header reads the beginning.
func (m *importer) header() error {
	magic := make([]byte, len(exportMagic))
	if err := m.read(magic); err != nil && !errors.Is(err, ErrExportDamaged) {
		return err
	}
	if string(magic) != exportMagic {
		return fmt.Errorf("%w: it begins otherwise", ErrExportFormat)
	}
	version, err := m.number()
	if err != nil {
		return err
	}
	if version == 0 || version > exportVersion {
		return fmt.Errorf("%w: it is of version %d, this program knows %d", ErrExportFormat, version, exportVersion)
	}
	return nil
}

// read fills b. The end of the input is damage.
func (m *importer) read(b []byte) error {
	_, err := io.ReadFull(m.in, b)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return damagedExport("it ends too early")
	}
	m.sum.Write(b)
	return err
}

// number reads a uvarint, which is as short as can be.
func (m *importer) number() (uint64, error) {
	var b [binary.MaxVarintLen64]byte
	for i := range b {
		if err := m.read(b[i : i+1]); err != nil {
			return 0, err
		}
		if b[i] < 0x80 {
			n, w := binary.Uvarint(b[:i+1])
			if w <= 0 || w > 1 && b[i] == 0 {
				break
			}
			return n, nil
		}
	}
	return 0, damagedExport("a number is none")
}

// rows yields the rows, and an error unless the end is right.
func (m *importer) rows() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for {
			var kind [1]byte
			err := m.read(kind[:])
			switch {
			case err != nil:
			case kind[0] == 'e':
				if err = m.end(); err == nil {
					m.ended = true
					return
				}
			case kind[0] == 'b':
				var block []byte
				if block, err = m.block(); err != nil {
					break
				}
				for len(block) > 0 && err == nil {
					var row Row
					if row, block, err = m.row(block); err == nil && !yield(row, nil) {
						return
					}
				}
			default:
				err = damagedExport("a block of kind %q", kind[0])
			}
			if err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// block reads a block. What it says of its length is believed as it comes: memory is taken
// for what is there.
func (m *importer) block() ([]byte, error) {
	n, err := m.number()
	if err != nil {
		return nil, err
	}
	if n == 0 || n > 1<<40 {
		return nil, damagedExport("a block of %d bytes", n)
	}
	var b bytes.Buffer
	if _, err := io.CopyN(&b, m.in, int64(n)); err == io.EOF {
		return nil, damagedExport("it ends too early")
	} else if err != nil {
		return nil, err
	}
	m.sum.Write(b.Bytes())
	var sum [4]byte
	if err := m.read(sum[:]); err != nil {
		return nil, err
	}
	if binary.LittleEndian.Uint32(sum[:]) != crc32.Checksum(b.Bytes(), castagnoli) {
		return nil, damagedExport("the checksum of a block is another")
	}
	return b.Bytes(), nil
}

// row reads the row at the start of a block, and returns what follows it.
func (m *importer) row(block []byte) (row Row, rest []byte, err error) {
	f := rowFields{b: block}
	b := f.next(f.number())
	if f.bad {
		return nil, nil, damagedExport("a row is longer than its block")
	}
	if row, err = readRow(b); err == nil {
		err = m.order.next(row)
	}
	if err != nil {
		return nil, nil, damagedExport("%v", err)
	}
	m.total.count(row)
	return row, f.b, nil
}

// end reads what is behind the last block.
func (m *importer) end() error {
	if !m.order.begun {
		return damagedExport("it has no rows")
	}
	for _, want := range [...]int{m.total.Users, m.total.Accounts, m.total.Messages, m.total.Keys, m.total.Notices} {
		n, err := m.number()
		if err != nil {
			return err
		}
		if n != uint64(want) {
			return damagedExport("%d of a kind are announced, and there are %d", n, want)
		}
	}
	m.sum.Sum(m.total.Digest[:0])
	var digest [sha256.Size]byte
	if err := m.read(digest[:]); err != nil {
		return err
	}
	if digest != m.total.Digest {
		return damagedExport("the digest is another")
	}
	if _, err := m.in.ReadByte(); err == nil {
		return damagedExport("something follows its end")
	} else if err != io.EOF {
		return err
	}
	return nil
}

// rowOrder checks that rows come in the order of Rows, so that an export of what is made of
// them is the same again.
type rowOrder struct {
	begun bool
	last  Row
	at    At
}

// rowRank is the place of a kind of rows.
func rowRank(row Row) int {
	switch row.(type) {
	case *At:
		return 0
	case *KeyRecord:
		return 1
	case *SetCursor:
		return 2
	case *SetPosition:
		return 3
	case *SetRecord:
		return 4
	case *Notice:
		return 5
	case *Deleted:
		return 6
	}
	return 7
}

var errOrder = errors.New("rows are not in their order")

func (o *rowOrder) next(row Row) error {
	if at, is := row.(*At); is != !o.begun {
		return errOrder
	} else if is {
		o.begun, o.at, o.last = true, *at, row
		return nil
	}
	if rowRank(o.last) > rowRank(row) || rowRank(o.last) == rowRank(row) && !precedes(o.last, row) {
		return errOrder
	}
	o.last = row
	switch r := row.(type) {
	case *KeyRecord:
		if r.Since > o.at.Seq {
			return fmt.Errorf("key %q counts from message %d, and %d have arrived", r.Key, r.Since, o.at.Seq)
		}
	case *SetCursor:
		if r.UpTo > o.at.Notice {
			return fmt.Errorf("%q was told %d of %d notices", r.Subscriber, r.UpTo, o.at.Notice)
		}
	case *SetPosition:
		if r.Offset == "" || r.OutTold > o.at.Notice {
			return fmt.Errorf("position of %q without an offset, or beyond %d notices", r.Name, o.at.Notice)
		}
	case *Notice:
		if r.ID > o.at.Notice {
			return fmt.Errorf("notice %d of %d", r.ID, o.at.Notice)
		}
	case *Contents:
		for i := range r.Messages {
			if seq := r.Messages[i].Event.Seq; seq > o.at.Seq {
				return fmt.Errorf("message %d of %d", seq, o.at.Seq)
			}
		}
	}
	return nil
}

// precedes reports whether a row comes before another of its kind.
func precedes(last, row Row) bool {
	switch r := row.(type) {
	case *SetCursor:
		return last.(*SetCursor).Subscriber < r.Subscriber
	case *SetPosition:
		return last.(*SetPosition).Name < r.Name
	case *SetRecord:
		l := last.(*SetRecord)
		return l.Subscriber < r.Subscriber || l.Subscriber == r.Subscriber && l.Record.Key < r.Record.Key
	case *Notice:
		return last.(*Notice).ID < r.ID
	case *Deleted:
		return CompareDeleted(*last.(*Deleted), *r) <= 0
	case *Contents:
		return last.(*Contents).Ref.Compare(r.Ref) < 0
	}
	return true
}
