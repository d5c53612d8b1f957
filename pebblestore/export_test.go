package pebblestore_test

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/pebblestore"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

func export(t *testing.T, s profile.Store) []byte {
	t.Helper()
	var b bytes.Buffer
	_, err := profile.Export(t.Context(), s, &b)
	require.NoError(t, err)
	return b.Bytes()
}

// A restore that the machine breaks off leaves an empty store, wherever it was.
func TestACrashWhileAStoreIsRestoredLeavesItEmpty(t *testing.T) {
	from := profile.NewMemStore()
	c := newChanges(5)
	var want []byte
	for range 40 {
		require.NoError(t, profile.Apply(t.Context(), from, c.now, c.batch()...))
	}
	want = export(t, from)
	empty := export(t, profile.NewMemStore())
	snap, err := from.Snapshot(t.Context())
	require.NoError(t, err)
	total := 0
	for _, err := range profile.Rows(t.Context(), snap, 0) {
		require.NoError(t, err)
		total++
	}
	for part := range 6 {
		fs := vfs.NewCrashableMem()
		s := open(t, fs, pebblestore.Options{})
		var crashed *vfs.MemFS
		rng := rand.New(rand.NewPCG(uint64(part), 0))
		n := 0
		err := s.Restore(t.Context(), func(yield func(profile.Row, error) bool) {
			for row, err := range profile.Rows(t.Context(), snap, 0) {
				if n++; n == 1+part*total/6 {
					crashed = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
				}
				if !yield(row, err) {
					return
				}
			}
		})
		require.NoError(t, err)
		require.Equal(t, want, export(t, s))
		sound(t, s)
		require.NoError(t, s.Close())
		s = open(t, fs, pebblestore.Options{})
		require.Equal(t, want, export(t, s), "it is durable")
		require.NoError(t, s.Close())
		s = open(t, crashed, pebblestore.Options{})
		require.Equal(t, empty, export(t, s), "part %d", part)
		_, err = profile.Import(t.Context(), s, bytes.NewReader(want))
		require.NoError(t, err)
		require.Equal(t, want, export(t, s))
		sound(t, s)
		require.NoError(t, s.Close())
	}
}

// A restore of several commits that fails late leaves nothing of the first ones, in memory
// nor on the disk.
func TestARestoreThatFailsLateLeavesNothing(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, fs, pebblestore.Options{})
	text, err := profile.NewObject(map[string]any{"text": string(bytes.Repeat([]byte("x"), 100_000))})
	require.NoError(t, err)
	rows := func(last error) iter.Seq2[profile.Row, error] {
		return func(yield func(profile.Row, error) bool) {
			if !yield(&profile.At{Seq: 200, Now: shopStart}, nil) || !yield(&profile.KeyRecord{Key: "k", Definition: []byte("{}")}, nil) {
				return
			}
			for i := range 200 {
				user := fmt.Sprintf("u%03d", i)
				e := profile.Event{Profile: user, Name: "E", Time: shopStart, MessageID: "m", Properties: text, Seq: uint64(i) + 1}
				c := &profile.Contents{Ref: profile.UserRef(user), Messages: []profile.KeptMessage{{Event: e}},
					Members: []profile.Membership{{Audience: "k", Ref: profile.UserRef(user), Since: shopStart}}}
				if !yield(c, nil) {
					return
				}
			}
			if last != nil {
				yield(nil, last)
			}
		}
	}
	require.ErrorIs(t, s.Restore(t.Context(), rows(io.ErrUnexpectedEOF)), io.ErrUnexpectedEOF)
	empty := export(t, profile.NewMemStore())
	require.Equal(t, empty, export(t, s))
	sound(t, s)
	require.NoError(t, s.Close())
	s = open(t, fs, pebblestore.Options{})
	require.Equal(t, empty, export(t, s))
	require.NoError(t, s.Restore(t.Context(), rows(nil)))
	n, err := s.MemberCount(t.Context(), "k")
	require.NoError(t, err)
	require.Equal(t, 200, n)
	sound(t, s)
	require.NoError(t, s.Close())
}

// An engine goes on exactly, from one kind of store to the other and back, at random points.
func TestFromStoreToStoreAnEngineAnswersAsTheOracle(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 12))
			h := history{rand: rng, now: shopStart, there: map[string]bool{}}
			model := oracle.NewModel(shopStart)
			clock := audience.NewManualClock(shopStart)
			var s profile.Store = profile.NewMemStore(profile.WithDuplicateMemory(3650 * profile.Day))
			var e *audience.Engine
			begin := func() {
				var err error
				e, err = audience.New(t.Context(), s, audience.Options{Clock: clock, CacheBytes: 1, Shards: 1 + int(seed%2)*5})
				require.NoError(t, err)
			}
			begin()
			moves := 0
			for step := range 150 {
				op := h.next()
				clock.Set(h.now)
				model.Do(h.now, op)
				require.NoError(t, do(t, e, op), "step %d: %T", step, op)
				if rng.IntN(10) == 0 {
					require.NoError(t, e.Close())
					b := export(t, s)
					require.NoError(t, s.Close())
					if moves++; moves%2 == 0 {
						s = profile.NewMemStore(profile.WithDuplicateMemory(3650 * profile.Day))
					} else {
						s = open(t, vfs.NewMem(), pebblestore.Options{CacheBytes: 1 << 20, DuplicateMemory: 3650 * profile.Day})
					}
					_, err := profile.Import(t.Context(), s, bytes.NewReader(b))
					require.NoError(t, err)
					require.Equal(t, b, export(t, s))
					begin()
				}
				if step%4 > 0 {
					continue
				}
				require.NoError(t, e.Advance(t.Context(), h.now))
				model.Advance(h.now)
				for _, key := range model.Audiences() {
					var got []profile.Membership
					for m, err := range e.Members(t.Context(), key) {
						require.NoError(t, err)
						got = append(got, m)
					}
					require.Equal(t, model.Told(key), got, "step %d: %s", step, key)
				}
			}
			require.Positive(t, moves)
			require.NoError(t, e.Close())
			require.NoError(t, s.Close())
		})
	}
}
