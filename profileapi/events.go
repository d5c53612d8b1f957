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
	Type       string         `json:"type"`
	Name       string         `json:"event"`
	MessageID  string         `json:"message_id,omitempty"`
	Time       time.Time      `json:"timestamp"`
	Properties profile.Object `json:"properties"`
	Context    profile.Object `json:"context"`
	SourceID   string         `json:"source_id,omitempty"`
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

// events returns the events that come after the place of a key in the order that is
// asked for: one more than the limit, or all there are.
func (l *list) events(ctx context.Context, after string) ([]item, error) {
	from, to := place{time: l.start}, l.last()
	if l.next != "" {
		p, ok := placeOfKey(after)
		switch {
		case !ok:
			return nil, errCursor
		case l.oldest:
			from = place{p.time, p.seq + 1}
		case p.compare(to) < 0: // else it was made by a clock that is ahead
			to = p
		}
	}
	read := l.newestEvents
	if l.oldest {
		read = l.oldestEvents
	}
	found, err := read(ctx, from, to, l.limit+1)
	items := make([]item, len(found))
	for i := range found {
		items[i] = item{key: placeOf(&found[i]).key(), value: l.eventJSON(&found[i])}
	}
	return items, err
}

// last returns the place before which all events are that are listed.
func (l *list) last() place {
	if !l.end.IsZero() && !l.end.After(l.now) {
		return place{time: l.end}
	}
	return place{l.now, math.MaxUint64}
}

// newestEvents returns the n newest events from a place on and before another, the
// newest first.
func (l *list) newestEvents(ctx context.Context, from, to place, n int) (all []profile.Event, err error) {
	for span := firstSpan; len(all) < n && from.compare(to) < 0; span *= spanFactor {
		begin := from
		if at := to.time.Add(-span); span < profile.MaxWindow && at.After(from.time) {
			begin = place{time: at}
		}
		found := newest{n: n - len(all)}
		err := l.visit(ctx, to, func() time.Time { return found.since(begin.time) }, func(e profile.Event) bool {
			if placeOf(&e).compare(begin) >= 0 {
				found.add(e)
			}
			return true
		})
		if err != nil {
			return nil, err
		}
		all = append(all, found.sorted()...)
		to = begin
	}
	return all, nil
}

// oldestEvents returns the n oldest events from a place on and before another, the oldest
// first.
func (l *list) oldestEvents(ctx context.Context, from, to place, n int) (all []profile.Event, err error) {
	ofName := 0
	err = l.visit(ctx, to, func() time.Time { ofName = 0; return from.time }, func(e profile.Event) bool {
		if placeOf(&e).compare(from) >= 0 {
			all = append(all, e)
			ofName++
		}
		if len(all) >= 2*n+1000 {
			all = oldestOf(all, n)
		}
		return ofName < n
	})
	return oldestOf(all, n), err
}

// oldestOf returns the n oldest of some events, in their order.
func oldestOf(events []profile.Event, n int) []profile.Event {
	slices.SortFunc(events, func(a, b profile.Event) int { return placeOf(&a).compare(placeOf(&b)) })
	return events[:min(n, len(events))]
}

func (l *list) eventJSON(e *profile.Event) eventJSON {
	j := eventJSON{Type: "track", Name: e.Name, MessageID: e.MessageID, Time: e.Time, Properties: e.Properties, Context: e.Context, SourceID: sourceOf(e)}
	if l.ref.Subject == profile.Account {
		j.User = e.Profile
	}
	return j
}

// sourceOf returns the source that package ingest notes in the context of an event.
func sourceOf(e *profile.Event) string {
	v, _ := e.Context.Get("source")
	name, _ := v.Text()
	return name
}

// visit goes through the events of the list before a place: of each name, the oldest
// first, from the time that since says, until see returns false.
func (l *list) visit(ctx context.Context, to place, since func() time.Time, see func(profile.Event) bool) error {
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
			for e, err := range l.Events(ctx, user, name, since()) {
				if err != nil {
					return err
				}
				if placeOf(&e).compare(to) >= 0 {
					break
				}
				if (l.ref.Subject == profile.User || e.Account == l.ref.ID) && !see(e) {
					break
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
