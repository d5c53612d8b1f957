package pebblestore

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"slices"
	"sort"

	"github.com/muster-go/muster/profile"
)

// hash returns the hash of a message id, noHash if it is empty.
func (tx *tx) hash(id string) uint32 {
	if id == "" {
		return noHash
	}
	return fold(tx.s.seed.sum(id))
}

// seen reports whether a message is a duplicate: its id came before to the profile, or to
// one of the id that it is sent for that was deleted. name and nano are where a message
// that is sent twice is found at once.
func (tx *tx) seen(asked profile.Ref, t *touched, id string, hash uint32, name string, nano int64) (bool, error) {
	if id == "" {
		return false, nil
	}
	if t.exists {
		if err := tx.read(t, partRecord); err != nil {
			return false, err
		}
		if t.seen.has(hash) || slices.Contains(t.fresh, hash) {
			if has, err := tx.hasMessage(t, id, name, nano); has || err != nil {
				return has, err
			}
		}
	}
	return tx.wasBuried(asked, id)
}

// Seen implements profile.Tx.
func (tx *tx) Seen(ctx context.Context, ref profile.Ref, messageID string) (bool, error) {
	v, done, err := tx.open(ctx, oneRecord)
	if err != nil {
		return false, err
	}
	defer done()
	if _, err := v.lookup(ref, 0); err != nil || messageID == "" {
		return false, err
	}
	t, err := tx.find(ref, 0)
	if err != nil {
		return false, err
	}
	return tx.seen(ref, t, messageID, tx.hash(messageID), "", never)
}

// hasMessage looks for a message in the rows of a profile: first where it is if it was
// sent twice.
func (tx *tx) hasMessage(t *touched, id, name string, nano int64) (bool, error) {
	if name != "" {
		prefix := appendInstant(appendText(append(appendOwnKey(nil, t.ref), ownEvents), name), nano)
		if found, err := tx.findMessage(prefix, id); found != nil || err != nil {
			return found != nil, err
		}
	}
	for _, kind := range []byte{ownCalls, ownEvents} {
		if found, err := tx.findMessage(append(appendOwnKey(nil, t.ref), kind), id); found != nil || err != nil {
			return found != nil, err
		}
	}
	return false, nil
}

// nanoOf returns the time in the key of a message.
func nanoOf(key []byte) int64 {
	if len(key) < 16 {
		return math.MaxInt64 // what is wrong with it, who reads it finds
	}
	return readInstant(key[len(key)-16:])
}

// findMessage returns the key of the first message of an id among the rows that begin with
// a prefix, nil if there is none. One that is older than the retention is none, whether the
// sweeper has been there or not.
func (tx *tx) findMessage(prefix []byte, id string) ([]byte, error) {
	r, err := tx.rows()
	if err != nil {
		return nil, err
	}
	flags := []byte{0}
	flags = appendMessageID(flags, 0, id)
	form, raw := flags[0], flags[1:]
	var found []byte
	err = eachRow(r, prefix, func(key, value []byte) error {
		if len(value) > 0 && value[0]&idMask == form && bytes.HasPrefix(value[1:], raw) && nanoOf(key) >= tx.cutoff {
			found = bytes.Clone(key)
			return errStop
		}
		return nil
	})
	if err == errStop {
		err = nil
	}
	return found, tx.s.fault.of(err)
}

// The row of a deleted profile's id has, for each time that it was deleted, until when its
// messages stay duplicates, how many there are, and the hashes of their ids, ascending.

// wideSize is the size of a hash there.
const wideSize = len(profile.Hash{})

func appendBuried(b []byte, until int64, hashes []profile.Hash) []byte {
	b = binary.AppendUvarint(appendNano(b, until), uint64(len(hashes)))
	for i := range hashes {
		b = append(b, hashes[i][:]...)
	}
	return b
}

// eachBuried calls do for what a row has.
func eachBuried(b []byte, do func(until int64, hashes []byte)) error {
	s := scanner{b: b}
	for len(s.b) > 0 {
		until, n := s.instant(), s.uvarint()
		if n > uint64(len(s.b)/wideSize) {
			return errRow
		}
		do(until, s.next(int(n)*wideSize))
	}
	return s.end()
}

