package audience_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
)

// TestDifferentialBacktest plays random histories, most with accounts, late data and data dated
// ahead, merges, people who left accounts and who were deleted, and holds backtests of every
// audience at their end, from a random instant on in random steps, to the oracle's.
func TestDifferentialBacktest(t *testing.T) {
	playAll(t, max(1, *historiesFlag/4), generate, func(h *history) error {
		p, err := newPlayer(h, 1)
		if err != nil {
			return err
		}
		defer p.stop()
		for _, c := range h.calls {
			if !p.live.possible(c.do) {
				continue
			}
			c.explain, c.refused = 0, [2]string{}
			if _, _, err := p.play(c); err != nil {
				return fmt.Errorf("%s\n%w", c, err)
			}
		}
		random := rand.New(rand.NewPCG(uint64(len(h.calls)), 4))
		for _, key := range p.model.Audiences() {
			d, err := p.engine.Definition(key)
			if err != nil {
				return err
			}
			from := epoch.Add(time.Duration(random.IntN(40)-10) * grid / 2)
			step := time.Duration(1+random.IntN(12)) * grid / 2
			n := 1 + random.IntN(30)
			got, err := p.engine.Backtest(p.ctx, d, from, from.Add(time.Duration(n-1)*step), step)
			if err != nil {
				return err
			}
			want := pointsOf(d, p.model.Backtest(d, from.Add(time.Duration(n-1)*step)), from, step, n)
			if !slices.Equal(want, got) {
				return fmt.Errorf("backtest of %s from %s in steps of %s:\nexpected %v\nactual   %v", key, sinceEpoch(from), step, want, got)
			}
		}
		return p.engine.Close()
	})
}

// pointsOf counts transitions as a backtest does.
func pointsOf(d audience.Definition, told []audience.Transition, from time.Time, step time.Duration, n int) []audience.Point {
	points := make([]audience.Point, n)
	for i := range points {
		p := &points[i]
		p.At = from.Add(time.Duration(i) * step)
		for _, tr := range told {
			if tr.Subject != d.Of || tr.At.After(p.At) {
				continue
			}
			since := i > 0 && tr.At.After(points[i-1].At)
			if tr.Type == audience.Entered {
				if p.Size++; since {
					p.Entered++
				}
			} else if p.Size--; since {
				p.Exited++
			}
		}
	}
	return points
}
