package csvexport_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/csvexport"
	"github.com/muster-go/muster/profile"
)

func TestBadExports(t *testing.T) {
	store := shop(t)
	apply(t, store, &profile.UseKey{Record: profile.KeyRecord{Key: "gone"}},
		&profile.UseKey{Record: profile.KeyRecord{Key: "broken", Definition: []byte("{")}})
	for name, c := range map[string]struct {
		export csvexport.Export
		want   error
		text   string
	}{
		"no key":           {csvexport.Export{}, profile.ErrInvalid, "key is empty"},
		"unknown key":      {csvexport.Export{Key: "x"}, profile.ErrNotFound, `export "x": audience or computed trait: not found`},
		"deleted key":      {csvexport.Export{Key: "gone"}, profile.ErrNotFound, ""},
		"broken key":       {csvexport.Export{Key: "broken"}, profile.ErrInvalid, "1:1: not JSON"},
		"key too long":     {csvexport.Export{Key: strings.Repeat("x", profile.MaxID+1)}, profile.ErrTooLarge, ""},
		"format":           {csvexport.Export{Key: "buyers", Format: 9}, profile.ErrInvalid, "format 9"},
		"formulas":         {csvexport.Export{Key: "buyers", Formulas: 9}, profile.ErrInvalid, "formulas"},
		"quote":            {csvexport.Export{Key: "buyers", Delimiter: '"'}, profile.ErrInvalid, `delimiter '"'`},
		"line break":       {csvexport.Export{Key: "buyers", Delimiter: '\n'}, profile.ErrInvalid, "delimiter"},
		"half a character": {csvexport.Export{Key: "buyers", Delimiter: 0xc3}, profile.ErrInvalid, "delimiter"},
		"no id type":       {csvexport.Export{Key: "buyers", Format: csvexport.SingleColumn}, profile.ErrInvalid, "external id type is empty"},
		"id type":          {csvexport.Export{Key: "buyers", IDType: "email"}, profile.ErrInvalid, "for a single column, not for unformatted"},
		"raw":              {csvexport.Export{Key: "buyers", Raw: csvexport.PermitRaw()}, profile.ErrInvalid, ""},
		"normalised":       {csvexport.Export{Key: "buyers", Format: csvexport.IndexedColumns, Platform: csvexport.Normalized}, profile.ErrInvalid, ""},
		"per user":         {csvexport.Export{Key: "buyers", PerUser: true}, profile.ErrInvalid, "PerUser"},
		"trait per user":   {csvexport.Export{Key: "orders", PerUser: true}, profile.ErrInvalid, "PerUser"},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			result, err := c.export.Write(context.Background(), &b, store)
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.text)
			require.Zero(t, result)
			require.Zero(t, b.Len())
			_, err = c.export.Estimate(context.Background(), store)
			require.ErrorIs(t, err, c.want)
		})
	}
}

func TestClosedStore(t *testing.T) {
	store := shop(t)
	snapshot, err := store.Snapshot(context.Background())
	require.NoError(t, err)
	require.NoError(t, store.Close())
	export := csvexport.Export{Key: "buyers"}
	_, err = export.Write(context.Background(), io.Discard, store)
	require.ErrorIs(t, err, profile.ErrClosed)
	_, err = export.Write(context.Background(), io.Discard, snapshot) // which stays readable
	require.NoError(t, err)
	require.NoError(t, snapshot.Close())
	_, err = export.Write(context.Background(), io.Discard, snapshot)
	require.ErrorIs(t, err, profile.ErrClosed)
}

func TestCancel(t *testing.T) {
	store := crowd(t, 20_000)
	for _, stage := range []csvexport.Stage{csvexport.FindingColumns, csvexport.Writing} {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		result, err := csvexport.Export{
			Key: "buyers", Format: csvexport.IndexedColumns,
			Progress: func(p csvexport.Progress) {
				if p.Stage == stage {
					require.NoError(t, ctx.Err(), "no progress after the end")
					cancel()
				}
			},
		}.Write(ctx, io.Discard, store)
		require.ErrorIs(t, err, context.Canceled)
		require.Zero(t, result)
	}
}

var errBroken = errors.New("it is broken")

func TestWriterFails(t *testing.T) {
	store := crowd(t, 20_000)
	for _, zip := range []bool{false, true} {
		for _, broken := range []struct {
			returns func(b []byte) (int, error)
			want    error
		}{
			{func([]byte) (int, error) { return 0, errBroken }, errBroken},
			{func(b []byte) (int, error) { return len(b) - 1, nil }, io.ErrShortWrite},
		} {
			calls := 0
			_, err := csvexport.Export{Key: "buyers", Gzip: zip}.Write(context.Background(), writer(func(b []byte) (int, error) {
				if calls++; calls < 2 {
					return len(b), nil
				}
				return broken.returns(b)
			}), store)
			require.ErrorIs(t, err, broken.want)
			require.Equal(t, 2, calls)
		}
	}
}

