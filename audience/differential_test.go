package audience_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/oracle"
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
	playAll(t, *historiesFlag, func(seed uint64) *history { return generate(seed) }, run)
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

// run plays a history and returns how engine and oracle differ.
func run(h *history) error { return runWith(h, 1, compareOrder) }

// runWith plays a history on an engine of so many shards.
func runWith(h *history, shards int, compare func(want, got []audience.Transition) error) (err error) {
	p, err := newPlayer(h, shards)
	if err != nil {
		return err
	}
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
		err = p.compareMembers()
	}
	if err != nil {
		return fmt.Errorf("at the end: %w", err)
	}
	return p.engine.Close()
}

// player plays the calls of one history to an engine and a model.
type player struct {
	ctx         context.Context
	store       profile.Store
	clock       *audience.ManualClock
	engine      *audience.Engine
	shards      int
	reactions   func(audience.Transition) []oracle.Operation
	heard       []audience.Transition
	err         error // in a callback
	model       *oracle.Model
	definitions map[string]audience.Definition
	used        map[string]bool
}

func newPlayer(h *history, shards int) (*player, error) {
	p := &player{
		ctx:         context.Background(),
		store:       profile.NewMemStore(),
		clock:       audience.NewManualClock(epoch),
		shards:      shards,
		reactions:   h.reactions(),
		model:       oracle.NewModel(epoch),
		definitions: map[string]audience.Definition{},
		used:        map[string]bool{},
	}
	p.model.React = h.reactions()
	return p, p.open()
}

// open begins an engine on the store.
func (p *player) open() error {
	e, err := audience.New(p.ctx, p.store, audience.Options{
		Clock:   p.clock,
		Shards:  p.shards,
		OnError: func(err error) { p.err = err },
	})
	if err != nil {
		return err
	}
	e.Subscribe(p.hear)
	p.engine = e
	return nil
}

// hear is the callback.
func (p *player) hear(_ context.Context, tr audience.Transition) error {
	p.heard = append(p.heard, tr)
	for _, op := range p.reactions(tr) {
		if err := p.do(op); err != nil {
			return err
		}
	}
	return nil
}

// play makes a call and returns the transitions that there had to be and those
// that there were.
func (p *player) play(c call) (want, got []audience.Transition, err error) {
	if c.reopen {
		if err := p.engine.Close(); err != nil {
			return nil, nil, err
		}
		if err := p.open(); err != nil {
			return nil, nil, err
		}
	}
	p.heard = nil
	if c.do == nil {
		err = p.engine.Advance(p.ctx, c.at)
		want = p.model.Advance(c.at)
	} else {
		p.clock.Set(c.at)
		err = p.do(c.do)
		want = p.model.Do(c.at, c.do)
	}
	if err == nil {
		err = p.err
	}
	switch op := c.do.(type) {
	case oracle.Create:
		for _, d := range op.Definitions {
			p.definitions[d.Key], p.used[d.Key] = d, true
		}
	case oracle.Drop:
		delete(p.definitions, op.Audience)
	}
	return want, p.heard, err
}

// do has the engine do an operation.
func (p *player) do(op oracle.Operation) error {
	switch op := op.(type) {
	case oracle.Track:
		return p.engine.Track(p.ctx, op.Event)
	case oracle.Identify:
		return p.engine.Identify(p.ctx, audience.Identify{
			Profile: op.Profile, Traits: op.Traits, Time: op.Time, MessageID: op.MessageID,
		})
	case oracle.Merge:
		return p.engine.Alias(p.ctx, op.From, op.Into)
	case oracle.Delete:
		return p.engine.Delete(p.ctx, op.Profile)
	case oracle.Create:
		return p.engine.Create(p.ctx, op.Definitions...)
	case oracle.Drop:
		return p.engine.DeleteAudience(p.ctx, op.Audience)
	}
	return fmt.Errorf("unknown operation %T", op)
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

// compareMembers compares what the engine answers with what the oracle does.
func (p *player) compareMembers() error {
	for _, key := range p.model.Audiences() {
		var got []profile.Membership
		for m, err := range p.engine.Members(p.ctx, key) {
			if err != nil {
				return err
			}
			got = append(got, m)
		}
		want := p.model.Told(key)
		if !slices.EqualFunc(want, got, func(a, b profile.Membership) bool {
			return a.Audience == b.Audience && a.Ref == b.Ref && a.Since.Equal(b.Since)
		}) {
			return fmt.Errorf("members of %s: expected %v, actual %v", key, want, got)
		}
		if n, err := p.engine.MemberCount(p.ctx, key); err != nil || n != len(want) {
			return fmt.Errorf("member count of %s: expected %d, actual %d, %v", key, len(want), n, err)
		}
		var ids []string
		for _, m := range want {
			ids = append(ids, m.Ref.ID)
		}
		if truth := p.model.Members(key, p.clock.Now().Add(3*365*profile.Day)); !slices.Equal(truth, ids) {
			return fmt.Errorf("oracle: members of %s are %v, told are %v", key, truth, ids)
		}
	}
	for _, id := range p.model.Profiles() {
		var want []string
		for _, key := range p.model.Audiences() {
			if slices.ContainsFunc(p.model.Told(key), func(m profile.Membership) bool { return m.Ref.ID == id }) {
				want = append(want, key)
			}
		}
		got, err := p.engine.Audiences(p.ctx, id)
		if err != nil || !slices.Equal(want, got) {
			return fmt.Errorf("audiences of %s: expected %v, actual %v, %v", id, want, got, err)
		}
	}
	return nil
}

var _ = time.Second
