package destination

import (
	"bytes"
	"encoding/json"
	"iter"
	"time"

	"github.com/muster-go/muster/profile"
)

// message is the JSON form of a Segment-spec message, as profile.ParseMessage
// reads it.
type message struct {
	Type        string          `json:"type"`
	MessageID   string          `json:"messageId,omitempty"`
	Timestamp   string          `json:"timestamp"`
	UserID      string          `json:"userId,omitempty"`
	AnonymousID string          `json:"anonymousId,omitempty"`
	PreviousID  string          `json:"previousId,omitempty"`
	GroupID     string          `json:"groupId,omitempty"`
	Event       string          `json:"event,omitempty"`
	Properties  *profile.Object `json:"properties,omitempty"`
	Traits      *profile.Object `json:"traits,omitempty"`
	Context     *profile.Object `json:"context,omitempty"`
}

type list struct {
	Type     string   `json:"type"`
	Audience string   `json:"audience"`
	Of       string   `json:"of"`
	Add      []member `json:"add,omitempty"`
	Remove   []member `json:"remove,omitempty"`
}

type member struct {
	ID          string       `json:"id,omitempty"`
	Anonymous   bool         `json:"anonymous,omitempty"`
	MessageID   string       `json:"messageId"`
	Timestamp   string       `json:"timestamp"`
	ExternalIDs []externalID `json:"externalIds,omitempty"`
}

type externalID struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

// EncodeMessage returns a message as one line of JSON, without the line's end.
// profile.ParseMessage reads it back.
func EncodeMessage(m *profile.Message) ([]byte, error) { return encode(messageOf(m)) }

func messageOf(m *profile.Message) message {
	w := message{
		Type:        m.Type.String(),
		MessageID:   m.MessageID,
		Timestamp:   timestamp(m.Time),
		UserID:      m.UserID,
		AnonymousID: m.AnonymousID,
		PreviousID:  m.PreviousID,
		Context:     objectOf(m.Context),
	}
	switch m.Type {
	case profile.Group:
		w.GroupID = m.GroupID
		w.Traits = objectOf(m.Traits)
	case profile.Identify:
		w.Traits = objectOf(m.Traits)
	case profile.Track:
		w.Event = m.Name
		w.Properties = objectOf(m.Properties)
	case profile.Page, profile.Screen:
		w.Properties = objectOf(m.Properties)
	}
	return w
}

// objectOf returns nil for an empty object, which is then left out.
func objectOf(o profile.Object) *profile.Object {
	if o.Len() == 0 {
		return nil
	}
	return &o
}

func timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// encode is json.Marshal without escapes that are for HTML.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

func (l *List) form() list {
	of := "users"
	if l.Of == profile.Account {
		of = "accounts"
	}
	return list{Type: "list", Audience: l.Audience, Of: of, Add: forms(l.Add), Remove: forms(l.Remove)}
}

func forms(members []Member) []member {
	var fs []member
	for _, m := range members {
		f := member{ID: m.ID, Anonymous: m.Anonymous, MessageID: m.MessageID, Timestamp: timestamp(m.At)}
		for _, id := range m.ExternalIDs {
			f.ExternalIDs = append(f.ExternalIDs, externalID{id.Type, id.Value})
		}
		fs = append(fs, f)
	}
	return fs
}

// MarshalJSON writes the form that Batch describes.
func (b *Batch) MarshalJSON() ([]byte, error) {
	var form struct {
		Batch []message `json:"batch,omitempty"`
		Lists []list    `json:"lists,omitempty"`
	}
	for i := range b.Messages {
		form.Batch = append(form.Batch, messageOf(&b.Messages[i]))
	}
	for i := range b.Lists {
		form.Lists = append(form.Lists, b.Lists[i].form())
	}
	return encode(form)
}

// Lines yields each message and each list of the batch as one line of JSON,
// without the line's end. It yields at most one error, as its last pair.
func (b *Batch) Lines() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for i := range b.Messages {
			if line, err := EncodeMessage(&b.Messages[i]); !yield(line, err) || err != nil {
				return
			}
		}
		for i := range b.Lists {
			if line, err := encode(b.Lists[i].form()); !yield(line, err) || err != nil {
				return
			}
		}
	}
}
