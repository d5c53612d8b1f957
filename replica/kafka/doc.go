// Package kafka is a log (replica.Log) on Kafka and what speaks its protocol: one topic of
// messages, which Segment, RudderStack and others can write to as they are, and one of what
// is told. Workers are members of a consumer group.
//
// # What is guaranteed, and by what
//
// The number of a record is its offset and 1, its time that at which the broker took it
// (LogAppendTime, to the millisecond). So the input must be written without transactions and
// not be compacted, as both leave gaps between offsets, which are replica.ErrGap. A producer with
// idempotence, the default of most, does not write twice; what it sends anew after a crash has
// the same message id, and is one message to the engine.
//
// A chunk is one record of the output, in a transaction of its own whose id is the partition's.
// Who begins a new epoch of that id has the broker refuse all others: an owner that stood still,
// or does not hear that it is none any more, tells nothing twice. Read the output with the
// isolation level read_committed, as replica.Reader does: each record is a line of JSON about the
// chunk (replica.Chunk) and a line for each entry (replica.Entry).
//
// All of it stays as far as the brokers keep what they have acknowledged: produce with
// acks=all to topics with min.insync.replicas of 2, and without unclean elections of leaders.
// A leader that was elected without the last records is seen: where the log ends before what was
// read or told it is replica.ErrLost, and where others have taken the place of records that
// were told of, replica.ErrDiverged, at the next take-over.
//
// # Limits
//
// A chunk is one record: message.max.bytes of the brokers must be above
// replica.Options.ChunkBytes and a tenth. Retention is for ever in topics that Open makes; records
// before the oldest snapshot can go. Snapshots are in a replica.Blobs, such as a folder that all
// workers have: Kafka keeps none. A partition has three connections of its own.
package kafka
