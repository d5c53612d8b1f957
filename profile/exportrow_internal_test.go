package profile

import (
	"iter"
	"testing"

	"github.com/stretchr/testify/require"
)

// A row of any bytes is an error, or is written again as what is read the same way: no
// checksum guards it here. What is put into a store of it makes that no worse.
func FuzzRow(f *testing.F) {
	s := NewMemStore()
	for _, c := range []Change{
		&PutEvent{Event: Event{Profile: "v", Name: "A", Time: MinTime, MessageID: "m", Account: "acme"}},
		&PutTraits{Ref: UserRef("a"), Time: MinTime, MessageID: "n"},
		&Merge{From: "v", Into: "a", MessageID: "o"},
		&SetMember{Membership: Membership{"x", UserRef("a"), MinTime}, Member: true},
		&SetWake{Wake: Wake{Ref: UserRef("a"), At: MinTime, Version: 1, Marks: []uint64{7}}},
		&UseKey{Record: KeyRecord{Key: "k", Definition: []byte("{}")}},
		&SetPosition{Name: "p", Offset: "1"}, &SetRecord{Subscriber: "s", Record: Record{Key: "k", Value: []byte{1}}},
		&SetCursor{Subscriber: "c"}, &Tell{Bodies: [][]byte{{1}}},
		&PutEvent{Event: Event{Profile: "gone", Name: "A", Time: MinTime, MessageID: "m"}}, &Delete{Ref: UserRef("gone")},
	} {
		require.NoError(f, Apply(f.Context(), s, MinTime, c))
	}
	kinds := map[byte]bool{}
	for row, err := range Rows(f.Context(), s, 0) {
		require.NoError(f, err)
		b := appendRow(nil, row)
		kinds[b[0]] = true
		f.Add(b)
	}
	require.Len(f, kinds, 8)
	f.Fuzz(func(t *testing.T, b []byte) {
		row, err := readRow(b)
		if err != nil {
			return
		}
		again, err := readRow(appendRow(nil, row))
		require.NoError(t, err)
		require.Equal(t, appendRow(nil, row), appendRow(nil, again))
		into := NewMemStore()
		err = into.Restore(t.Context(), iter.Seq2[Row, error](func(yield func(Row, error) bool) {
			if yield(&At{Seq: 1 << 40, Now: MinTime, Notice: 1 << 40}, nil) {
				yield(row, nil)
			}
		}))
		if err != nil {
			return
		}
		for _, err := range Rows(t.Context(), into, 0) {
			require.NoError(t, err)
		}
	})
}
