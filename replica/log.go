package replica

import (
	"context"
	"errors"
)

// What callers branch on. The first two are the ordinary course of things; each of the
// others is an alarm: the partition stands still until somebody has looked.
var (
	ErrFenced      = errors.New("another owner has the partition")
	ErrUnavailable = errors.New("the log cannot say")

	ErrGap      = errors.New("records of the log are missing")
	ErrRepeated = errors.New("records of the log are repeated or out of order")
	ErrLost     = errors.New("the log has lost records that were told of")
	ErrDiverged = errors.New("the engine says something else than was told")
)

// Log is an ordered log in partitions: an input that anybody appends to, and of each
// partition an output that its owner alone appends to. All methods may be called side by
// side. Package logtest holds an implementation to what is said here.
type Log interface {
	// Partitions is how many there are, numbered from 0; always the same.
	Partitions() int

	// Append appends bodies to the input of a partition, in their order, and returns the number
	// of the last one; 0 if the log does not know it yet. They are in the log once it
	// returns. If it fails some of them may be in the log all the same: messages with ids
	// can be sent again.
	Append(ctx context.Context, partition int, bodies ...[]byte) (last uint64, err error)

	// Join takes a share of the partitions, under a name that nobody else has, and calls run
	// for each, on a goroutine of its own, as often as it becomes the owner of it. The context
	// of run ends when the partition is no more the member's. Join returns once ctx has ended, all
	// calls of run have returned, and others can have the partitions at once; or with an error.
	Join(ctx context.Context, member string, run func(context.Context, Partition)) error

	// Chunks returns what was told of a partition, from a place on: 0 is the beginning. It waits
	// a moment for a chunk where there is none, and then returns none. next is the place behind
	// the last one. The bodies are not copied for the caller.
	Chunks(ctx context.Context, partition int, place uint64) (chunks []Chunk, next uint64, err error)
}

// Partition is one partition as its owner has it.
type Partition interface {
	Number() int

	// Leaving is closed when the partition is to be given to another owner: who runs it then
	// finishes what is under way, and returns. The context does not end before, unless that
	// takes too long or it is too late.
	Leaving() <-chan struct{}

	// Fence begins an epoch, higher than all before: from now on the chunks of all others are
	// refused. It returns the last chunk that was appended, without its entries; nil if there is
	// none. It fails with ErrFenced where the partition is another's by now.
	Fence(ctx context.Context) (epoch uint64, last *Chunk, err error)

	// Read returns records after a number, in order, about most at most. It waits a moment where
	// there is none, and then returns none.
	Read(ctx context.Context, after uint64, most int) ([]Record, error)

	// End returns the number of the last record in the log; 0 if there is none.
	End(ctx context.Context) (uint64, error)

	// Append appends a chunk, whole or not at all, if the epoch is that of the latest Fence of
	// all, and the chunk follows the last one: see Chunk.Follows. Else the error wraps
	// ErrFenced. After any other error it may be in the log or not: Fence tells.
	Append(ctx context.Context, c *Chunk) error
}
