package main

import (
	"compress/flate"
	"compress/gzip"
	"context"
	"crypto/subtle"
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
				if body, err = readBody(w, r); err == nil {
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

// Errors of requests as such.
var (
	errMedia = errors.New("unsupported media type")
	errSite  = errors.New("cross-site request")
)

// readBody returns the body of a request, inflated. What is sent is JSON and says
// so: a web page cannot send that to another site without asking first, which this
// server never allows. So no page that somebody on this machine or in its network
// happens to have open can post messages.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil, nil
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return nil, fmt.Errorf("%w: Sec-Fetch-Site: %.40q", errSite, site)
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return nil, fmt.Errorf("%w: Content-Type: %.40q, want application/json", errMedia, r.Header.Get("Content-Type"))
	}
	var body io.Reader = http.MaxBytesReader(w, r.Body, maxBody)
	switch encoding := r.Header.Get("Content-Encoding"); encoding {
	case "", "identity":
	case "gzip":
		inflated, err := gzip.NewReader(body)
		if err != nil {
			return nil, fmt.Errorf("%w: gzip: %w", profile.ErrInvalid, err)
		}
		body = inflated
	default:
		return nil, fmt.Errorf("%w: Content-Encoding: %.40q, want gzip or none", errMedia, encoding)
	}
	text, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	switch {
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, new(flate.CorruptInputError)):
		return nil, fmt.Errorf("%w: gzip: %w", profile.ErrInvalid, err)
	case err != nil:
		return nil, err
	case len(text) > maxBody:
		return nil, fmt.Errorf("%w: request body too large, at most %d bytes", profile.ErrTooLarge, maxBody)
	}
	return text, nil
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
	return success, audience.Locate(body, s.engine.CreateFile(r.Context(), file))
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
	{errSite, http.StatusForbidden, "forbidden"},
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
