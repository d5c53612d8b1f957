package audience_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// offsetOf returns the offset of a position, or -1.
func offsetOf(t *testing.T, e *audience.Engine) int {
	t.Helper()
	p, err := e.Position(t.Context(), "log")
	require.NoError(t, err)
	if p.Offset == "" {
		return -1
	}
	n, err := strconv.Atoi(p.Offset)
	require.NoError(t, err)
	return n
}

func TestThePositionMovesWithEveryRecord(t *testing.T) {
	e, clock, told := newEngine(t)
	message := profile.Message{Type: profile.Track, UserID: "ann", Name: "Buy", Time: start, MessageID: "m"}
	refused := profile.Message{Type: profile.Track, UserID: "ann", Time: start}
	buyers := audience.Define("buyers").Members(audience.Performed("Buy").Within(time.Hour))
	n := -1
	for _, record := range []struct {
		do      func(context.Context) error
		refused bool
	}{
		{do: func(ctx context.Context) error { return e.Create(ctx, buyers) }},
		{do: func(ctx context.Context) error { return e.Apply(ctx, message) }},
		{do: func(ctx context.Context) error { return e.Apply(ctx, message) }}, // a duplicate
		{do: func(ctx context.Context) error { return e.Apply(ctx, refused) }, refused: true},
		{do: func(ctx context.Context) error { return e.Apply(ctx, message, message) }},
		{do: func(ctx context.Context) error { return e.Apply(ctx, message, refused) }, refused: true},
		{do: func(ctx context.Context) error { return e.Track(ctx, event("bob", "Buy", 0)) }},
		{do: func(ctx context.Context) error { return e.Track(ctx, event("", "Buy", 0)) }, refused: true},
		{do: func(ctx context.Context) error { return e.Identify(ctx, audience.Identify{Profile: "bob"}) }},
		{do: func(ctx context.Context) error { return e.Group(ctx, audience.Group{Profile: "bob", Account: "acme"}) }},
		{do: func(ctx context.Context) error { return e.Leave(ctx, "nobody", "acme") }}, // it changes nothing
		{do: func(ctx context.Context) error { return e.Alias(ctx, "visitor", "bob") }},
		{do: func(ctx context.Context) error { return e.Advance(ctx, start) }}, // nothing is due
		{do: func(ctx context.Context) error { return e.EditAudience(ctx, buyers) }},
		{do: func(ctx context.Context) error { return e.DeleteUser(ctx, "nobody") }},
		{do: func(ctx context.Context) error { return e.DeleteAccount(ctx, "acme") }},
		{do: func(ctx context.Context) error { return e.Pause(ctx, "buyers") }},
		{do: func(ctx context.Context) error { return e.Resume(ctx, "buyers") }},
		{do: func(ctx context.Context) error { return e.Advance(ctx, start.Add(2*time.Hour)) }},
		{do: func(ctx context.Context) error { return e.DeleteAudience(ctx, "buyers") }},
	} {
		n++
		err := record.do(audience.WithPosition(t.Context(), "log", strconv.Itoa(n)))
		if record.refused {
			require.ErrorIs(t, err, audience.ErrRefused, "record %d", n)
		} else {
			require.NoError(t, err, "record %d", n)
		}
		require.Equal(t, n, offsetOf(t, e), "record %d", n)
	}
	require.Len(t, *told, 4)
	p, err := e.Position(t.Context(), "log")
	require.NoError(t, err)
	require.GreaterOrEqual(t, p.Told, uint64(4))

	for _, messages := range [][]profile.Message{{message}, {message, refused, message}, {refused, refused}} {
		for _, replay := range []bool{false, true} {
			clock.Set(start.Add(3 * time.Hour))
			var offsets []string
			for range messages {
				n++
				offsets = append(offsets, strconv.Itoa(n))
			}
			ctx := audience.WithPosition(t.Context(), "log", offsets...)
			if replay {
				_, err = e.Replay(ctx, messages...)
			} else {
				_, err = e.ApplyEach(ctx, messages...)
			}
			require.NoError(t, err)
			require.Equal(t, n, offsetOf(t, e))
			n++
			_, err = e.ApplyEach(audience.WithPosition(t.Context(), "log", strconv.Itoa(n)), messages...)
			require.NoError(t, err, "one offset for all")
			require.Equal(t, n, offsetOf(t, e))
		}
	}
	err = e.Create(audience.WithPosition(t.Context(), "log", "not"), audience.Define("buyers").Members(audience.Performed("Buy")))
	require.ErrorIs(t, err, profile.ErrRetired)
	require.Equal(t, n, offsetOf(t, e), "it stays after an error")
	require.NoError(t, e.KeepPosition(t.Context(), "log", "1000"))
	require.Equal(t, 1000, offsetOf(t, e))
	for _, ctx := range []context.Context{audience.WithPosition(t.Context(), "log"), audience.WithPosition(t.Context(), "log", ""), audience.WithPosition(t.Context(), "", "1")} {
		err := e.Track(ctx, event("eve", "Buy", 0))
		require.ErrorIs(t, err, profile.ErrInvalid)
		require.NotErrorIs(t, err, audience.ErrRefused, "it is no fault of the message")
	}
	require.NoError(t, e.KeepPosition(t.Context(), "log", ""))
	require.Equal(t, -1, offsetOf(t, e))
}

