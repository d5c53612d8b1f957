package audiencetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// react has a callback do something at each transition of a kind.
type react struct {
	kind   audience.Type
	key    string
	does   string // "track", "error" or "panic"
	text   string // the event's name, or what is said
	fields profile.Object
}

func (c *react) String() string {
	head := fmt.Sprintf("on %s %s %s ", c.kind, quote(c.key), c.does)
	if c.does != "track" {
		return head + quoted(c.text)
	}
	head += quote(c.text)
	if c.fields.Len() > 0 {
		head += " " + fieldsText(c.fields)
	}
	return head
}

func (c *react) play(_ context.Context, p *player) error {
	p.engine.Subscribe(func(ctx context.Context, t audience.Transition) error {
		if t.Type != c.kind || t.Audience != c.key {
			return nil
		}
		switch c.does {
		case "panic":
			panic(c.text)
		case "error":
			return errors.New(c.text)
		}
		if t.Subject == profile.Account {
			return errAccountTracks
		}
		return p.engine.Track(ctx, c.event(t))
	})
	return nil
}

var errAccountTracks = errors.New("an account tracks no events")

// event returns what is tracked at a transition: its profile did it, then.
func (c *react) event(t audience.Transition) profile.Event {
	return profile.Event{Profile: t.Profile, Name: c.text, Time: t.At, Properties: c.fields}
}
