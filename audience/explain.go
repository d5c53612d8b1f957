package audience

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/internal/state"
	"github.com/muster-go/muster/profile"
)

// Explain says why a profile is a member of an audience now, or is not. It reads
// the profile's history. Of a batch audience, or a paused one, the tree says what holds now,
// and Member what held when it was last computed, or paused. The error wraps profile.ErrNotFound
// if there is no such audience; of a profile that does not exist nothing holds.
//
// Of an account at most MaxExamined events and users are read, however many it has:
// the tree says so where it does not go by all. One of more users than that is
// explained from what the engine has of it, and Until is then the instant until
// which the answer is sure, which may come before its change.
func (e *Engine) Explain(ctx context.Context, key string, ref profile.Ref) (_ Explanation, err error) {
	ctx, end := e.begin(ctx, "explain")
	defer func() { err = end(err) }()
	x, err := e.explain(ctx, key, ref)
	if err != nil {
		return Explanation{}, fmt.Errorf("explain %q of %s %q: %w", key, ref.Subject, ref.ID, err)
	}
	return x, nil
}

func (e *Engine) explain(ctx context.Context, key string, ref profile.Ref) (x Explanation, err error) {
	if err := profile.CheckID("profile id", ref.ID); err != nil {
		return x, err
	}
	at, err := e.enter(ctx, ref.ID, reach{})
	if err != nil {
		return x, err
	}
	defer func() {
		var after aftermath
		e.leave(&after, at)
		_ = e.finish(ctx, &after) // nothing was changed
	}()
	a := e.live[key]
	switch {
	case a == nil || a.audience == nil || !a.holdsOf(ref.Subject):
		return x, profile.ErrNotFound
	case a.RootOf(ref.Subject) == nil:
		return x, ErrLocked
	}
	id, exists, err := e.store.Resolve(ctx, ref)
	if err != nil {
		return x, err
	}
	ref.ID = id
	if exists {
		err = at.warm(ref)
	}
	if err != nil {
		return x, err
	}
	return e.explainAt(ctx, a, ref, exists, at.At)
}

// warm has the state of an account in memory, where profiles depend on each other: it
// may have more users than are read to explain it.
func (x *txn) warm(ref profile.Ref) error {
	if !x.holdsAll() || ref.Subject != profile.Account || x.shardOf(ref).states.Get(ref) != nil {
		return nil
	}
	// What is due at this very instant waits for its data.
	k := x.keptOf(ref)
	_, due := x.e.earliest()
	now := x.At
	defer func() { x.At = now }()
	return x.within(func() error {
		return x.runAt(min(now, due-1, k.At-1), CauseTime, func() { x.reach(ref) })
	})
}

// explainAt is explain for a profile by the id that it is kept under.
func (e *Engine) explainAt(ctx context.Context, a *live, ref profile.Ref, exists bool, t int64) (Explanation, error) {
	x := Explanation{Audience: a.key, Profile: ref, At: instant(t), Paused: a.audience.Paused}
	root := a.RootOf(ref.Subject)
	p, err := e.largeAccount(ctx, ref)
	if err != nil {
		return x, err
	}
	if p != nil {
		s := e.readOnlyRun(ctx, e.store, p, t)
		v := s.Ask(root)
		if x.Member = v.True; v.Until != horizon.Never {
			x.Until = instant(v.Until)
		}
		x.Tree = s.explainMembership(a)
		return x, s.Err
	}
	s := e.readOnlyRunOf(ctx, e.store, ref, exists, t)
	x.Member = exists && s.Ask(root).True
	x.Tree = s.explainMembership(a)
	if exists {
		s.foresee(&x, a, root)
	}
	return x, s.Err
}

// MaxExamined is how many events and users of an account are read at most to
// explain a condition.
const MaxExamined = 1000

// largeAccount returns a copy of the state of an account that has more users than are
// read; nil: it is none, or there is no state that can be looked at.
func (e *Engine) largeAccount(ctx context.Context, ref profile.Ref) (*state.State, error) {
	p := e.shardOf(ref.ID).states.Get(ref)
	if ref.Subject != profile.Account || p == nil {
		return nil, nil
	}
	n := 0
	for _, err := range e.store.Users(ctx, ref.ID) {
		if err != nil {
			return nil, err
		}
		if n++; n > MaxExamined {
			return p.Copied(), nil
		}
	}
	return nil, nil
}

