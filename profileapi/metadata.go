package profileapi

import (
	"context"
	"fmt"
	"time"

	"github.com/muster-go/muster/profile"
)

// metadataJSON is the form of what is known of a profile as a whole. What is not known is
// null.
type metadataJSON struct {
	CreatedAt      *time.Time `json:"created_at"`
	UpdatedAt      *time.Time `json:"updated_at"`
	ExpiresAt      *time.Time `json:"expires_at"` // profiles do not expire
	FirstMessageID *string    `json:"first_message_id"`
	FirstSourceID  *string    `json:"first_source_id"`
	LastMessageID  *string    `json:"last_message_id"`
	LastSourceID   *string    `json:"last_source_id"`
}

// told is a message of a profile that is kept, in an event or in a trait.
type told struct {
	place
	messageID, source string
}

// metadata returns the metadata of the profile, as JSON: of the first and the last of its
// messages, by time, that are kept.
func (l *list) metadata(ctx context.Context) ([]byte, error) {
	var all []told
	first, err := l.oldestEvents(ctx, place{}, l.last(), 1)
	if err != nil {
		return nil, fmt.Errorf("metadata of %s %q: %w", l.ref.Subject, l.ref.ID, err)
	}
	last, err := l.newestEvents(ctx, place{}, l.last(), 1)
	if err != nil {
		return nil, fmt.Errorf("metadata of %s %q: %w", l.ref.Subject, l.ref.ID, err)
	}
	for _, e := range append(first, last...) {
		all = append(all, told{placeOf(&e), e.MessageID, sourceOf(&e)})
	}
	writes, err := l.Traits(ctx, l.ref)
	if err != nil {
		return nil, fmt.Errorf("metadata of %s %q: %w", l.ref.Subject, l.ref.ID, err)
	}
	for _, w := range writes {
		if !w.Time.After(l.now) {
			all = append(all, told{place{w.Time, w.Seq}, w.MessageID, ""})
		}
	}
	return encode(map[string]metadataJSON{"metadata": metadataOf(all)})
}

func metadataOf(all []told) (m metadataJSON) {
	if len(all) == 0 {
		return m
	}
	first, last := all[0], all[0]
	for _, t := range all {
		if t.compare(first.place) < 0 {
			first = t
		}
		if t.compare(last.place) > 0 {
			last = t
		}
	}
	return metadataJSON{
		CreatedAt: &first.time, UpdatedAt: &last.time,
		FirstMessageID: known(first.messageID), FirstSourceID: known(first.source),
		LastMessageID: known(last.messageID), LastSourceID: known(last.source),
	}
}

// known returns nil for an empty text.
func known(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// winners returns the times of the trait writes that count now, by name. The writes are
// in the order of name, then Compare.
func (l *list) winners(writes []profile.TraitWrite) map[string]time.Time {
	times := map[string]time.Time{}
	for i := range writes {
		if !writes[i].Time.After(l.now) {
			times[writes[i].Name] = writes[i].Time
		}
	}
	return times
}
