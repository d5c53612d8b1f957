package profile

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"iter"
	"strings"
)

// LineError is a line of an events file that cannot be used. It reads
// `events.ndjson:17: unknown type "trac"`.
type LineError struct {
	File string // the name given to NewDecoder
	Line int    // from 1
	Err  error  // wraps ErrInvalid, ErrTooLarge or ErrTime
}

// Error returns the place and the reason.
func (e *LineError) Error() string {
	// With a line for a place, "invalid input" says nothing more.
	reason := strings.TrimPrefix(e.Err.Error(), ErrInvalid.Error()+": ")
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, reason)
}

// Unwrap returns the reason.
func (e *LineError) Unwrap() error { return e.Err }

// Decoder reads an events file: one message a line, in JSON. Blank lines, a
// byte order mark at the start and carriage returns before a line's end are
// passed over. It is for one goroutine. It does not decompress.
type Decoder struct {
	in     *bufio.Reader
	name   string
	line   int
	long   []byte // a line that in's buffer cannot hold
	parser parser
	err    error // the end of the input
}

// NewDecoder returns a decoder of r. The name is that of LineError.File.
func NewDecoder(r io.Reader, name string) *Decoder {
	return &Decoder{in: bufio.NewReaderSize(r, 64<<10), name: name}
}

// Next returns the next message, and io.EOF after the last. A line that cannot
// be used is a *LineError: the next call goes on with the line after it. Any
// other error is that of the reader, and stays.
func (d *Decoder) Next() (Message, error) {
	for {
		line, err := d.readLine()
		if err != nil {
			return Message{}, err
		}
		if d.line == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		m, err := d.parser.message(line)
		if err != nil {
			return Message{}, &LineError{File: d.name, Line: d.line, Err: err}
		}
		return m, nil
	}
}

// At returns err as a *LineError at the line of the last message: for what goes
// wrong with a message after it was read.
func (d *Decoder) At(err error) error { return &LineError{File: d.name, Line: d.line, Err: err} }

// All iterates over the messages from the next to the last. It goes on after a
// *LineError; any other error is the last pair.
func (d *Decoder) All() iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for {
			m, err := d.Next()
			if err == io.EOF || !yield(m, err) || d.err != nil && d.err != io.EOF {
				return
			}
		}
	}
}

// readLine returns the next line without its end. It holds until the next call.
// A line beyond MaxLine is read to its end but not kept.
func (d *Decoder) readLine() ([]byte, error) {
	if d.err != nil {
		return nil, d.err
	}
	d.line++
	d.long = d.long[:0]
	size := 0
	for {
		part, err := d.in.ReadSlice('\n')
		size += len(part)
		whole := part
		if len(d.long) > 0 || err == bufio.ErrBufferFull {
			if size <= MaxLine+2 { // room for the line's end, CR LF
				d.long = append(d.long, part...)
			}
			whole = d.long
		}
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err != nil && !(err == io.EOF && size > 0):
			d.err = err
			if err != io.EOF {
				d.err = fmt.Errorf("%s:%d: %w", d.name, d.line, err)
			}
			return nil, d.err
		}
		whole = bytes.TrimRight(whole, "\r\n")
		if size > MaxLine+2 || len(whole) > MaxLine {
			return nil, &LineError{
				File: d.name, Line: d.line,
				Err: fmt.Errorf("%w: line of more than %d bytes", ErrTooLarge, MaxLine),
			}
		}
		return whole, nil
	}
}
