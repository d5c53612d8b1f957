package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

var seeds = []string{
	`{"batch":[{"type":"track","userId":"u","event":"E","context":{"a":1}},null,{"x":NaN}],"context":{"a":{"b":[1]}},"integrations":{"All":false},"sentAt":"2026-03-01T12:00:00Z","writeKey":"wk"}`,
	`{"type":"merge","mergeProperties":[{"type":"user_id","value":"a"},{"type":"anonymous_id","value":"b"}]}`,
	`{"\u0074ype":"page","anonymousId":"a","context":[],"integrations":{"a" 1}}`,
	" { \"a\" : [ 1 , \"]}\\\"\" , { } ] , \"a\" : -1.5e3 } ",
	`{"batch":[[[[}}]]]}`,
	`{"a":"\`,
}

// FuzzFields: of what is JSON, the members and items are those that encoding/json finds.
func FuzzFields(f *testing.F) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		fields, isObject := fieldsOf(text)
		items, isList := elementsOf(text)
		if !json.Valid(text) {
			return
		}
		var m map[string]json.RawMessage
		wantObject := json.Unmarshal(text, &m) == nil && m != nil
		require.Equal(t, wantObject, isObject)
		got := map[string]json.RawMessage{}
		for _, f := range fields {
			got[string(f.key)] = f.value
		}
		if wantObject && utf8Keys(m) {
			require.Equal(t, m, got)
		}
		var l []json.RawMessage
		wantList := json.Unmarshal(text, &l) == nil && l != nil
		require.Equal(t, wantList, isList)
		require.Len(t, items, len(l))
		for i := range items {
			require.Equal(t, string(l[i]), string(items[i]))
		}
	})
}

// utf8Keys reports whether no key has what encoding/json puts for what is no UTF-8.
func utf8Keys(m map[string]json.RawMessage) bool {
	for key := range m {
		if bytes.ContainsRune([]byte(key), '\ufffd') {
			return false
		}
	}
	return true
}

// FuzzMerge: of two objects of JSON one over the other has what decoding them one after
// the other into the same map gives.
func FuzzMerge(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":{"c":1,"d":[1]}}`), []byte(`{"b":{"c":{"x":null}},"e":"\u0061"}`))
	f.Add([]byte(`{"\"":{"a":1}}`), []byte(`{"\u0022":{"b":2}}`))
	f.Add([]byte(`{}`), []byte(`{"a" 1}`))
	f.Fuzz(func(t *testing.T, under, over []byte) {
		var a, b map[string]any
		if json.Unmarshal(under, &a) != nil || a == nil {
			return
		}
		out := appendMerged(nil, under, over, maxNesting)
		if json.Unmarshal(over, &b) != nil || b == nil || repeats(under) || repeats(over) {
			return
		}
		var got map[string]any
		require.NoError(t, json.Unmarshal(out, &got), "%s", out)
		want := overlay(a, b, maxNesting)
		if !reflect.DeepEqual(want, got) {
			t.Errorf("%s under %s: %s", under, over, out)
		}
	})
}

func overlay(a, b map[string]any, levels int) map[string]any {
	for key, over := range b {
		x, ok1 := a[key].(map[string]any)
		y, ok2 := over.(map[string]any)
		if ok1 && ok2 && levels > 0 {
			over = overlay(x, y, levels-1)
		}
		a[key] = over
	}
	return a
}

// repeats reports whether an object in text has a key twice, or one that is no UTF-8.
func repeats(text []byte) bool {
	fields, _ := fieldsOf(text)
	seen := map[string]bool{}
	for _, f := range fields {
		if seen[string(f.key)] || bytes.ContainsRune(f.key, '\ufffd') || repeats(f.value) {
			return true
		}
		seen[string(f.key)] = true
	}
	return !json.Valid(text) || bytes.Contains(text, []byte("\\ud")) || bytes.Contains(text, []byte("\\uD")) || !bytes.Equal(text, bytes.ToValidUTF8(text, nil))
}

// taker is an engine that takes what is valid.
type taker struct{ t *testing.T }

func (x taker) ApplyEach(_ context.Context, messages ...profile.Message) ([]*audience.MessageError, error) {
	for i := range messages {
		require.NoError(x.t, messages[i].Validate())
		require.NotEmpty(x.t, messages[i].MessageID)
	}
	return nil, nil
}

func (taker) Find(context.Context, profile.Subject, profile.ExternalID) ([]string, error) {
	return []string{"p"}, nil
}

func (taker) Known(context.Context, string) (bool, error) { return true, nil }

// FuzzRequest: whatever is sent, it is answered with one of the answers there are, every
// message is taken or refused, and what is taken is valid and has the source's name.
func FuzzRequest(f *testing.F) {
	for i, seed := range seeds {
		f.Add([]byte(seed), "/v1/batch", uint8(i))
		f.Add([]byte(seed), "/v1/identify", uint8(i))
	}
	allowed := map[int]bool{200: true, 400: true, 401: true, 404: true, 413: true, 415: true}
	f.Fuzz(func(t *testing.T, body []byte, path string, how uint8) {
		if _, ok := routeOf(path); !ok {
			path = "/v1/batch"
		}
		refused := 0
		h, err := New(taker{t}, Options{
			Authorizer:        WriteKeys{"wk": "web"},
			Clock:             audience.NewManualClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)),
			MaxBatch:          4096,
			MaxMessage:        2048,
			CorrectTimestamps: how&1 != 0,
			Profiles:          taker{t},
			OnReject:          func(Rejection) { refused++ },
		})
		require.NoError(t, err)
		send := body
		if how&2 != 0 {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			_, err := z.Write(body)
			require.NoError(t, err)
			require.NoError(t, z.Close())
			send = b.Bytes()
		}
		r := httptest.NewRequest("POST", "/", bytes.NewReader(send))
		r.URL.Path = path
		r.SetBasicAuth("wk", "")
		if how&6 != 0 {
			r.Header.Set("Content-Encoding", "gzip") // of what is none, too
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.True(t, allowed[w.Code], "%d", w.Code)
		require.True(t, json.Valid(w.Body.Bytes()))
		s := h.Stats()
		require.EqualValues(t, refused, s.Refused)
		require.Zero(t, s.InFlight)
		if w.Code != http.StatusOK {
			require.Zero(t, s.Taken+s.Refused)
			require.EqualValues(t, 1, s.Invalid)
		}
	})
}
