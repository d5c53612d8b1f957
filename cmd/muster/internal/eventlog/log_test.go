package eventlog

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/profile"
)

// read returns what a log has happen, a line each, until its first error.
func read(t *testing.T, text, form string) ([]string, error) {
	t.Helper()
	log, err := New(strings.NewReader(text), "log", form)
	require.NoError(t, err)
	var all []string
	for {
		records, err := log.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		for _, r := range records {
			if r.Deleted != "" {
				all = append(all, "delete "+r.Deleted)
				continue
			}
			m := r.Message
			details := m.Properties.String()
			if m.Type == profile.Identify || m.Type == profile.Group {
				details = m.Traits.String()
			}
			all = append(all, strings.Join([]string{m.Type.String(), m.UserID, m.AnonymousID, m.GroupID, m.PreviousID, m.Name, m.MessageID, m.Time.Format(time.DateOnly), details}, " "))
		}
	}
}

// Every form tells the same story: a visitor looks, turns out to be ann, who is on
// the plan pro, and buys for 60.
func TestFormats(t *testing.T) {
	for name, log := range map[string]string{
		"segment": `
{"type":"track","anonymousId":"a1","event":"Product Viewed","timestamp":"2026-01-01T00:00:00Z","messageId":"1"}
{"type":"identify","userId":"ann","anonymousId":"a1","traits":{"plan":"pro"},"timestamp":"2026-01-02T00:00:00Z","messageId":"2"}
{"type":"track","userId":"ann","event":"Order Completed","properties":{"total":60},"timestamp":"2026-01-03T00:00:00Z","messageId":"3"}`,
		"rudderstack": `
{"batch":[{"type":"track","anonymousId":"a1","event":"Product Viewed","originalTimestamp":"2026-01-01T00:00:00.000Z","messageId":"1","channel":"web"}]}
{"type":"identify","userId":"ann","anonymousId":"a1","context":{"traits":{"plan":"pro"}},"originalTimestamp":"2026-01-02T00:00:00.000Z","messageId":"2"}
{"type":"track","userId":"ann","event":"Order Completed","properties":{"total":60},"originalTimestamp":"2026-01-03T00:00:00.000Z","messageId":"3"}`,
		"warehouse": `
{"table":"tracks","id":"1","anonymous_id":"a1","event":"product_viewed","event_text":"Product Viewed","timestamp":"2026-01-01 00:00:00 UTC","context_ip":"::1"}
{"table":"identifies","id":"2","user_id":"ann","anonymous_id":"a1","plan":"pro","received_at":"2026-01-02 00:00:00+00","uuid_ts":"2026-02-02"}
{"id":"3","user_id":"ann","event":"order_completed","event_text":"Order Completed","total":60,"timestamp":"2026-01-03 00:00:00.000"}`,
		"posthog": `
{"uuid":"1","event":"Product Viewed","distinct_id":"a1","properties":{"$device_id":"a1"},"timestamp":"2026-01-01T00:00:00Z"}
{"uuid":"2","event":"$identify","distinct_id":"ann","properties":{"$anon_distinct_id":"a1","$set":{"plan":"pro"}},"timestamp":"2026-01-02T00:00:00Z"}
{"uuid":"3","event":"Order Completed","distinct_id":"ann","properties":{"total":60,"$device_id":"a1"},"timestamp":"2026-01-03T00:00:00Z"}`,
		"amplitude": `
{"$insert_id":"1","event_type":"Product Viewed","device_id":"a1","user_id":null,"event_time":"2026-01-01 00:00:00.000000","event_properties":{}}
{"$insert_id":"2","event_type":"$identify","device_id":"a1","user_id":"ann","event_time":"2026-01-02 00:00:00.000000","user_properties":{"plan":"pro"}}
{"$insert_id":"3","event_type":"Order Completed","device_id":"a1","user_id":"ann","event_time":"2026-01-03 00:00:00.000000","event_properties":{"total":60},"groups":{"company":["acme"]}}`,
		"mixpanel": `
{"event":"Product Viewed","properties":{"time":1767225600,"distinct_id":"$device:a1","$device_id":"a1","$insert_id":"1"}}
{"event":"$identify","properties":{"time":1767312000,"$identified_id":"ann","$anon_id":"$device:a1","$insert_id":"2"}}
{"$distinct_id":"ann","$properties":{"$last_seen":"2026-01-02T00:00:00","plan":"pro","$email":"ann@x.io"}}
{"event":"Order Completed","properties":{"time":1767398400,"distinct_id":"ann","$user_id":"ann","$device_id":"a1","$insert_id":"3","total":60}}`,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := read(t, log, name)
			require.NoError(t, err)
			want := []string{
				"track  a1   Product Viewed 1 2026-01-01 {}",
				"identify ann a1    2 2026-01-02 {\"plan\":\"pro\"}",
				"track ann    Order Completed 3 2026-01-03 {\"total\":60}",
			}
			switch name { // what some tell besides
			case "posthog":
				want[0] = strings.Replace(want[0], "{}", `{"$device_id":"a1"}`, 1)
				want[2] = strings.Replace(want[2], "{", `{"$device_id":"a1",`, 1)
			case "amplitude":
				want[2] = strings.Replace(want[2], "ann   ", "ann a1 company:acme ", 1)
			case "mixpanel":
				want[1] = strings.Replace(want[1], `{"plan":"pro"}`, "{}", 1)
				want = slices.Insert(want, 2, `identify ann      2026-01-02 {"email":"ann@x.io","plan":"pro"}`)
				want[3] = strings.Replace(want[3], "ann ", "ann a1", 1)
			}
			require.Equal(t, want, got)
		})
	}
}

