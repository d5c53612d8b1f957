package profile

import (
	"encoding/json"
	"testing"
	"time"
)

const benchLine = `{"type":"track","messageId":"ajs-next-5f3c0d1e9b7a4c","timestamp":"2024-03-01T12:34:56.789Z","userId":"user-104729","anonymousId":"c0ffee00-1234-4cde-8f00-0123456789ab","event":"Order Completed","properties":{"order_id":"50314b8e9bcf000000000000","total":127.5,"currency":"USD","items":3,"coupon":null,"products":[{"product_id":"507f1f77bcf86cd799439011","price":42.5,"quantity":3}]},"context":{"ip":"203.0.113.7","library":{"name":"analytics.js","version":"2.11.1"},"locale":"en-GB","page":{"path":"/checkout","url":"https://shop.example/checkout"}},"integrations":{"All":true}}`

// BenchmarkParseMessage stands beside encoding/json reading the same line into
// a struct with maps: the way to do it without this package.
func BenchmarkParseMessage(b *testing.B) {
	line := []byte(benchLine)
	b.Run("ParseMessage", func(b *testing.B) {
		b.SetBytes(int64(len(line)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ParseMessage(line); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Decoder", func(b *testing.B) {
		b.SetBytes(int64(len(line) + 1))
		b.ReportAllocs()
		d := NewDecoder(&endless{text: append(line, '\n')}, "bench")
		for b.Loop() {
			if _, err := d.Next(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.SetBytes(int64(len(line)))
		b.ReportAllocs()
		for b.Loop() {
			var m struct {
				Type, MessageID, UserID, AnonymousID, Event string
				Timestamp                                   time.Time
				Properties, Context                         map[string]any
			}
			if err := json.Unmarshal(line, &m); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// endless reads as text, again and again.
type endless struct {
	text []byte
	at   int
}

func (r *endless) Read(b []byte) (int, error) {
	n := 0
	for n < len(b) {
		c := copy(b[n:], r.text[r.at:])
		n += c
		r.at = (r.at + c) % len(r.text)
	}
	return n, nil
}
