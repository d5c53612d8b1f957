package profileapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/muster-go/muster/profile"
)

// failure is an answer that is an error.
type failure struct {
	status        int
	code, message string
}

func (f *failure) Error() string { return f.message }

// The failures; the package comment lists them.
var (
	errNoResource  = &failure{http.StatusNotFound, "not_found", "there is no such resource"}
	errNoProfile   = &failure{http.StatusNotFound, "not_found", "there is no such profile"}
	errMethod      = &failure{http.StatusMethodNotAllowed, "method_not_allowed", "profiles can only be read"}
	errTooLong     = &failure{http.StatusRequestURITooLong, "uri_too_long", "the path or the query is too long"}
	errAmbiguous   = &failure{http.StatusConflict, "ambiguous_id", "several profiles have this id: use another"}
	errCursor      = &failure{http.StatusBadRequest, "invalid_cursor", "next is no cursor of this list: begin without it"}
	errIdentity    = &failure{http.StatusUnauthorized, "unauthenticated", "it is not known who asks"}
	errRefused     = &failure{http.StatusForbidden, "forbidden", "this may not be read"}
	errUnavailable = &failure{http.StatusServiceUnavailable, "unavailable", "profiles cannot be read at present"}
	errInternal    = &failure{http.StatusInternalServerError, "internal", "an internal error"}
)

func invalid(message string) error {
	return &failure{http.StatusBadRequest, "invalid_request", message}
}

// fail answers a request with an error.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	f := h.failureOf(r, err)
	switch f.status {
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", "GET, HEAD")
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", h.opts.Challenge)
	}
	text, err := encode(map[string]any{"error": map[string]string{"code": f.code, "message": f.message}})
	if err != nil { // it is two strings
		text = nil
	}
	write(w, r, f.status, text)
}

// failureOf returns what the caller is told of an error. What it does not tell
// goes to Options.OnError.
func (h *Handler) failureOf(r *http.Request, err error) *failure {
	var f *failure
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, ErrUnauthenticated):
		return errIdentity
	case errors.Is(err, ErrForbidden):
		return errRefused
	case r.Context().Err() != nil, errors.Is(err, context.DeadlineExceeded), errors.Is(err, profile.ErrClosed):
		return errUnavailable
	}
	if h.opts.OnError != nil {
		h.opts.OnError(r, err)
	}
	return errInternal
}

// write sends JSON. What a caller who is gone does not get is lost.
func write(w http.ResponseWriter, r *http.Request, status int, text []byte) {
	header := w.Header()
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(text)))
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(text)
	}
}

// encode returns v as JSON in which no more is escaped than has to be.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.Bytes(), err
}
