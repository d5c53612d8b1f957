package profile_test

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/muster-go/muster/profile"
)

func ExampleParseMessage() {
	m, err := profile.ParseMessage([]byte(`{
		"type": "track", "messageId": "m1", "timestamp": "2024-03-01T13:00:00+01:00",
		"userId": 17, "event": "Order Completed", "properties": {"total": 99.5, "currency": "EUR"}
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	total, _ := m.Properties.Get("total")
	fmt.Println(m.Profile(), m.Name, m.Time, total)
	// Output: 17 Order Completed 2024-03-01 12:00:00 +0000 UTC 99.5
}

func ExampleDecoder() {
	events := strings.NewReader(`{"type":"track","userId":"ann","event":"Signed Up","timestamp":"2024-03-01T12:00:00Z"}
{"type":"trac","userId":"ann","timestamp":"2024-03-01T12:05:00Z"}
{"type":"page","userId":"ann","name":"Home","timestamp":"2024-03-01T12:10:00Z"}
`)
	for m, err := range profile.NewDecoder(events, "events.ndjson").All() {
		var bad *profile.LineError
		switch {
		case errors.As(err, &bad):
			fmt.Println("skipped", bad)
		case err != nil:
			fmt.Println(err)
			return
		default:
			fmt.Println(m.Profile(), m.Name, m.Properties)
		}
	}
	// Output:
	// ann Signed Up {}
	// skipped events.ndjson:2: unknown type "trac"
	// ann Page Viewed {"name":"Home"}
}

func ExampleNewObject() {
	o, err := profile.NewObject(map[string]any{
		"total": 99.5, "items": 3, "tags": []string{"new", "gift"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for key, value := range o.All() {
		fmt.Println(key, value.Kind(), value)
	}
	// Output:
	// items int 3
	// tags list ["new","gift"]
	// total double 99.5
}

func ExampleWindow() {
	month := profile.Within(30 * profile.Day)
	lapsed := profile.Between(30*profile.Day, 90*profile.Day)
	text, err := lapsed.MarshalJSON()
	if err != nil {
		fmt.Println(err)
		return
	}
	bought := time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)
	fmt.Println(month, "stops to count it at", bought.Add(month.Max).Format(time.DateTime))
	fmt.Println(string(text), "begins to count it at", bought.Add(lapsed.Min).Format(time.DateTime))
	// Output:
	// within 30d stops to count it at 2024-03-31 12:00:00
	// {"between":["30d","90d"]} begins to count it at 2024-03-31 12:00:00
}
