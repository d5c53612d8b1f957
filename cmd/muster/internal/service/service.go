// Package service is the HTTP service of the command muster: messages come in as
// Segment's and RudderStack's libraries send them (package ingest), profiles are read by
// the profile API, and definitions are made and changed by putting a file of them.
// Entries and exits are lines of JSON on a writer. Everything is in memory, or in the
// folder of a store, with which the next service goes on.
//
//	POST /v1/{track|page|screen|identify|group|alias}, /v1/batch, ...  see package ingest; with the write key
//	GET  /v1/collections/..., /v1/spaces/...     see package profileapi; with the token
//	GET  /v1/definitions                         those that are live; with the token
//	PUT  /v1/definitions[?delete=true]           makes them those of the body, and answers with the plan
//	POST /v1/definitions/plan[?delete=true]      answers with what PUT would do, with counts
//	GET  /v1/explain?audience=KEY&user=ID        or account=ID; with &format=text for people
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
	"github.com/muster-go/muster/ingest"
	"github.com/muster-go/muster/pebblestore"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/profileapi"
)

// Options are what a service is made of. All but Store, Origins, Retention and Traits are
// needed.
type Options struct {
	Store       string       // a folder; empty: in memory
	Listener    net.Listener // it is closed in the end
	Clock       audience.Clock
	Log         *slog.Logger
	Definitions audience.File
	WriteKey    string        // of those who may send messages
	Token       string        // of those who may read and define
	Origins     []string      // of the web pages that may send messages
	Retention   time.Duration // how long events are kept; 0: for ever, or as the store has it
	Grace       time.Duration // for the requests under way at the end
	Traits      bool          // changes of computed traits are written too
}

// service is what the handlers need.
type service struct {
	Options
	engine *audience.Engine
}

// Run is the whole service, until ctx is done, which is no error, or a part of it fails.
// Transitions are written to out, in the line form of audience.Transition. A line that
// cannot be written ends the service. With a store in a folder none is lost by that, nor by
// a crash: the next service begins with it, or with one that was written last. When Run
// returns nothing of it runs any more.
func Run(ctx context.Context, opts Options, out io.Writer) (err error) {
	defer opts.Listener.Close()
	store, err := open(opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	engine, err := audience.New(ctx, store, audience.Options{Clock: opts.Clock, Logger: opts.Log, CacheBytes: opts.cacheBytes(), OnError: func(err error) {
		var callback *audience.CallbackError
		if errors.As(err, &callback) { // a line was not written: whoever reads them misses one
			fail(err)
			return
		}
		opts.Log.Error("the engine failed", "err", err)
	}})
	if err != nil {
		return err
	}
	defer engine.Close()
	stop, err := write(ctx, engine, out, opts)
	if err != nil {
		return err
	}
	defer stop()
	if _, err := engine.Sync(ctx, opts.Definitions, audience.SyncOptions{}); err != nil {
		return err
	}
	s := &service{opts, engine}
	handler, err := s.handler(store)
	if err != nil {
		return err
	}
	return s.serve(ctx, fail, handler)
}

// cacheBytes returns how much of the profiles the engine holds in memory beside a store on
// the disk; 0, all, beside one that is in memory itself.
func (o *Options) cacheBytes() int64 {
	if o.Store == "" {
		return 0
	}
	return 256 << 20
}

// open opens the store.
func open(opts Options) (profile.Store, error) {
	if opts.Store != "" {
		store, err := pebblestore.Open(opts.Store, pebblestore.Options{Retention: opts.Retention, Logger: opts.Log})
		if err != nil {
			return nil, fmt.Errorf("-store: %w", err)
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

// write has transitions written, and changes of computed traits if they are asked for,
// until stop is called. What is in a folder is written from where the last service was.
func write(ctx context.Context, engine *audience.Engine, out io.Writer, opts Options) (stop func(), err error) {
	var mu sync.Mutex // callbacks of several shards run side by side
	lines := json.NewEncoder(out)
	encode := func(v any) error {
		mu.Lock()
		defer mu.Unlock()
		return lines.Encode(v)
	}
	if opts.Store != "" {
		return engine.SubscribeDurable(ctx, subscriber, func(_ context.Context, n audience.Notice) error {
			switch {
			case n.Transition != nil:
				return encode(n.Transition)
			case n.TraitChange != nil && opts.Traits:
				return encode(n.TraitChange)
			}
			return nil
		})
	}
	transitions, err := engine.Subscribe(func(_ context.Context, t audience.Transition) error { return encode(t) })
	if err != nil || !opts.Traits {
		return transitions, err
	}
	traits, err := engine.SubscribeTraits(func(_ context.Context, c audience.TraitChange) error { return encode(c) })
	return func() { transitions(); traits() }, err
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
	} {
		mux.Handle(pattern, s.guarded(tokens, answer))
	}
	mux.Handle("/v1/collections/", profiles)
	mux.Handle("/v1/spaces/", profiles)
	mux.Handle("/", messages)
	return mux, nil
}

// serve runs the two parts that have something to do by themselves: requests and time.
func (s *service) serve(ctx context.Context, fail context.CancelCauseFunc, handler http.Handler) error {
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
	start(func() error { return server.Serve(s.Listener) })
	start(func() error { return s.engine.Run(ctx) })
	<-ctx.Done()
	failed := context.Cause(ctx)
	if errors.Is(failed, context.Canceled) {
		failed = nil // it was to end
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Grace)
	defer cancel()
	err := errors.Join(
		failed,
		server.Shutdown(grace), // no more data comes in
		server.Close(),         // whoever is not done by now is cut off
		s.engine.Close(),
	)
	parts.Wait()
	return err
}
