package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// failure is an answer that is an error of the whole request.
type failure struct {
	status        int
	code, message string
	cause         error // for Options.OnError; nil: there is nothing to tell
}

func (f *failure) Error() string { return f.message }

// The failures; the package comment lists them.
var (
	errNoKey      = &failure{http.StatusUnauthorized, "unauthenticated", "there is no write key", nil}
	errKey        = &failure{http.StatusUnauthorized, "unauthenticated", "the write key is nobody's", nil}
	errOrigin     = &failure{http.StatusForbidden, "forbidden", "pages of this origin may not send", nil}
	errRoute      = &failure{http.StatusNotFound, "not_found", "there is no such route", nil}
	errMethod     = &failure{http.StatusMethodNotAllowed, "method_not_allowed", "messages are posted", nil}
	errNotGet     = &failure{http.StatusMethodNotAllowed, "method_not_allowed", "settings are got", nil}
	errIncomplete = &failure{http.StatusRequestTimeout, "incomplete", "the body did not come whole", nil}
	errLarge      = &failure{http.StatusRequestEntityTooLarge, "too_large", "the body is too large", nil}
	errEncoding   = &failure{http.StatusUnsupportedMediaType, "unsupported_media_type", "the content encoding is gzip, or none", nil}
	errLimited    = &failure{http.StatusTooManyRequests, "too_many", "too much is on its way", nil}
	errGzip       = invalid("the body is no gzip")
	errJSON       = invalid("the body is not a JSON object")
	errNoBatch    = invalid("there is no list named batch")
)

func invalid(message string) *failure {
	return &failure{http.StatusBadRequest, "invalid_request", message, nil}
}

// unavailable is the failure to do what, for a cause that may pass.
func unavailable(what string, cause error) error {
	return &failure{http.StatusServiceUnavailable, "unavailable", "messages cannot be taken at present", fmt.Errorf("%s: %w", what, cause)}
}

// fail answers a request with an error.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	var f *failure
	if !errors.As(err, &f) {
		errors.As(unavailable("request", err), &f)
	}
	header := w.Header()
	switch f.status {
	case http.StatusMethodNotAllowed:
		header.Set("Allow", http.MethodPost)
		if f == errNotGet {
			header.Set("Allow", http.MethodGet)
		}
	case http.StatusUnauthorized:
		if r.Header.Get("Origin") == "" { // a browser would ask its user for a password
			header.Set("WWW-Authenticate", `Basic realm="write key"`)
		}
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		header.Set("Retry-After", seconds(h.opts.RetryAfter))
	}
	switch f.status {
	case http.StatusTooManyRequests:
		h.limited.Add(1)
	case http.StatusServiceUnavailable:
		h.failed.Add(1)
	default:
		h.invalid.Add(1)
	}
	h.report(r, f.cause)
	write(w, f.status, map[string]any{"error": map[string]string{"code": f.code, "message": f.message}})
}

// report tells Options.OnError of an error, if it is one.
func (h *Handler) report(r *http.Request, err error) {
	if err != nil && h.opts.OnError != nil {
		h.opts.OnError(r, err)
	}
}

// seconds writes a duration in whole seconds, rounded up.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64(math.Ceil(d.Seconds())), 10)
}

// write sends an answer as JSON. What a sender who is gone does not get is lost.
func write(w http.ResponseWriter, status int, answer any) {
	header := w.Header()
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(answer)
}
