package destination_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/muster-go/muster/destination"
)

// The times between attempts grow, have full jitter, and an end. A receiver's
// own wish for a longer wait is granted.
func TestRetries(t *testing.T) {
	r := newRig(t, "a")
	r.to.fail = func(*destination.Batch) (error, bool) { return errDown, false }
	r.src.store(entered("a", "u", start))
	const seed = 7
	c := r.connect(destination.Config{ExternalIDs: []string{"email"}, Retry: destination.Retry{
		Base: time.Second, Cap: time.Minute, Rand: rand.NewPCG(seed, seed),
	}})
	r.Equal(time.Duration(0), c.Stats().NextSync.Sub(start))
	same := rand.New(rand.NewPCG(seed, seed))
	for n := range 12 {
		most := min(time.Second<<n, time.Minute)
		wait := r.sync()
		r.Equal(1+time.Duration(same.Int64N(int64(most))), wait)
		r.Equal(n+1, r.to.attempts)
		// What the profile is known by changes, which the batch keeps to itself.
		r.src.named("u", email(fmt.Sprint(n)))
		r.pass(wait - 1)
		r.EqualValues(1, r.sync(), "not yet")
		r.Equal(n+1, r.to.attempts)
		r.pass(1)
	}
	r.to.fail = func(*destination.Batch) (error, bool) {
		return &destination.RetryAfterError{Wait: 2 * time.Hour, Err: errDown}, false
	}
	r.Equal(2*time.Hour, r.sync())
	r.Equal(r.clock.Now().Add(2*time.Hour), c.Stats().NextSync)
	r.to.fail = func(*destination.Batch) (error, bool) { panic("bug") }
	r.pass(2 * time.Hour)
	r.LessOrEqual(r.sync(), time.Minute)

	s := c.Stats()
	r.EqualValues(14, s.Failures)
	r.EqualValues(13, s.Retries)
	r.Equal(1, s.InFlight)
	r.ErrorContains(s.LastError, "panic: bug")
	r.Equal(r.clock.Now(), s.LastErrorAt)
	r.Len(r.errs, 14)
	var failed *destination.DeliveryError
	r.ErrorAs(r.errs[2], &failed)
	r.Equal("test: attempt 3: down", failed.Error())
	r.ErrorIs(failed, errDown)
	r.Len(failed.Batch.Messages, 1)
	r.True(failed.Next.After(start))

	r.to.fail = nil
	r.NoError(r.hub.Flush(r.ctx), "does not wait")
	r.Len(r.to.texts, 2, "the batch is the same in all attempts; then come the ids")
}

// For an hour the receiver is down: every attempt fails, and some arrive in
// spite of that. Afterwards it has what is true, and was told nothing twice.
func TestAnHourOfFailure(t *testing.T) {
	r := newRig(t, "a", "b")
	rnd := rand.New(rand.NewPCG(1, 2))
	down := false
	r.to.fail = func(*destination.Batch) (error, bool) {
		if !down {
			return nil, true
		}
		return errDown, rnd.IntN(4) == 0
	}
	truth := map[string]bool{}
	flip := func() {
		key, id := []string{"a", "b"}[rnd.IntN(2)], fmt.Sprintf("u%03d", rnd.IntN(200))
		if pair := id + " " + key; truth[pair] {
			r.src.change(exited(key, id, r.clock.Now()))
			delete(truth, pair)
		} else {
			r.src.change(entered(key, id, r.clock.Now()))
			truth[pair] = true
		}
	}
	for range 100 {
		flip()
	}
	c := r.connect(destination.Config{BatchSize: 7, Retry: destination.Retry{Rand: rand.NewPCG(3, 4)}})
	for minute := range 180 {
		down = minute >= 60 && minute < 120
		for range 20 {
			r.pass(3 * time.Second)
			if rnd.IntN(3) > 0 {
				flip() // sometimes several at one instant
				flip()
			}
			r.sync()
		}
	}
	next := r.sync()
	for ; next >= 0; next = r.sync() {
		r.pass(next)
	}
	r.ElementsMatch(keysOf(truth), r.to.in())
	s := c.Stats()
	r.Equal(len(truth), s.Known)
	r.Positive(s.Failures)
	r.Positive(s.Folded)
	r.Positive(r.to.repeats, "batches arrived that had failed")
	r.Zero(s.Queued + s.InFlight)
	r.EqualValues(len(r.to.seen), s.Sent)
}

func keysOf(m map[string]bool) []string {
	keys := []string{}
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

// What is on its way is not taken back by what comes meanwhile: it may have
// arrived.
func TestABatchThatWasTriedStays(t *testing.T) {
	r := newRig(t, "a")
	r.to.fail = func(*destination.Batch) (error, bool) { return errDown, true }
	r.connect(destination.Config{})
	r.src.change(entered("a", "u", start))
	r.sync()
	r.src.change(exited("a", "u", r.pass(time.Second)))
	r.to.fail = nil
	r.NoError(r.hub.Flush(r.ctx))
	r.Equal([]string{"u: a true", "u: a false"}, r.to.got())
	r.Equal(1, r.to.repeats)
}

// The change that a receiver will never take is found, reported and given up;
// its neighbours are not lost.
func TestRefused(t *testing.T) {
	r := newRig(t, "a")
	refuse := func(b *destination.Batch) (error, bool) {
		for _, m := range b.Messages {
			if m.UserID == "u05" || m.UserID == "u11" {
				return fmt.Errorf("%w: do not like %s", destination.ErrRefused, m.UserID), false
			}
		}
		return nil, true
	}
	r.to.fail = refuse
	for i := range 16 {
		r.src.store(entered("a", fmt.Sprintf("u%02d", i), start))
	}
	c := r.connect(destination.Config{})
	r.EqualValues(-1, r.sync())
	r.Len(r.to.in(), 14)
	s := c.Stats()
	r.EqualValues(14, s.Sent)
	r.EqualValues(2, s.Refused)
	r.Equal(14, s.Known)
	r.Len(r.errs, 2)
	var failed *destination.DeliveryError
	r.ErrorAs(r.errs[0], &failed)
	r.ErrorIs(failed, destination.ErrRefused)
	r.Equal("u05", failed.Batch.Messages[0].UserID)
	r.True(failed.Next.IsZero())
	r.to.got()

	// It was never told that they entered, so it is not told that they exit.
	r.to.fail = nil
	r.src.change(exited("a", "u05", r.pass(time.Second)))
	r.sync()
	r.Empty(r.to.got())
	// Nor that one enters again whose exit it did not take.
	r.to.fail = func(*destination.Batch) (error, bool) { return destination.ErrRefused, false }
	r.src.change(exited("a", "u06", r.pass(time.Second)))
	r.sync()
	r.to.fail = nil
	r.src.change(entered("a", "u06", r.pass(time.Second)))
	r.sync()
	r.Empty(r.to.got())
	r.EqualValues(3, c.Stats().Refused)
}
