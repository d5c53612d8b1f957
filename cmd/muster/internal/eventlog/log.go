// Package eventlog reads logs of messages: files of one message a line, in the form of
// the Segment spec or of what other products export, compressed with gzip or not.
package eventlog

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"

	"github.com/muster-go/muster/profile"
)

// Record is what one line of a log, or a part of it, has happen: a message, or that
// a user is deleted.
type Record struct {
	Message profile.Message
	Deleted string // the user's id; empty: it is a message
}

// Log reads a log line by line. It is for one goroutine.
type Log struct {
	in     *bufio.Reader
	name   string
	at     Position // behind the line that was read last
	format format
}

// Position is a place in a log: behind a line, with a checksum of all up to there, by which
// another log, or one that was changed, is told.
type Position struct {
	Line int    `json:"line"` // from 1; 0: the beginning
	Sum  uint32 `json:"sum"`
}

var newline = []byte{'\n'} // is not summed: the last line may get it later

var table = crc32.MakeTable(crc32.Castagnoli)

// ErrOther says that a log does not begin with what another had up to a position.
var ErrOther = errors.New("the log is another one, or was changed")

// Position returns where the log is.
func (l *Log) Position() Position { return l.at }

// Skip goes on from a position. The error wraps ErrOther if what comes before is not what
// came before it then.
func (l *Log) Skip(to Position) error {
	for l.at.Line < to.Line {
		if _, err := l.readLine(); err != nil && !errors.Is(err, errLong) {
			if err == io.EOF {
				err = fmt.Errorf("%w: it has %d lines, and %d were taken of it", ErrOther, l.at.Line, to.Line)
			}
			return fmt.Errorf("%s: %w", l.name, err)
		}
	}
	if l.at != to {
		return fmt.Errorf("%s: %w: its first %d lines are not those that were taken", l.name, ErrOther, to.Line)
	}
	return nil
}

// errLong says that a line is longer than a message may be.
var errLong = fmt.Errorf("%w: line of more than %d bytes", profile.ErrTooLarge, profile.MaxLine)

// New returns a log of what in has, in the form of a name of Formats; "" is "segment".
// Its errors name the log by name. An unknown form is an error that wraps
// profile.ErrInvalid.
func New(in io.Reader, name, form string) (*Log, error) {
	f, ok := formats[form]
	if !ok && form != "" {
		return nil, fmt.Errorf("%w: no form %q of a log, want one of %s", profile.ErrInvalid, form, strings.Join(Formats(), ", "))
	}
	return &Log{in: bufio.NewReaderSize(in, 64<<10), name: name, format: f}, nil
}

// Next returns what the next line has happen, and io.EOF after the last. A line
// that cannot be used is a *profile.LineError; the next call goes on behind it.
func (l *Log) Next() ([]Record, error) {
	for {
		text, err := l.readLine()
		if err != nil {
			return nil, err
		}
		if l.at.Line == 1 {
			text = bytes.TrimPrefix(text, []byte("\ufeff"))
		}
		if text = bytes.TrimSpace(text); len(text) == 0 {
			continue
		}
		records, err := l.parse(text)
		if err != nil {
			return nil, l.At(err)
		}
		return records, nil
	}
}

// At returns err as a *profile.LineError of the line that Next returned last.
func (l *Log) At(err error) error {
	return l.AtLine(l.at.Line, err)
}

// AtLine returns err as a *profile.LineError of a line.
func (l *Log) AtLine(line int, err error) error {
	return &profile.LineError{File: l.name, Line: line, Err: err}
}

func (l *Log) readLine() ([]byte, error) {
	l.at.Line++
	var line []byte
	size := 0
	for {
		part, err := l.in.ReadSlice('\n')
		l.at.Sum = crc32.Update(l.at.Sum, table, bytes.TrimSuffix(part, newline))
		if size += len(part); size <= profile.MaxLine+2 {
			line = append(line, part...)
		}
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err == io.EOF && size > 0, err == nil:
			if size > profile.MaxLine+2 {
				return nil, l.At(errLong)
			}
			return line, nil
		case err != io.EOF:
			err = fmt.Errorf("%s:%d: %w", l.name, l.at.Line, err)
		}
		l.at.Line-- // there was none
		return nil, err
	}
}

// parse returns what a line has happen. A log in Segment's own form is read as it
// is, and another one put into that form.
func (l *Log) parse(text []byte) ([]Record, error) {
	if l.format == nil {
		r, err := parseRecord(text)
		return []Record{r}, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber() // numbers keep their digits
	var fields object
	if err := dec.Decode(&fields); err != nil {
		return nil, fmt.Errorf("%w: %w", profile.ErrInvalid, err)
	}
	calls, err := l.format(fields)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", profile.ErrInvalid, err)
	}
	var records []Record
	for _, call := range calls {
		text, err := json.Marshal(call)
		if err != nil {
			return nil, err
		}
		r, err := parseRecord(text)
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, nil
}

// parseRecord reads a Segment-spec message, or {"type": "delete", "userId": ...}.
func parseRecord(text []byte) (Record, error) {
	m, err := profile.ParseMessage(text)
	if err == nil || !errors.Is(err, profile.ErrInvalid) {
		return Record{Message: m}, err
	}
	var del struct {
		Type   string `json:"type"`
		UserID string `json:"userId"`
		Snake  string `json:"user_id"`
	}
	if json.Unmarshal(text, &del) != nil || del.Type != "delete" {
		return Record{}, err
	}
	if del.UserID == "" {
		del.UserID = del.Snake
	}
	return Record{Deleted: del.UserID}, profile.CheckID("userId", del.UserID)
}
