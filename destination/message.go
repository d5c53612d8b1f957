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

func (t *call) at() time.Time { return time.Unix(0, t.mark.at).UTC() }

// messageID returns the id of the message of a kind that tells a call. It is a
// function of the transition and of the ids that are told alone, so that it is the
// same after a restart, and another when there are new ids to tell.
func (t *call) messageID(kind string) string {
	h := sha256.New()
	for _, text := range [...]string{kind, t.key.name, t.pair.subject.String(), t.pair.id, t.identity.ID} {
		hashText(h, text)
	}
	for _, id := range t.identity.ExternalIDs {
		hashText(h, id.Type)
		hashText(h, id.Value)
	}
	b := binary.BigEndian.AppendUint64(nil, uint64(t.mark.at))
	b = binary.BigEndian.AppendUint32(b, t.mark.number)
	for _, is := range [...]bool{t.to.in, t.identity.Anonymous} {
		if is {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
	}
	h.Write(b)
	if t.to.value != nil {
		hashText(h, t.to.value.String())
	}
	return "muster-" + hex.EncodeToString(h.Sum(nil)[:16])
}

// hashText writes text such that no two sequences of texts are the same bytes.
func hashText(h hash.Hash, text string) {
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
	h.Write([]byte(text))
}

// batch puts calls together in the form of a mode.
func (c *Config) batch(calls []call) (*Batch, error) {
	b := &Batch{}
	h := sha256.New()
	for i := range calls {
		t := &calls[i]
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

// messages appends the messages that tell a call.
func (c *Config) messages(b *Batch, t *call) error {
	if err := c.checkNames(t.key); err != nil {
		return err
	}
	context, err := profile.NewObject(c.context(t))
	if err != nil {
		return err
	}
	value := map[string]any{c.Names.property(t.key): t.value()}
	add := func(typ profile.MessageType) *profile.Message {
		m := profile.Message{Type: typ, MessageID: t.messageID(typ.String()), Time: t.at(), Context: context}
		switch {
		case typ == profile.Group:
			m.GroupID, m.AnonymousID = t.identity.ID, c.AnonymousID
			if m.AnonymousID == "" {
				m.AnonymousID = standIn(t.pair.id)
			}
		case t.identity.ID == "":
			m.AnonymousID = m.MessageID // one of nobody; the external ids say who it is
		case t.identity.Anonymous:
			m.AnonymousID = t.identity.ID
		default:
			m.UserID = t.identity.ID
		}
		b.Messages = append(b.Messages, m)
		return &b.Messages[len(b.Messages)-1]
	}
	if t.pair.subject == profile.Account {
		m := add(profile.Group)
		m.Traits, err = profile.NewObject(value)
		return err
	}
	if c.Mode&Identify != 0 {
		m := add(profile.Identify)
		if m.Traits, err = profile.NewObject(value); err != nil {
			return err
		}
	}
	if c.Mode&Track != 0 {
		m := add(profile.Track)
		m.Name = c.Names.event(t)
		value[c.Names.keyProperty(t.key)] = t.key.name
		m.Properties, err = profile.NewObject(value)
	}
	return err
}

// value returns what a message says of a membership or of a trait.
func (t *call) value() any {
	switch {
	case !t.key.trait:
		return t.to.in
	case t.to.value == nil:
		return nil
	}
	return t.to.value.Any()
}

// standIn returns the anonymous id of the group calls of an account.
func standIn(account string) string {
	sum := sha256.Sum256([]byte("account:" + account))
	return "muster-" + hex.EncodeToString(sum[:16])
}

// context says of which audience or trait a message is, in the place where
// Segment does, and by what else its profile is known.
func (c *Config) context(t *call) map[string]any {
	personas := map[string]any{"computation_class": "audience", "computation_key": t.key.name}
	if t.key.trait {
		personas["computation_class"] = "trait"
	}
	id := ""
	if c.Personas.ComputationID != nil {
		id = c.Personas.ComputationID(t.key.name)
	}
	for name, text := range map[string]string{
		"computation_id": id, "space_id": c.Personas.SpaceID, "namespace": c.Personas.Namespace,
	} {
		if text != "" {
			personas[name] = text
		}
	}
	context := map[string]any{"personas": personas}
	if len(t.identity.ExternalIDs) == 0 {
		return context
	}
	collection := "users"
	if t.pair.subject == profile.Account {
		collection = "accounts"
	}
	external := make([]any, len(t.identity.ExternalIDs))
	for i, id := range t.identity.ExternalIDs {
		external[i] = map[string]any{"type": id.Type, "id": id.Value, "collection": collection, "encoding": "none"}
	}
	context["externalIds"] = external
	return context
}

// list puts a call into the list of its audience.
func (b *Batch) list(t *call) {
	i := slices.IndexFunc(b.Lists, func(l List) bool { return l.Audience == t.key.name && l.Of == t.pair.subject })
	if i < 0 {
		i = len(b.Lists)
		b.Lists = append(b.Lists, List{Audience: t.key.name, Of: t.pair.subject})
	}
	l := &b.Lists[i]
	m := Member{ID: t.identity.ID, Anonymous: t.identity.Anonymous, MessageID: t.messageID("list"), At: t.at(), ExternalIDs: t.identity.ExternalIDs}
	if t.to.in {
		l.Add = append(l.Add, m)
	} else {
		l.Remove = append(l.Remove, m)
	}
}
