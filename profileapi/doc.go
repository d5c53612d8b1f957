// Package profileapi serves profiles over HTTP, read-only: traits with the
// audiences among them, events, external ids, links and metadata, each by any external
// id of the profile, in pages.
//
//	GET /v1/spaces/{space}/collections/{users|accounts}/profiles/{type}:{id}/{traits|events|external_ids|links|metadata}
//	GET /v1/collections/...                                                   the same, of no space
//
//	$ curl -u s3cret: \
//	    'http://localhost:8080/v1/collections/users/profiles/email:ann@x.io/traits?limit=3'
//	{"traits":{"big_spender":true,"plan":"pro","total_revenue":420},
//	 "cursor":{"url":"/v1/collections/users/profiles/email:ann@x.io/traits?limit=3&next=bWVs...",
//	           "has_more":true,"next":"bWVs...","limit":3}}
//
// It is Segment's Profile API, so that its clients need another host alone: "Segment's
// Profile API" below goes through its documentation. New makes the Handler.
//
// # What is served
//
// Traits are an object, in the order of names. A live audience is true for a
// member and false otherwise: one of users on users, one of accounts on accounts
// and, if its users are members as well, on users. A computed trait has its value,
// and is left out where it has none; a custom trait has the value that counts
// now. A custom trait that has the key of an audience is hidden by it, as it is
// from conditions.
//
// Events are a list, the newest first by (time, arrival), as
//
//	{"type":"track","event":"Order Completed","message_id":"m1","timestamp":"2026-03-01T12:00:00Z",
//	 "properties":{"total":42},"context":{"source":"web"},"source_id":"web"}
//
// without message_id where there is none, nor source_id where package ingest noted no
// source in the context. Page and screen calls are events like
// others, by the names that package profile gives them. One dated after now is
// not listed yet. The events of an account are those that were sent with its group id,
// whoever sent them ("user_id" says who): what its users did otherwise is theirs
// alone, though conditions on the account count it.
//
// External ids are a list, by type and id:
//
//	{"collection":"users","type":"email","id":"ann@x.io","encoding":"none"}
//
// The id that the profile is kept under is among them, as a group_id or user_id,
// even if no message attached it; that of an anonymous visitor is the
// anonymous_id it is.
//
// Links are the accounts of a user, and the users of an account, as a list by their ids,
// each with its external ids:
//
//	{"to_collection":"accounts","external_ids":[{"collection":"accounts","type":"group_id","id":"acme","encoding":"none"}]}
//
// Metadata tell of the first and the last message, by time, that is kept in the events
// and the traits; null is what is not known:
//
//	{"metadata":{"created_at":"2026-03-01T09:00:00Z","updated_at":"2026-03-01T12:00:00Z","expires_at":null,
//	 "first_message_id":"m0","first_source_id":null,"last_message_id":"m1","last_source_id":"web"}}
//
// # Which profile an id names
//
// A user_id names the profile that a message of that user id goes to, which
// includes the ids that were merged into it; a group_id the account of that id.
// No other profile can claim such an id by attaching it. Only where there is no
// such profile, and for every other type, it is the profile that the id was
// attached to. Ids are compared byte by byte.
//
// Several profiles may have one such id attached, say the anonymous id of a
// shared device. Those count that the caller may read: one is the answer, more
// are the error ambiguous_id. None is chosen by guess.
//
// The type ends at the first colon of {type}:{id} that is not escaped, or at the
// first one if all are. Everything may be escaped, and '/', '?', '#' and '%' in
// an id must be: %2F, %3F, %23, %25.
//
// # Parameters
//
//	limit    items on a page: 20 by default, 1 to 200; anything else is an error
//	next     the cursor of the page to read: "next" of the page before
//	include  names of traits, names of events or types of ids, with commas
//	         between; may be repeated. \, is a comma in a name, \\ a backslash
//	exclude  the same, of what is left out, included or not
//	class    of traits: audience, computed_trait or custom_trait
//	start    of events: those at or after a time, in any form of profile.ParseTime
//	end      of events: those before a time
//	sort     of events: desc, the default, or asc, the oldest first
//	verbose  true: of traits {"value":...,"updated_at":...}, where the time is that of the
//	         write, of the change of a computed trait, or of the entry into an audience,
//	         and null for who is in none. Of other resources it changes nothing
//
// Names in include and exclude that there are none of are passed over. Other parameters
// are an error, so that none is ignored that would have changed the answer.
//
// # Pages
//
// A page is read from one snapshot of the store: it holds the whole of a change
// or nothing of it. A cursor is the place of the last item of its page in the
// order of the list, not a number of items. So everything that is there from
// the first page to the last is on exactly one of them, whatever is written
// between; what comes or goes meanwhile may be missed. "has_more" says whether
// there was more; "url" then is that of the next page, and else empty: a client that
// follows it ends.
// A page ends early, with has_more, when it has 1 MiB of items.
//
// A cursor belongs to one profile, by whatever id, one of the lists, and one value of
// each parameter but limit and verbose, which may change. With any other it is invalid_cursor,
// as is one that was altered. It ends when its profile is merged into another.
// It needs no secret, and lasts over restarts and across servers, for it gives no
// right: every request is authorized alone, and all a forged cursor can do is
// to begin a list that the caller may read at another place.
//
// # Who may read
//
// New requires an Authorizer; there is no default. It is asked twice: about the
// request, before anything is looked up, and about each profile found. A profile
// that the caller may not read is answered like one that there is none of,
// byte by byte. Only the time it takes to ask may tell the two apart. Of links each
// profile that may not be read is left out.
//
// Token returns the token of a request, which Segment's clients send as the user name of
// Basic auth; Tokens is an Authorizer of those who may read everything.
//
// # Errors
//
// An error is {"error":{"code":"...","message":"..."}}:
//
//	400 invalid_request     a malformed id or parameter
//	400 invalid_cursor      of another list, or altered
//	401 unauthenticated     the authorizer does not know the caller
//	403 forbidden           the authorizer refuses the request
//	404 not_found           no such resource; no such profile, or it is withheld
//	405 method_not_allowed  not GET or HEAD; Allow says so
//	409 ambiguous_id        several profiles have the id
//	414 uri_too_long        a path beyond 8 KiB, or a query beyond 16 KiB
//	500 internal            told to Options.OnError, not to the caller
//	503 unavailable         the store is closed, or the request was given up
//
// # Segment's Profile API
//
// Of what Segment documents (https://segment.com/docs/unify/profile-api) this is here:
//
//   - The routes of traits, external_ids, events, metadata and links, of users and of
//     accounts, under a space. A space is any text; the Authorizer may look at it.
//   - Basic auth with the token as user name and no password.
//   - limit, next, include, class, verbose; exclude, start, end and sort of events. The
//     limit is 20 by default for all lists, where Segment has 10 for traits, and 200 at
//     most, where it has 100 for some.
//   - The cursor with url, has_more and next, and limit. url is a path, as in Segment's
//     examples, with the query of the request. On the last page it is empty, where
//     Segment has that of the list.
//   - 200, 400, 401, 404 and 5xx mean the same. The codes in the body are those above;
//     Segment's are authentication_error for 401 and invalid_request_error or
//     validation_error for 400. not_found is the same.
//   - start includes its instant and end does not. Segment reaches back 14 days; here it
//     is as long as the store keeps events.
//   - page and screen calls are of the type track, as Segment shows them.
//   - No CORS.
//
// What a store does not know is left out: source_id, created_at and first_message_id of
// external ids; source_id of traits; external_ids and related of events, whose profile is
// that of the request. A profile has no id of Segment's own (use_...). Request-Id and a
// limit of requests (429) are for a proxy, or a handler around this one.
//
// # Limits
//
// Memory is that of one page, and of the traits or ids of one profile. A page of
// events costs a read of an hour of them, or of some eight times the span of time
// that it covers, however long the history is. For an account that is so of every
// user who ever sent an event for it, whose other events are passed over: it is
// meant for accounts of some thousand users. So are its links, of which each page reads
// all users up to its own. With sort=asc a page reads, of each name, as many events as it
// has.
//
// Audiences are those live when the request began. One that is being created
// may be incomplete; one that is deleted at that moment has no members.
//
// There is no rate limit and no CORS: the API is for servers. Paths hold ids, so
// logs of them hold what may be personal data.
package profileapi
