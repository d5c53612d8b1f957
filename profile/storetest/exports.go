package storetest

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"strings"
	"testing/iotest"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// withoutCounts returns what a store has without the counts of users, which are left behind:
// see profile.Contents.
func withoutCounts(lines []string) []string {
	for i, line := range lines {
		if wake, _, counts := strings.Cut(line, " counts ["); counts {
			lines[i] = wake
		}
	}
	return lines
}

// export returns an export of a store, and its digest.
func (h *harness) export(s profile.Store) ([]byte, profile.Exported) {
	h.Helper()
	var b bytes.Buffer
	x, err := profile.Export(h.ctx(), s, &b)
	require.NoError(h, err)
	return b.Bytes(), x
}

// load fills an empty store.
func (h *harness) load(s profile.Store, export []byte) profile.Store {
	h.Helper()
	_, err := profile.Import(h.ctx(), s, bytes.NewReader(export))
	require.NoError(h, err)
	return s
}

// requireEmpty wants a store as it was made.
func (h *harness) requireEmpty(s profile.Store) {
	h.Helper()
	want, _ := h.export(profile.NewMemStore())
	got, _ := h.export(s)
	require.Equal(h, want, got)
}

// another returns an empty store: one of the kind that is tested, or a MemStore.
func (h *harness) another(mem bool) profile.Store {
	if mem {
		return profile.NewMemStore(profile.WithRetention(h.store.Retention()))
	}
	return h.open()
}

// exportable makes random changes, of all that a store keeps.
func (h *harness) exportable(g *generator, n int, stores ...profile.Store) {
	h.Helper()
	for range n {
		h.now = h.now.Add(time.Duration(g.rand.IntN(3)) * time.Minute)
		change := func() profile.Change { return g.change(h.now) }
		switch name := pick(g, []string{"x", "y", "z"}); g.rand.IntN(12) {
		case 0:
			change = func() profile.Change { return tell("a", "b\x00", "") }
		case 1:
			change = func() profile.Change { return cursor(name, uint64(g.rand.IntN(40))) }
		case 2:
			change = func() profile.Change {
				return record(name, pick(g, []string{"k", "\xff"}), pick(g, []string{"1", "2", ""}))
			}
		case 3:
			change = func() profile.Change {
				return &profile.SetPosition{Name: name, Offset: pick(g, []string{"1", "20", ""})}
			}
		}
		state, keys := *g.source, g.keys
		var first profile.Change
		for i, s := range stores {
			*g.source, g.keys = state, keys // each gets the same
			c := change()
			require.NoError(h, profile.Apply(h.ctx(), s, h.now, c))
			if i == 0 {
				first = c
			}
			require.Equal(h, first, c, "store %d", i)
		}
	}
}

