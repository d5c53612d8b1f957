package profile

import (
	"encoding/json"
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type sku struct {
	ID    string  `json:"id"`
	Price float64 `json:"price"`
}

func TestPropsAreAnythingThatJSONCanWrite(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var none *sku
	e, err := Event{Profile: "ann", Name: "Order Completed", Props: Props{
		"total": 60, "tags": []string{"a"}, "counts": []int{1, 2}, "at": at, "item": sku{"s1", 9.5}, "items": []sku{{"s2", 1}},
		"more": map[string]int{"x": 1}, "deep": Props{"y": Props{"z": uint8(3)}}, "none": none, "raw": json.RawMessage(`{"r": [1]}`),
		"number": json.Number("1.50"), "float32": float32(20.58), "address": netip.MustParseAddr("127.0.0.1"), "duration": time.Second,
	}}.Packed()
	require.NoError(t, err)
	require.Nil(t, e.Props)
	require.JSONEq(t, `{"total": 60, "tags": ["a"], "counts": [1, 2], "at": "2026-01-02T03:04:05Z", "item": {"id": "s1", "price": 9.5},
		"items": [{"id": "s2", "price": 1}], "more": {"x": 1}, "deep": {"y": {"z": 3}}, "none": null, "raw": {"r": [1]}, "number": 1.5,
		"float32": 20.58, "address": "127.0.0.1", "duration": 1000000000}`, e.Properties.String())
}

func TestPropsThatJSONCannotWriteSayWhere(t *testing.T) {
	for want, props := range map[string]Props{
		`properties: wire: invalid input: chan int has no JSON form`: {"wire": make(chan int)},
		`properties: list: [1]: invalid input: func() has no JSON`:   {"list": []any{1, func() {}}},
		`properties: nan: invalid input: NaN`:                        {"nan": math.NaN()},
		`properties: text: invalid input: text is not valid UTF-8`:   {"text": "\xff"},
	} {
		_, err := Event{Props: props}.Packed()
		require.ErrorIs(t, err, ErrInvalid)
		require.ErrorContains(t, err, want)
	}
	other, err := NewObject(map[string]any{"b": 1})
	require.NoError(t, err)
	_, err = Event{Props: Props{"a": 1}, Properties: other}.Packed()
	require.ErrorContains(t, err, "not both")
	require.ErrorContains(t, (&Event{Profile: "u", Name: "E", Time: time.Now(), Props: Props{}}).Validate(), "not packed")
}
