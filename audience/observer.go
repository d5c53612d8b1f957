package audience

import (
	"context"
	"time"

	"github.com/muster-go/muster/profile"
)

// Observer is told what an engine does, as it does it: how long calls take, which a trace
// may follow, and what each transaction was. What these add up to is in Stats, whether
// anybody observes or not. It costs nothing where Options.Observer is nil.
//
// Both methods are called without any lock of the engine, on the goroutines of the calls to
// it, also side by side; the engine waits for them. A panic goes to Options.OnError, and
// changes nothing else.
type Observer interface {
	// Call is told that a call of the engine begins: "track", "identify", "group",
	// "leave", "alias", "delete user", "delete account", "apply", "advance", "create",
	// "edit", "pause", "resume", "delete", "recompute", "sync", "plan", "preview", "backtest", "due",
	// "explain", "catalog". It returns the context that the call goes on with, which
	// callbacks have too, and what is told how it ended; nil: nothing is. Calls that just
	// read what is stored are not told of, and of those that Run makes only "advance",
	// where something is due.
	Call(ctx context.Context, name string) (within context.Context, end func(error))
	// Step is told of each transaction of the store, once it stays: those of one shard in
	// their order, each after the callbacks of its transitions. The context is that of the
	// call that delivers these: see Subscribe.
	Step(ctx context.Context, s Step)
}

// Step is what one transaction of the store was: the data of one call, or of many, and all
// that follows from it; what was due; a part of a creation, and so on. Stats are the sums.
type Step struct {
	At          time.Time         // its instant; of several that were taken together the last
	Took        time.Duration     // from its beginning to its end, while it held its locks
	Committing  time.Duration     // of that, the store's commit
	Transitions []TransitionCount // that it told, in the order of the first of each kind
	Values      int               // changes of computed traits that it told
	Timers      int               // profiles that were due
	Late        time.Duration     // how late all of these were taken together, by the clock
	Touched     int               // profiles that it came to
	Read        int               // and those of them that were not in memory
}

// unobserved is told how a call ended that nobody observes.
func unobserved(err error) error { return err }

// begin begins a call, and returns the context that it goes on with and what is told how it
// ended.
func (e *Engine) begin(ctx context.Context, call string) (within context.Context, end func(error) error) {
	ctx, n := note(ctx)
	end = unobserved
	if e.observer != nil {
		ctx, end = e.observeCall(ctx, call)
	}
	if n == nil {
		return ctx, end
	}
	observed := end
	return ctx, func(err error) error { return observed(n.ended(ctx, e, err)) }
}

func (e *Engine) observeCall(ctx context.Context, call string) (within context.Context, end func(error) error) {
	within, end = ctx, unobserved
	e.guarded("observer.Call", func() {
		c, ended := e.observer.Call(ctx, call)
		if c != nil {
			within = c
		}
		if ended != nil {
			end = func(err error) error {
				e.guarded("observer.Call", func() { ended(err) })
				return err
			}
		}
	})
	return within, end
}

// guarded calls the observer, and reports its panics.
func (e *Engine) guarded(in string, do func()) {
	if err := func() (err error) {
		defer catch(in, &err)
		do()
		return nil
	}(); err != nil {
		e.report(err)
	}
}

// doing is what a transaction counts as it goes on.
type doing struct {
	Step
	began time.Time // only where it is observed
}

// countTimer counts a profile that was due.
func (x *txn) countTimer(due int64) {
	if now, err := x.e.readClock(); err == nil {
		x.doing.Timers++
		x.doing.Late += max(0, now.Sub(instant(due)))
	}
}

// observe begins to measure a transaction.
func (x *txn) observe() {
	x.doing = doing{}
	if x.e.observer != nil {
		x.doing.began = time.Now()
	}
}

// commitStore commits the store's transaction.
func (x *txn) commitStore() (profile.Mark, error) {
	if x.e.observer == nil {
		return x.tx.Commit()
	}
	began := time.Now()
	defer func() { x.doing.Committing = time.Since(began) }()
	return x.tx.Commit()
}

// tellStep has the observer told of a transaction that is committed.
func (x *txn) tellStep() {
	s := x.doing.Step
	s.At, s.Took = instant(x.At), time.Since(x.doing.began)
	for i := range x.notices {
		s.count(&x.notices[i])
	}
	x.home.out.Push(notice{step: &s}, x.upTo)
}

// count counts a transition that is told.
func (s *Step) count(n *notice) {
	kind, ok := n.kind()
	if !ok {
		return
	}
	for i := range s.Transitions {
		of := s.Transitions[i]
		if of.Count = 0; of == kind {
			s.Transitions[i].Count++
			return
		}
	}
	kind.Count = 1
	s.Transitions = append(s.Transitions, kind)
}
