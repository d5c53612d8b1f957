package audience

import (
	"context"
	"slices"

	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/internal/state"
	"github.com/muster-go/muster/profile"
)

// revision is what one stage of a rollout asks of every profile. The network has its nodes
// at once; a profile has not, until it is upgraded: by a goroutine that goes through all,
// a few under a lock at a time, or when data or time comes to it first.
type revision struct {
	version uint32     // profiles of an earlier one have yet to be upgraded
	of      [2]revised // by Subject
	rollout *rollout   // nil: it was given up
}

// revised is what a revision brings to the profiles of a subject.
type revised struct {
	brought
	leaves *network.Leaves // of fresh
}

// firstUpgrades is how many profiles are upgraded with all locks held: small stores are
// done with then.
const firstUpgrades = 512

// bringNext brings the next stage of a rollout, and upgrades the first profiles. It
// reports whether these were all. All locks are held.
func (x *txn) bringNext(r *rollout) (all bool, err error) {
	e := x.e
	x.nextVersion() // it is used from here on, whatever becomes of the rollout
	if err := x.storeVersion(r); err != nil {
		return false, err
	}
	before := r.revision
	b := r.bring()
	g := newRevision(e.version, b, r)
	r.revision = g
	e.revisions = append(e.revisions, g)
	e.publish()
	x.onAbandon(func() {
		e.revisions = slices.DeleteFunc(e.revisions, func(o *revision) bool { return o == g })
		r.revision = before
		r.unbring()
		e.publish()
	})
	n := 0
	for _, of := range g.subjects() {
		for id, err := range x.Store.Profiles(x.Ctx, of, "") {
			if err != nil {
				return false, err
			}
			if n++; n > e.firstUpgrades {
				return false, nil
			}
			if err := x.upgradeID(profile.Ref{Subject: of, ID: id}, x.At); err != nil {
				return false, err
			}
		}
	}
	return true, nil
}

// nextVersion has the definitions be another version. It is to be stored.
func (x *txn) nextVersion() {
	x.e.version++
	x.onAbandon(func() { x.e.version-- })
}

// bringRest brings the stages of a rollout that are left, as long as the first profiles
// are all there are. All locks are held.
func (x *txn) bringRest(r *rollout) (all bool, err error) {
	for r.next < len(r.stages) {
		if r.resumed {
			x.e.forgetAll()
		}
		if all, err := x.bringNext(r); !all || err != nil {
			return false, err
		}
		x.e.over(r.revision)
	}
	return true, nil
}

// forgetAll forgets all states: they are read from the store again.
func (e *Engine) forgetAll() {
	for _, sh := range e.shards {
		for of := range e.nets {
			for p := range sh.states.All(profile.Subject(of)) {
				sh.states.Forget(p)
			}
		}
	}
}

// newRevision returns what b brings to profiles as a version.
func newRevision(version uint32, b [2]brought, r *rollout) *revision {
	g := &revision{version: version, rollout: r}
	for of := range b {
		g.of[of] = revised{b[of], indexOf(b[of].fresh)}
		setPending(b[of].fresh, version)
	}
	return g
}

// indexOf returns the index of leaves among nodes.
func indexOf(nodes []*network.Node) *network.Leaves {
	ix := network.NewLeaves()
	for _, n := range nodes {
		ix.Add(n)
	}
	return &ix
}

// subjects returns those whose profiles the revision concerns.
func (g *revision) subjects() (of []profile.Subject) {
	for subject := range g.of {
		if g.of[subject].concerns {
			of = append(of, profile.Subject(subject))
		}
	}
	return of
}

// floor returns the version that every profile of a subject has.
func (e *Engine) floor(of profile.Subject) uint32 {
	v := e.version
	for _, g := range e.revisions {
		if g.of[of].concerns {
			v = min(v, g.version-1)
		}
	}
	return v
}

// wanted returns the version of the last revision that concerns a subject.
func (e *Engine) wanted(of profile.Subject) (version uint32) {
	for _, g := range e.revisions {
		if g.of[of].concerns {
			version = max(version, g.version)
		}
	}
	return version
}

// over ends a revision that all profiles have. All locks are held.
func (e *Engine) over(g *revision) {
	for of := range g.of {
		allHave(g.of[of].fresh)
	}
	// What was given up before it has been made up with it.
	e.revisions = slices.DeleteFunc(e.revisions, func(o *revision) bool {
		if o.rollout == nil && o.version < g.version {
			for of := range o.of {
				o.of[of].concerns = o.of[of].concerns && !g.of[of].concerns
			}
		}
		return o == g || len(o.subjects()) == 0
	})
}

