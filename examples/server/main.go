// Command server is a small service to begin your own with. Messages come in
// over HTTP, as Segment's and RudderStack's libraries send them; entries and exits go to the
// standard output and to a webhook; profiles are read by the profile API.
//
//	go run ./examples/server [-addr HOST:PORT] [-definitions FILE] [-write-key KEY]
//		[-token TOKEN] [-origins ORIGIN,...] [-webhook-url URL -webhook-secret SECRET] [-grace TIME]
//
// Try it with curl from another terminal. Two orders make ann a big spender,
// which comes out on the standard output at once, as an event Audience Entered:
//
//	$ go run ./examples/server -write-key wk_shop -token s3cret
//	$ curl -u wk_shop: --json '{"userId":"ann","event":"Order Completed","properties":{"total":60}}' localhost:8080/v1/track
//	{"success":true}
//	$ curl -u wk_shop: --json '{"userId":"ann","event":"Order Completed","properties":{"total":45}}' localhost:8080/v1/track
//	{"success":true}
//
// Her traits, and why she is a member and until when:
//
//	$ curl -u s3cret: localhost:8080/v1/collections/users/profiles/user_id:ann/traits
//	{"traits":{"big_spenders":true,"hesitating":false,"revenue_30d":105},"cursor":{...}}
//	$ curl -u s3cret: 'localhost:8080/v1/explain?audience=big_spenders&user=ann&format=text'
//	ann is in big_spenders at 2026-03-01T12:00:21.6Z, until 2026-03-31T12:00:00.2Z
//	✓ traits.revenue_30d >= 100, until 2026-03-31T12:00:00.2Z
//	    revenue_30d = 105
//
// And time alone: bob is hesitating a minute after this, for an hour at most.
//
//	$ curl -u wk_shop: --json '{"userId":"bob","event":"Product Added"}' localhost:8080/v1/track
//
// # What it serves
//
//	POST /v1/{track|page|screen|identify|group|alias}  a message, which need not say its type
//	POST /v1/batch                                     {"batch": [MESSAGE...]}; both and more: see package ingest
//	POST /v1/definitions                               a definitions file, to be live besides
//	GET  /v1/explain?audience=KEY&user=ID              with &format=text for people
//	GET  /v1/progress                                  of definitions being made, and of destinations
//	GET  /v1/collections/..., /v1/spaces/...           the profile API: see package profileapi
//
// Messages want the write key, and all else the token, as the user name of Basic auth;
// those that are not given are made up and printed at the start. Web pages may send from
// the origins of -origins alone. A message that tells no time has that of its arrival. An error is
// {"error":{"code":"...","message":"..."}}.
//
// An interrupt ends the service: requests under way are answered, and what waits
// is sent, for at most -grace each.
//
// # What yours will have besides
//
// A store that lasts: this one is in memory, and everything ends with it. A write key for
// each source. TLS, or a proxy that has it. And secrets from somewhere else than flags, which others on the machine
// can see.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	_ "embed"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/muster-go/muster/audience"
)

//go:embed definitions.json
var defaultDefinitions []byte

// welcome is printed at the start, with the address, the write key and the token.
const welcome = `Listening on http://%[1]s. To try it:
  curl -u %[2]s: --json '{"userId":"ann","event":"Order Completed","properties":{"total":60}}' %[1]s/v1/track
  curl -u %[2]s: --json '{"userId":"ann","event":"Order Completed","properties":{"total":45}}' %[1]s/v1/track
  curl -u %[3]s: %[1]s/v1/collections/users/profiles/user_id:ann/traits
  curl -u %[3]s: '%[1]s/v1/explain?audience=big_spenders&user=ann&format=text'
  curl -u %[3]s: %[1]s/v1/progress
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second interrupt does not wait for anything

	opts := options{clock: audience.WallClock{}, log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	addr := flag.String("addr", "127.0.0.1:8080", "`address` to listen on")
	flag.StringVar(&opts.definitions, "definitions", "", "definitions `file`; without one, those of a small shop")
	flag.StringVar(&opts.writeKey, "write-key", "", "`key` of those who may send messages; without one, a random one")
	flag.StringVar(&opts.token, "token", "", "`token` of those who may read and define; without one, a random one")
	flag.Func("origins", "`origins` of the web pages that may send messages, with commas between: https://shop.example", func(list string) error {
		opts.origins = strings.Split(list, ",")
		return nil
	})
	flag.StringVar(&opts.webhookURL, "webhook-url", "", "`URL` to post entries and exits to")
	flag.StringVar(&opts.webhookSecret, "webhook-secret", "", "`key` to sign them with: whsec_ and the base64 of 24 bytes or more")
	flag.DurationVar(&opts.grace, "grace", 10*time.Second, "`time` for the requests under way at the end, and for what waits to be sent")
	flag.Parse()
	opts.writeKey, opts.token = cmp.Or(opts.writeKey, rand.Text()), cmp.Or(opts.token, rand.Text())

	var err error
	if opts.listener, err = net.Listen("tcp", *addr); err == nil {
		fmt.Fprintf(os.Stderr, welcome, opts.listener.Addr(), opts.writeKey, opts.token)
		err = run(ctx, opts, os.Stdout)
	}
	if err != nil {
		opts.log.Error("the service failed", "err", err)
		os.Exit(1)
	}
}

// options are what the service is made of.
type options struct {
	listener      net.Listener
	clock         audience.Clock
	log           *slog.Logger
	definitions   string // a file; empty: those that come with the program
	writeKey      string // of those who may send messages
	token         string // of those who may read and define
	origins       []string
	webhookURL    string // empty: there is none
	webhookSecret string
	grace         time.Duration
}
