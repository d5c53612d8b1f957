package storetest

import (
	"fmt"
	"math"
	"strings"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

func tell(bodies ...string) *profile.Tell {
	c := &profile.Tell{}
	for _, body := range bodies {
		c.Bodies = append(c.Bodies, []byte(body))
	}
	return c
}

func cursor(subscriber string, upTo uint64) *profile.SetCursor {
	return &profile.SetCursor{Subscriber: subscriber, UpTo: upTo}
}

func record(subscriber, key, value string) *profile.SetRecord {
	return &profile.SetRecord{Subscriber: subscriber, Record: profile.Record{Key: key, Value: []byte(value)}}
}

// records returns what a subscriber keeps.
func (h *harness) records(r profile.Reader, subscriber string) (list []string) {
	h.Helper()
	for _, record := range all(h, r.Records(h.ctx(), subscriber)) {
		list = append(list, fmt.Sprintf("%s %s", record.Key, record.Value))
	}
	return list
}

// notices returns what is kept after an id.
func (h *harness) notices(r profile.Reader, after uint64) (list []string) {
	h.Helper()
	for _, n := range all(h, r.Notices(h.ctx(), after)) {
		list = append(list, fmt.Sprintf("%d %s", n.ID, n.Body))
	}
	return list
}

func (h *harness) outbox() profile.Outbox {
	h.Helper()
	o, err := h.store.Outbox(h.ctx())
	require.NoError(h, err)
	return o
}

var outboxCases = []testCase{
	{name: "without a subscriber notices have ids and are not kept", run: func(h *harness) {
		first, second := &profile.Tell{Bodies: make([][]byte, 3)}, tell("d")
		h.apply(first)
		h.apply(second)
		require.Equal(h, uint64(1), first.OutFirst)
		require.Equal(h, uint64(4), second.OutFirst)
		require.Empty(h, h.notices(h.store, 0))
		require.Equal(h, profile.Outbox{Last: 4, Cursors: map[string]uint64{}}, h.outbox())
	}},
	{name: "a notice is kept until all subscribers are told of it", run: func(h *harness) {
		h.apply(tell("a"))
		h.apply(cursor("x", math.MaxUint64), tell("b", "c"))
		h.apply(cursor("y", 2))
		h.apply(tell("d"))
		require.Equal(h, []string{"2 b", "3 c", "4 d"}, h.notices(h.store, 0))
		require.Equal(h, []string{"4 d"}, h.notices(h.store, 3))
		h.apply(cursor("x", 4))
		require.Equal(h, []string{"3 c", "4 d"}, h.notices(h.store, 0))
		h.apply(cursor("x", 1)) // it does not go back
		require.Equal(h, profile.Outbox{Last: 4, Notices: 2, Bytes: 2, Cursors: map[string]uint64{"x": 4, "y": 2}}, h.outbox())
		h.apply(&profile.SetCursor{Subscriber: "y", Gone: true})
		require.Empty(h, h.notices(h.store, 0))
		h.apply(&profile.SetCursor{Subscriber: "x", Gone: true})
		h.apply(tell("e"))
		require.Equal(h, profile.Outbox{Last: 5, Cursors: map[string]uint64{}}, h.outbox())
	}},
	{name: "many come in their order", run: func(h *harness) {
		h.apply(cursor("x", 0))
		for i := range 500 {
			h.apply(tell(fmt.Sprint(i)))
		}
		kept := h.notices(h.store, 10)
		require.Len(h, kept, 490)
		require.Equal(h, []string{"11 10", "500 499"}, []string{kept[0], kept[489]})
	}},
	{name: "what is aborted was not told, and takes no id", run: func(h *harness) {
		h.apply(cursor("x", 0))
		tx := h.begin()
		require.NoError(h, tx.Put(event("a", "A", "1", 0), tell("a"), cursor("y", 0)))
		tx.Abort()
		next := tell("b")
		h.apply(next)
		require.Equal(h, uint64(1), next.OutFirst)
		require.Equal(h, map[string]uint64{"x": 0}, h.outbox().Cursors)
	}},
	{name: "with the other changes of its transaction, whatever that is begun for", run: func(h *harness) {
		h.apply(cursor("x", 0))
		snap, err := h.store.Snapshot(h.ctx())
		require.NoError(h, err)
		defer func() { _ = snap.Close() }()
		tx := h.begin(profile.UserRef("a"))
		told := tell("a", "b")
		require.NoError(h, tx.Put(event("a", "A", "1", 0), told))
		require.Len(h, h.messageIDsOf(tx, "a", "A"), 1)
		_, err = tx.Commit()
		require.NoError(h, err)
		require.Equal(h, uint64(1), told.OutFirst)
		require.Equal(h, []string{"1 a", "2 b"}, h.notices(h.store, 0))
		require.Empty(h, h.notices(snap, 0))
	}},
	{name: "ids have no gaps, whoever tells", run: func(h *harness) {
		h.apply(cursor("x", 0))
		h.sideBySide([]string{"a", "b", "c", "d"}, 100, func(user string) []profile.Change {
			return []profile.Change{event(user, "A", "", 0), tell(user, user)}
		})()
		kept := all(h, h.store.Notices(h.ctx(), 0))
		require.Len(h, kept, 400)
		for i, n := range kept {
			require.Equal(h, uint64(i+1), n.ID)
			require.Equal(h, kept[i&^1].Body, n.Body, "those of one transaction are together")
		}
	}},
	{name: "a subscriber has a name", run: func(h *harness) {
		h.refused(profile.ErrInvalid, cursor("", 0))
		h.refused(profile.ErrInvalid, record("", "a", "1"))
	}},
	{name: "a record is kept under its key, also for who has no cursor", run: func(h *harness) {
		h.apply(record("x", "a", "1"))
		require.Equal(h, []string{"a 1"}, h.records(h.store, "x"))
		require.Empty(h, h.outbox().Cursors, "no notice is kept for it")
		h.apply(cursor("x", 0), cursor("y", 0), record("x", "b", "1"), record("x", "a", "2"), record("x", "b", "3"))
		h.apply(record("y", "a\x00", "4"), record("y", "a", "5"), record("x\x00", "c", "6"), record("y", "\xff", "7"))
		require.Equal(h, []string{"a 2", "b 3"}, h.records(h.store, "x"))
		require.Equal(h, []string{"a 5", "a\x00 4", "\xff 7"}, h.records(h.store, "y"))
		h.apply(record("x", "a", ""), record("x", "none", ""))
		require.Equal(h, []string{"b 3"}, h.records(h.store, "x"))
	}},
	{name: "a record's value is the store's own, and its key not too long", run: func(h *harness) {
		change := record("x", "a", "1")
		h.apply(cursor("x", 0), change)
		change.Record.Value[0] = '2'
		require.Equal(h, []string{"a 1"}, h.records(h.store, "x"))
		h.apply(record("x", strings.Repeat("k", profile.MaxRecordKey), "1"))
		h.refused(profile.ErrTooLarge, record("x", strings.Repeat("k", profile.MaxRecordKey+1), "1"))
		h.refused(profile.ErrInvalid, record("x", "", "1"))
	}},
	{name: "records go with their subscriber", run: func(h *harness) {
		h.apply(cursor("x", 0), cursor("xx", 0), record("x", "a", "1"), record("xx", "a", "2"))
		h.apply(&profile.SetCursor{Subscriber: "x", Gone: true}, record("x", "b", "3"))
		require.Equal(h, []string{"b 3"}, h.records(h.store, "x"), "those that there were")
		require.Equal(h, []string{"a 2"}, h.records(h.store, "xx"))
	}},
	{name: "records are kept together with the cursor, or not at all", run: func(h *harness) {
		h.apply(cursor("x", 0), tell("a"), record("x", "a", "1"))
		snap, err := h.store.Snapshot(h.ctx())
		require.NoError(h, err)
		defer func() { _ = snap.Close() }()
		tx := h.begin(profile.UserRef("u"))
		require.NoError(h, tx.Put(cursor("x", 1), record("x", "a", "2"), record("x", "b", "2")))
		tx.Abort()
		require.Equal(h, []string{"a 1"}, h.records(h.store, "x"))
		tx = h.begin(profile.UserRef("u"))
		require.NoError(h, tx.Put(cursor("x", 1), record("x", "a", "3")))
		_, err = tx.Commit()
		require.NoError(h, err)
		require.Equal(h, []string{"a 3"}, h.records(h.store, "x"))
		require.Equal(h, []string{"a 1"}, h.records(snap, "x"), "a snapshot stays as it is")
		require.Equal(h, uint64(1), h.outbox().Cursors["x"])
	}},
	{name: "many records come in the order of their keys", run: func(h *harness) {
		h.apply(cursor("x", 0))
		var want []string
		for i := range 500 {
			h.apply(record("x", fmt.Sprintf("%03d", 499-i), "v"))
			want = append(want, fmt.Sprintf("%03d v", i))
		}
		require.Equal(h, want, h.records(h.store, "x"))
	}},
}
