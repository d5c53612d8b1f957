package audience_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/profile"
)

// patience is how long one history may take: milliseconds do, and under the race detector of
// a busy machine a minute. An engine that goes round in circles gives up when its context is
// done.
const patience = 5 * time.Minute

// player plays the calls of one history to an engine and a model.
type player struct {
	ctx         context.Context
	stop        context.CancelFunc
	store       *faultyStore
	clock       *audience.ManualClock
	engine      *audience.Engine
	shards      int
	still       bool // callbacks call nothing
	stages      bool // callbacks do not look: they see profiles between stages
	beside      bool // what is made or edited comes to all profiles beside the data
	cache       int64
	reactions   func(oracle.Notice) []oracle.Operation
	mu          sync.Mutex
	heard       []oracle.Notice
	toSee, seen []string    // by callbacks, of the profile at hand
	blind       bool        // callbacks do not look: the store fails them too
	err         error       // in a callback
	durable     *durableEar // nil: there is none
	reopened    int
	model       *oracle.Model
	live        live
}

func newPlayer(h *history, shards int) (*player, error) {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	p := &player{
		ctx:       ctx,
		stop:      stop,
		store:     newFaultyStore(profile.NewMemStore(profile.WithDuplicateMemory(forever))),
		clock:     audience.NewManualClock(epoch),
		shards:    shards,
		still:     len(h.rules) == 0,
		stages:    h.beside,
		beside:    h.beside || shards == 1 && !h.ofAccounts(),
		cache:     h.cache,
		reactions: h.reactions(),
		model:     oracle.NewModel(epoch),
		live:      newLive(),
	}
	reactions := h.reactions()
	p.model.React = func(n oracle.Notice) []oracle.Operation {
		ref := profileOf(n)
		if ref.Subject == profile.User {
			ref.ID = p.model.Resolve(ref.ID)
		}
		p.toSee = append(p.toSee, look(n, p.toldAudiences(ref), p.toldValues(ref)))
		return reactions(n)
	}
	if h.durable {
		p.durable = &durableEar{}
	}
	return p, p.open()
}

// durableEar is a durable subscriber, and what the others hear meanwhile.
type durableEar struct {
	told toldDurably
	want []string

	engines int // so many there were
}

// compare wants what the others heard, each notice once.
func (d *durableEar) compare() error {
	ids := func() int {
		different := map[string]bool{}
		for _, line := range d.told.lines() {
			different[line] = true
		}
		return len(different)
	}
	for until := time.Now().Add(patience); ids() < len(d.want) && time.Now().Before(until); {
		time.Sleep(time.Millisecond)
	}
	// What was told while an engine was closed comes again with the next, one notice for
	// each, and the first may end after the second.
	d.told.mu.Lock()
	slices.SortStableFunc(d.told.list, func(a, b audience.Notice) int { return cmp.Compare(a.ID, b.ID) })
	d.told.mu.Unlock()
	all := d.told.lines()
	if got := slices.Compact(slices.Clone(all)); !slices.Equal(d.want, got) || len(all)-len(got) > d.engines {
		return fmt.Errorf("durably expected:\n%s\nactual:\n%s", strings.Join(d.want, "\n"), strings.Join(got, "\n"))
	}
	return nil
}

// open begins an engine on the store.
func (p *player) open() error {
	e, err := audience.New(p.ctx, p.store, audience.Options{
		Clock:      p.clock,
		Shards:     p.shards,
		CacheBytes: p.cache,
		OnError:    func(err error) { p.err = err },
	})
	if err != nil {
		return err
	}
	if p.cache > 0 {
		e.SetTimersHeld(1)
	}
	e.SetCountsFrom(1)
	if p.beside {
		e.SetFirstUpgrades(0)
	}
	e.Subscribe(func(_ context.Context, tr audience.Transition) error {
		return p.hear(oracle.Notice{Transition: tr})
	})
	e.SubscribeTraits(func(_ context.Context, c audience.TraitChange) error {
		return p.hear(oracle.Notice{Change: &c})
	})
	e.SubscribeIDs(func(_ context.Context, c audience.IDChange) error {
		if p.durable != nil {
			p.durable.want = append(p.durable.want, fmt.Sprint(c.ID, " ", c))
		}
		return nil
	})
	p.engine = e
	if p.durable != nil {
		p.durable.engines++
		_, err = e.SubscribeDurable(p.ctx, "durable", p.durable.told.tell)
	}
	return err
}

