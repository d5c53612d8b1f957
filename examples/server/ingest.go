package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// take returns the endpoint of messages of one type.
func (s *service) take(t profile.MessageType) endpoint {
	return func(r *http.Request, body []byte) (any, error) {
		m, err := s.parse(body, t.String(), nil)
		if err != nil {
			return nil, err
		}
		err = s.engine.Apply(r.Context(), m)
		if of := (*audience.MessageError)(nil); errors.As(err, &of) {
			err = of.Err // there is but one
		}
		return success, err
	}
}

// takeBatch is the endpoint of batches: each message is taken or refused by itself,
// and the answer says which were refused, and why. If all were, it is an error.
func (s *service) takeBatch(r *http.Request, body []byte) (any, error) {
	var b struct {
		SentAt json.RawMessage   `json:"sentAt"`
		Batch  []json.RawMessage `json:"batch"`
	}
	if err := json.Unmarshal(body, &b); err != nil {
		return nil, fmt.Errorf("%w: %w", profile.ErrInvalid, err)
	}
	if b.Batch == nil {
		return nil, fmt.Errorf("%w: no batch", profile.ErrInvalid)
	}
	var refused []*audience.MessageError
	for i, text := range b.Batch {
		err := s.takeOne(r, text, b.SentAt)
		var of *audience.MessageError
		switch {
		case err == nil:
		case errors.As(err, &of) && of.Refused:
			of.Index = i
			refused = append(refused, of)
		default:
			return nil, fmt.Errorf("message %d: %w", i, err)
		}
	}
	switch {
	case len(refused) == 0:
		return success, nil
	case len(refused) == len(b.Batch):
		return nil, refused[0]
	}
	reasons := make([]map[string]any, len(refused))
	for i, of := range refused {
		reasons[i] = map[string]any{"index": of.Index, "messageId": of.MessageID, "message": of.Err.Error()}
	}
	return map[string]any{"success": true, "refused": reasons}, nil
}

// takeOne takes one message of a batch, which may say for all when it was sent.
func (s *service) takeOne(r *http.Request, text, sentAt json.RawMessage) error {
	m, err := s.parse(text, "", sentAt)
	if err != nil {
		return &audience.MessageError{Refused: true, Err: err}
	}
	return s.engine.Apply(r.Context(), m)
}

// parse reads a message, of the type given if one is. It has the time of its
// arrival if it tells none.
func (s *service) parse(text []byte, typ string, sentAt json.RawMessage) (profile.Message, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil || fields == nil {
		return profile.ParseMessage(text) // it says best what is wrong
	}
	if typ != "" {
		fields["type"] = quote(typ)
	}
	if sentAt != nil && fields["sentAt"] == nil {
		fields["sentAt"] = sentAt
	}
	fields["receivedAt"] = quote(s.clock.Now().Format(time.RFC3339Nano))
	whole, err := json.Marshal(fields)
	if err != nil {
		return profile.Message{}, err
	}
	return profile.ParseMessage(whole)
}

func quote(plain string) json.RawMessage { return json.RawMessage(`"` + plain + `"`) }
