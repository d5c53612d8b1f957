package pebblestore

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

var damageStart = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// filled returns a store that has a row of each kind.
func filled(t *testing.T) *Store {
	s, err := Open("store", Options{FS: vfs.NewMem(), SweepInterval: -1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	u := profile.UserRef("u")
	o, err := profile.NewObject(map[string]any{"p": 1})
	require.NoError(t, err)
	require.NoError(t, profile.Apply(t.Context(), s, damageStart,
		&profile.PutEvent{Event: profile.Event{Profile: "u", Name: "A", Time: damageStart, MessageID: "1", Account: "acme", Properties: o}},
		&profile.PutTraits{Ref: u, Traits: o, Time: damageStart, MessageID: "2"},
		&profile.PutIDs{Ref: u, IDs: []profile.ExternalID{{Type: "email", Value: "u@x"}}},
		&profile.Join{User: "u", Account: "acme"}, &profile.Merge{From: "v", Into: "u"},
		&profile.SetMember{Member: true, Membership: profile.Membership{Audience: "a", Ref: u, Since: damageStart}},
		&profile.SetValue{Value: profile.ComputedValue{Key: "t", Ref: u, Value: profile.IntValue(1), Since: damageStart}},
		&profile.SetWake{Wake: profile.Wake{Ref: u, At: damageStart}},
		&profile.SetCursor{Subscriber: "s"}, &profile.SetRecord{Subscriber: "s", Record: profile.Record{Key: "k", Value: []byte("v")}}, &profile.Tell{Bodies: [][]byte{{1}, {2}, {3}}},
		&profile.UseKey{Record: profile.KeyRecord{Key: "a"}},
		&profile.PutEvent{Event: profile.Event{Profile: "w", Name: "A", Time: damageStart, MessageID: "1"}},
		&profile.Delete{Ref: profile.UserRef("w")}))
	return s
}

// tell puts another body in place of one of a byte, and has it counted.
func tell(b *pebble.Batch, id uint64, body string) error {
	more := tally{bytes: int64(len(body)) - 1}
	return errors.Join(b.Set(noticeKey(id), []byte(body), nil), b.Merge(positionKey, more.append(nil), nil))
}

func TestVerifyNamesEachKindOfDamage(t *testing.T) {
	u := profile.UserRef("u")
	nano := damageStart.UnixNano()
	for name, c := range map[string]struct {
		kind   DamageKind
		damage func(b *pebble.Batch) error
	}{
		"a head that is none": {DamagedRow, func(b *pebble.Batch) error { return b.Set(appendHeadKey(nil, u), []byte{9}, nil) }},
		"a record that is none": {DamagedRow, func(b *pebble.Batch) error {
			return b.Set(appendRecordKey(nil, u), []byte{1, 2, 3}, nil)
		}},
		"an event that is none": {DamagedRow, func(b *pebble.Batch) error {
			return b.Set(appendEventKey(nil, "u", "A", nano, 1), []byte{idText, 200}, nil)
		}},
		"a lost index of members": {DamagedIndex, func(b *pebble.Batch) error {
			return b.Delete(appendHolderKey(nil, spaceMembers, 0, u), nil)
		}},
		"a member too many": {DamagedIndex, func(b *pebble.Batch) error {
			return b.Set(appendHolderKey(nil, spaceMembers, 0, profile.UserRef("x")), appendInstant(nil, 1), nil)
		}},
		"a lost value": {DamagedIndex, func(b *pebble.Batch) error { return b.Delete(appendHolderKey(nil, spaceValues, 1, u), nil) }},
		"a lost wake":  {DamagedIndex, func(b *pebble.Batch) error { return b.Delete(appendWakeKey(nil, nano, u), nil) }},
		"a wake of nobody": {DamagedIndex, func(b *pebble.Batch) error {
			return b.Set(appendWakeKey(nil, nano, profile.UserRef("x")), nil, nil)
		}},
		"a lost external id": {DamagedIndex, func(b *pebble.Batch) error {
			return b.Delete(appendIDKey(nil, profile.User, profile.ExternalID{Type: "email", Value: "u@x"}, "u"), nil)
		}},
		"a lost account": {DamagedIndex, func(b *pebble.Batch) error { return b.Delete(appendPairKey(nil, spaceJoins, "acme", "u"), nil) }},
		"a sender of nobody": {DamagedIndex, func(b *pebble.Batch) error {
			return b.Set(appendPairKey(nil, spaceSenders, "beta", "u"), nil, nil)
		}},
		"a lost merged id": {DamagedIndex, func(b *pebble.Batch) error {
			return b.Delete(appendHeadKey(nil, profile.UserRef("v")), nil)
		}},
		"a message that would not be known again": {DamagedIndex, func(b *pebble.Batch) error {
			return b.Set(appendRecordKey(nil, u), appendRecord(nil, nil, nil), nil)
		}},
		"events of nobody": {DamagedIndex, func(b *pebble.Batch) error {
			m := message{}
			return b.Set(appendEventKey(nil, "x", "A", nano, 1), appendMessage(nil, &m, nil), nil)
		}},
		"a profile too many": {DamagedCount, func(b *pebble.Batch) error {
			h := head{}
			return b.Set(appendHeadKey(nil, profile.UserRef("x")), h.append(nil), nil)
		}},
		"a wrong count": {DamagedCount, func(b *pebble.Batch) error {
			more := tally{members: map[uint32]int64{0: 1}}
			return b.Merge(positionKey, more.append(nil), nil)
		}},
		"a missing notice":          {DamagedOutbox, func(b *pebble.Batch) error { return b.Delete(noticeKey(2), nil) }},
		"a missing last notice":     {DamagedOutbox, func(b *pebble.Batch) error { return b.Delete(noticeKey(3), nil) }},
		"a notice nobody waits for": {DamagedOutbox, func(b *pebble.Batch) error { return b.Set(noticeKey(9), nil, nil) }},
		"a notice told twice": {DamagedOutbox, func(b *pebble.Batch) error {
			return errors.Join(tell(b, 2, `{"audience":"a","profile":"u"}`), tell(b, 3, `{"audience":"a","profile":"u"}`))
		}},
		"an exit of one who is in": {DamagedOutbox, func(b *pebble.Batch) error {
			return tell(b, 2, `{"audience":"a","profile":"u","exited":true}`)
		}},
		"an entry of one who is out": {DamagedOutbox, func(b *pebble.Batch) error {
			return tell(b, 2, `{"audience":"b","profile":"u"}`)
		}},
		"a notice that is none": {DamagedRow, func(b *pebble.Batch) error {
			return tell(b, 2, `{"audience"`)
		}},
		"a record that is none of a subscriber": {DamagedRow, func(b *pebble.Batch) error {
			return b.Set(appendRecordsKey(nil, "s", "k"), nil, nil)
		}},
		"what of a deleted profile is none": {DamagedRow, func(b *pebble.Batch) error {
			return b.Set(buriedKey(profile.Hash{1}), binary.AppendUvarint(appendNano(nil, 1), 77), nil)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := filled(t)
			report, err := s.Verify(t.Context())
			require.NoError(t, err)
			require.Empty(t, report.Damages)
			b := s.db.NewBatch()
			require.NoError(t, c.damage(b))
			require.NoError(t, b.Commit(pebble.NoSync))
			require.NoError(t, s.db.Flush())
			report, err = s.Verify(context.Background())
			require.NoError(t, err)
			var kinds []DamageKind
			for _, d := range report.Damages {
				kinds = append(kinds, d.Kind)
			}
			require.Contains(t, kinds, c.kind, "%v", report.Damages)
		})
	}
}

// A truncated log with a synced position beyond it is no shorter history.
func TestALostEndOfTheLogIsDamage(t *testing.T) {
	fs := vfs.NewCrashableMem()
	s, err := Open("store", Options{FS: fs})
	require.NoError(t, err)
	require.NoError(t, profile.Apply(t.Context(), s, damageStart, &profile.PutIDs{Ref: profile.UserRef("u")}))
	require.NoError(t, s.Durable(t.Context(), 1))
	require.NoError(t, s.mark.write(99))
	require.NoError(t, s.Close())
	_, err = Open("store", Options{FS: fs})
	require.ErrorIs(t, err, ErrDamaged)
	require.NoError(t, fs.Remove("store/"+markName))
	_, err = Open("store", Options{FS: fs})
	require.ErrorIs(t, err, ErrDamaged, "nor is one without the file")
}
