package audience

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/profile"
)

// Due says what time alone will change until an instant, that included, as far as nothing
// new arrives: the transitions that Advance would tell, in its order, with their instants. It
// works on a snapshot of the store: it holds nobody up, nothing is told and nothing is kept.
//
// It reads the profiles that are due until then; all profiles while anything is defined of
// accounts, or a batch audience is computed at an interval: these are then in memory until it
// returns, and what is overdue already is said to be due at the instant that the engine has
// reached. What is being created is left out, and what is being edited is as it was.
func (e *Engine) Due(ctx context.Context, until time.Time) (_ []Transition, err error) {
	ctx, end := e.begin(ctx, "due")
	defer func() { err = end(err) }()
	due, err := e.due(ctx, until)
	return due, in("due", err)
}

func (e *Engine) due(ctx context.Context, until time.Time) (due []Transition, err error) {
	if err := profile.CheckTime(until); err != nil {
		return nil, err
	}
	snap, err := e.store.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = snap.Close() }()
	_, last, err := snap.Position(ctx)
	if err != nil {
		return nil, err
	}
	now := e.last.Load()
	if !last.IsZero() {
		now = max(now, last.UnixNano())
	}
	view, err := e.viewOf(snap, e.standing())
	if err != nil {
		return nil, err
	}
	f := newForecast(ctx, view, until.UnixNano(), func(tr Transition) { due = append(due, tr) })
	if view.nets.CrossProfile() || view.hasIntervals() {
		err = f.all(now)
	} else {
		err = f.each(now)
		slices.SortStableFunc(due, func(a, b Transition) int {
			return cmp.Or(a.At.Compare(b.At), a.Ref().Compare(b.Ref()), strings.Compare(a.Audience, b.Audience))
		})
	}
	if err != nil {
		return nil, err
	}
	return due, nil
}

// standing returns the definitions that all profiles have.
func (e *Engine) standing() (defs []*definition) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	for _, a := range e.live {
		if !a.pending {
			again := *a.definition
			defs = append(defs, &again)
		}
	}
	slices.SortFunc(defs, func(a, b *definition) int { return strings.Compare(a.key, b.key) })
	return defs
}

// hasIntervals reports whether a batch audience is computed at an interval.
func (e *Engine) hasIntervals() bool {
	for _, net := range e.nets {
		if slices.ContainsFunc(net.Batches, func(n *network.Node) bool { return n.Interval > 0 }) {
			return true
		}
	}
	return false
}
