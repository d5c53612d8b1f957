package audience

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/muster-go/muster/internal/state"
	"github.com/muster-go/muster/internal/usage"
	"github.com/muster-go/muster/profile"
)

// Track takes one event, with its properties as Properties or as Props. A duplicate (by
// message id) changes nothing and is no error. An event older than the store's retention is profile.ErrRetention. The
// zero time is the engine's now.
func (e *Engine) Track(ctx context.Context, ev profile.Event) (err error) {
	ctx, end := e.begin(ctx, "track")
	defer func() { err = end(err) }()
	if ev, err = ev.Packed(); err != nil {
		return taking("track", err)
	}
	r := ofEvent(ev.Name, ev.Account, profile.UserRef(ev.Profile))
	return taking("track", e.update(ctx, ev.Profile, r, func(x *txn) error { return x.track(&ev, nil, false) }))
}

// in says in which call an error came.
func in(what string, err error) error {
	if err == nil || what == "" {
		return err
	}
	return fmt.Errorf("%s: %w", what, err)
}

// Identify sets traits of a user, and ids.
type Identify struct {
	Profile   string // the user's id
	Traits    profile.Object
	IDs       []profile.ExternalID // besides those that the profile has
	Time      time.Time            // zero: the engine's now
	MessageID string               // of a repeated one only the first counts; empty: never repeated
}

// Identify takes one identify call: for each trait the newest time wins, and a
// null removes it. The profile is made if there is none.
func (e *Engine) Identify(ctx context.Context, id Identify) (err error) {
	ctx, end := e.begin(ctx, "identify")
	defer func() { err = end(err) }()
	if err := id.validate(); err != nil {
		return taking("identify", err)
	}
	r := ofTraits(id.Traits, profile.UserRef(id.Profile))
	return taking("identify", e.update(ctx, id.Profile, r, func(x *txn) error { return x.identify(&id, false) }))
}

func (id *Identify) validate() error {
	if err := profile.CheckID("profile id", id.Profile); err != nil {
		return err
	}
	return checkTime(id.Time)
}

// Group attaches a user to an account and sets traits of the account.
type Group struct {
	Profile   string // the user's id
	Account   string
	Traits    profile.Object
	Time      time.Time // zero: the engine's now
	MessageID string    // of a repeated one of the user only the first counts, also after a Leave; empty: never repeated
}

// Group takes one group call. Both profiles are made if there are none.
func (e *Engine) Group(ctx context.Context, g Group) (err error) {
	ctx, end := e.begin(ctx, "group")
	defer func() { err = end(err) }()
	if err := g.validate(); err != nil {
		return taking("group", err)
	}
	r := reach{named: []profile.Ref{profile.UserRef(g.Profile), profile.AccountRef(g.Account)}}
	return taking("group", e.update(ctx, g.Profile, r, func(x *txn) error { return x.group(&g, nil, false) }))
}

// Leave detaches a user from an account. Events that the user sent with the
// account's id stay the account's.
func (e *Engine) Leave(ctx context.Context, user, account string) (err error) {
	ctx, end := e.begin(ctx, "leave")
	defer func() { err = end(err) }()
	if err := errors.Join(profile.CheckID("profile id", user), profile.CheckID("group id", account)); err != nil {
		return taking("leave", err)
	}
	r := reach{named: []profile.Ref{profile.UserRef(user)}}
	return taking("leave", e.update(ctx, user, r, func(x *txn) error { return x.leave(user, account) }))
}

func (g *Group) validate() error {
	if err := profile.CheckID("profile id", g.Profile); err != nil {
		return err
	}
	if err := profile.CheckID("group id", g.Account); err != nil {
		return err
	}
	return checkTime(g.Time)
}

// DeleteUser removes a user with all that is known of it; it exits every audience
// it was in. A later message of its id begins a new profile.
func (e *Engine) DeleteUser(ctx context.Context, user string) (err error) {
	ctx, end := e.begin(ctx, "delete user")
	defer func() { err = end(err) }()
	if err := profile.CheckID("profile id", user); err != nil {
		return taking("delete user", err)
	}
	return taking("delete user", e.update(ctx, user, reach{}, func(x *txn) error { return x.delete(user) }))
}

