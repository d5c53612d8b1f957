package pebblestore

import (
	"cmp"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/muster-go/muster/profile"
)

// record is what is known of a profile, or of an id that is none. Its lists are replaced,
// never changed in place.
type record struct {
	ref    profile.Ref
	exists bool
	head
	parts part // what was read besides the head
	state
	seen   *seenSet
	traits []byte   // packed
	names  []string // of its events, ascending
}

// part is a set of the parts of a record that are read when they are asked for.
type part uint8

const (
	partRecord part = 1 << iota // the state, and the message ids
	partTraits
	partNames
	allParts = partRecord | partTraits | partNames
)

// readRecord reads the head of an id: of one that was merged, where to.
func readRecord(r pebble.Reader, ref profile.Ref) (rec record, err error) {
	rec = record{ref: ref, state: noState()}
	key := appendHeadKey(make([]byte, 0, 64), ref)
	value, err := row(r, key)
	if err != nil {
		return rec, err
	}
	if value == nil {
		rec.parts, rec.seen = allParts, &seenSet{}
		return rec, nil
	}
	if rec.head, err = readHead(value); err != nil {
		return rec, damaged(key, err)
	}
	rec.exists = rec.into == ""
	return rec, nil
}

// read reads the parts that were not read yet of a profile that exists.
func (rec *record) read(r pebble.Reader, dict *profile.Dict, want part) error {
	want &^= rec.parts
	if want == 0 || !rec.exists {
		return nil
	}
	var key []byte
	if want&partRecord != 0 {
		key = appendRecordKey(key[:0], rec.ref)
		value, err := row(r, key)
		if err != nil {
			return err
		}
		if rec.state, rec.seen, err = readRecordRow(value); err != nil {
			return damaged(key, err)
		}
		rec.parts |= partRecord
	}
	if want&partTraits != 0 {
		key = append(appendOwnKey(key[:0], rec.ref), ownTraits)
		value, err := row(r, key)
		if err != nil {
			return err
		}
		if _, err := readWrites(value, dict); err != nil {
			return damaged(key, err)
		}
		rec.traits = value
		rec.parts |= partTraits
	}
	return nil
}

// readRecordRow reads a row of ownRecord; nil is that of a profile without one. It keeps b.
func readRecordRow(b []byte) (st state, seen *seenSet, err error) {
	st = noState()
	if b == nil {
		return st, &seenSet{}, nil
	}
	packed, hashes, err := splitRecord(b)
	if err == nil && packed != nil {
		st, err = readState(packed)
	}
	return st, readSeen(hashes), err
}

// readNames reads the names of a profile's events: it goes from the first of a name to the
// first of the next.
func readNames(r pebble.Reader, ref profile.Ref) (names []string, err error) {
	prefix := append(appendOwnKey(nil, ref), ownEvents)
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: keyAfter(prefix)})
	if err != nil {
		return nil, err
	}
	for ok := it.First(); ok; {
		name, _, is := readText(it.Key()[len(prefix):])
		if !is {
			err := damaged(it.Key(), errRow)
			_ = it.Close() // that the key is wrong says more
			return nil, err
		}
		names = append(names, name)
		ok = it.SeekGE(keyAfter(appendText(slices.Clip(prefix), name)))
	}
	return names, it.Close()
}

// size is about how many bytes a record takes in memory.
func (rec *record) size() int {
	n := 400 + len(rec.ref.ID) + len(rec.traits) + 16*(len(rec.members)+len(rec.marks))
	if rec.seen != nil {
		n += rec.seen.size()
	}
	for _, id := range rec.ids {
		n += 32 + len(id.Type) + len(id.Value)
	}
	for _, list := range [...][]string{rec.accounts, rec.senders, rec.aliases, rec.names} {
		for _, text := range list {
			n += 16 + len(text)
		}
	}
	for _, v := range rec.values {
		n += 40 + len(v.packed)
	}
	return n
}

func compareMembership(m membership, number uint32) int { return cmp.Compare(m.number, number) }
func compareComputed(c computed, number uint32) int     { return cmp.Compare(c.number, number) }

func compareIDs(a, b profile.ExternalID) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Value, b.Value))
}

// withText returns a sorted list with a text, and whether it had it not.
func withText(list []string, text string) ([]string, bool) {
	i, has := slices.BinarySearch(list, text)
	if has {
		return list, false
	}
	return slices.Insert(slices.Clip(slices.Clone(list)), i, text), true
}

// withoutText returns a sorted list without a text, and whether it had it.
func withoutText(list []string, text string) ([]string, bool) {
	i, has := slices.BinarySearch(list, text)
	if !has {
		return list, false
	}
	return slices.Delete(slices.Clone(list), i, i+1), true
}
