// Package destination sends the members of audiences to where they are used: an
// ad platform's lists, a mail tool, a webhook, a file.
//
// # The model
//
// A Hub listens to an engine. A Destination is what knows how to talk to one
// kind of receiver; Connect makes it a Connection, at most one for each type of
// destination. A connection first sends the present members (the backfill), and
// then what changes.
//
// What is sent is the net change of each pair of audience and profile: what the
// pair is now against what the receiver was told last. Who enters and exits
// again before it was sent is not sent at all, and neither is an exit that is
// followed by an entry. With Config.Interval that covers hours; without one it
// covers what waits behind a batch that is being sent, or that fails.
//
// Modes are boolean properties (Identify, Track) and lists (Lists). The first
// are messages of the Segment spec: identify with the trait KEY true or false;
// track with the event Audience Entered or Audience Exited and the properties
// audience_key and KEY; and of an account, in both, group with the trait KEY.
// Their timestamp is the instant of the transition. Their context says of which
// audience they are, as Segment's own do: personas.computation_key is the key,
// personas.computation_class "audience".
//
// Of an audience of accounts there are memberships of accounts and, if it is
// defined so (audience.Definition.PerUser), of their users: Config.Accounts says
// whether group calls, calls for each user, or both are sent.
//
// # Driving it
//
// A service has Hub.Run on a goroutine. With a manual clock, as in tests and
// replays, Hub.Sync sends what is due at the clock's instant, and tells when
// something is due next; Hub.Flush sends all at once.
//
// # What is guaranteed
//
//   - Nothing is lost while an attempt may succeed: a batch that fails is sent
//     again until it is accepted or refused for good, with exponential backoff
//     and full jitter, for ever. What is refused for good is reported, with the
//     message, and given up; the receiver then counts as not having been told.
//   - At least once on the wire, once by id. An attempt that fails may have
//     reached its receiver. So a batch that was tried stays what it is, with its
//     ID, and comes again before anything else. The id of a message is a
//     function of the transition it tells, and the same after a restart; several
//     of a pair at one instant are numbered as they were sent.
//   - In order for each profile. For each audience and profile entered and
//     exited alternate, beginning with entered, when messages of a repeated id
//     are left out.
//   - The backfill neither loses nor doubles what changes while it is read.
//   - Callbacks do not wait for a receiver, but for room in the queue.
//
// # Back-pressure
//
// While Run runs, a callback that has queued more than Config.MaxQueued changes
// waits until some are sent. Deliveries take no lock of the engine, and
// callbacks run without one, so the wait ends whenever the receiver takes a
// batch, Run ends, or the connection is closed. A delivery that itself changes
// the engine, with the context it was given, causes callbacks that do not wait.
// The goroutine that waits is the one the engine delivers on; others that change
// profiles of the same shard leave their transitions to it, in the engine's
// memory (audience.Engine.Subscribe). So a full queue of one connection holds up
// the others too, which hear of changes on the same goroutine. With an interval,
// the queue should have room for what changes in it: nothing is sent earlier
// because it is full. When nobody runs the hub, callbacks never wait: it might be
// for themselves.
//
// # Memory, and what a restart forgets
//
// A connection keeps, for each member that the receiver was told of, 60 to 100
// bytes beside the id, which it shares with the engine; and 110 to 150 bytes for
// each pair that waits. Exits are remembered for a minute or two of the clock.
// What waits is bounded by the number of distinct pairs, and by MaxQueued.
//
// A hub keeps nothing on disk. A new one sends the present members anew, under
// the ids they had, and knows nothing of exits that the old one still had to
// send; unless it is given what the receiver has, which Connection.Known tells
// (Config.Known): then the difference is sent. That is also the way to change a
// configuration.
package destination
