package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// What Engine.Backtest says of each week of the log is what a replay with the audiences
// there from the beginning comes to.
func TestABacktestOfEveryWeekIsTheReplay(t *testing.T) {
	ctx := context.Background()
	file, err := os.Open(cdnow)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("there is no %s", cdnow)
	}
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	purchases, err := readPurchases(file, cdnow)
	require.NoError(t, err)

	clock := audience.NewManualClock(profile.MinTime)
	e, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock})
	require.NoError(t, err)
	require.NoError(t, e.CreateFile(ctx, audience.File{Traits: []trait.Computed{totalRevenue}, Audiences: audiences()}))
	from, week := purchases[0].Time, 7*profile.Day
	var weeks []time.Time
	sizes := map[string][]int{}
	look := func(at time.Time) {
		require.NoError(t, e.Advance(ctx, at))
		weeks = append(weeks, at)
		for _, d := range e.List() {
			n, err := e.MemberCount(ctx, d.Key)
			require.NoError(t, err)
			sizes[d.Key] = append(sizes[d.Key], n)
		}
	}
	for _, m := range purchases {
		for next := from.Add(time.Duration(len(weeks)) * week); next.Before(m.Time); next = next.Add(week) {
			look(next)
		}
		clock.Set(m.Time)
		require.NoError(t, e.Apply(ctx, m))
	}
	require.Len(t, weeks, 78)
	for _, d := range audiences() {
		began := time.Now()
		points, err := e.Backtest(ctx, d, from, weeks[len(weeks)-1], week)
		require.NoError(t, err)
		t.Logf("%s: %d weeks of %d purchases in %s", d.Key, len(points), len(purchases), time.Since(began))
		got := make([]int, len(points))
		for i, p := range points {
			require.True(t, p.At.Equal(weeks[i]))
			got[i] = p.Size
		}
		require.Equal(t, sizes[d.Key], got, d.Key)
		require.NotZero(t, got[len(got)-1], d.Key)
	}
}
