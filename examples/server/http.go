package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/profileapi"
)

// maxDefinitions is the largest definitions file, in bytes.
const maxDefinitions = 1 << 20

// endpoint answers a request of somebody who has the token, with what is written as JSON,
// or a string as it is, or with an error.
type endpoint func(r *http.Request) (any, error)

// success is the answer where there is nothing to tell.
var success = map[string]bool{"success": true}

// handler serves everything: messages by package ingest, which also says of what there is
// none that there is none.
func (s *service) handler() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, answer endpoint) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			var v any
			err := s.readers().Check(r)
			if err == nil {
				v, err = answer(r)
			}
			s.write(w, v, err)
		})
	}
	handle("POST /v1/definitions", s.define)
	handle("GET /v1/explain", s.explain)
	handle("GET /v1/progress", s.progress)
	mux.Handle("/v1/collections/", s.profiles)
	mux.Handle("/v1/spaces/", s.profiles)
	mux.Handle("/", s.messages)
	return mux
}

// readers are those who may read, and define; each may all of it.
func (o *options) readers() profileapi.Tokens { return profileapi.Tokens{o.token} }

// errMedia says that a body does not say that it is JSON.
var errMedia = errors.New("unsupported media type")

// readDefinitions returns the body of a request. It is JSON and says so: a web page cannot
// send that to another site without asking first, which is never allowed here. So no page
// can define anything by the token that a browser remembers.
func readDefinitions(r *http.Request) ([]byte, error) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return nil, fmt.Errorf("%w: Content-Type: %.40q, want application/json", errMedia, r.Header.Get("Content-Type"))
	}
	return io.ReadAll(http.MaxBytesReader(nil, r.Body, maxDefinitions))
}

// define takes a definitions file. It answers when all stored profiles have been
// computed; who gives up waiting breaks that off.
func (s *service) define(r *http.Request) (any, error) {
	body, err := readDefinitions(r)
	if err != nil {
		return nil, err
	}
	file, err := audience.ParseFile(body)
	if err != nil {
		return nil, err
	}
	return success, audience.Locate(body, s.engine.CreateFile(r.Context(), file))
}

func (s *service) explain(r *http.Request) (any, error) {
	q := r.URL.Query()
	x, err := s.engine.Explain(r.Context(), q.Get("audience"), profile.UserRef(q.Get("user")))
	if err == nil && q.Get("format") == "text" {
		return x.String(), nil
	}
	return x, err
}

// progress tells how far definitions are that are being made, and destinations.
func (s *service) progress(*http.Request) (any, error) {
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
		w.Header().Set("WWW-Authenticate", `Basic realm="profiles"`)
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
	{errMedia, http.StatusUnsupportedMediaType, "unsupported_media_type"},
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
	case errors.As(err, new(*audience.DefinitionError)), errors.As(err, new(*audience.FileError)):
		return http.StatusBadRequest, "invalid_request"
	}
	return http.StatusInternalServerError, "internal"
}
