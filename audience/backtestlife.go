package audience

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/profile"
)

// backtest counts what an audience of some profiles does, one component of them after the
// other.
type backtest struct {
	*forecast
	of              *live
	from            time.Time
	step            time.Duration
	history         profile.History // of the user at hand
	tenures         bool            // how long memberships have held is asked: profiles live from when they are known
	entered, exited []int           // until each point, since the one before
}

func newBacktest(ctx context.Context, view *Engine, of *live, from, to time.Time, step time.Duration) *backtest {
	n := int(to.Sub(from)/step) + 1
	b := &backtest{of: of, from: from, step: step, entered: make([]int, n), exited: make([]int, n)}
	for _, net := range view.nets {
		b.tenures = b.tenures || slices.ContainsFunc(net.Nodes, func(n *network.Node) bool { return n != nil && n.Kind == network.KindTenure })
	}
	b.forecast = newForecast(ctx, view, from.Add(time.Duration(n-1)*step).UnixNano(), b.take)
	if view.nets.CrossProfile() {
		b.born = map[string]bool{}
		view.x.Born = func(user string) bool { return b.born[user] }
	}
	return b
}

// take counts a transition.
func (b *backtest) take(tr Transition) {
	if tr.Audience != b.of.key || tr.Subject != b.of.audience.Of {
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

// liveThrough has the profiles of a component live through the history, each from when
// something is known of it.
func (b *backtest) liveThrough(refs []profile.Ref) error {
	if err := b.births(refs); err != nil {
		return err
	}
	err := b.goOn()
	b.forget()
	return err
}

// births finds when the profiles of a component come to be: users come before accounts in it.
func (b *backtest) births(refs []profile.Ref) error {
	accounts := map[string]int64{}
	b.come = b.come[:0]
	for _, ref := range refs {
		if err := b.ctx.Err(); err != nil {
			return err
		}
		at, err := b.birth(ref)
		if err != nil {
			return failed(ref, err)
		}
		if first, has := accounts[ref.ID]; has && ref.Subject == profile.Account {
			at = min(at, first)
		}
		if at > b.until {
			continue
		}
		if len(refs) > 1 && ref.Subject == profile.User {
			of, err := b.view.store.Accounts(b.ctx, ref.ID)
			if err != nil {
				return failed(ref, err)
			}
			for _, account := range of {
				if first, has := accounts[account]; !has || at < first {
					accounts[account] = at
				}
			}
		}
		if !b.tenures {
			at = max(at, b.from.UnixNano())
		}
		b.come = append(b.come, timer{at: at, ref: ref})
	}
	slices.SortFunc(b.come, compareTimers)
	return nil
}

// birth returns the time of the first event or trait that is known of a profile itself; one
// that is never if there is none.
func (b *backtest) birth(ref profile.Ref) (first int64, err error) {
	first = math.MaxInt64
	if ref.Subject == profile.User {
		if first, err = b.firstEvent(ref.ID); err != nil {
			return 0, err
		}
	}
	writes, err := b.view.store.Traits(b.ctx, ref)
	for _, w := range writes {
		first = min(first, w.Time.UnixNano())
	}
	return first, err
}

func (b *backtest) firstEvent(user string) (int64, error) {
	first := int64(math.MaxInt64)
	err := b.view.store.ReadHistory(b.ctx, user, &b.history)
	for i := 0; err == nil && i < b.history.Len(); i++ {
		if b.history.Begin(i, math.MinInt64); b.history.Next() {
			first = min(first, b.history.Event().Time.UnixNano())
		}
	}
	if !errors.Is(err, errors.ErrUnsupported) {
		return first, err
	}
	for name, err := range b.view.store.EventNames(b.ctx, user) {
		if err != nil {
			return 0, err
		}
		for ev, err := range b.view.store.Events(b.ctx, user, name, time.Time{}) {
			if err != nil {
				return 0, err
			}
			first = min(first, ev.Time.UnixNano())
			break
		}
	}
	return first, nil
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
