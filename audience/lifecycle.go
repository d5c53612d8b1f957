package audience

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/muster-go/muster/profile"
)

// Create makes audiences live, all or none. They may refer to each other and to
// audiences that exist. Unless a definition says otherwise it counts the whole
// history: profiles that meet it enter with the cause backfill. An error is a
// *DefinitionError.
//
// It computes every stored profile while no data is taken.
func (e *Engine) Create(ctx context.Context, defs ...Definition) error {
	t, err := e.exclusive(ctx, true)
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	err = e.create(ctx, defs, t)
	e.release(ctx)
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	return nil
}

// create is Create with all locks held.
func (e *Engine) create(ctx context.Context, defs []Definition, t int64) error {
	plans, sorted, err := e.plan(defs)
	if err != nil {
		return err
	}
	used, err := e.usedKeys(ctx)
	if err != nil {
		return err
	}
	seq, _, err := e.store.Position(ctx)
	if err != nil {
		return err
	}
	records := make([]profile.KeyRecord, 0, len(defs))
	for i := range defs {
		d := &defs[i]
		if used[d.Key] {
			return &DefinitionError{Audience: d.Key, Path: "key", Err: profile.ErrRetired}
		}
		r := profile.KeyRecord{Key: d.Key}
		if r.Definition, err = json.Marshal(d); err != nil {
			return &DefinitionError{Audience: d.Key, Err: err}
		}
		if d.NoBackfill {
			r.Since = seq
		}
		records = append(records, r)
	}
	batch := make([]profile.Change, 0, len(defs))
	for _, i := range sorted {
		batch = append(batch, &profile.UseKey{Record: records[i]})
	}
	if err := e.store.Apply(ctx, instant(t), batch...); err != nil {
		return err
	}
	var fresh []*node
	var added []*live
	for _, i := range sorted {
		added = append(added, e.add(defs[i], plans[i], records[i].Since, &fresh))
	}
	return e.backfill(lasting(ctx), added, fresh, t)
}

// plan checks definitions against each other and the live audiences.
func (e *Engine) plan(defs []Definition) (plans []*plan, sorted []int, err error) {
	pl := planner{env: e.env, retention: e.store.Retention()}
	return pl.all(defs, func(key string) bool { return e.live[key] != nil })
}

func (e *Engine) usedKeys(ctx context.Context) (map[string]bool, error) {
	used := map[string]bool{}
	for r, err := range e.store.Keys(ctx) {
		if err != nil {
			return nil, err
		}
		used[r.Key] = true
	}
	return used, nil
}

// add puts an audience into the network.
func (e *Engine) add(d Definition, p *plan, since uint64, fresh *[]*node) *live {
	a := &live{def: d, refs: p.refs(nil)}
	c := compiler{net: e.net, since: since, root: func(key string) *node { return e.live[key].root }}
	e.net.attach(a, c.node(p))
	a.filters = c.filters
	*fresh = append(*fresh, c.fresh...)
	e.live[d.Key] = a
	return a
}

// backfill computes what the audiences added make of every profile.
func (e *Engine) backfill(ctx context.Context, added []*live, fresh []*node, t int64) error {
	ix := newLeafIndex()
	for _, n := range fresh {
		if len(n.children) == 0 {
			ix.add(n)
		}
	}
	return e.everyProfile(ctx, func(sh *shard, id string) error {
		p, s := sh.profiles[id], &sh.step
		if p == nil || p.stale {
			return sh.load(ctx, id, t, CauseBackfill)
		}
		s.begin(ctx, e.net, p, t)
		s.load(&ix)
		for _, n := range fresh {
			if len(n.children) > 0 {
				s.dirty.push(n)
			}
		}
		s.walk()
		sh.changes = sh.changes[:0]
		for _, a := range added {
			v := s.ask(a.root)
			p.wake = min(p.wake, v.Until)
			if v.True {
				sh.changes = append(sh.changes, change{a, true})
			}
		}
		return sh.record(CauseBackfill)
	})
}

