package pebblestore

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/muster-go/muster/profile"
)

// heads looks at who the profiles are, and at the indexes of what their heads say.
func (v *verifier) heads() error {
	return v.each(spaceHeads, func(key, value []byte) error {
		if len(key) < 3 || key[1] > byte(profile.Account) {
			return v.found(DamagedRow, "key of a head %x", key)
		}
		ref := profile.Ref{Subject: profile.Subject(key[1]), ID: string(key[2:])}
		h, err := readHead(value)
		if err != nil {
			return v.found(DamagedRow, "head of %s %q: %v", ref.Subject, ref.ID, err)
		}
		if h.into != "" {
			b, err := row(v.snap.r, appendHeadKey(nil, profile.UserRef(h.into)))
			if err != nil {
				return err
			}
			if into, err := readHead(b); err != nil || !slices.Contains(into.aliases, ref.ID) {
				return v.found(DamagedIndex, "%q was merged into %q, which does not say so", ref.ID, h.into)
			}
			return nil
		}
		v.report.Profiles[ref.Subject]++
		return v.links(ref, &h)
	})
}

// links looks for the rows of indexes that a head has.
func (v *verifier) links(ref profile.Ref, h *head) error {
	for _, id := range h.ids {
		if err := v.expect(appendIDKey(nil, ref.Subject, id, ref.ID), nil, "%s %q is not found by its %s", ref.Subject, ref.ID, id.Type); err != nil {
			return err
		}
	}
	for _, account := range h.accounts {
		if err := v.expect(appendPairKey(nil, spaceJoins, account, ref.ID), nil, "user %q is not found by account %q", ref.ID, account); err != nil {
			return err
		}
	}
	for _, account := range h.senders {
		if err := v.expect(appendPairKey(nil, spaceSenders, account, ref.ID), nil, "sender %q is not found by account %q", ref.ID, account); err != nil {
			return err
		}
	}
	for _, id := range h.aliases {
		merged := head{into: ref.ID}
		if err := v.expect(appendHeadKey(nil, profile.UserRef(id)), merged.append(nil), "%q does not name user %q", id, ref.ID); err != nil {
			return err
		}
	}
	return nil
}

// owner is the profile whose own rows are looked at.
type owner struct {
	prefix []byte
	ref    profile.Ref
	hashes []uint32 // of its message ids
	sorted bool     // it had a record
}

// owns looks at the own rows of profiles.
func (v *verifier) owns() error {
	var o owner
	err := v.each(spaceOwn, func(key, value []byte) error {
		if o.prefix == nil || !bytes.HasPrefix(key, o.prefix) {
			if err := v.leaveOwner(&o); err != nil {
				return err
			}
			if err := v.enterOwner(&o, key); err != nil || o.prefix == nil {
				return err
			}
		}
		return v.own(&o, key[len(o.prefix):], value)
	})
	if err != nil {
		return err
	}
	return v.leaveOwner(&o)
}

func (v *verifier) enterOwner(o *owner, key []byte) error {
	*o = owner{}
	if len(key) < 2 || key[1] > byte(profile.Account) {
		return v.found(DamagedRow, "key %x of a profile's own", key)
	}
	id, rest, ok := readText(key[2:])
	if !ok || len(rest) == 0 {
		return v.found(DamagedRow, "key %x of a profile's own", key)
	}
	o.prefix, o.ref = bytes.Clone(key[:len(key)-len(rest)]), profile.Ref{Subject: profile.Subject(key[1]), ID: id}
	b, err := row(v.snap.r, appendHeadKey(nil, o.ref))
	if err != nil {
		return err
	}
	if len(b) == 0 || b[0] == headMerged {
		return v.found(DamagedIndex, "rows of %s %q, which is no profile", o.ref.Subject, id)
	}
	return nil
}

func (v *verifier) leaveOwner(o *owner) error {
	if len(o.hashes) > 0 && !o.sorted {
		return v.found(DamagedIndex, "%s %q has messages, and no record", o.ref.Subject, o.ref.ID)
	}
	return nil
}

// own looks at one row; its key is without what is the profile's.
func (v *verifier) own(o *owner, key, value []byte) error {
	what := fmt.Sprintf("of %s %q", o.ref.Subject, o.ref.ID)
	switch key[0] {
	case ownCalls, ownEvents:
		m, err := readMessage(value, v.s.dict)
		tail := key[1:]
		if key[0] == ownEvents && err == nil {
			var ok bool
			if m.name, tail, ok = readText(tail); !ok || m.name == "" {
				err = errRow
			}
		}
		if err == nil {
			err = m.readTail(tail)
		}
		if err != nil {
			return v.found(DamagedRow, "message %s: %v", what, err)
		}
		v.report.Messages++
		v.seq = max(v.seq, m.seq)
		if m.id != "" {
			o.hashes = append(o.hashes, fold(v.s.seed.sum(m.id)))
		}
	case ownRecord:
		st, seen, err := readRecordRow(value)
		if err != nil {
			return v.found(DamagedRow, "record %s: %v", what, err)
		}
		o.sorted = true
		for _, hash := range o.hashes {
			if !seen.has(hash) {
				if err := v.found(DamagedIndex, "a message %s would not be known again", what); err != nil {
					return err
				}
			}
		}
		return v.state(o.ref, &st)
	case ownTraits:
		if _, err := readWrites(value, v.s.dict); err != nil {
			return v.found(DamagedRow, "traits %s: %v", what, err)
		}
	default:
		return v.found(DamagedRow, "row of kind %q %s", key[0], what)
	}
	return nil
}

