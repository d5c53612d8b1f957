package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/muster-go/muster/profile"
)

// Profiles finds profiles by their ids. A profile.Store is one.
type Profiles interface {
	// Find returns the profiles of a subject that have an external id.
	Find(ctx context.Context, subject profile.Subject, id profile.ExternalID) ([]string, error)
	// Known reports whether a profile is a known user's, and not a visitor's.
	Known(ctx context.Context, user string) (bool, error)
}

// typeMerge is the type of RudderStack's messages that say that two ids are of one
// customer.
const typeMerge = "merge"

// errIsMerge says that a message is a merge, which has to see what those before it did.
var errIsMerge = errors.New("the message is a merge")

func isMerge(fields []field) bool {
	for _, f := range fields {
		if string(f.key) == "type" && string(f.value) == `"`+typeMerge+`"` {
			return true
		}
	}
	return false
}

// mergeMessage reads what a merge has in common with other messages: its id and its time.
func (h *Handler) mergeMessage(c *composer, fields []field) (profile.Message, error) {
	kept := []field{{[]byte("type"), []byte(`"identify"`)}, {[]byte("userId"), []byte(`"merge"`)}}
	for _, f := range fields {
		switch string(f.key) {
		case "messageId", "message_id", "timestamp", "originalTimestamp", "original_timestamp", "sentAt", "sent_at":
			kept = append(kept, f)
		}
	}
	plain := *c
	plain.typ = "identify"
	m, err := profile.ParseMessage(plain.message(kept))
	if err != nil {
		return m, err
	}
	if m.MessageID == "" {
		m.MessageID = newMessageID()
	}
	return profile.Message{MessageID: m.MessageID, Time: m.Time}, errIsMerge
}

// customer is one of the two that a merge names.
type customer struct {
	id      profile.ExternalID
	profile string // that it names; empty: none
	visitor bool   // the profile is, or would be, a visitor's
}

// merge returns the message that does what a merge says: an alias, or an identify call
// that gives a profile an id. m has its id and its time.
func (h *Handler) merge(ctx context.Context, text []byte, m profile.Message) (profile.Message, error) {
	if h.opts.Profiles == nil {
		return m, fmt.Errorf("%w: messages of the type merge are not taken here", profile.ErrInvalid)
	}
	var form struct {
		MergeProperties []struct {
			Type  string `json:"type"`
			Value string `json:"value"`
		} `json:"mergeProperties"`
	}
	if err := json.Unmarshal(text, &form); err != nil {
		return m, fmt.Errorf("%w: merge: %w", profile.ErrInvalid, err)
	}
	if len(form.MergeProperties) != 2 {
		return m, fmt.Errorf("%w: a merge has two mergeProperties, not %d", profile.ErrInvalid, len(form.MergeProperties))
	}
	var of [2]customer
	for i, p := range form.MergeProperties {
		var err error
		if of[i], err = h.customer(ctx, profile.ExternalID{Type: p.Type, Value: p.Value}); err != nil {
			return m, err
		}
	}
	a, b := of[0], of[1]
	if a.profile == "" || b.profile != "" && a.visitor && !b.visitor {
		a, b = b, a
	}
	switch {
	case a.profile == "":
		return m, fmt.Errorf("%w: nobody has the %s or the %s", profile.ErrNotFound, a.id.Type, b.id.Type)
	case b.profile == "":
		return give(m, a, b.id)
	case a.profile == b.profile:
		return give(m, a, a.id)
	}
	m.Type, m.UserID, m.PreviousID = profile.Alias, a.profile, b.profile
	return m, nil
}

// give makes m the message that tells an id of a profile.
func give(m profile.Message, to customer, id profile.ExternalID) (profile.Message, error) {
	var err error
	m.Type = profile.Identify
	m.Context, err = profile.NewObject(map[string]any{"externalIds": []any{
		map[string]any{"type": id.Type, "id": id.Value, "collection": "users"},
	}})
	if to.visitor {
		m.AnonymousID = to.profile
	} else {
		m.UserID = to.profile
	}
	return m, err
}

// customer finds the profile that an id names.
func (h *Handler) customer(ctx context.Context, id profile.ExternalID) (customer, error) {
	c := customer{id: id}
	if err := errors.Join(profile.CheckID("type of an id", id.Type), profile.CheckID("id", id.Value)); err != nil {
		return c, err
	}
	if profile.NoID(id.Value) {
		return c, fmt.Errorf("%w: %q is nobody's id", profile.ErrInvalid, id.Value)
	}
	switch id.Type {
	case "user_id", "userId":
		c.profile = id.Value
		return c, nil
	case "anonymous_id", "anonymousId":
		c.profile = id.Value
	default:
		ids, err := h.opts.Profiles.Find(ctx, profile.User, id)
		switch {
		case err != nil:
			return c, unavailable("find a profile", err)
		case len(ids) > 1:
			return c, fmt.Errorf("%w: %d profiles have the %s", profile.ErrInvalid, len(ids), id.Type)
		case len(ids) == 0:
			return c, nil
		}
		c.profile = ids[0]
	}
	known, err := h.opts.Profiles.Known(ctx, c.profile)
	if err != nil {
		return c, unavailable("find a profile", err)
	}
	c.visitor = !known
	return c, nil
}

// isFailure reports whether an error is of the whole request, and not of one message.
func isFailure(err error) bool {
	var f *failure
	return errors.As(err, &f)
}
