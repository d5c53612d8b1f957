// Package answer reads what a receiver answers to a request of a destination, and keeps
// destinations from receivers that would lead them elsewhere or never come to an end.
package answer

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/profile"
)

// MaxRetryAfter is the longest wait that a receiver can ask for.
const MaxRetryAfter = 24 * time.Hour

// What is read of an answer once its status is there: so many bytes, within so long.
const (
	maxBody  = 16 << 10
	bodyTime = time.Second
)

// maxHeader is the largest header of an answer, in bytes, for a client of our own.
const maxHeader = 64 << 10

// CheckURL returns an error wrapping profile.ErrInvalid unless text is the URL of a
// server.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return fmt.Errorf("%w: %w", profile.ErrInvalid, err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%w: %q is not the URL of a server", profile.ErrInvalid, text)
	}
	return nil
}

// Client returns a copy of a client that follows no redirects, as they could lead data and
// keys to another host; nil: one of its own, which is to be closed. own says so.
func Client(given *http.Client) (client *http.Client, own bool) {
	c := http.Client{}
	if given != nil {
		c = *given
	} else {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.MaxResponseHeaderBytes = maxHeader
		c.Transport, own = transport, true
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c, own
}

// Read returns the beginning of an answer's body, and closes it. A body without an end, or
// one that stalls, is cut off.
func Read(resp *http.Response) []byte {
	// What is read to its end lets the connection be used again. One that breaks off is
	// an answer still: its status says what it is.
	cut := time.AfterFunc(bodyTime, func() { _ = resp.Body.Close() })
	defer cut.Stop()
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	return body
}

// Error returns the error that an answer is: nil for 2xx, and otherwise a
// *destination.StatusError, in a *destination.RetryAfterError if it asks for a wait.
func Error(resp *http.Response, body []byte) error {
	if resp.StatusCode/100 == 2 {
		return nil
	}
	const most = 256
	text := strings.ToValidUTF8(strings.TrimSpace(string(body[:min(len(body), most)])), "")
	err := &destination.StatusError{Code: resp.StatusCode, Body: text}
	wait := retryAfter(resp.Header)
	if wait <= 0 || errors.Is(err, destination.ErrRefused) {
		return err
	}
	return &destination.RetryAfterError{Wait: wait, Err: err}
}

// retryAfter returns the wait that a header asks for; 0 if it asks for none. A
// date is taken relative to the server's own clock.
func retryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil {
		return time.Duration(min(seconds, uint64(MaxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), MaxRetryAfter)
}
