package audience

import (
	"context"
	"fmt"
	"time"

	"github.com/muster-go/muster/profile"
)

// Track takes one event. A duplicate (by message id) changes nothing and is no
// error. An event older than the store's retention is profile.ErrRetention.
func (e *Engine) Track(ctx context.Context, ev profile.Event) error {
	// The store refuses a bad event before it changes anything.
	sh, t, err := e.enter(ctx, ev.Profile)
	if err != nil {
		return fmt.Errorf("track: %w", err)
	}
	_, err = sh.track(ctx, &ev, t)
	e.leave(ctx, sh)
	if err != nil {
		return fmt.Errorf("track: %w", err)
	}
	return nil
}

// Identify sets traits of a user, and ids.
type Identify struct {
	Profile   string // the user's id
	Traits    profile.Object
	IDs       []profile.ExternalID // besides those that the profile has
	Time      time.Time
	MessageID string // of a repeated one only the first counts; empty: never repeated
}

// Identify takes one identify call: for each trait the newest time wins, and a
// null removes it. The profile is made if there is none.
func (e *Engine) Identify(ctx context.Context, id Identify) error {
	if err := id.validate(); err != nil {
		return fmt.Errorf("identify: %w", err)
	}
	sh, t, err := e.enter(ctx, id.Profile)
	if err != nil {
		return fmt.Errorf("identify: %w", err)
	}
	err = sh.identify(ctx, &id, t)
	e.leave(ctx, sh)
	if err != nil {
		return fmt.Errorf("identify: %w", err)
	}
	return nil
}

func (id *Identify) validate() error {
	if err := profile.CheckID("profile id", id.Profile); err != nil {
		return err
	}
	return profile.CheckTime(id.Time)
}

// Group attaches a user to an account and sets traits of the account.
type Group struct {
	Profile   string // the user's id
	Account   string
	Traits    profile.Object
	Time      time.Time
	MessageID string
}

// Group takes one group call. Both profiles are made if there are none.
func (e *Engine) Group(ctx context.Context, g Group) error {
	if err := g.validate(); err != nil {
		return fmt.Errorf("group: %w", err)
	}
	sh, t, err := e.enter(ctx, g.Profile)
	if err != nil {
		return fmt.Errorf("group: %w", err)
	}
	err = sh.group(ctx, &g, t)
	e.leave(ctx, sh)
	if err != nil {
		return fmt.Errorf("group: %w", err)
	}
	return nil
}

func (g *Group) validate() error {
	if err := profile.CheckID("profile id", g.Profile); err != nil {
		return err
	}
	if err := profile.CheckID("group id", g.Account); err != nil {
		return err
	}
	return profile.CheckTime(g.Time)
}

// Delete removes a user with all that is known of it; it exits every audience
// it was in. A later message of its id begins a new profile.
func (e *Engine) Delete(ctx context.Context, user string) error {
	if err := profile.CheckID("profile id", user); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	sh, t, err := e.enter(ctx, user)
	if err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	err = sh.delete(ctx, user, t)
	e.leave(ctx, sh)
	if err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	return nil
}

// track stores an event and settles its profile. The shard is locked. created
// says that the profile is new.
func (sh *shard) track(ctx context.Context, ev *profile.Event, t int64) (created bool, err error) {
	put := &sh.event
	*put = profile.PutEvent{Event: *ev}
	sh.batch = append(sh.batch[:0], put)
	if err := sh.e.store.Apply(ctx, instant(t), sh.batch...); err != nil {
		return false, err
	}
	switch {
	case put.Dropped:
		return put.Created, fmt.Errorf("%w: %s", profile.ErrRetention, ev.Time.UTC().Format(time.RFC3339))
	case put.Duplicate:
		return false, nil
	}
	put.Event.Seq, put.Event.Profile = put.OutSeq, put.OutID
	if err := sh.settle(ctx, put.OutID, put.Created, t, CauseEvent, func(s *step) {
		s.addEvent(&put.Event)
	}); err != nil {
		return put.Created, err
	}
	return put.Created, sh.e.eventOnAccounts(ctx, &put.Event, t)
}

