// Package ingest takes messages over HTTP as Segment's and RudderStack's libraries send
// them: Segment's HTTP Tracking API. An app that has such a library changes its host and
// its write key, and Muster gets what it tells.
//
//	handler, err := ingest.New(engine, ingest.Options{
//		Authorizer: ingest.WriteKeys{"wk_web": "web", "wk_backend": "backend"},
//		Clock:      engine,
//	})
//	http.ListenAndServe(":8080", handler)
//
// # Routes
//
// Messages are posted; a slash at the end of a path is nothing:
//
//	/v1/{identify|track|page|screen|group|alias}  one message, of that type whatever it says
//	/v1/{i|t|p|s|g|a}                             the same, as the library for browsers has it
//	/v1/batch, /v1/import, /v1/b                  {"batch": [MESSAGE...]}, each of its own type
//	/beacon/v1/batch                              the same, from RudderStack's library when a page is left
//	/v1/merge                                     RudderStack's merge: see below
//
// The libraries for browsers and phones ask for settings before they send, which tell them
// to send here, all of it, and nothing about themselves:
//
//	GET /v1/projects/{writeKey}/settings          Segment's (cdnURL of analytics.js)
//	GET /sourceConfig/?writeKey=                  RudderStack's (configUrl)
//
// # Who sends
//
// Every request has a write key: the user name of Basic auth, else writeKey in the query,
// else writeKey in the body. The first that is there counts. Options.Authorizer, without
// which there is no handler, says which source it is of, and the name of the source
// stands in the context of the message as "source", over whatever the sender wrote there:
// a condition can ask context.source == "web". A key of nobody's is 401.
//
// # What is read of a request
//
// The body is JSON, whatever its content type: beacons are text/plain. It may be
// compressed by gzip. It has at most Options.MaxBatch bytes, as it comes and inflated; a
// message in it has at most Options.MaxMessage. The context and the integrations of a
// batch hold for each of its messages, key by key, where the message does not say
// otherwise, down to the innermost objects. Integrations are then put into the context,
// where conditions can read them, unless they are empty or say nothing but that all are
// wanted.
//
// A message without a messageId is given one by chance: sent twice, it counts twice. The
// libraries all give ids.
//
// Beside what profile.ParseMessage reads, an identify call's context.traits and every
// call's context.groupId among it, ids of devices (context.device), emails and phones are
// ids of the user; Options.Without turns these off.
//
// # Time
//
// The time of a message is what profile.ParseMessage makes of its fields; receivedAt is
// what Options.Clock says when the message comes. sentAt, against which the sender's
// clock is put right, is the message's, else the batch's, else that of the headers
// Sent-At, X-Sent-At or Date. One of a batch or a header that is no time is as if it were
// not there: what is wrong with all messages is not to lose them all.
// Options.CorrectTimestamps has a timestamp corrected too, as Segment's servers do.
//
// # The answer
//
// Each message is taken or refused by itself. The libraries drop a batch that is answered
// with 400, so the answer is 200 also where messages were refused, and lists them:
//
//	{"success":true}
//	{"success":false,"taken":10,"refused":[{"index":3,"messageId":"m4","error":"..."}]}
//
// A message that is no JSON is refused like any other, as long as its brackets and quotes
// are in pairs: a NaN harms one message. Options.OnReject is told of each, and
// Handler.Stats counts them. Messages of one request are taken in their order. Once a
// body has been read what is in it is taken, whether or not the sender waits for the
// answer: a page that is left does not.
//
// Everything else is an error of the whole request, {"error":{"code":"...","message":"..."}}:
//
//	400 invalid_request         the body is not JSON, has no batch, or is no gzip
//	401 unauthenticated         there is no write key, or it is nobody's
//	403 forbidden               a web page of an origin that is not allowed
//	404 not_found               no such route
//	405 method_not_allowed      not POST, or of settings not GET
//	408 incomplete              the body did not come whole
//	413 too_large               the body is beyond MaxBatch, or its batch's context makes it so
//	415 unsupported_media_type  a content encoding other than gzip
//	429 too_many                beyond Options.MaxInFlight; Retry-After says when to come again
//	503 unavailable             the engine or the authorizer cannot say; Retry-After
//
// The libraries send again what is answered with 408, 429 and 503. Of a batch that failed
// in the middle the messages before are taken: they are not taken twice, by their ids.
//
// # Web pages
//
// A request of a web page of another origin than the server's is refused unless
// Options.Origins has its origin. Then a preflight is answered with the method and the
// headers that it asks for.
//
// # Merge
//
// A message of the type merge says that two ids are of one customer:
//
//	{"type":"merge","mergeProperties":[{"type":"email","value":"ann@x.io"},{"type":"user_id","value":"ann"}]}
//
// An id of the type user_id or anonymous_id names a profile; one of another type that of
// the one profile that has it (Options.Profiles). Two profiles become one, and an id that
// no profile has becomes one of the other's. It is refused if no profile has either, or
// several have one.
//
// # Speed
//
// TestLoad, for a minute on two virtual cores that had other work, sender and receiver on
// the same: 2,560 requests a second of 20 messages each (51,000 messages), by 8
// connections, half of them answered within 1.9 ms and 99 of 100 within 19 ms, and none of
// 3,070,320 messages lost. The engine had a computed trait and an audience.
//
// # Limits
//
// What is in memory is bounded by MaxInFlight, for as long as a body is read and its
// messages are taken; how long a body may take is for the http.Server to say
// (ReadTimeout), as is how many connections there are.
package ingest