// hear is the callback.
func (p *player) hear(n oracle.Notice) error {
	p.mu.Lock()
	p.heard = append(p.heard, n)
	if p.durable != nil && n.Change != nil {
		p.durable.want = append(p.durable.want, fmt.Sprint(n.Change.ID, " ", n.Change))
	} else if p.durable != nil {
		p.durable.want = append(p.durable.want, fmt.Sprint(n.Transition.ID, " ", n.Transition))
	}
	p.mu.Unlock()
	if err := p.look(n); err != nil {
		return err
	}
	for _, op := range p.reactions(n) {
		if err := p.do(op); err != nil {
			return err
		}
	}
	return nil
}

// look notes what the callback sees. Where there are several shards, others may
// be ahead of it.
func (p *player) look(n oracle.Notice) error {
	if p.shards > 1 || p.blind || p.stages {
		return nil
	}
	keys, err := p.engine.AudiencesOf(p.ctx, profileOf(n))
	if err != nil {
		return err
	}
	values, err := p.engine.ValuesOf(p.ctx, profileOf(n))
	p.seen = append(p.seen, look(n, keys, values))
	return err
}

// play makes a call and returns what there was to be heard and what was.
func (p *player) play(c call) (want, got []oracle.Notice, err error) {
	if c.reopen {
		if err := p.engine.Close(); err != nil {
			return nil, nil, err
		}
		if p.reopened++; p.reopened%2 == 0 {
			if err := p.move(); err != nil {
				return nil, nil, err
			}
		}
		if err := p.open(); err != nil {
			return nil, nil, err
		}
	}
	p.heard, p.seen, p.toSee = nil, nil, nil
	if c.do == nil {
		p.model.Advance(c.at)
	} else {
		p.clock.Set(c.at)
		p.model.Do(c.at, c.do)
	}
	if c.refused != [2]string{} && c.do != nil {
		err = p.sendRefused(c.refused[0], c.refused[1])
	}
	if err != nil {
		return nil, nil, err
	}
	if c.failing > 0 {
		err = p.attempt(c)
	} else {
		err = p.make(c)
	}
	if err == nil {
		err = p.err
	}
	if err == nil {
		err = p.engine.Check()
	}
	p.live.take(c.do)
	return p.model.Heard(), p.heard, err
}

// forever is how long the store remembers deleted profiles: the oracle forgets no message.
const forever = 10 * 365 * profile.Day

// move makes the store another one, by an export.
func (p *player) move() error {
	var b bytes.Buffer
	x, err := profile.Export(p.ctx, p.store, &b)
	if err != nil {
		return err
	}
	next := newFaultyStore(profile.NewMemStore(profile.WithDuplicateMemory(forever)))
	y, err := profile.Import(p.ctx, next, &b)
	if err != nil {
		return err
	}
	again, err := profile.Export(p.ctx, next, io.Discard)
	if err != nil || x != y || x != again {
		return fmt.Errorf("an export is not what it is of: %v, %v, %v: %w", x, y, again, err)
	}
	p.store = next
	return nil
}

// make makes a call.
func (p *player) make(c call) error {
	switch {
	case c.do == nil:
		return p.engine.Advance(p.ctx, c.at)
	case c.message:
		return p.send(c.do, c.at)
	}
	return p.do(c.do)
}

// refuse has the engine refuse an operation by which a definition would read itself.
func (p *player) refuse(op oracle.Operation) error {
	if !p.live.circular(op) {
		return nil
	}
	heard := len(p.heard)
	if err := p.do(op); !errors.Is(err, audience.ErrCycle) || len(p.heard) > heard {
		return fmt.Errorf("a circle was not refused: %w", err)
	}
	return nil
}

// attempt makes a call with a fault, and makes it again if it failed of that.
func (p *player) attempt(c call) error {
	p.blind = true
	all, done := p.ctx, context.CancelFunc(nil)
	p.ctx, done = context.WithCancel(all)
	p.store.arm(c.fault, c.failing, done)
	err := p.make(c)
	done()
	p.ctx = all
	if !p.store.disarm() || err == nil {
		return err
	}
	if !errors.Is(err, errFault) && !errors.Is(err, context.Canceled) {
		return err
	}
	return p.make(c)
}

