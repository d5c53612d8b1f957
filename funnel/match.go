package funnel

import (
	"iter"
	"time"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
)

// Match answers for a history at t: whether the funnel holds, until when if
// nothing new arrives, and the events of a choice that makes it hold, one for
// each step that is to follow. Events come in any order, each once; those dated
// after t count from their own time on. The events matched are as in the
// sequence.
//
// The error wraps profile.ErrTime for a time that the engine does not take.
func (m *Matcher) Match(events iter.Seq[profile.Event], by Traits, t time.Time) (horizon.Verdict, []profile.Event, error) {
	if err := profile.CheckTime(t); err != nil {
		return horizon.Verdict{}, nil, err
	}
	var kept []profile.Event
	s, now := m.NewState(), t.UnixNano()
	for e := range events {
		if err := profile.CheckTime(e.Time); err != nil {
			return horizon.Verdict{}, nil, err
		}
		if !m.Takes(e.Name) {
			continue
		}
		numbered := e
		numbered.Seq = uint64(len(kept)) // to know it again
		kept = append(kept, e)
		s.Add(&numbered, by, now)
	}
	verdict := s.At(now)
	var matched []profile.Event
	for _, c := range s.Evidence() {
		matched = append(matched, kept[c.Seq])
	}
	return verdict, matched, nil
}
