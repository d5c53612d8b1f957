package audience

import (
	"slices"
	"strings"

	"github.com/muster-go/muster/internal/eval"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/internal/reuse"
	"github.com/muster-go/muster/profile"
)

// commitment is what a transaction has changed: what is stored, and what is told
// then.
type commitment struct {
	changes []change            // of the part at hand
	values  []valueChange       // likewise
	batch   []profile.Change    // of the run at hand
	sets    []profile.SetMember // of all runs: the store's until the transaction is over
	puts    []profile.SetValue  // likewise
	wakes   []profile.SetWake   // likewise
	marks   []uint64            // scratch
	counts  []profile.UsersCount
	notices []notice     // of all runs
	tell    profile.Tell // what the store has of them
	upTo    profile.Mark // of the last commit
}

// change is one membership that a transaction changed.
type change struct {
	audience *network.Output
	member   bool
	cause    Cause
}

// valueChange is the value of one computed trait that a transaction changed.
type valueChange struct {
	trait    *network.Output
	old, new profile.Value
	cause    Cause
}

func (c *commitment) clear() {
	c.batch, c.sets, c.puts, c.wakes = reuse.Emptied(c.batch), reuse.Emptied(c.sets), reuse.Emptied(c.puts), reuse.Emptied(c.wakes)
	c.notices = reuse.Emptied(c.notices)
}

// gatherRun stores what a run has changed.
func (x *txn) gatherRun() error {
	x.gatherAll()
	if x.Err == nil && len(x.batch) > 0 {
		x.Err = x.put(x.batch...)
	}
	clear(x.batch)
	x.batch = x.batch[:0]
	if x.Err != nil {
		if len(x.parts) == 1 {
			return failed(x.parts[0].ref, x.Err)
		}
		return x.Err
	}
	for _, pt := range x.parts {
		if pt.p != nil && x.cause == CauseTime { // it has brought profiles to where it changes nothing
			x.Switch(pt.p)
			x.Sweep()
		}
	}
	x.finish()
	return nil
}

// gatherAll gathers what changed, part after part in the order of profiles.
func (x *txn) gatherAll() {
	if x.Err != nil {
		return
	}
	if len(x.parts) > 1 {
		slices.SortStableFunc(x.parts, func(a, b *part) int { return a.ref.Compare(b.ref) })
		// What a state made that was forgotten is no change.
		x.Truths = slices.DeleteFunc(x.Truths, func(f eval.TruthChange) bool { return f.P.Part == nil })
		x.Values = slices.DeleteFunc(x.Values, func(m eval.ValueChange) bool { return m.P.Part == nil })
	}
	x.SortChanges()
	truths, values := x.Truths, x.Values
	for _, pt := range x.parts {
		nf, nm := 0, 0
		for nf < len(truths) && truths[nf].P == pt.p {
			nf++
		}
		for nm < len(values) && values[nm].P == pt.p {
			nm++
		}
		x.gather(pt, truths[:nf], values[:nm])
		truths, values = truths[nf:], values[nm:]
		if x.Err != nil {
			return
		}
	}
}

// gather gathers what changed for one part: those of computed traits before those
// of memberships and each in the order of keys.
func (x *txn) gather(pt *part, truths []eval.TruthChange, values []eval.ValueChange) {
	x.changes, x.values = x.changes[:0], x.values[:0]
	x.Switch(pt.p)
	pt.diff(x, pt, truths, values)
	slices.SortFunc(x.changes, func(a, b change) int { return strings.Compare(a.audience.Key, b.audience.Key) })
	slices.SortFunc(x.values, func(a, b valueChange) int { return strings.Compare(a.trait.Key, b.trait.Key) })
	at := instant(x.At)
	for _, c := range x.values {
		x.puts = append(x.puts, profile.SetValue{
			Value: profile.ComputedValue{Key: c.trait.Key, Ref: pt.ref, Value: c.new, Since: at},
		})
		x.batch = append(x.batch, &x.puts[len(x.puts)-1])
		x.notices = append(x.notices, notice{change: &TraitChange{
			Trait:   c.trait.Key,
			Profile: pt.ref,
			Old:     c.old,
			New:     c.new,
			At:      at,
			Cause:   c.cause,
		}})
	}
	for _, c := range x.changes {
		x.sets = append(x.sets, profile.SetMember{
			Membership: profile.Membership{Audience: c.audience.Key, Ref: pt.ref, Since: at},
			Member:     c.member,
		})
		x.batch = append(x.batch, &x.sets[len(x.sets)-1])
		tr := Transition{
			Audience: c.audience.Key,
			Subject:  pt.ref.Subject,
			Profile:  pt.ref.ID,
			Type:     typeOf(c.member),
			At:       at,
			Cause:    c.cause,
		}
		if x.e.evident && x.Err == nil {
			evidence := x.explainMembership(x.e.live[c.audience.Key])
			tr.Evidence = &evidence
		}
		x.notices = append(x.notices, notice{transition: tr})
	}
	if pt.p != nil {
		x.keep(pt.p)
	}
}
