package csvexport_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/csvexport"
	"github.com/muster-go/muster/profile"
)

// While an export runs the engine goes on taking data: the file is that of the
// call, for as long as it takes to write it.
func TestIngestionGoesOn(t *testing.T) {
	ctx := context.Background()
	store, clock := profile.NewMemStore(), audience.NewManualClock(noon)
	engine, err := audience.New(ctx, store, audience.Options{Clock: clock})
	require.NoError(t, err)
	defer engine.Close()
	require.NoError(t, engine.Create(ctx, buyers))
	require.NoError(t, engine.CreateTraits(ctx, revenue))

	// buy makes a buyer of user i, with one more email each time.
	total, err := profile.NewObject(map[string]any{"total": 10})
	require.NoError(t, err)
	buy := func(i, time int) error {
		user := fmt.Sprintf("u%05d", i)
		email := profile.ExternalID{Type: "email", Value: fmt.Sprintf("%s-%d@x.io", user, time)}
		if err := engine.Identify(ctx, audience.Identify{Profile: user, IDs: []profile.ExternalID{email}, Time: noon}); err != nil {
			return err
		}
		return engine.Track(ctx, profile.Event{Profile: user, Name: "Order Completed", Time: noon, Properties: total})
	}
	const n = 3_000
	for i := range n {
		require.NoError(t, buy(2*i, 0))
	}
	export := csvexport.Export{Key: "revenue", Format: csvexport.IndexedColumns}
	want, _ := written(t, store, export)

	// Writing begins; from then on each piece is waited for until a user who was
	// there has bought again, and a new one for the first time, and one is gone.
	var ingest sync.WaitGroup
	defer ingest.Wait()
	more := make(chan struct{})
	ingest.Add(1)
	done := make(chan error, n)
	go func() {
		defer ingest.Done()
		i := 0
		for range more {
			err := buy(2*i, 1)
			if err == nil {
				err = buy(2*i+1, 0)
			}
			if err == nil {
				err = engine.DeleteUser(ctx, fmt.Sprintf("u%05d", 2*(n-1-i)))
			}
			done <- err
			i++
		}
	}()
	defer close(more)
	var got strings.Builder
	meanwhile := 0
	result, err := export.Write(ctx, writer(func(b []byte) (int, error) {
		for range 50 {
			more <- struct{}{}
			if err := <-done; err != nil {
				return 0, err
			}
			meanwhile++
		}
		return got.Write(b)
	}), store)
	require.NoError(t, err)
	require.Equal(t, n, result.Rows)
	require.Equal(t, noon, result.Instant)
	require.Positive(t, meanwhile)
	require.Equal(t, want, got.String())

	after, _ := written(t, store, export)
	require.NotEqual(t, want, after)
}

// Files of one instant are made from one snapshot.
func TestFilesOfOneInstant(t *testing.T) {
	ctx := context.Background()
	store := shop(t)
	snapshot, err := store.Snapshot(ctx)
	require.NoError(t, err)
	defer snapshot.Close()
	apply(t, store, &profile.Delete{Ref: profile.UserRef("ann")})
	for range 2 {
		_, result := written(t, snapshot, csvexport.Export{Key: "buyers"})
		require.Equal(t, 7, result.Rows)
	}
	_, result := written(t, store, csvexport.Export{Key: "buyers"})
	require.Equal(t, 6, result.Rows)
}
