package profile

import (
	"context"
	"iter"
	"time"
)

// Store keeps everything the engine knows: events, traits, ids, accounts,
// memberships, values of computed traits, the keys ever used with their definitions,
// when each profile is due next, and what subscribers have yet to be told. It is the
// truth; the engine's own state is a cache, which can be dropped for any profile at any
// time.
//
// A Store is safe for concurrent use. MemStore is the one in memory; package
// storetest is the suite that every other must pass.
type Store interface {
	Reader

	// Begin begins a transaction at the engine's instant now. refs are the profiles that
	// it reads and writes, by any id of theirs; what it touches besides is an error that
	// wraps ErrNotNamed. None: it may touch all. Two that touch the same wait for each
	// other, as may readers of the store: within a transaction all is read from it alone.
	Begin(ctx context.Context, now time.Time, refs ...Ref) (Tx, error)

	// Durable returns when all that was committed up to a mark stays, whatever becomes of
	// the process; nil of a store that keeps nothing beyond it.
	Durable(ctx context.Context, upTo Mark) error

	// SyncInterval is how long after its commit something may take to stay, where whoever
	// commits is not to wait for that: calls of an engine return then, and what they did may
	// be lost with the process until it has passed. 0: they wait for Durable.
	SyncInterval() time.Duration

	// Take makes the store that of one engine, until release is called: ErrTaken if
	// it is another's. Who only reads need not take it.
	Take(ctx context.Context) (release func(), err error)

	// Snapshot returns the store as it is at the call, unaffected by later
	// changes. Taking one is cheap, whatever the size of the store.
	Snapshot(ctx context.Context) (Snapshot, error)

	// Restore fills a store that is empty with the rows of another, in their order: see
	// Import. On an error the store is empty, as it was before; one that is not is
	// ErrNotEmpty. It is the store of nobody meanwhile, as for Take. A row that no store has,
	// or that does not go with the others, is ErrInvalid.
	Restore(ctx context.Context, rows iter.Seq2[Row, error]) error

	// Retention is the age beyond which events may be dropped; 0 keeps all. It
	// stays the same as long as the store is open.
	Retention() time.Duration

	// Close releases what the store holds. Its use afterwards is ErrClosed.
	Close() error
}

// Tx is a transaction: changes that are made together, or not at all. It is used by one
// goroutine, and ended by Commit or Abort.
type Tx interface {
	Reader // it sees what was put

	// Put makes changes, in their order: all of them or, on an error, none; the
	// transaction goes on as it was before. The outcome of a change is left in its own
	// Out fields. Nobody else sees anything of it before Commit. SetMember, SetValue,
	// SetWake, Tell and SetCursor are the store's until then; other changes, and the list
	// of them, only until Put returns.
	Put(changes ...Change) error

	// At moves the transaction to an instant, for what is put from then on. One that is
	// earlier than that where it is is an error that wraps ErrInvalid, and changes nothing.
	At(now time.Time) error

	// Seen reports whether a message of this id, sent for a profile, would be a
	// duplicate for Put. No profile has seen the empty id.
	Seen(ctx context.Context, ref Ref, messageID string) (bool, error)

	// Commit makes what was put visible, all of it at once. On an error nothing was
	// changed.
	Commit() (Mark, error)
	// Abort ends a transaction that leaves nothing. After Commit it does nothing.
	Abort()
}

// Mark is a position in the order of commits.
type Mark uint64

// Apply makes the changes of batch in order, as a transaction of their own: all of them
// or, on an error, none.
func Apply(ctx context.Context, s Store, now time.Time, batch ...Change) error {
	tx, err := s.Begin(ctx, now, named(batch)...)
	if err != nil {
		return err
	}
	defer tx.Abort()
	if err := tx.Put(batch...); err != nil {
		return err
	}
	_, err = tx.Commit()
	return err
}

// named returns the profiles that changes touch; none if these cannot be told.
func named(batch []Change) []Ref {
	refs := make([]Ref, 0, 4)
	for _, c := range batch {
		switch c := c.(type) {
		case *Tell, *SetCursor, *SetRecord, *SetPosition:
			continue
		case *PutEvent, *PutTraits, *PutIDs, *Leave, *SetMember, *SetValue, *SetWake:
		case *Join:
			refs = append(refs, AccountRef(c.Account))
		default:
			return nil
		}
		if ref, _ := subjectOf(c); len(refs) == 0 || refs[len(refs)-1] != ref {
			refs = append(refs, ref)
		}
	}
	return refs
}

// Snapshot is a store at one instant.
type Snapshot interface {
	Reader
	Close() error
}