// unexpired returns what is left of a row at an instant.
func unexpired(b []byte, now int64) (left []byte, err error) {
	err = eachBuried(b, func(until int64, hashes []byte) {
		if now < until {
			left = binary.AppendUvarint(appendNano(left, until), uint64(len(hashes)/wideSize))
			left = append(left, hashes...)
		}
	})
	return left, err
}

func buriedKey(of profile.Hash) []byte { return append([]byte{spaceDeleted}, of[:]...) }

// buriedRow returns the row of an id's hash, as the transaction has it.
func (tx *tx) buriedRow(identity profile.Hash) ([]byte, error) {
	if b, ok := tx.buried[identity]; ok {
		return b, nil
	}
	if !tx.s.buried.Load() {
		return nil, nil
	}
	b, err := row(tx.s.db, buriedKey(identity))
	return b, tx.s.fault.of(err)
}

// wasBuried reports whether a deleted profile of an id had a message.
func (tx *tx) wasBuried(ref profile.Ref, id string) (bool, error) {
	if len(tx.buried) == 0 && !tx.s.buried.Load() {
		return false, nil
	}
	identity := profile.HashRef(ref)
	b, err := tx.buriedRow(identity)
	if err != nil {
		return false, err
	}
	hash, had := profile.HashMessageID(id), false
	err = eachBuried(b, func(until int64, hashes []byte) {
		if tx.now >= until || had {
			return
		}
		n := len(hashes) / wideSize
		i := sort.Search(n, func(i int) bool { return bytes.Compare(hashes[i*wideSize:(i+1)*wideSize], hash[:]) >= 0 })
		had = i < n && bytes.Equal(hashes[i*wideSize:(i+1)*wideSize], hash[:])
	})
	if err != nil {
		return false, tx.s.fault.of(damaged(buriedKey(identity), err))
	}
	return had, nil
}

// bury remembers the messages of a profile that is deleted, under all its ids.
func (tx *tx) bury(t *touched) error {
	if tx.s.opts.DuplicateMemory == 0 {
		return nil
	}
	r, err := tx.rows()
	if err != nil {
		return err
	}
	var hashes []profile.Hash
	for _, kind := range []byte{ownCalls, ownEvents} {
		err := eachRow(r, append(appendOwnKey(nil, t.ref), kind), func(key, value []byte) error {
			id, err := readMessageID(value)
			if err != nil {
				return damaged(key, err)
			}
			if id != "" && nanoOf(key) >= tx.cutoff {
				hashes = append(hashes, profile.HashMessageID(id))
			}
			return nil
		})
		if err != nil {
			return tx.s.fault.of(err)
		}
	}
	if len(hashes) == 0 {
		return nil
	}
	slices.SortFunc(hashes, profile.Hash.Compare)
	until := int64(math.MaxInt64)
	if tx.now <= math.MaxInt64-int64(tx.s.opts.DuplicateMemory) {
		until = tx.now + int64(tx.s.opts.DuplicateMemory)
	}
	for _, id := range append([]string{t.ref.ID}, t.aliases...) {
		identity := profile.HashRef(profile.Ref{Subject: t.ref.Subject, ID: id})
		b, err := tx.buriedRow(identity)
		if err != nil {
			return err
		}
		if b, err = unexpired(b, tx.now); err != nil {
			return damaged(buriedKey(identity), err)
		}
		if tx.buried == nil {
			tx.buried = map[profile.Hash][]byte{}
		}
		tx.buried[identity] = appendBuried(b, until, hashes)
		tx.set(buriedKey(identity), tx.buried[identity])
	}
	return nil
}

// readMessageID reads the message id of the row of a message.
func readMessageID(b []byte) (string, error) {
	s := scanner{b: b}
	id := ""
	switch flags := s.byte(); flags & idMask {
	case idUUID:
		id = string(appendUUID(nil, s.next(16)))
	case idText:
		id = s.text()
	}
	if s.bad {
		return "", errRow
	}
	return id, nil
}

// ownRange returns the range of a profile's own rows.
func ownRange(ref profile.Ref) (from, to []byte) {
	from = appendOwnKey(nil, ref)
	return from, keyAfter(from)
}
