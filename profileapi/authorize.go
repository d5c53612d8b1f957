package profileapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/muster-go/muster/profile"
)

// What an Authorizer refuses with. Any other error is a failure of its own: the
// request is refused as well, with 500.
var (
	ErrUnauthenticated = errors.New("unauthenticated") // it is not known who asks
	ErrForbidden       = errors.New("forbidden")       // it is known, and they may not
)

// Resource is what can be read of a profile.
type Resource string

// The resources.
const (
	Traits      Resource = "traits"
	Events      Resource = "events"
	ExternalIDs Resource = "external_ids"
	Metadata    Resource = "metadata"
	Links       Resource = "links"
)

// Access is what a request asks to read, as the caller named it.
type Access struct {
	Space    string          // of the path; empty: it has none
	Subject  profile.Subject // the collection
	ID       profile.ExternalID
	Resource Resource
}

// Authorizer decides who may read what. Its methods return nil to allow, and an
// error that wraps ErrUnauthenticated or ErrForbidden to refuse. They must be
// safe for concurrent use.
type Authorizer interface {
	// AuthorizeRequest is asked first, before anything is looked up. Its refusal
	// is the answer, 401 or 403, whether or not there is such a profile.
	AuthorizeRequest(r *http.Request, a Access) error

	// AuthorizeProfile is asked about a profile that the external id names, by
	// the id that the profile is kept under: after a merge another than the
	// caller may know. One that is refused is answered as if it did not exist.
	// Where several profiles have the external id it is asked about each, in the
	// order of ids, until two are allowed. Of links it is asked about each profile
	// that is linked as well, of the other subject, and those that are refused are
	// left out. A snapshot of the store is open meanwhile, so it should not take long.
	AuthorizeProfile(r *http.Request, a Access, ref profile.Ref) error
}

// choose returns the one profile that the access is to and the caller may read.
func (h *Handler) choose(r *http.Request, from profile.Reader, a Access) (profile.Ref, error) {
	ids, err := find(r.Context(), from, a)
	if err != nil {
		return profile.Ref{}, fmt.Errorf("find %s by %s: %w", a.Subject, a.ID.Type, err)
	}
	var chosen *profile.Ref
	for _, id := range ids {
		ref := profile.Ref{Subject: a.Subject, ID: id}
		allowed, err := h.may(r, a, ref)
		switch {
		case err != nil:
			return profile.Ref{}, err
		case !allowed:
			continue
		case chosen != nil:
			return profile.Ref{}, errAmbiguous
		}
		chosen = &ref
	}
	if chosen == nil {
		return profile.Ref{}, errNoProfile
	}
	return *chosen, nil
}

// may reports whether the caller may read a profile.
func (h *Handler) may(r *http.Request, a Access, ref profile.Ref) (bool, error) {
	err := h.authorizer.AuthorizeProfile(r, a, ref)
	if errors.Is(err, ErrForbidden) || errors.Is(err, ErrUnauthenticated) {
		return false, nil
	}
	return err == nil, err
}

// find returns the profiles that have an external id: those it was attached to,
// unless it is the very id of one.
func find(ctx context.Context, from profile.Reader, a Access) ([]string, error) {
	if a.ID.Type == ownType(a.Subject) {
		id, exists, err := from.Resolve(ctx, profile.Ref{Subject: a.Subject, ID: a.ID.Value})
		if err != nil || exists {
			return []string{id}, err
		}
	}
	return from.Find(ctx, a.Subject, a.ID)
}

// ownType is the type of the ids that profiles are kept under.
func ownType(s profile.Subject) string {
	if s == profile.Account {
		return "group_id"
	}
	return "user_id"
}
