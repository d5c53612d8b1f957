package destination

import (
	"math"
	"time"
)

// markOf returns the mark with which a change of a pair is told.
func (l *ledger) markOf(p pair, c change) mark {
	t, known := l.get(p)
	m := mark{at: c.at}
	if known && t.at == c.at {
		m.number = t.number + 1
	}
	if exit, is := l.exit(p); is && exit.at == c.at {
		m.number = max(m.number, exit.number+1)
	}
	return m
}

// exited notes that the receiver is told that a pair is out.
func (l *ledger) exited(p pair, m mark) {
	l.remember(p)
	l.unset(p)
	l.rememberExit(p, m)
}

// exitMemory is how long at least an exit is remembered after it was sent, in
// time of the transitions. It has to outlast what lies between two transitions
// of one instant, which is the time of their callbacks.
const exitMemory = int64(time.Minute)

// rememberExit keeps the mark of an exit for as long as the pair may enter again
// at the same instant.
func (l *ledger) rememberExit(p pair, m mark) {
	if m.at >= l.epoch+exitMemory || l.epoch == math.MinInt64 {
		for p := range l.exits[1] {
			l.touch(p)
		}
		l.exits[1], l.exits[0] = l.exits[0], map[pair]mark{}
		l.epoch = m.at
	}
	l.touch(p)
	l.exits[0][p] = m
	delete(l.exits[1], p)
}

func (l *ledger) exit(p pair) (mark, bool) {
	for _, exits := range l.exits {
		if m, ok := exits[p]; ok {
			return m, true
		}
	}
	return mark{}, false
}
