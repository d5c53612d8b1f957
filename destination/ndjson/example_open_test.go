package ndjson_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/destination/ndjson"
	"github.com/muster-go/muster/profile"
)

// A file in which a process that was killed left half a line: the next one ends it,
// and appends whole lines.
func ExampleOpen() {
	folder, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "audiences.ndjson")
	if err := os.WriteFile(path, []byte(`{"type":"iden`), 0o600); err != nil {
		log.Fatal(err)
	}

	out, err := ndjson.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	// A hub does this, and closes out with the connection.
	err = out.Deliver(context.Background(), &destination.Batch{
		ID:       "1",
		Messages: []profile.Message{{Type: profile.Identify, UserID: "ann", MessageID: "m", Time: start}},
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := out.Close(); err != nil {
		log.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		fmt.Println(i+1, line)
	}
	// Output:
	// 1 {"type":"iden
	// 2 {"type":"identify","messageId":"m","timestamp":"2026-03-01T12:00:00Z","userId":"ann"}
}