// readOnlyRun returns a run that is none of the engine's, with a state of its own.
func (e *Engine) readOnlyRun(ctx context.Context, store profile.Reader, p *state.State, t int64) *txn {
	x := newTxn(e, e.shards[0])
	x.locks = allShards
	x.Store = store
	x.ReadOnly, x.Aside, x.Outside = true, true, onlooker{x}
	x.Quiet = true
	p.Version = e.version
	x.Run.Begin(ctx, p, t)
	return x
}

// explainMembership explains why the step's profile is in an audience or not.
func (s *txn) explainMembership(a *live) Explained {
	if s.Profile.Ref.Subject != a.subject() {
		return s.explainAccounts(a)
	}
	return s.explain(a.plan.Condition(), &a.audience.Where, "where")
}

// readOnlyRunOf returns a step with a state of its own for a profile: what is due at
// this very instant waits for the data of the instant, which explaining must not
// separate.
func (e *Engine) readOnlyRunOf(ctx context.Context, store profile.Reader, ref profile.Ref, exists bool, t int64) *txn {
	s := e.readOnlyRun(ctx, store, state.New(ref), t)
	if exists {
		s.Load(&s.Net.Leaves)
		s.Push(s.Net.Linked...)
		s.Walk()
		s.AskRoots()
	}
	return s
}

// explainAccounts explains a user's membership of an audience of accounts, by an
// account that is a member or, if there is none, by any.
func (s *txn) explainAccounts(a *live) Explained {
	x := Explained{Path: "where", Condition: "an account in " + a.key, Holds: s.Ask(a.Users).True}
	accounts := s.Accounts()
	i := max(0, slices.IndexFunc(accounts, func(p *state.State) bool { return p.Truth(a.Root) }))
	if i < len(accounts) {
		x.Children = []Explained{s.explainOther(accounts[i].Ref, a.plan.Condition(), &a.audience.Where, "where")}
	}
	return x
}

// explainUsers explains a condition on the users of an account, by one who
// decides it or, if there is none, by any.
func (s *txn) explainUsers(x *Explained, p *network.Plan, u *Users) {
	if i, ok := s.Profile.Find(p.Node.ID); ok {
		x.Users, x.Meet = int(s.Profile.Cells[i].Limit), int(s.Profile.Cells[i].Past)
	}
	example, decides := "", p.Quantifier.Of != network.AllUsers
	if p.Quantifier.Of > network.NoUser {
		decides = x.Holds // one of those who meet it, or of those who do not
	}
	examined := 0
	for user, err := range s.Store.Users(s.Ctx, s.Profile.Ref.ID) {
		if err != nil {
			s.Err = err
			return
		}
		meets := s.Outside.TruthOf(profile.UserRef(user), p.Node.Others[0])
		if example == "" || meets == decides {
			example = user
		}
		if examined++; meets == decides || examined == MaxExamined {
			break
		}
	}
	if n, _ := u.Condition(); example != "" {
		x.Children = []Explained{s.explainOther(profile.UserRef(example), p.Children[0], n, x.Path+"."+p.Quantifier.Field())}
	}
}

// explainInAccount explains a condition on the accounts of a user by one that meets it or, if
// there is none, by any.
func (s *txn) explainInAccount(x *Explained, p *network.Plan, n *Node, path string) {
	accounts, of := s.Accounts(), p.Node.Others[0]
	i := max(0, slices.IndexFunc(accounts, func(p *state.State) bool { return p.Truth(of) }))
	if i < len(accounts) {
		x.Children = []Explained{s.explainOther(accounts[i].Ref, p.Children[0], n, path)}
	}
	x.Path += ".audience"
}