// DeleteAccount removes an account with its traits; it exits every audience it
// was in, and its users are attached to it no more. The events that were sent
// with its id stay those of the users who sent them, and count again if a group
// call makes the account anew.
func (e *Engine) DeleteAccount(ctx context.Context, account string) (err error) {
	ctx, end := e.begin(ctx, "delete account")
	defer func() { err = end(err) }()
	if err := profile.CheckID("group id", account); err != nil {
		return taking("delete account", err)
	}
	return taking("", e.aloneNoting(ctx, "delete account", false, func(x *txn) error { return x.deleteAccount(account) }))
}

// track stores an event, and ids of its user, and works out what follows.
func (x *txn) track(ev *profile.Event, ids []profile.ExternalID, visitor bool) error {
	if err := x.checkAge(ev.Time); err != nil {
		return err
	}
	put := &x.event
	*put = profile.PutEvent{Event: *ev, Visitor: visitor}
	if put.Event.Time.IsZero() {
		put.Event.Time = instant(x.At)
	}
	if err := x.put(put); err != nil || put.Duplicate {
		return err
	}
	if err := x.putIDs(ev.Profile, ids, visitor); err != nil {
		return err
	}
	put.Event.Seq, put.Event.Profile = put.OutSeq, put.OutID
	x.noted = append(x.noted, noted{usage.Group{Event: put.Event.Name}, put.Event.Time, put.Event.Properties})
	return x.run(CauseEvent, func() {
		ev := &put.Event
		p := x.user(ev.Profile, put.Created)
		x.renewIDs(p)
		x.bring(p, func() { x.AddEvent(ev) })
		if !x.Nets[profile.Account].Takes(ev.Name) {
			return
		}
		for _, account := range x.accountsTaking(ev) {
			x.bring(x.reach(profile.AccountRef(account)), func() { x.AddEvent(ev) })
		}
	})
}

// putIDs stores ids of a user, and tells it.
func (x *txn) putIDs(user string, ids []profile.ExternalID, visitor bool) error {
	x.ids = profile.PutIDs{}
	if len(ids) == 0 {
		return nil
	}
	x.ids = profile.PutIDs{Ref: profile.UserRef(user), IDs: ids, Visitor: visitor}
	if err := x.put(&x.ids); err != nil {
		return err
	}
	if x.ids.Changed {
		x.tellIDs(x.ids.OutID)
	}
	return nil
}

// readsIDs reports whether anything reads the ids of users.
func (x *txn) readsIDs() bool {
	return len(x.Nets[profile.User].Identity) > 0 || x.Nets[profile.Account].ReadsIDsOfActor()
}

// renewIDs has what reads the ids of a user computed anew, if the transaction put some.
func (x *txn) renewIDs(p *state.State) {
	if !x.ids.Changed {
		return
	}
	x.bring(p, func() {
		p.Self = nil
		x.Recompute(x.Net.Identity...)
	})
	if x.Nets[profile.Account].ReadsIDsOfActor() {
		x.recountActor(p.Ref.ID)
	}
}

// identify stores traits of a user, and works out what follows.
func (x *txn) identify(id *Identify, visitor bool) error {
	if err := x.e.checkTraits(id.Traits, aTrait); err != nil {
		return err
	}
	put := &profile.PutTraits{
		Ref:       profile.UserRef(id.Profile),
		Traits:    id.Traits,
		Time:      x.timeOf(id.Time),
		MessageID: id.MessageID,
		Visitor:   visitor,
	}
	if err := x.put(put); err != nil || put.Duplicate {
		return err
	}
	x.noted = append(x.noted, noted{traitsOf(profile.User), put.Time, put.Traits})
	if err := x.putIDs(id.Profile, id.IDs, visitor); err != nil {
		return err
	}
	return x.run(CauseTrait, func() {
		p := x.user(put.OutID, put.Created)
		x.renewIDs(p)
		x.bring(p, func() { x.RenewTraits(put.Traits) })
		x.recountActor(put.OutID)
	})
}