func TestAFormThatIsNone(t *testing.T) {
	_, err := New(strings.NewReader(""), "log", "heap")
	require.ErrorIs(t, err, profile.ErrInvalid)
	require.ErrorContains(t, err, `no form "heap" of a log, want one of amplitude, mixpanel, posthog, rudderstack, segment, warehouse`)
}

func TestLinesThatCannotBeUsed(t *testing.T) {
	const good = `{"type":"track","userId":"ann","event":"A","timestamp":"2026-01-01"}` + "\n"
	for name, tc := range map[string]struct{ text, form, want string }{
		"no message":          {good + "\n" + `{"type":"trac"}`, "", `log:3: unknown type "trac"`},
		"no JSON":             {good + "nonsense", "", "log:2: JSON at byte 0: a message is a JSON object"},
		"deletes nobody":      {`{"type":"delete"}`, "", "log:1: userId is empty"},
		"no event":            {`{"event":"x"}`, "mixpanel", "log:1: no event with properties"},
		"no event of PostHog": {`{}`, "posthog", "log:1: no event"},
		"no event type":       {`{}`, "amplitude", "log:1: no event_type"},
		"no batch":            {`{"batch":[1]}`, "rudderstack", "log:1: batch[0] is no message"},
		"too long":            {good + strings.Repeat(" ", profile.MaxLine+3) + "\n", "", "log:2: input too large: line of more than 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(t, tc.text, tc.form)
			var line *profile.LineError
			require.ErrorAs(t, err, &line)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestALogGoesOnBehindABadLine(t *testing.T) {
	log, err := New(strings.NewReader("\ufeff{\n\n{\"type\":\"delete\",\"user_id\":\"ann\"}\r\n"), "log", "segment")
	require.NoError(t, err)
	_, err = log.Next()
	require.ErrorContains(t, err, "log:1: ")
	records, err := log.Next()
	require.NoError(t, err)
	require.Equal(t, []Record{{Deleted: "ann"}}, records)
	require.EqualError(t, log.At(io.ErrNoProgress), "log:3: "+io.ErrNoProgress.Error())
	_, err = log.Next()
	require.Equal(t, io.EOF, err)
}

func TestFilesAreDecompressed(t *testing.T) {
	var zipped bytes.Buffer
	for _, part := range []string{"one ", "two"} { // gzip files may be joined to one
		w := gzip.NewWriter(&zipped)
		_, err := io.WriteString(w, part)
		require.NoError(t, err)
		require.NoError(t, w.Close())
	}
	path := filepath.Join(t.TempDir(), "no.telling.name")
	for _, text := range []string{"one two", zipped.String()} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		for _, from := range []string{path, Stdin} {
			f, err := Open(from, strings.NewReader(text))
			require.NoError(t, err)
			got, err := io.ReadAll(f)
			require.NoError(t, err)
			require.Equal(t, "one two", string(got))
			part, ok := f.Done()
			require.Equal(t, from == path, ok)
			if ok {
				require.Equal(t, 1.0, part)
			}
			require.NoError(t, f.Close())
		}
	}
	cut := zipped.String()[:zipped.Len()-4]
	f, err := Open(Stdin, strings.NewReader(cut))
	require.NoError(t, err)
	_, err = io.ReadAll(f)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	_, err = Open(Stdin, strings.NewReader("\x1f\x8bx"))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	_, err = Open(filepath.Join(path, "none"), nil)
	require.Error(t, err)
}
