// Package audience is the engine: it takes events and traits, keeps the members
// of any number of audiences, and tells who enters and exits, at the exact
// instant.
//
// # Audiences
//
// A Definition is a key and a tree of conditions: All, Any and Not over events
// (Performed), traits (Trait, TraitDate), ordered steps (Funnel), other audiences
// (InAudience) and, for accounts, their users (AnyUser, AllUsers, NoUser). It is a plain
// value with a builder, and has one JSON form. Filters are CEL. A filter of an
// event reads properties, context, timestamp, name, and traits: the traits as
// they are now, not as they were at the time of the event, so a change of such
// a trait counts the events anew. A property or trait that is missing, or
// operands that do not compare, make a filter false; Engine.Misses counts that.
//
// # Computed traits
//
// A trait.Computed is a trait that the engine keeps up to date from events: a
// sum, a count, the most frequent value and so on, of users or of accounts
// (Engine.CreateTraits); or, a formula, from other traits. Where no event counts, or nothing comes
// of a formula, there is no value. It is read as
// any trait, under its key, by filters, trait conditions and other computed
// traits; the key of an audience is read so as well, as a boolean. What reads
// what is resolved when a definition is made; a circle is refused. Within one
// step, that is one profile at one instant, everything that follows from a
// change has happened before anything is told, so no callback and no reader sees
// a membership that does not fit the traits.
//
// # Accounts
//
// Group calls attach users to accounts, several if need be, and set traits of
// accounts; Leave detaches. An account takes the events of the users attached to
// it, whenever they were done, and those that anyone sent with its id (OfGroup:
// these alone). In a filter of events in a definition of accounts traits are
// those of the user whose event it is, custom ones only, and account.traits those
// of the account; in its conditions on traits, traits are the account's.
//
// Of its users an account asks any condition of users. Without users AnyUser and
// AllUsers are false, and NoUser is true. In a condition of users, InAudience of an
// audience of accounts means that one of the user's accounts is a member, and what reads
// account.traits is true if it is for one of the user's accounts: so it is false
// for a user without any. The members of an audience of accounts are accounts;
// of one WithPerUser each user is a member as well, who exits with the last.
//
// While anything is defined of accounts, or of users by their accounts, profiles
// depend on each other. Then all that follows from one change, over any number
// of profiles, is one step, with all else that is due at that very instant: all
// of it carries the one cause. Data that can change nothing but its own user, as most
// can, is taken as if there were no accounts: beside other data, and in a step of its
// own beside what is due at the same nanosecond in another shard.
//
// # Membership
//
// Membership is a function of what is known and the instant, and of nothing
// else. Windows are half-open to the nanosecond: Within(d) counts an event from
// its time on, and stops exactly d later; Between(min, max) counts it from min
// after its time on, and stops at max after. Late events, duplicates (by message
// id) and events dated in the future change nothing about that: an answer
// depends on the times of events, never on the order of arrival. Of traits the
// newest counts, and only of two that were set at the same time the last to arrive.
//
// A user exists from the first message that names it until it is deleted. One
// of whom nothing is known but that it exists is a member of audiences such as
// NotPerformed("Login").
//
// # Transitions
//
// A Transition that data causes carries the instant at which the engine took
// the data: what its clock said. A late event changes what is known from then
// on; it rewrites no past transition. A transition that time causes carries the
// exact instant at which the answer changed, however late the engine came to
// look. Before data is applied at an instant, all that is due strictly before
// has happened; what is due at that very instant is settled together with the
// data, so an event that arrives as the last one expires makes nobody exit and
// enter again.
//
// The clock is the machine's by default; Run then fires timers as they become
// due. With a ManualClock, Set moves the clock and the next call fires what is
// due, and Advance fires all until an instant, that included. The engine's own
// time never goes back: data is taken at what the clock says or at the instant
// the engine has reached, whichever is later. A callback that calls the engine
// is no exception.
//
// For each user and audience Entered and Exited alternate, beginning with
// Entered. Merging (Alias) makes the two users one: the one that is no more
// exits its audiences, the other gets the difference. See Engine.Subscribe for
// where and when callbacks run.
//
// # The life of an audience
//
// Creations and edits go through all profiles beside the data. Members of an audience that
// is being made grow in number; one that is being edited is the old one until it is at
// once the new one. Meanwhile neither can be edited or deleted (ErrLocked). What is asked
// across subjects is brought to all who are asked before who asks: such a creation has
// stages. Progress tells how far they are, and the end of the context breaks them off.
// Preview says beforehand how many members there would be, on all processors.
//
// A batch audience (Definition.Batch) is computed when asked (Recompute) or at
// the multiples of an interval, and stands still in between, also for those who
// read it. What is due at such an instant, and the data of it, comes before. Who
// is new since is not a member until the next time, and of two users that are
// merged the one that remains keeps its own membership until then.
//
// A paused audience (Pause, Definition.Paused) is a batch audience that is not computed at all
// until it is resumed; then what differs is told, with the cause edit.
//
// Explain says why a profile is in or not: the tree with what holds, the events
// and traits seen for it, and when it changes next.
//
// # Replicas
//
// With Options.Shards 1, a clock that moves with the data (a ManualClock, Engine.Replay,
// Advance), one call after the other and creations and edits among them, each waited for, all
// that is told is a function of the calls: what, in which order, with which instants and ids. Neither
// processors nor the size of the cache make a difference, nor that the engine was closed and
// another went on, on the same store or on an export of it. So engines that read one log are
// replicas of each other. Where a store has a retention that holds as far as conditions look
// back no further: what is older goes by and by.
//
// What is left in the store is a function of the calls, of Options.CacheBytes and of where
// engines were closed: profile.Export of it has the same bytes, so a digest (profile.Exported)
// compares replicas that have these in common. A state that was read from the store may
// be looked at once more than one that was not, which shows in nothing but that.
//
// Transition.ID, with the ids of changes of computed traits and of ids, which are of the same
// sequence, numbers all that is told, from 1 and without gaps, for every cause, across
// reopenings, crashes and exports. So (partition, ID) names each of it, and a reader of
// a log into which all of it goes sees loss and repetition with that one number: what comes
// next is one more than the last, or it was there before.
//
// # How it works
//
// Every node of a definition answers with a verdict: what holds, and until when
// it holds if nothing new arrives. All live audiences are one network in which
// each distinct condition is one node, whatever number of audiences have it. An
// event reaches only the leaves that name it, by way of its filters, each run
// once; a leaf whose verdict does not change, or ends later than before, stops
// the walk. The earliest end among the verdicts of a user's audiences is that
// user's timer.
//
// What the engine remembers of a user is a cache of what follows from the
// store, which Options.CacheBytes bounds: opening a store reads no profile, and a
// profile is read when something happens to it. The store keeps what is needed to go on
// with it (profile.Wake): when time changes it next, which definitions have come to it, and
// what others know of it. A state is one entry of 48 bytes for each condition that the user has
// anything to do with, and for each count the times of events that can still
// decide it: for a window that ends now at most 32k+32 bytes, where k is the
// count asked for; see the type matches. It does not grow with the history. What
// funnels and computed traits keep is said in their packages. An account keeps
// two numbers for each condition on its users, which a user's change moves by
// one: an event costs the same in an account of ten and of a million. Those of an account of
// 32 users or more are in the store as well, in the transaction of what moved them, so that it
// comes back to memory without any of its users being read. Its users are counted where there
// are none of these numbers: when a definition comes to it, the first time after an engine was
// opened on what an earlier one made in stages, and while some definition is broken.
//
// What a call changes, the data and all that follows from it, is one transaction of the
// store: stored together, or not at all. A call that returns an error has changed
// nothing, and can be made again. Members, values and the like cannot be read from
// MemStore while a transaction holds its shard; one that concerns all holds all.
//
// What is told is part of that transaction, and has an id. A call returns, and callbacks
// run, once it stays whatever becomes of the process, as far as the store promises that.
// Durable subscribers (Engine.SubscribeDurable) are told from where they were, by whichever
// engine of the store comes next.
//
// A transaction holds the locks of what it may change: of the user's shard; where accounts
// take the event and no user depends on accounts in turn, of the shards of these; else all.
//
// To follow an event from call to callback read Engine.Track, Engine.update, txn.track,
// eval.Run.AddEvent, txn.commit and outbox.Queue.Deliver. The engine has layers, of which each
// knows only those below it:
//
//	audience           definitions, locks, time, transactions, what is told
//	internal/eval      what follows from data and time, computed anew by height
//	internal/state     what one profile has of it in memory, and the cache of that
//	internal/network   what is asked, compiled, and found by the data that it is about
//
// and, apart from these, internal/outbox, which calls back.
//
// The files of this package are by subject:
//
//	engine, enter, locks, fire, timers    who takes which locks, and when
//	txn, touch, others, commit, keep      the transaction, and what it stores
//	group                                 many steps in one transaction
//	lifecycle, edit, rollout, revision      definitions that come and go, beside the data
//	batch, pause                          audiences that stand still
//	deliver, durable, backlog             what is told
//	explain, stop, preview, backtest      questions that change nothing
//	stats, observer                       what the engine does
//	usage                                 what the data is made of: Engine.Catalog
//
// # Limits
//
// A definition has at most 32 levels and 4096 nodes, a count is at most a million, a
// window at most 50 years, a time in [1900, 2200). Merging two users, deleting a
// definition, computing a batch audience and the last moment of an edit stop other calls
// for as long as they take. While users depend on accounts, data that moves an account or
// such a user is taken one after the other, and so is data of profiles that a creation or
// an edit has yet to come to. An account that takes events of a user is computed anew,
// from the events of all its users, when that user leaves, is merged or deleted, and when it
// comes back to memory: it reads as many events as its windows see of all of them. One that
// only counts users does not. Conditions that read traits of accounts are asked of all users
// of an account when such a trait changes. A funnel of users cannot read account.traits,
// and what a preview or an explanation foresees takes other profiles as they are.
package audience