// do has the engine do an operation.
func (p *player) do(op oracle.Operation) error {
	if senderOf(op) != (oracle.Sender{}) {
		return p.send(op, p.clock.Now())
	}
	switch op := op.(type) {
	case oracle.Track:
		return p.engine.Track(p.ctx, op.Event)
	case oracle.Identify:
		return p.engine.Identify(p.ctx, audience.Identify{
			Profile: op.Profile, Traits: op.Traits, Time: op.Time, MessageID: op.MessageID,
		})
	case oracle.Group:
		return p.engine.Group(p.ctx, audience.Group{
			Profile: op.Profile, Account: op.Account, Traits: op.Traits, Time: op.Time, MessageID: op.MessageID,
		})
	case oracle.Leave:
		return p.engine.Leave(p.ctx, op.Profile, op.Account)
	case oracle.DeleteAccount:
		return p.engine.DeleteAccount(p.ctx, op.Account)
	case oracle.Merge:
		return p.engine.Alias(p.ctx, op.From, op.Into)
	case oracle.Delete:
		return p.engine.DeleteUser(p.ctx, op.Profile)
	case oracle.Create:
		return p.engine.CreateFile(p.ctx, audience.File{Traits: op.Traits, Audiences: op.Definitions})
	case oracle.Edit:
		return p.engine.EditTrait(p.ctx, op.Trait)
	case oracle.EditAudience:
		return p.engine.EditAudience(p.ctx, op.Definition)
	case oracle.Recompute:
		return p.engine.Recompute(p.ctx, op.Audiences...)
	case oracle.Drop:
		return p.engine.DeleteAudience(p.ctx, op.Audience)
	case oracle.DropTrait:
		return p.engine.DeleteTrait(p.ctx, op.Trait)
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
			GroupID: e.Account, Properties: e.Properties, Context: e.Context,
		}
	case oracle.Identify:
		m = profile.Message{
			Type: profile.Identify, UserID: op.Profile, Time: op.Time, MessageID: op.MessageID, Traits: op.Traits,
		}
	case oracle.Group:
		m = profile.Message{
			Type: profile.Group, UserID: op.Profile, GroupID: op.Account, Traits: op.Traits, Time: op.Time, MessageID: op.MessageID,
		}
	case oracle.Merge:
		m = profile.Message{Type: profile.Alias, PreviousID: op.From, UserID: op.Into, Time: at}
	default:
		return p.do(op)
	}
	from := senderOf(op)
	if m.AnonymousID = from.Device; from.Visitor {
		m.UserID, m.AnonymousID = "", m.UserID
	}
	if from.Email != "" {
		all := m.Context.Map()
		all["externalIds"] = []any{map[string]any{"type": "email", "id": from.Email, "collection": "users"}}
		m.Context = must(profile.NewObject(all))
	}
	return p.engine.Apply(p.ctx, m)
}

// senderOf returns what a message says of who sent it.
func senderOf(op oracle.Operation) oracle.Sender {
	switch op := op.(type) {
	case oracle.Track:
		return op.Sender
	case oracle.Identify:
		return op.Sender
	case oracle.Group:
		return op.Sender
	}
	return oracle.Sender{}
}

// refused are messages that cannot be taken, of one who has a visitor's id with
// them.
func (p *player) refused(user, visitor string) []profile.Message {
	now := p.clock.Now()
	bad := []profile.Message{
		{Type: profile.Track, UserID: user, AnonymousID: visitor, Time: now},                                                // no name
		{Type: profile.Track, UserID: user, AnonymousID: visitor, Name: "Buy", Time: now.AddDate(400, 0, 0)},                // no time
		{Type: profile.Group, UserID: user, AnonymousID: visitor, GroupID: strings.Repeat("g", profile.MaxID+1), Time: now}, // no id
		{Type: profile.Alias, UserID: user, AnonymousID: visitor, Time: now},                                                // of nobody
	}
	for key, c := range p.live.traits {
		m := profile.Message{Type: profile.Identify, UserID: user, AnonymousID: visitor, Traits: object(key, 1), Time: now}
		if c.Of == profile.Account {
			m.Type, m.GroupID = profile.Group, "a1"
		}
		bad = append(bad, m)
	}
	return bad
}

// sendRefused sends messages that change nothing, by themselves and in a batch with
// a good one.
func (p *player) sendRefused(user, visitor string) error {
	good := profile.Message{Type: profile.Track, UserID: user, AnonymousID: visitor, Name: "Buy", Time: p.clock.Now()}
	for _, m := range p.refused(user, visitor) {
		for _, batch := range [][]profile.Message{{m}, {good, m}} {
			heard := len(p.heard)
			if err := p.engine.Apply(p.ctx, batch...); !errors.Is(err, audience.ErrRefused) {
				return fmt.Errorf("%v was not refused: %w", m, err)
			}
			if len(p.heard) > heard && heard > 0 { // what is due fires with the first
				return fmt.Errorf("%v was refused, and had an effect", m)
			}
		}
	}
	return nil
}
