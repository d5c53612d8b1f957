// Package destination sends the members of audiences to where they are used: an
// ad platform's lists, a mail tool, a webhook, a file.
//
// # The model
//
// A Hub listens to an engine, as a durable subscriber. A Destination is what knows how to talk to one
// kind of receiver; Connect makes it a Connection, at most one for each type of
// destination. A connection first sends the present members (the backfill), and
// then what changes.
//
// What is sent is the net change of each pair of audience and profile: what the
// pair is now against what the receiver was told last, in this process or before. Who enters and exits
// again before it was sent is not sent at all, and neither is an exit that is
// followed by an entry. With Config.Interval that covers hours; without one it
// covers what waits behind a batch that is being sent, or that fails. Computed
// traits are sent likewise, if Config.Traits names them: their last value, or null
// where there is none any more.
//
// Modes are boolean properties (Identify, Track) and lists (Lists). The first
// are messages of the Segment spec: identify with the trait KEY true or false;
// track with the event Audience Entered or Audience Exited and the properties
// audience_key and KEY; and of an account, in both, group with the trait KEY. Of a
// computed trait KEY is the value, the event Trait Computed, and the property
// trait_key. Config.Names has other names. Their timestamp is the instant of the
// transition. Their context says of which audience they are, as Segment's own do:
// personas.computation_key is the key, personas.computation_class "audience" or
// "trait"; Config.Personas adds computation_id, space_id and namespace.
//
// Of an audience of accounts there are memberships of accounts and, if it is
// defined so (audience.Definition.PerUser), of their users: Config.Accounts says
// whether group calls, calls for each user, or both are sent. A group call is of no
// user, and carries an anonymous id that stands for the account alone, since
// receivers refuse a call that has neither (Config.AnonymousID).
//
// # Who is meant
//
// A known user is named by the user id, a visitor by the anonymous id, and both
// by the external ids of the types in Config.ExternalIDs. The connection remembers
// under which ids the receiver was told of each member:
//
//   - An exit takes back exactly those, whatever has become of the profile: of one
//     that was deleted, too. If they were several ids of users, after a merge, it
//     is a message for each.
//   - An id that is a present member's is never told to be out. So when a visitor
//     and a user become one, who is a member, no exit of the visitor is sent: the
//     visitor's ids are the user's now, and are taken back when the user exits.
//     When the whole is no member, both exits are sent. An email or a phone that
//     two profiles share goes with the last of them.
//   - A member who gets an id of those types, by a message or by a merge, is told
//     again, with the instant of the entry: a receiver that goes by email hears of
//     her once there is one. So is one whose ids are fewer, because the profile
//     was deleted and is there anew; what is not hers any more is taken back.
//   - Of one instant exits come before entries, and in a list no id is both added
//     and removed.
//
// Who is in, and who has which id, is read from one snapshot of the store when a batch
// is put together; callbacks only say of whom there may be something to tell. So calls
// to the engine beside the delivery, a merge in the middle of it too, show as a whole or
// not at all. A snapshot may be ahead of the callbacks: then a pair waits for the next of
// them, which has the instant of its change. An id that is taken back, because no member
// has it, others may have been told by; they are told anew, if they are in. That finds
// who was deleted and came back in between, as well.
//
// A batch that was tried stays what it is: an exit whose ids have become a member's
// since is sent all the same, and that member told again after it.
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
//     message, and given up; the receiver then counts as not having been told. It
//     is told when the member has got other ids: an email, if it wanted one.
//   - Nor whenever the process ends, as far as the engine's store outlasts it: what a
//     receiver was told, and what waits for it, is in the store, as records of a durable
//     subscriber, and changes there in one step with what the subscriber is done with.
//   - At least once on the wire, once by id. An attempt that fails may have
//     reached its receiver. So a batch that was tried stays what it is, with its
//     ID, and comes again before anything else, after a restart too: it is in the store,
//     for good, before it is sent. The id of a message is a function
//     of the transition it tells and of the ids that it names; several of a pair at one
//     instant are numbered as they were sent.
//   - In order for each profile: by instant. For each audience and profile entered
//     and exited alternate, beginning with entered, when messages of a repeated id
//     are left out, and those that tell a member again.
//   - The backfill neither loses nor doubles what changes while it is read.
//   - Callbacks wait for nothing: neither for a receiver, nor for room in a queue.
//     A call to the engine takes as long as it would without a destination.
//
// # Memory, and what the store keeps
//
// What waits is one change for each pair of audience and profile, however long a
// receiver is down and however often the pair changes: the queue is bounded by
// the number of pairs, and so nothing needs to be dropped and nobody to wait. A
// pair that waits takes 170 to 240 bytes, and each member that the receiver was
// told of 120 to 160 bytes, beside the profile's id, which is shared with the
// engine. Visitors take 150 bytes more, and who is told with external ids 150 bytes
// and 120 for each of these; a computed trait 60 bytes and its value. Exits are
// remembered for a minute or two of the clock.
//
// The store has a record of some 100 bytes for each pair of these, which Connect reads:
// some microseconds each. A connection is remembered until Hub.Disconnect. One that is made
// again, by the next process or with another configuration, goes on: with what waited, the
// batch that was on its way, and the times before which the receiver is to be left alone;
// and of an audience, or in a way, that was not sent before, the present members are
// queued. What is sent no more is not taken back. A batch that was on its way is worded by
// the new configuration.
package destination
