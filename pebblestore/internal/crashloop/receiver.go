package crashloop

import (
	"context"
	"fmt"
	"strings"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/pebblestore"
	"github.com/muster-go/muster/profile"
)

// receiver is a destination that writes a line for each message.
type receiver struct {
	told func(id, what string) error
}

func (receiver) Type() string { return "receiver" }

func (receiver) Modes() destination.Mode { return destination.Identify }

func (r receiver) Deliver(_ context.Context, b *destination.Batch) error {
	for _, m := range b.Messages {
		for key, v := range m.Traits.All() {
			if err := r.told(m.MessageID, fmt.Sprintf("%s %s %s %d", m.Profile(), key, v, m.Time.UnixNano())); err != nil {
				return err
			}
		}
	}
	return nil
}

// connect has a hub send to a receiver.
func connect(ctx context.Context, engine *audience.Engine, told func(id, what string) error) (*destination.Hub, error) {
	hub := destination.NewHub(engine, destination.Options{})
	_, err := hub.Connect(ctx, receiver{told}, destination.Config{Mode: destination.Identify})
	return hub, err
}

// received notes a message.
func (l *Loop) received(id, what string) {
	l.counts.Messages++
	before, again := l.messages[id]
	switch {
	case !again:
		l.messages[id] = what
		if is := strings.Fields(what); len(is) == 4 {
			if l.in[is[1]] == nil {
				l.in[is[1]] = map[string]bool{}
			}
			if is[2] == "true" {
				l.in[is[1]][is[0]] = true
			} else {
				delete(l.in[is[1]], is[0])
			}
		}
	case before == what:
		l.counts.MessagesDoubled++
	default:
		l.counts.Other++
		l.Log("message %s was %q, and is %q", id, before, what)
	}
}

// checkReceived has all sent that waits, and compares what the receiver has with the
// members: visitors' ids, which it was told before a merge, are the users' now.
func (l *Loop) checkReceived(ctx context.Context, store *pebblestore.Store, engine *audience.Engine) error {
	hub, err := connect(ctx, engine, func(id, what string) error {
		l.received(id, what)
		return nil
	})
	if err != nil {
		return err
	}
	defer hub.Close(ctx)
	if err := hub.Flush(ctx); err != nil {
		return err
	}
	for _, d := range engine.List() {
		want, err := members(ctx, engine, d.Key)
		if err != nil {
			return err
		}
		has := map[string]bool{}
		for id := range l.in[d.Key] {
			kept, _, err := store.Resolve(ctx, profile.UserRef(id))
			if err != nil {
				return err
			}
			has[kept] = true
		}
		l.counts.MessagesLost += l.compare(want, has,
			"the receiver does not know that %s is in %s", "the receiver does not know that %s is not in %s", d.Key)
		delete(l.in, d.Key)
	}
	for key, ids := range l.in {
		for id := range ids {
			l.counts.MessagesLost++
			l.Log("the receiver does not know that %s is no audience of %s any more", key, id)
		}
	}
	return nil
}
