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
// A batch counts as delivered when the writer has taken it. A buffer in between
// is for the caller to flush, and a file for the caller to sync. A bufio.Writer
// keeps its first error for ever, and so never gets better.
package ndjson

import (
	"context"
	"fmt"
	"io"

	"github.com/muster-go/muster/destination"
)

// Destination writes to Writer. It is used by one connection at a time.
type Destination struct {
	Writer io.Writer
	Name   string // the type of the destination; "ndjson" by default

	batch string // the id of the batch that was written in part
	rest  []byte // of it
	torn  bool   // the last byte written did not end a line
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
