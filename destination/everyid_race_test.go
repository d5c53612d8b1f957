package destination_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// Many goroutines track, identify, merge and delete while a hub sends, the receiver
// fails at times, and the connection is made anew at times. In no list, ever, is one id
// added and removed. When the calls have ended, and all is sent, the receiver has every
// id of each member, and no other.
func TestReceiversThatGoByAnyIDBesideManyCalls(t *testing.T) {
	for _, mode := range []destination.Mode{destination.Identify, destination.Track, destination.Lists} {
		for _, types := range [][]string{nil, {"email"}, {destination.All}} {
			t.Run(fmt.Sprint(mode, types), func(t *testing.T) {
				exits := 0
				for seed := range uint64(4) {
					exits += playSideBySide(t, seed, mode, types)
				}
				require.Positive(t, exits)
			})
		}
	}
}

func playSideBySide(t *testing.T, seed uint64, mode destination.Mode, types []string) (exits int) {
	r, ctx := require.New(t), context.Background()
	rnd := rand.New(rand.NewPCG(seed, 99)) // one batch is sent at a time
	to, clock := newLedgerByID(t, rnd, 4)
	to.beside = true
	engine := to.engine
	defer engine.Close()
	_, err := engine.Subscribe(alternating(t))
	r.NoError(err)
	cfg := configByID(rnd, mode, types)
	hub := destination.NewHub(engine, destination.Options{})
	c, err := hub.Connect(ctx, to, cfg)
	r.NoError(err)
	running, stop := context.WithCancel(ctx)
	var run sync.WaitGroup
	defer run.Wait()
	defer stop()
	if seed%2 == 1 { // a loop and a caller both send
		run.Add(1)
		go func() {
			defer run.Done()
			_ = hub.Run(running)
		}()
	}
	for round := range uint64(8) {
		working := make(chan struct{})
		run.Add(1)
		go func() {
			defer run.Done()
			defer close(working)
			callFromMany(t, engine, clock, to, seed, round)
		}()
		for sending := true; sending; {
			select {
			case <-working:
				sending = false
			default:
				_ = c.Flush(ctx) // it may fail: it is tried again
			}
			if seed%4 > 1 && round%2 == 1 && sending {
				c = to.connectAnew(hub, c, cfg)
			}
		}
		r.NoError(engine.Advance(ctx, clock.Now()))
		_ = c.Flush(ctx)
		tries := 0
		for s := c.Stats(); s.Queued+s.InFlight > 0; s = c.Stats() {
			_ = c.Flush(ctx)
			tries++
			if tries > 2000 {
				t.Fatalf("%d changes wait for ever\n%s", s.Queued+s.InFlight, to)
			}
		}
		to.check(mode, types)
	}
	stop()
	r.NoError(hub.Close(ctx))
	return to.exits
}

// alternating returns a subscriber that holds the engine to what it promises of each
// pair: entries and exits in turns, at instants that do not go back.
func alternating(t *testing.T) func(context.Context, audience.Transition) error {
	var mu sync.Mutex
	last := map[string]audience.Transition{}
	return func(_ context.Context, tr audience.Transition) error {
		mu.Lock()
		defer mu.Unlock()
		pair := tr.Audience + " " + tr.Profile
		was, has := last[pair]
		if tr.At.Before(was.At) || has && was.Type == tr.Type {
			t.Errorf("%v after %v", tr, was)
		}
		last[pair] = tr
		return nil
	}
}

// callFromMany has eight goroutines call the engine, and move its clock.
func callFromMany(t *testing.T, engine *audience.Engine, clock *audience.ManualClock, to *ledgerByID, seed, round uint64) {
	var working sync.WaitGroup
	var mu sync.Mutex
	pass := func(d time.Duration) time.Time {
		mu.Lock()
		defer mu.Unlock()
		clock.Set(clock.Now().Add(d))
		return clock.Now()
	}
	for worker := range uint64(8) {
		working.Add(1)
		go func() {
			defer working.Done()
			rnd := rand.New(rand.NewPCG(seed, round<<8|worker))
			for range 12 {
				call, err := callAtRandom(context.Background(), engine, rnd, pass)
				if err != nil {
					t.Errorf("%s: %v", call, err)
				}
				mu.Lock()
				to.calls = append(to.calls, call)
				mu.Unlock()
			}
		}()
	}
	working.Wait()
}

// callAtRandom calls the engine in one of the ways that change who is known by what.
func callAtRandom(ctx context.Context, engine *audience.Engine, rnd *rand.Rand, pass func(time.Duration) time.Time) (call string, err error) {
	pick := func(of string, n int) string { return fmt.Sprint(of, rnd.IntN(n)) }
	switch rnd.IntN(12) {
	case 0:
		from, into := pick([]string{"u", "v"}[rnd.IntN(2)], 5), pick("u", 5)
		return "alias " + from + " " + into, engine.Alias(ctx, from, into)
	case 1:
		who := pick([]string{"u", "v"}[rnd.IntN(2)], 5)
		return "delete " + who, engine.DeleteUser(ctx, who)
	case 2:
		pass(time.Duration(rnd.IntN(30)) * time.Minute)
		return "time passes", nil
	}
	m := profile.Message{Type: profile.Track, Name: []string{"Buy", "Look"}[rnd.IntN(2)], AnonymousID: pick("v", 8), Time: pass(0)}
	m.Properties, err = profile.NewObject(map[string]any{"total": rnd.IntN(3)})
	if err != nil {
		return "properties", err
	}
	if rnd.IntN(2) == 0 {
		m.UserID = pick("u", 5)
	}
	if rnd.IntN(4) == 0 {
		m.Type, m.Name, m.Properties = profile.Identify, "", profile.Object{}
		if m.Traits, err = profile.NewObject(map[string]any{"email": pick("e", 3) + "@x.io"}); err != nil {
			return "traits", err
		}
	}
	return fmt.Sprint("message ", m.Type, " ", m.Name, " ", m.UserID, " ", m.AnonymousID), engine.Apply(ctx, m)
}
