package replica_test

import (
	"errors"
	"io"
	"io/fs"
	"testing"

	"github.com/muster-go/muster/replica"
	"github.com/muster-go/muster/replica/logtest"
	"github.com/stretchr/testify/require"
)

func TestBlobs(t *testing.T) {
	t.Run("folder", func(t *testing.T) { logtest.RunBlobs(t, replica.Folder(t.TempDir())) })
	t.Run("memory", func(t *testing.T) { logtest.RunBlobs(t, &logtest.Blobs{}) })
}

func TestAFolderKeepsNothingOutsideOfIt(t *testing.T) {
	f := replica.Folder(t.TempDir())
	for _, name := range []string{"../x", "/x", "", "a/../../x"} {
		err := f.Put(t.Context(), name, func(io.Writer) error { return errors.New("it is asked for its content") })
		require.ErrorIs(t, err, fs.ErrInvalid, name)
	}
}

func TestMemoryIsALog(t *testing.T) {
	logtest.Run(t, func(t *testing.T, partitions int) logtest.Fixture {
		m := logtest.NewMemory(partitions, epoch)
		return logtest.Fixture{Log: m, Steal: m.Steal}
	})
}
