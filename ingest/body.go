package ingest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/muster-go/muster/profile"
)

// reserve counts a request's body among the bytes in flight, until release is called. It
// fails if there is no room for it.
func (h *Handler) reserve(r *http.Request) (release func(), err error) {
	size := int64(h.opts.MaxBatch)
	if r.ContentLength > size {
		h.drain(r)
		return nil, errLarge
	}
	if r.ContentLength >= 0 && r.Header.Get("Content-Encoding") == "" {
		size = r.ContentLength
	}
	if h.inFlight.Add(size) > h.opts.MaxInFlight {
		h.inFlight.Add(-size)
		return nil, errLimited
	}
	return func() { h.inFlight.Add(-size) }, nil
}

// maxDrained is how many times MaxBatch is read of a body that is too large.
const maxDrained = 16

// drain passes over the rest of a body that is too large, up to a limit. A sender that is
// cut off instead sees no answer, and sends the same again.
func (h *Handler) drain(r *http.Request) {
	// What cannot be read is not there; the answer is the same.
	_, _ = io.CopyN(io.Discard, r.Body, maxDrained*int64(h.opts.MaxBatch))
}

// read returns the body of a request, inflated.
func (h *Handler) read(r *http.Request) ([]byte, error) {
	limit := int64(h.opts.MaxBatch)
	raw := &io.LimitedReader{R: r.Body, N: limit + 1}
	text, err := inflate(raw, r, limit)
	switch {
	case err == errEncoding:
		return nil, err
	case raw.N == 0, int64(len(text)) > limit:
		h.drain(r)
		return nil, errLarge
	case err != nil:
		return nil, err
	}
	return bytes.TrimPrefix(text, []byte("\ufeff")), nil
}

// inflaters are readers of gzip, each of which has tables of some 40 KiB. What they read
// last they hold until they are used again.
var inflaters = sync.Pool{New: func() any { return new(gzip.Reader) }}

// inflate reads what is in a body: one byte more than the limit at most.
func inflate(body io.Reader, r *http.Request, limit int64) ([]byte, error) {
	failed := errIncomplete
	switch strings.ToLower(r.Header.Get("Content-Encoding")) {
	case "", "identity":
	case "gzip", "x-gzip":
		failed = errGzip // also where a sender broke off: it is gone, and gets no answer
		inflated := inflaters.Get().(*gzip.Reader)
		defer inflaters.Put(inflated)
		if err := inflated.Reset(body); err != nil {
			return nil, failed
		}
		body = inflated
	default:
		return nil, errEncoding
	}
	var text bytes.Buffer
	if failed == errIncomplete && r.ContentLength > 0 {
		text.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	if _, err := text.ReadFrom(io.LimitReader(body, limit+1)); err != nil {
		return nil, failed
	}
	return text.Bytes(), nil
}

// body is what a request says.
type body struct {
	envelope
	writeKey string
	messages [][]byte // the text of each
}

// envelope is what a batch says for each of its messages.
type envelope struct {
	typ          string          // of the route; empty: each message says its own
	context      []byte          // an object, or nil
	integrations []byte          // an object, or nil
	sentAt       json.RawMessage // a time, or nil
}

// maxMerged is how many times MaxBatch the messages of a batch may have when its context
// is merged into each.
const maxMerged = 8

// parse takes the text of a request apart. It reports what of a batch is passed over.
func (h *Handler) parse(r *http.Request, text []byte, route route) (*body, error) {
	fields, ok := fieldsOf(text)
	if !ok {
		return nil, errJSON
	}
	b := &body{envelope: envelope{typ: route.typ}}
	for _, f := range fields {
		if string(f.key) == "writeKey" {
			// What is no text is no key of anybody's.
			_ = json.Unmarshal(f.value, &b.writeKey)
		}
	}
	if !route.batch {
		b.messages = [][]byte{text}
		b.sentAt = sentAtOf(r)
		return b, nil
	}
	found := false
	for _, f := range fields {
		switch string(f.key) {
		case "batch":
			if b.messages, found = elementsOf(f.value); !found {
				return nil, errNoBatch
			}
		case "sentAt", "sent_at":
			b.sentAt = timeText(f.value)
		case "context":
			b.context = h.object(r, f)
		case "integrations":
			b.integrations = h.object(r, f)
		}
	}
	if !found {
		return nil, errNoBatch
	}
	if (len(b.context)+len(b.integrations))*len(b.messages) > maxMerged*h.opts.MaxBatch {
		return nil, errLarge
	}
	if b.sentAt == nil {
		b.sentAt = sentAtOf(r)
	}
	return b, nil
}

// object returns the value of a field that holds an object; nil for any other.
func (h *Handler) object(r *http.Request, f field) []byte {
	if _, err := profile.ParseObject(f.value); err != nil {
		h.report(r, fmt.Errorf("the %s of a batch is passed over: %w", f.key, err))
		return nil
	}
	if !isObject(f.value) {
		return nil // null
	}
	return f.value
}

// sentAtOf returns when the header says that a request was sent; nil if it does not.
func sentAtOf(r *http.Request) json.RawMessage {
	for _, name := range [...]string{"Sent-At", "X-Sent-At", "Date"} {
		value := r.Header.Get(name)
		if value == "" {
			continue
		}
		text, err := json.Marshal(value)
		if err != nil {
			continue // a string always has a form
		}
		if text = timeText(text); text != nil {
			return text
		}
	}
	return nil
}

// timeText returns the text of a value that is a time; nil for any other.
func timeText(text []byte) json.RawMessage {
	v, err := profile.ParseValue(text)
	if err != nil {
		return nil
	}
	if _, ok := profile.ParseTime(v); !ok {
		return nil
	}
	return text
}