func (sh *shard) identify(ctx context.Context, id *Identify, t int64) error {
	for name := range id.Traits.All() {
		if sh.e.keyOf(name) == aTrait {
			return fmt.Errorf("%w: %q", ErrComputed, name)
		}
	}
	put := &profile.PutTraits{
		Ref:       profile.UserRef(id.Profile),
		Traits:    id.Traits,
		Time:      id.Time,
		MessageID: id.MessageID,
	}
	sh.batch = append(sh.batch[:0], put)
	if len(id.IDs) > 0 {
		sh.batch = append(sh.batch, &profile.PutIDs{Ref: put.Ref, IDs: id.IDs})
	}
	if err := sh.e.store.Apply(ctx, instant(t), sh.batch...); err != nil {
		return err
	}
	if put.Duplicate {
		return nil
	}
	if err := sh.settle(ctx, put.OutID, put.Created, t, CauseTrait, func(s *step) {
		if s.loadTraits(); s.err == nil {
			s.changeTraits(put.Traits)
		}
	}); err != nil {
		return err
	}
	return sh.e.traitsOnAccounts(ctx, put.OutID, t)
}

func (sh *shard) group(ctx context.Context, g *Group, t int64) error {
	for name := range g.Traits.All() {
		if sh.e.keyOf(name) == anAccountTrait {
			return fmt.Errorf("%w: %q", ErrComputed, name)
		}
	}
	join := &profile.Join{User: g.Profile, Account: g.Account}
	put := &profile.PutTraits{
		Ref:       profile.AccountRef(g.Account),
		Traits:    g.Traits,
		Time:      g.Time,
		MessageID: g.MessageID,
	}
	sh.batch = append(sh.batch[:0], join, put)
	if err := sh.e.store.Apply(ctx, instant(t), sh.batch...); err != nil {
		return err
	}
	if err := sh.settle(ctx, join.OutUser, join.CreatedUser, t, CauseTrait, func(*step) {}); err != nil {
		return err
	}
	return sh.e.groupOnAccount(ctx, join, put, t)
}

func (sh *shard) delete(ctx context.Context, user string, t int64) error {
	ref := profile.UserRef(user)
	was, err := sh.e.belongings(ctx, ref)
	if err != nil {
		return err
	}
	var accounts []string
	if sh.e.ofAccounts() {
		if accounts, err = sh.e.accountsOf(ctx, user); err != nil {
			return err
		}
	}
	del := &profile.Delete{Ref: ref}
	sh.batch = append(sh.batch[:0], del)
	if err := sh.e.store.Apply(ctx, instant(t), sh.batch...); err != nil {
		return err
	}
	if p := sh.states[profile.User][del.OutID]; p != nil {
		sh.forget(p)
	}
	sh.tellEnd(was, t, CauseDelete)
	return sh.e.onAccounts(ctx, accounts, t, CauseDelete, nil)
}

// belongings are what the engine has made of a profile.
type belongings struct {
	members []profile.Membership
	values  []profile.ComputedValue
}

func (e *Engine) belongings(ctx context.Context, ref profile.Ref) (b belongings, err error) {
	if b.members, err = e.store.Memberships(ctx, ref); err != nil {
		return b, err
	}
	b.values, err = e.store.ValuesOf(ctx, ref)
	return b, err
}

// tellEnd tells that a profile is no more.
func (sh *shard) tellEnd(was belongings, t int64, cause Cause) {
	for _, v := range was.values {
		sh.tellValue(v, t, cause)
	}
	for _, m := range was.members {
		sh.tell(m.Audience, m.Ref.ID, Exited, t, cause)
	}
}

