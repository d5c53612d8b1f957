package profile

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var jsonSeeds = []string{
	`{}`, `null`, `[]`, ` {"b":1,"a":{"c":[1,2.5,-3e2,"x"]},"b":2} `, `{"a":"\ud83d\ude00\ud83d\u00e9\n"}`,
	`9223372036854775808`, `-9223372036854775808`, `1e999`, `-0`, `0.1e-400`, `[1,]`, `{"a":1,}`, `"\u12"`, "\"\xff\"", `{} {}`,
	`{"":"","":{"":[]}}`, `{"long":"` + strings.Repeat("é", 200) + `","a":0}`, strings.Repeat("[", 40), `tru`, `01`, `1.`,
	strings.Repeat("[", 32) + strings.Repeat("]", 32), strings.Repeat("[", 33) + strings.Repeat("]", 33),
}

// reference reads a value through encoding/json, and the way from Go values:
// two passes with everything in between, but of others' making.
func reference(text []byte) (Value, error) {
	if !bytes.Equal(text, bytes.ToValidUTF8(text, nil)) {
		return Value{}, ErrInvalid
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return Value{}, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Value{}, ErrInvalid
	}
	return NewValue(numbers(v))
}

// numbers replaces the numbers as text by int64 or float64.
func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, err := v.Float64()
		switch {
		case err == nil && !strings.ContainsAny(string(v), ".eE") && strconv.FormatFloat(f, 'f', -1, 64) != string(v):
			return v // it keeps its digits
		case err == nil:
			return f
		}
		return make(chan int) // refused
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = numbers(v[k])
		}
	}
	return v
}

func FuzzParseValue(f *testing.F) {
	for _, s := range jsonSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		want, wantErr := reference(text)
		got, err := ParseValue(text)
		require.Equal(t, wantErr == nil, err == nil, "encoding/json: %v; here: %v", wantErr, err)
		if err != nil {
			require.True(t, errors.Is(err, ErrInvalid) || errors.Is(err, ErrTooLarge), err)
			return
		}
		require.Equal(t, want.kind, got.kind)
		require.Equal(t, want.num, got.num)
		require.True(t, bytes.Equal(want.data, got.data), "%s\n%s", want, got)
	})
}

func FuzzParseObject(f *testing.F) {
	for _, s := range jsonSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		o, err := ParseObject(text)
		if err != nil {
			return
		}
		// Through JSON.
		again, err := ParseObject([]byte(o.String()))
		require.NoError(t, err)
		require.True(t, bytes.Equal(o.body, again.body), "%s\n%s", o, again)
		require.True(t, json.Valid([]byte(o.String())))
		// Through plain Go.
		built, err := NewObject(o.Map())
		require.NoError(t, err)
		require.True(t, bytes.Equal(o.body, built.body), "%s\n%s", o, built)
		// Through a store's dictionary.
		dict := NewDict()
		stored := PackedObject(o.AppendPacked(nil, dict), dict)
		require.True(t, o.Value().Equal(stored.Value()))
		require.Equal(t, o.String(), stored.String())
		last, n := "", 0
		for k, v := range stored.All() {
			require.True(t, n == 0 || last < k, "keys ascend")
			found, ok := o.Get(k)
			require.True(t, ok)
			require.True(t, found.Equal(v))
			last, n = k, n+1
		}
		require.Equal(t, o.Len(), n)
	})
}

func FuzzParseMessage(f *testing.F) {
	f.Add([]byte(benchLine))
	for _, s := range []string{
		`{"type":"page","user_id":7,"timestamp":1709294400,"name":"Home","category":"Shop","properties":{"name":1}}`,
		`{"type":"identify","anonymousId":"a","sentAt":1709294400000.5,"traits":{"email":"a@x.io","phone":49}}`,
		`{"type":"group","groupId":"g","userId":"u","timestamp":"2024-03-01","traits":[]}`,
		`{"type":"ALIAS","previousId":"p","userId":"u","timestamp":"2024-03-01 12:00:00","context":{"externalIds":[{"type":"t","id":"i"}]}}`,
		`{"type":"track"}`, `{`, "\ufeff{}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := ParseMessage(text)
		if err != nil {
			require.True(t, errors.Is(err, ErrInvalid) || errors.Is(err, ErrTooLarge) || errors.Is(err, ErrTime), err)
			require.Zero(t, m)
			return
		}
		require.NoError(t, m.Validate())
		require.NotEmpty(t, m.IDs())
		if !bytes.ContainsAny(text, "\n") {
			d, err := NewDecoder(bytes.NewReader(text), "f").Next()
			require.NoError(t, err)
			require.Equal(t, m, d)
		}
	})
}

