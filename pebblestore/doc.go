// Package pebblestore is a profile.Store on a disk: an engine on it goes on, after any end
// of the process, exactly where it was, with more profiles than memory holds. It is built on
// Pebble, a log-structured merge tree, and is a module of its own, so that who imports the
// core alone gets none of that.
//
//	store, err := pebblestore.Open("data", pebblestore.Options{})
//	...
//	engine, err := audience.New(ctx, store, audience.Options{CacheBytes: 256 << 20})
//
// # The model
//
// A transaction locks the lanes of the profiles that it names, of 32, and gathers what it
// changes. Commit writes that to the log and to memory as one batch: it is visible at once,
// whole. Durable returns when the log is on the disk up to there; one goroutine syncs for all
// that wait, and nobody holds a lock meanwhile. Readers wait for nobody, and read what is
// committed at one instant; a loop over very many rows goes on with another instant now and
// then. Position, counts and the cursors of subscribers are kept in memory too.
//
// # Guarantees
//
//   - What Durable has returned of is there after any crash, of the process or of the
//     machine, and so is all that was committed before it. With Options.SyncInterval a crash
//     of the process, too, can lose what was committed within the last interval; nothing
//     that Durable has returned of.
//   - What is there is a prefix of the commits, each whole: never data without what follows
//     from it. Notices have the ids that they had.
//   - A failed file operation is an error, or has no effect. After one that leaves open what
//     is on the disk every call is ErrFailed, and no file is changed any more, until the
//     store is opened again. A full disk is noticed before it is full: commits are
//     ErrDiskFull and change nothing until there is room.
//   - A file that is not as it was written is ErrDamaged when it is read. A log that lacks
//     its end is, too: the file SYNCED has the number of the last commit that is known to be
//     on the disk. Verify reads everything, and compares all that the store knows twice.
//   - One Store at a time has the directory: another is ErrInUse. A copy, by Checkpoint or
//     told by Options.Copied, gets another ID before anything is delivered from it.
//
// # Limits
//
// Opening reads the log, of at most some hundred MB, and then keys, names and one row of
// counts: no profile. The hashes of all message ids of a profile are read when the first
// message of it comes, 4 bytes each; a Merge or Delete reads the messages of the profile, a
// Delete of an account writes its users. Of Options.CacheBytes half is for profiles that
// were used lately, half for blocks of files; what is being written, an index of the open
// files, and transactions under way come on top.
//
// An error of the disk that a transaction meets while it puts has the whole transaction
// fail.
//
// # Layout
//
// Version 2 of the format. The first byte of a key says what the row is; texts that something
// follows end with 0 and hold none (0 and 1 are written as 1 1 and 1 2), instants and numbers
// are big-endian, so that keys are in the order of what they are made of.
//
//	a           format, id and random seed of the store
//	d number    name of a property: objects have its number. A batch of their own writes
//	            names before their first use; what an aborted transaction leaves of them is
//	            no more than a name
//	h ref       head of a profile: known, external ids, accounts, accounts sent for, merged
//	            ids; of a merged id, what it was merged into
//	i j q       external ids, attached users, senders: what they are of
//	k place     audience or trait with its definition, in the order of first use
//	m v number  members of an audience, and who has a value of a trait
//	n number    what audience or trait a number stands for, or that it was given up
//	o ref ...   a profile's own rows, together:
//	   c          messages that are no events, by arrival
//	   e name     events by time and arrival, with message id, account, properties, context
//	   m          record: wake, version, marks, memberships, values, counts of users; hashes of message ids
//	   t          writes of traits that can still matter
//	p           position, counts of profiles, members and notices
//	r name key  records that a subscriber keeps
//	w lane      wakes by instant
//	x id        notices; y name: a subscriber's cursor
//	u name      how far somebody has come in a log
//	z hash      hashes of the message ids of a deleted profile, until they are forgotten:
//	            of 128 bits, which are the same in every store (profile.Hash)
//
// To drop an audience costs a row, whatever its size: its number is given up, and what
// records have of that number is skipped, and left out when they are written next.
//
// Two of the rows are merged, not written: a commit says what changes, and Pebble adds it up
// when it reads or compacts. The position's makes commits of different lanes independent,
// and keeps counts exact without a row for each, nor anything to be counted after a crash.
// The record's has an event write one small row for state and message id together. There is
// no row from a message id to its event: the hash tells that an id is new, and one that may
// not be is looked for where the same message would be, then among the profile's others.
// That halves what an event writes.
//
// A store's own format is refused if it is newer than this package; that of Pebble's files
// is pinned (FormatTableFormatV6), and raised only together with it.
package pebblestore
