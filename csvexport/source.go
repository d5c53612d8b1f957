package csvexport

import (
	"context"
	"fmt"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// source is what an export reads: the profiles of a key at one instant.
type source struct {
	reader  profile.Reader
	key     string
	trait   bool            // the key is that of a computed trait: profiles have a value
	subject profile.Subject // of the rows
	both    bool            // the key has profiles of both subjects
	limit   int             // of profiles; 0 is none
}

// snapshotter is what a store has and a snapshot has not.
type snapshotter interface {
	Snapshot(context.Context) (profile.Snapshot, error)
}

// open finds out what e is about. If from is a live store it takes a snapshot,
// which release closes.
func open(ctx context.Context, from profile.Reader, e *Export) (s *source, release func() error, err error) {
	if err := e.validate(); err != nil {
		return nil, nil, err
	}
	release = func() error { return nil }
	if store, live := from.(snapshotter); live {
		snapshot, err := store.Snapshot(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("snapshot: %w", err)
		}
		from, release = snapshot, snapshot.Close
	}
	s = &source{reader: from, key: e.Key}
	if err := s.define(ctx, e.PerUser); err != nil {
		_ = release()
		return nil, nil, err
	}
	return s, release, nil
}

// define looks up what the key names.
func (s *source) define(ctx context.Context, perUser bool) error {
	var found audience.File
	for r, err := range s.reader.Keys(ctx) {
		if err != nil {
			return fmt.Errorf("keys: %w", err)
		}
		if r.Key != s.key || r.Definition == nil {
			continue
		}
		if found, err = audience.ParseFile(r.Definition); err != nil {
			return err
		}
		break
	}
	switch {
	case len(found.Audiences) > 0:
		a := found.Audiences[0]
		s.subject, s.both = a.Of, a.PerUser
	case len(found.Traits) > 0:
		s.trait, s.subject = true, found.Traits[0].Of
	default:
		return fmt.Errorf("audience or computed trait: %w", profile.ErrNotFound)
	}
	if !perUser {
		return nil
	}
	if !s.both {
		return fmt.Errorf("%w: PerUser: it is no audience of accounts that is kept per user", profile.ErrInvalid)
	}
	s.subject = profile.User
	return nil
}

// count returns the number of profiles. Where the store keeps no such number they
// are gone through.
func (s *source) count(ctx context.Context) (int, error) {
	if !s.trait && !s.both {
		return s.reader.MemberCount(ctx, s.key)
	}
	n := 0
	for _, err := range s.reader.Holders(ctx, s.key, s.subject, "") {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}