// everyProfile calls fn for every stored user in the order of ids.
func (e *Engine) everyProfile(ctx context.Context, fn func(sh *shard, id string) error) error {
	snap, err := e.store.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = snap.Close() }()
	for id, err := range snap.Profiles(ctx, profile.User, "") {
		if err != nil {
			return err
		}
		if err := fn(e.shardOf(id), id); err != nil {
			return err
		}
	}
	return nil
}

// DeleteAudience ends an audience: its members exit with the cause delete. Its
// key stays used for ever. An audience that another one refers to stays: the
// error wraps ErrInUse.
func (e *Engine) DeleteAudience(ctx context.Context, key string) error {
	t, err := e.exclusive(ctx, true)
	if err != nil {
		return fmt.Errorf("delete audience %q: %w", key, err)
	}
	err = e.deleteAudience(ctx, key, t)
	e.release(ctx)
	if err != nil {
		return fmt.Errorf("delete audience %q: %w", key, err)
	}
	return nil
}

func (e *Engine) deleteAudience(ctx context.Context, key string, t int64) error {
	a := e.live[key]
	if a == nil {
		return profile.ErrNotFound
	}
	for _, other := range e.live {
		if slices.Contains(other.refs, key) {
			return fmt.Errorf("%w: %s", ErrInUse, other.def.Key)
		}
	}
	var members []string
	for m, err := range e.store.Members(ctx, key, "") {
		if err != nil {
			return err
		}
		members = append(members, m.Ref.ID)
	}
	if err := e.store.Apply(ctx, instant(t),
		&profile.DropMembers{Audience: key},
		&profile.SetKey{Record: profile.KeyRecord{Key: key}},
	); err != nil {
		return err
	}
	delete(e.live, key)
	released := e.net.detach(a)
	for _, sh := range e.shards {
		for _, p := range sh.profiles {
			p.drop(released)
		}
	}
	for _, id := range members {
		e.shardOf(id).out.push(Transition{
			Audience: key,
			Profile:  id,
			Type:     Exited,
			At:       instant(t),
			Cause:    CauseDelete,
		})
	}
	return nil
}

// List returns the definitions of the live audiences, by key.
func (e *Engine) List() []Definition {
	e.mu.RLock()
	defer e.mu.RUnlock()
	defs := make([]Definition, 0, len(e.live))
	for _, a := range e.live {
		defs = append(defs, a.def)
	}
	slices.SortFunc(defs, func(a, b Definition) int { return cmp.Compare(a.Key, b.Key) })
	return defs
}

// restore makes the audiences live that the store remembers, as of the last
// instant at which it was written to.
func (e *Engine) restore(ctx context.Context) error {
	_, now, err := e.store.Position(ctx)
	if err != nil {
		return err
	}
	if now.IsZero() {
		return nil
	}
	for _, sh := range e.shards {
		sh.last = now.UnixNano()
	}
	var defs []Definition
	since := map[string]uint64{}
	for r, err := range e.store.Keys(ctx) {
		if err != nil {
			return err
		}
		if r.Definition == nil {
			continue
		}
		var d Definition
		if err := json.Unmarshal(r.Definition, &d); err != nil {
			return fmt.Errorf("stored audience %q: %w", r.Key, err)
		}
		defs = append(defs, d)
		since[d.Key] = r.Since
	}
	plans, sorted, err := e.plan(defs)
	if err != nil {
		return err
	}
	var fresh []*node
	for _, i := range sorted {
		e.add(defs[i], plans[i], since[defs[i].Key], &fresh)
	}
	return e.everyProfile(ctx, func(sh *shard, id string) error {
		if err := sh.compare(ctx, id, now.UnixNano()); err != nil {
			return fmt.Errorf("profile %q: %w", id, err)
		}
		if len(sh.changes) > 0 {
			// Due at the very instant at which the store was left, or left
			// undone by a crash: it happens with the first call.
			sh.stale(id, now.UnixNano())
		} else {
			sh.schedule(sh.step.p)
		}
		return nil
	})
}
