package ingest_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/muster-go/muster/ingest"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

func TestContextAndIntegrationsOfABatch(t *testing.T) {
	const id = `"type":"track","userId":"ann","event":"E",`
	for name, c := range map[string]struct{ batch, message, want string }{
		"neither":                {``, `"x":1`, `{}`},
		"the batch's":            {`"context":{"a":1,"b":{"c":2}},`, `"x":1`, `{"a":1,"b":{"c":2}}`},
		"the message's":          {``, `"context":{"a":1}`, `{"a":1}`},
		"both":                   {`"context":{"a":1,"b":1},`, `"context":{"b":2,"c":3}`, `{"a":1,"b":2,"c":3}`},
		"deep":                   {`"context":{"p":{"q":{"a":1,"b":1}}},`, `"context":{"p":{"q":{"b":2}}}`, `{"p":{"q":{"a":1,"b":2}}}`},
		"an object over a text":  {`"context":{"p":"x"},`, `"context":{"p":{"a":1}}`, `{"p":{"a":1}}`},
		"a text over an object":  {`"context":{"p":{"a":1}},`, `"context":{"p":"x"}`, `{"p":"x"}`},
		"null over a text":       {`"context":{"p":"x"},`, `"context":{"p":null}`, `{"p":null}`},
		"a context of null":      {`"context":{"a":1},`, `"context":null`, `{"a":1}`},
		"a context of PHP":       {`"context":{"a":1},`, `"context":[]`, `{"a":1}`},
		"escapes in keys":        {`"context":{"\u0061":1,"\"":1},`, `"context":{"a":2}`, `{"\"":1,"a":2}`},
		"a key twice":            {`"context":{"a":1},`, `"context":{"a":2,"a":3}`, `{"a":3}`},
		"what is no context":     {`"context":"x",`, `"context":{"a":1}`, `{"a":1}`},
		"digits stay":            {`"context":{"a":12345678901234567890},`, `"x":1`, `{"a":12345678901234567890}`},
		"all are wanted":         {`"integrations":{"All":true},`, `"integrations":{"All":true}`, `{}`},
		"integrations":           {`"integrations":{"All":false,"A":true},`, `"integrations":{"A":false,"B":{"x":1}}`, `{"integrations":{"A":false,"All":false,"B":{"x":1}}}`},
		"of the message alone":   {``, `"integrations":{"All":false}`, `{"integrations":{"All":false}}`},
		"integrations of PHP":    {`"integrations":{"A":false},`, `"integrations":[]`, `{"integrations":{"A":false}}`},
		"integrations of nobody": {`"integrations":[],`, `"integrations":{}`, `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			r := httptest.NewRequest("POST", "/v1/batch?writeKey=other", strings.NewReader(`{`+c.batch+`"batch":[{`+id+c.message+`},{`+id+`"x":1}]}`))
			a := w.do(r)
			require.True(t, a.Success, a.Body)
			require.Equal(t, c.want, w.messages[0].Context.String())
			if name == "what is no context" || name == "integrations of nobody" {
				require.Len(t, w.errs, 1, "it is told")
			}
		})
	}
}

func TestWhatTheLibrariesPutIntoTheContext(t *testing.T) {
	w := newWorld(t, nil)
	w.must("/v1/identify", `{"userId":"ann","context":{"traits":{"plan":"pro","email":"ann@x.io"},"device":{"type":"ios","id":"d1","token":"t1"}}}`)
	w.must("/v1/track", `{"userId":"ann","event":"E","context":{"groupId":"acme","traits":{"phone":"+1"}}}`)
	w.Equal("acme", w.last().GroupID)
	ids, err := w.store.IDs(context.Background(), profile.UserRef("ann"))
	w.NoError(err)
	w.Equal([]profile.ExternalID{
		{Type: "email", Value: "ann@x.io"}, {Type: "ios.id", Value: "d1"}, {Type: "ios.push_token", Value: "t1"},
		{Type: "phone", Value: "+1"}, {Type: "user_id", Value: "ann"},
	}, ids)
	traits, err := w.store.Traits(context.Background(), profile.UserRef("ann"))
	w.NoError(err)
	w.Len(traits, 2)

	w = newWorld(t, func(o *ingest.Options) { o.Without = profile.DeviceIDs | profile.Emails | profile.Phones })
	w.must("/v1/identify", `{"userId":"ann","traits":{"email":"ann@x.io","phone":"+1"},"context":{"device":{"type":"ios","id":"d1"}}}`)
	ids, err = w.store.IDs(context.Background(), profile.UserRef("ann"))
	w.NoError(err)
	w.Equal([]profile.ExternalID{{Type: "user_id", Value: "ann"}}, ids)
}

func TestTimes(t *testing.T) {
	// The sender's clock is five years and a minute ahead.
	const ahead = "2031-03-01T12:01:00Z"
	for name, c := range map[string]struct {
		header, batch, message string
		correct                bool
		want                   time.Time
	}{
		"none":                           {want: noon},
		"timestamp":                      {message: `"timestamp":"2026-02-01T00:00:00Z"`, want: noon.Add(-28*profile.Day - 12*time.Hour)},
		"originalTimestamp, nothing":     {message: `"originalTimestamp":"2026-02-01T12:00:00Z"`, want: noon.Add(-28 * profile.Day)},
		"by the message's sentAt":        {message: `"originalTimestamp":"2031-03-01T12:00:00Z","sentAt":"` + ahead + `"`, want: noon.Add(-time.Minute)},
		"by the batch's":                 {batch: `"sentAt":"` + ahead + `",`, message: `"originalTimestamp":"2031-03-01T12:00:00Z"`, want: noon.Add(-time.Minute)},
		"by the message's first":         {batch: `"sentAt":"2020-01-01",`, message: `"originalTimestamp":"2031-03-01T12:00:00Z","sent_at":"` + ahead + `"`, want: noon.Add(-time.Minute)},
		"by the header's":                {header: "Sat, 01 Mar 2031 12:01:00 GMT", message: `"originalTimestamp":"2031-03-01T12:00:00Z"`, want: noon.Add(-time.Minute)},
		"by the batch's before that":     {header: "Sat, 01 Mar 2020 12:01:00 GMT", batch: `"sentAt":"` + ahead + `",`, message: `"originalTimestamp":"2031-03-01T12:00:00Z"`, want: noon.Add(-time.Minute)},
		"a batch's that is none":         {batch: `"sentAt":"now",`, message: `"originalTimestamp":"2026-02-01T12:00:00Z"`, want: noon.Add(-28 * profile.Day)},
		"a header that is none":          {header: "now", message: `"originalTimestamp":"2026-02-01T12:00:00Z"`, want: noon.Add(-28 * profile.Day)},
		"sentAt alone":                   {batch: `"sentAt":"2026-02-01T12:00:00Z",`, want: noon.Add(-28 * profile.Day)},
		"receivedAt is the server's":     {message: `"receivedAt":"2020-01-01"`, want: noon},
		"timestamp, corrected":           {correct: true, batch: `"sentAt":"` + ahead + `",`, message: `"timestamp":"2031-03-01T12:00:00Z"`, want: noon.Add(-time.Minute)},
		"corrected, nothing sent":        {correct: true, message: `"timestamp":"2026-02-01T12:00:00Z"`, want: noon.Add(-28 * profile.Day)},
		"corrected, of both its own":     {correct: true, batch: `"sentAt":"` + ahead + `",`, message: `"timestamp":"2026-02-01T12:00:00Z","originalTimestamp":"2031-03-01T12:00:00Z"`, want: noon.Add(-28 * profile.Day)},
		"not corrected if not asked for": {batch: `"sentAt":"` + ahead + `",`, message: `"timestamp":"2026-02-01T12:00:00Z"`, want: noon.Add(-28 * profile.Day)},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(o *ingest.Options) { o.CorrectTimestamps = c.correct })
			message := `{"type":"identify","userId":"ann"}`
			if c.message != "" {
				message = `{"type":"identify","userId":"ann",` + c.message + `}`
			}
			r := httptest.NewRequest("POST", "/v1/batch?writeKey=wk", strings.NewReader(`{`+c.batch+`"batch":[`+message+`]}`))
			if c.header != "" {
				r.Header.Set("Date", c.header)
			}
			a := w.do(r)
			require.True(t, a.Success, a.Body)
			require.Equal(t, c.want, w.last().Time)
		})
	}
}
