// Package replica runs the engine beyond one process: as a replicated state machine over
// an ordered log, such as Kafka or a table of PostgreSQL. Any number of workers share the
// partitions of the log; when one dies another takes over, in seconds, and every
// transition is told exactly once.
//
// # The model
//
// A partition has an input, an ordered sequence of numbered records, each with the time
// at which the log took it: messages of the Segment spec, and Commands, among which are
// all changes of definitions. It has one engine at a time, of one shard (audience.Options),
// whose clock is the time of the record at hand. So what it tells is a function of the
// records, and of nothing else: the order of what is told too.
//
// What is told is appended to the partition's output, in Chunks. A chunk says up to which
// record it tells, so the output is the commit point, and nothing needs to be atomic with
// anything else. Each entry has a number: from 1, without gaps. Partition and number are
// the id of an entry for ever, whoever tells it.
//
// # How an owner runs a partition
//
//	own        a lease, or a consumer group, says whose the partition is
//	fence      begins an epoch: the chunks of all former owners are refused from now on
//	look       at the last chunk, which is where to go on
//	load       the newest snapshot of the engine up to there, if there is one
//	replay     the records from there on: what they tell up to the last number was told
//	compare    at the chunk's end, the digest of the records, the number of the last entry and
//	           the digest of all entries with the chunk's: if one differs it is an Alarm
//	go on      with one chunk under way at a time
//
// While a chunk is under way the engine goes on, so chunks grow where much comes; and where
// one record, a new audience say, causes more than Options.ChunkEntries, it is told in
// several, which a successor goes on with in the middle.
//
// Where no records come and something is due by time alone, the owner appends a Tick.
//
// # What happens if
//
// An owner dies, or stands still for longer than its lease: the next one replays. What the
// former had not appended is told by the next, under the same numbers. What it appends
// after that is refused.
//
// An append fails and it is not known whether it was done: the owner fences again, sees
// whether the last chunk is its own, and goes on.
//
// Records are missing, repeated or out of order, or the log ends before what was read or
// told, as after the loss of records that it had acknowledged: ErrGap, ErrRepeated, ErrLost;
// or other records are where others were: ErrDiverged. The partition stands still,
// Options.OnAlarm is told, and nothing is passed over. Records that were lost and replaced by
// as many others while an owner was running are found by the next one.
//
// The engine says something else than was told, say because a worker of another version
// has another answer: ErrDiverged. Upgrade all workers, and define anew what answers otherwise.
//
// A message is refused: the chunk has it as a Refusal, with its record and why. One that makes
// the engine panic twice is passed over: the owner appends a PassOver to the input, which
// whoever comes next finds before it comes to the record, and the chunk lists it. Of one that
// ends the whole process the owner cannot tell: append a PassOver for the record behind the
// last chunk. A record that something was told of cannot be passed over.
//
// A snapshot is damaged, or there is none: an older one is taken, or the log from its beginning.
//
// # Guarantees
//
// For each partition: the entries of the output are those that one engine in one process
// tells of the same records, in that order, each once. A Reader that keeps its Cursor with
// what it does sees each once, and sees where any is lost or repeated.
//
// # Limits
//
// Options.Store and Options.NoID, and the version of this package, decide what is told: they are
// the same for all workers. Nothing crosses partitions: see Router. A record's entries
// are in memory until they are told. The state of a partition is in memory unless
// Options.Store says otherwise. What was passed over is listed in each later chunk: a few are
// expected, not thousands. The input is kept from the record of the oldest snapshot on.
// Ticks follow the worker's clock (Options.Now), and time in the engine the log's.
package replica
