package pebblestore

import (
	"bytes"
	"testing"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// Each decoder takes any bytes: it returns an error, or what is written as it was read.
func FuzzRows(f *testing.F) {
	dict := profile.RestoreDict([]string{"a", "b"})
	o, err := profile.NewObject(map[string]any{"a": 1, "c": []any{"x"}})
	require.NoError(f, err)
	h := head{known: true, ids: []profile.ExternalID{{Type: "email", Value: "x"}}, accounts: []string{"acme"}, aliases: []string{"b", "a"}}
	st := state{wake: 5, version: 2, marks: []uint64{1}, members: []membership{{1, 2}}, values: []computed{{3, 4, []byte{byte(profile.True)}}}}
	counted := state{wake: never, counts: []profile.UsersCount{{Mark: 1 << 63, Users: 1_000_000, Meet: 7}}, counted: 3}
	m := message{id: "m", account: "acme", props: o, context: o}
	call := message{id: "6f1c2a5e-8d3b-4c7f-9a10-0b2d4e6f8a1c", props: o, at: 7, call: true}
	count := tally{seq: 1, now: 2, notice: 3, commit: 4, members: map[uint32]int64{7: -2}}
	k := profile.KeyRecord{Key: "k", Definition: []byte("{}"), Since: 1, Version: 2, Pending: true}
	for _, seed := range [][]byte{
		h.append(nil), st.append(nil), counted.append(nil), appendMessage(nil, &m, dict), appendMessage(nil, &call, dict), count.append(nil),
		appendKeyRecord(nil, &k), appendRecord(nil, st.append(nil), []byte{1, 2, 3, 4}), appendText(nil, "a\x00\x01b"),
		appendBuried(nil, 9, []profile.Hash{{1}, {2}}), numbered{kind: numberTrait, key: "t"}.row(), appendMark(nil, 12),
		appendWrites(nil, []profile.TraitWrite{{Name: "n", Value: profile.IntValue(1), Time: fromNano(3), MessageID: "m", Seq: 2}}, dict),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := readHead(b); err == nil {
			again, err := readHead(h.append(nil))
			require.NoError(t, err)
			require.Equal(t, h, again)
		}
		if st, err := readState(b); err == nil {
			again, err := readState(st.append(nil))
			require.NoError(t, err)
			require.Equal(t, st, again)
		}
		if m, err := readMessage(b, dict); err == nil {
			again, err := readMessage(appendMessage(nil, &m, dict), dict)
			require.NoError(t, err)
			require.Equal(t, m.props.String(), again.props.String())
			require.Equal(t, m.id, again.id)
		}
		if id, err := readMessageID(b); err == nil && id != "" {
			flags := appendMessageID([]byte{0}, 0, id)
			require.NotZero(t, flags[0])
		}
		if writes, err := readWrites(b, dict); err == nil {
			again, err := readWrites(appendWrites(nil, writes, dict), dict)
			require.NoError(t, err)
			require.Len(t, again, len(writes))
		}
		if count := newTally(); count.add(b) == nil {
			again := newTally()
			require.NoError(t, again.add(count.append(nil)))
			require.True(t, count.equal(again))
		}
		if k, err := readKeyRecord(b); err == nil {
			again, err := readKeyRecord(appendKeyRecord(nil, &k))
			require.NoError(t, err)
			require.Equal(t, k, again)
		}
		if k, err := readNumbered(b); err == nil {
			require.Equal(t, b, k.row())
		}
		if state, hashes, err := splitRecord(b); err == nil {
			state2, hashes2, err := splitRecord(appendRecord(nil, state, hashes))
			require.NoError(t, err)
			require.Equal(t, state, state2)
			require.True(t, bytes.Equal(hashes, hashes2))
			_, _, _ = readRecordRow(b)
		}
		_ = eachBuried(b, func(_ int64, hashes []byte) { require.Zero(t, len(hashes)%wideSize) })
		if text, rest, ok := readText(b); ok {
			require.Equal(t, b, append(appendText(nil, text), rest...))
		}
		readMark(b)
	})
}

// The order of keys is that of what they are made of.
func FuzzOrderOfKeys(f *testing.F) {
	f.Add("a", "a\x00", int64(-1), int64(1))
	f.Add("a\x01", "a\x02", int64(1)<<60, int64(0))
	f.Fuzz(func(t *testing.T, a, b string, x, y int64) {
		ka, kb := appendText(nil, a), appendText(nil, b)
		require.Equal(t, compareStrings(a, b), bytes.Compare(ka, kb))
		if a != b {
			require.Equal(t, compareStrings(a, b), bytes.Compare(append(ka, 0xff), append(kb, 0)), "whatever follows")
		}
		require.Equal(t, x, readInstant(appendInstant(nil, x)))
		order := bytes.Compare(appendInstant(nil, x), appendInstant(nil, y))
		require.Equal(t, x < y, order < 0)
	})
}
