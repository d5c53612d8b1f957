// Package ndjson is a destination that writes one message a line to an
// io.Writer: a file, a pipe, a test's buffer. In the mode destination.Lists a
// line is what changes in one list.
//
// # What is guaranteed
//
// A batch is written with one call of Write. If that writes a part only, the
// next attempt goes on with the byte after, so each line is written once and
// whole, provided that the writer says truthfully how much it took. If a line
// was left in the middle and its batch does not come again, because its hub was
// closed, a line feed ends it before anything else is written: a reader sees at
// most one line that is not JSON there.
//
// The same is so of a file that another process left with half a line, because
// it was killed or the disk was full: Open looks at the file's end, and a Writer
// that is an *os.File of a regular file is looked at before the first write. If
// its last byte cannot be read, because the file was opened for writing alone, a
// line feed comes first: then there may be an empty line, which readers of NDJSON
// pass over. Behind any other writer, one that compresses or buffers say, the end
// of what is there cannot be seen: begin a new file, or look at it before.
//
// A batch counts as delivered when the writer has taken it. A buffer in between
// is for the caller to flush, and a file for the caller to sync. A bufio.Writer
// keeps its first error for ever, and so never gets better.
package ndjson

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/muster-go/muster/destination"
)

// Destination writes to Writer. It is used by one connection at a time.
type Destination struct {
	Writer io.Writer
	Name   string // the type of the destination; "ndjson" by default

	begun bool     // the end of what was there has been looked at
	batch string   // the id of the batch that was written in part
	rest  []byte   // of it
	torn  bool     // the last byte written did not end a line
	file  *os.File // that Open opened
}

// Open returns a destination that appends to a file, which is made if there is
// none, readable by its owner alone. It is closed with its connection.
func Open(path string) (*Destination, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("ndjson: %w", err)
	}
	return &Destination{Writer: file, file: file}, nil
}

// Close closes the file that Open opened, after its content has been synced to
// the disk. Another writer stays open.
func (d *Destination) Close() error {
	if d.file == nil {
		return nil
	}
	file := d.file
	d.file = nil
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("ndjson: %w", err)
	}
	return nil
}

// Type returns Name, or "ndjson".
func (d *Destination) Type() string {
	if d.Name == "" {
		return "ndjson"
	}
	return d.Name
}

// Modes returns all modes.
func (d *Destination) Modes() destination.Mode {
	return destination.Identify | destination.Track | destination.Lists
}

// Deliver writes the batch, or what is left of it. A write cannot be broken off:
// ctx counts before it begins.
func (d *Destination) Deliver(ctx context.Context, b *destination.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !d.begun {
		torn, err := tornEnd(d.Writer)
		if err != nil {
			return fmt.Errorf("end of the file: %w", err)
		}
		d.begun, d.torn = true, torn
	}
	if b.ID != d.batch {
		if err := d.begin(b); err != nil {
			return err
		}
	}
	if len(d.rest) > 0 {
		if err := d.write(); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	d.batch = ""
	return nil
}

// tornEnd reports whether what a writer appends to ends in the middle of a
// line, as far as that can be seen.
func tornEnd(w io.Writer) (bool, error) {
	file, ok := w.(interface {
		io.ReaderAt
		Stat() (fs.FileInfo, error)
	})
	if !ok {
		return false, nil
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return false, err
	}
	var last [1]byte
	if _, err := file.ReadAt(last[:], info.Size()-1); err != nil {
		return true, nil // it is open for writing alone
	}
	return last[0] != '\n', nil
}

// begin makes the lines of a batch those to be written.
func (d *Destination) begin(b *destination.Batch) error {
	var text []byte
	if d.torn {
		text = append(text, '\n')
	}
	for line, err := range b.Lines() {
		if err != nil {
			return fmt.Errorf("%w: %w", destination.ErrRefused, err)
		}
		text = append(text, line...)
		text = append(text, '\n')
	}
	d.batch, d.rest = b.ID, text
	return nil
}

func (d *Destination) write() error {
	n, err := d.Writer.Write(d.rest)
	n = min(max(n, 0), len(d.rest))
	if n > 0 {
		d.torn = d.rest[n-1] != '\n'
		d.rest = d.rest[n:]
	}
	if err == nil && len(d.rest) > 0 {
		err = io.ErrShortWrite
	}
	return err
}
