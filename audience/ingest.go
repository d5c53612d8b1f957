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
	put.Event.Seq = put.OutSeq
	return put.Created, sh.settle(ctx, put.OutID, put.Created, t, CauseEvent, func(s *step) {
		s.addEvent(&put.Event)
	})
}

func (sh *shard) identify(ctx context.Context, id *Identify, t int64) error {
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
	return sh.settle(ctx, put.OutID, put.Created, t, CauseTrait, func(s *step) {
		if s.loadTraits(); s.err == nil {
			s.changeTraits(put.Traits)
		}
	})
}

func (sh *shard) group(ctx context.Context, g *Group, t int64) error {
	join := &profile.Join{User: g.Profile, Account: g.Account}
	sh.batch = append(sh.batch[:0], join, &profile.PutTraits{
		Ref:       profile.AccountRef(g.Account),
		Traits:    g.Traits,
		Time:      g.Time,
		MessageID: g.MessageID,
	})
	if err := sh.e.store.Apply(ctx, instant(t), sh.batch...); err != nil {
		return err
	}
	return sh.settle(ctx, join.OutUser, join.CreatedUser, t, CauseTrait, func(*step) {})
}

func (sh *shard) delete(ctx context.Context, user string, t int64) error {
	ref := profile.UserRef(user)
	members, err := sh.e.store.Memberships(ctx, ref)
	if err != nil {
		return err
	}
	del := &profile.Delete{Ref: ref}
	sh.batch = append(sh.batch[:0], del)
	if err := sh.e.store.Apply(ctx, instant(t), sh.batch...); err != nil {
		return err
	}
	if p := sh.profiles[del.OutID]; p != nil {
		sh.forget(p)
	}
	for _, m := range members {
		sh.out.push(Transition{
			Audience: m.Audience,
			Profile:  del.OutID,
			Type:     Exited,
			At:       instant(t),
			Cause:    CauseDelete,
		})
	}
	return nil
}

// settle brings what the store has just taken to the profile's state and
// records what that changes. Data that arrived reaches the leaves through add;
// a profile whose state is not at hand is read from the store, which has it.
func (sh *shard) settle(ctx context.Context, id string, created bool, t int64, cause Cause, add func(*step)) error {
	p, s := sh.profiles[id], &sh.step
	if !created && (p == nil || p.stale) {
		return sh.load(ctx, id, t, cause)
	}
	if created {
		p = newState(id)
		sh.profiles[id] = p
	}
	s.begin(ctx, sh.e.net, p, t)
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
	sh.changes = s.members(sh.changes[:0])
	return sh.record(cause)
}

// members appends the audiences whose condition the profile meets, as changes
// that make it a member.
func (s *step) members(into []change) []change {
	add := func(n *node) {
		for _, a := range n.audiences {
			into = append(into, change{a, true})
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

// load makes the state of a stored profile, and records how its memberships
// differ from the stored ones.
func (sh *shard) load(ctx context.Context, id string, t int64, cause Cause) error {
	if err := sh.compare(ctx, id, t); err != nil {
		sh.stale(id, t)
		return fmt.Errorf("profile %q: %w", id, err)
	}
	return sh.record(cause)
}

// compare makes the state of a stored profile as it is at t, and leaves in
// sh.changes how its memberships differ from the stored ones.
func (sh *shard) compare(ctx context.Context, id string, t int64) error {
	s := &sh.step
	s.begin(ctx, sh.e.net, newState(id), t)
	s.load(&sh.e.net.leafIndex)
	s.settle()
	if s.err != nil {
		return s.err
	}
	stored, err := sh.e.store.Memberships(ctx, profile.UserRef(id))
	if err != nil {
		return err
	}
	was := make(map[string]bool, len(stored))
	for _, m := range stored {
		was[m.Audience] = true
	}
	sh.changes = sh.changes[:0]
	for _, c := range s.members(nil) {
		if !was[c.audience.def.Key] {
			sh.changes = append(sh.changes, c)
		}
		delete(was, c.audience.def.Key)
	}
	for key := range was {
		if a := sh.e.live[key]; a != nil {
			sh.changes = append(sh.changes, change{a, false})
		}
	}
	if old := sh.profiles[id]; old != nil {
		sh.forget(old)
	}
	sh.profiles[id] = s.p
	return nil
}
