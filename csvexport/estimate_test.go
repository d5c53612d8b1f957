package csvexport_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/csvexport"
)

// Few profiles are all in the sample: then nothing is guessed but the time.
func TestEstimateOfFew(t *testing.T) {
	store := shop(t)
	for name, export := range formats {
		_, result := written(t, store, export)
		estimate, err := export.Estimate(context.Background(), store)
		require.NoError(t, err, name)
		require.Positive(t, estimate.Duration, name)
		estimate.Duration = 0
		require.Equal(t, csvexport.Estimate{
			Profiles: result.Profiles, Rows: result.Rows, Bytes: result.Bytes, Exact: true,
		}, estimate, name)
	}
}

func TestEstimateOfMany(t *testing.T) {
	store := crowd(t, 40_000)
	for _, export := range []csvexport.Export{
		{Key: "buyers", Format: csvexport.AdditionalRows},
		{Key: "revenue", Format: csvexport.IndexedColumns, Gzip: true},
		{Key: "buyers", Format: csvexport.SingleColumn, IDType: "email"},
	} {
		_, result := written(t, store, export)
		export.Progress = func(csvexport.Progress) { t.Error("nothing is exported") }
		estimate, err := export.Estimate(context.Background(), store)
		require.NoError(t, err)
		require.False(t, estimate.Exact)
		require.Equal(t, 40_000, estimate.Profiles)
		require.InEpsilon(t, result.Rows, estimate.Rows, 0.01)
		require.InEpsilon(t, result.Bytes, estimate.Bytes, 0.05)
		require.Positive(t, estimate.Duration)
	}
}

func TestEstimateString(t *testing.T) {
	for want, e := range map[string]csvexport.Estimate{
		"7 rows, 812 B, less than 20s":                       {Rows: 7, Bytes: 812, Duration: time.Millisecond, Exact: true},
		"about 250000 rows, 31.4 MB, less than 20s":          {Rows: 250_000, Bytes: 31_415_926, Duration: 20 * time.Second},
		"about 50000000 rows, 1.0 GB, estimated 1m10s":       {Rows: 50_000_000, Bytes: 999_980_000, Duration: 70*time.Second + 3},
		"about 9000000000000 rows, 1234.6 TB, estimated 20s": {Rows: 9e12, Bytes: 1_234_567_890_123_456, Duration: 20*time.Second + 1},
	} {
		require.Equal(t, want, e.String())
	}
}
