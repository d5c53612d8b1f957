package audience

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/profile"
)

// Point is the size of an audience at an instant of a Backtest.
type Point struct {
	At      time.Time
	Size    int // members at the instant
	Entered int // since the point before, without it; of the first point 0
	Exited  int // likewise
}

// maxPoints is the number of points of a backtest at most.
const maxPoints = 100_000

// Backtest says how large an audience would have been at each step from an instant on, up
// to and including another, and how many would have entered and exited in between: from
// the stored history, as if each message had come at the time that it is of, and all of
// one instant together. It works on a snapshot of the store: it holds nobody up, nothing
// is told and nothing is kept. The error is a *DefinitionError for a bad definition.
//
// What the store does not keep it cannot know: of a trait it has the newest value, and what
// was set before that is as if it had not been set; events beyond the retention are gone; a
// profile is there from the time of the first event or trait that is known of it, and two
// that were merged have been one from the beginning. A batch audience is taken as one in real
// time. Definitions of accounts, and of users by their accounts, are profile.ErrInvalid: since
// when a user has an account is not kept.
func (e *Engine) Backtest(ctx context.Context, d Definition, from, to time.Time, step time.Duration) (_ []Point, err error) {
	ctx, end := e.begin(ctx, "backtest")
	defer func() { err = end(err) }()
	points, err := e.backtest(ctx, d, from, to, step)
	return points, in("backtest", err)
}

func (e *Engine) backtest(ctx context.Context, d Definition, from, to time.Time, step time.Duration) ([]Point, error) {
	for _, t := range []time.Time{from, to} {
		if err := profile.CheckTime(t); err != nil {
			return nil, err
		}
	}
	switch {
	case step <= 0:
		return nil, fmt.Errorf("%w: steps of %s", profile.ErrInvalid, step)
	case to.Before(from):
		return nil, fmt.Errorf("%w: to %s, which is before %s", profile.ErrInvalid, to, from)
	case to.Sub(from)/step >= maxPoints:
		return nil, fmt.Errorf("%w: more than %d points", profile.ErrInvalid, maxPoints)
	}
	snap, err := e.store.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = snap.Close() }()
	d.NoBackfill = false // what is to come for it has come
	views := make([]*Engine, max(1, min(runtime.GOMAXPROCS(0), profile.Lanes)))
	var key string
	for i := range views {
		var a *live
		if views[i], a, err = e.previewView(snap, d, 0); err != nil {
			return nil, err
		}
		views[i].past = true
		key = a.key
	}
	if views[0].nets.CrossProfile() {
		return nil, fmt.Errorf("%w: audience %q is of accounts, or of users by their accounts", profile.ErrInvalid, key)
	}
	ids := make([][]string, len(views))
	for id, err := range snap.Profiles(ctx, profile.User, "") {
		if err != nil {
			return nil, err
		}
		of := profile.Lane(id) % len(ids)
		ids[of] = append(ids[of], id)
	}
	tests := make([]*backtest, len(views))
	errs := make([]error, len(views))
	var all sync.WaitGroup
	for i := range views {
		tests[i] = newBacktest(ctx, views[i], key, from, to, step)
		all.Add(1)
		go func() {
			defer all.Done()
			errs[i] = tests[i].users(ids[i])
		}()
	}
	all.Wait()
	for i, err := range errs {
		if err != nil {
			return nil, err
		}
		if i > 0 {
			tests[0].add(tests[i])
		}
	}
	return tests[0].points(), nil
}

// backtest counts what an audience of some users does.
type backtest struct {
	*forecast
	key             string
	from            time.Time
	step            time.Duration
	history         profile.History // of the user at hand
	lives           bool            // how long memberships have held is asked: users live from when they are known
	entered, exited []int           // until each point, since the one before
}

func newBacktest(ctx context.Context, view *Engine, key string, from, to time.Time, step time.Duration) *backtest {
	n := int(to.Sub(from)/step) + 1
	b := &backtest{key: key, from: from, step: step, entered: make([]int, n), exited: make([]int, n)}
	b.lives = slices.ContainsFunc(view.nets[profile.User].Nodes, func(n *network.Node) bool { return n.Kind == network.KindTenure })
	b.forecast = newForecast(ctx, view, from.Add(time.Duration(n-1)*step).UnixNano(), b.take)
	return b
}

// take counts a transition.
func (b *backtest) take(tr Transition) {
	if tr.Audience != b.key {
		return
	}
	// The first point at tr.At or after it.
	i := max(0, int((tr.At.Sub(b.from)+b.step-1)/b.step))
	if tr.Type == Entered {
		b.entered[i]++
	} else {
		b.exited[i]++
	}
}

// users has some users live through the history.
func (b *backtest) users(ids []string) error {
	for _, id := range ids {
		if err := b.user(profile.UserRef(id)); err != nil {
			return failed(profile.UserRef(id), err)
		}
	}
	return nil
}

// user has a user live through the history, from when something is known of it.
func (b *backtest) user(ref profile.Ref) error {
	born, err := b.born(ref)
	if err != nil || born > b.until {
		return err
	}
	first := max(born, b.from.UnixNano())
	if b.lives {
		first = born
	}
	if _, err := b.forecast.step(first, func(x *txn) { b.bring(x, []profile.Ref{ref}) }); err != nil {
		return err
	}
	// What is stored of it has nothing to do with what was then.
	if b.view.shards[0].states.Get(ref).Truth(b.view.live[b.key].Root) {
		b.take(Transition{Audience: b.key, Type: Entered, At: instant(first)})
	}
	err = b.goOn()
	b.forget()
	return err
}

// born returns the time of the first event or trait that is known of a user.
func (b *backtest) born(ref profile.Ref) (int64, error) {
	born := b.until + 1
	err := b.view.store.ReadHistory(b.ctx, ref.ID, &b.history)
	for i := 0; err == nil && i < b.history.Len(); i++ {
		if b.history.Begin(i, math.MinInt64); b.history.Next() {
			born = min(born, b.history.Event().Time.UnixNano())
		}
	}
	if err == nil {
		return b.bornByTraits(ref, born)
	}
	if !errors.Is(err, errors.ErrUnsupported) {
		return 0, err
	}
	for name, err := range b.view.store.EventNames(b.ctx, ref.ID) {
		if err != nil {
			return 0, err
		}
		for ev, err := range b.view.store.Events(b.ctx, ref.ID, name, time.Time{}) {
			if err != nil {
				return 0, err
			}
			born = min(born, ev.Time.UnixNano())
			break
		}
	}
	return b.bornByTraits(ref, born)
}

// bornByTraits is born where that of the first event is known.
func (b *backtest) bornByTraits(ref profile.Ref, born int64) (int64, error) {
	writes, err := b.view.store.Traits(b.ctx, ref)
	for _, w := range writes {
		born = min(born, w.Time.UnixNano())
	}
	return born, err
}

// add adds what another has counted.
func (b *backtest) add(other *backtest) {
	for i := range b.entered {
		b.entered[i] += other.entered[i]
		b.exited[i] += other.exited[i]
	}
}

// points returns what was counted.
func (b *backtest) points() []Point {
	points := make([]Point, len(b.entered))
	size := 0
	for i := range points {
		size += b.entered[i] - b.exited[i]
		points[i] = Point{At: b.from.Add(time.Duration(i) * b.step), Size: size, Entered: b.entered[i], Exited: b.exited[i]}
	}
	points[0].Entered, points[0].Exited = 0, 0
	return slices.Clip(points)
}
