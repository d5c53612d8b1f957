package crashloop

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/pebblestore"
	"github.com/muster-go/muster/profile"
)

// Counts are what was found missing, and of how much. All behind the first six are 0 of a
// store that keeps its word.
type Counts struct {
	Kills           int
	Acknowledged    int // calls
	Told            int // notices
	Doubled         int // notices that were told again, as the same
	Messages        int // that a destination was sent
	MessagesDoubled int // of these, that were sent again, as the same

	Lost          int // acknowledged calls whose data is not there
	Half          int // data without its consequences, or the other way; damages
	CallbacksLost int // notices that were never told
	MessagesLost  int // memberships of which the destination was not told
	Other         int // notices and messages that were told again as something else
}

// Clean reports whether nothing is missing.
func (c Counts) Clean() bool { return c.Lost+c.Half+c.CallbacksLost+c.MessagesLost+c.Other == 0 }

// String returns the counts in a line.
func (c Counts) String() string {
	return fmt.Sprintf("%d kills, %d acknowledged calls, %d notices told, %d of them again under the same id, "+
		"%d messages sent to a destination, %d of them again under the same id: "+
		"acknowledged lost %d, half steps %d, callbacks lost %d, messages lost %d, told otherwise %d",
		c.Kills, c.Acknowledged, c.Told, c.Doubled, c.Messages, c.MessagesDoubled,
		c.Lost, c.Half, c.CallbacksLost, c.MessagesLost, c.Other)
}

// check looks at the store after a kill.
func (l *Loop) check(ctx context.Context) error {
	store, err := pebblestore.Open(l.Dir, pebblestore.Options{CacheBytes: 8 << 20, SweepInterval: -1})
	if err != nil {
		return err
	}
	defer store.Close()
	report, err := store.Verify(ctx)
	if err != nil {
		return err
	}
	for _, d := range report.Damages {
		l.counts.Half++
		l.Log("damage: %s: %s", d.Kind, d.What)
	}
	if err := l.checkAcknowledged(ctx, store); err != nil {
		return err
	}
	return l.checkSteps(ctx, store)
}

// checkAcknowledged counts the acknowledged calls whose data is not there.
func (l *Loop) checkAcknowledged(ctx context.Context, store *pebblestore.Store) error {
	stored := map[string]bool{}
	for user, err := range store.Profiles(ctx, profile.User, "") {
		if err != nil {
			return err
		}
		for name, err := range store.EventNames(ctx, user) {
			if err != nil {
				return err
			}
			for e, err := range store.Events(ctx, user, name, time.Time{}) {
				if err != nil {
					return err
				}
				if stored[e.MessageID] {
					l.counts.Half++
					l.Log("message %s is there twice", e.MessageID)
				}
				stored[e.MessageID] = true
			}
		}
	}
	for goroutine, next := range l.next {
		for i := range next {
			c := callOf(goroutine, i)
			there := stored[c.event.MessageID]
			if c.into != "" {
				id, _, err := store.Resolve(ctx, profile.UserRef(c.event.Profile))
				if err != nil {
					return err
				}
				there = id == c.into
			}
			if !there {
				l.counts.Lost++
				l.Log("call %d of goroutine %d was acknowledged and is lost", i, goroutine)
			}
		}
	}
	return nil
}

// checkSteps compares who is in each audience with who would be, were all data that is
// there new to an engine in memory.
func (l *Loop) checkSteps(ctx context.Context, store *pebblestore.Store) error {
	_, now, err := store.Position(ctx)
	if err != nil || now.IsZero() {
		return err
	}
	clock := audience.NewManualClock(now)
	engine, err := audience.New(ctx, store, audience.Options{Clock: clock})
	if err != nil {
		return err
	}
	defer engine.Close()
	for len(engine.Progress()) > 0 { // what the crash broke off goes on
		time.Sleep(time.Millisecond)
	}
	if err := engine.Advance(ctx, now); err != nil {
		return err
	}
	memory := profile.NewMemStore()
	if err := copyEvents(ctx, store, memory, now); err != nil {
		return err
	}
	other, err := audience.New(ctx, memory, audience.Options{Clock: audience.NewManualClock(now)})
	if err != nil {
		return err
	}
	defer other.Close()
	for _, d := range engine.List() {
		if err := other.Create(ctx, d); err != nil {
			return err
		}
		want, err := members(ctx, other, d.Key)
		if err != nil {
			return err
		}
		got, err := members(ctx, engine, d.Key)
		if err != nil {
			return err
		}
		l.counts.Half += l.compare(want, got,
			"%s should be in %s, and is not", "%s is in %s, and should not be", d.Key)
	}
	return nil
}

