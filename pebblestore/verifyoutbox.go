package pebblestore

import (
	"slices"

	"github.com/muster-go/muster/internal/noticebody"
	"github.com/muster-go/muster/profile"
)

// outbox looks at the notices that are kept.
func (v *verifier) outbox() error {
	t, cursors := v.snap.tally, v.snap.readers.cursors
	for name, upTo := range cursors {
		if upTo > t.notice {
			if err := v.found(DamagedOutbox, "subscriber %q was told up to %d of %d", name, upTo, t.notice); err != nil {
				return err
			}
		}
	}
	if err := v.records(); err != nil {
		return err
	}
	if err := v.positions(); err != nil {
		return err
	}
	first, next, bytes, last := leastCursor(cursors), uint64(0), int64(0), told{}
	for n, err := range v.snap.Notices(v.ctx, 0) {
		if err != nil {
			return err
		}
		v.report.Notices++
		bytes += int64(len(n.Body))
		if n.ID <= first || n.ID > t.notice || next != 0 && n.ID != next {
			err = v.found(DamagedOutbox, "notice %d where %d is expected, of those after %d up to %d", n.ID, next, first, t.notice)
		}
		if next = n.ID + 1; err != nil {
			return err
		}
		if err := v.notice(last, n); err != nil {
			return err
		}
	}
	if err := v.leadsTo(last); err != nil {
		return err
	}
	if next != 0 && next != t.notice+1 {
		if err := v.found(DamagedOutbox, "notices from %d up to %d are missing", next, t.notice); err != nil {
			return err
		}
	}
	if int64(v.report.Notices) != t.notices || bytes != t.bytes {
		return v.found(DamagedCount, "%d notices of %d bytes are counted as %d of %d", v.report.Notices, bytes, t.notices, t.bytes)
	}
	return nil
}

// records looks at what subscribers keep.
func (v *verifier) records() error {
	return v.each(spaceRecords, func(key, value []byte) error {
		_, rest, ok := readText(key[1:])
		if !ok || len(rest) == 0 || len(value) == 0 {
			return v.found(DamagedRow, "record of a subscriber that is none: %x", key)
		}
		return nil
	})
}

// positions looks at how far readers of logs have come.
func (v *verifier) positions() error {
	return v.each(spaceLogs, func(key, value []byte) error {
		p, err := readPosition(value)
		if err != nil || p.Told > v.snap.tally.notice || v.snap.readers.positions[string(key[1:])] != p {
			return v.found(DamagedRow, "position in a log that is none: %x", key)
		}
		return nil
	})
}

// told is the last notice of each profile in each audience, of those that are kept.
type told map[toldOf]lastNotice

type toldOf struct {
	ref      profile.Ref
	audience string
}

type lastNotice struct {
	id     uint64
	exited bool
}

// notice looks at what a notice says: of a profile in an audience, the opposite of the one
// before.
func (v *verifier) notice(last told, n profile.Notice) error {
	about, ok, err := noticebody.Read(n.Body)
	if err != nil {
		return v.found(DamagedRow, "notice %d: %v", n.ID, err)
	}
	if !ok || about.Audience == "" {
		return nil
	}
	of := toldOf{about.Ref(), about.Audience}
	before, is := last[of]
	last[of] = lastNotice{n.ID, about.Exited}
	if is && before.exited == about.Exited {
		return v.found(DamagedOutbox, "notices %d and %d both tell the same of %s %q in %q", before.id, n.ID, of.ref.Subject, of.ref.ID, of.audience)
	}
	return nil
}

// leadsTo compares the last that is told of each profile in each audience with what is so.
func (v *verifier) leadsTo(last told) error {
	for of, n := range last {
		st, err := v.stateOf(of.ref)
		if err != nil {
			return err
		}
		in := slices.ContainsFunc(st.members, func(m membership) bool {
			key, ok := v.snap.nums.key(m.number)
			return ok && key == of.audience
		})
		if in == n.exited {
			if err := v.found(DamagedOutbox, "notice %d, the last of %s %q in %q, tells otherwise than is so", n.id, of.ref.Subject, of.ref.ID, of.audience); err != nil {
				return err
			}
		}
	}
	return nil
}
