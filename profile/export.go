package profile

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"iter"
	"maps"
	"slices"
	"time"
)

// An export is a header, blocks of rows, and an end:
//
//	header  exportMagic, uvarint version
//	block   'b', uvarint length, rows, CRC-32C of the rows in 4 bytes
//	end     'e', Exported's numbers as uvarints, SHA-256 of all before
//
// where a row is its length as a uvarint, and what appendRow appends. A row is in one block;
// a block ends with the row that makes it blockSize long.
const (
	exportMagic   = "muster store\n"
	exportVersion = 1

	blockSize = 64 << 10
)

// Exported says what an export has.
type Exported struct {
	Users, Accounts, Messages int
	Keys, Notices             int
	Digest                    [sha256.Size]byte // of the whole export, its end excepted
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Export writes all that a store holds, as it is at the call, in a form of its own, which
// Import reads into a store of any kind: an engine on that goes on exactly as one on this
// would. Events and message ids that are older than the retention are left out. Other calls
// go on meanwhile. The bytes depend on what the store holds and on nothing else: not on its
// kind, how it came to hold that, or the process. So two stores are in the same state
// if their digests are equal; io.Discard serves where only that is asked for.
//
// It has the contents of one profile in memory at a time.
func Export(ctx context.Context, s Store, to io.Writer) (Exported, error) {
	x := exporter{out: bufio.NewWriterSize(to, blockSize), sum: sha256.New()}
	snap, err := s.Snapshot(ctx)
	if err == nil {
		err = x.export(ctx, snap, s.Retention())
		if closed := snap.Close(); err == nil {
			err = closed
		}
	}
	if err != nil {
		return Exported{}, fmt.Errorf("export: %w", err)
	}
	return x.total, nil
}

type exporter struct {
	out   *bufio.Writer
	sum   hash.Hash
	block []byte
	row   []byte
	total Exported
}

func (x *exporter) export(ctx context.Context, snap Snapshot, retention time.Duration) error {
	x.write(binary.AppendUvarint([]byte(exportMagic), exportVersion))
	for row, err := range Rows(ctx, snap, retention) {
		if err != nil {
			return err
		}
		x.total.count(row)
		x.row = appendRow(x.row[:0], row)
		if x.block = appendText(x.block, x.row); len(x.block) >= blockSize {
			x.endBlock()
		}
	}
	x.endBlock()
	end := x.total.append([]byte{'e'})
	x.write(end)
	x.sum.Sum(x.total.Digest[:0])
	x.write(x.total.Digest[:])
	return x.out.Flush() // which keeps the first error
}

func (x *exporter) write(b []byte) {
	x.sum.Write(b)
	_, _ = x.out.Write(b) // Flush tells
}

func (x *exporter) endBlock() {
	if len(x.block) == 0 {
		return
	}
	x.write(binary.AppendUvarint([]byte{'b'}, uint64(len(x.block))))
	x.write(x.block)
	x.write(binary.LittleEndian.AppendUint32(nil, crc32.Checksum(x.block, castagnoli)))
	if x.block = x.block[:0]; cap(x.block) > 4*blockSize {
		x.block, x.row = nil, nil // a giant's
	}
}

func (t *Exported) count(row Row) {
	switch r := row.(type) {
	case *KeyRecord:
		t.Keys++
	case *Notice:
		t.Notices++
	case *Contents:
		if t.Messages += len(r.Messages); r.Ref.Subject == User {
			t.Users++
		} else {
			t.Accounts++
		}
	}
}

func (t *Exported) append(b []byte) []byte {
	for _, n := range [...]int{t.Users, t.Accounts, t.Messages, t.Keys, t.Notices} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	return b
}

// Rows yields all that a reader, such as a snapshot, has, in the order in which Store.Restore
// wants it: where it is, keys, what is kept for subscribers and readers of logs, what is
// remembered of deleted profiles, users and accounts. Messages that are older than the
// retention, counted from the latest instant of a transaction, are left out.
func Rows(ctx context.Context, r Reader, retention time.Duration) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		w := rowWriter{ctx: ctx, r: r, retention: retention, yield: func(row Row) bool { return yield(row, nil) }}
		if err := w.all(); err != nil && err != errEnough {
			yield(nil, err)
		}
	}
}

// errEnough says that no more rows are wanted.
var errEnough = errors.New("no more rows are wanted")

type rowWriter struct {
	ctx       context.Context
	r         Reader
	retention time.Duration
	yield     func(Row) bool
}

func (w *rowWriter) add(row Row) error {
	if !w.yield(row) {
		return errEnough
	}
	return nil
}

// addAll adds what an iterator yields as rows.
func addAll[T any](w *rowWriter, seq iter.Seq2[T, error], row func(T) Row) error {
	for item, err := range seq {
		if err == nil {
			err = w.add(row(item))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *rowWriter) all() error {
	seq, now, err := w.r.Position(w.ctx)
	if err != nil {
		return err
	}
	o, err := w.r.Outbox(w.ctx)
	if err != nil {
		return err
	}
	if err := w.add(&At{seq, now, o.Last}); err != nil {
		return err
	}
	if err := addAll(w, w.r.Keys(w.ctx), func(k KeyRecord) Row { return &k }); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(o.Cursors)) {
		if err := w.add(&SetCursor{Subscriber: name, UpTo: o.Cursors[name]}); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Positions)) {
		if err := w.add(&SetPosition{name, o.Positions[name].Offset, o.Positions[name].Told}); err != nil {
			return err
		}
	}
	if err := addAll(w, w.r.Records(w.ctx, ""), func(r Record) Row { return &SetRecord{r.Of, Record{Key: r.Key, Value: r.Value}} }); err != nil {
		return err
	}
	if err := addAll(w, w.r.Notices(w.ctx, 0), func(n Notice) Row { return &n }); err != nil {
		return err
	}
	if err := addAll(w, w.r.Deleted(w.ctx), func(d Deleted) Row { return &d }); err != nil {
		return err
	}
	from := int64(never)
	if !now.IsZero() {
		from = cutoff(now, w.retention)
	}
	for s := User; s <= Account; s++ {
		for id, err := range w.r.Profiles(w.ctx, s, "") {
			if err != nil {
				return err
			}
			c, err := w.r.Contents(w.ctx, Ref{s, id})
			if err != nil {
				return err
			}
			c.Messages = slices.DeleteFunc(c.Messages, func(m KeptMessage) bool { return m.Event.Time.UnixNano() < from })
			if err := w.add(&c); err != nil {
				return err
			}
		}
	}
	return nil
}
