package destination_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/muster-go/muster/destination"
)

// BenchmarkSend is the way of one change from the callback to the JSON.
func BenchmarkSend(b *testing.B) {
	src := newSource("a")
	hub := destination.NewHub(src, destination.Options{})
	if _, err := hub.Connect(context.Background(), encoding{}, destination.Config{Mode: destination.Identify}); err != nil {
		b.Fatal(err)
	}
	ids := make([]string, 10_000)
	for i := range ids {
		ids[i] = fmt.Sprintf("user-%d", i)
	}
	for i := 0; b.Loop(); i++ {
		if i/len(ids)%2 == 0 {
			src.change(entered("a", ids[i%len(ids)], start))
		} else {
			src.change(exited("a", ids[i%len(ids)], start))
		}
		if i%100 == 99 {
			if _, err := hub.Sync(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// encoding is a destination that writes JSON and leaves it at that.
type encoding struct{}

func (encoding) Type() string { return "encoding" }

func (encoding) Modes() destination.Mode { return destination.Identify }

func (encoding) Deliver(_ context.Context, b *destination.Batch) error {
	_, err := b.MarshalJSON()
	return err
}
