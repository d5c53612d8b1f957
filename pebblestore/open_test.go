package pebblestore_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/pebblestore"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

func open(t testing.TB, fs vfs.FS, opts pebblestore.Options) *pebblestore.Store {
	t.Helper()
	opts.FS = fs
	if opts.CacheBytes == 0 {
		opts.CacheBytes = 4 << 20
	}
	s, err := pebblestore.Open("store", opts)
	require.NoError(t, err)
	return s
}

// silent is a logger of Pebble's.
type silent struct{}

func (silent) Infof(string, ...any)              {}
func (silent) Errorf(string, ...any)             {}
func (silent) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func TestAStoreIsAsItWasWhenItIsOpenedAgain(t *testing.T) {
	fs := vfs.NewMem()
	memory := profile.NewMemStore()
	c := newChanges(1)
	var id string
	for range 8 {
		s := open(t, fs, pebblestore.Options{})
		if id == "" {
			id = s.ID()
		}
		require.Equal(t, id, s.ID())
		for range 150 {
			batch := c.batch()
			require.NoError(t, profile.Apply(t.Context(), s, c.now, batch...))
			require.NoError(t, profile.Apply(t.Context(), memory, c.now, batch...))
		}
		want, err := dump(memory)
		require.NoError(t, err)
		got, err := dump(s)
		require.NoError(t, err)
		require.Equal(t, want, got)
		sound(t, s)
		require.NoError(t, s.Close())
		s = open(t, fs, pebblestore.Options{})
		got, err = dump(s)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.NoError(t, s.Close())
	}
}

func TestADirectoryIsOneStoresAtATime(t *testing.T) {
	dir := t.TempDir()
	s, err := pebblestore.Open(dir, pebblestore.Options{})
	require.NoError(t, err)
	_, err = pebblestore.Open(dir, pebblestore.Options{})
	require.ErrorIs(t, err, pebblestore.ErrInUse)
	require.NoError(t, s.Close())
	s, err = pebblestore.Open(dir, pebblestore.Options{})
	require.NoError(t, err)
	require.NoError(t, s.Close())
}

func TestANewerFormatIsRefused(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, fs, pebblestore.Options{})
	require.NoError(t, s.Close())
	db, err := pebble.Open("store", &pebble.Options{FS: fs, Logger: silent{}, Merger: &pebble.Merger{Name: "muster.v1", Merge: pebble.DefaultMerger.Merge}})
	require.NoError(t, err)
	require.NoError(t, db.Set([]byte("af"), []byte{3}, pebble.Sync))
	require.NoError(t, db.Close())
	_, err = pebblestore.Open("store", pebblestore.Options{FS: fs})
	require.ErrorIs(t, err, pebblestore.ErrFormat)
	require.ErrorContains(t, err, "version 3")
}

func TestAnotherDatabaseIsNoStore(t *testing.T) {
	fs := vfs.NewMem()
	db, err := pebble.Open("store", &pebble.Options{FS: fs, Logger: silent{}, Merger: &pebble.Merger{Name: "muster.v1", Merge: pebble.DefaultMerger.Merge}})
	require.NoError(t, err)
	require.NoError(t, db.Set([]byte("x"), []byte("y"), pebble.Sync))
	require.NoError(t, db.Close())
	_, err = pebblestore.Open("store", pebblestore.Options{FS: fs})
	require.ErrorIs(t, err, pebblestore.ErrFormat)
}

func TestACheckpointIsAStoreOfItsOwn(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, fs, pebblestore.Options{})
	defer s.Close()
	fill(t, s, 2, 200)
	want, err := dump(s)
	require.NoError(t, err)
	require.NoError(t, s.Checkpoint(t.Context(), "copy"))
	require.Error(t, s.Checkpoint(t.Context(), "copy"), "it is there")
	fill(t, s, 3, 50)
	id := ""
	for range 2 {
		c, err := pebblestore.Open("copy", pebblestore.Options{FS: fs})
		require.NoError(t, err)
		require.NotEqual(t, s.ID(), c.ID())
		if id == "" {
			id = c.ID()
		}
		require.Equal(t, id, c.ID(), "it keeps the id that it got")
		got, err := dump(c)
		require.NoError(t, err)
		require.Equal(t, want, got)
		sound(t, c)
		require.NoError(t, c.Close())
	}
	c, err := pebblestore.Open("copy", pebblestore.Options{FS: fs, Copied: true})
	require.NoError(t, err)
	require.NotEqual(t, id, c.ID())
	require.NoError(t, c.Close())
}

