package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// take returns the endpoint of messages of one type.
func (s *service) take(t profile.MessageType) endpoint {
	return func(r *http.Request, body []byte) (any, error) {
		m, err := s.parse(body, t.String())
		if err != nil {
			return nil, err
		}
		return success, s.engine.Apply(r.Context(), m)
	}
}

// takeBatch is the endpoint of batches: all messages are taken, or, if one is
// refused, none.
func (s *service) takeBatch(r *http.Request, body []byte) (any, error) {
	var b struct {
		Batch []json.RawMessage `json:"batch"`
	}
	if err := json.Unmarshal(body, &b); err != nil {
		return nil, fmt.Errorf("%w: %w", profile.ErrInvalid, err)
	}
	if b.Batch == nil {
		return nil, fmt.Errorf("%w: no batch", profile.ErrInvalid)
	}
	messages := make([]profile.Message, len(b.Batch))
	for i, text := range b.Batch {
		var err error
		if messages[i], err = s.parse(text, ""); err != nil {
			return nil, &audience.MessageError{Index: i, Refused: true, Err: err}
		}
	}
	return success, s.engine.Apply(r.Context(), messages...)
}

// parse reads a message, of the type given if one is. It has the time of its
// arrival if it tells none.
func (s *service) parse(text []byte, typ string) (profile.Message, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil || fields == nil {
		return profile.ParseMessage(text) // it says best what is wrong
	}
	if typ != "" {
		fields["type"] = quote(typ)
	}
	fields["receivedAt"] = quote(s.clock.Now().Format(time.RFC3339Nano))
	whole, err := json.Marshal(fields)
	if err != nil {
		return profile.Message{}, err
	}
	return profile.ParseMessage(whole)
}

func quote(plain string) json.RawMessage { return json.RawMessage(`"` + plain + `"`) }