func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"30d", "1w2d", "1d12h30m", "90m", "0s", "-5h", "106751d23h47m16.854775807s", "1d-5h", "99999999w", "1.5h"} {
		f.Add(s, int64(len(s)))
	}
	f.Fuzz(func(t *testing.T, s string, n int64) {
		if d, err := ParseDuration(s); err == nil {
			again, err := ParseDuration(FormatDuration(d))
			require.NoError(t, err)
			require.Equal(t, d, again)
		}
		again, err := ParseDuration(FormatDuration(time.Duration(n)))
		require.NoError(t, err)
		require.Equal(t, time.Duration(n), again)
	})
}

func FuzzWindowJSON(f *testing.F) {
	for _, s := range []string{`{"within":"30d"}`, `{"between":["30d","90d"]}`, `{"within":"0s"}`, `null`, `{"between":["1d"]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var w Window
		if json.Unmarshal(text, &w) != nil {
			require.Zero(t, w)
			return
		}
		require.NoError(t, w.Validate())
		written, err := json.Marshal(w)
		require.NoError(t, err)
		again := Within(1)
		require.NoError(t, json.Unmarshal(written, &again))
		require.Equal(t, w, again)
	})
}

// FuzzParseTime: whatever a sender writes, it is a time in bounds, which reads back as
// itself, or none.
func FuzzParseTime(f *testing.F) {
	for _, s := range []string{
		`"2024-03-01T12:00:00Z"`, `" 2024-03-01 12:00 UTC"`, `"20240301T1200Z"`, `"2024-03-01t12:00:00.5+02"`, `"1709294400000"`, `1709294400.5`,
		`"0"`, `"0000-00-00"`, `"Fri, 01 Mar 2024 12:00:00 GMT"`, `-1`, `1e300`, `"2024-02-30"`, `"T"`, `"+"`, `"2024-03-01 +"`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := ParseValue(text)
		if err != nil {
			return
		}
		at, ok := ParseTime(v)
		if !ok {
			require.Zero(t, at)
			return
		}
		require.NoError(t, CheckTime(at))
		again, ok := ParseTime(StringValue(at.Format(time.RFC3339Nano)))
		require.True(t, ok)
		require.Equal(t, at, again)
	})
}

// FuzzIDs: the ids of a message are valid, none twice, and none of those that stand
// for none.
func FuzzIDs(f *testing.F) {
	f.Add([]byte(`{"userId":17.0,"context":{"externalIds":[{"type":"crm","id":98765432109876543210}],"traits":{"email":"undefined"}}}`))
	f.Add([]byte(`{"anonymousId":" null ","traits":{"phone":49e3},"context":{"groupId":1e400,"externalIds":{"id":1}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) == 0 || text[0] != '{' {
			return
		}
		m, err := ParseMessage(append([]byte(`{"type":"identify","timestamp":1709294400,"x":0,`), text[1:]...))
		if err != nil {
			require.True(t, errors.Is(err, ErrInvalid) || errors.Is(err, ErrTooLarge) || errors.Is(err, ErrTime), err)
			return
		}
		m = m.WithoutNoIDs(nil)
		seen := map[ExternalID]bool{}
		for _, id := range m.IDs() {
			require.NoError(t, CheckID("type", id.Type))
			require.NoError(t, CheckID("id", id.Value))
			require.False(t, NoID(id.Value), id)
			require.False(t, seen[id], id)
			seen[id] = true
		}
	})
}
