package storetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// errAfterEnd is an iterator's that goes on after an error.
var errAfterEnd = errors.New("an iterator yielded something after an error")

// ends runs an iterator to its end and returns its error.
func ends[T any](seq iter.Seq2[T, error]) (err error) {
	for _, e := range seq {
		if err != nil {
			return errAfterEnd
		}
		err = e
	}
	return err
}

// crowd makes many of everything that iterators yield.
func (h *harness) crowd(n int) {
	for i := range n {
		id := fmt.Sprintf("u%05d", i)
		e := event(id, "A", "", 0)
		e.Event.Account = "acme"
		h.apply(e, &profile.Join{User: id, Account: "acme"}, member("x", profile.UserRef(id)), value("v", profile.UserRef(id), i),
			event("a", "A", "", time.Duration(i)*time.Second), event("a", id, "", 0), use(id, ""))
	}
}

// iterators are those of a Reader, reduced to their errors.
var iterators = []struct {
	name string
	seq  func(ctx context.Context, r profile.Reader) iter.Seq[error]
}{
	{"Profiles", func(ctx context.Context, r profile.Reader) iter.Seq[error] {
		return errorsOf(r.Profiles(ctx, profile.User, ""))
	}},
	{"EventNames", func(ctx context.Context, r profile.Reader) iter.Seq[error] { return errorsOf(r.EventNames(ctx, "a")) }},
	{"Events", func(ctx context.Context, r profile.Reader) iter.Seq[error] {
		return errorsOf(r.Events(ctx, "a", "A", time.Time{}))
	}},
	{"Users", func(ctx context.Context, r profile.Reader) iter.Seq[error] { return errorsOf(r.Users(ctx, "acme")) }},
	{"Senders", func(ctx context.Context, r profile.Reader) iter.Seq[error] { return errorsOf(r.Senders(ctx, "acme")) }},
	{"Members", func(ctx context.Context, r profile.Reader) iter.Seq[error] { return errorsOf(r.Members(ctx, "x", "")) }},
	{"Values", func(ctx context.Context, r profile.Reader) iter.Seq[error] { return errorsOf(r.Values(ctx, "v", "")) }},
	{"Holders", func(ctx context.Context, r profile.Reader) iter.Seq[error] {
		return errorsOf(r.Holders(ctx, "x", profile.User, ""))
	}},
	{"Keys", func(ctx context.Context, r profile.Reader) iter.Seq[error] { return errorsOf(r.Keys(ctx)) }},
}

func errorsOf[T any](seq iter.Seq2[T, error]) iter.Seq[error] {
	return func(yield func(error) bool) {
		for _, err := range seq {
			if !yield(err) {
				return
			}
		}
	}
}

const crowdSize = 1500

var iteratorCases = []testCase{
	{name: "the consumer may write to the store", run: func(h *harness) {
		h.crowd(crowdSize)
		for n, it := range iterators {
			steps := 0
			for err := range it.seq(h.ctx(), h.store) {
				require.NoError(h, err, it.name)
				if steps++; steps > crowdSize/2 {
					break // what is written may be yielded too, or not
				}
				id := fmt.Sprintf("w%d-%05d", n, steps)
				e := event(id, "A", "", 0)
				e.Event.Account = "acme"
				h.apply(e, event("a", "A", "", 0), &profile.Join{User: id, Account: "acme"}, member("x", profile.UserRef(id)),
					value("v", profile.UserRef(id), steps), merge(fmt.Sprintf("v%d-%05d", n, steps), id), use(id, ""))
			}
			require.Greater(h, steps, crowdSize/2, it.name)
		}
	}},
	{name: "the consumer may stop at any point, and begin again", run: func(h *harness) {
		h.crowd(300)
		for _, it := range iterators {
			seq := it.seq(h.ctx(), h.store)
			for _, stop := range []int{1, 2, 100} {
				steps := 0
				for err := range seq {
					require.NoError(h, err, it.name)
					if steps++; steps == stop {
						break
					}
				}
				require.Equal(h, stop, steps, it.name)
			}
		}
	}},
	{name: "a context cancelled on the way ends it with the last pair", run: func(h *harness) {
		h.crowd(crowdSize)
		for _, it := range iterators {
			ctx, cancel := context.WithCancel(h.ctx())
			steps, failed := 0, error(nil)
			for err := range it.seq(ctx, h.store) {
				require.NoError(h, failed, "%s: an error is the last pair", it.name)
				failed = err
				cancel()
				steps++
			}
			require.ErrorIs(h, failed, context.Canceled, it.name)
			require.Less(h, steps, crowdSize, it.name)
			cancel()
		}
	}},
	{name: "a store closed on the way ends it with ErrClosed", run: func(h *harness) {
		h.crowd(crowdSize)
		var failed error
		for err := range iterators[0].seq(h.ctx(), h.store) {
			failed = err
			_ = h.store.Close()
		}
		require.ErrorIs(h, failed, profile.ErrClosed)
	}},
}
