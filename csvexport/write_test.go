package csvexport_test

import (
	"compress/gzip"
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/csvexport"
	"github.com/muster-go/muster/profile"
)

// crowd returns a store with n buyers, of whom each has an email and every
// fourth has two.
func crowd(t testing.TB, n int) *profile.MemStore {
	s := profile.NewMemStore()
	define(t, s, buyers, revenue)
	for i := range n {
		user := profile.UserRef(fmt.Sprintf("u%06d", i))
		apply(t, s, ids(user, "email", fmt.Sprintf("%d@x.io", i)), enter("buyers", user),
			set("revenue", user, profile.IntValue(int64(i))))
		if i%4 == 0 {
			apply(t, s, ids(user, "email", fmt.Sprintf("%d@y.io", i)))
		}
	}
	return s
}

func TestResult(t *testing.T) {
	store := shop(t)
	later := noon.Add(time.Hour)
	require.NoError(t, profile.Apply(context.Background(), store, later, enter("buyers", profile.UserRef("nobody"))), "no such profile")
	for _, zip := range []bool{false, true} {
		text, result := written(t, store, csvexport.Export{Key: "buyers", Format: csvexport.AdditionalRows, Gzip: zip})
		require.Equal(t, csvexport.Result{
			Profiles: 7,
			Rows:     15,
			Bytes:    int64(len(text)),
			CRC32C:   crc32.Checksum([]byte(text), crc32.MakeTable(crc32.Castagnoli)),
			Instant:  later,
		}, result)
	}
	_, result := written(t, store, csvexport.Export{
		Key: "buyers", Format: csvexport.SingleColumn, IDType: "phone", Platform: csvexport.Normalized,
	})
	require.Equal(t, 3, result.Rows)
	require.Equal(t, 1, result.Skipped)
	require.Equal(t, 7, result.Profiles)
}

func TestGzip(t *testing.T) {
	store := crowd(t, 5_000)
	export := csvexport.Export{Key: "buyers", Format: csvexport.IndexedColumns}
	want, _ := written(t, store, export)
	export.Gzip = true
	got, result := written(t, store, export)
	require.Less(t, result.Bytes, int64(len(want)/3))
	r, err := gzip.NewReader(strings.NewReader(got))
	require.NoError(t, err)
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, want, string(text))
}

// What is longer than a page, and than a chunk, comes in order, and whole.
func TestManyRows(t *testing.T) {
	const n = 20_000
	text, result := written(t, crowd(t, n), csvexport.Export{Key: "revenue", Format: csvexport.IndexedColumns})
	require.Equal(t, n, result.Rows)
	var want strings.Builder
	want.WriteString("key,value,external_ids,email,email_1\r\n")
	for i := range n {
		if i%4 == 0 {
			fmt.Fprintf(&want, "u%06[1]d,%[1]d,\"{\"\"email\"\":[\"\"%[1]d@x.io\"\",\"\"%[1]d@y.io\"\"]}\",%[1]d@x.io,%[1]d@y.io\r\n", i)
		} else {
			fmt.Fprintf(&want, "u%06[1]d,%[1]d,\"{\"\"email\"\":[\"\"%[1]d@x.io\"\"]}\",%[1]d@x.io,\r\n", i)
		}
	}
	require.Equal(t, want.String(), text)
}

func TestTooManyColumns(t *testing.T) {
	s := profile.NewMemStore()
	define(t, s, buyers)
	for i := range csvexport.MaxColumns + 1 {
		user := profile.UserRef(fmt.Sprintf("u%03d", i%100))
		apply(t, s, ids(user, fmt.Sprintf("type %d", i), "x"), enter("buyers", user))
	}
	_, err := csvexport.Export{Key: "buyers", Format: csvexport.IndexedColumns}.Write(context.Background(), io.Discard, s)
	require.ErrorIs(t, err, profile.ErrTooLarge)
	require.ErrorContains(t, err, "16385 columns")
}

// hoarder returns a store with one buyer, who has n values of an id type.
func hoarder(t testing.TB, n int) *profile.MemStore {
	s := profile.NewMemStore(profile.WithLimits(profile.Limits{IDs: n}))
	define(t, s, buyers)
	c := &profile.PutIDs{Ref: profile.UserRef("u")}
	for i := range n {
		c.IDs = append(c.IDs, profile.ExternalID{Type: "t", Value: fmt.Sprintf("%05d", i)})
	}
	apply(t, s, c, enter("buyers", c.Ref))
	return s
}

// The rows of one profile, too, are written as they are made.
func TestManyValues(t *testing.T) {
	var longest int
	result, err := csvexport.Export{Key: "buyers", Format: csvexport.AdditionalRows}.
		Write(context.Background(), writer(func(b []byte) (int, error) {
			longest = max(longest, len(b))
			return len(b), nil
		}), hoarder(t, 2000))
	require.NoError(t, err)
	require.Equal(t, 2000, result.Rows)
	require.Greater(t, result.Bytes, int64(2000*2000*10))
	require.Less(t, longest, 100_000)
}

// writer is an io.Writer.
type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

func TestProgress(t *testing.T) {
	const n = 20_000
	store := crowd(t, n)
	for key, format := range map[string]csvexport.Format{"buyers": csvexport.IndexedColumns, "revenue": csvexport.Unformatted} {
		var told []csvexport.Progress
		_, result := written(t, store, csvexport.Export{
			Key: key, Format: format, Progress: func(p csvexport.Progress) { told = append(told, p) },
		})
		require.GreaterOrEqual(t, len(told), 3)
		require.Equal(t, csvexport.Progress{Stage: csvexport.Writing, Profiles: n, Total: n, Bytes: result.Bytes}, told[len(told)-1])
		found := 0
		for i, p := range told {
			require.Equal(t, n, p.Total)
			if p.Stage == csvexport.FindingColumns {
				found = p.Profiles
				require.Zero(t, p.Bytes)
			}
			if i > 0 && p.Stage == told[i-1].Stage {
				require.GreaterOrEqual(t, p.Profiles, told[i-1].Profiles)
				require.GreaterOrEqual(t, p.Bytes, told[i-1].Bytes)
			}
		}
		if format == csvexport.IndexedColumns {
			require.Equal(t, n, found)
		}
	}
}
