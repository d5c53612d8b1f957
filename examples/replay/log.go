package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/muster-go/muster/profile"
)

// record is what one line of a log, or a part of it, has happen: a message, or that
// a user is deleted.
type record struct {
	message profile.Message
	deleted string // the user's id; empty: it is a message
}

// log reads a log line by line.
type log struct {
	in     *bufio.Reader
	name   string
	line   int
	format format
}

// errLong says that a line is longer than a message may be.
var errLong = fmt.Errorf("%w: line of more than %d bytes", profile.ErrTooLarge, profile.MaxLine)

func newLog(in io.Reader, name string, f format) *log {
	return &log{in: bufio.NewReaderSize(in, 64<<10), name: name, format: f}
}

// next returns what the next line has happen, and io.EOF after the last. A line
// that cannot be used is a *profile.LineError; the next call goes on behind it.
func (l *log) next() ([]record, error) {
	for {
		text, err := l.readLine()
		if err != nil {
			return nil, err
		}
		if l.line == 1 {
			text = bytes.TrimPrefix(text, []byte("\ufeff"))
		}
		if text = bytes.TrimSpace(text); len(text) == 0 {
			continue
		}
		records, err := l.parse(text)
		if err != nil {
			return nil, l.at(err)
		}
		return records, nil
	}
}

// at returns err as one of the last line.
func (l *log) at(err error) error {
	return &profile.LineError{File: l.name, Line: l.line, Err: err}
}

func (l *log) readLine() ([]byte, error) {
	l.line++
	var line []byte
	size := 0
	for {
		part, err := l.in.ReadSlice('\n')
		if size += len(part); size <= profile.MaxLine+2 {
			line = append(line, part...)
		}
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err == io.EOF && size > 0, err == nil:
			if size > profile.MaxLine+2 {
				return nil, l.at(errLong)
			}
			return line, nil
		case err != io.EOF:
			err = fmt.Errorf("%s:%d: %w", l.name, l.line, err)
		}
		return nil, err
	}
}

// parse returns what a line has happen. A log in Segment's own form is read as it
// is, and another one put into that form.
func (l *log) parse(text []byte) ([]record, error) {
	if l.format == nil {
		r, err := parseRecord(text)
		return []record{r}, err
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
	var records []record
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
func parseRecord(text []byte) (record, error) {
	m, err := profile.ParseMessage(text)
	if err == nil || !errors.Is(err, profile.ErrInvalid) {
		return record{message: m}, err
	}
	var del struct {
		Type   string `json:"type"`
		UserID string `json:"userId"`
		Snake  string `json:"user_id"`
	}
	if json.Unmarshal(text, &del) != nil || del.Type != "delete" {
		return record{}, err
	}
	if del.UserID == "" {
		del.UserID = del.Snake
	}
	return record{deleted: del.UserID}, profile.CheckID("userId", del.UserID)
}
