package ingest_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/ingest"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// nothing is an engine that takes everything and does nothing.
type nothing struct{}

func (nothing) ApplyEach(context.Context, ...profile.Message) ([]*audience.MessageError, error) {
	return nil, nil
}

// BenchmarkBatch is what a batch of 20 messages costs, as it is and compressed, before the
// engine has it: against reading the same messages one by one with profile.ParseMessage.
func BenchmarkBatch(b *testing.B) {
	h, err := ingest.New(nothing{}, ingest.Options{Authorizer: ingest.WriteKeys{"wk": "web"}})
	require.NoError(b, err)
	var messages [][]byte
	for i := range batchOfLoad {
		messages = append(messages, fmt.Appendf(nil, `{"type":"track","event":"Order Completed","userId":"u%d","messageId":"m%d","timestamp":"2026-03-01T12:00:00.000Z","properties":{"total":%d.5,"currency":"EUR"},"context":{"library":{"name":"analytics-node","version":"3.1.0"}},"integrations":{}}`, i, i, i))
	}
	body := append(append([]byte(`{"writeKey":"wk","sentAt":"2026-03-01T12:00:00.000Z","batch":[`), bytes.Join(messages, []byte{','})...), "]}"...)
	compressed := zip(b, body)
	post := func(body []byte, encoding string) func(*testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for range b.N {
				r := httptest.NewRequest("POST", "/v1/batch", bytes.NewReader(body))
				r.SetBasicAuth("wk", "")
				if encoding != "" {
					r.Header.Set("Content-Encoding", encoding)
				}
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
			}
		}
	}
	b.Run("as it is", post(body, ""))
	b.Run("gzip", post(compressed, "gzip"))
	b.Run("messages alone", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(body)))
		for range b.N {
			for _, text := range messages {
				if _, err := profile.ParseMessage(text); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