// What a callback calls is no record of the log, whatever its context.
func TestACallbackStoresNoPosition(t *testing.T) {
	e, _, _ := newEngine(t)
	require.NoError(t, e.Create(t.Context(), audience.Define("buyers").Members(audience.Performed("Buy"))))
	seen := -1
	_, err := e.Subscribe(func(ctx context.Context, tr audience.Transition) error {
		seen = offsetOf(t, e)
		return e.Track(ctx, event(tr.Profile, "Thanked", 0))
	})
	require.NoError(t, err)
	require.NoError(t, e.Track(audience.WithPosition(t.Context(), "log", "7"), event("ann", "Buy", 0)))
	require.Equal(t, 7, seen, "it is stored with what is told")
	require.Equal(t, 7, offsetOf(t, e))
}

// logOf makes messages without ids, some of which are refused, merge or delete nothing.
func logOf(seed uint64, n int) (log []profile.Message) {
	rng := rand.New(rand.NewPCG(seed, 0))
	at := start
	for range n {
		at = at.Add(time.Duration(rng.IntN(600)) * time.Second)
		m := profile.Message{Type: profile.Track, UserID: fmt.Sprint("u", rng.IntN(5)), Name: "Buy", Time: at}
		switch rng.IntN(8) {
		case 0:
			m.Name = ""
		case 1:
			m.AnonymousID = fmt.Sprint("a", rng.IntN(3))
		case 2:
			m.UserID, m.AnonymousID = "", fmt.Sprint("a", rng.IntN(3))
		case 3:
			m.Type, m.Traits = profile.Identify, object("plan", rng.IntN(3))
		}
		log = append(log, m)
	}
	return log
}

// logEngine is an engine that reads a log into a store.
func logEngine(t *testing.T, store profile.Store, told *[]string) *audience.Engine {
	t.Helper()
	e, err := audience.New(context.Background(), store, audience.Options{Clock: audience.NewManualClock(profile.MinTime), Shards: 1})
	require.NoError(t, err)
	_, err = e.Subscribe(func(_ context.Context, tr audience.Transition) error {
		*told = append(*told, fmt.Sprint(tr.ID, " ", tr))
		return nil
	})
	require.NoError(t, err)
	if len(e.List()) == 0 {
		require.NoError(t, e.Create(context.Background(), audience.Define("lately").Members(audience.Performed("Buy").AtLeast(2).Within(40*time.Minute)),
			audience.Define("pro").Members(audience.Trait("traits.plan == 1"))))
	}
	return e
}

// readLog takes the log from behind the position, a few messages at a time.
func readLog(ctx context.Context, e *audience.Engine, log []profile.Message) error {
	p, err := e.Position(ctx, "log")
	if err != nil {
		return err
	}
	next := 0
	if p.Offset != "" {
		last, err := strconv.Atoi(p.Offset)
		if err != nil {
			return err
		}
		next = last + 1
	}
	for next < len(log) {
		some := log[next:min(next+7, len(log))]
		offsets := make([]string, len(some))
		for i := range some {
			offsets[i] = strconv.Itoa(next + i)
		}
		if _, err := e.Replay(audience.WithPosition(ctx, "log", offsets...), some...); err != nil {
			return err
		}
		next += len(some)
	}
	return e.Advance(ctx, log[len(log)-1].Time.Add(2*time.Hour))
}

// A reader that ends at any point of the store goes on from the position, and nothing is
// taken twice, nor left out: no message has an id by which that would be found.
func TestAReaderGoesOnFromThePosition(t *testing.T) {
	log := logOf(1, 60)
	var want []string
	good := profile.NewMemStore()
	e := logEngine(t, good, &want)
	require.NoError(t, readLog(t.Context(), e, log))
	require.NoError(t, e.Close())
	digest, err := profile.Export(t.Context(), good, io.Discard)
	require.NoError(t, err)
	for f := range faults {
		for n := 1; ; n += 3 {
			store := newFaultyStore(profile.NewMemStore())
			var told []string
			e := logEngine(t, store, &told)
			ctx, cancel := context.WithCancel(t.Context())
			store.arm(f, n, cancel)
			err := readLog(ctx, e, log)
			fired := store.disarm()
			cancel()
			if !fired {
				require.NoError(t, err)
				break
			}
			if err != nil && !errors.Is(err, errFault) && !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			require.NoError(t, e.Close())
			e = logEngine(t, store, &told)
			require.NoError(t, readLog(t.Context(), e, log))
			require.NoError(t, e.Close())
			require.Equal(t, want, told, "%s at point %d", f, n)
			got, err := profile.Export(t.Context(), store, io.Discard)
			require.NoError(t, err)
			require.Equal(t, digest, got, "%s at point %d", f, n)
		}
	}
}
