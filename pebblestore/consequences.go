package pebblestore

import (
	"encoding/binary"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/muster-go/muster/profile"
)

// entered returns the profile that a consequence is of, nil if there is none.
func (tx *tx) entered(ref profile.Ref) (*touched, error) {
	t, err := tx.find(ref, partRecord)
	if err != nil || !t.exists {
		return nil, err
	}
	return t, nil
}

func (tx *tx) setMember(c *profile.SetMember) error {
	t, err := tx.entered(c.Membership.Ref)
	if t == nil || err != nil {
		return err
	}
	number, ok := tx.numbers().find(numberAudience, c.Membership.Audience)
	if !ok {
		if !c.Member {
			return nil
		}
		if number, err = tx.newNumber(numberAudience, c.Membership.Audience); err != nil {
			return err
		}
	}
	i, is := slices.BinarySearchFunc(t.members, number, compareMembership)
	since := toNano(c.Membership.Since)
	switch {
	case !is && !c.Member:
		return nil
	case !c.Member:
		t.members = slices.Delete(slices.Clone(t.members), i, i+1)
		tx.removeMember(t, number)
	case is:
		t.members = slices.Clone(t.members)
		t.members[i].since = since
	default:
		t.members = slices.Insert(slices.Clip(slices.Clone(t.members)), i, membership{number, since})
		tx.countMember(number, 1)
	}
	t.stateDirty = true
	if c.Member {
		tx.key = appendHolderKey(tx.key[:0], spaceMembers, number, t.ref)
		tx.value = appendInstant(tx.value[:0], since)
		tx.setLater(tx.key, tx.value)
	}
	return nil
}

// removeMember takes a profile out of the members.
func (tx *tx) removeMember(t *touched, number uint32) {
	tx.key = appendHolderKey(tx.key[:0], spaceMembers, number, t.ref)
	tx.deleteLater(tx.key)
	tx.countMember(number, -1)
}

func (tx *tx) countMember(number uint32, n int64) {
	if tx.more.members == nil {
		tx.more.members = map[uint32]int64{}
	}
	tx.more.members[number] += n
}

func (tx *tx) setValue(c *profile.SetValue) error {
	t, err := tx.entered(c.Value.Ref)
	if t == nil || err != nil {
		return err
	}
	number, ok := tx.numbers().find(numberTrait, c.Value.Key)
	if !ok {
		if c.Value.Value.IsNull() {
			return nil
		}
		if number, err = tx.newNumber(numberTrait, c.Value.Key); err != nil {
			return err
		}
	}
	i, is := slices.BinarySearchFunc(t.values, number, compareComputed)
	if c.Value.Value.IsNull() {
		if is {
			t.values, t.stateDirty = slices.Delete(slices.Clone(t.values), i, i+1), true
			tx.deleteLater(appendHolderKey(nil, spaceValues, number, t.ref))
		}
		return nil
	}
	v := computed{number, toNano(c.Value.Since), profile.AppendPackedValue(nil, c.Value.Value, tx.s.dict)}
	if is {
		t.values = slices.Clone(t.values)
		t.values[i] = v
	} else {
		t.values = slices.Insert(slices.Clip(slices.Clone(t.values)), i, v)
		tx.setLater(appendHolderKey(nil, spaceValues, number, t.ref), nil)
	}
	t.stateDirty = true
	return nil
}

func (tx *tx) setWake(c *profile.SetWake) error {
	t, err := tx.entered(c.Wake.Ref)
	if t == nil || err != nil {
		return err
	}
	at := toNano(c.Wake.At)
	if t.wake == at && t.version == c.Wake.Version && slices.Equal(t.marks, c.Wake.Marks) &&
		t.counted == c.Wake.Counted && slices.Equal(t.counts, c.Wake.Counts) {
		return nil
	}
	tx.moveWake(t, at)
	t.version, t.stateDirty = c.Wake.Version, true
	if len(c.Wake.Marks) == 0 {
		t.marks = nil
	} else if !slices.Equal(t.marks, c.Wake.Marks) {
		t.marks = slices.Clone(c.Wake.Marks)
	}
	if t.counts, t.counted = nil, 0; len(c.Wake.Counts) > 0 {
		t.counts, t.counted = slices.Clone(c.Wake.Counts), c.Wake.Counted
	}
	return nil
}

