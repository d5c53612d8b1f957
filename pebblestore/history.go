package pebblestore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/cockroachdb/pebble/v2"
	"github.com/muster-go/muster/profile"
)

// mostRead is how many events ReadHistory reads: of a user with more, who asks for those of
// some names, and of a time, is better served one by one.
const mostRead = 1024

// ReadHistory implements profile.HistoryReader, with one iterator.
func (r *reader) ReadHistory(ctx context.Context, user string, into *profile.History) error {
	into.Reset(user)
	v, done, err := r.from.open(ctx, oneRows)
	if err != nil {
		return err
	}
	defer done()
	rec, err := v.lookup(profile.UserRef(user), 0)
	if err != nil || !rec.exists {
		return err
	}
	into.Reset(rec.ref.ID)
	prefix := append(appendOwnKey(nil, rec.ref), ownEvents)
	it, err := v.r.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: keyAfter(prefix)})
	if err != nil {
		return r.s.fault.of(err)
	}
	h := histories{reader: r, it: it, most: mostRead}
	it.First()
	err = h.read(ctx, rec.ref.ID, prefix, into)
	if closing := it.Close(); err == nil {
		err = closing
	}
	return r.s.fault.of(err)
}

// histories reads those of one user after the other.
type histories struct {
	*reader
	it   *pebble.Iterator
	most int // events of one; 0: any number
	rows arena
}

// read reads the events of a user, whose keys begin with prefix, from where the iterator is.
func (r *histories) read(ctx context.Context, user string, prefix []byte, into *profile.History) error {
	var name []byte // of the event before, as it is in the key
	text := ""
	n := 0
	for ok := r.it.Valid(); ok && bytes.HasPrefix(r.it.Key(), prefix); ok = r.it.Next() {
		if err := r.from.alive(ctx); err != nil {
			return err
		}
		if n++; r.most > 0 && n > r.most {
			return fmt.Errorf("%w: more than %d events", errors.ErrUnsupported, r.most)
		}
		rest := r.it.Key()[len(prefix):]
		if len(rest) < 16 {
			return damaged(r.it.Key(), errRow)
		}
		key, tail := rest[:len(rest)-16], rest[len(rest)-16:]
		if name == nil || !bytes.Equal(key, name) {
			of, left, ok := readText(key)
			if !ok || len(left) > 0 {
				return damaged(r.it.Key(), errRow)
			}
			name, text = append(name[:0], key...), of
		}
		value, err := r.it.ValueAndErr()
		if err != nil {
			return err
		}
		m, err := readMessage(r.rows.keep(value), r.s.dict)
		if err == nil {
			err = m.readTail(tail)
		}
		if err != nil {
			return damaged(r.it.Key(), err)
		}
		m.name = text
		into.Add(m.event(user))
	}
	return r.it.Error()
}

// ScanHistory implements profile.HistoryScanner. It goes through the heads of a range of ids
// and, beside, through the rows of these: two scans in one order.
func (n *snapshot) ScanHistory(ctx context.Context, part int, each func(user string, h *profile.History) error) error {
	return n.s.fault.of(n.scanHistory(ctx, part, each))
}

func (n *snapshot) scanHistory(ctx context.Context, part int, each func(user string, h *profile.History) error) (err error) {
	v, done, err := n.open(ctx, allRows)
	if err != nil {
		return err
	}
	defer done()
	lower, upper, err := bounds(v.r, part)
	if err != nil || upper != nil && bytes.Compare(lower, upper) >= 0 {
		return err
	}
	heads, err := v.r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, heads.Close()) }()
	own, err := v.r.NewIter(&pebble.IterOptions{LowerBound: []byte{spaceOwn, byte(profile.User)}, UpperBound: []byte{spaceOwn, byte(profile.Account)}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, own.Close()) }()
	h := histories{reader: &n.reader, it: own}
	var into profile.History
	var prefix []byte
	for ok := heads.First(); ok; ok = heads.Next() {
		if err := n.alive(ctx); err != nil {
			return err
		}
		value, err := heads.ValueAndErr()
		if err != nil {
			return err
		}
		if len(value) == 0 {
			return damaged(heads.Key(), errRow)
		}
		if value[0] == headMerged {
			continue
		}
		user := string(heads.Key()[2:])
		into.Reset(user)
		prefix = append(appendOwnKey(prefix[:0], profile.UserRef(user)), ownEvents)
		if own.SeekGE(prefix) {
			if err := h.read(ctx, user, prefix, &into); err != nil {
				return err
			}
		} else if err := own.Error(); err != nil {
			return err
		}
		if err := each(user, &into); err != nil {
			return err
		}
	}
	return heads.Error()
}

// bounds returns the keys of the heads of a part of the users: all have their share of what
// is between the ids of the first and of the last user.
func bounds(r pebble.Reader, part int) (lower, upper []byte, err error) {
	prefix := []byte{spaceHeads, byte(profile.User)}
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: keyAfter(prefix)})
	if err != nil {
		return nil, nil, err
	}
	var first, last []byte
	if it.First() {
		first = append(first, it.Key()...)
		it.Last()
		last = append(last, it.Key()...)
	}
	if err := errors.Join(it.Error(), it.Close()); err != nil || first == nil {
		return prefix, prefix, err
	}
	same := 0
	for same < len(first) && first[same] == last[same] {
		same++
	}
	from, to := number(first[same:]), number(last[same:])
	border := func(part int) []byte {
		switch part {
		case 0:
			return prefix
		case profile.Lanes:
			return keyAfter(prefix)
		}
		at := from + uint64(float64(to-from)/profile.Lanes*float64(part))
		return binary.BigEndian.AppendUint64(append([]byte(nil), first[:same]...), min(at, to))
	}
	return border(part), border(part + 1), nil
}

// number returns the first bytes of an id as a number, of which a greater one is of a greater
// id.
func number(b []byte) uint64 {
	var head [8]byte
	copy(head[:], b)
	return min(binary.BigEndian.Uint64(head[:]), math.MaxUint64-1)
}
