package csvexport_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/csvexport"
	"github.com/muster-go/muster/profile"
)

// benchSizes are the numbers of members measured. A million take some ten
// seconds to be made.
var benchSizes = []int{10_000, 1_000_000}

var (
	benchMutex  sync.Mutex
	benchStores = map[int]*profile.MemStore{}
)

// benchStore returns a store with an audience "buyers" of n users. Each has a
// user id and an email, a quarter has two emails.
func benchStore(b *testing.B, n int) *profile.MemStore {
	b.Helper()
	benchMutex.Lock()
	defer benchMutex.Unlock()
	if s := benchStores[n]; s != nil {
		return s
	}
	s := profile.NewMemStore()
	define(b, s, buyers)
	for i := range n {
		user := fmt.Sprintf("user-%07d", i)
		ids := []profile.ExternalID{{Type: "user_id", Value: user}, {Type: "email", Value: benchEmail(i)}}
		if i%4 == 0 {
			ids = append(ids, profile.ExternalID{Type: "email", Value: fmt.Sprintf("p%d@work.example.org", i)})
		}
		apply(b, s, &profile.PutIDs{Ref: profile.UserRef(user), IDs: ids}, enter("buyers", profile.UserRef(user)))
	}
	benchStores[n] = s
	return s
}

func benchEmail(i int) string { return fmt.Sprintf("person%d@example.com", i) }

// BenchmarkFormatted writes a file with indexed columns, and then the same bytes
// to another file by way of bufio, a line at a time; both are brought to the
// disk. x-bufio is the median of the ratios.
func BenchmarkFormatted(b *testing.B) {
	for _, n := range benchSizes {
		export := csvexport.Export{Key: "buyers", Format: csvexport.IndexedColumns}
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) {
			store, path := benchStore(b, n), filepath.Join(b.TempDir(), "a.csv")
			var text []byte
			pairs(b, "bufio", n, func() {
				result, err := export.WriteFile(context.Background(), path, store)
				require.NoError(b, err)
				require.Equal(b, n, result.Rows)
				if text == nil {
					b.SetBytes(result.Bytes)
				}
			}, func() {
				if text == nil {
					var err error
					text, err = os.ReadFile(path)
					require.NoError(b, err)
				}
			}, func() {
				file, err := os.Create(path)
				require.NoError(b, err)
				require.NoError(b, writeLines(file, text))
				require.NoError(b, file.Sync())
				require.NoError(b, file.Close())
			})
		})
	}
}

// BenchmarkHashed writes a single column of hashed emails, of users who have
// one, and then hashes the same values and does nothing with the sums. x-sha256
// is the median of the ratios.
func BenchmarkHashed(b *testing.B) {
	for _, n := range benchSizes {
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) {
			store := benchStore(b, n)
			var values [][]byte
			for r, err := range store.Members(context.Background(), "buyers", "") {
				require.NoError(b, err)
				ids, err := store.IDs(context.Background(), r.Ref)
				require.NoError(b, err)
				for _, id := range ids {
					if id.Type == "email" {
						values = append(values, []byte(id.Value))
					}
				}
			}
			export := csvexport.Export{Key: "buyers", Format: csvexport.SingleColumn, IDType: "email"}
			pairs(b, "sha256", len(values), func() {
				result, err := export.Write(context.Background(), io.Discard, store)
				require.NoError(b, err)
				require.Equal(b, len(values), result.Rows)
			}, func() {}, func() {
				var all byte
				for _, v := range values {
					sum := sha256.Sum256(v)
					all ^= sum[0]
				}
				sink = all
			})
		})
	}
}

var sink byte

// pairs runs what is measured and what it is compared with in turns, and
// reports the time of each for a row and the median of the ratios.
func pairs(b *testing.B, with string, rows int, measured, prepare, compared func()) {
	b.ReportAllocs()
	b.ResetTimer()
	var ratios, each, other []float64
	for range b.N {
		began := time.Now()
		measured()
		took := time.Since(began)
		b.StopTimer()
		prepare()
		began = time.Now()
		compared()
		than := time.Since(began)
		b.StartTimer()
		ratios = append(ratios, float64(took)/float64(than))
		each = append(each, float64(took.Nanoseconds())/float64(rows))
		other = append(other, float64(than.Nanoseconds())/float64(rows))
	}
	b.ReportMetric(median(ratios), "x-"+with)
	b.ReportMetric(median(each), "ns/row")
	b.ReportMetric(median(other), "ns/row-"+with)
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

// writeLines writes text a line at a time.
func writeLines(to io.Writer, text []byte) error {
	w := bufio.NewWriterSize(to, 64<<10)
	for len(text) > 0 {
		n := bytes.IndexByte(text, '\n') + 1
		_, _ = w.Write(text[:n]) // Flush returns its error
		text = text[n:]
	}
	return w.Flush()
}

// BenchmarkPeakMemory reports by how much the heap is larger during an export
// than before it, at most: some times in each stage the export is halted, what
// nobody needs any more is collected, and what is left is measured.
func BenchmarkPeakMemory(b *testing.B) {
	for _, n := range benchSizes {
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) {
			snapshot, err := benchStore(b, n).Snapshot(context.Background())
			require.NoError(b, err)
			defer snapshot.Close()
			for range b.N {
				before := live()
				var peak uint64
				next := 0
				export := csvexport.Export{Key: "buyers", Format: csvexport.IndexedColumns}
				export.Progress = func(p csvexport.Progress) {
					if p.Profiles >= next {
						peak = max(peak, live())
						next += n / 2
					}
					if p.Profiles == n {
						next = 0 // the other stage
					}
				}
				_, err := export.Write(context.Background(), io.Discard, snapshot)
				require.NoError(b, err)
				b.ReportMetric(float64(int64(peak)-int64(before))/1024, "peak-KiB")
			}
		})
	}
}

// live returns the bytes of the heap that are in use. While one collection
// runs, what is allocated counts as in use: the second does not find it.
func live() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
