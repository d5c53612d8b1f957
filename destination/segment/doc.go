// Package segment is a destination that posts messages to any server of Segment's HTTP
// Tracking API: Segment's own, RudderStack's, or another Muster's package ingest. What is
// behind such a server, hundreds of tools, has the audiences then.
//
//	dest, err := segment.New(segment.Options{Endpoint: "https://api.segment.io", WriteKey: key})
//	_, err = hub.Connect(ctx, dest, destination.Config{Mode: destination.Identify, ExternalIDs: []string{"email"}})
//
// # The request
//
// The body is {"batch":[MESSAGE...],"sentAt":"..."}, compressed by gzip, and the write key
// the user name of Basic auth. A batch whose text is beyond Options.MaxBatch is posted in
// parts, in order; after one that fails the whole comes again, and what the receiver has
// it knows by the messages' ids.
//
// # The answer
//
//   - 2xx: the receiver has the batch. One that says "success": false, as package ingest
//     does where it refused messages, is as 400.
//   - 400, 413 and 422: it does not take this content, nor does it take a message of more
//     than Options.MaxMessage, which is not posted. The hub sends the batch again in halves
//     to find what it is, and gives that up (destination.ErrRefused).
//   - Everything else, also 401 or 404, can be mended at the receiver: the batch is sent
//     again. Retry-After is honoured up to a day. Redirects are not followed.
//
// Of an answer 16 KiB are read, for a second at most.
package segment