// state looks for the rows of indexes that a record has.
func (v *verifier) state(ref profile.Ref, st *state) error {
	for _, m := range st.members {
		if key, ok := v.snap.nums.key(m.number); ok {
			if err := v.expect(appendHolderKey(nil, spaceMembers, m.number, ref), appendInstant(nil, m.since),
				"%s %q is not among the members of %q", ref.Subject, ref.ID, key); err != nil {
				return err
			}
		}
	}
	for _, c := range st.values {
		key, ok := v.snap.nums.key(c.number)
		if !ok {
			continue
		}
		if _, err := readValue(appendRecordKey(nil, ref), c, v.s.dict); err != nil {
			if err := v.found(DamagedRow, "%v", err); err != nil {
				return err
			}
		}
		if err := v.expect(appendHolderKey(nil, spaceValues, c.number, ref), nil,
			"%s %q is not among those with a value of %q", ref.Subject, ref.ID, key); err != nil {
			return err
		}
	}
	if st.wake != never {
		return v.expect(appendWakeKey(nil, st.wake, ref), nil, "%s %q is not found when it is due", ref.Subject, ref.ID)
	}
	return nil
}

// indexes looks at the rows of indexes: each is of a profile that says the same.
func (v *verifier) indexes() error {
	for space, look := range map[byte]func(key, value []byte) (string, error){
		spaceIDs: v.idRow, spaceJoins: v.pairRow, spaceSenders: v.pairRow,
		spaceMembers: v.holderRow, spaceValues: v.holderRow, spaceWakes: v.wakeRow,
	} {
		err := v.each(space, func(key, value []byte) error {
			wrong, err := look(key, value)
			if err != nil || wrong == "" {
				return err
			}
			return v.found(DamagedIndex, "%s: %x", wrong, key)
		})
		if err != nil {
			return err
		}
	}
	return v.each(spaceDeleted, func(key, value []byte) error {
		if err := eachBuried(value, func(int64, []byte) {}); err != nil || len(key) != 1+wideSize {
			return v.found(DamagedRow, "what is remembered of a deleted profile: %x", key)
		}
		return nil
	})
}

func (v *verifier) headOf(ref profile.Ref) (h head, exists bool, err error) {
	b, err := row(v.snap.r, appendHeadKey(nil, ref))
	if err != nil || b == nil {
		return h, false, err
	}
	h, err = readHead(b)
	return h, err == nil && h.into == "", nil // a head that is none was found before
}

func (v *verifier) stateOf(ref profile.Ref) (st state, err error) {
	b, err := row(v.snap.r, appendRecordKey(nil, ref))
	if err != nil {
		return noState(), err
	}
	if st, _, err = readRecordRow(b); err != nil {
		return noState(), nil // it was found before
	}
	return st, nil
}

func (v *verifier) idRow(key, _ []byte) (wrong string, err error) {
	if len(key) < 2 {
		return "an id without one", nil
	}
	t, rest, ok := readText(key[2:])
	value, of, ok2 := readText(rest)
	if !ok || !ok2 {
		return "an id without one", nil
	}
	h, exists, err := v.headOf(profile.Ref{Subject: profile.Subject(key[1]), ID: string(of)})
	if err != nil || exists && slices.Contains(h.ids, profile.ExternalID{Type: t, Value: value}) {
		return "", err
	}
	return "an id is of nobody", nil
}

func (v *verifier) pairRow(key, _ []byte) (wrong string, err error) {
	account, user, ok := readText(key[1:])
	if !ok {
		return "an account's user that is none", nil
	}
	h, exists, err := v.headOf(profile.UserRef(string(user)))
	if err != nil {
		return "", err
	}
	list := h.accounts
	if key[0] == spaceSenders {
		list = h.senders
	}
	if !exists || !slices.Contains(list, account) {
		return "an account has a user who does not know of it", nil
	}
	return "", nil
}

func (v *verifier) holderRow(key, value []byte) (wrong string, err error) {
	if len(key) < 7 {
		return "a member that is none", nil
	}
	number := uint32(key[1])<<24 | uint32(key[2])<<16 | uint32(key[3])<<8 | uint32(key[4])
	st, err := v.stateOf(profile.Ref{Subject: profile.Subject(key[5]), ID: string(key[6:])})
	if err != nil {
		return "", err
	}
	is := false
	if key[0] == spaceMembers {
		v.members[number]++
		i, ok := slices.BinarySearchFunc(st.members, number, compareMembership)
		is = ok && len(value) == 8 && st.members[i].since == readInstant(value)
	} else {
		_, is = slices.BinarySearchFunc(st.values, number, compareComputed)
	}
	if _, ok := v.snap.nums.key(number); !ok {
		return "a member of a number that was given up", nil
	}
	if !is {
		return "a profile is listed that does not know of it", nil
	}
	return "", nil
}

func (v *verifier) wakeRow(key, _ []byte) (wrong string, err error) {
	if len(key) < 12 {
		return "a wake of nobody", nil
	}
	ref := profile.Ref{Subject: profile.Subject(key[10]), ID: string(key[11:])}
	st, err := v.stateOf(ref)
	if err != nil {
		return "", err
	}
	if st.wake != readInstant(key[2:]) || int(key[1]) != profile.Lane(ref.ID) {
		return "a profile is due that does not know of it", nil
	}
	return "", nil
}
