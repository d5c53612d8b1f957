// Package webhook is a destination that posts signed JSON to an HTTP server,
// and what such a server needs to check the signature.
//
// # The request
//
// The body is that of destination.Batch: {"batch": [MESSAGE...]}, or {"lists":
// [LIST...]}. The headers are those of the Standard Webhooks specification
// (https://www.standardwebhooks.com), so that its libraries work at the receiver:
//
//   - webhook-id: the batch's id, the same whenever the batch is sent again;
//   - webhook-timestamp: when this attempt was made, in Unix seconds;
//   - webhook-signature: "v1," and the base64 of the HMAC-SHA256 of
//     "ID.TIMESTAMP.BODY"; one for each key, separated by spaces.
//
// A receiver calls Verify with the body as it came, before it parses anything.
// It can drop a batch whose webhook-id it has seen, and, what is safer still, a
// message whose messageId it has seen. To replace a key, let the receiver know
// the new one, then sign with both, then with the new one.
//
// # The answer
//
//   - 2xx: the receiver has the batch.
//   - 400, 413 and 422: it does not take this content. The hub sends the batch
//     again in halves to find what it is, and gives that up (destination.ErrRefused).
//   - Everything else, also 401, 404 or 410, can be mended at the receiver: the
//     batch is sent again. Retry-After, in seconds or as a date, is honoured up
//     to MaxRetryAfter, whatever the status. Redirects are not followed, to no host: they
//     could lead members to another than was configured.
//
// Of an answer 16 KiB are read, for a second at most: one without an end holds nothing
// up. An answer that does not come within the attempt's timeout, or a connection
// that breaks, leaves open whether the receiver got the batch: it is sent again.
package webhook
