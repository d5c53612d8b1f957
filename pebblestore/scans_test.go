package pebblestore

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// counting is what a snapshot reads from, with a count of iterators and of single reads.
type counting struct {
	pebble.Reader
	of *counted
}

type counted struct{ iterators, gets atomic.Int64 }

func (c counting) NewIter(o *pebble.IterOptions) (*pebble.Iterator, error) {
	c.of.iterators.Add(1)
	return c.Reader.NewIter(o)
}

func (c counting) Get(key []byte) ([]byte, io.Closer, error) {
	c.of.gets.Add(1)
	return c.Reader.Get(key)
}

// countingStore counts what its snapshots read.
type countingStore struct {
	*Store
	counted
}

func (s *countingStore) Snapshot(ctx context.Context) (profile.Snapshot, error) {
	snap, err := s.Store.Snapshot(ctx)
	if err == nil {
		n := snap.(*snapshot)
		n.r = counting{n.r, &s.counted}
	}
	return snap, err
}

// A preview, and an export, goes through the store in two scans side by side: what it opens
// does not depend on the number of users, and nothing is read by itself.
func TestPreviewsAndExportsAreScans(t *testing.T) {
	ctx := t.Context()
	reads, gets := map[int][2]int64{}, map[int]int64{}
	for _, users := range []int{200, 2000} {
		store, err := Open(t.TempDir(), Options{})
		require.NoError(t, err)
		s := &countingStore{Store: store}
		e, err := audience.New(ctx, s, audience.Options{})
		require.NoError(t, err)
		require.NoError(t, e.Create(ctx, audience.Define("all").Members(audience.Performed("A"))))
		for i := range users {
			require.NoError(t, profile.Apply(ctx, s, time.Now(), &profile.PutIDs{Ref: profile.UserRef(fmt.Sprintf("user-%05d", i)), IDs: []profile.ExternalID{{Type: "email", Value: fmt.Sprint(i, "@x")}}}))
			for _, name := range []string{"A", "B", "C"} {
				require.NoError(t, e.Track(ctx, profile.Event{Profile: fmt.Sprintf("user-%05d", i), Name: name, Time: time.Now()}))
			}
		}
		s.iterators.Store(0)
		s.gets.Store(0)
		p, err := e.Preview(ctx, audience.Define("both").Members(audience.All(audience.Performed("A"), audience.Performed("C"))), audience.PreviewOptions{Sample: -1})
		require.NoError(t, err)
		require.Equal(t, users, p.Members)
		preview := s.iterators.Swap(0)

		snap, err := e.Snapshot(ctx)
		require.NoError(t, err)
		n := 0
		for o, err := range snap.Holders(ctx, "all", profile.User, "") {
			require.NoError(t, err)
			require.Len(t, o.IDs, 1)
			n++
		}
		require.Equal(t, users, n)
		require.NoError(t, snap.Close())
		reads[users] = [2]int64{preview, s.iterators.Load()}
		gets[users] = s.gets.Load()
		require.NoError(t, e.Close())
		require.NoError(t, s.Close())
	}
	require.Equal(t, reads[200], reads[2000])
	require.Equal(t, gets[200], gets[2000])
	require.LessOrEqual(t, reads[2000][0], int64(3*profile.Lanes+10))
	require.LessOrEqual(t, reads[2000][1], int64(4))
	t.Log(reads, gets)
}