// Reader is the reading half of a store. A ref may hold any id ever merged
// into a profile. An unknown profile has no events, traits, ids and so on: that
// is not an error. Iterators yield at most one error, as their last pair.
type Reader interface {
	// Resolve returns the id under which the profile is kept (another than
	// ref.ID after a merge), and whether it exists.
	Resolve(ctx context.Context, ref Ref) (id string, exists bool, err error)

	// Known reports whether a profile is a known user's: a message came with one
	// of its ids as the user id. One of which only anonymous ids are known is a
	// visitor's.
	Known(ctx context.Context, user string) (bool, error)

	// Profiles yields the ids of the profiles of a subject in ascending order,
	// from the first that is greater than after.
	Profiles(ctx context.Context, subject Subject, after string) iter.Seq2[string, error]
	// Count returns the number of profiles of a subject.
	Count(ctx context.Context, subject Subject) (int, error)

	// EventNames yields the names of a user's events in ascending order.
	EventNames(ctx context.Context, user string) iter.Seq2[string, error]
	// Events yields a user's events of one name, those of time >= since, in
	// the order of (time, arrival). The zero time is no bound.
	Events(ctx context.Context, user, name string, since time.Time) iter.Seq2[Event, error]

	// Traits returns the trait writes of a profile that can still matter: for
	// each instant from that of the last transaction on that set some, and for each
	// arrival number n, the greatest write of a trait (TraitWrite.Compare) among those
	// of time up to the instant and of Seq > n. They are in the order of name, then
	// Compare. What came earlier to the profile is not asked for any more, wherever
	// other profiles are.
	Traits(ctx context.Context, ref Ref) ([]TraitWrite, error)
	// IDs returns the external ids of a profile, by type, then value.
	IDs(ctx context.Context, ref Ref) ([]ExternalID, error)
	// Find returns the profiles of a subject that have an external id, ascending.
	Find(ctx context.Context, subject Subject, id ExternalID) ([]string, error)

	// Accounts returns the ids of the accounts a user is attached to, ascending.
	Accounts(ctx context.Context, user string) ([]string, error)
	// Users yields the users attached to an account in ascending order.
	Users(ctx context.Context, account string) iter.Seq2[string, error]
	// Senders yields, in ascending order, the users who sent an event with the
	// account's id (Event.Account), attached to it or not. A user stays one
	// until deleted, also when the event itself goes by the retention.
	Senders(ctx context.Context, account string) iter.Seq2[string, error]

	// Members yields the members of an audience, ascending by profile id, from
	// the first that is greater than after. An audience is of users or of
	// accounts; where it has both, the users come first.
	Members(ctx context.Context, audience, after string) iter.Seq2[Membership, error]
	// MemberCount returns the number of members of an audience.
	MemberCount(ctx context.Context, audience string) (int, error)
	// Memberships returns the audiences a profile is in, by key.
	Memberships(ctx context.Context, ref Ref) ([]Membership, error)

	// Values yields the values of a computed trait, ascending by profile id, from
	// the first that is greater than after; users before accounts.
	Values(ctx context.Context, key, after string) iter.Seq2[ComputedValue, error]
	// ValuesOf returns the values of a profile's computed traits, by key.
	ValuesOf(ctx context.Context, ref Ref) ([]ComputedValue, error)

	// Wake returns what the engine keeps of a profile to go on with it.
	Wake(ctx context.Context, ref Ref) (Wake, error)
	// Wakes fills a page with the wakes of a lane, from 0 to Lanes-1, that have an instant,
	// in the order of CompareWakes, from the first that comes after another; the zero Wake
	// comes before all. It sets the profile and the instant alone, and returns how many
	// there are: fewer than there is room for are the last.
	Wakes(ctx context.Context, lane int, after Wake, page []Wake) (n int, err error)

	// Notices yields the notices that are kept, in the order of their ids, from the first
	// of a greater id than after.
	Notices(ctx context.Context, after uint64) iter.Seq2[Notice, error]
	// Outbox says what is kept for subscribers.
	Outbox(ctx context.Context) (Outbox, error)

	// Records yields what a subscriber keeps, ascending by key; of the empty name what all
	// keep, ascending by who that is first.
	Records(ctx context.Context, subscriber string) iter.Seq2[Record, error]

	// Holders yields the profiles of a subject that have what a key names, with
	// their external ids, ascending by profile id, from the first that is greater
	// than after: what an export reads, in one scan.
	Holders(ctx context.Context, key string, subject Subject, after string) iter.Seq2[Holder, error]
	// MaxIDs returns for each type of external id that such profiles have the
	// greatest number of ids of the type that one of them has.
	MaxIDs(ctx context.Context, key string, subject Subject) (map[string]int, error)

	// Contents returns all that is kept of a profile; of an unknown one, its ref alone. It
	// has all that the store has not dropped yet, whatever the retention.
	Contents(ctx context.Context, ref Ref) (Contents, error)
	// Deleted yields what is remembered of deleted profiles and not yet forgotten, by the
	// hashes of their ids.
	Deleted(ctx context.Context) iter.Seq2[Deleted, error]

	// Position returns the arrival number of the last message stored, and the
	// latest instant of a transaction: zero if there was none.
	Position(ctx context.Context) (seq uint64, now time.Time, err error)
	// Keys yields every audience and computed-trait key ever used, in the order
	// in which they were first used.
	Keys(ctx context.Context) iter.Seq2[KeyRecord, error]
}

