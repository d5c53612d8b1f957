package ingest

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// Engine is what takes the messages. *audience.Engine is one.
type Engine interface {
	// ApplyEach takes messages in their order, each by itself. See the method of
	// audience.Engine.
	ApplyEach(ctx context.Context, messages ...profile.Message) (refused []*audience.MessageError, err error)
}

// Options of a handler. Authorizer is needed; the zero value of all others is fine.
type Options struct {
	// Authorizer says whose a write key is.
	Authorizer Authorizer
	// Clock says when a message was received: the engine's. audience.WallClock by default.
	Clock audience.Clock
	// MaxBatch is the largest body, in bytes, as it comes and inflated; 512 KiB by default.
	MaxBatch int
	// MaxMessage is the largest message, in bytes as it is sent; 32 KiB by default.
	MaxMessage int
	// MaxInFlight bounds the bytes of the bodies that are read, or whose messages are
	// taken, at a time; 64 MiB by default. It is MaxBatch at least. A body that does not
	// say how long it is, or is compressed, counts as MaxBatch.
	MaxInFlight int64
	// RetryAfter is what answers of 429 and 503 ask for, in whole seconds; 1 s by default.
	RetryAfter time.Duration
	// Without are the places in a message where no ids of its user are looked for.
	Without profile.IDSource
	// CorrectTimestamps has the timestamp of a message that says when it was sent, but
	// has no originalTimestamp, stand for the latter, which is corrected by how far the
	// sender's clock was off: as Segment's own servers do.
	CorrectTimestamps bool
	// Origins are those of the web pages that may send: "https://shop.example", or "*" for
	// all.
	Origins []string
	// Profiles finds the profiles that a merge is about: the engine's store. Nil: merges
	// are refused.
	Profiles Profiles
	// OnReject is told of each message that was refused, before the request is answered.
	// It must be safe for concurrent use, and not block.
	OnReject func(Rejection)
	// OnError is told why a request was answered with 503, and of a batch's context or
	// integrations that are no objects. It must be safe for concurrent use; nil ignores it.
	OnError func(r *http.Request, err error)
}

// The defaults of Options.
const (
	DefaultMaxBatch    = 512 << 10
	DefaultMaxMessage  = 32 << 10
	DefaultMaxInFlight = 64 << 20
)

// Rejection is a message that was refused.
type Rejection struct {
	Source    Source
	Index     int    // in its batch; 0 on a route of one message
	MessageID string // empty: it has none, or none that could be read
	Text      []byte // as it was sent; it may be kept
	Err       error  // wraps an error of package profile, or audience.ErrComputed
}

// Stats are counts since the handler was made.
type Stats struct {
	Taken    uint64 // messages
	Refused  uint64 // messages
	Invalid  uint64 // requests answered with a 4xx but 429
	Limited  uint64 // requests answered with 429
	Failed   uint64 // requests answered with 503
	InFlight int64  // bytes, now: see Options.MaxInFlight
}

// Handler is the API. It is safe for concurrent use.
type Handler struct {
	engine   Engine
	opts     Options
	origins  map[string]bool
	inFlight atomic.Int64

	taken, refused, invalid, limited, failed atomic.Uint64
}

// New returns a handler that gives the engine what it is sent. Errors wrap
// profile.ErrInvalid.
func New(engine Engine, opts Options) (*Handler, error) {
	orDefault(&opts.MaxBatch, DefaultMaxBatch)
	orDefault(&opts.MaxMessage, DefaultMaxMessage)
	orDefault(&opts.MaxInFlight, DefaultMaxInFlight)
	orDefault(&opts.RetryAfter, time.Second)
	if opts.Clock == nil {
		opts.Clock = audience.WallClock{}
	}
	switch {
	case engine == nil:
		return nil, fmt.Errorf("ingest: %w: no engine", profile.ErrInvalid)
	case opts.Authorizer == nil:
		return nil, fmt.Errorf("ingest: %w: no authorizer", profile.ErrInvalid)
	case opts.MaxBatch < 0, opts.MaxMessage < 0, opts.RetryAfter < 0:
		return nil, fmt.Errorf("ingest: %w: a limit below zero", profile.ErrInvalid)
	case opts.MaxMessage > profile.MaxLine/2:
		return nil, fmt.Errorf("ingest: %w: messages of %d bytes, at most %d", profile.ErrInvalid, opts.MaxMessage, profile.MaxLine/2)
	case opts.MaxInFlight < int64(opts.MaxBatch):
		return nil, fmt.Errorf("ingest: %w: %d bytes in flight have no room for a batch of %d", profile.ErrInvalid, opts.MaxInFlight, opts.MaxBatch)
	}
	h := &Handler{engine: engine, opts: opts, origins: map[string]bool{}}
	for _, origin := range opts.Origins {
		if err := checkOrigin(origin); err != nil {
			return nil, fmt.Errorf("ingest: %w", err)
		}
		h.origins[origin] = true
	}
	return h, nil
}

func orDefault[T int | int64 | time.Duration](v *T, or T) {
	if *v == 0 {
		*v = or
	}
}

// Stats returns the counts.
func (h *Handler) Stats() Stats {
	return Stats{
		Taken:    h.taken.Load(),
		Refused:  h.refused.Load(),
		Invalid:  h.invalid.Load(),
		Limited:  h.limited.Load(),
		Failed:   h.failed.Load(),
		InFlight: h.inFlight.Load(),
	}
}

// ServeHTTP answers one request; see the package comment.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	allowed := h.allow(w.Header(), r)
	if allowed && isPreflight(r) {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if !allowed {
		h.fail(w, r, errOrigin)
		return
	}
	settings, ok, err := h.settings(r)
	switch {
	case err != nil:
		h.fail(w, r, err)
		return
	case ok:
		write(w, http.StatusOK, settings)
		return
	}
	result, err := h.take(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.taken.Add(uint64(result.taken))
	h.refused.Add(uint64(len(result.refused)))
	for _, rejection := range result.refused {
		if h.opts.OnReject != nil {
			h.opts.OnReject(rejection)
		}
	}
	write(w, http.StatusOK, result.answer())
}

// take takes the messages of a request.
func (h *Handler) take(r *http.Request) (*result, error) {
	route, ok := routeOf(r.URL.Path)
	switch {
	case !ok:
		return nil, errRoute
	case r.Method != http.MethodPost:
		return nil, errMethod
	}
	// Who has the wrong key does not get to send a body.
	key := keyOf(r)
	var source Source
	if key != "" {
		var err error
		if source, err = h.authorize(r, key); err != nil {
			return nil, err
		}
	}
	release, err := h.reserve(r)
	if err != nil {
		return nil, err
	}
	defer release()
	text, err := h.read(r)
	if err != nil {
		return nil, err
	}
	received := h.opts.Clock.Now()
	body, err := h.parse(r, text, route)
	if err != nil {
		return nil, err
	}
	if key == "" {
		if source, err = h.authorize(r, body.writeKey); err != nil {
			return nil, err
		}
	}
	return h.apply(context.WithoutCancel(r.Context()), body, source, received)
}
