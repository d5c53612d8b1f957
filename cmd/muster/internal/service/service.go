// Package service is the HTTP service of the command muster: messages come in as
// Segment's and RudderStack's libraries send them (package ingest), profiles are read by
// the profile API, and definitions are made and changed by putting a file of them.
// Entries and exits are lines of JSON on a writer, and are posted to a webhook if there is
// one. Everything is in the folder of a store, with which the next service goes on, or in
// memory.
//
//	POST /v1/{track|page|screen|identify|group|alias}, /v1/batch, ...  see package ingest; with the write key
//	GET  /v1/collections/..., /v1/spaces/...     see package profileapi; with the token
//	GET  /v1/definitions                         those that are live; with the token
//	PUT  /v1/definitions[?delete=true]           makes them those of the body, and answers with the plan
//	POST /v1/definitions/plan[?delete=true]      answers with what PUT would do, with counts
//	GET  /v1/explain?audience=KEY&user=ID        or account=ID; with &format=text for people
//	GET  /v1/progress                            of definitions that are being made, and of the webhook
//
// A write key and a token are the user name of Basic auth; a token may be a bearer token
// too. Errors are {"error":{"code":"...","message":"..."}}.
package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/ingest"
	"github.com/muster-go/muster/pebblestore"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/profileapi"
)

// Options are what a service is made of. All but Data, Origins, Retention, Traits and what
// is of the webhook are needed.
type Options struct {
	Data          string // a folder; empty: in memory
	Addr          string // to listen on
	Clock         audience.Clock
	Log           *slog.Logger
	Definitions   audience.File
	WriteKey      string         // of those who may send messages
	Token         string         // of those who may read and define
	Origins       []string       // of the web pages that may send messages
	Retention     time.Duration  // how long events are kept; 0: for ever, or as the store has it
	Grace         time.Duration  // for the requests under way at the end, and for what waits to be told
	Traits        bool           // changes of computed traits are written too
	WebhookURL    string         // that entries and exits are posted to; empty: there is none
	WebhookSecret string         // to sign with
	Ready         func(net.Addr) // is called once the service answers
}

// service is what the handlers need.
type service struct {
	Options
	engine *audience.Engine
	hub    *destination.Hub
}

