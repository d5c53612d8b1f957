package audience_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/profile"
)

// TestDifferentialReopened closes the engine in mid-history, again and again,
// and goes on with a new one on the same store.
func TestDifferentialReopened(t *testing.T) {
	reopened := func(seed uint64) *history {
		h := generate(seed)
		random := rand.New(rand.NewPCG(seed, 1))
		for i := range h.calls {
			h.calls[i].reopen = random.IntN(4) == 0
		}
		return h
	}
	playAll(t, max(1, *historiesFlag/4), reopened, func(h *history) error { return run(h, 1, compareOrder) })
}

// TestDifferentialShards plays to an engine of several shards. They agree on an
// order only where Advance fires all that is due, so that comes before every
// call; and the order compared is that of each profile, with callbacks that
// keep to their own.
func TestDifferentialShards(t *testing.T) {
	sharded := func(seed uint64) *history {
		h := generate(seed)
		var calls []call
		for _, c := range h.calls {
			calls = append(calls, call{at: c.at.Add(-1)}, c)
		}
		h.calls = calls
		for i := range h.rules {
			r := &h.rules[i]
			if r.profile = ""; r.do != "identify" {
				r.do, r.text = "track", "Buy"
			}
		}
		return h
	}
	playAll(t, max(1, *historiesFlag/4), sharded, func(h *history) error { return run(h, 4, compareProfiles) })
}

// compareProfiles wants the same transitions in the same order for each
// profile.
func compareProfiles(want, got []audience.Transition) error {
	byProfile := func(transitions []audience.Transition) map[string][]audience.Transition {
		m := map[string][]audience.Transition{}
		for _, tr := range transitions {
			m[tr.Profile] = append(m[tr.Profile], tr)
		}
		return m
	}
	if maps.EqualFunc(byProfile(want), byProfile(got), func(a, b []audience.Transition) bool {
		return slices.EqualFunc(a, b, sameTransition)
	}) {
		return nil
	}
	return fmt.Errorf("expected for each profile:\n%sactual:\n%s", lines(want), lines(got))
}

// TestDifferentialConcurrent has goroutines play histories of people of their
// own to one engine, while another advances the clock and creates audiences. At which instant what
// is applied is left to chance; who is in which audience in the end is not.
func TestDifferentialConcurrent(t *testing.T) {
	for i := range max(1, *historiesFlag/200) {
		seed := *seedFlag + uint64(i)
		h := generate(seed)
		h.rules = nil
		if err := concurrently(t, h, seed); err != nil {
			t.Fatalf("seed %d: %v\n\n%s", seed, err, h)
		}
	}
}

func concurrently(t *testing.T, h *history, seed uint64) error {
	const workers = 4
	p, err := newPlayer(h, 4)
	require.NoError(t, err)
	// One history says what audiences there are, some from the beginning, the
	// others, with backfill, in mid-stream: in the end it makes no difference.
	end := epoch
	var later []audience.Definition
	for i, c := range h.calls {
		op, ok := c.do.(oracle.Create)
		if !ok || !possible(c, p.definitions, p.used) {
			continue
		}
		if i == 0 {
			_, _, err := p.play(call{at: epoch, do: op})
			require.NoError(t, err)
			continue
		}
		for _, d := range op.Definitions {
			d.NoBackfill = false
			later = append(later, d)
			p.definitions[d.Key] = d
		}
	}
	p.model.Do(epoch, oracle.Create{Definitions: later})
	var wait sync.WaitGroup
	errs := make([]error, workers+1)
	for w := range workers {
		var mine []call
		for _, c := range generate(seed + uint64(w)<<32).calls {
			if c.do = rename(c.do, fmt.Sprintf("w%d_", w)); c.do == nil {
				continue
			}
			mine = append(mine, c)
			p.model.Do(epoch, c.do) // the order among workers makes no difference
			end = maxTime(end, c.at)
		}
		wait.Add(1)
		go func() {
			defer wait.Done()
			for _, c := range mine {
				p.clock.Set(c.at)
				errs[w] = errors.Join(errs[w], p.do(c.do, c.at))
			}
		}()
	}
	wait.Add(1)
	go func() {
		defer wait.Done()
		for t := epoch; t.Before(end); t = t.Add(grid) {
			errs[workers] = errors.Join(errs[workers], p.engine.Advance(p.ctx, t))
			if len(later) > 0 {
				errs[workers] = errors.Join(errs[workers], p.engine.Create(p.ctx, later[0]))
				later = later[1:]
			}
		}
		errs[workers] = errors.Join(errs[workers], p.engine.Create(p.ctx, later...))
	}()
	wait.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.NoError(t, p.engine.Advance(p.ctx, end.Add(100*grid)))
	p.model.Advance(end.Add(100 * grid))
	if err := alternating(p.heard); err != nil {
		return err
	}
	return p.compareMembers(func(a, b profile.Membership) bool { return a.Audience == b.Audience && a.Ref == b.Ref })
}

// alternating wants entries and exits in turn for each profile and audience,
// and the instants of each profile in order.
func alternating(transitions []audience.Transition) error {
	type pair struct{ profile, audience string }
	in := map[pair]bool{}
	last := map[string]time.Time{}
	for _, tr := range transitions {
		p := pair{tr.Profile, tr.Audience}
		if in[p] == (tr.Type == audience.Entered) {
			return fmt.Errorf("out of turn: %s", tr)
		}
		if tr.At.Before(last[tr.Profile]) {
			return fmt.Errorf("back in time: %s", tr)
		}
		in[p] = tr.Type == audience.Entered
		last[tr.Profile] = tr.At
	}
	return nil
}

// rename gives a message, merge or deletion to people of another name, and
// drops what is of audiences.
func rename(op oracle.Operation, prefix string) oracle.Operation {
	switch op := op.(type) {
	case oracle.Track:
		op.Event.Profile = prefix + op.Event.Profile
		return op
	case oracle.Identify:
		op.Profile = prefix + op.Profile
		return op
	case oracle.Group:
		return oracle.Group{Profile: prefix + op.Profile, Account: op.Account}
	case oracle.Merge:
		return oracle.Merge{From: prefix + op.From, Into: prefix + op.Into}
	case oracle.Delete:
		return oracle.Delete{Profile: prefix + op.Profile}
	}
	return nil
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
