package replica

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/muster-go/muster/profile"
)

// Chunk is what an owner tells at once: the entries that some records have caused. It is
// appended whole or not at all, and so is the point at which these records count as done.
type Chunk struct {
	Partition int       `json:"partition"`
	Epoch     uint64    `json:"epoch"`
	From      uint64    `json:"from"`  // the record that was done before
	To        uint64    `json:"to"`    // the last record that is done with it
	Told      uint64    `json:"told"`  // the number of the last entry of the records up to To
	First     uint64    `json:"first"` // the number of its first entry, or that the next entry will have
	Count     int       `json:"count"` // of its entries
	Input     Digest    `json:"input"` // of all records up to To
	Output    Digest    `json:"output"`
	Passed    []uint64  `json:"passed,omitempty"`  // all records so far that were passed over, ascending
	Refused   []Refusal `json:"refused,omitempty"` // of the records From+1 to To, or of such a record among them

	// Entries are those that it tells, each as Entry writes it in JSON. Where one record has
	// caused more than fits in a chunk the last of them may be of the record after To.
	Entries [][]byte `json:"-"`

	Place uint64 `json:"-"` // in the output, where it was read from there
}

// Last returns the number of the last entry up to the end of the chunk, 0 if there is none.
func (c *Chunk) Last() uint64 {
	if c == nil {
		return 0
	}
	return c.First + uint64(c.Count) - 1
}

// to returns the last record that is done with the chunk; of none 0.
func (c *Chunk) to() uint64 {
	if c == nil {
		return 0
	}
	return c.To
}

// Follows reports whether the chunk is the next one after another, or the first if that is
// nil.
func (c *Chunk) Follows(before *Chunk) bool {
	return c.From == before.to() && c.First == before.Last()+1
}

// Same reports whether two chunks are one, as far as its head tells. It compares no epochs:
// an owner that fences again goes on with what it had under way.
func (c *Chunk) Same(d *Chunk) bool {
	return c.From == d.From && c.To == d.To && c.First == d.First && c.Count == d.Count && c.Input == d.Input && c.Output == d.Output
}

// within reports whether the chunk ends within the entries of one record.
func (c *Chunk) within() bool { return c != nil && c.Last() != c.Told }

// Encode returns the chunk as lines of JSON: its head, and each entry.
func (c *Chunk) Encode() ([]byte, error) {
	head, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("write a chunk: %w", err)
	}
	return bytes.Join(append([][]byte{head}, c.Entries...), []byte{'\n'}), nil
}

// DecodeChunk reads what Encode has written.
func DecodeChunk(text []byte) (*Chunk, error) {
	lines := bytes.Split(text, []byte{'\n'})
	c := &Chunk{}
	if err := json.Unmarshal(lines[0], c); err != nil {
		return nil, fmt.Errorf("%w: a chunk: %w", profile.ErrInvalid, err)
	}
	if c.Entries = lines[1:]; len(c.Entries) != c.Count {
		return nil, fmt.Errorf("%w: a chunk of %d entries has %d", profile.ErrInvalid, c.Count, len(c.Entries))
	}
	return c, nil
}

// Refusal says of a record that it was not applied, and had no effect: a dead letter.
type Refusal struct {
	Record uint64 `json:"record"`
	ID     string `json:"id,omitempty"` // of the message, if it has one
	Killed bool   `json:"killed,omitempty"`
	Why    string `json:"why"`
}

// Digest is a SHA-256 over a sequence: that of its last part and of the digest of all
// before. Two sequences that have it in common are the same.
type Digest [sha256.Size]byte

// MarshalText writes it in hexadecimal digits.
func (d Digest) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, d[:]), nil }

// UnmarshalText reads what MarshalText has written.
func (d *Digest) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(d)) {
		return fmt.Errorf("%w: %q is no digest", profile.ErrInvalid, text)
	}
	_, err := hex.Decode(d[:], text)
	return err
}

// ofRecord returns the digest of a sequence to which a record is added. Whether it is
// passed over is part of it.
func (d Digest) ofRecord(r *Record, passed bool) Digest {
	var buf [len(d) + 17]byte
	copy(buf[:], d[:])
	binary.BigEndian.PutUint64(buf[len(d):], r.Number)
	binary.BigEndian.PutUint64(buf[len(d)+8:], uint64(clockTime(r.Time).UnixNano()))
	if passed {
		buf[len(d)+16] = 1
	}
	h := sha256.New()
	h.Write(buf[:])
	h.Write(r.Body)
	return Digest(h.Sum(buf[:0]))
}

// ofEntry returns the digest of a sequence to which an entry is added.
func (d Digest) ofEntry(entry []byte) Digest {
	h := sha256.New()
	h.Write(d[:])
	h.Write(entry)
	return Digest(h.Sum(nil))
}

// clockTime returns the time of a record as one that the engine takes.
func clockTime(t time.Time) time.Time {
	switch {
	case t.Before(profile.MinTime):
		return profile.MinTime
	case !t.Before(profile.MaxTime):
		return profile.MaxTime.Add(-1)
	}
	return t.UTC()
}
