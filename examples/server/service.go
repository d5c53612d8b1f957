package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/destination/ndjson"
	"github.com/muster-go/muster/destination/webhook"
	"github.com/muster-go/muster/ingest"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/profileapi"
)

// service is what the handlers need.
type service struct {
	options
	engine   *audience.Engine
	hub      *destination.Hub
	profiles *profileapi.Handler
	messages *ingest.Handler
}

// run is the whole service, until ctx is done or a part of it fails. Entries and
// exits are written to stdout. When it returns nothing of it runs any more.
func run(ctx context.Context, opts options, stdout io.Writer) error {
	defer opts.listener.Close()
	store := profile.NewMemStore()
	defer store.Close()
	engine, err := audience.New(ctx, store, audience.Options{
		Clock:   opts.clock,
		OnError: func(err error) { opts.log.Error("a callback failed", "err", err) },
	})
	if err != nil {
		return err
	}
	defer engine.Close()
	if err := define(ctx, engine, opts.definitions); err != nil {
		return err
	}
	hub, err := connect(ctx, engine, opts, stdout)
	if err != nil {
		return err
	}
	profiles, err := profileapi.New(engine, store, opts.readers(), profileapi.Options{
		Clock:   opts.clock,
		OnError: func(_ *http.Request, err error) { opts.log.Error("the profile API failed", "err", err) },
	})
	if err != nil {
		return err
	}
	messages, err := ingest.New(engine, ingest.Options{
		Authorizer: ingest.WriteKeys{opts.writeKey: "shop"},
		Clock:      engine,
		Origins:    opts.origins,
		Profiles:   store,
		OnReject: func(r ingest.Rejection) {
			opts.log.Warn("a message was refused", "source", r.Source.Name, "messageId", r.MessageID, "err", r.Err)
		},
		OnError: func(_ *http.Request, err error) { opts.log.Error("messages could not be taken", "err", err) },
	})
	if err != nil {
		return err
	}
	s := &service{opts, engine, hub, profiles, messages}
	return s.serve(ctx)
}

// define makes live what a file defines.
func define(ctx context.Context, engine *audience.Engine, file string) (err error) {
	text := defaultDefinitions
	if file != "" {
		if text, err = os.ReadFile(file); err != nil {
			return err
		}
	}
	definitions, err := audience.ParseFile(text)
	if err == nil {
		err = engine.CreateFile(ctx, definitions)
	}
	if err != nil && file != "" {
		return fmt.Errorf("%s: %w", file, err)
	}
	return err
}

// connect returns a hub that sends all entries and exits to stdout and to the
// webhook, as events of the Segment spec.
func connect(ctx context.Context, engine *audience.Engine, opts options, stdout io.Writer) (*destination.Hub, error) {
	hub := destination.NewHub(engine, destination.Options{
		OnError: func(err error) { opts.log.Warn("not delivered", "err", err) },
	})
	cfg := destination.Config{
		Mode:        destination.Track,
		ExternalIDs: []string{"email"}, // so that a receiver knows it
	}
	_, err := hub.Connect(ctx, &ndjson.Destination{Writer: stdout}, cfg)
	if err != nil || opts.webhookURL+opts.webhookSecret == "" {
		return hub, err
	}
	key, err := webhook.ParseKey(opts.webhookSecret)
	if err != nil {
		return nil, fmt.Errorf("-webhook-secret: %w", err)
	}
	hook, err := webhook.New(webhook.Options{URL: opts.webhookURL, Keys: [][]byte{key}, Clock: engine})
	if err != nil {
		return nil, fmt.Errorf("-webhook-url: %w", err)
	}
	_, err = hub.Connect(ctx, hook, cfg)
	return hub, err
}

// serve runs the three parts that have something to do by themselves: requests,
// time, and deliveries. They end in an order in which nothing is lost.
func (s *service) serve(parent context.Context) error {
	ctx, fail := context.WithCancelCause(parent)
	defer fail(nil)
	server := &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		IdleTimeout:       2 * time.Minute,
	}
	var parts sync.WaitGroup
	start := func(part func() error) {
		parts.Add(1)
		go func() {
			defer parts.Done()
			fail(part()) // what it says once ctx is done counts no more
		}()
	}
	start(func() error { return server.Serve(s.listener) })
	start(func() error { return s.engine.Run(ctx) })
	start(func() error { return s.hub.Run(context.WithoutCancel(ctx)) })

	<-ctx.Done()
	var failed error
	if parent.Err() == nil {
		failed = context.Cause(ctx)
	}
	s.log.Info("shutting down")
	err := errors.Join(
		failed,
		s.within(server.Shutdown), // no more data comes in
		server.Close(),            // whoever is not done by now is cut off
		s.within(s.hub.Flush),     // what waits is sent: the store in memory goes with the process
		s.within(s.hub.Close),
		s.engine.Close(),
	)
	parts.Wait()
	return err
}

// within calls end with a context that lasts as long as the grace.
func (s *service) within(end func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.grace)
	defer cancel()
	return end(ctx)
}