var exportCases = []testCase{
	{name: "an empty store's is empty", run: func(h *harness) {
		h.requireEmpty(h.store)
		b, _ := h.export(h.store)
		h.requireEmpty(h.load(h.open(), b))
	}},
	{name: "whatever kind of store has it, it holds the same, says the same and goes on in the same way", run: func(h *harness) {
		for seed := range uint64(6) {
			g := newGenerator(100 + seed)
			stores := []profile.Store{h.open(), profile.NewMemStore()}
			h.now = start
			for range 3 {
				h.exportable(g, 120, stores...)
				b, x := h.export(stores[0])
				other, y := h.export(stores[1])
				require.Equal(h, b, other)
				require.Equal(h, x, y)
				for _, of := range [][]byte{b, other} {
					for _, mem := range []bool{true, false} {
						next := h.load(h.another(mem), of)
						require.Equal(h, withoutCounts(contents(h, stores[0])), withoutCounts(contents(h, next)))
						again, z := h.export(next)
						require.Equal(h, b, again)
						require.Equal(h, x, z)
						stores = append(stores, next)
					}
				}
				stores = stores[2:4]
				if seed%2 == 0 {
					stores[0], stores[1] = stores[1], stores[0]
				}
			}
		}
	}},
	{name: "with a retention it holds what is not older", retention: time.Hour, run: func(h *harness) {
		g := newGenerator(3)
		mem := h.another(true)
		for range 4 {
			h.exportable(g, 300, h.store, mem)
			b, _ := h.export(h.store)
			other, _ := h.export(mem)
			require.Equal(h, b, other)
			next := h.load(h.open(), b)
			again, _ := h.export(next)
			require.Equal(h, b, again)
			h.store, mem = h.load(h.another(true), b), next
		}
	}},
	{name: "duplicates stay duplicates, those of a deleted profile too", run: func(h *harness) {
		h.apply(h.messages("a")...)
		h.apply(h.messages("gone")...)
		h.apply(&profile.Merge{From: "alias", Into: "gone"}, &profile.Delete{Ref: profile.UserRef("gone")})
		b, _ := h.export(h.store)
		for _, mem := range []bool{true, false} {
			h.store = h.load(h.another(mem), b)
			for _, user := range []string{"a", "gone", "alias"} {
				for _, c := range h.messages(user) {
					if m, is := c.(*profile.Merge); is && user != "a" {
						m.From = "another visitor"
					}
					h.apply(c)
					require.True(h, duplicate(c), "%s: %T", user, c)
				}
			}
			require.False(h, h.seen(profile.UserRef("a"), "new"))
		}
	}},
	{name: "arrival goes on behind it, and notices", run: func(h *harness) {
		h.apply(cursor("x", 0), tell("a", "b"), event("a", "A", "", 0), &profile.SetPosition{Name: "log", Offset: "7"})
		b, x := h.export(h.store)
		require.Equal(h, 1, x.Users)
		require.Equal(h, 1, x.Messages)
		require.Equal(h, 2, x.Notices)
		h.store = h.load(h.open(), b)
		require.Equal(h, map[string]profile.Position{"log": {Offset: "7", Told: 2}}, h.outbox().Positions)
		e, more := event("a", "A", "", 0), tell("c")
		h.apply(e, more)
		require.Equal(h, uint64(2), e.OutSeq)
		require.Equal(h, uint64(3), more.OutFirst)
		require.Equal(h, []string{"1 a", "2 b", "3 c"}, h.notices(h.store, 0))
	}},
	{name: "it is of one instant", run: func(h *harness) {
		h.apply(event("a", "A", "1", 0), event("b", "A", "2", 0))
		want, _ := h.export(h.store)
		var b bytes.Buffer
		slow := writerFunc(func(p []byte) (int, error) {
			h.apply(event("a", "A", "", 0), event("c", "A", "", 0), &profile.Delete{Ref: profile.UserRef("b")})
			return b.Write(p)
		})
		_, err := profile.Export(h.ctx(), h.store, slow)
		require.NoError(h, err)
		require.Equal(h, want, b.Bytes())
	}},
	{name: "what is damaged leaves the store empty", run: func(h *harness) {
		h.exportable(newGenerator(9), 60, h.store)
		b, x := h.export(h.store)
		s := h.open()
		step := max(1, len(b)/97)
		for n := 0; n < len(b); n += step {
			_, err := profile.Import(h.ctx(), s, bytes.NewReader(b[:n]))
			require.True(h, isDamaged(err), "of %d bytes the first %d: %v", len(b), n, err)
			bad := bytes.Clone(b)
			bad[n] ^= 0x10
			_, err = profile.Import(h.ctx(), s, bytes.NewReader(bad))
			require.True(h, isDamaged(err), "byte %d is another: %v", n, err)
		}
		h.requireEmpty(s)
		_, err := profile.Import(h.ctx(), s, bytes.NewReader(append(bytes.Clone(b), 0)))
		require.ErrorIs(h, err, profile.ErrExportDamaged)
		later := bytes.Clone(b)
		later[len("muster store\n")]++
		_, err = profile.Import(h.ctx(), s, bytes.NewReader(later))
		require.ErrorIs(h, err, profile.ErrExportFormat)
		require.ErrorContains(h, err, "version 2, this program knows 1")
		_, err = profile.Import(h.ctx(), s, io.MultiReader(bytes.NewReader(b[:len(b)/2]), iotest.ErrReader(io.ErrClosedPipe)))
		require.ErrorIs(h, err, io.ErrClosedPipe)
		h.requireEmpty(s)
		y, err := profile.Import(h.ctx(), s, iotest.OneByteReader(bytes.NewReader(b)))
		require.NoError(h, err)
		require.Equal(h, x, y)
		require.Equal(h, contents(h, h.store), contents(h, s))
	}},
	{name: "rows that do not go together leave the store empty", run: func(h *harness) {
		s := h.open()
		at := &profile.At{Seq: 5, Now: start, Notice: 1}
		user := func(id string, merged ...string) *profile.Contents {
			return &profile.Contents{Ref: profile.UserRef(id), Merged: merged}
		}
		for i, rows := range [][]profile.Row{
			{at, user("a"), user("a")},
			{at, user("a", "b"), user("b")},
			{at, user("a", "c"), user("b", "c")},
			{at, user("")},
			{at, &profile.KeyRecord{Key: "k"}, &profile.KeyRecord{Key: "k"}},
			{at, &profile.Notice{ID: 2}},
			{at, nil},
		} {
			require.ErrorIs(h, s.Restore(h.ctx(), rowsOf(rows, nil)), profile.ErrInvalid, "case %d", i)
			h.requireEmpty(s)
		}
		require.ErrorIs(h, s.Restore(h.ctx(), rowsOf([]profile.Row{at, user("a")}, io.ErrClosedPipe)), io.ErrClosedPipe)
		h.requireEmpty(s)
		h.apply(event("a", "A", "1", 0))
	}},
	{name: "only an empty store that is nobody's takes one", run: func(h *harness) {
		h.apply(event("a", "A", "1", 0))
		b, _ := h.export(h.store)
		_, err := profile.Import(h.ctx(), h.store, bytes.NewReader(b))
		require.ErrorIs(h, err, profile.ErrNotEmpty)
		s := h.open()
		release, err := s.Take(h.ctx())
		require.NoError(h, err)
		_, err = profile.Import(h.ctx(), s, bytes.NewReader(b))
		require.ErrorIs(h, err, profile.ErrTaken)
		release()
		h.load(s, b)
		release, err = s.Take(h.ctx())
		require.NoError(h, err, "it is nobody's afterwards")
		release()
		require.NoError(h, s.Close())
		_, err = profile.Import(h.ctx(), s, bytes.NewReader(b))
		require.ErrorIs(h, err, profile.ErrClosed)
	}},
	{name: "a position is set together with the rest, or not at all", run: func(h *harness) {
		position := func(name, offset string) *profile.SetPosition {
			return &profile.SetPosition{Name: name, Offset: offset}
		}
		h.apply(position("a", "1"))
		h.apply(tell("x"), position("b", "2"), tell("y"))
		h.apply(position("a", "0"))
		require.Equal(h, map[string]profile.Position{"a": {Offset: "0", Told: 2}, "b": {Offset: "2", Told: 2}}, h.outbox().Positions)
		snap, err := h.store.Snapshot(h.ctx())
		require.NoError(h, err)
		defer func() { _ = snap.Close() }()
		tx := h.begin(profile.UserRef("u"))
		require.NoError(h, tx.Put(event("u", "A", "1", 0), position("a", "3")))
		tx.Abort()
		require.Equal(h, "0", h.outbox().Positions["a"].Offset)
		h.apply(position("a", "4"), position("b", ""))
		require.Equal(h, map[string]profile.Position{"a": {Offset: "4", Told: 2}}, h.outbox().Positions)
		o, err := snap.Outbox(h.ctx())
		require.NoError(h, err)
		require.Len(h, o.Positions, 2, "a snapshot stays as it is")
		require.Empty(h, h.notices(h.store, 0), "no notice is kept for it")
		h.refused(profile.ErrInvalid, position("", "1"))
	}},
	{name: "contents are found by any id", run: func(h *harness) {
		h.apply(event("v", "A", "1", 0), &profile.Merge{From: "v", Into: "u"})
		c, err := h.store.Contents(h.ctx(), profile.UserRef("v"))
		require.NoError(h, err)
		require.Equal(h, profile.UserRef("u"), c.Ref)
		require.Equal(h, []string{"v"}, c.Merged)
		require.Len(h, c.Messages, 1)
		c, err = h.store.Contents(h.ctx(), profile.UserRef("nobody"))
		require.NoError(h, err)
		require.Equal(h, profile.Contents{Ref: profile.UserRef("nobody"), Wake: profile.Wake{Ref: profile.UserRef("nobody")}}, c)
	}},
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// isDamaged reports whether an export was not what it should be.
func isDamaged(err error) bool {
	return errors.Is(err, profile.ErrExportDamaged) || errors.Is(err, profile.ErrExportFormat)
}

func rowsOf(rows []profile.Row, last error) iter.Seq2[profile.Row, error] {
	return func(yield func(profile.Row, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
		if last != nil {
			yield(nil, last)
		}
	}
}
