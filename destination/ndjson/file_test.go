package ndjson_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/muster-go/muster/destination/ndjson"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// What another process left in the middle of a line is ended; whole lines, and
// half ones, stay as they are.
func TestAFileThatEndsInHalfALine(t *testing.T) {
	opens := map[string]func(path string) (*ndjson.Destination, error){
		"Open": ndjson.Open,
		"a file that can be read": func(path string) (*ndjson.Destination, error) {
			file, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
			return &ndjson.Destination{Writer: file}, err
		},
		"a file for writing alone": func(path string) (*ndjson.Destination, error) {
			file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
			return &ndjson.Destination{Writer: file}, err
		},
	}
	b, want := batch(t, "one", "ann", "bob")
	for name, there := range map[string]string{
		"nothing":           "",
		"a whole line":      want,
		"half a line":       want + want[:20],
		"only half a line":  `{"type":"ident`,
		"a line, no end":    want[:len(want)-1],
		"lines of Windows":  "{}\r\n",
		"half a character":  "{\"a\":\"\xc3",
		"one byte":          "{",
		"a line feed alone": "\n",
	} {
		for opened, open := range opens {
			t.Run(name+", "+opened, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "out.ndjson")
				require.NoError(t, os.WriteFile(path, []byte(there), 0o600))
				d, err := open(path)
				require.NoError(t, err)
				for range 2 {
					require.NoError(t, d.Deliver(context.Background(), b))
				}
				require.NoError(t, d.Writer.(io.Closer).Close())
				got, err := os.ReadFile(path)
				require.NoError(t, err)
				require.True(t, bytes.HasPrefix(got, []byte(there)))
				added := string(got[len(there):])
				if opened == "a file for writing alone" && there != "" {
					require.Equal(t, "\n"+want+want, added)
				} else if there != "" && there[len(there)-1] != '\n' {
					require.Equal(t, "\n"+want+want, added)
				} else {
					require.Equal(t, want+want, added)
				}
				require.Equal(t, 4+messagesIn(t, there), messagesIn(t, string(got)))
			})
		}
	}
}

// messagesIn returns how many messages a reader finds.
func messagesIn(t *testing.T, text string) (n int) {
	for d := profile.NewDecoder(bytes.NewReader([]byte(text)), "out"); ; {
		_, err := d.Next()
		if err == io.EOF {
			return n
		}
		if err == nil {
			n++
		}
	}
}

// A pipe has no end to look at.
func TestAPipe(t *testing.T) {
	from, to, err := os.Pipe()
	require.NoError(t, err)
	b, want := batch(t, "one", "ann")
	require.NoError(t, (&ndjson.Destination{Writer: to}).Deliver(context.Background(), b))
	require.NoError(t, to.Close())
	got, err := io.ReadAll(from)
	require.NoError(t, err)
	require.Equal(t, want, string(got))
}

// What Open opened is closed with the connection; what cannot be opened is an
// error.
func TestOpenAndClose(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.ndjson")
	d, err := ndjson.Open(path)
	require.NoError(t, err)
	b, want := batch(t, "one", "ann")
	require.NoError(t, d.Deliver(context.Background(), b))
	require.NoError(t, d.Close())
	require.NoError(t, d.Close())
	require.ErrorIs(t, d.Deliver(context.Background(), b), os.ErrClosed)
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want, string(got))
	_, err = ndjson.Open(filepath.Join(path, "x"))
	require.Error(t, err)
	require.NoError(t, (&ndjson.Destination{Writer: io.Discard}).Close())
}
