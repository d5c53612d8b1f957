package audience

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/profile"
)

// syncer is one comparison of a file with what is live.
type syncer struct {
	engine *Engine
	opts   SyncOptions
	keys   []string                   // of the file: traits, then audiences, in its order
	wanted map[string]*syncDefinition // of the file
	live   map[string]*syncDefinition // without what is broken
	broken map[string]Broken
	readBy map[string][]string // what reads a live key; made when it is asked for
	plan   Plan
}

// syncPrepare compares a file with what is live, checks what is to be, and puts the
// steps in order.
func (e *Engine) syncPrepare(ctx context.Context, f File, opts SyncOptions) (*syncer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s := &syncer{
		engine: e, opts: opts,
		wanted: map[string]*syncDefinition{},
		live:   map[string]*syncDefinition{},
		broken: map[string]Broken{},
	}
	s.file(f)
	s.engineHas()
	if err := s.checkKinds(); err != nil {
		return nil, err
	}
	if err := s.whole(f).Check(); err != nil {
		return nil, err
	}
	if err := s.read(); err != nil {
		return nil, err
	}
	if err := s.checkKeys(ctx); err != nil {
		return nil, err
	}
	if err := s.checkDeleted(); err != nil {
		return nil, err
	}
	s.compare()
	return s, s.checkWindows(ctx)
}

func (s *syncer) file(f File) {
	for i := range f.Traits {
		s.keys = append(s.keys, f.Traits[i].Key)
		s.wanted[f.Traits[i].Key] = &syncDefinition{computed: &f.Traits[i]}
	}
	for i := range f.Audiences {
		s.keys = append(s.keys, f.Audiences[i].Key)
		s.wanted[f.Audiences[i].Key] = &syncDefinition{audience: &f.Audiences[i]}
	}
}

func (s *syncer) engineHas() {
	for _, c := range s.engine.ListTraits() {
		s.live[c.Key] = &syncDefinition{computed: &c}
	}
	for _, d := range s.engine.List() {
		s.live[d.Key] = &syncDefinition{audience: &d}
	}
	for _, b := range s.engine.ListBroken() {
		s.broken[b.Key] = b
	}
}

// stays reports whether what is live under a key, and not in the file, is kept.
func (s *syncer) stays(key string) bool { return s.wanted[key] == nil && !s.opts.Delete }

// whole returns all that is to be live in the end, as far as it is not broken.
func (s *syncer) whole(f File) File {
	whole := File{Traits: slices.Clone(f.Traits), Audiences: slices.Clone(f.Audiences)}
	for _, key := range slices.Sorted(maps.Keys(s.live)) {
		switch d := s.live[key]; {
		case !s.stays(key):
		case d.computed != nil:
			whole.Traits = append(whole.Traits, *d.computed)
		default:
			whole.Audiences = append(whole.Audiences, *d.audience)
		}
	}
	return whole
}

// read finds out what each definition reads, and its tree.
func (s *syncer) read() error {
	env, err := celfilter.NewEnv(nil)
	if err != nil {
		return err
	}
	reader := syncReader{env: env}
	for _, of := range []map[string]*syncDefinition{s.wanted, s.live} {
		for _, d := range of {
			if err := reader.read(d); err != nil {
				return d.fail("", err)
			}
			var definition any = d.audience
			if d.computed != nil {
				definition = d.computed
			}
			if d.tree, err = syncTree(definition); err != nil {
				return d.fail("", err)
			}
		}
	}
	return nil
}

// checkKinds returns an error for a definition that is another than what is live
// under its key, so that no edit makes one of the other.
func (s *syncer) checkKinds() error {
	for _, key := range s.keys {
		d, live := s.wanted[key], s.live[key]
		switch {
		case live == nil:
		case (live.computed == nil) != (d.computed == nil):
			is := live.step(PlanEdit)
			return d.fail("key", fmt.Errorf("%w: %s is live, and stays what it is: give this another key", ErrExists, syncName(is.Audience, is.Trait)))
		case live.subject() != d.subject():
			return d.fail("of", fmt.Errorf("%w: what is live under the key is of %ss, and stays so: give this another key", profile.ErrInvalid, live.subject()))
		}
	}
	return nil
}

// checkKeys returns an error for a new definition whose key was used before.
func (s *syncer) checkKeys(ctx context.Context) error {
	snap, err := s.engine.Snapshot(ctx)
	if err != nil {
		return err
	}
	used := map[string]bool{}
	for r, err := range snap.Keys(ctx) {
		if err != nil {
			return errors.Join(err, snap.Close())
		}
		used[r.Key] = !r.Free()
	}
	if err := snap.Close(); err != nil {
		return err
	}
	for _, key := range s.keys {
		_, isBroken := s.broken[key]
		if !used[key] || isBroken || s.live[key] != nil {
			continue
		}
		other, n := "", 2
		for other = fmt.Sprintf("%s_%d", key, n); used[other] || s.wanted[other] != nil; n++ {
			other = fmt.Sprintf("%s_%d", key, n+1)
		}
		return s.wanted[key].fail("key", fmt.Errorf("%w, and deleted, so it stays used: give the definition another key, such as %s", profile.ErrRetired, other))
	}
	return nil
}

// checkDeleted returns an error for a definition of the file that reads what is to be
// deleted as a trait; that it names an audience that is not there has been found before.
func (s *syncer) checkDeleted() error {
	if !s.opts.Delete {
		return nil
	}
	for _, key := range s.keys {
		d := s.wanted[key]
		for _, r := range d.reads {
			gone := s.live[r.name]
			if gone != nil && s.wanted[r.name] == nil && r.is(gone) {
				return d.fail("", fmt.Errorf("%w: it reads %s, which is not in the file and would be deleted", ErrInUse, r.name))
			}
		}
	}
	return nil
}

// compare makes the plan.
func (s *syncer) compare() {
	steps := map[string]PlanStep{}
	for _, key := range s.keys {
		d, live := s.wanted[key], s.live[key]
		b, isBroken := s.broken[key]
		switch {
		case isBroken:
			step := d.step(PlanEdit)
			step.Broken = b.Err.Error()
			steps[key] = step
		case live == nil:
			steps[key] = d.step(PlanCreate)
		case reflect.DeepEqual(live.tree, d.tree):
			s.plan.Unchanged++
		default:
			step := d.step(PlanEdit)
			step.Differences = syncDiff(nil, "", live.tree, d.tree)
			if slices.ContainsFunc(step.Differences, Difference.matters) {
				step.Readers = s.readers(key)
			}
			steps[key] = step
		}
	}
	s.plan.Steps = append(append([]PlanStep{}, s.ordered(steps)...), s.deletions()...)
}

// readers returns the keys of what is live and reads a key, directly or not.
func (s *syncer) readers(key string) []string {
	if s.readBy == nil {
		s.readBy = map[string][]string{}
		for reader, keys := range syncReads(s.live) {
			for _, key := range keys {
				s.readBy[key] = append(s.readBy[key], reader)
			}
		}
	}
	found, seen := []string{key}, map[string]bool{key: true}
	for i := 0; i < len(found); i++ {
		for _, other := range s.readBy[found[i]] {
			if !seen[other] {
				found, seen[other] = append(found, other), true
			}
		}
	}
	found = found[1:]
	slices.Sort(found)
	return found
}