// settle brings what the store has just taken to the profile's state and
// records what that changes. Data that arrived reaches the leaves through add;
// a profile whose state is not at hand is read from the store, which has it.
func (sh *shard) settle(ctx context.Context, id string, created bool, t int64, cause Cause, add func(*step)) error {
	ref := profile.UserRef(id)
	p, s := sh.state(ref), &sh.step
	if !created && (p == nil || p.stale) {
		return sh.load(ctx, ref, t, cause)
	}
	if created {
		p = newState(ref)
		sh.keep(p)
	}
	s.begin(ctx, sh.e.nets[profile.User], p, t)
	add(s)
	if created {
		return sh.finishNew(cause)
	}
	return sh.finish(cause)
}

// finishNew is finish for a new profile, which so far was in no audience: not
// even in those that ask for nothing to have happened.
func (sh *shard) finishNew(cause Cause) error {
	s := &sh.step
	s.settle()
	sh.clear()
	sh.changes = s.members(sh.changes, cause)
	sh.takeMoves(cause)
	return sh.record()
}

// members appends the audiences whose condition the profile meets, as changes
// that make it a member.
func (s *step) members(into []change, cause Cause) []change {
	add := func(n *node) {
		for _, a := range n.audiences {
			into = append(into, change{a, true, cause})
		}
	}
	for _, n := range s.net.idleTrue {
		if s.p.truth(n) {
			add(n)
		}
	}
	for i, id := range s.p.nodes {
		if n := s.net.nodes[id]; s.p.cells[i].truth && s.net.root[id] && !n.idle {
			add(n)
		}
	}
	return into
}

// load makes the state of a stored profile, and records how what follows from
// it differs from what is stored.
func (sh *shard) load(ctx context.Context, ref profile.Ref, t int64, cause Cause) error {
	if err := sh.compare(ctx, ref, t, cause); err != nil {
		sh.stale(ref, t)
		return fmt.Errorf("%s %q: %w", ref.Subject, ref.ID, err)
	}
	return sh.record()
}

// compare makes the state of a stored profile as it is at t, and leaves in
// sh.changes and sh.values how that differs from what is stored.
func (sh *shard) compare(ctx context.Context, ref profile.Ref, t int64, cause Cause) error {
	s, net := &sh.step, sh.e.nets[ref.Subject]
	s.begin(ctx, net, newState(ref), t)
	s.load(&net.leafIndex)
	s.settle()
	if s.err != nil {
		return s.err
	}
	was, err := sh.e.belongings(ctx, ref)
	if err != nil {
		return err
	}
	sh.clear()
	sh.compareMembers(was.members, cause)
	sh.compareValues(was.values, cause)
	sh.keep(s.p)
	return nil
}

func (sh *shard) compareMembers(stored []profile.Membership, cause Cause) {
	was := make(map[string]bool, len(stored))
	for _, m := range stored {
		was[m.Audience] = true
	}
	for _, c := range sh.step.members(nil, cause) {
		if !was[c.audience.key] {
			sh.changes = append(sh.changes, c)
		}
		delete(was, c.audience.key)
	}
	for key := range was {
		if a := sh.e.live[key]; a != nil {
			sh.changes = append(sh.changes, change{a, false, cause})
		}
	}
}

func (sh *shard) compareValues(stored []profile.ComputedValue, cause Cause) {
	was := make(map[string]profile.Value, len(stored))
	for _, v := range stored {
		was[v.Key] = v.Value
	}
	sh.takeMoves(cause)
	all := sh.values // from null, each
	sh.values = sh.values[:0]
	for _, v := range all {
		old := was[v.trait.key]
		delete(was, v.trait.key)
		if !same(old, v.new) {
			v.old = old
			sh.values = append(sh.values, v)
		}
	}
	for key, old := range was {
		if a := sh.e.live[key]; a != nil {
			sh.values = append(sh.values, valueChange{trait: a, old: old, cause: cause})
		}
	}
}
