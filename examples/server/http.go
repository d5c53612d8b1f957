package main

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/profileapi"
)

// maxBody is the largest request, in bytes: twice what Segment takes.
const maxBody = 1 << 20

// endpoint answers a request with what is written as JSON, or a string as it is,
// or with an error.
type endpoint func(r *http.Request, body []byte) (any, error)

// success is the answer where there is nothing to tell.
var success = map[string]bool{"success": true}

func (s *service) handler() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, check func(*http.Request) error, answer endpoint) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			var v any
			err := check(r)
			if err == nil {
				var body []byte
				if body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody)); err == nil {
					v, err = answer(r, body)
				}
			}
			s.write(w, v, err)
		})
	}
	anyone := func(*http.Request) error { return nil }
	reader := bearer(s.token).check
	for t := profile.Track; t <= profile.Alias; t++ {
		handle("POST /v1/"+t.String(), anyone, s.take(t))
	}
	handle("POST /v1/batch", anyone, s.takeBatch)
	handle("POST /v1/definitions", reader, s.define)
	handle("GET /v1/explain", reader, s.explain)
	handle("GET /v1/progress", reader, s.progress)
	mux.Handle("/v1/collections/", s.profiles)
	handle("/", anyone, func(r *http.Request, _ []byte) (any, error) {
		return nil, fmt.Errorf("%s %s: %w", r.Method, r.URL.Path, profile.ErrNotFound)
	})
	return mux
}

// bearer is the token of those who may read, and define; each may all of it.
type bearer string

func (b bearer) check(r *http.Request) error {
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+b)) != 1 {
		return profileapi.ErrUnauthenticated
	}
	return nil
}

// AuthorizeRequest and AuthorizeProfile make it a profileapi.Authorizer.
func (b bearer) AuthorizeRequest(r *http.Request, _ profileapi.Access) error { return b.check(r) }

func (bearer) AuthorizeProfile(*http.Request, profileapi.Access, profile.Ref) error { return nil }

// define takes a definitions file. It answers when all stored profiles have been
// computed; who gives up waiting breaks that off.
func (s *service) define(r *http.Request, body []byte) (any, error) {
	file, err := audience.ParseFile(body)
	if err != nil {
		return nil, err
	}
	return success, s.engine.CreateFile(r.Context(), file)
}

func (s *service) explain(r *http.Request, _ []byte) (any, error) {
	q := r.URL.Query()
	x, err := s.engine.Explain(r.Context(), q.Get("audience"), profile.UserRef(q.Get("user")))
	if err == nil && q.Get("format") == "text" {
		return x.String(), nil
	}
	return x, err
}

// progress tells how far definitions are that are being made, and destinations.
func (s *service) progress(*http.Request, []byte) (any, error) {
	definitions, destinations := []any{}, []any{}
	for _, p := range s.engine.Progress() {
		definitions = append(definitions, map[string]any{
			"keys": p.Keys, "done": p.Done, "total": p.Total, "left": p.Left().String(),
		})
	}
	for _, c := range s.hub.Connections() {
		stats := c.Stats()
		destinations = append(destinations, map[string]any{
			"type": c.Type(), "sent": stats.Sent, "waiting": stats.Queued + stats.InFlight, "failures": stats.Failures,
		})
	}
	return map[string]any{"definitions": definitions, "destinations": destinations}, nil
}

// write answers a request with v, or with an error.
func (s *service) write(w http.ResponseWriter, v any, err error) {
	status := http.StatusOK
	if err != nil {
		var code string
		status, code = statusOf(err)
		message := err.Error()
		if status == http.StatusInternalServerError {
			s.log.Error("a request failed", "err", err)
			message = "an internal error"
		}
		v = map[string]any{"error": map[string]string{"code": code, "message": message}}
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	if text, ok := v.(string); ok {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, text) // who is gone does not get it
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
}

// causes are what errors wrap, and what callers are told then. The first one
// counts.
var causes = []struct {
	err    error
	status int
	code   string
}{
	{profileapi.ErrUnauthenticated, http.StatusUnauthorized, "unauthenticated"},
	{profile.ErrTooLarge, http.StatusRequestEntityTooLarge, "too_large"},
	{audience.ErrExists, http.StatusConflict, "conflict"},
	{audience.ErrLocked, http.StatusConflict, "conflict"},
	{profile.ErrRetired, http.StatusConflict, "conflict"},
	{profile.ErrInvalid, http.StatusBadRequest, "invalid_request"},
	{profile.ErrTime, http.StatusBadRequest, "invalid_request"},
	{profile.ErrRetention, http.StatusBadRequest, "invalid_request"},
	{audience.ErrComputed, http.StatusBadRequest, "invalid_request"},
	{profile.ErrNotFound, http.StatusNotFound, "not_found"},
	{profile.ErrClosed, http.StatusServiceUnavailable, "unavailable"},
	{context.Canceled, http.StatusServiceUnavailable, "unavailable"},
}

func statusOf(err error) (status int, code string) {
	for _, c := range causes {
		if errors.Is(err, c.err) {
			return c.status, c.code
		}
	}
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return http.StatusRequestEntityTooLarge, "too_large"
	case errors.As(err, new(*audience.DefinitionError)):
		return http.StatusBadRequest, "invalid_request"
	}
	return http.StatusInternalServerError, "internal"
}
