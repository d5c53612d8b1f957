package profile

// Notice is something that the engine told, as the store keeps it for subscribers that
// have yet to be told: an outbox.
type Notice struct {
	ID   uint64 // from 1, without gaps, in the order of commits
	Body []byte // the engine's own
}

// Tell is a change by which the engine tells something. Its notices get the next ids, in
// their order, when the transaction is committed, and are kept as long as there is a
// cursor before them: where there is none their bodies may be nil. Readers of the
// transaction itself do not see them.
type Tell struct {
	Bodies [][]byte

	OutFirst uint64 // the id of the first; set by Commit
}

// SetCursor is a change that notes up to which notice a subscriber was told. The cursor of
// one that had none begins there. UpTo beyond the last notice is the last, and a cursor
// does not go back.
type SetCursor struct {
	Subscriber string
	UpTo       uint64
	Gone       bool // the subscriber is no more: nothing is kept for it
}

// Record is something that a subscriber keeps in the store beside its cursor, what it has
// to remember of what it was told of; or somebody who is told of nothing, and has none.
type Record struct {
	Of    string // the subscriber, or other name; ignored on input
	Key   string // of at most MaxRecordKey bytes, which may be any
	Value []byte // the subscriber's own; not empty
}

// MaxRecordKey is the greatest length of a record's key, in bytes.
const MaxRecordKey = 4096

// SetRecord is a change that keeps a record of a subscriber, in place of the one with its
// key, or removes that if the value is empty. With the cursor of a subscriber its records
// go. Readers of the transaction itself do not see it.
type SetRecord struct {
	Subscriber string // or any other name
	Record     Record
}

// SetPosition is a change that notes how far somebody has come in a log whose records are
// what is stored: so it is there exactly if they are. It stands beside the cursors of
// subscribers, and keeps no notice. Readers of the transaction itself do not see it.
type SetPosition struct {
	Name   string // whose
	Offset string // the reader's own, of at most MaxID bytes; empty: the position is no more

	OutTold uint64 // see Position; set by Commit
}

// Position is how far somebody has come in a log.
type Position struct {
	Offset string // the reader's own
	Told   uint64 // the id of the last notice there was when that was stored, its own among them
}

// Outbox says what is kept for subscribers, and of who reads logs.
type Outbox struct {
	Last      uint64              // the id of the last notice there was
	Notices   int                 // that are kept
	Bytes     int64               // of their bodies
	Cursors   map[string]uint64   // by subscriber
	Positions map[string]Position // by name
}

func (*Tell) change()        {}
func (*SetCursor) change()   {}
func (*SetRecord) change()   {}
func (*SetPosition) change() {}
