package sequence

import (
	"iter"
	"time"

	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
)

// GoThrough sets of how many events a State goes through all, not to keep
// beside them what is due and best.
func (m *Matcher) GoThrough(few int) { m.few = few }

// CompileAlone is Compile in an environment of the funnel's own.
func CompileAlone(f funnel.Funnel) (*Matcher, error) {
	env, err := celfilter.NewEnv(nil)
	if err != nil {
		return nil, err
	}
	return Compile(f, env)
}

// Match answers for a history at t, whose events come in any order, and returns
// the events of the choice that makes the funnel hold.
func (m *Matcher) Match(events iter.Seq[profile.Event], by Traits, t time.Time) (horizon.Verdict, []profile.Event) {
	var kept []profile.Event
	s, now := m.NewState(), t.UnixNano()
	for e := range events {
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
	return verdict, matched
}
