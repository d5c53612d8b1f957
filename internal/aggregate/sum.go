package aggregate

import (
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
)

// sum is the sum or the mean of numbers, exact in decimal however many come and go. In a
// window it keeps 24 bytes an event, and otherwise only the total.
type sum struct {
	total    decimal
	n        uint64 // numbers that count
	doubles  uint64 // those of them that are doubles
	mean     bool
	windowed bool
	numbers  queue[number]
}

func (s *sum) add(_, end int64, v profile.Value) {
	x := numberOf(end, v)
	s.n++
	if x.double {
		s.doubles++
		s.total.addFloat(x.float())
	} else {
		s.total.add(int64(x.bits))
	}
	if s.windowed {
		s.numbers.push(x)
	}
}

func (s *sum) expire(now int64) {
	for x, ok := s.numbers.peek(); ok && x.at <= now; x, ok = s.numbers.peek() {
		s.numbers.pop()
		s.n--
		if x.double {
			s.doubles--
			s.total.addFloat(-x.float())
		} else {
			s.total.sub(int64(x.bits))
		}
	}
	if s.n == 0 {
		s.total.reset()
	}
}

func (s *sum) value() profile.Value {
	if s.n == 0 {
		return profile.Value{}
	}
	if s.mean {
		return profile.FloatValue(s.total.float(s.n))
	}
	if s.doubles == 0 {
		if i, ok := s.total.int(); ok {
			return profile.IntValue(i)
		}
	}
	return profile.FloatValue(s.total.float(1)) // an infinity becomes null
}

func (s *sum) ends() int64 {
	if x, ok := s.numbers.peek(); ok {
		return x.at
	}
	return horizon.Never
}
