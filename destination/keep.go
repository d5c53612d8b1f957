package destination

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/muster-go/muster/profile"
)

// What a connection has to remember it keeps in the store, as records of the subscriber
// that it is, each a JSON object:
//
//	s                    schedule: when the next sync and the next attempt are due
//	f                    the batch that is on its way, with what takes it back
//	k a NAME, k t NAME   an audience, or a trait, whose members were queued
//	p SUBJECT a NAME 0 ID, or t   a pair: what the receiver has of it, and what waits
//
// Every notice is done with in the step that keeps what came of it. A batch is kept before
// it is sent for the first time, and waits until that stays: so whenever the process ends,
// the next one has the batch as it was, or nobody has got anything of it.

const (
	scheduleKey = "s"
	flightKey   = "f"
	filledMark  = "k"
	pairMark    = "p"
)

// subscriberOf is the name of the durable subscriber that a type of destination is.
func subscriberOf(typ string) string { return "destination:" + typ }

// scheduleRecord is when things are due, in nanoseconds.
type scheduleRecord struct {
	NextSync int64 `json:"next_sync,omitempty"`
	RetryAt  int64 `json:"retry_at,omitempty"`
	Attempts int   `json:"attempts,omitempty"`
}

// filledRecord says how the members of an audience were queued: if that is another way
// now, they are looked at again.
type filledRecord struct {
	Mode        Mode         `json:"mode"`
	Accounts    AccountCalls `json:"accounts,omitempty"`
	ExternalIDs []string     `json:"external_ids,omitempty"`
}

func (c *Connection) filledAs() filledRecord {
	return filledRecord{c.cfg.Mode, c.cfg.Accounts, c.cfg.ExternalIDs}
}

func (a filledRecord) equal(b filledRecord) bool {
	return a.Mode == b.Mode && a.Accounts == b.Accounts && slices.Equal(a.ExternalIDs, b.ExternalIDs)
}

// appendName appends what an audience or a trait is in a key.
func (k key) appendName(text string) string {
	if k.trait {
		return text + "t" + k.name
	}
	return text + "a" + k.name
}

func parseName(text string) (k key, ok bool) {
	if len(text) < 2 || text[0] != 'a' && text[0] != 't' {
		return key{}, false
	}
	return key{text[1:], text[0] == 't'}, true
}

// recordKey is the key of the record of a pair.
func (l *ledger) recordKey(p pair) string {
	return l.keys[p.key].appendName(pairMark+string('0'+rune(p.subject))) + "\x00" + p.id
}

func parsePair(text string) (k key, ref profile.Ref, ok bool) {
	name, id, ok := strings.Cut(text, "\x00")
	if !ok || id == "" || len(name) < 1 || name[0] < '0' || name[0] > '0'+byte(profile.Account) {
		return k, ref, false
	}
	k, ok = parseName(name[1:])
	return k, profile.Ref{Subject: profile.Subject(name[0] - '0'), ID: id}, ok
}

// unkept is what is to be kept.
type unkept struct {
	dirty    map[pair]struct{}
	schedule bool
	flight   bool
	filled   map[key]bool // queued, or not any more
	heard    uint64
	records  []profile.Record
}

// take returns what is to be kept, of which it takes note as kept. c.mu is held.
func (c *Connection) takeUnkept() (u unkept, err error) {
	u = unkept{c.ledger.dirty, c.unkeptSchedule, c.unkeptFlight, c.unkeptFilled, c.heard, nil}
	add := func(key string, v any) {
		var text []byte
		if v != nil && err == nil {
			text, err = json.Marshal(v)
		}
		u.records = append(u.records, profile.Record{Key: key, Value: text})
	}
	for p := range u.dirty {
		if r := c.ledger.recordOf(p); r != nil {
			add(c.ledger.recordKey(p), r)
		} else {
			add(c.ledger.recordKey(p), nil)
		}
	}
	if u.schedule {
		s := scheduleRecord{NextSync: c.nextSync.UnixNano()}
		if len(c.flights) > 0 && c.flights[0].stays() {
			s.RetryAt, s.Attempts = c.retryAt.UnixNano(), c.flights[0].attempts
		}
		add(scheduleKey, s)
	}
	if u.flight {
		if len(c.flights) > 0 && c.flights[0].stays() {
			add(flightKey, c.ledger.flightRecord(c.flights[0]))
		} else {
			add(flightKey, nil)
		}
	}
	for k, filled := range u.filled {
		if filled {
			add(k.appendName(filledMark), c.filledAs())
		} else {
			add(k.appendName(filledMark), nil)
		}
	}
	if err != nil {
		return u, err
	}
	c.ledger.dirty, c.unkeptFilled = map[pair]struct{}{}, map[key]bool{}
	c.unkeptSchedule, c.unkeptFlight = false, false
	return u, nil
}

