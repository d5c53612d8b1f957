// Package profile holds what the engine knows of users and accounts: events,
// traits and external ids; the decoding of the messages they come in; and the
// Store that keeps them, with MemStore, the one in memory.
//
// # The model
//
// A profile is a user's or an account's. A Ref names one by any id it ever had:
// after a Merge the id that was merged goes on naming the whole. The ids of
// users and of accounts are separate.
//
// A profile comes into being with the first event, trait, external id or join
// that names it, and ends with Delete, which leaves nothing of it but the
// memberships of others. An Event has a time, by the sender's clock, and an
// arrival number (Seq), by the store; they are independent. Events may arrive
// in any order and be dated before or after now. They are read in the order of
// (time, arrival).
//
// A trait is the result of writes. Of those up to an instant the one of the
// newest time counts (TraitWrite.Compare breaks ties without regard to
// arrival); a null removes the trait. A store keeps the writes that can still
// matter, and no history.
//
// Properties, contexts and traits are Objects: JSON in packed, immutable form.
// A reader of one property decodes that property only. Whole numbers and
// fractions are told apart (Int, Float) but compare as numbers. Whole numbers beyond
// int64 are Floats that keep their digits (Value.Digits).
//
// # Guarantees
//
//   - The same message id for the same profile is one message, an event or a
//     trait call, whenever it comes again. The comparison is exact: hashes only
//     say where to look. When profiles merge, of an event that both have the
//     one that arrived first is kept.
//   - A transaction makes all its changes or none, in order. A Snapshot, and
//     each single answer, holds the whole of a batch or nothing of it; an
//     iterator over many profiles of the live store does not promise that.
//   - Times are exact to the nanosecond, and come back in UTC.
//   - A Store is safe for concurrent use, also from within the loop over one of
//     its iterators.
//
// # Limits
//
// Ids, names and keys have at most MaxID bytes of valid UTF-8; objects MaxSize
// bytes and MaxDepth levels; times are in [MinTime, MaxTime). What is beyond is
// refused with one of the errors of this package (ErrInvalid and so on), and
// changes nothing.
//
// With a retention, events beyond it are dropped; the message ids of trait
// calls are kept as long, counted from their arrival. Without one everything
// is kept, message ids included, and memory grows with every message.
package profile
