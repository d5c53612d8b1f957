package webhook

import (
	"bytes"
	"context"
	"fmt"
	"net/http"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/internal/answer"
)

// MaxRetryAfter is the longest wait that a receiver can ask for.
const MaxRetryAfter = answer.MaxRetryAfter

// Options of a webhook. URL and Keys are needed.
type Options struct {
	URL  string   // http or https
	Keys [][]byte // to sign with, each of MinKey bytes or more: one, or two while they are exchanged
	// Name is the type of the destination; "webhook" by default. Several
	// webhooks of one hub have several names.
	Name string
	// Header is sent along, an Authorization for example.
	Header http.Header
	// Client sends the requests, by default one of the webhook's own. Its
	// redirect policy is replaced.
	Client *http.Client
	// Clock says when a request is signed; audience.WallClock by default.
	Clock audience.Clock
}

// Webhook is the destination. It is safe for concurrent use.
type Webhook struct {
	opts   Options
	client *http.Client
	own    bool // the client's transport is the webhook's
}

// New returns a webhook. Errors wrap profile.ErrInvalid.
func New(opts Options) (*Webhook, error) {
	if err := answer.CheckURL(opts.URL); err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	if err := checkKeys(opts.Keys); err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	if opts.Name == "" {
		opts.Name = "webhook"
	}
	if opts.Clock == nil {
		opts.Clock = audience.WallClock{}
	}
	opts.Header = opts.Header.Clone()
	w := &Webhook{opts: opts}
	w.client, w.own = answer.Client(opts.Client)
	return w, nil
}

// Type returns Options.Name.
func (w *Webhook) Type() string { return w.opts.Name }

// Modes returns all modes.
func (w *Webhook) Modes() destination.Mode {
	return destination.Identify | destination.Track | destination.Lists
}

// Close closes the connections of the webhook's own client.
func (w *Webhook) Close() error {
	if w.own {
		w.client.CloseIdleConnections()
	}
	return nil
}

// Deliver posts the batch. What the receiver answers but 2xx is a
// *destination.StatusError.
func (w *Webhook) Deliver(ctx context.Context, b *destination.Batch) error {
	body, err := b.MarshalJSON()
	if err != nil {
		return fmt.Errorf("%w: %w", destination.ErrRefused, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.opts.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	for name, values := range w.opts.Header {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", "application/json")
	sign(req.Header, b.ID, w.opts.Clock.Now(), body, w.opts.Keys)
	resp, err := w.client.Do(req)
	if err != nil {
		return err
	}
	return answer.Error(resp, answer.Read(resp))
}