func (tx *tx) moveWake(t *touched, at int64) {
	if t.wake == at {
		return
	}
	if t.wake != never {
		tx.key = appendWakeKey(tx.key[:0], t.wake, t.ref)
		tx.deleteLater(tx.key)
	}
	if t.wake = at; at != never {
		tx.key = appendWakeKey(tx.key[:0], at, t.ref)
		tx.setLater(tx.key, nil)
	}
}

// memberCount returns how many have a number, as the transaction has it. It may touch all.
func (tx *tx) memberCount(number uint32) int64 {
	tx.s.tallying.Lock()
	defer tx.s.tallying.Unlock()
	return tx.s.tally.members[number] + tx.more.members[number]
}

// newNumber gives a key a number. A transaction that may touch all is alone, and keeps it
// to itself until it is committed; of another the number is there at once, and stays.
func (tx *tx) newNumber(kind numberKind, key string) (uint32, error) {
	if tx.whole {
		nums, number := tx.numbers().with(kind, key)
		tx.nums = nums
		tx.set(appendNumbered(nil, spaceNumbers, number), nums.list[number].row())
		return number, nil
	}
	s := tx.s
	s.numbering.Lock()
	defer s.numbering.Unlock()
	if number, ok := s.numbers.Load().find(kind, key); ok {
		return number, nil
	}
	nums, number := s.numbers.Load().with(kind, key)
	if err := s.db.Set(appendNumbered(nil, spaceNumbers, number), nums.list[number].row(), pebble.NoSync); err != nil {
		return 0, s.fault.of(err)
	}
	if err := s.fault.err(); err != nil {
		return 0, err
	}
	s.numbers.Store(nums)
	return number, nil
}

// giveUp gives a number up: what rows have of it means nothing any more.
func (tx *tx) giveUp(number uint32) {
	tx.nums = tx.numbers().without(number)
	tx.set(appendNumbered(nil, spaceNumbers, number), tx.nums.list[number].row())
}

func (tx *tx) dropMembers(audience string) error {
	number, ok := tx.numbers().find(numberAudience, audience)
	if !ok {
		return nil
	}
	tx.giveUp(number)
	tx.flushLater()
	tx.countMember(number, -tx.memberCount(number))
	prefix := appendNumbered(nil, spaceMembers, number)
	tx.deleteRange(prefix, binary.BigEndian.AppendUint32([]byte{spaceMembers}, number+1))
	return nil
}

func (tx *tx) dropValues(key string) error {
	number, ok := tx.numbers().find(numberTrait, key)
	if !ok {
		return nil
	}
	tx.giveUp(number)
	tx.flushLater()
	prefix := appendNumbered(nil, spaceValues, number)
	tx.deleteRange(prefix, binary.BigEndian.AppendUint32([]byte{spaceValues}, number+1))
	return nil
}

// forgetDead drops what a profile has of numbers that were given up.
func (tx *tx) forgetDead(t *touched) {
	nums := tx.numbers()
	dead := func(number uint32) bool {
		_, ok := nums.key(number)
		return !ok
	}
	if slices.ContainsFunc(t.members, func(m membership) bool { return dead(m.number) }) {
		t.members = slices.DeleteFunc(slices.Clone(t.members), func(m membership) bool { return dead(m.number) })
	}
	if slices.ContainsFunc(t.values, func(c computed) bool { return dead(c.number) }) {
		t.values = slices.DeleteFunc(slices.Clone(t.values), func(c computed) bool { return dead(c.number) })
	}
}

// addIDs adds external ids to a profile, and reports whether any was new.
func (tx *tx) addIDs(t *touched, ids []profile.ExternalID) bool {
	var added []profile.ExternalID
	for _, id := range ids {
		if _, has := slices.BinarySearchFunc(t.ids, id, compareIDs); !has {
			added = append(added, id)
		}
	}
	if len(added) == 0 {
		return false
	}
	slices.SortFunc(added, compareIDs)
	added = slices.Compact(added)
	for _, id := range added {
		tx.set(appendIDKey(nil, t.ref.Subject, id, t.ref.ID), nil)
	}
	all := slices.Concat(t.ids, added)
	slices.SortFunc(all, compareIDs)
	t.ids, t.headDirty = all, true
	return true
}