// giveUp forgets what a revision tells. What others use of it by now profiles still have to
// be brought. All locks are held.
func (e *Engine) giveUp(g *revision) {
	g.rollout = nil
	used := false
	for of := range g.of {
		fresh := slices.DeleteFunc(slices.Clone(g.of[of].fresh), func(n *network.Node) bool { return e.nets[of].Nodes[n.ID] != n })
		observed := slices.DeleteFunc(slices.Clone(g.of[of].observed), func(n *network.Node) bool { return e.nets[of].Nodes[n.ID] != n })
		g.of[of] = revised{brought{concerns: g.of[of].concerns, fresh: fresh, observed: observed}, indexOf(fresh)}
		used = used || len(fresh) > 0
	}
	if !used || len(e.revisions) == 1 {
		e.over(g)
	}
}

// upgrade brings a profile what it has yet to get, as of t or, if it is due at
// that very instant, of the instant before: what is due waits for the data of
// its instant.
func (x *txn) upgrade(p *state.State, t int64) error {
	now := x.At
	defer func() { x.At = now }()
	for _, g := range x.e.revisions {
		of := &g.of[p.Ref.Subject]
		if g.version <= p.Version || !of.concerns {
			continue
		}
		x.begin(x.Ctx, min(t, p.Wake-1), CauseBackfill)
		p.Version = g.version
		pt := x.add(p.Ref, p)
		pt.made, pt.diff = of.made, (*txn).diffMade
		x.Switch(p)
		x.BringFresh(of.leaves, of.fresh)
		x.Walk()
		x.Observe(of.observed)
		if err := x.gatherRun(); err != nil {
			return err
		}
	}
	return nil
}

// lacks reports whether a profile has yet to get something that is in the making. It returns
// the state of the profile too, if that is in memory, and what is kept of it.
func (x *txn) lacks(ref profile.Ref) (lacks bool, p *state.State, k state.Kept) {
	wanted := x.e.wanted(ref.Subject)
	if wanted == 0 {
		return false, nil, state.NothingKept
	}
	if p := x.shardOf(ref).states.Get(ref); p != nil {
		return p.Version < wanted, p, p.Kept
	}
	k = x.keptOf(ref)
	return max(k.Version, x.e.floor(ref.Subject)) < wanted, nil, k
}

// lacksAny is lacks for any of some profiles.
func (x *txn) lacksAny(ctx context.Context, refs ...profile.Ref) (bool, error) {
	x.Ctx, x.Err = ctx, nil
	for _, ref := range refs {
		if lacks, _, _ := x.lacks(ref); lacks || x.Err != nil {
			return true, x.Err
		}
	}
	return false, nil
}

// madeSince returns what revisions tell that came after a version.
func (e *Engine) madeSince(of profile.Subject, version uint32) (made []remade) {
	for _, g := range e.revisions {
		if g.version > version {
			made = append(made, g.of[of].made...)
		}
	}
	return made
}

// upgradeID upgrades a profile by the id that it is kept under, if it lacks anything.
func (x *txn) upgradeID(ref profile.Ref, t int64) error {
	lacks, p, k := x.lacks(ref)
	if !lacks || x.Err != nil {
		return x.Err
	}
	if p != nil {
		return x.upgrade(p, t)
	}
	exists, err := x.exists(ref)
	if err != nil || !exists {
		return err
	}
	now := x.At
	defer func() { x.At = now }()
	return x.runAt(min(t, k.At-1), CauseBackfill, func() { x.reach(ref) })
}

// lacking returns the user that an id names if it has yet to be upgraded; else none.
func (sh *shard) lacking(ctx context.Context, id string) (ref profile.Ref, err error) {
	if len(sh.e.revisions) == 0 {
		return ref, nil
	}
	if sh.states.Get(profile.UserRef(id)) == nil {
		var exists bool
		if id, exists, err = sh.e.store.Resolve(ctx, profile.UserRef(id)); err != nil || !exists {
			return ref, err
		}
	}
	lacks, err := sh.x.lacksAny(ctx, profile.UserRef(id))
	if lacks && err == nil {
		ref = profile.UserRef(id)
	}
	return ref, err
}
