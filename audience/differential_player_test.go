package audience_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/profile"
)

// patience is how long one history may take: a few milliseconds do. An engine
// that goes round in circles gives up when its context is done.
const patience = 20 * time.Second

// player plays the calls of one history to an engine and a model.
type player struct {
	ctx         context.Context
	stop        context.CancelFunc
	store       profile.Store
	clock       *audience.ManualClock
	engine      *audience.Engine
	shards      int
	reactions   func(audience.Transition) []oracle.Operation
	mu          sync.Mutex
	heard       []audience.Transition
	err         error // in a callback
	model       *oracle.Model
	definitions map[string]audience.Definition
	used        map[string]bool
}

func newPlayer(h *history, shards int) (*player, error) {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	p := &player{
		ctx:         ctx,
		stop:        stop,
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
	p.mu.Lock()
	p.heard = append(p.heard, tr)
	p.mu.Unlock()
	for _, op := range p.reactions(tr) {
		if err := p.do(op, tr.At); err != nil {
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
		if c.message {
			err = p.send(c.do, c.at)
		} else {
			err = p.do(c.do, c.at)
		}
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

// do has the engine do an operation. What has no time of its own is of time at.
func (p *player) do(op oracle.Operation, at time.Time) error {
	switch op := op.(type) {
	case oracle.Track:
		return p.engine.Track(p.ctx, op.Event)
	case oracle.Identify:
		return p.engine.Identify(p.ctx, audience.Identify{
			Profile: op.Profile, Traits: op.Traits, Time: op.Time, MessageID: op.MessageID,
		})
	case oracle.Group:
		return p.engine.Group(p.ctx, audience.Group{Profile: op.Profile, Account: op.Account, Time: at})
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

// send is do by way of a message, for operations that have one.
func (p *player) send(op oracle.Operation, at time.Time) error {
	var m profile.Message
	switch op := op.(type) {
	case oracle.Track:
		e := op.Event
		m = profile.Message{
			Type: profile.Track, UserID: e.Profile, Name: e.Name, Time: e.Time, MessageID: e.MessageID,
			Properties: e.Properties, Context: e.Context,
		}
	case oracle.Identify:
		m = profile.Message{
			Type: profile.Identify, AnonymousID: op.Profile, Time: op.Time, MessageID: op.MessageID, Traits: op.Traits,
		}
	case oracle.Group:
		m = profile.Message{Type: profile.Group, UserID: op.Profile, GroupID: op.Account, Time: at}
	case oracle.Merge:
		m = profile.Message{Type: profile.Alias, PreviousID: op.From, UserID: op.Into, Time: at}
	default:
		return p.do(op, at)
	}
	return p.engine.Apply(p.ctx, m)
}

// compareMembers compares what the engine answers with what the oracle does.
func (p *player) compareMembers(same func(a, b profile.Membership) bool) error {
	for _, key := range p.model.Audiences() {
		var got []profile.Membership
		for m, err := range p.engine.Members(p.ctx, key) {
			if err != nil {
				return err
			}
			got = append(got, m)
		}
		want := p.model.Told(key)
		if !slices.EqualFunc(want, got, same) {
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

func sameMembership(a, b profile.Membership) bool {
	return a.Audience == b.Audience && a.Ref == b.Ref && a.Since.Equal(b.Since)
}
