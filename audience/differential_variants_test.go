package audience_test

import (
	"cmp"
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

// TestDifferentialConcurrent has goroutines play histories of people of their
// own to one engine, while one advances the clock and another makes, edits and
// deletes what is defined. At which instant what is applied is left to chance;
// who is in which audience in the end is not.
func TestDifferentialConcurrent(t *testing.T) {
	for i := range max(1, *historiesFlag/50) {
		seed := *seedFlag + uint64(i)
		h := generate(seed)
		h.rules = nil
		if seed%2 == 0 {
			h = cached(h, seed/2)
		}
		if err := concurrently(t, h, seed); err != nil {
			t.Fatalf("seed %d: %v\n\n%s", seed, err, h)
		}
	}
}

func concurrently(t *testing.T, h *history, seed uint64) error {
	const workers = 4
	p, err := newPlayer(h, workers)
	require.NoError(t, err)
	defer p.stop()
	p.engine.SetFirstUpgrades(0)
	ever := newLive() // all computed traits there ever are
	var definitions []oracle.Operation
	for _, op := range h.definitions() {
		if p.live.possible(op) {
			definitions = append(definitions, op)
			p.model.Do(epoch, op) // its place among the data makes no difference
			p.live.take(op)
			if _, ok := op.(oracle.Create); ok {
				ever.take(op)
			}
		}
	}
	var histories [workers][]call
	end, total := epoch, 0
	for w := range workers {
		for _, c := range generate(seed + uint64(w)<<32).calls {
			if c.do = rename(c.do, fmt.Sprintf("w%d_", w)); c.do == nil || !ever.possible(c.do) {
				continue
			}
			histories[w] = append(histories[w], c)
			p.model.Do(epoch, c.do) // nor does the order among workers
			end = maxTime(end, c.at)
			total++
		}
	}
	var wait sync.WaitGroup
	var errs [workers + 2]error
	side := func(n int, do func() error) {
		wait.Add(1)
		go func() {
			defer wait.Done()
			errs[n] = do()
		}()
	}
	applied := make(chan struct{}, total)
	for w, mine := range histories {
		side(w, func() (err error) {
			for _, c := range mine {
				p.clock.Set(c.at)
				err = errors.Join(err, p.do(c.do))
				applied <- struct{}{}
			}
			return err
		})
	}
	side(workers, func() (err error) {
		for t := epoch; t.Before(end); t = t.Add(grid) {
			err = errors.Join(err, p.engine.Advance(p.ctx, t))
		}
		return err
	})
	side(workers+1, func() (err error) {
		for _, op := range definitions {
			err = errors.Join(err, p.do(op))
			for range total / (len(definitions) + 1) {
				<-applied
			}
		}
		return err
	})
	wait.Wait()
	require.NoError(t, errors.Join(errs[:]...))
	// What was computed for batch audiences meanwhile is left to chance as well:
	// they are computed until nothing of it is left in those that read others.
	heard := p.heard
	end = end.Add(4 * 365 * profile.Day) // what was three years ago is over
	for range 6 {
		end = end.Add(100 * grid)
		for _, c := range []call{{at: end}, {at: end, do: oracle.Recompute{Audiences: p.live.batches()}}} {
			_, got, err := p.play(c)
			require.NoError(t, err)
			heard = append(heard, got...)
		}
	}
	if err := alternating(heard); err != nil {
		return err
	}
	return p.compareAnswers(end, false)
}

// definitions returns what a history makes, edits and deletes, all with backfill.
func (h *history) definitions() []oracle.Operation {
	var all []oracle.Operation
	for _, c := range h.calls {
		switch op := c.do.(type) {
		case oracle.Create:
			for i := range op.Definitions {
				op.Definitions[i].NoBackfill, op.Definitions[i].Paused = false, false
			}
			for i := range op.Traits {
				op.Traits[i].NoBackfill = false
			}
		case oracle.Edit:
			op.Trait.NoBackfill = false
			c.do = op
		case oracle.EditAudience:
			op.Definition.NoBackfill, op.Definition.Paused = false, false
			c.do = op
		case oracle.Drop, oracle.DropTrait:
		default:
			continue
		}
		all = append(all, c.do)
	}
	return all
}

// alternating wants entries and exits in turn for each profile and audience,
// each old value to be the new one of before, and the instants of each profile
// in order.
func alternating(notices []oracle.Notice) error {
	for _, mine := range byProfile(notices) {
		in, values, last := map[string]bool{}, map[string]profile.Value{}, time.Time{}
		for _, n := range mine {
			at, inTurn := n.Transition.At, in[n.Transition.Audience] == (n.Transition.Type == audience.Exited)
			in[n.Transition.Audience] = n.Transition.Type == audience.Entered
			if c := n.Change; c != nil {
				at, inTurn = c.At, sameValue(values[c.Trait], c.Old)
				values[c.Trait] = c.New
			}
			if !inTurn || at.Before(last) {
				return fmt.Errorf("out of turn, or back in time:\n%s", lines([]oracle.Notice{n}))
			}
			last = at
		}
	}
	return nil
}

// rename gives a message, merge or deletion to people and accounts of another
// name, and drops what is of definitions.
func rename(op oracle.Operation, prefix string) oracle.Operation {
	device := func(from *oracle.Sender) {
		if from.Device != "" {
			from.Device = prefix + from.Device
		}
	}
	switch op := op.(type) {
	case oracle.Track:
		device(&op.Sender)
		op.Event.Profile = prefix + op.Event.Profile
		if op.Event.Account != "" {
			op.Event.Account = prefix + op.Event.Account
		}
		return op
	case oracle.Identify:
		device(&op.Sender)
		op.Profile = prefix + op.Profile
		return op
	case oracle.Group:
		device(&op.Sender)
		op.Profile, op.Account = prefix+op.Profile, prefix+op.Account
		return op
	case oracle.Leave:
		return oracle.Leave{Profile: prefix + op.Profile, Account: prefix + op.Account}
	case oracle.DeleteAccount:
		return oracle.DeleteAccount{Account: prefix + op.Account}
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