// recountActor has what accounts make of a user's events by traits of that user
// counted anew.
func (x *txn) recountActor(user string) {
	actor := x.Nets[profile.Account].Actor
	if len(actor) == 0 {
		return
	}
	accounts, err := x.takingOf(user)
	if err != nil {
		x.Err = err
	}
	for _, account := range accounts {
		if !x.isAccount(account) {
			continue
		}
		x.bring(x.reach(profile.AccountRef(account)), func() { x.Recompute(actor...) })
	}
}

// timeOf returns the time of a message: the zero time is now.
func (x *txn) timeOf(t time.Time) time.Time {
	if t.IsZero() {
		return instant(x.At)
	}
	return t
}

// checkTime returns an error for a time that data cannot have.
func checkTime(t time.Time) error {
	if t.IsZero() {
		return nil // the engine's now
	}
	return profile.CheckTime(t)
}

// checkTraits returns an error if some custom traits have the name of a computed
// one.
func (e *Engine) checkTraits(custom profile.Object, of keyOf) error {
	for name := range custom.All() {
		if e.computes(name, of) {
			return fmt.Errorf("%w: %q", ErrComputed, name)
		}
	}
	return nil
}

// group stores a group call, and ids of its user, and works out what follows.
func (x *txn) group(g *Group, ids []profile.ExternalID, visitor bool) error {
	if err := x.e.checkTraits(g.Traits, anAccountTrait); err != nil {
		return err
	}
	join := &profile.Join{User: g.Profile, Account: g.Account, MessageID: g.MessageID, Visitor: visitor}
	put := &profile.PutTraits{
		Ref:       profile.AccountRef(g.Account),
		Traits:    g.Traits,
		Time:      x.timeOf(g.Time),
		MessageID: g.MessageID,
	}
	if err := x.put(join); err != nil || join.Duplicate {
		return err
	}
	if err := x.put(put); err != nil {
		return err
	}
	if !put.Duplicate {
		x.noted = append(x.noted, noted{traitsOf(profile.Account), put.Time, put.Traits})
	}
	if err := x.putIDs(g.Profile, ids, visitor); err != nil {
		return err
	}
	return x.run(CauseTrait, func() {
		user := x.user(join.OutUser, join.CreatedUser)
		x.renewIDs(user)
		if join.Changed {
			x.bring(user, func() { x.Recompute(x.Net.Linked...) })
		}
		if x.e.nets.CrossProfile() {
			x.joinAccount(user, join, put)
		}
	})
}

// joinAccount brings a group call to its account.
func (x *txn) joinAccount(user *state.State, join *profile.Join, put *profile.PutTraits) {
	// It is read also if it is new: events may have been sent for it before.
	account := x.reach(profile.AccountRef(join.Account))
	if join.Changed {
		x.countUser(account.Ref.ID, user, 1)
	}
	x.bring(account, func() {
		if join.Changed {
			x.AddUser(join.OutUser)
		}
		if !put.Duplicate {
			x.RenewTraits(put.Traits)
		}
	})
	x.Switch(account)
	x.OverReaders(put.Traits) // also if it has them, they are news to its users
}

func (x *txn) leave(user, account string) error {
	was, err := x.linksOf(user)
	if err != nil {
		return err
	}
	was.leaveOne(account)
	leave := &profile.Leave{User: user, Account: account}
	if err := x.put(leave); err != nil || !leave.Changed {
		return err
	}
	return x.run(CauseTrait, func() {
		x.unlink(was)
		x.renewAccounts(was.renew)
		x.bring(x.reach(profile.UserRef(leave.OutUser)), func() { x.Recompute(x.Net.Linked...) })
	})
}

func (x *txn) delete(user string) error {
	ref := profile.UserRef(user)
	was, err := x.holdings(ref)
	if err != nil {
		return err
	}
	links, err := x.linksOf(user)
	if err != nil {
		return err
	}
	del := &profile.Delete{Ref: ref}
	if err := x.put(del); err != nil || !del.Existed {
		return err
	}
	return x.run(CauseDelete, func() {
		x.unlink(links)
		x.end(profile.UserRef(del.OutID), was)
		x.renewAccounts(links.renew)
	})
}
