package aggregate

import (
	"slices"

	"github.com/muster-go/muster/internal/canonical"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
)

// last is the value of the newest event that counts. Of several at one time the
// greatest counts. An event that does not count longer than a newer one is never the newest,
// so but for windows of calendar months one event is all that is kept.
type last struct {
	held []lasting // the newest last, and so the one that ends first
}

// lasting is the value of an event.
type lasting struct {
	at, end int64
	value   profile.Value
}

func (l *last) add(at, end int64, v profile.Value) {
	i := len(l.held)
	for i > 0 && l.held[i-1].at > at {
		i--
	}
	switch {
	case i < len(l.held) && l.held[i].end >= end:
		return
	case i > 0 && l.held[i-1].at == at:
		if x := &l.held[i-1]; canonical.Copy(v).Compare(x.value) > 0 {
			x.value = canonical.Copy(v)
		}
		return
	}
	older := i // those from here on to i count no longer
	for older > 0 && l.held[older-1].end <= end {
		older--
	}
	l.held = slices.Replace(l.held, older, i, lasting{at, end, canonical.Copy(v)})
}

func (l *last) expire(now int64) {
	n := len(l.held)
	for n > 0 && l.held[n-1].end <= now {
		n--
	}
	clear(l.held[n:])
	l.held = l.held[:n]
}

func (l *last) value() profile.Value {
	if n := len(l.held); n > 0 {
		return l.held[n-1].value
	}
	return profile.Value{}
}

func (l *last) ends() int64 {
	if n := len(l.held); n > 0 {
		return l.held[n-1].end
	}
	return horizon.Never
}

// earliest is the value of the oldest event ever. Of several at one time the
// least counts.
type earliest struct {
	at   int64
	held profile.Value // null: none
}

func (e *earliest) add(at, _ int64, v profile.Value) {
	if e.held.IsNull() || at < e.at || at == e.at && canonical.Copy(v).Compare(e.held) < 0 {
		e.at, e.held = at, canonical.Copy(v)
	}
}

func (e *earliest) expire(int64) {}

func (e *earliest) value() profile.Value { return e.held }

func (e *earliest) ends() int64 { return horizon.Never }
