package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/profile"
)

// MaxRetryAfter is the longest wait that a receiver can ask for.
const MaxRetryAfter = 24 * time.Hour

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
	client http.Client
	own    bool // the client's transport is the webhook's
}

// New returns a webhook. Errors wrap profile.ErrInvalid.
func New(opts Options) (*Webhook, error) {
	u, err := url.Parse(opts.URL)
	if err != nil {
		return nil, fmt.Errorf("webhook: %w: %w", profile.ErrInvalid, err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("webhook: %w: %q is not the URL of a server", profile.ErrInvalid, opts.URL)
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
	if opts.Client != nil {
		w.client = *opts.Client
	} else {
		w.client.Transport, w.own = http.DefaultTransport.(*http.Transport).Clone(), true
	}
	w.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
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

// Deliver posts the batch. What the receiver answers but 2xx is a *StatusError.
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
	defer resp.Body.Close()
	// What is read to its end lets the connection be used again; of an answer
	// that fails the text may say why. One that breaks off is an answer still.
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, 16<<10))
	return statusError(resp, answer)
}

// StatusError is an answer other than 2xx.
type StatusError struct {
	Code int
	Body string // how it begins
}

// Error returns, say, `503 Service Unavailable: "down for maintenance"`.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("%d %s", e.Code, http.StatusText(e.Code))
	if e.Body == "" {
		return text
	}
	return fmt.Sprintf("%s: %q", text, e.Body)
}

// Is reports whether target is destination.ErrRefused and the status says so.
func (e *StatusError) Is(target error) bool {
	switch e.Code {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return target == destination.ErrRefused
	}
	return false
}

// statusError returns the error that an answer is, or nil.
func statusError(resp *http.Response, answer []byte) error {
	if resp.StatusCode/100 == 2 {
		return nil
	}
	const most = 256
	text := strings.ToValidUTF8(strings.TrimSpace(string(answer[:min(len(answer), most)])), "")
	err := &StatusError{Code: resp.StatusCode, Body: text}
	wait := retryAfter(resp.Header)
	if wait <= 0 || errors.Is(err, destination.ErrRefused) {
		return err
	}
	return &destination.RetryAfterError{Wait: wait, Err: err}
}

// retryAfter returns the wait that a header asks for; 0 if it asks for none. A
// date is taken relative to the server's own clock.
func retryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil {
		return time.Duration(min(seconds, uint64(MaxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), MaxRetryAfter)
}
