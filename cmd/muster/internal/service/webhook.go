package service

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/destination/webhook"
	"github.com/muster-go/muster/profile"
)

// hookType is the type of the destination that the webhook is.
const hookType = "webhook"

// connect returns a hub that sends all entries and exits to the webhook, if there is one, as
// events of the Segment spec. What the store keeps for a webhook that there is no more is
// forgotten: else it would be more and more.
func connect(ctx context.Context, engine *audience.Engine, opts Options) (*destination.Hub, error) {
	hub := destination.NewHub(engine, destination.Options{
		OnError: func(err error) { opts.Log.Warn("not delivered", "err", err) },
	})
	if opts.WebhookURL+opts.WebhookSecret == "" {
		switch err := hub.Disconnect(ctx, hookType); {
		case err == nil:
			opts.Log.Warn("there is no webhook any more: what waited for it is forgotten")
		case !errors.Is(err, profile.ErrNotFound):
			return nil, err
		}
		return hub, nil
	}
	key, err := webhook.ParseKey(opts.WebhookSecret)
	if err != nil {
		return nil, fmt.Errorf("-webhook-secret: %w", err)
	}
	hook, err := webhook.New(webhook.Options{URL: opts.WebhookURL, Keys: [][]byte{key}, Clock: engine, Name: hookType})
	if err != nil {
		return nil, fmt.Errorf("-webhook-url: %w", err)
	}
	_, err = hub.Connect(ctx, hook, destination.Config{
		Mode:        destination.Track,
		ExternalIDs: []string{"email"}, // so that a receiver knows whom it is about
	})
	return hub, err
}

// progress tells how far definitions are that are being made, and destinations.
func (s *service) progress(http.ResponseWriter, *http.Request) (any, error) {
	definitions, destinations := []any{}, []any{}
	for _, p := range s.engine.Progress() {
		definitions = append(definitions, map[string]any{
			"keys": p.Keys, "done": p.Done, "total": p.Total, "left": p.Left().String(),
		})
	}
	for _, c := range s.hub.Connections() {
		stats := c.Stats()
		destinations = append(destinations, map[string]any{
			"type": c.Type(), "sent": stats.Sent, "waiting": stats.Queued + stats.InFlight, "failures": stats.Failures,
		})
	}
	return map[string]any{"definitions": definitions, "destinations": destinations}, nil
}
