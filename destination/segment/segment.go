package segment

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/internal/answer"
	"github.com/muster-go/muster/profile"
)

// The defaults of Options: what Segment takes, with room for what is around the messages.
const (
	DefaultMaxBatch   = 480 << 10
	DefaultMaxMessage = 32 << 10
)

// Options of a destination. Endpoint and WriteKey are needed.
type Options struct {
	// Endpoint is the URL of the server, http or https: "https://api.segment.io", or
	// RudderStack's data plane.
	Endpoint string
	// WriteKey is that of the source at the server.
	WriteKey string
	// Path is where batches are posted; "/v1/batch" by default.
	Path string
	// Name is the type of the destination; "segment" by default. Several of one hub have
	// several names.
	Name string
	// MaxBatch is the largest text of messages in a request, in bytes before compression;
	// 480 KiB by default.
	MaxBatch int
	// MaxMessage is the largest message, in bytes; 32 KiB by default.
	MaxMessage int
	// Plain has bodies sent without compression.
	Plain bool
	// Client sends the requests, by default one of the destination's own. Its redirect
	// policy is replaced.
	Client *http.Client
	// Clock says when a request is sent; audience.WallClock by default.
	Clock audience.Clock
}

// Destination posts messages. It is safe for concurrent use.
type Destination struct {
	opts   Options
	url    string
	client *http.Client
	own    bool // the client's transport is the destination's
}

// New returns a destination. Errors wrap profile.ErrInvalid.
func New(opts Options) (*Destination, error) {
	if err := answer.CheckURL(opts.Endpoint); err != nil {
		return nil, fmt.Errorf("segment: %w", err)
	}
	if opts.WriteKey == "" || strings.Contains(opts.WriteKey, ":") { // which ends a user name
		return nil, fmt.Errorf("segment: %w: no write key, or one with a colon", profile.ErrInvalid)
	}
	if opts.MaxBatch < 0 || opts.MaxMessage < 0 {
		return nil, fmt.Errorf("segment: %w: a limit below zero", profile.ErrInvalid)
	}
	if opts.Path == "" {
		opts.Path = "/v1/batch"
	}
	if opts.Name == "" {
		opts.Name = "segment"
	}
	if opts.MaxBatch == 0 {
		opts.MaxBatch = DefaultMaxBatch
	}
	if opts.MaxMessage == 0 {
		opts.MaxMessage = DefaultMaxMessage
	}
	if opts.Clock == nil {
		opts.Clock = audience.WallClock{}
	}
	d := &Destination{opts: opts, url: strings.TrimSuffix(opts.Endpoint, "/") + opts.Path}
	d.client, d.own = answer.Client(opts.Client)
	return d, nil
}

// Type returns Options.Name.
func (d *Destination) Type() string { return d.opts.Name }

// Modes returns Identify and Track: the API has no lists.
func (d *Destination) Modes() destination.Mode { return destination.Identify | destination.Track }

// Close closes the connections of the destination's own client.
func (d *Destination) Close() error {
	if d.own {
		d.client.CloseIdleConnections()
	}
	return nil
}

// Deliver posts the batch. What the receiver answers but 2xx is a
// *destination.StatusError.
func (d *Destination) Deliver(ctx context.Context, b *destination.Batch) error {
	parts, err := d.parts(b)
	if err != nil {
		return err
	}
	for _, part := range parts {
		if err := d.post(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// parts returns the texts of the batch's messages, with commas between, none beyond
// MaxBatch.
func (d *Destination) parts(b *destination.Batch) (parts [][]byte, err error) {
	var part []byte
	for line, err := range b.Lines() {
		if err != nil {
			return nil, fmt.Errorf("%w: %w", destination.ErrRefused, err)
		}
		if len(line) > d.opts.MaxMessage {
			return nil, fmt.Errorf("%w: a message of %d bytes, at most %d", destination.ErrRefused, len(line), d.opts.MaxMessage)
		}
		if len(part) > 0 && len(part)+1+len(line) > d.opts.MaxBatch {
			parts, part = append(parts, part), nil
		}
		if len(part) > 0 {
			part = append(part, ',')
		}
		part = append(part, line...)
	}
	if len(part) > 0 {
		parts = append(parts, part)
	}
	return parts, nil
}

// post posts messages and returns why they were not taken, if so.
func (d *Destination) post(ctx context.Context, messages []byte) error {
	body, err := d.body(messages)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url, body)
	if err != nil {
		return err
	}
	req.SetBasicAuth(d.opts.WriteKey, "")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "muster")
	if !d.opts.Plain {
		req.Header.Set("Content-Encoding", "gzip")
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return err
	}
	text := answer.Read(resp)
	if err := answer.Error(resp, text); err != nil {
		return err
	}
	return refused(text)
}

// body returns the body of a request.
func (d *Destination) body(messages []byte) (*bytes.Buffer, error) {
	var body bytes.Buffer
	text := fmt.Appendf(nil, `{"sentAt":%q,"batch":[`, d.opts.Clock.Now().UTC().Format(time.RFC3339Nano))
	text = append(append(text, messages...), "]}"...)
	if d.opts.Plain {
		body.Write(text)
		return &body, nil
	}
	z := gzip.NewWriter(&body)
	if _, err := z.Write(text); err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	return &body, nil
}

// refused returns the error that an answer of 2xx is if it says that it was no success.
// Segment's says {"success": true}, RudderStack's OK.
func refused(text []byte) error {
	var said struct {
		Success *bool `json:"success"`
		Refused []struct {
			MessageID string `json:"messageId"`
			Error     string `json:"error"`
		} `json:"refused"`
	}
	if json.Unmarshal(text, &said) != nil || said.Success == nil || *said.Success {
		return nil
	}
	if len(said.Refused) == 0 {
		return fmt.Errorf("%w: the receiver says that it was no success", destination.ErrRefused)
	}
	first := said.Refused[0]
	return fmt.Errorf("%w: %d messages, the first %q: %.200s", destination.ErrRefused, len(said.Refused), first.MessageID, first.Error)
}
