package csvexport

import (
	"context"
	"iter"
)

// ahead runs a sequence on a goroutine of its own, up to n items ahead of the
// consumer: a value is with the consumer, n wait, and one is being made. The
// sequence's context ends, and the goroutine has ended, when the loop does.
func ahead[T any](ctx context.Context, n int, sequence func(context.Context) iter.Seq2[T, error]) iter.Seq2[T, error] {
	type item struct {
		value T
		err   error
	}
	return func(yield func(T, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		items := make(chan item, n)
		go func() {
			defer close(items)
			for v, err := range sequence(ctx) {
				select {
				case items <- item{v, err}:
				case <-ctx.Done():
					return
				}
			}
		}()
		defer func() {
			cancel()
			for range items { // until it is closed
			}
		}()
		for it := range items {
			if !yield(it.value, it.err) {
				return
			}
		}
		if err := ctx.Err(); err != nil { // the caller's: the sequence may have been cut off
			var none T
			yield(none, err)
		}
	}
}