// broken is a snapshot that does something else at a profile.
type broken struct {
	profile.Snapshot
	at      string // id of the profile
	becomes func(*profile.Holder) error
}

func (b *broken) Holders(ctx context.Context, key string, s profile.Subject, after string) iter.Seq2[profile.Holder, error] {
	return func(yield func(profile.Holder, error) bool) {
		for h, err := range b.Snapshot.Holders(ctx, key, s, after) {
			if h.ID == b.at {
				err = b.becomes(&h)
			}
			if !yield(h, err) || err != nil {
				return
			}
		}
	}
}

func (b *broken) MaxIDs(ctx context.Context, key string, s profile.Subject) (map[string]int, error) {
	if b.at == "" {
		return nil, errBroken
	}
	return b.Snapshot.MaxIDs(ctx, key, s)
}

// breaks is what a profile becomes that cannot be read.
func breaks(*profile.Holder) error { return errBroken }

func TestStoreFails(t *testing.T) {
	snapshot, err := crowd(t, 2_000).Snapshot(context.Background())
	require.NoError(t, err)
	defer snapshot.Close()
	for format := range csvexport.SingleColumn + 1 {
		export := csvexport.Export{Key: "buyers", Format: format}
		if format == csvexport.SingleColumn {
			export.IDType = "email"
		}
		for _, at := range []string{"u000000", "u000700", "u001999"} {
			_, err = export.Write(context.Background(), io.Discard, &broken{snapshot, at, breaks})
			require.ErrorIs(t, err, errBroken)
			require.ErrorContains(t, err, `export "buyers": `)
		}
	}
	export := csvexport.Export{Key: "buyers", Format: csvexport.AdditionalRows}
	_, err = export.Write(context.Background(), io.Discard, &broken{snapshot, "", nil})
	require.ErrorIs(t, err, errBroken)
	_, err = export.Estimate(context.Background(), &broken{snapshot, "", nil})
	require.ErrorIs(t, err, errBroken)
}

// Who gives a reader that is no snapshot gets an error rather than a file whose
// columns are wrong.
func TestReaderChanges(t *testing.T) {
	snapshot, err := shop(t).Snapshot(context.Background())
	require.NoError(t, err)
	defer snapshot.Close()
	for name, ids := range map[string][]profile.ExternalID{
		"another type":   {{Type: "fax", Value: "1"}},
		"one value more": {{Type: "email", Value: "1"}, {Type: "email", Value: "2"}, {Type: "email", Value: "3"}, {Type: "email", Value: "4"}},
		"another order":  {{Type: "user_id", Value: "1"}, {Type: "email", Value: "2"}},
	} {
		reader := &broken{snapshot, "ann", func(h *profile.Holder) error { h.IDs = ids; return nil }}
		_, err = csvexport.Export{Key: "buyers", Format: csvexport.IndexedColumns}.Write(context.Background(), io.Discard, reader)
		require.ErrorContains(t, err, `user "ann": external ids that the first pass did not meet`, name)
	}
}

// watched is a reader that knows when it shall not be read any more.
type watched struct {
	profile.Snapshot
	over, late atomic.Bool
}

func (w *watched) Holders(ctx context.Context, key string, s profile.Subject, after string) iter.Seq2[profile.Holder, error] {
	return func(yield func(profile.Holder, error) bool) {
		for h, err := range w.Snapshot.Holders(ctx, key, s, after) {
			if w.over.Load() {
				w.late.Store(true)
			}
			if !yield(h, err) {
				return
			}
		}
	}
}

// When an export returns, for whatever reason, nothing of it runs on.
func TestNothingRunsOn(t *testing.T) {
	snapshot, err := crowd(t, 20_000).Snapshot(context.Background())
	require.NoError(t, err)
	defer snapshot.Close()
	for name, write := range map[string]func(cancel func(), b []byte) (int, error){
		"cancelled":    func(cancel func(), b []byte) (int, error) { cancel(); return len(b), nil },
		"writer fails": func(func(), []byte) (int, error) { return 0, errBroken },
	} {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		reader := &watched{Snapshot: snapshot}
		_, err := csvexport.Export{Key: "buyers"}.Write(ctx, writer(func(b []byte) (int, error) { return write(cancel, b) }), reader)
		require.Error(t, err, name)
		reader.over.Store(true)
		runtime.GC() // gives anyone who is left the time
		require.False(t, reader.late.Load(), name)
	}
}