// compare logs which ids of an audience are in one set alone, and returns how many are.
func (l *Loop) compare(want, got map[string]bool, missing, extra, key string) (differ int) {
	for id := range want {
		if !got[id] {
			differ++
			l.Log(missing, id, key)
		}
	}
	for id := range got {
		if !want[id] {
			differ++
			l.Log(extra, id, key)
		}
	}
	return differ
}

func members(ctx context.Context, e *audience.Engine, key string) (map[string]bool, error) {
	in := map[string]bool{}
	for m, err := range e.Members(ctx, key) {
		if err != nil {
			return nil, err
		}
		in[m.Ref.ID] = true
	}
	return in, nil
}

func copyEvents(ctx context.Context, from profile.Reader, to profile.Store, now time.Time) error {
	for user, err := range from.Profiles(ctx, profile.User, "") {
		if err != nil {
			return err
		}
		if err := profile.Apply(ctx, to, now, &profile.PutIDs{Ref: profile.UserRef(user)}); err != nil {
			return err
		}
		for name, err := range from.EventNames(ctx, user) {
			if err != nil {
				return err
			}
			for e, err := range from.Events(ctx, user, name, time.Time{}) {
				if err != nil {
					return err
				}
				if err := profile.Apply(ctx, to, now, &profile.PutEvent{Event: e}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// drain has the subscriber told of all that it was not yet, and counts what it never was.
func (l *Loop) drain(ctx context.Context) error {
	store, err := pebblestore.Open(l.Dir, pebblestore.Options{SweepInterval: -1})
	if err != nil {
		return err
	}
	defer store.Close()
	_, now, err := store.Position(ctx)
	if err != nil {
		return err
	}
	engine, err := audience.New(ctx, store, audience.Options{Clock: audience.NewManualClock(now)})
	if err != nil {
		return err
	}
	defer engine.Close()
	outbox, err := store.Outbox(ctx)
	if err != nil {
		return err
	}
	reached := make(chan struct{})
	last := outbox.Last
	stop, err := engine.SubscribeDurable(ctx, subscriber, func(_ context.Context, n audience.Notice) error {
		l.told(n.ID, describe(n))
		if n.ID == last {
			close(reached)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if outbox.Cursors[subscriber] < last {
		select {
		case <-reached:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), fmt.Errorf("notices up to %d were not told", last))
		}
	}
	stop()
	if err := l.checkReceived(ctx, store, engine); err != nil {
		return err
	}
	return l.checkTold(last)
}

// checkTold looks for gaps, and for entries and exits that do not alternate.
func (l *Loop) checkTold(last uint64) error {
	ids := slices.Sorted(maps.Keys(l.notices))
	l.counts.Told = len(ids)
	in := map[string]bool{}
	next := uint64(1)
	for _, id := range ids {
		l.counts.CallbacksLost += int(id - next)
		next = id + 1
		what := strings.Fields(l.notices[id])
		if len(what) != 4 {
			continue
		}
		of, entered := what[0]+" "+what[2], what[1] == fmt.Sprint(audience.Entered)
		if in[of] == entered {
			l.counts.Half++
			l.Log("notice %d: %s does not alternate", id, l.notices[id])
		}
		in[of] = entered
	}
	l.counts.CallbacksLost += int(last + 1 - next)
	return nil
}
