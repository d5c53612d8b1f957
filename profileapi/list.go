package profileapi

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// maxPage is where a page ends, in bytes of its items.
const maxPage = 1 << 20

// list is one list of one profile, in a snapshot.
type list struct {
	profile.Reader
	query
	ref  profile.Ref
	live []audience.Definition // for traits
	now  time.Time
	may  func(profile.Ref) (bool, error) // the caller read a linked profile
}

// item is one of a list.
type item struct {
	name  string // of a trait
	key   string // its place in the order of the list
	value any    // what its JSON is made of
}

// now returns the instant at which a snapshot is read.
func (h *Handler) now(ctx context.Context, snapshot profile.Reader) (time.Time, error) {
	now := h.opts.Clock.Now()
	if err := profile.CheckTime(now); err != nil {
		return time.Time{}, fmt.Errorf("clock: %w", err)
	}
	_, written, err := snapshot.Position(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("position of the store: %w", err)
	}
	if written.After(now) {
		now = written
	}
	return now, nil
}

// pageJSON is the form of a page: of traits or of anything else.
type pageJSON struct {
	Traits map[string]json.RawMessage `json:"traits,omitzero"` // marshaled in the order of keys
	Data   []json.RawMessage          `json:"data,omitzero"`
	Cursor cursorJSON                 `json:"cursor"`
}

type cursorJSON struct {
	URL     string `json:"url"`
	HasMore bool   `json:"has_more"`
	Next    string `json:"next"`
	Limit   int    `json:"limit"`
}

// page returns the page that the query asks for, as JSON. The path is for its
// address.
func (l *list) page(ctx context.Context, path string) ([]byte, error) {
	after, err := l.after()
	if err != nil {
		return nil, err
	}
	items, err := l.items(ctx, after)
	if err != nil {
		return nil, fmt.Errorf("%s of %s %q: %w", l.Resource, l.ref.Subject, l.ref.ID, err)
	}
	p := pageJSON{Data: []json.RawMessage{}}
	if l.Resource == Traits {
		p = pageJSON{Traits: map[string]json.RawMessage{}}
	}
	size, n := 0, 0
	for ; n < len(items) && n < l.limit && size < maxPage; n++ {
		text, err := encode(items[n].value)
		if err != nil {
			return nil, err
		}
		if size += len(items[n].name) + len(text); l.Resource == Traits {
			p.Traits[items[n].name] = text
		} else {
			p.Data = append(p.Data, text)
		}
	}
	p.Cursor.Limit = l.limit
	if n < len(items) {
		p.Cursor.HasMore, p.Cursor.Next = true, l.cursor(items[n-1].key)
		p.Cursor.URL = l.url(path, p.Cursor.Next)
	}
	return encode(p)
}

// items returns what comes after a key in the order of the list, from the
// beginning if there is no cursor: all that there is, or at least one more than
// the limit.
func (l *list) items(ctx context.Context, after string) ([]item, error) {
	switch l.Resource {
	case Traits:
		return l.traits(ctx, after)
	case Events:
		return l.events(ctx, after)
	case Links:
		return l.links(ctx, after)
	}
	return l.externalIDs(ctx, after)
}
