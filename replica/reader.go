package replica

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/muster-go/muster/profile"
)

// Cursor is how far the output of a partition was read. The zero value is its beginning.
type Cursor struct {
	Place  uint64 `json:"place"`  // see Log.Chunks
	Record uint64 `json:"record"` // that is done
	Number uint64 `json:"number"` // of the last entry
	Output Digest `json:"output"`
}

// Told is what a Reader reads at once: a chunk.
type Told struct {
	Entries []Entry
	Refused []Refusal
}

// Reader reads what is told of one partition, each entry once and in order. It sees where
// the output has lost something, or has it twice.
type Reader struct {
	log       Log
	partition int
	at        Cursor
	chunks    []Chunk
	next      uint64 // the place behind them
}

// NewReader returns a reader that begins behind a cursor.
func NewReader(log Log, partition int, from Cursor) *Reader {
	return &Reader{log: log, partition: partition, at: from}
}

// Cursor returns where the reader is: behind what Next has returned last. Who keeps it with
// what it has made of that handles each entry once.
func (r *Reader) Cursor() Cursor { return r.at }

// Next returns the next chunk. It waits for one until ctx ends. An error that wraps ErrGap,
// ErrRepeated or ErrDiverged says that the output is not what it was; then the reader stays
// where it is.
func (r *Reader) Next(ctx context.Context) (Told, error) {
	for len(r.chunks) == 0 {
		if err := ctx.Err(); err != nil {
			return Told{}, err
		}
		var err error
		if r.chunks, r.next, err = r.log.Chunks(ctx, r.partition, r.at.Place); err != nil {
			return Told{}, err
		}
		if len(r.chunks) == 0 {
			r.at.Place = r.next
		}
	}
	c := &r.chunks[0]
	told, after, err := r.read(c)
	if err != nil {
		return Told{}, fmt.Errorf("read the output of partition %d: %w", r.partition, err)
	}
	r.chunks = r.chunks[1:]
	r.at = after
	return told, nil
}

// read reads a chunk that must be the next.
func (r *Reader) read(c *Chunk) (told Told, after Cursor, err error) {
	at := r.at
	switch {
	case c.First > at.Number+1 || c.From > at.Record:
		return told, at, fmt.Errorf("%w: number %d comes after %d, and record %d after %d", ErrGap, c.First, at.Number, c.From+1, at.Record)
	case c.First != at.Number+1 || c.From != at.Record:
		return told, at, fmt.Errorf("%w: number %d comes after %d, and record %d after %d", ErrRepeated, c.First, at.Number, c.From+1, at.Record)
	case len(c.Entries) != c.Count:
		return told, at, fmt.Errorf("%w: a chunk of %d entries has %d", ErrGap, c.Count, len(c.Entries))
	}
	for _, line := range c.Entries {
		e := Entry{Partition: r.partition}
		if err := json.Unmarshal(line, &e); err != nil {
			return told, at, fmt.Errorf("%w: an entry: %w", profile.ErrInvalid, err)
		}
		at.Number++
		if e.ID != at.Number {
			return told, at, fmt.Errorf("%w: number %d is where %d should be", ErrDiverged, e.ID, at.Number)
		}
		at.Output = at.Output.ofEntry(line)
		told.Entries = append(told.Entries, e)
	}
	if at.Output != c.Output {
		return told, at, fmt.Errorf("%w: the digest of the entries up to %d is another", ErrDiverged, at.Number)
	}
	told.Refused, at.Record, at.Place = c.Refused, c.To, c.Place+1
	return told, at, nil
}
