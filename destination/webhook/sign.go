package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/muster-go/muster/profile"
)

// The headers of a request, from the Standard Webhooks specification.
const (
	HeaderID        = "webhook-id"
	HeaderTimestamp = "webhook-timestamp"
	HeaderSignature = "webhook-signature"
)

// MinKey is the length of the shortest key, in bytes.
const MinKey = 24

// Tolerance is how far the time of a request may be from the receiver's.
const Tolerance = 5 * time.Minute

// ErrSignature is wrapped by what Verify returns.
var ErrSignature = errors.New("bad signature")

// ParseKey reads a key as the Standard Webhooks libraries write one: "whsec_"
// and base64.
func ParseKey(text string) ([]byte, error) {
	// What is wrong is told without the text: it is a secret.
	encoded, ok := strings.CutPrefix(text, "whsec_")
	if !ok {
		return nil, fmt.Errorf("%w: a key begins with whsec_", profile.ErrInvalid)
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, fmt.Errorf("%w: the key is not base64", profile.ErrInvalid)
	}
	return key, checkKeys([][]byte{key})
}

func checkKeys(keys [][]byte) error {
	if len(keys) == 0 {
		return fmt.Errorf("%w: no key", profile.ErrInvalid)
	}
	for _, key := range keys {
		if len(key) < MinKey {
			return fmt.Errorf("%w: a key of %d bytes, at least %d", profile.ErrInvalid, len(key), MinKey)
		}
	}
	return nil
}

// Verify returns nil if a request of this header and body was signed with one of
// the keys, less than Tolerance before or after now; otherwise an error that
// wraps ErrSignature, or profile.ErrInvalid if there is no key that could be
// used. The comparison takes the same time whatever the signature is.
func Verify(h http.Header, body []byte, now time.Time, keys ...[]byte) error {
	if err := checkKeys(keys); err != nil {
		return err
	}
	id, at := h.Get(HeaderID), h.Get(HeaderTimestamp)
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || id == "" {
		return fmt.Errorf("%w: no %s or %s", ErrSignature, HeaderID, HeaderTimestamp)
	}
	if off := now.Sub(time.Unix(seconds, 0)).Abs(); off > Tolerance {
		return fmt.Errorf("%w: made %v from now", ErrSignature, off)
	}
	sums := make([][]byte, len(keys))
	for i, key := range keys {
		sums[i] = mac(key, id, at, body)
	}
	for _, signature := range strings.Fields(h.Get(HeaderSignature)) {
		encoded, ok := strings.CutPrefix(signature, "v1,")
		sum, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || err != nil {
			continue
		}
		for _, want := range sums {
			if hmac.Equal(sum, want) {
				return nil
			}
		}
	}
	return fmt.Errorf("%w: none that any key gives", ErrSignature)
}

// sign sets the headers of a request.
func sign(h http.Header, id string, now time.Time, body []byte, keys [][]byte) {
	at := strconv.FormatInt(now.Unix(), 10)
	signatures := make([]string, len(keys))
	for i, key := range keys {
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(mac(key, id, at, body))
	}
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, at)
	h.Set(HeaderSignature, strings.Join(signatures, " "))
}

func mac(key []byte, id, at string, body []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(id + "." + at + "."))
	m.Write(body)
	return m.Sum(nil)
}
