package aggregate

import (
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
)

// last is the value of the newest event that counts. Whenever that one stops to
// count all others have, so it is all that is kept. Of several at one time the
// greatest counts.
type last struct {
	at   int64
	held profile.Value // null: none
}

func (l *last) add(at int64, v profile.Value) {
	if l.held.IsNull() || at > l.at || at == l.at && canonicalCopy(v).Compare(l.held) > 0 {
		l.at, l.held = at, canonicalCopy(v)
	}
}

func (l *last) expire(last int64) {
	if l.at <= last {
		l.held = profile.Value{}
	}
}

func (l *last) value() profile.Value { return l.held }

func (l *last) oldest() int64 {
	if l.held.IsNull() {
		return horizon.Never
	}
	return l.at
}

// earliest is the value of the oldest event ever. Of several at one time the
// least counts.
type earliest struct {
	at   int64
	held profile.Value // null: none
}

func (e *earliest) add(at int64, v profile.Value) {
	if e.held.IsNull() || at < e.at || at == e.at && canonicalCopy(v).Compare(e.held) < 0 {
		e.at, e.held = at, canonicalCopy(v)
	}
}

func (e *earliest) expire(int64) {}

func (e *earliest) value() profile.Value { return e.held }

func (e *earliest) oldest() int64 { return horizon.Never }
