package audience_test

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/profile"
)

var (
	historiesFlag = flag.Int("histories", 300, "random histories to play against the oracle; .ci/run plays 1,600")
	seedFlag      = flag.Uint64("seed", 1, "seed of the first random history; the others follow")
)

// TestDifferential plays random histories to an engine and to the oracle, and
// holds every transition and every change of a computed trait of the one, its
// instant, cause and place in the order, and what callbacks then see, to that of
// the other.
func TestDifferential(t *testing.T) {
	playAll(t, *historiesFlag, generate, func(h *history) error { return run(h, 1, compareOrder) })
}

// playAll plays n histories on all cores. The first failure is shrunk and
// shown.
func playAll(t *testing.T, n int, generate func(seed uint64) *history, run func(*history) error) {
	const parts = 8
	for part := range parts {
		t.Run(fmt.Sprintf("part%d", part), func(t *testing.T) {
			t.Parallel()
			for i := part; i < n; i += parts {
				seed := *seedFlag + uint64(i)
				h := generate(seed)
				if err := run(h); err != nil {
					h, err = shrink(h, err, run)
					t.Fatalf("go test ./audience -run '^%s$' -seed %d -histories 1\n\n%s\n%v", strings.Split(t.Name(), "/")[0], seed, h, err)
				}
			}
		})
	}
}

// run plays a history on an engine of so many shards and returns how it differs
// from the oracle.
func run(h *history, shards int, compare func(want, got []oracle.Notice) error) (err error) {
	p, err := newPlayer(h, shards)
	if err != nil {
		return err
	}
	defer p.stop()
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	for _, c := range h.calls {
		if !p.live.possible(c.do) {
			if err := p.refuse(c.do); err != nil {
				return fmt.Errorf("%s\n%w", c, err)
			}
			continue
		}
		want, got, err := p.play(c)
		if err == nil {
			err = errors.Join(compare(want, got), p.compareLooks(), p.compareExplanation(c.explain))
		}
		if err != nil {
			return fmt.Errorf("%s\n%w", c, err)
		}
	}
	end := call{at: p.end()}
	due, err := p.engine.Due(p.ctx, end.at)
	if err != nil {
		return err
	}
	want, got, err := p.play(end)
	if err == nil {
		err = errors.Join(compare(want, got), p.compareLooks(), p.compareDue(want, due))
	}
	if err == nil {
		err = p.compareAnswers(end.at, true)
	}
	if err == nil && p.durable != nil {
		err = p.durable.compare()
	}
	if err != nil {
		return fmt.Errorf("at the end: %w", err)
	}
	return p.engine.Close()
}

// compareOrder wants the same notices in the same order.
func compareOrder(want, got []oracle.Notice) error {
	if slices.EqualFunc(want, got, sameNotice) {
		return nil
	}
	return fmt.Errorf("expected:\n%sactual:\n%s", lines(want), lines(got))
}

func sameNotice(a, b oracle.Notice) bool {
	if a.Change == nil || b.Change == nil {
		return a.Change == b.Change && sameTransition(a.Transition, b.Transition)
	}
	return sameChange(*a.Change, *b.Change)
}

func sameTransition(a, b audience.Transition) bool {
	return a.Audience == b.Audience && a.Ref() == b.Ref() && a.Type == b.Type && a.Cause == b.Cause && a.At.Equal(b.At)
}

func sameChange(a, b audience.TraitChange) bool {
	return a.Trait == b.Trait && a.Profile == b.Profile && sameValue(a.Old, b.Old) && sameValue(a.New, b.New) &&
		a.Cause == b.Cause && a.At.Equal(b.At)
}

// sameValue tells 1 from 1.0, and the zeros from each other.
func sameValue(a, b profile.Value) bool {
	return a.Kind() == b.Kind() && a.Equal(b) && a.String() == b.String()
}

func lines(notices []oracle.Notice) string {
	var b strings.Builder
	for _, n := range notices {
		if c := n.Change; c != nil {
			fmt.Fprintf(&b, "  %s %s %s from %s to %s at %s (%s)\n", c.Profile.Subject, c.Profile.ID, c.Trait, c.Old, c.New, sinceEpoch(c.At), c.Cause)
			continue
		}
		tr := n.Transition
		fmt.Fprintf(&b, "  %s %s %s %s at %s (%s)\n", tr.Subject, tr.Profile, tr.Type, tr.Audience, sinceEpoch(tr.At), tr.Cause)
	}
	return b.String()
}
