package answer

import (
	"errors"
	"net/http"
	"testing"
	"unicode/utf8"

	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

func TestCheckURL(t *testing.T) {
	require.NoError(t, CheckURL("https://x.io/path?a=b"))
	for _, text := range []string{"", "x.io", "ftp://x.io", "https:///path", "https://x.io/%zz"} {
		require.ErrorIs(t, CheckURL(text), profile.ErrInvalid, text)
	}
}

func TestClientsFollowNoRedirect(t *testing.T) {
	given := &http.Client{}
	for _, c := range []*http.Client{nil, given} {
		client, own := Client(c)
		require.Equal(t, c == nil, own)
		require.Equal(t, http.ErrUseLastResponse, client.CheckRedirect(nil, nil))
	}
	require.Nil(t, given.CheckRedirect, "what was given stays as it was")
}

// FuzzError: whatever a receiver answers, it is an error unless it is 2xx, and asks for no
// more than a day.
func FuzzError(f *testing.F) {
	f.Add(429, "120", "", "busy")
	f.Add(503, "Sun, 01 Mar 2026 13:00:00 GMT", "Sun, 01 Mar 2026 12:00:00 GMT", "\xff")
	f.Add(200, "-1", "now", "OK")
	f.Fuzz(func(t *testing.T, code int, after, date, body string) {
		resp := &http.Response{StatusCode: code, Header: http.Header{"Retry-After": {after}, "Date": {date}}}
		err := Error(resp, []byte(body))
		require.Equal(t, code/100 == 2, err == nil)
		if err == nil {
			return
		}
		var status *destination.StatusError
		require.ErrorAs(t, err, &status)
		require.Equal(t, code, status.Code)
		require.True(t, utf8.ValidString(err.Error()))
		var wait *destination.RetryAfterError
		if errors.As(err, &wait) {
			require.Positive(t, wait.Wait)
			require.LessOrEqual(t, wait.Wait, MaxRetryAfter)
			require.NotErrorIs(t, err, destination.ErrRefused)
		}
	})
}
