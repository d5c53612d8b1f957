package csvexport

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/muster-go/muster/profile"
)

// Estimate says what an export would come to.
type Estimate struct {
	Profiles int // counted
	Rows     int
	Bytes    int64         // compressed, with Gzip
	Duration time.Duration // on this machine as busy as it is; without what the destination takes to be written to
	Exact    bool          // Rows and Bytes were measured on all profiles, not extrapolated
}

// sampleSize is how many profiles an estimate reads.
const sampleSize = 1 << 14

// longExport is the duration above which one is told.
const longExport = 20 * time.Second

// String returns the estimate for people. A duration is given only above 20 s,
// and then as what it is: "250000 rows, 31.4 MB, less than 20s", or "about
// 50000000 rows, 6.3 GB, estimated 1m10s".
func (e Estimate) String() string {
	about, takes := "about ", "less than "+longExport.String()
	if e.Exact {
		about = ""
	}
	if e.Duration > longExport {
		takes = "estimated " + e.Duration.Round(time.Second).String()
	}
	return fmt.Sprintf("%s%d rows, %s, %s", about, e.Rows, size(e.Bytes), takes)
}

// size returns a number of bytes for people, in decimal units.
func size(bytes int64) string {
	if bytes < 1000 {
		return fmt.Sprintf("%d B", bytes)
	}
	f, unit := float64(bytes), ""
	for _, unit = range []string{"kB", "MB", "GB", "TB"} {
		if f /= 1000; f < 999.95 {
			break
		}
	}
	return fmt.Sprintf("%.1f %s", f, unit)
}

// Estimate measures an export before it is made: it counts the profiles, finds the
// columns, writes the first 16384 to nowhere, and takes the others to be like
// those. As the first are those of the least ids, an estimate is off where newer ids, say, are
// of profiles with fewer external ids. It does not call Progress.
func (e Export) Estimate(ctx context.Context, from profile.Reader) (Estimate, error) {
	estimate, err := e.estimate(ctx, from)
	if err != nil {
		return Estimate{}, fmt.Errorf("estimate of export %q: %w", e.Key, err)
	}
	return estimate, nil
}

func (e Export) estimate(ctx context.Context, from profile.Reader) (estimate Estimate, err error) {
	s, release, err := open(ctx, from, &e)
	if err != nil {
		return Estimate{}, err
	}
	defer func() {
		if released := release(); err == nil {
			err = released
		}
	}()
	if estimate.Profiles, err = s.count(ctx); err != nil {
		return Estimate{}, err
	}
	s.limit = sampleSize
	e.Progress = nil
	r := run{export: &e, source: s}
	began := time.Now()
	all, err := r.findColumns(ctx)
	if err != nil {
		return Estimate{}, err
	}
	found := time.Now()
	if err := r.writeRows(ctx, io.Discard, all); err != nil {
		return Estimate{}, err
	}
	took := time.Since(found)
	of := float64(estimate.Profiles) / float64(max(r.result.Profiles, 1))
	if estimate.Exact = r.result.Profiles == estimate.Profiles; estimate.Exact {
		of = 1
	}
	estimate.Rows = int(of * float64(r.result.Rows))
	estimate.Bytes = int64(of * float64(r.result.Bytes))
	estimate.Duration = found.Sub(began) + time.Duration(of*float64(took))
	return estimate, nil
}
