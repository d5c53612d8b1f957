package profileapi

import (
	"cmp"
	"context"
	"encoding/binary"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/muster-go/muster/profile"
)

// eventJSON is the form of an event.
type eventJSON struct {
	Name       string         `json:"event"`
	MessageID  string         `json:"message_id,omitempty"`
	Time       time.Time      `json:"timestamp"`
	Properties profile.Object `json:"properties"`
	Context    profile.Object `json:"context"`
	User       string         `json:"user_id,omitempty"` // of an account's
}

// place is that of an event in the order of (time, arrival).
type place struct {
	time time.Time
	seq  uint64
}

func placeOf(e *profile.Event) place { return place{e.Time, e.Seq} }

func (p place) compare(x place) int {
	return cmp.Or(p.time.Compare(x.time), cmp.Compare(p.seq, x.seq))
}

func (p place) key() string {
	b := binary.BigEndian.AppendUint64(nil, uint64(p.time.UnixNano()))
	return string(binary.BigEndian.AppendUint64(b, p.seq))
}

// placeOfKey reads a key; ok is false for what is none.
func placeOfKey(key string) (p place, ok bool) {
	if len(key) != 16 {
		return place{}, false
	}
	b := []byte(key)
	p.time = time.Unix(0, int64(binary.BigEndian.Uint64(b))).UTC()
	p.seq = binary.BigEndian.Uint64(b[8:])
	return p, profile.CheckTime(p.time) == nil
}

// A store yields events of one name, the oldest first, from a time on. The
// newest are therefore read in spans of time, back from where the page begins,
// each longer than the one after it by a factor, until they are enough.
const firstSpan, spanFactor = time.Hour, 8

// events returns the newest events before the place of a key: one more than the
// limit, or all there are.
func (l *list) events(ctx context.Context, after string) ([]item, error) {
	to := place{l.now, math.MaxUint64}
	if l.next != "" {
		p, ok := placeOfKey(after)
		if !ok {
			return nil, errCursor
		}
		if p.compare(to) < 0 { // else it was made by a clock that is ahead
			to = p
		}
	}
	var items []item
	for span := firstSpan; len(items) <= l.limit; span *= spanFactor {
		var from time.Time // all that is left
		if span < profile.MaxWindow {
			from = to.time.Add(-span)
		}
		found := newest{n: l.limit + 1 - len(items)}
		if err := l.between(ctx, from, to, &found); err != nil {
			return nil, err
		}
		for _, e := range found.sorted() {
			items = append(items, item{key: placeOf(&e).key(), value: l.eventJSON(&e)})
		}
		if from.IsZero() {
			break
		}
		to = place{time: from}
	}
	return items, nil
}

func (l *list) eventJSON(e *profile.Event) eventJSON {
	j := eventJSON{Name: e.Name, MessageID: e.MessageID, Time: e.Time, Properties: e.Properties, Context: e.Context}
	if l.ref.Subject == profile.Account {
		j.User = e.Profile
	}
	return j
}

// between collects the events of the list from a time on and before a place.
func (l *list) between(ctx context.Context, from time.Time, to place, into *newest) error {
	for user, err := range l.senders(ctx) {
		if err != nil {
			return err
		}
		for name, err := range l.EventNames(ctx, user) {
			if err != nil {
				return err
			}
			if !l.includes(name) {
				continue
			}
			for e, err := range l.Events(ctx, user, name, into.since(from)) {
				if err != nil {
					return err
				}
				if placeOf(&e).compare(to) >= 0 {
					break
				}
				if l.ref.Subject == profile.User || e.Account == l.ref.ID {
					into.add(e)
				}
			}
		}
	}
	return nil
}

// senders yields the users whose events may be the profile's.
func (l *list) senders(ctx context.Context) iter.Seq2[string, error] {
	if l.ref.Subject == profile.Account {
		return l.Senders(ctx, l.ref.ID)
	}
	return func(yield func(string, error) bool) { yield(l.ref.ID, nil) }
}

// newest keeps the n newest of the events added, and no more than 2n.
type newest struct {
	n      int
	events []profile.Event
	oldest time.Time // of the n newest when they were last sorted; zero: fewer were added
}

func (x *newest) add(e profile.Event) {
	if e.Time.Before(x.oldest) {
		return
	}
	x.events = append(x.events, e)
	if len(x.events) == 2*x.n {
		x.events = x.sorted()
		x.oldest = x.events[x.n-1].Time
	}
}

// since returns the time from which on it matters what is added.
func (x *newest) since(from time.Time) time.Time {
	if x.oldest.After(from) {
		return x.oldest
	}
	return from
}

// sorted returns the n newest, the newest first.
func (x *newest) sorted() []profile.Event {
	slices.SortFunc(x.events, func(a, b profile.Event) int { return placeOf(&b).compare(placeOf(&a)) })
	return x.events[:min(x.n, len(x.events))]
}