// putBack notes that something could not be kept. c.mu is held.
func (c *Connection) putBack(u unkept) {
	for p := range u.dirty {
		c.ledger.dirty[p] = struct{}{}
	}
	for k, filled := range u.filled {
		if _, since := c.unkeptFilled[k]; !since {
			c.unkeptFilled[k] = filled
		}
	}
	c.unkeptSchedule = c.unkeptSchedule || u.schedule
	c.unkeptFlight = c.unkeptFlight || u.flight
}

// keep stores what has changed, with the notices that it came of, in one step. It does so
// for one caller after the other, so that what is newer is stored later.
func (c *Connection) keep(ctx context.Context) error {
	c.keeping.Lock()
	defer c.keeping.Unlock()
	c.mu.Lock()
	u, err := c.takeUnkept()
	c.mu.Unlock()
	if err != nil || len(u.records) == 0 {
		return err
	}
	mark, err := c.hub.source.Keep(ctx, c.subscriber, u.heard, u.records...)
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.putBack(u)
		return err
	}
	c.kept = mark
	return nil
}

// keepForGood is keep that returns when that stays, whatever becomes of the process.
func (c *Connection) keepForGood(ctx context.Context) error {
	if err := c.keep(ctx); err != nil {
		return err
	}
	c.keeping.Lock()
	mark := c.kept
	c.keeping.Unlock()
	return c.hub.source.Durable(ctx, mark)
}

// load reads what a former connection of the type has kept; was says that there was one.
func (c *Connection) load(ctx context.Context) (was bool, err error) {
	snapshot, err := c.hub.source.Snapshot(ctx)
	if err != nil {
		return false, err
	}
	defer snapshot.Close()
	o, err := snapshot.Outbox(ctx)
	if err != nil {
		return false, err
	}
	upTo, was := o.Cursors[c.subscriber]
	if !was {
		return false, nil
	}
	c.learnAll(c.hub.source.List())
	l := loading{c: c}
	for r, err := range snapshot.Records(ctx, c.subscriber) {
		if err != nil {
			return true, err
		}
		if err := l.read(r); err != nil {
			return true, fmt.Errorf("what was kept under %q: %w", r.Key, err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	l.finish()
	c.heard = upTo
	c.ledger.dirty = map[pair]struct{}{}
	return true, nil
}

// loading is what is read of records before all are.
type loading struct {
	c        *Connection
	schedule scheduleRecord
	flight   *flightRecord
	waits    []waiting
	exits    []waiting
}

// waiting is a change that waits, or an exit that was told, of a pair.
type waiting struct {
	pair   pair
	change change
	mark   mark
}

func (l *loading) read(r profile.Record) error {
	switch rest := r.Key[1:]; r.Key[:1] {
	case scheduleKey:
		return json.Unmarshal(r.Value, &l.schedule)
	case flightKey:
		l.flight = &flightRecord{}
		return json.Unmarshal(r.Value, l.flight)
	case filledMark:
		k, ok := parseName(rest)
		var as filledRecord
		if err := json.Unmarshal(r.Value, &as); err != nil || !ok {
			return fmt.Errorf("%w: of no audience, or %w", profile.ErrInvalid, err)
		}
		if l.c.wants(k) && as.equal(l.c.filledAs()) {
			l.c.filled[k] = true
		} else {
			l.c.unkeptFilled[k] = false
		}
	case pairMark:
		k, ref, ok := parsePair(rest)
		var row pairRecord
		if err := json.Unmarshal(r.Value, &row); err != nil || !ok {
			return fmt.Errorf("%w: of no pair, or %w", profile.ErrInvalid, err)
		}
		l.c.mu.Lock()
		defer l.c.mu.Unlock()
		if l.c.wants(k) && l.c.takes(k, ref.Subject) {
			l.pair(l.c.ledger.pairOf(k, ref), &row)
		}
	default:
		return fmt.Errorf("%w: no record of a destination", profile.ErrInvalid)
	}
	return nil
}

// finish enters what has an order. c.mu is held.
func (l *loading) finish() {
	c, led := l.c, &l.c.ledger
	slices.SortFunc(l.waits, func(a, b waiting) int { return int(int64(a.change.seq) - int64(b.change.seq)) })
	for _, w := range l.waits {
		led.put(w.pair, w.change)
	}
	slices.SortFunc(l.exits, func(a, b waiting) int { return int(max(-1, min(1, a.mark.at-b.mark.at))) })
	for _, e := range l.exits {
		led.rememberExit(e.pair, e.mark)
	}
	if at := l.schedule.NextSync; at != 0 {
		c.nextSync = time.Unix(0, at)
	}
	if l.flight != nil {
		f := l.flight.flight(led)
		f.attempts, c.retryAt = l.schedule.Attempts, time.Unix(0, l.schedule.RetryAt)
		c.flights = []*flight{f}
	}
}
