package service

import (
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
const maxDefinitions = 4 << 20

// endpoint answers a request of somebody who has the token, with what is written as JSON,
// or a string as it is, or with an error.
type endpoint func(w http.ResponseWriter, r *http.Request) (any, error)

// guarded returns a handler of an endpoint for those who have a token.
func (s *service) guarded(tokens profileapi.Tokens, answer endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var v any
		err := tokens.Check(r)
		if err == nil {
			v, err = answer(w, r)
		}
		s.write(w, v, err)
	})
}

// definitions answers with what is live.
func (s *service) definitions(http.ResponseWriter, *http.Request) (any, error) {
	return audience.File{Traits: s.engine.ListTraits(), Audiences: s.engine.List()}, nil
}

// sync makes the live definitions those of the body. It answers when all profiles have
// been computed.
func (s *service) sync(w http.ResponseWriter, r *http.Request) (any, error) {
	text, f, opts, err := read(w, r)
	if err != nil {
		return nil, err
	}
	plan, err := s.engine.Sync(r.Context(), f, opts)
	return plan, audience.Locate(text, err)
}

// plan answers with what sync would do.
func (s *service) plan(w http.ResponseWriter, r *http.Request) (any, error) {
	text, f, opts, err := read(w, r)
	if err != nil {
		return nil, err
	}
	opts.Count = true
	plan, err := s.engine.Plan(r.Context(), f, opts)
	return plan, audience.Locate(text, err)
}

// errMedia says that a body does not say that it is JSON.
var errMedia = errors.New("unsupported media type")

// read reads the definitions of a request. They are JSON and say so: a web page cannot
// send that to another site without asking first, which is never allowed here. So no page
// can define anything by the token that a browser remembers.
func read(w http.ResponseWriter, r *http.Request) (text []byte, f audience.File, opts audience.SyncOptions, err error) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return nil, f, opts, fmt.Errorf("%w: Content-Type: %.40q, want application/json", errMedia, r.Header.Get("Content-Type"))
	}
	switch gone := r.URL.Query().Get("delete"); gone {
	case "", "false":
	case "true":
		opts.Delete = true
	default:
		return nil, f, opts, fmt.Errorf("%w: delete=%.40q, want true or false", profile.ErrInvalid, gone)
	}
	if text, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxDefinitions)); err != nil {
		return nil, f, opts, err
	}
	f, err = audience.ParseFile(text)
	return text, f, opts, err
}

// explain says why a user, or an account, is in an audience, or is not.
func (s *service) explain(_ http.ResponseWriter, r *http.Request) (any, error) {
	q := r.URL.Query()
	ref := profile.UserRef(q.Get("user"))
	if q.Has("account") {
		ref = profile.AccountRef(q.Get("account"))
	}
	if q.Has("account") == q.Has("user") || ref.ID == "" {
		return nil, fmt.Errorf("%w: want user=ID or account=ID", profile.ErrInvalid)
	}
	x, err := s.engine.Explain(r.Context(), q.Get("audience"), ref)
	if err == nil && q.Get("format") == "text" {
		return x.String(), nil
	}
	return x, err
}

// write answers a request with v, or with an error.
func (s *service) write(w http.ResponseWriter, v any, err error) {
	status := http.StatusOK
	if err != nil {
		var code string
		status, code = statusOf(err)
		message := err.Error()
		if status == http.StatusInternalServerError {
			s.Log.Error("a request failed", "err", err)
			message = "an internal error"
		}
		v = map[string]any{"error": map[string]string{"code": code, "message": message}}
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="muster"`)
	}
	if text, ok := v.(string); ok {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, text) // who is gone does not get it
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v)
}

// causes are what errors wrap, and what callers are told then. The first one counts.
var causes = []struct {
	err    error
	status int
	code   string
}{
	{profileapi.ErrUnauthenticated, http.StatusUnauthorized, "unauthenticated"},
	{errMedia, http.StatusUnsupportedMediaType, "unsupported_media_type"},
	{audience.ErrExists, http.StatusConflict, "conflict"},
	{audience.ErrInUse, http.StatusConflict, "conflict"},
	{audience.ErrLocked, http.StatusConflict, "conflict"},
	{profile.ErrRetired, http.StatusConflict, "conflict"},
	{profile.ErrClosed, http.StatusServiceUnavailable, "unavailable"},
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
	case errors.As(err, new(*audience.DefinitionError)), errors.As(err, new(*audience.FileError)), errors.Is(err, profile.ErrInvalid):
		return http.StatusBadRequest, "invalid_request"
	case errors.Is(err, profile.ErrNotFound):
		return http.StatusNotFound, "not_found"
	}
	return http.StatusInternalServerError, "internal"
}
