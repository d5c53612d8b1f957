package logtest

import (
	"errors"
	"io"
	"io/fs"
	"testing"

	"github.com/muster-go/muster/replica"
	"github.com/stretchr/testify/require"
)

// RunBlobs tests blobs, of which there are none yet.
func RunBlobs(t *testing.T, blobs replica.Blobs) {
	ctx := t.Context()
	put := func(name, text string) {
		require.NoError(t, blobs.Put(ctx, name, func(to io.Writer) error {
			_, err := io.WriteString(to, text)
			return err
		}))
	}
	get := func(name string) string {
		in, err := blobs.Get(ctx, name)
		require.NoError(t, err)
		text, err := io.ReadAll(in)
		require.NoError(t, errors.Join(err, in.Close()))
		return string(text)
	}
	names := func(prefix string) []string {
		names, err := blobs.List(ctx, prefix)
		require.NoError(t, err)
		return names
	}
	require.Empty(t, names(""))
	_, err := blobs.Get(ctx, "p-1/1")
	require.ErrorIs(t, err, fs.ErrNotExist)

	large := string(make([]byte, 3<<20))
	put("p-1/2", "two")
	put("p-1/1", large)
	put("p-11/1", "other")
	put("p-1/2", "two again")
	require.Equal(t, []string{"p-1/1", "p-1/2"}, names("p-1/"))
	require.Equal(t, "two again", get("p-1/2"))
	require.True(t, large == get("p-1/1"))

	// What fails in the middle leaves nothing.
	broken := errors.New("broken")
	require.ErrorIs(t, blobs.Put(ctx, "p-1/3", func(to io.Writer) error {
		_, err := io.WriteString(to, "half")
		return errors.Join(err, broken)
	}), broken)
	require.ErrorIs(t, blobs.Put(ctx, "p-1/2", func(io.Writer) error { return broken }), broken)
	require.Equal(t, []string{"p-1/1", "p-1/2"}, names("p-1/"))
	require.Equal(t, "two again", get("p-1/2"))

	require.NoError(t, blobs.Delete(ctx, "p-1/1"))
	require.NoError(t, blobs.Delete(ctx, "p-1/1"))
	require.Equal(t, []string{"p-1/2"}, names("p-1/"))
}
