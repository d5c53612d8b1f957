package webhook_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/muster-go/muster/destination/webhook"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// The example that the Standard Webhooks libraries are tested with.
const (
	specKey  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	specBody = `{"test": 2432232314}`
)

func specHeader() http.Header {
	h := http.Header{}
	h.Set(webhook.HeaderID, "msg_p5jXN8AQM9LWM0D4loKWxJek")
	h.Set(webhook.HeaderTimestamp, "1614265330")
	h.Set(webhook.HeaderSignature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
	return h
}

func TestVerify(t *testing.T) {
	key, err := webhook.ParseKey(specKey)
	require.NoError(t, err)
	made := time.Unix(1614265330, 0)
	other := make([]byte, webhook.MinKey)
	for name, tt := range map[string]struct {
		change func(http.Header)
		body   string
		now    time.Time
		keys   [][]byte
		want   error
	}{
		"as signed":                {now: made, keys: [][]byte{key}},
		"with one of several keys": {now: made, keys: [][]byte{other, key}},
		"at the end of the tolerance": {
			now: made.Add(webhook.Tolerance), keys: [][]byte{key}},
		"among other signatures": {
			change: func(h http.Header) {
				h.Set(webhook.HeaderSignature, "v1a,AAAA v1,AAAA v1,??? "+h.Get(webhook.HeaderSignature))
			},
			now: made, keys: [][]byte{key}},
		"too old":      {now: made.Add(webhook.Tolerance + 1), keys: [][]byte{key}, want: webhook.ErrSignature},
		"too new":      {now: made.Add(-webhook.Tolerance - 1), keys: [][]byte{key}, want: webhook.ErrSignature},
		"another key":  {now: made, keys: [][]byte{other}, want: webhook.ErrSignature},
		"another body": {body: specBody + " ", now: made, keys: [][]byte{key}, want: webhook.ErrSignature},
		"another id": {
			change: func(h http.Header) { h.Set(webhook.HeaderID, "msg") },
			now:    made, keys: [][]byte{key}, want: webhook.ErrSignature},
		"another time": {
			change: func(h http.Header) { h.Set(webhook.HeaderTimestamp, "1614265331") },
			now:    made, keys: [][]byte{key}, want: webhook.ErrSignature},
		"a time beyond all bounds": {
			change: func(h http.Header) { h.Set(webhook.HeaderTimestamp, "-9223372036854775808") },
			now:    made, keys: [][]byte{key}, want: webhook.ErrSignature},
		"no header": {
			change: func(h http.Header) { clear(h) },
			now:    made, keys: [][]byte{key}, want: webhook.ErrSignature},
		"no signature": {
			change: func(h http.Header) { h.Del(webhook.HeaderSignature) },
			now:    made, keys: [][]byte{key}, want: webhook.ErrSignature},
		"no key":      {now: made, want: profile.ErrInvalid},
		"a short key": {now: made, keys: [][]byte{nil}, want: profile.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			h, body := specHeader(), specBody
			if tt.change != nil {
				tt.change(h)
			}
			if tt.body != "" {
				body = tt.body
			}
			err := webhook.Verify(h, []byte(body), tt.now, tt.keys...)
			if tt.want == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, tt.want)
		})
	}
}

func TestParseKey(t *testing.T) {
	for _, text := range []string{"", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_secret!", "whsec_c2hvcnQ="} {
		_, err := webhook.ParseKey(text)
		require.ErrorIs(t, err, profile.ErrInvalid, text)
		require.NotContains(t, err.Error(), strings.TrimPrefix(text+"!", "whsec_"), "keys are secrets")
	}
}
