package audience_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/profile"
)

// TestDifferentialConcurrent has eight goroutines play histories of people of their own to one
// engine, while one advances the clock, one makes, edits, pauses and deletes what is defined, by
// the calls for that or by Sync, and one pauses and resumes any audience. At which instant what
// is applied is left to chance; who is in which audience in the end, when all are resumed, is
// not, nor that this is the net of what was told.
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
	const workers = 8
	p, err := newPlayer(h, workers/2)
	require.NoError(t, err)
	defer p.stop()
	p.engine.SetFirstUpgrades(0)
	ever := newLive() // all computed traits there ever are
	var definitions []redefinition
	var ops []oracle.Operation
	for _, op := range h.definitions() {
		if unpaused := running(op); p.live.possible(unpaused) {
			p.live.take(unpaused)
			definitions = append(definitions, redefinition{op, p.live.file()})
			ops = append(ops, unpaused) // its place among the data makes no difference
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
			ops = append(ops, c.do) // nor does the order among workers
			end = maxTime(end, c.at)
			total++
		}
	}
	p.model.DoTogether(epoch, ops...)
	var wait sync.WaitGroup
	var errs [workers + 3]error
	side := func(n int, do func() error) {
		wait.Add(1)
		go func() {
			defer wait.Done()
			errs[n] = do()
		}()
	}
	applied, pausing := make(chan struct{}, total), make(chan struct{}, total)
	for w, mine := range histories {
		side(w, func() (err error) {
			for _, c := range mine {
				p.clock.Set(c.at)
				err = errors.Join(err, p.do(c.do))
				applied <- struct{}{}
				pausing <- struct{}{}
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
		random := rand.New(rand.NewPCG(seed, 5))
		for _, of := range definitions {
			err = errors.Join(err, p.redefine(of, random.IntN(3) == 0))
			for range total / (len(definitions) + 1) {
				<-applied
			}
		}
		return err
	})
	side(workers+2, func() (err error) {
		random := rand.New(rand.NewPCG(seed, 6))
		for range total / 4 {
			for range 4 {
				<-pausing
			}
			err = errors.Join(err, p.toggle(random))
		}
		return err
	})
	wait.Wait()
	require.NoError(t, errors.Join(errs[:]...))
	for key := range p.live.audiences {
		require.NoError(t, p.engine.Resume(p.ctx, key))
	}
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
	return errors.Join(p.compareNet(heard), p.compareAnswers(end, false))
}

// redefinition changes what is defined, by itself or by a file of all that there is then.
type redefinition struct {
	op   oracle.Operation
	file audience.File
}

// redefine makes a change, and waits for pauses that are in its way.
func (p *player) redefine(of redefinition, bySync bool) error {
	for {
		var err error
		if bySync {
			_, err = p.engine.Sync(p.ctx, of.file, audience.SyncOptions{Delete: true})
		} else {
			err = p.do(of.op)
		}
		if !errors.Is(err, audience.ErrLocked) {
			return err
		}
		runtime.Gosched()
	}
}

// toggle pauses or resumes an audience, unless that is being changed or no more.
func (p *player) toggle(random *rand.Rand) error {
	all := p.engine.List()
	if len(all) == 0 {
		return nil
	}
	key, do := all[random.IntN(len(all))].Key, p.engine.Pause
	if random.IntN(2) == 0 {
		do = p.engine.Resume
	}
	err := do(p.ctx, key)
	if errors.Is(err, audience.ErrLocked) || errors.Is(err, profile.ErrNotFound) {
		return nil
	}
	return err
}

// compareNet wants who was told to enter, and not to exit again, to be who is in.
func (p *player) compareNet(heard []oracle.Notice) error {
	in := map[profile.Membership]bool{}
	values := map[profile.Ref]map[string]profile.Value{}
	for _, n := range heard {
		if c := n.Change; c != nil {
			if values[c.Profile] == nil {
				values[c.Profile] = map[string]profile.Value{}
			}
			values[c.Profile][c.Trait] = c.New
			continue
		}
		m := profile.Membership{Audience: n.Transition.Audience, Ref: n.Transition.Ref()}
		if in[m] = n.Transition.Type == audience.Entered; !in[m] {
			delete(in, m)
		}
	}
	var err error
	for _, key := range p.model.Audiences() {
		for _, m := range p.model.Told(key) {
			if m.Since = (time.Time{}); !in[m] {
				err = errors.Join(err, fmt.Errorf("%v is in, and was not told to be", m))
			}
			delete(in, m)
		}
	}
	for m := range in {
		err = errors.Join(err, fmt.Errorf("%v was told to be in, and is not", m))
	}
	for _, key := range p.model.Traits() {
		for _, v := range p.model.ToldValues(key) {
			if told := values[v.Ref][key]; !sameValue(told, v.Value) {
				err = errors.Join(err, fmt.Errorf("%s of %v is %s, and was told to be %s", key, v.Ref, v.Value, told))
			}
			delete(values[v.Ref], key)
		}
	}
	for ref, of := range values {
		for key, told := range of {
			if !told.IsNull() {
				err = errors.Join(err, fmt.Errorf("%s of %v was told to be %s, and is not", key, ref, told))
			}
		}
	}
	return err
}

// definitions returns what a history makes, edits, pauses and deletes, all with backfill.
func (h *history) definitions() []oracle.Operation {
	var all []oracle.Operation
	for _, c := range h.calls {
		switch op := c.do.(type) {
		case oracle.Create:
			for i := range op.Definitions {
				op.Definitions[i].NoBackfill = false
			}
			for i := range op.Traits {
				op.Traits[i].NoBackfill = false
			}
		case oracle.Edit:
			op.Trait.NoBackfill = false
			c.do = op
		case oracle.EditAudience:
			op.Definition.NoBackfill = false
			c.do = op
		case oracle.Drop, oracle.DropTrait:
		default:
			continue
		}
		all = append(all, c.do)
	}
	return all
}

// running returns an operation without the pauses of what it defines.
func running(op oracle.Operation) oracle.Operation {
	switch op := op.(type) {
	case oracle.Create:
		op.Definitions = slices.Clone(op.Definitions)
		for i := range op.Definitions {
			op.Definitions[i].Paused = false
		}
		return op
	case oracle.EditAudience:
		op.Definition.Paused = false
		return op
	}
	return op
}

// file returns what is defined.
func (l live) file() (f audience.File) {
	for _, key := range slices.Sorted(maps.Keys(l.audiences)) {
		f.Audiences = append(f.Audiences, l.audiences[key])
	}
	for _, key := range slices.Sorted(maps.Keys(l.traits)) {
		f.Traits = append(f.Traits, l.traits[key])
	}
	return f
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