// Holder is a profile that has what a key names: it is a member of the audience,
// or has a value of the computed trait. It stays as it is, whatever becomes of the
// profile, and may be kept.
type Holder struct {
	ID    string       // that the profile is kept under
	Value Value        // of the computed trait; null of an audience
	IDs   []ExternalID // by type, then value; others read the same list: it must not be changed
}

// Change is one of the pointer types below.
type Change interface{ change() }

// PutEvent stores an event. Its profile is made if there is none.
type PutEvent struct {
	Event   Event
	Visitor bool // Event.Profile is an anonymous id; else it makes a known user: see Reader.Known

	OutID     string // the id the profile is kept under
	OutSeq    uint64 // the event's arrival number
	Created   bool   // the profile is new
	Duplicate bool   // the message id was seen before: nothing was stored
	Dropped   bool   // older than the retention: nothing was stored
}

// PutTraits sets traits of a user or an account: an identify call, or the
// traits of a group call. The profile is made if there is none.
type PutTraits struct {
	Ref       Ref
	Traits    Object // a null removes the trait
	Time      time.Time
	MessageID string
	Visitor   bool // Ref.ID is an anonymous id

	OutID     string
	OutSeq    uint64
	Created   bool
	Duplicate bool // nothing was stored
}

// PutIDs attaches external ids to a profile, which is made if there is none.
type PutIDs struct {
	Ref     Ref
	IDs     []ExternalID
	Visitor bool // Ref.ID is an anonymous id

	OutID   string
	Created bool
	Changed bool // it had not all of them before
}

// Merge makes From and Into one user profile, kept under Into's id, which is
// made if there is none: events, traits, ids, accounts. From's id resolves to
// it from then on. Of a message that both have (by its id) the one that arrived
// first is kept, and all that the other did is as if it had never come: a trait
// write that it superseded counts again. The memberships and computed values of
// From are dropped: the engine computes those of the whole. Into is a user id.
type Merge struct {
	From, Into string
	MessageID  string // of Into's; empty: never a duplicate

	OutFrom, OutInto string // the ids they resolved to; equal: nothing to do
	Created          bool   // Into is new; From need not have existed
	Duplicate        bool   // nothing was merged
}

// Delete removes a profile with everything that is its own: events, traits,
// ids, accounts, memberships, computed values, and the ids merged into it. A
// message that names one of them later begins a new profile, unless it is one
// that the profile had: those stay duplicates under all its ids for the
// retention, or, where all is kept, for a time that the store states, at least
// 7 days. Deleting an account detaches its users; events they sent with its id
// stay theirs.
type Delete struct {
	Ref Ref

	OutID   string
	Existed bool
}

// Join attaches a user to an account; Leave detaches. Join makes both profiles
// if there are none.
type Join struct {
	User, Account string
	MessageID     string // of the user's: for another user it is another message; empty: never a duplicate
	Visitor       bool   // User is an anonymous id

	OutUser                     string
	CreatedUser, CreatedAccount bool
	Changed                     bool
	Duplicate                   bool // nothing was changed
}

// Leave is the opposite of Join.
type Leave struct {
	User, Account string

	OutUser string
	Changed bool
}

// SetMember records that a profile entered an audience, or exited it. Of a
// profile that does not exist nothing is recorded.
type SetMember struct {
	Membership Membership
	Member     bool
}

// KeyRecord is an audience or computed-trait key with what it names.
type KeyRecord struct {
	Key        string
	Definition []byte // in the JSON form; nil: deleted, the key stays used, unless it is Pending
	Since      uint64 // only data with a greater arrival number counts; 0 counts all
	Version    uint32 // of the definitions, when this one was made or edited last
	Pending    bool   // not every profile has it yet: those have that have a Wake of its Version; or it never was: see Free
}

// Free reports whether a key names nothing and never has: what was to be made under it was
// broken off. It can be set again.
func (r *KeyRecord) Free() bool { return r.Definition == nil && r.Pending }

// UseKey takes a key that was never used, and is used from then on, for ever.
// It fails with ErrRetired if it was used before.
type UseKey struct{ Record KeyRecord }

// SetKey replaces what a used key names, by nothing if Definition is nil. It
// fails with ErrNotFound if the key was never used.
type SetKey struct{ Record KeyRecord }

// DropMembers removes all members of an audience at once.
type DropMembers struct{ Audience string }

// SetValue records the value of a computed trait; null removes it. Of a profile
// that does not exist nothing is recorded.
type SetValue struct{ Value ComputedValue }

// DropValues removes all values of a computed trait at once.
type DropValues struct{ Key string }

func (*PutEvent) change()    {}
func (*PutTraits) change()   {}
func (*PutIDs) change()      {}
func (*Merge) change()       {}
func (*Delete) change()      {}
func (*Join) change()        {}
func (*Leave) change()       {}
func (*SetMember) change()   {}
func (*UseKey) change()      {}
func (*SetKey) change()      {}
func (*DropMembers) change() {}
func (*SetValue) change()    {}
func (*DropValues) change()  {}
