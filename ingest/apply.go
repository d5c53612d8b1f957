package ingest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/muster-go/muster/profile"
)

// maxListed is how many of the refused messages an answer lists.
const maxListed = 1000

// result is what became of the messages of a request.
type result struct {
	taken   int
	refused []Rejection // in the order of the messages
}

// answer returns the JSON form.
func (r *result) answer() any {
	if len(r.refused) == 0 {
		return map[string]bool{"success": true}
	}
	type refused struct {
		Index     int    `json:"index"`
		MessageID string `json:"messageId,omitempty"`
		Error     string `json:"error"`
	}
	list := make([]refused, min(len(r.refused), maxListed))
	for i := range list {
		list[i] = refused{r.refused[i].Index, r.refused[i].MessageID, r.refused[i].Err.Error()}
	}
	return struct {
		Success bool      `json:"success"`
		Taken   int       `json:"taken"`
		Refused []refused `json:"refused"`
	}{false, r.taken, list}
}

// apply gives the engine the messages of a request. Those that are read are given in one
// call, up to the next that has to see what they did.
func (h *Handler) apply(ctx context.Context, b *body, source Source, received time.Time) (*result, error) {
	c, err := newComposer(b.envelope, source, received, h.opts.CorrectTimestamps)
	if err != nil {
		return nil, err
	}
	res := &result{}
	refuse := func(i int, id string, err error) {
		res.refused = append(res.refused, Rejection{source, i, id, append([]byte(nil), b.messages[i]...), err})
	}
	var messages []profile.Message
	var at []int // the index of each
	give := func() error {
		refused, err := h.engine.ApplyEach(ctx, messages...)
		if err != nil {
			return unavailable("engine", err)
		}
		for _, of := range refused {
			refuse(at[of.Index], of.MessageID, of.Err)
		}
		res.taken += len(messages) - len(refused)
		messages, at = messages[:0], at[:0]
		return nil
	}
	for i, text := range b.messages {
		m, err := h.message(c, text)
		if err == errIsMerge {
			if err := give(); err != nil {
				return nil, err
			}
			if m, err = h.merge(ctx, text, m); isFailure(err) {
				return nil, err
			}
		}
		if err != nil {
			refuse(i, messageIDOf(text), err)
			continue
		}
		messages, at = append(messages, m), append(at, i)
	}
	if err := give(); err != nil {
		return nil, err
	}
	return res, nil
}

// message reads a message. It returns errIsMerge for a merge, of which the id and the
// time alone are read.
func (h *Handler) message(c *composer, text []byte) (profile.Message, error) {
	if len(text) > h.opts.MaxMessage {
		return profile.Message{}, fmt.Errorf("%w: a message of %d bytes, at most %d", profile.ErrTooLarge, len(text), h.opts.MaxMessage)
	}
	fields, ok := appendFields(c.fields[:0], text)
	c.fields = fields
	if !ok {
		_, err := profile.ParseMessage(text)
		if err == nil {
			err = fmt.Errorf("%w: not a JSON object", profile.ErrInvalid)
		}
		return profile.Message{}, err
	}
	if c.typ == typeMerge || isMerge(fields) {
		return h.mergeMessage(c, fields)
	}
	m, err := profile.ParseMessage(c.message(fields))
	if err != nil {
		return m, err
	}
	if m.MessageID == "" {
		m.MessageID = newMessageID()
	}
	m.Without = h.opts.Without
	return m, nil
}

// newMessageID returns an id that no other message has.
func newMessageID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return "muster-" + hex.EncodeToString(b[:])
}

// messageIDOf returns the id that a message tells, if it can be read.
func messageIDOf(text []byte) (id string) {
	fields, _ := fieldsOf(text)
	for _, f := range fields {
		if key := string(f.key); key == "messageId" || key == "message_id" {
			_ = json.Unmarshal(f.value, &id) // one that is no text is not told
		}
	}
	return id
}