// Run is the whole service, until ctx is done, which is no error, or a part of it fails.
// Transitions are written to out, in the line form of audience.Transition. A line that
// cannot be written ends the service. With a store in a folder none is lost by that, nor by
// a crash: the next service begins with it, or with one that was written last. When Run
// returns nothing of it runs any more.
func Run(ctx context.Context, opts Options, out io.Writer) (err error) {
	store, err := open(opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	engine, err := audience.New(ctx, store, audience.Options{
		Clock: opts.Clock, Logger: opts.Log, CacheBytes: opts.cacheBytes(),
		OnError: func(err error) { opts.Log.Error("the engine failed", "err", err) },
	})
	if err != nil {
		return err
	}
	defer engine.Close()
	stop, err := write(ctx, fail, engine, out, opts.Traits)
	if err != nil {
		return err
	}
	defer stop()
	if _, err := engine.Sync(ctx, opts.Definitions, audience.SyncOptions{}); err != nil {
		return err
	}
	hub, err := connect(ctx, engine, opts)
	if err != nil {
		return err
	}
	defer hub.Close(context.WithoutCancel(ctx)) // serve has closed it, if it came to that
	s := &service{opts, engine, hub}
	handler, err := s.handler(store)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", opts.Addr)
	if err != nil {
		return fmt.Errorf("-addr: %w", err)
	}
	opts.Ready(listener.Addr())
	return s.serve(ctx, fail, listener, handler)
}

// cacheBytes returns how much of the profiles the engine holds in memory beside a store on
// the disk; 0, all, beside one that is in memory itself.
func (o *Options) cacheBytes() int64 {
	if o.Data == "" {
		return 0
	}
	return 256 << 20
}

// open opens the store.
func open(opts Options) (profile.Store, error) {
	if opts.Data != "" {
		store, err := pebblestore.Open(opts.Data, pebblestore.Options{Retention: opts.Retention, Logger: opts.Log})
		if errors.Is(err, pebblestore.ErrInUse) {
			err = fmt.Errorf("%w; one process at a time can have it", err)
		}
		if err != nil {
			return nil, fmt.Errorf("-data: %w", err)
		}
		return store, nil
	}
	var kept []profile.MemOption
	if opts.Retention > 0 {
		kept = append(kept, profile.WithRetention(opts.Retention))
	}
	return profile.NewMemStore(kept...), nil
}

// subscriber is the name of the writer of lines in a store.
const subscriber = "muster serve"

// write has transitions written, and changes of computed traits if they are asked for, until
// stop is called, from where the last service on the store was. A line that is not written
// fails.
func write(ctx context.Context, fail context.CancelCauseFunc, engine *audience.Engine, out io.Writer, traits bool) (stop func(), err error) {
	lines := json.NewEncoder(out)
	return engine.SubscribeDurable(ctx, subscriber, func(_ context.Context, n audience.Notice) (err error) {
		switch {
		case n.Transition != nil:
			err = lines.Encode(n.Transition)
		case n.TraitChange != nil && traits:
			err = lines.Encode(n.TraitChange)
		}
		if err != nil { // whoever reads the lines is to know that there are more
			fail(err)
		}
		return err
	})
}

// handler returns what answers requests: what is no route of another is one of package
// ingest, which also says of what there is none that there is none.
func (s *service) handler(store profile.Store) (http.Handler, error) {
	tokens := profileapi.Tokens{s.Token}
	profiles, err := profileapi.New(s.engine, store, tokens, profileapi.Options{
		Clock:   s.Clock,
		OnError: func(_ *http.Request, err error) { s.Log.Error("the profile API failed", "err", err) },
	})
	if err != nil {
		return nil, err
	}
	messages, err := ingest.New(s.engine, ingest.Options{
		Authorizer: ingest.WriteKeys{s.WriteKey: "muster"},
		Clock:      s.engine,
		Origins:    s.Origins,
		Profiles:   store,
		OnReject: func(r ingest.Rejection) {
			s.Log.Warn("a message was refused", "messageId", r.MessageID, "err", r.Err)
		},
		OnError: func(_ *http.Request, err error) { s.Log.Error("messages could not be taken", "err", err) },
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	for pattern, answer := range map[string]endpoint{
		"GET /v1/definitions":       s.definitions,
		"PUT /v1/definitions":       s.sync,
		"POST /v1/definitions/plan": s.plan,
		"GET /v1/explain":           s.explain,
		"GET /v1/progress":          s.progress,
	} {
		mux.Handle(pattern, s.guarded(tokens, answer))
	}
	mux.Handle("/v1/collections/", profiles)
	mux.Handle("/v1/spaces/", profiles)
	mux.Handle("/", messages)
	return mux, nil
}

// serve runs the three parts that have something to do by themselves: requests, time and
// deliveries. They end in an order in which nothing is lost.
func (s *service) serve(ctx context.Context, fail context.CancelCauseFunc, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
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
	start(func() error { return server.Serve(listener) })
	start(func() error { return s.engine.Run(ctx) })
	start(func() error { return s.hub.Run(context.WithoutCancel(ctx)) })

	<-ctx.Done()
	s.Log.Info("shutting down")
	failed := context.Cause(ctx)
	if errors.Is(failed, context.Canceled) {
		failed = nil // it was to end
	}
	errs := []error{
		failed,
		s.within(server.Shutdown), // no more data comes in
		server.Close(),            // whoever is not done by now is cut off
	}
	if failed == nil {
		errs = append(errs, s.within(s.tellRest))
	}
	err := errors.Join(append(errs, s.within(s.hub.Close), s.engine.Close())...)
	parts.Wait()
	return err
}

// tellRest has what waits written, and sent where it would else go with the process: what
// is in a folder is sent by the next service.
func (s *service) tellRest(ctx context.Context) error {
	err := s.engine.CatchUp(ctx, subscriber)
	if s.Data == "" {
		err = errors.Join(err, s.hub.Flush(ctx))
	}
	return err
}

// within calls end with a context that lasts as long as the grace.
func (s *service) within(end func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.Grace)
	defer cancel()
	return end(ctx)
}
