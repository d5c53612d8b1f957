package destination

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
	"time"

	"github.com/muster-go/muster/profile"
)

// told is an item with all that a message says of it.
type told struct {
	item
	key string // of the audience
	ids []profile.ExternalID
}

func (t *told) ref() profile.Ref { return profile.Ref{Subject: t.pair.subject, ID: t.pair.id} }

func (t *told) at() time.Time { return time.Unix(0, t.mark.at).UTC() }

// messageID returns the id of the message of a kind that tells the change. It is
// a function of the change alone, so that it is the same after a restart.
func (t *told) messageID(kind string) string {
	h := sha256.New()
	for _, text := range [...]string{kind, t.key, t.pair.subject.String(), t.pair.id} {
		hashText(h, text)
	}
	b := binary.BigEndian.AppendUint64(nil, uint64(t.mark.at))
	b = binary.BigEndian.AppendUint32(b, t.mark.number)
	if t.entered {
		b = append(b, 1)
	}
	h.Write(b)
	return "muster-" + hex.EncodeToString(h.Sum(nil)[:16])
}

// hashText writes text such that no two sequences of texts are the same bytes.
func hashText(h hash.Hash, text string) {
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
	h.Write([]byte(text))
}

// batch puts changes together in the form of a mode.
func (c *Config) batch(changes []told) (*Batch, error) {
	b := &Batch{}
	h := sha256.New()
	for i := range changes {
		t := &changes[i]
		hashText(h, t.messageID("batch"))
		if c.Mode == Lists {
			b.list(t)
			continue
		}
		if err := c.messages(b, t); err != nil {
			return nil, fmt.Errorf("message of %s %q: %w", t.pair.subject, t.pair.id, err)
		}
	}
	b.ID = "batch-" + hex.EncodeToString(h.Sum(nil)[:16])
	return b, nil
}

// messages appends the messages that tell a change.
func (c *Config) messages(b *Batch, t *told) error {
	context, err := profile.NewObject(t.context())
	if err != nil {
		return err
	}
	value := map[string]any{t.key: t.entered}
	add := func(typ profile.MessageType) *profile.Message {
		b.Messages = append(b.Messages, profile.Message{
			Type:      typ,
			MessageID: t.messageID(typ.String()),
			Time:      t.at(),
			Context:   context,
		})
		return &b.Messages[len(b.Messages)-1]
	}
	if t.pair.subject == profile.Account {
		m := add(profile.Group)
		m.GroupID, m.AnonymousID = t.pair.id, c.AnonymousID
		m.Traits, err = profile.NewObject(value)
		return err
	}
	if c.Mode&Identify != 0 {
		m := add(profile.Identify)
		m.UserID, m.AnonymousID = t.userID()
		if m.Traits, err = profile.NewObject(value); err != nil {
			return err
		}
	}
	if c.Mode&Track != 0 {
		value["audience_key"] = t.key
		m := add(profile.Track)
		m.UserID, m.AnonymousID = t.userID()
		if m.Name = AudienceExited; t.entered {
			m.Name = AudienceEntered
		}
		m.Properties, err = profile.NewObject(value)
	}
	return err
}

// userID returns the profile's id as the user id, or as the anonymous id if it
// is known to be one.
func (t *told) userID() (user, anonymous string) {
	id := t.pair.id
	if slices.Contains(t.ids, profile.ExternalID{Type: "anonymous_id", Value: id}) &&
		!slices.Contains(t.ids, profile.ExternalID{Type: "user_id", Value: id}) {
		return "", id
	}
	return id, ""
}

// context says of which audience a message is, in the place where Segment does,
// and by what else its profile is known.
func (t *told) context() map[string]any {
	context := map[string]any{"personas": map[string]any{
		"computation_class": "audience",
		"computation_key":   t.key,
	}}
	if len(t.ids) == 0 {
		return context
	}
	collection := "users"
	if t.pair.subject == profile.Account {
		collection = "accounts"
	}
	external := make([]any, len(t.ids))
	for i, id := range t.ids {
		external[i] = map[string]any{"type": id.Type, "id": id.Value, "collection": collection, "encoding": "none"}
	}
	context["externalIds"] = external
	return context
}

// list puts a change into the list of its audience.
func (b *Batch) list(t *told) {
	i := slices.IndexFunc(b.Lists, func(l List) bool { return l.Audience == t.key && l.Of == t.pair.subject })
	if i < 0 {
		i = len(b.Lists)
		b.Lists = append(b.Lists, List{Audience: t.key, Of: t.pair.subject})
	}
	l := &b.Lists[i]
	m := Member{ID: t.pair.id, MessageID: t.messageID("list"), At: t.at(), ExternalIDs: t.ids}
	if t.entered {
		l.Add = append(l.Add, m)
	} else {
		l.Remove = append(l.Remove, m)
	}
}