func TestCloseWhileOthersRead(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, fs, pebblestore.Options{})
	fill(t, s, 4, 100)
	snap, err := s.Snapshot(t.Context())
	require.NoError(t, err)
	before, err := dump(snap)
	require.NoError(t, err)
	tx, err := s.Begin(t.Context(), shopStart.Add(time.Hour), profile.UserRef("u"))
	require.NoError(t, err)
	require.NoError(t, tx.Put(&profile.PutIDs{Ref: profile.UserRef("u")}))
	var failed error
	for _, err := range s.Profiles(t.Context(), profile.User, "") {
		if failed = err; err == nil {
			require.NoError(t, s.Close())
		}
	}
	require.ErrorIs(t, failed, profile.ErrClosed)
	_, err = tx.Commit()
	require.ErrorIs(t, err, profile.ErrClosed)
	after, err := dump(snap)
	require.NoError(t, err)
	require.Equal(t, before, after, "a snapshot goes on")
	_, err = pebblestore.Open("store", pebblestore.Options{FS: fs})
	require.ErrorIs(t, err, pebblestore.ErrInUse)
	require.NoError(t, snap.Close())
	s = open(t, fs, pebblestore.Options{})
	_, exists, err := s.Resolve(t.Context(), profile.UserRef("u"))
	require.NoError(t, err)
	require.False(t, exists)
	require.NoError(t, s.Close())
}

func TestAFullDiskLosesNothingAndGoesOnWhenThereIsRoom(t *testing.T) {
	fs := vfs.NewMem()
	usage := func(free uint64) { fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: free, TotalBytes: 1 << 40}) }
	usage(1 << 39)
	s := open(t, fs, pebblestore.Options{MinFree: 1 << 20})
	put := func(user string, size int) error {
		o, err := profile.NewObject(map[string]any{"text": string(make([]byte, size))})
		require.NoError(t, err)
		return profile.Apply(t.Context(), s, shopStart, &profile.PutEvent{Event: profile.Event{
			Profile: user, Name: "A", Time: shopStart, Properties: o}})
	}
	var full error
	for i := 0; i < 100 && full == nil; i++ {
		if i == 30 {
			usage(1000)
		}
		full = put("u", 200<<10)
	}
	require.ErrorIs(t, full, pebblestore.ErrDiskFull)
	require.NotErrorIs(t, full, pebblestore.ErrFailed)
	before, err := dump(s)
	require.NoError(t, err)
	require.ErrorIs(t, put("v", 1), pebblestore.ErrDiskFull)
	after, err := dump(s)
	require.NoError(t, err)
	require.Equal(t, before, after)
	usage(1 << 39)
	require.NoError(t, put("v", 1))
	sound(t, s)
	require.NoError(t, s.Close())
}

func TestDurableWaitsForTheIntervalsSync(t *testing.T) {
	fs := vfs.NewCrashableMem()
	s := open(t, fs, pebblestore.Options{SyncInterval: time.Millisecond})
	require.NoError(t, profile.Apply(t.Context(), s, shopStart, &profile.PutIDs{Ref: profile.UserRef("u")}))
	require.NoError(t, s.Durable(t.Context(), math.MaxUint64))
	crashed := fs.CrashClone(vfs.CrashCloneCfg{})
	require.NoError(t, s.Close())
	s = open(t, crashed, pebblestore.Options{})
	_, exists, err := s.Resolve(t.Context(), profile.UserRef("u"))
	require.NoError(t, err)
	require.True(t, exists)
	require.NoError(t, s.Close())
}

