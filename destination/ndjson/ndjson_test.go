package ndjson_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/destination/ndjson"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func batch(t *testing.T, id string, users ...string) (*destination.Batch, string) {
	b := &destination.Batch{ID: id}
	want := ""
	for _, user := range users {
		m := profile.Message{Type: profile.Identify, UserID: user, MessageID: id + user, Time: start}
		b.Messages = append(b.Messages, m)
		line, err := destination.EncodeMessage(&m)
		require.NoError(t, err)
		want += string(line) + "\n"
	}
	return b, want
}

var errFull = errors.New("disk full")

// moody takes a part of what is written, and says so.
type moody struct {
	bytes.Buffer
	takes func(n int) (int, error)
}

func (m *moody) Write(p []byte) (int, error) {
	n, err := len(p), error(nil)
	if m.takes != nil {
		n, err = m.takes(len(p))
	}
	m.Buffer.Write(p[:max(0, min(n, len(p)))])
	return n, err
}

// However a writer breaks off, each line is there once and whole.
func TestPartialWritesGoOn(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	w := &moody{takes: func(n int) (int, error) {
		if rnd.IntN(3) == 0 {
			return n, nil
		}
		return rnd.IntN(n + 1), errFull
	}}
	d := &ndjson.Destination{Writer: w}
	all := ""
	for _, id := range []string{"one", "two", "three", "four", "five"} {
		b, want := batch(t, id, "ann", "bob")
		all += want
		for d.Deliver(context.Background(), b) != nil {
		}
	}
	require.Equal(t, all, w.String())
}

// A batch that does not come again leaves a line that is ended.
func TestATornLineIsEnded(t *testing.T) {
	ctx := context.Background()
	w := &moody{takes: func(int) (int, error) { return 10, errFull }}
	d := &ndjson.Destination{Writer: w}
	b, torn := batch(t, "one", "ann")
	require.ErrorIs(t, d.Deliver(ctx, b), errFull)
	w.takes = nil
	b, want := batch(t, "two", "bob")
	require.NoError(t, d.Deliver(ctx, b))
	require.Equal(t, torn[:10]+"\n"+want, w.String())
}

func TestWritersThatMisbehave(t *testing.T) {
	for name, tt := range map[string]struct {
		takes func(n int) (int, error)
		want  error
	}{
		"a short write without an error": {func(n int) (int, error) { return n / 2, nil }, io.ErrShortWrite},
		"an error, and all was taken":    {func(n int) (int, error) { return n, errFull }, errFull},
		"less than nothing":              {func(int) (int, error) { return -1, errFull }, errFull},
		"more than there was":            {func(n int) (int, error) { return n + 1, errFull }, errFull},
	} {
		t.Run(name, func(t *testing.T) {
			w := &moody{takes: tt.takes}
			d := &ndjson.Destination{Writer: w}
			b, want := batch(t, "one", "ann", "bob")
			require.ErrorIs(t, d.Deliver(context.Background(), b), tt.want)
			w.takes = nil
			require.NoError(t, d.Deliver(context.Background(), b))
			require.Equal(t, want, w.String())
		})
	}
}

func TestDone(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var w strings.Builder
	b, _ := batch(t, "one", "ann")
	require.ErrorIs(t, (&ndjson.Destination{Writer: &w}).Deliver(ctx, b), context.Canceled)
	require.Empty(t, w.String())
}
