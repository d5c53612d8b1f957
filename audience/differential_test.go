package audience_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

var (
	historiesFlag = flag.Int("histories", histories, "random histories to play against the oracle")
	seedFlag      = flag.Uint64("seed", 1, "seed of the first random history; the others follow")
)

// TestDifferential plays random histories to an engine and to the oracle, and
// holds every transition of the one, its instant, cause and place in the order,
// to that of the other.
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
func run(h *history, shards int, compare func(want, got []audience.Transition) error) (err error) {
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
		if !possible(c, p.definitions, p.used) {
			continue
		}
		want, got, err := p.play(c)
		if err == nil {
			err = compare(want, got)
		}
		if err != nil {
			return fmt.Errorf("%s\n%w", c, err)
		}
	}
	end := call{at: p.clock.Now().Add(2 * 365 * profile.Day)}
	want, got, err := p.play(end)
	if err == nil {
		err = compare(want, got)
	}
	if err == nil {
		err = p.compareMembers(sameMembership)
	}
	if err != nil {
		return fmt.Errorf("at the end: %w", err)
	}
	return p.engine.Close()
}

// compareOrder wants the same transitions in the same order.
func compareOrder(want, got []audience.Transition) error {
	if slices.EqualFunc(want, got, sameTransition) {
		return nil
	}
	return fmt.Errorf("expected:\n%sactual:\n%s", lines(want), lines(got))
}

func sameTransition(a, b audience.Transition) bool {
	return a.Audience == b.Audience && a.Profile == b.Profile && a.Type == b.Type && a.Cause == b.Cause && a.At.Equal(b.At)
}

func lines(transitions []audience.Transition) string {
	var b strings.Builder
	for _, tr := range transitions {
		fmt.Fprintf(&b, "  %s %s %s at %s (%s)\n", tr.Profile, tr.Type, tr.Audience, sinceEpoch(tr.At), tr.Cause)
	}
	return b.String()
}
