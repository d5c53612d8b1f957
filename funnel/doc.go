// Package funnel defines ordered steps: "viewed a product over 100 dollars and
// did not order that same product within a day".
//
//	funnel.Start("viewed", "Product Viewed").Where("properties.price > 100").
//		NotFollowed("ordered", "Order Completed").Within(profile.Day).
//		Where("properties.product_id == steps.viewed.properties.product_id")
//
// A Funnel is a plain value with a builder and one JSON form, and a condition of
// an audience like any other. The engine of package audience compiles it, and
// keeps its state for each profile up to date, event by event.
//
// # Meaning
//
// A funnel holds at an instant if there is a choice of events, one for each
// step that is to follow, for which everything below is true. Of overlapping
// attempts any may do; none is cut off by an earlier one.
//
//   - Order: each event is later than that of the step before. Equal times are
//     in no order, so one event is never two steps. Events between do not
//     matter.
//   - Within(d) of a step that follows one of time t: its time is in (t, t+d),
//     half-open as all durations are. Without it any time later will do.
//   - Window: the age of every event of the choice is in it. For the last 30
//     days the funnel so holds until 30 days after the first event, exactly. A
//     step so always counts from its own time on; one dated after now does not
//     count yet.
//   - Filters are CEL, true of their event. They read properties, context,
//     timestamp, name and traits, and of the event chosen for any earlier step
//     that is to follow steps.NAME.properties, context, timestamp and name.
//     Traits are as they are now, not as they were at the time of the event.
//   - Next: no event of any name lies strictly between the event and that of the step
//     before.
//   - A step with Not and UntilNext: no matching event lies strictly between the events of the
//     steps around it that are to follow. Whether it does is known with the latter. Of several
//     choices one will do, so what came before the last view of the product is no matter:
//     viewed; no discount until next; ordered.
//   - A step with Not and Within: no matching event in (t, t+Within), t the time of the
//     step before. It is settled, true from t+Within on; or, with Pending, true
//     at once and until the first such event.
//
// "The step before" is always the nearest one that is to follow. So a step
// after one with Not follows what that one should not have followed, its Within
// counts from there, and it may come before the time of the other is over,
// which is watched to its end all the same. Take
//
//	viewed; not ordered within 1h; visited within 2h
//
// and a view at 12:00. A visit at 12:10 is one within two hours, but whether
// there is no order within one is known at 13:00: then the funnel holds, unless
// an order came in (12:00, 13:00), be it before or after 12:10. With Pending it
// holds from 12:10 until such an order. A visit that has to come after the hour
// says so in its filter:
//
//	timestamp - steps.viewed.timestamp >= duration("1h")
//
// # Time
//
// An answer is a verdict, what holds and until when if nothing new arrives, and
// it depends on the events and the instant alone: a late event gives what it
// would have given in its order. While a funnel holds, the verdict ends when the
// choice of the latest first step leaves the window, or at the earliest instant
// at which an event that is known but dated after now may contradict one. While
// it does not hold, it ends when an event that is known begins to count: dated
// after now, or followed or not for long enough.
//
// # Cost
//
// Let every filter read earlier steps in conjuncts
// properties.k == steps.s.properties.l only, such that these make one property
// of every step equal, or let no filter read them at all. Then events are kept
// apart by the value, and the choice is exact and found as follows, n being the
// events in the window:
//
//   - An event costs O(log n) for each step that it may be of, in any order of
//     arrival, and O(log n) for every event of a later step that has a choice
//     before it thereby or, contradicted, no longer. Without steps with Not
//     between others each gains one once, which makes O(log n) amortised for a
//     step. With them, each event that is contradicted can take it from those
//     which it alone was near enough to.
//   - The filter of a step is applied to an event once, when it comes, and to
//     none where it asks for such equalities only.
//   - A state takes 56 bytes, and an event 32 for each step that it may be of.
//     Up to 32 are gone through to find what is due and best. Of more that is
//     kept, which takes 150 bytes, 24 for each event that does not count yet, as
//     until a step with Not behind it is settled, and 24 for each value of which
//     there is a choice. The state and room to grow included, an open first step
//     takes 88 bytes if there is one, 60 if there are two, 41 if ten, and at
//     most 80 if there are more.
//   - Of an event's properties nothing is kept: a key has 15 bytes. Values are
//     told apart as they are up to 14 bytes, as texts of 13, by 112 bits of their
//     SHA-256 beyond. Numbers are equal across Int and Float, exactly.
//   - What has left the window is dropped: of up to 32 events at once, of more
//     when it may be half of all, or is all. Without a window everything is
//     kept, but of a funnel without Not only the choice once there is one.
//
// A funnel with a step with Next keeps 32 bytes for each event of the profile in the window,
// whatever its name; where filters of it read earlier steps it is searched as below, and all
// events together are kept apart by nothing.
//
// For any other references the search is bounded. Where some value is equal in
// all steps it is still kept apart by that. For each value and step the 256
// newest events are kept, with what filters read of them. An event costs one
// search through the choices that have it, or through all if it may contradict
// the one that there is. A search tries at most 256² events for each step, which
// takes up to some 10 ms a step; that is enough for every choice of kept events
// if there are two steps, or filters read the step before alone. An event of two
// steps then is tried with 256 others at most.
//
// Beyond the bounds the funnel may not be found: older events do not make a
// choice; an absence is not claimed where events that could contradict it were
// not kept, or not tried. So it does not say that something holds which does
// not. Keeping the newest does not depend on the order of arrival; what a search
// finds that gave up may.
package funnel
