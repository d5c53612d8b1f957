package profile

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func line(user string) string {
	return `{"type":"identify","userId":"` + user + `","timestamp":"2024-03-01T12:00:00Z"}`
}

// decode reads everything: the users of the messages, and the errors as text.
func decode(r io.Reader) (got []string) {
	for m, err := range NewDecoder(r, "events.ndjson").All() {
		if err != nil {
			got = append(got, err.Error())
			continue
		}
		got = append(got, m.UserID)
	}
	return got
}

func TestDecoderReadsOneMessageALine(t *testing.T) {
	for name, text := range map[string]string{
		"lines":              line("a") + "\n" + line("b") + "\n",
		"no end of the last": line("a") + "\n" + line("b"),
		"carriage returns":   line("a") + "\r\n" + line("b") + "\r\n",
		"blank lines":        "\n \t\n" + line("a") + "\n\r\n\n" + line("b") + "\n\n",
		"byte order mark":    "\ufeff" + line("a") + "\n" + line("b") + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, []string{"a", "b"}, decode(strings.NewReader(text)))
			require.Equal(t, []string{"a", "b"}, decode(iotest.OneByteReader(strings.NewReader(text))))
		})
	}
	require.Empty(t, decode(strings.NewReader("")))
	require.Empty(t, decode(strings.NewReader("\ufeff\n")))
}

func TestDecoderTellsTheLineAndGoesOn(t *testing.T) {
	text := line("a") + "\n\n" + `{"type":"trac","userId":"u"}` + "\n" + "{\"type\n" + line("b") + "\n\ufeff" + line("c")
	require.Equal(t, []string{
		"a",
		`events.ndjson:3: unknown type "trac"`,
		`events.ndjson:4: JSON at byte 6: the text ends inside a string`,
		"b",
		`events.ndjson:6: JSON at byte 0: a message is a JSON object`,
	}, decode(strings.NewReader(text)))
}

func TestDecoderGivesTheReasonAsAnError(t *testing.T) {
	d := NewDecoder(strings.NewReader("{}\n"), "f")
	_, err := d.Next()
	var at *LineError
	require.ErrorAs(t, err, &at)
	require.Equal(t, "f", at.File)
	require.Equal(t, 1, at.Line)
	require.ErrorIs(t, err, ErrInvalid)
	for range 2 {
		_, err = d.Next()
		require.Equal(t, io.EOF, err)
	}
}

func TestDecoderTakesLinesUpToMaxLine(t *testing.T) {
	pad := func(n int) string { // a message of n bytes
		return strings.Replace(line("a"), "}", strings.Repeat(" ", n-len(line("a")))+"}", 1)
	}
	for _, end := range []string{"\n", "\r\n"} {
		text := pad(MaxLine) + end + pad(MaxLine+1) + end + pad(100<<10) + end + line("b") + end
		require.Equal(t, []string{
			"a",
			fmt.Sprintf("events.ndjson:2: input too large: line of more than %d bytes", MaxLine),
			"a", "b",
		}, decode(strings.NewReader(text)))
	}
	require.Equal(t, []string{"a"}, decode(strings.NewReader(pad(MaxLine))))
}

func TestDecoderDoesNotKeepALineThatIsTooLong(t *testing.T) {
	const size = 16 << 20
	huge := io.LimitReader(repeat('x'), size)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := decode(io.MultiReader(strings.NewReader(line("a")+"\n"), huge, strings.NewReader("\n"+line("b"))))
	runtime.ReadMemStats(&after)
	require.Len(t, got, 3)
	require.Contains(t, got[1], "events.ndjson:2: input too large")
	require.Equal(t, "b", got[2])
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(size/2))
}

// repeat reads as one byte without end.
type repeat byte

func (c repeat) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(c)
	}
	return len(b), nil
}

func TestDecoderStopsAtAnErrorOfTheReader(t *testing.T) {
	broken := errors.New("broken pipe")
	in := io.MultiReader(strings.NewReader(line("a")+"\n"+line("b")), iotest.ErrReader(broken))
	d := NewDecoder(in, "f")
	m, err := d.Next()
	require.NoError(t, err)
	require.Equal(t, "a", m.UserID)
	for range 2 {
		_, err = d.Next()
		require.ErrorIs(t, err, broken)
		require.NotErrorAs(t, err, new(*LineError))
	}
	require.Equal(t, []string{"events.ndjson:1: broken pipe"}, decode(iotest.ErrReader(broken)))
}

func TestDecoderAllCanBeLeftAndTakenUp(t *testing.T) {
	d := NewDecoder(strings.NewReader(line("a")+"\n"+line("b")), "f")
	for m, err := range d.All() {
		require.NoError(t, err)
		require.Equal(t, "a", m.UserID)
		break
	}
	m, err := d.Next()
	require.NoError(t, err)
	require.Equal(t, "b", m.UserID)
}

func TestMessagesKeepNothingOfTheDecoder(t *testing.T) {
	one := `{"type":"track","userId":"a","messageId":"m1","timestamp":1709294400,"event":"One","properties":{"k":"first","l":[1]},"context":{"c":1}}`
	two := strings.NewReplacer(`"a"`, `"b"`, "m1", "m2", "One", "Two", "first", "other", "[1]", "[2]", `"c":1`, `"c":2`).Replace(one)
	d := NewDecoder(strings.NewReader(one+"\n"+two+"\n"), "f")
	first, err := d.Next()
	require.NoError(t, err)
	_, err = d.Next()
	require.NoError(t, err)
	require.Equal(t, mustMessage(t, one), first)
}
