package audience

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/muster-go/muster/profile"
)

// Track takes one event. A duplicate (by message id) changes nothing and is no
// error. An event older than the store's retention is profile.ErrRetention.
func (e *Engine) Track(ctx context.Context, ev profile.Event) error {
	// The store refuses a bad event before it changes anything.
	sh, t, err := e.enter(ctx, ev.Profile)
	if err == nil {
		_, err = sh.track(ctx, &ev, t)
		e.leave(ctx, sh)
	}
	return in("track", err)
}

// in says which call failed.
func in(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
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
		return in("identify", err)
	}
	sh, t, err := e.enter(ctx, id.Profile)
	if err == nil {
		err = sh.identify(ctx, &id, t)
		e.leave(ctx, sh)
	}
	return in("identify", err)
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
	MessageID string // of a repeated one of the user only the first counts, also after a Leave; empty: never repeated
}

// Group takes one group call. Both profiles are made if there are none.
func (e *Engine) Group(ctx context.Context, g Group) error {
	if err := g.validate(); err != nil {
		return in("group", err)
	}
	sh, t, err := e.enter(ctx, g.Profile)
	if err == nil {
		err = sh.group(ctx, &g, t)
		e.leave(ctx, sh)
	}
	return in("group", err)
}

// Leave detaches a user from an account. Events that the user sent with the
// account's id stay the account's.
func (e *Engine) Leave(ctx context.Context, user, account string) error {
	if err := errors.Join(profile.CheckID("profile id", user), profile.CheckID("group id", account)); err != nil {
		return in("leave", err)
	}
	sh, t, err := e.enter(ctx, user)
	if err == nil {
		err = sh.leave(ctx, user, account, t)
		e.leave(ctx, sh)
	}
	return in("leave", err)
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

// DeleteUser removes a user with all that is known of it; it exits every audience
// it was in. A later message of its id begins a new profile.
func (e *Engine) DeleteUser(ctx context.Context, user string) error {
	if err := profile.CheckID("profile id", user); err != nil {
		return in("delete user", err)
	}
	sh, t, err := e.enter(ctx, user)
	if err == nil {
		err = sh.delete(ctx, user, t)
		e.leave(ctx, sh)
	}
	return in("delete user", err)
}

// DeleteAccount removes an account with its traits; it exits every audience it
// was in, and its users are attached to it no more. The events that were sent
// with its id stay those of the users who sent them, and count again if a group
// call makes the account anew.
func (e *Engine) DeleteAccount(ctx context.Context, account string) error {
	if err := profile.CheckID("group id", account); err != nil {
		return in("delete account", err)
	}
	return e.alone(ctx, "delete account", false, func(t int64) error { return e.deleteAccount(ctx, account, t) })
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
	if sh.e.joined() {
		return put.Created, sh.e.trackJoint(ctx, put, t)
	}
	return put.Created, sh.settle(ctx, put.OutID, put.Created, t, CauseEvent, func(s *step) {
		s.addEvent(&put.Event)
	})
}

func (sh *shard) identify(ctx context.Context, id *Identify, t int64) error {
	for name := range id.Traits.All() {
		if sh.e.computes(name, aTrait) {
			return fmt.Errorf("%w: %q", ErrComputed, name)
		}
	}
	if seen, err := sh.e.store.Seen(ctx, profile.UserRef(id.Profile), id.MessageID); err != nil || seen {
		return err // a repeated call brings no ids either
	}
	put := &profile.PutTraits{
		Ref:       profile.UserRef(id.Profile),
		Traits:    id.Traits,
		Time:      id.Time,
		MessageID: id.MessageID,
	}
	sh.batch = append(sh.batch[:0], put)
	ids := &profile.PutIDs{Ref: put.Ref, IDs: id.IDs}
	if len(id.IDs) > 0 {
		sh.batch = append(sh.batch, ids)
	}
	if err := sh.e.store.Apply(ctx, instant(t), sh.batch...); err != nil {
		return err
	}
	sh.tellIDs(ids, t)
	if put.Duplicate {
		return nil
	}
	if sh.e.joined() {
		return sh.e.identifyJoint(ctx, put, t)
	}
	return sh.settle(ctx, put.OutID, put.Created, t, CauseTrait, func(s *step) { s.renewTraits(put.Traits) })
}

func (sh *shard) group(ctx context.Context, g *Group, t int64) error {
	for name := range g.Traits.All() {
		if sh.e.computes(name, anAccountTrait) {
			return fmt.Errorf("%w: %q", ErrComputed, name)
		}
	}
	if seen, err := sh.e.store.Seen(ctx, profile.UserRef(g.Profile), g.MessageID); err != nil || seen {
		return err
	}
	join := &profile.Join{User: g.Profile, Account: g.Account, MessageID: g.MessageID}
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
	if sh.e.joined() {
		return sh.e.groupJoint(ctx, join, put, t)
	}
	return sh.settle(ctx, join.OutUser, join.CreatedUser, t, CauseTrait, func(*step) {})
}

func (sh *shard) leave(ctx context.Context, user, account string, t int64) error {
	was, err := sh.e.tiesOf(ctx, user)
	if err != nil {
		return err
	}
	leave := &profile.Leave{User: user, Account: account}
	sh.batch = append(sh.batch[:0], leave)
	if err := sh.e.store.Apply(ctx, instant(t), sh.batch...); err != nil || !leave.Changed {
		return err
	}
	if !sh.e.joined() {
		return sh.settle(ctx, leave.OutUser, false, t, CauseTrait, func(*step) {})
	}
	was.accounts = []string{account}
	if slices.Contains(was.renew, account) {
		was.renew = was.accounts
	} else {
		was.renew = nil
	}
	return sh.e.together(lasting(ctx), t, CauseTrait, func(j *joint) {
		j.loosen(was)
		j.renewAccounts(was.renew)
		if p, fresh := j.reach(profile.UserRef(leave.OutUser)); !fresh {
			j.turn(p)
			j.recompute(j.net.linked...)
		}
	})
}

func (sh *shard) delete(ctx context.Context, user string, t int64) error {
	ref := profile.UserRef(user)
	was, err := sh.e.belongings(ctx, ref)
	if err != nil {
		return err
	}
	ties, err := sh.e.tiesOf(ctx, user)
	if err != nil {
		return err
	}
	del := &profile.Delete{Ref: ref}
	sh.batch = append(sh.batch[:0], del)
	if err := sh.e.store.Apply(ctx, instant(t), sh.batch...); err != nil {
		return err
	}
	if !del.Existed {
		return nil
	}
	if sh.e.joined() {
		return sh.e.together(lasting(ctx), t, CauseDelete, func(j *joint) {
			j.loosen(ties)
			j.end(profile.UserRef(del.OutID), was)
			j.renewAccounts(ties.renew)
		})
	}
	if p := sh.states[profile.User][del.OutID]; p != nil {
		sh.forget(p)
	}
	sh.tellEnd(was, t, CauseDelete)
	return nil
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
		sh.tellExit(m, t, cause)
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
	s.begin(ctx, p, t)
	add(s)
	if created {
		return sh.finishNew(cause)
	}
	return sh.finish(cause)
}