// explainOther explains a condition of another profile.
func (s *txn) explainOther(ref profile.Ref, p *network.Plan, n *Node, path string) Explained {
	other := s.e.readOnlyRunOf(s.Ctx, s.Store, ref, true, s.At)
	x := other.explain(p, n, path)
	x.Of = ref
	if other.Err != nil {
		s.Err = other.Err
	}
	return x
}

// explain returns the tree of a plan for the step's profile.
func (s *txn) explain(p *network.Plan, n *Node, path string) Explained {
	x := Explained{Path: path, Condition: n.describe(), Holds: s.Ask(p.Node).True}
	switch p.Kind {
	case network.KindAll, network.KindAny:
		of, field := n.All, "all"
		if p.Kind == network.KindAny {
			of, field = n.Any, "any"
		}
		for i, child := range p.Children {
			x.Children = append(x.Children, s.explain(child, &of[i], fmt.Sprintf("%s.%s[%d]", path, field, i)))
		}
	case network.KindNot:
		x.Children = []Explained{s.explain(p.Children[0], n.Not, path+".not")}
	case network.KindEvent:
		x.Path += ".event"
		s.count(&x, p.Node)
		x.Traits = s.seenTraits(p.Node)
	case network.KindFunnel:
		x.Path += ".funnel"
		if !x.Holds {
			s.followFunnel(&x, p.Node)
		} else if a := s.Profile.AttemptsOf(p.Node); a != nil {
			for _, m := range a.Evidence() {
				x.Funnel = append(x.Funnel, Matched(m))
			}
		}
		x.Traits = s.seenTraits(p.Node)
	case network.KindTrait:
		x.Path += ".trait"
		x.Traits = s.seenTraits(p.Node)
	case network.KindDate:
		x.Path += ".trait_date"
		x.Traits = s.seenTraits(p.Node)
	case network.KindUsers:
		x.Path += ".users"
		s.explainUsers(&x, p, n.Users)
	case network.KindSample:
		x.Path += ".sample"
	case network.KindTenure:
		x.Path += ".audience"
		if since, ok := s.TenureOf(p.Node); ok {
			x.Since = instant(since)
		}
	case network.KindInAccount:
		s.explainInAccount(&x, p, n, path)
	case network.KindRef:
		x.Path += ".audience"
	}
	return x
}

// newestOf returns the MaxSeen newest, newest first.
func newestOf(seen []Seen) []Seen {
	slices.SortStableFunc(seen, func(a, b Seen) int { return b.Time.Compare(a.Time) })
	return seen[:min(len(seen), MaxSeen)]
}

// maxForeseen is how many instants foresee looks at.
const maxForeseen = 10_000

// foresee lets time pass for the state of the step, which is used up, and notes
// when the audience and the nodes of its tree change first. A verdict's end is
// no more than the instant until which it is sure. What depends on other
// profiles does not change.
func (s *txn) foresee(x *Explanation, a *live, root *network.Node) {
	open := []*foreseen{{root: root, holds: s.Ask(root).True, until: &x.Until}}
	if root == a.Root {
		open = appendForeseen(open, a.plan.Condition(), &x.Tree)
	}
	for range maxForeseen {
		next := horizon.Never
		for _, f := range open {
			next = min(next, s.Ask(f.root).Until)
		}
		if next == horizon.Never || s.Err != nil {
			return
		}
		s.At, s.Run.Event = next, nil
		s.ActorKnown = false // traits of users hold for their time, too
		open = slices.DeleteFunc(open, func(f *foreseen) bool {
			if s.Ask(f.root).True == f.holds {
				return false
			}
			*f.until = instant(next)
			return true
		})
		if len(open) == 0 {
			return
		}
	}
}

// foreseen is a node whose next change is looked for.
type foreseen struct {
	root  *network.Node
	holds bool
	until *time.Time
}

func appendForeseen(into []*foreseen, p *network.Plan, x *Explained) []*foreseen {
	into = append(into, &foreseen{p.Node, x.Holds, &x.Until})
	if p.Kind == network.KindUsers || p.Kind == network.KindInAccount {
		return into // below are others
	}
	for i, child := range p.Children {
		into = appendForeseen(into, child, &x.Children[i])
	}
	return into
}
