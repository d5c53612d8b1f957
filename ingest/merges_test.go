package ingest_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/muster-go/muster/ingest"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// kept returns the id under which the profile of an external id is kept.
func (w *world) kept(typ, value string) []string {
	ids, err := w.store.Find(context.Background(), profile.User, profile.ExternalID{Type: typ, Value: value})
	w.NoError(err)
	return ids
}

func TestMerge(t *testing.T) {
	merge := func(a, b string) string {
		return `{"messageId":"x","mergeProperties":[` + a + `,` + b + `]}`
	}
	id := func(typ, value string) string { return `{"type":"` + typ + `","value":"` + value + `"}` }
	for name, c := range map[string]struct {
		a, b    string
		typ     profile.MessageType // zero: it is refused
		message string              // of the error, or the id that stays
		holder  [2]string           // of an external id: type and value
	}{
		"two users":                {id("user_id", "ann"), id("user_id", "bob"), profile.Alias, "ann", [2]string{"email", "bob@x.io"}},
		"by their emails":          {id("email", "bob@x.io"), id("email", "ann@x.io"), profile.Alias, "bob", [2]string{"email", "ann@x.io"}},
		"a visitor and a user":     {id("anonymous_id", "v"), id("email", "ann@x.io"), profile.Alias, "ann", [2]string{"phone", "+1"}},
		"a new id of a user":       {id("mobile", "+49"), id("email", "ann@x.io"), profile.Identify, "ann", [2]string{"mobile", "+49"}},
		"a new id of a visitor":    {id("phone", "+1"), id("mobile", "+49"), profile.Identify, "v", [2]string{"mobile", "+49"}},
		"of one profile":           {id("email", "ann@x.io"), id("userId", "ann"), profile.Identify, "ann", [2]string{"email", "ann@x.io"}},
		"nobody has either":        {id("email", "x@x.io"), id("phone", "+99"), 0, "nobody has", [2]string{}},
		"several have it":          {id("team", "red"), id("user_id", "ann"), 0, "2 profiles have the team", [2]string{}},
		"nobody's id":              {id("user_id", "undefined"), id("user_id", "ann"), 0, "nobody's id", [2]string{}},
		"an empty one":             {id("", ""), id("user_id", "ann"), 0, "empty", [2]string{}},
		"what is no id":            {`{"type":"email","value":{}}`, id("user_id", "ann"), 0, "merge", [2]string{}},
		"what is no pair":          {`1`, `2`, 0, "merge", [2]string{}},
		"more than two":            {id("user_id", "ann"), id("user_id", "bob") + "," + id("user_id", "eve"), 0, "not 3", [2]string{}},
		"a user that is not there": {id("email", "ann@x.io"), id("user_id", "new"), profile.Alias, "ann", [2]string{"email", "ann@x.io"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.must("/v1/identify", `{"userId":"ann","traits":{"email":"ann@x.io"},"context":{"externalIds":[{"type":"team","id":"red"}]}}`)
			w.must("/v1/identify", `{"userId":"bob","traits":{"email":"bob@x.io"},"context":{"externalIds":[{"type":"team","id":"red"}]}}`)
			w.must("/v1/identify", `{"anonymousId":"v","traits":{"phone":"+1"}}`)
			a := w.post("/v1/merge", merge(c.a, c.b))
			require.Equal(t, http.StatusOK, a.Status)
			if c.typ == 0 {
				require.False(t, a.Success)
				require.Contains(t, a.Refused[0].Error, c.message)
				require.Equal(t, "x", a.Refused[0].MessageID)
				return
			}
			require.True(t, a.Success, a.Body)
			m := w.last()
			require.Equal(t, c.typ, m.Type)
			require.Equal(t, "x", m.MessageID)
			require.Equal(t, noon, m.Time)
			require.Equal(t, []string{c.message}, w.kept(c.holder[0], c.holder[1]))
		})
	}
}

// A merge in a batch sees what the messages before it did.
func TestAMergeInABatch(t *testing.T) {
	w := newWorld(t, nil)
	w.must("/v1/batch", `{"batch":[
		{"type":"identify","userId":"ann","traits":{"email":"ann@x.io"}},
		{"type":"track","anonymousId":"v","event":"E","context":{"traits":{"phone":"+1"}}},
		{"type":"merge","mergeProperties":[{"type":"phone","value":"+1"},{"type":"email","value":"ann@x.io"}]},
		{"type":"track","userId":"ann","event":"F"}]}`)
	w.Equal([]string{"ann"}, w.kept("phone", "+1"))
	w.Equal("F", w.last().Name)
	w.EqualValues(4, w.handler.Stats().Taken)
}

func TestMergesThatCannotBe(t *testing.T) {
	const body = `{"mergeProperties":[{"type":"phone","value":"+1"},{"type":"email","value":"ann@x.io"}]}`
	w := newWorld(t, func(o *ingest.Options) { o.Profiles = nil })
	a := w.post("/v1/merge", body)
	w.Equal(http.StatusOK, a.Status)
	w.Contains(a.Refused[0].Error, "not taken here")

	w = newWorld(t, func(o *ingest.Options) { o.Profiles = failingProfiles{} })
	w.Equal(http.StatusServiceUnavailable, w.post("/v1/merge", body).Status)
	w.ErrorIs(w.errs[0], errDown)
	a = w.post("/v1/merge", `{"mergeProperties":[{"type":"anonymous_id","value":"v"},{"type":"user_id","value":"ann"}]}`)
	w.Equal(http.StatusServiceUnavailable, a.Status)
}