func TestWhoWaitsForAnIntervalIsLetGoByCloseOrTheContext(t *testing.T) {
	s := open(t, vfs.NewMem(), pebblestore.Options{SyncInterval: time.Hour})
	require.NoError(t, profile.Apply(t.Context(), s, shopStart, &profile.PutIDs{Ref: profile.UserRef("u")}))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Durable(ctx, math.MaxUint64) }()
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	go func() { done <- s.Durable(t.Context(), math.MaxUint64) }()
	require.NoError(t, s.Close())
	err := <-done
	require.True(t, err == nil || errors.Is(err, profile.ErrClosed), "%v", err)
}

func TestSweepDropsWhatTheRetentionDoesNotKeep(t *testing.T) {
	s := open(t, vfs.NewMem(), pebblestore.Options{Retention: profile.Day, DuplicateMemory: profile.Day})
	defer s.Close()
	event := func(user, id string, at time.Time) *profile.PutEvent {
		return &profile.PutEvent{Event: profile.Event{Profile: user, Name: "A", MessageID: id, Time: at}}
	}
	now := shopStart
	apply := func(c ...profile.Change) { require.NoError(t, profile.Apply(t.Context(), s, now, c...)) }
	apply(event("u", "1", now), event("gone", "1", now), &profile.PutTraits{Ref: profile.UserRef("u"), Time: now, MessageID: "t"})
	apply(&profile.Delete{Ref: profile.UserRef("gone")})
	now = now.Add(20 * time.Hour)
	apply(event("u", "2", now))
	require.NoError(t, s.Sweep(t.Context()))
	before, err := s.Verify(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, before.Messages)
	again := event("gone", "1", now)
	apply(again)
	require.True(t, again.Duplicate)

	now = now.Add(20 * time.Hour)
	apply(event("u", "3", now))
	require.NoError(t, s.Sweep(t.Context()))
	report, err := s.Verify(t.Context())
	require.NoError(t, err)
	require.Empty(t, report.Damages)
	require.Equal(t, 2, report.Messages, "an event and a trait call are gone")
	for id, duplicate := range map[string]bool{"1": false, "2": true, "3": true} {
		c := event("u", id, now)
		apply(c)
		require.Equal(t, duplicate, c.Duplicate, id)
	}
	traits, err := s.Traits(t.Context(), profile.UserRef("u"))
	require.NoError(t, err)
	require.Empty(t, traits)
	again = event("gone", "1", now)
	apply(again)
	require.False(t, again.Duplicate, "the memory of a deleted profile ends")
}

// With an interval calls of an engine do not wait for it, and callbacks do: what is told is
// on the disk.
func TestAnEngineDoesNotWaitForTheInterval(t *testing.T) {
	ctx, fs := t.Context(), vfs.NewCrashableMem()
	s := open(t, fs, pebblestore.Options{SyncInterval: 50 * time.Millisecond})
	e, err := audience.New(ctx, s, audience.Options{Clock: audience.NewManualClock(shopStart)})
	require.NoError(t, err)
	require.NoError(t, e.Create(ctx, audience.Define("buyers").Members(audience.Performed("Buy"))))
	const users = 200 // one after the other would take ten seconds
	told := make(chan vfs.FS, users)
	_, err = e.Subscribe(func(context.Context, audience.Transition) error {
		told <- fs.CrashClone(vfs.CrashCloneCfg{})
		return nil
	})
	require.NoError(t, err)
	for i := range users {
		require.NoError(t, e.Track(ctx, profile.Event{Profile: fmt.Sprint("u", i), Name: "Buy"}))
	}
	require.NoError(t, e.Close())
	require.NoError(t, s.Close())
	crashed := <-told // at the first callback
	s = open(t, crashed, pebblestore.Options{})
	n, err := s.MemberCount(ctx, "buyers")
	require.NoError(t, err)
	require.Positive(t, n)
	require.NoError(t, s.Close())
}
