package crashloop

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/pebblestore"
	"github.com/muster-go/muster/profile"
)

// feeders is how many goroutines send events.
const feeders = 4

// Position is the next call of each goroutine that sends.
type Position [feeders]int

// String returns the position as Feed gets it.
func (p Position) String() string { return strings.Trim(fmt.Sprint([feeders]int(p)), "[]") }

// ParsePosition reads what String returned.
func ParsePosition(text string) (p Position, err error) {
	in := bufio.NewReader(strings.NewReader(text))
	for i := range p {
		if _, err := fmt.Fscan(in, &p[i]); err != nil {
			return p, fmt.Errorf("position %q: %w", text, err)
		}
	}
	return p, nil
}

// subscriber is the name of the durable one.
const subscriber = "log"

// Feed feeds the store in a directory from a position on, until it is killed, or ctx ends.
// To out it writes a line "a GOROUTINE CALL" for each call that was acknowledged, and
// "t ID WHAT" for each notice that was told, and "m ID WHAT" for each message that a
// destination was sent.
func Feed(ctx context.Context, dir string, from Position, out io.Writer) error {
	store, err := pebblestore.Open(dir, pebblestore.Options{CacheBytes: 8 << 20, SweepInterval: -1})
	if err != nil {
		return err
	}
	defer store.Close()
	engine, err := audience.New(ctx, store, audience.Options{CacheBytes: 1 << 20})
	if err != nil {
		return err
	}
	defer engine.Close()
	f := &feed{engine: engine, out: out}
	stop, err := engine.SubscribeDurable(ctx, subscriber, func(_ context.Context, n audience.Notice) error {
		return f.print("t %d %s\n", n.ID, describe(n))
	})
	if err != nil {
		return err
	}
	defer stop()
	hub, err := connect(ctx, engine, func(id, what string) error { return f.print("m %s %s\n", id, what) })
	if err != nil {
		return err
	}
	defer hub.Close(context.WithoutCancel(ctx))
	for _, d := range lasting() {
		if err := engine.Create(ctx, d); err != nil && !errors.Is(err, audience.ErrExists) && !errors.Is(err, profile.ErrRetired) {
			return err
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.WaitGroup
	run := func(do func(context.Context) error) {
		running.Add(1)
		go func() {
			defer running.Done()
			if err := do(ctx); err != nil && ctx.Err() == nil {
				cancel(err)
			}
		}()
	}
	run(engine.Run)
	run(hub.Run)
	run(f.administer)
	for i := range feeders {
		run(func(ctx context.Context) error { return f.send(ctx, i, from[i]) })
	}
	running.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

type feed struct {
	engine *audience.Engine
	mu     sync.Mutex
	out    io.Writer
}

// print writes a line at once: what was written before a kill is read after it.
func (f *feed) print(format string, args ...any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, err := fmt.Fprintf(f.out, format, args...)
	return err
}

func describe(n audience.Notice) string {
	switch {
	case n.Transition != nil:
		return fmt.Sprintf("%s %s %s %d", n.Transition.Ref().ID, n.Transition.Type, n.Transition.Audience, n.Transition.At.UnixNano())
	case n.TraitChange != nil:
		return "trait"
	case n.IDChange != nil:
		return "id"
	}
	return "nothing"
}

// lasting are the audiences that stay. Their windows are short, so that timers fire all
// the time.
func lasting() []audience.Definition {
	return []audience.Definition{
		audience.Define("moment").Members(audience.Performed("View").Within(30 * time.Millisecond)),
		audience.Define("recent").Members(audience.Performed("Order").Within(300 * time.Millisecond)),
		audience.Define("often").Members(audience.Performed("View").AtLeast(3).Within(time.Hour)),
		audience.Define("ever").Members(audience.Performed("Order")),
	}
}

// edited is an audience that comes and goes.
func edited(key string, n int) audience.Definition {
	return audience.Define(key).Members(audience.Performed("View").AtLeast(n%5 + 1).Within(time.Hour))
}

// call is what a goroutine sends: an event, or, if it has no name, a merge.
type call struct {
	event profile.Event
	into  string
}

func callOf(goroutine, i int) call {
	user := fmt.Sprintf("%d-user-%d", goroutine, i%23)
	switch i % 25 {
	case 10:
		user = fmt.Sprintf("%d-visitor-%d", goroutine, i)
	case 11:
		return call{event: profile.Event{Profile: fmt.Sprintf("%d-visitor-%d", goroutine, i-1)}, into: user}
	}
	name := "View"
	if i%4 == 0 {
		name = "Order"
	}
	return call{event: profile.Event{Profile: user, Name: name, MessageID: fmt.Sprintf("%d-%d", goroutine, i)}}
}

func (f *feed) send(ctx context.Context, goroutine, from int) error {
	for i := from; ctx.Err() == nil; i++ {
		c := callOf(goroutine, i)
		var err error
		if c.into != "" {
			err = f.engine.Alias(ctx, c.event.Profile, c.into)
		} else {
			c.event.Time = time.Now()
			err = f.engine.Track(ctx, c.event)
		}
		if err == nil {
			err = f.print("a %d %d\n", goroutine, i)
		}
		if err != nil {
			return fmt.Errorf("call %d of %d: %w", i, goroutine, err)
		}
	}
	return nil
}

// administer creates, edits and deletes audiences. Which of them there are is not known
// after a crash: so refusals are no errors.
func (f *feed) administer(ctx context.Context) error {
	start := time.Now().UnixNano()
	for i := 0; ctx.Err() == nil; i++ {
		key := fmt.Sprintf("passing_%d_%d", start, i/3)
		var err error
		switch i % 3 {
		case 0:
			err = f.engine.Create(ctx, edited(key, i))
		case 1:
			err = f.engine.EditAudience(ctx, edited(key, i+1))
		case 2:
			if i%2 == 0 {
				err = f.engine.DeleteAudience(ctx, key)
			}
		}
		if err != nil {
			return fmt.Errorf("administer: %w", err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return nil
}
