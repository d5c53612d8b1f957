package ingest

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
)

// ErrWriteKey is what an Authorizer refuses a write key with. Any other error says that
// the key could not be checked: the sender is to come again.
var ErrWriteKey = errors.New("not a write key")

// Source is what sends messages: an app, a site, a backend.
type Source struct {
	Name string // in the context of its messages, as "source"; empty: nothing is put there
}

// Authorizer says whose a write key is. It must be safe for concurrent use.
type Authorizer interface {
	// Authorize returns the source of a write key, which is not empty, or an error that
	// wraps ErrWriteKey if it is nobody's. The body of the request is not to be read.
	Authorize(r *http.Request, writeKey string) (Source, error)
}

// AuthorizerFunc is a function as an Authorizer.
type AuthorizerFunc func(r *http.Request, writeKey string) (Source, error)

// Authorize calls f.
func (f AuthorizerFunc) Authorize(r *http.Request, writeKey string) (Source, error) {
	return f(r, writeKey)
}

// WriteKeys is an Authorizer that knows the keys: the name of the source by its write key.
// How long it takes does not depend on how much of a key is right. It must not be changed
// while it is used.
type WriteKeys map[string]string

// Authorize looks the key up.
func (k WriteKeys) Authorize(_ *http.Request, writeKey string) (Source, error) {
	given := sha256.Sum256([]byte(writeKey))
	var source Source
	found := 0
	for key, name := range k {
		sum := sha256.Sum256([]byte(key))
		if subtle.ConstantTimeCompare(given[:], sum[:]) == 1 {
			source, found = Source{Name: name}, 1
		}
	}
	if found == 0 {
		return Source{}, ErrWriteKey
	}
	return source, nil
}

// keyOf returns the write key of a request's header or query; empty: it may be in the body.
func keyOf(r *http.Request) string {
	if user, _, ok := r.BasicAuth(); ok && user != "" {
		return user
	}
	return r.URL.Query().Get("writeKey")
}

// authorize returns the source of a write key.
func (h *Handler) authorize(r *http.Request, key string) (Source, error) {
	if key == "" {
		return Source{}, errNoKey
	}
	source, err := h.opts.Authorizer.Authorize(r, key)
	switch {
	case err == nil:
		return source, nil
	case errors.Is(err, ErrWriteKey):
		return Source{}, errKey
	}
	return Source{}, unavailable("write key", err)
}
