package profileapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// Definitions says which audiences are live. *audience.Engine does.
type Definitions interface {
	List() []audience.Definition
}

// Store is what profiles are read from. A profile.Store is one.
type Store interface {
	Snapshot(ctx context.Context) (profile.Snapshot, error)
}

// Options of a handler; the zero value is fine.
type Options struct {
	// Clock says what now is, for custom traits and events: that of the engine.
	// audience.WallClock by default. What is written to the store later than
	// the clock says counts as well.
	Clock audience.Clock
	// Challenge is the WWW-Authenticate header of a 401: Basic realm="profiles" by
	// default.
	Challenge string
	// OnError is told why a request was answered with 500. It must be safe for
	// concurrent use; nil ignores it.
	OnError func(r *http.Request, err error)
}

// Handler is the API. It is safe for concurrent use, and keeps no state.
type Handler struct {
	definitions Definitions
	store       Store
	authorizer  Authorizer
	opts        Options
}

// New returns a handler that serves what is in store: the engine's own. The
// definitions are the engine. The error wraps profile.ErrInvalid if any of the
// three is missing.
func New(definitions Definitions, store Store, authorizer Authorizer, opts Options) (*Handler, error) {
	switch {
	case definitions == nil:
		return nil, fmt.Errorf("%w: profile API without definitions", profile.ErrInvalid)
	case store == nil:
		return nil, fmt.Errorf("%w: profile API without a store", profile.ErrInvalid)
	case authorizer == nil:
		return nil, fmt.Errorf("%w: profile API without an authorizer", profile.ErrInvalid)
	}
	if opts.Clock == nil {
		opts.Clock = audience.WallClock{}
	}
	if opts.Challenge == "" {
		opts.Challenge = `Basic realm="profiles"`
	}
	return &Handler{definitions: definitions, store: store, authorizer: authorizer, opts: opts}, nil
}

// ServeHTTP answers one request; see the package comment.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := h.answer(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	write(w, r, http.StatusOK, text)
}

// answer returns the page that r asks for, as JSON.
func (h *Handler) answer(r *http.Request) (text []byte, err error) {
	q, err := parse(r)
	if err != nil {
		return nil, err
	}
	if err := h.authorizer.AuthorizeRequest(r, q.Access); err != nil {
		return nil, err
	}
	// Before the snapshot: the members of what is live now are in it.
	var live []audience.Definition
	if q.Resource == Traits {
		live = h.definitions.List()
	}
	ctx := r.Context()
	snapshot, err := h.store.Snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	defer func() { err = errors.Join(err, snapshot.Close()) }()

	ref, err := h.choose(r, snapshot, q.Access)
	if err != nil {
		return nil, err
	}
	l := list{Reader: snapshot, query: q, ref: ref, live: live, may: func(linked profile.Ref) (bool, error) {
		return h.may(r, q.Access, linked)
	}}
	if l.now, err = h.now(ctx, snapshot); err != nil {
		return nil, err
	}
	if q.Resource == Metadata {
		return l.metadata(ctx)
	}
	return l.page(ctx, requestPath(r))
}
