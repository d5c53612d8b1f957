package audience_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/profile"
)

// TestDifferentialReopened closes the engine in mid-history, again and again,
// and goes on with a new one on the same store.
func TestDifferentialReopened(t *testing.T) {
	reopened := func(seed uint64) *history {
		h := generate(seed)
		if seed%2 == 0 {
			h = cached(h, seed/2)
		}
		h.durable = seed%3 == 0
		random := rand.New(rand.NewPCG(seed, 1))
		for i := range h.calls {
			h.calls[i].reopen = random.IntN(4) == 0
		}
		return h
	}
	playAll(t, max(1, *historiesFlag/4), reopened, func(h *history) error { return run(h, 1, compareOrder) })
}

// TestDifferentialEvicted has an engine whose cache holds no states between calls, or
// eight: the others are read from the store when they are touched again.
func TestDifferentialEvicted(t *testing.T) {
	evicted := func(seed uint64) *history { return cached(generate(seed), seed) }
	playAll(t, max(1, *historiesFlag/4), evicted, func(h *history) error { return run(h, 1, compareOrder) })
}

// TestDifferentialFaults has contexts end, and the store fail and panic, in the
// middle of calls, which are made again then: everything is told as if nothing had
// happened. Every message has an id, and callbacks keep still. Definitions are
// made and edited without a fault: one that fails is undone, and told (see
// TestEveryCallSurvivesAFaultAtEveryPoint).
func TestDifferentialFaults(t *testing.T) {
	faulty := func(seed uint64) *history {
		h := generate(seed)
		h.rules = nil
		if seed%3 == 0 {
			h = cached(h, seed/3)
		}
		random := rand.New(rand.NewPCG(seed, 2))
		for i := range h.calls {
			c := &h.calls[i]
			c.do = identified(c.do, fmt.Sprint("unique", i))
			switch c.do.(type) {
			case oracle.Create, oracle.Edit, oracle.EditAudience, oracle.Drop, oracle.DropTrait:
				continue
			}
			if random.IntN(3) == 0 {
				c.fault, c.failing = fault(random.IntN(int(faults))), 1+random.IntN(1+random.IntN(60))
			}
		}
		return h
	}
	playAll(t, max(1, *historiesFlag/4), faulty, func(h *history) error { return run(h, 1, compareProfiles) })
}

// identified gives a message an id, if it has none.
func identified(op oracle.Operation, id string) oracle.Operation {
	switch op := op.(type) {
	case oracle.Track:
		op.Event.MessageID = cmp.Or(op.Event.MessageID, id)
		return op
	case oracle.Identify:
		op.MessageID = cmp.Or(op.MessageID, id)
		return op
	case oracle.Group:
		op.MessageID = cmp.Or(op.MessageID, id)
		return op
	}
	return op
}

// TestDifferentialShards plays to an engine of several shards. They agree on an
// order only where Advance fires all that is due, so that comes before every
// call; and the order compared is that of each profile, with callbacks that
// keep to their own, of which there are none where anything is of accounts.
func TestDifferentialShards(t *testing.T) {
	sharded := func(h *history) error {
		advancing := &history{rules: slices.Clone(h.rules), cache: h.cache}
		for _, c := range h.calls {
			advancing.calls = append(advancing.calls, call{at: c.at.Add(-1)}, c)
		}
		if h.ofAccounts() {
			advancing.rules = nil
		}
		for i := range advancing.rules {
			r := &advancing.rules[i]
			if r.profile = ""; r.do != "identify" {
				r.do, r.text = "track", "Buy"
			}
		}
		return run(advancing, 4, compareProfiles)
	}
	playAll(t, max(1, *historiesFlag/4), func(seed uint64) *history {
		if seed%3 == 0 {
			return cached(generate(seed), seed/3)
		}
		return generate(seed)
	}, sharded)
}

// TestDifferentialBeside makes and edits what is defined beside the data, also what is of
// accounts, which comes to the profiles stage by stage: the order compared is that of the
// instants of each profile and key, with callbacks that keep still.
func TestDifferentialBeside(t *testing.T) {
	beside := func(seed uint64) *history {
		h := generate(seed)
		if seed%3 == 0 {
			h = cached(h, seed/3)
		}
		h.rules, h.beside = nil, true
		random := rand.New(rand.NewPCG(seed, 3))
		for i := range h.calls {
			h.calls[i].reopen = seed%2 == 0 && random.IntN(4) == 0
		}
		return h
	}
	shards := func(h *history) int { return 1 + 3*(len(h.calls)%2) }
	playAll(t, max(1, *historiesFlag/4), beside, func(h *history) error {
		advancing := *h
		advancing.calls = nil
		for _, c := range h.calls {
			advancing.calls = append(advancing.calls, call{at: c.at.Add(-1)}, c)
		}
		return run(&advancing, shards(h), compareKeys)
	})
}

// compareKeys wants the same notices in the same order for each profile and key.
func compareKeys(want, got []oracle.Notice) error {
	sorted := func(notices []oracle.Notice) []oracle.Notice {
		return slices.SortedStableFunc(slices.Values(notices), func(a, b oracle.Notice) int {
			return cmp.Compare(keyOf(a), keyOf(b))
		})
	}
	return compareProfiles(sorted(want), sorted(got))
}

func keyOf(n oracle.Notice) string {
	if n.Change != nil {
		return n.Change.Trait
	}
	return n.Transition.Audience
}

// compareProfiles wants the same notices in the same order for each profile.
func compareProfiles(want, got []oracle.Notice) error {
	if maps.EqualFunc(byProfile(want), byProfile(got), func(a, b []oracle.Notice) bool {
		return slices.EqualFunc(a, b, sameNotice)
	}) {
		return nil
	}
	return fmt.Errorf("expected for each profile:\n%sactual:\n%s", lines(want), lines(got))
}

func byProfile(notices []oracle.Notice) map[profile.Ref][]oracle.Notice {
	m := map[profile.Ref][]oracle.Notice{}
	for _, n := range notices {
		m[profileOf(n)] = append(m[profileOf(n)], n)
	}
	return m
}

func profileOf(n oracle.Notice) profile.Ref {
	if n.Change != nil {
		return n.Change.Profile
	}
	return n.Transition.Ref()
}
