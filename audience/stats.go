package audience

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/muster-go/muster/internal/horizon"
)

// Stats are figures of an engine: what it has done since it was made, and what it has now.
type Stats struct {
	Commits     uint64            // transactions that were committed
	Aborts      uint64            // that were not, as something failed
	Transitions []TransitionCount // that were told, by audience, then type, then cause
	Values      uint64            // changes of computed traits that were told
	Misfires    uint64            // callbacks that failed
	Timers      uint64            // profiles that time alone changed, or may have
	Late        time.Duration     // how late all of these were taken together, by the clock
	NextTimer   time.Time         // when the next is due; zero: none is
	States      int               // profiles that are in memory
	StateBytes  int64             // about what these take; 0 without Options.CacheBytes
	Touched     uint64            // profiles that transactions came to
	Read        uint64            // and those of them that were not in memory
	Waiting     int               // notices that wait for durable subscribers
	WaitBytes   int64             // what these take in the store
}

// TransitionCount says how many transitions there were of a kind.
type TransitionCount struct {
	Audience string
	Type     Type
	Cause    Cause
	Count    uint64
}

// figures are those of a shard, guarded by its lock: the sums of its steps.
type figures struct {
	commits, aborts, values, timers, touched, read uint64

	late        time.Duration
	transitions map[TransitionCount]uint64 // by all but Count
}

// add adds what a transaction has counted, the notices aside.
func (f *figures) add(s *Step) {
	f.commits++
	f.values += uint64(s.Values)
	f.timers += uint64(s.Timers)
	f.late += s.Late
	f.touched += uint64(s.Touched)
	f.read += uint64(s.Read)
}

// tell counts a transition that is told.
func (f *figures) tell(n *notice) {
	kind, ok := n.kind()
	if !ok {
		return
	}
	if f.transitions == nil {
		f.transitions = map[TransitionCount]uint64{}
	}
	f.transitions[kind]++
}

// kind returns of which kind a notice is, if it is a transition.
func (n *notice) kind() (TransitionCount, bool) {
	return TransitionCount{n.transition.Audience, n.transition.Type, n.transition.Cause, 0}, n.ids == nil && n.change == nil
}

// Stats returns the present figures. Those of different shards are of different moments; it
// waits for what a shard is doing, and for nothing else.
func (e *Engine) Stats() Stats {
	var s Stats
	transitions := map[TransitionCount]uint64{}
	next := horizon.Never
	for _, sh := range e.shards {
		sh.mu.Lock()
		f := &sh.figures
		s.Commits += f.commits
		s.Aborts += f.aborts
		s.Values += f.values
		s.Timers += f.timers
		s.Late += f.late
		s.Touched += f.touched
		s.Read += f.read
		for kind, n := range f.transitions {
			transitions[kind] += n
		}
		s.States += sh.states.Len()
		s.StateBytes += int64(sh.states.Bytes())
		sh.mu.Unlock()
		next = min(next, sh.due.Load())
	}
	if next = min(next, e.batchDue.Load()); next != horizon.Never {
		s.NextTimer = instant(next)
	}
	s.Transitions = make([]TransitionCount, 0, len(transitions))
	for kind, n := range transitions {
		kind.Count = n
		s.Transitions = append(s.Transitions, kind)
	}
	slices.SortFunc(s.Transitions, func(a, b TransitionCount) int {
		return cmp.Or(strings.Compare(a.Audience, b.Audience), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Cause, b.Cause))
	})
	s.Misfires = e.misfires.Load()
	s.Waiting, s.WaitBytes = e.outbox.Waits()
	return s
}
