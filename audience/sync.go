package audience

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// SyncOptions say how Sync makes the live definitions those of a file, and what Plan
// says of that. The zero value is fine.
type SyncOptions struct {
	// Delete has what is live and not in the file deleted: its members exit, and its key
	// stays used for ever. By default it is kept, and Plan.Kept names it.
	Delete bool
	// Count has the plan say how many profiles would enter and exit each audience, which
	// goes through all of them for each.
	Count bool
}

// Plan says what Sync would do, and does nothing. What is wrong with the file, or with
// it beside what is live, is an error now as it would be then.
func (e *Engine) Plan(ctx context.Context, f File, opts SyncOptions) (_ Plan, err error) {
	ctx, end := e.begin(ctx, "plan")
	defer func() { err = end(err) }()
	s, err := e.syncPrepare(ctx, f, opts)
	if err == nil && opts.Count {
		err = s.count(ctx)
	}
	if err != nil {
		return Plan{}, fmt.Errorf("plan: %w", err)
	}
	return s.plan, nil
}

// Sync makes the live definitions those of a file: what is new is created, what differs
// is edited, and what is gone is kept or, with SyncOptions.Delete, deleted. Where nothing
// differs nothing is done and nothing is told, so a program calls it whenever it starts,
// after New and Subscribe. Definitions are compared as Definition and trait.Computed
// write them in JSON, defaults left out; a broken one (ListBroken) always differs.
//
// What can be found wrong beforehand is an error that changes nothing, a
// *DefinitionError: see Locate for where in the file it is. A key that was deleted wraps
// profile.ErrRetired: it stays used, and the definition needs another one. So does one
// that changes whose it is or what: from users to accounts, from an audience to a trait.
//
// Each step is all or nothing, as Create, EditAudience and the like are; they are done
// one after the other, what others read before them. Edits that follow each other are one
// change, so an audience that is edited, and reads what is edited too, is told of once. When ctx ends or the store fails between two steps, the plan that comes
// with the error has what was done, and the next Sync does the rest. A creation that has begun goes on when ctx ends, beside the
// data, until it is done or the engine is closed, and then with the next engine of the
// store. Where another creation or edit is
// in the way (ErrLocked) Sync waits for it. Of several calls at a time one may fail as
// another has made what it was to make; called again it finds nothing to do.
func (e *Engine) Sync(ctx context.Context, f File, opts SyncOptions) (_ Plan, err error) {
	ctx, end := e.begin(ctx, "sync")
	defer func() { err = end(err) }()
	s, err := e.syncPrepare(ctx, f, opts)
	if err == nil && opts.Count {
		err = s.count(ctx)
	}
	if err != nil {
		return Plan{}, fmt.Errorf("sync: %w", err)
	}
	done := 0
	for done < len(s.plan.Steps) {
		n := s.together(done)
		if err := s.do(ctx, s.plan.Steps[done:done+n]); err != nil {
			s.plan.Steps = s.plan.Steps[:done]
			return s.plan, fmt.Errorf("sync: %w", err)
		}
		done += n
	}
	return s.plan, nil
}

// together returns how many steps from one on are one change of the engine: creations that
// follow each other are, and edits, but for those of what is broken or of texts alone.
func (s *syncer) together(from int) int {
	first, n := &s.plan.Steps[from], 1
	if !s.joins(first) {
		return n
	}
	for from+n < len(s.plan.Steps) && s.plan.Steps[from+n].Action == first.Action && s.joins(&s.plan.Steps[from+n]) {
		n++
	}
	return n
}

// joins reports whether a step can be one with others like it.
func (s *syncer) joins(step *PlanStep) bool {
	return step.Action == PlanCreate || step.Action == PlanEdit && step.Broken == "" && slices.ContainsFunc(step.Differences, Difference.matters)
}

// do carries out steps that are one call, and waits for what is in their way.
func (s *syncer) do(ctx context.Context, steps []PlanStep) error {
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := s.call(ctx, steps)
		if !errors.Is(err, ErrLocked) {
			return err
		}
		retry := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			retry.Stop()
			return errors.Join(ctx.Err(), err)
		case <-retry.C:
		}
	}
}

func (s *syncer) call(ctx context.Context, steps []PlanStep) error {
	switch first := steps[0]; {
	case first.Action == PlanCreate:
		return s.create(ctx, steps)
	case first.Action == PlanEdit && len(steps) > 1:
		return s.edit(ctx, steps)
	case first.Action == PlanEdit && first.Trait != "":
		return s.engine.EditTrait(ctx, *s.wanted[first.Trait].computed)
	case first.Action == PlanEdit:
		return s.engine.EditAudience(ctx, *s.wanted[first.Audience].audience)
	case first.Trait != "":
		return s.engine.DeleteTrait(ctx, first.Trait)
	default:
		return s.engine.DeleteAudience(ctx, first.Audience)
	}
}

// edit makes several edits as one, so that who is moved by more than one is told of once.
func (s *syncer) edit(ctx context.Context, steps []PlanStep) (err error) {
	ctx, end := s.engine.begin(ctx, "edit")
	defer func() { err = end(err) }()
	var edited []*definition
	for _, step := range steps {
		d := s.wanted[step.key()]
		edited = append(edited, &definition{key: step.key(), audience: d.audience, computed: d.computed})
	}
	return in("edit "+s.names(steps), s.engine.editTogether(ctx, edited...))
}

// create makes what is new, by a call that does not end with ctx: a creation that is
// broken off would use up its keys.
func (s *syncer) create(ctx context.Context, steps []PlanStep) error {
	var f File
	for _, step := range steps {
		if d := s.wanted[step.key()]; d.computed != nil {
			f.Traits = append(f.Traits, *d.computed)
		} else {
			f.Audiences = append(f.Audiences, *d.audience)
		}
	}
	made := make(chan error, 1)
	go func() { made <- s.engine.CreateFile(context.WithoutCancel(ctx), f) }()
	select {
	case err := <-made:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-made: // it was done by then
		return err
	default:
		return fmt.Errorf("the creation of %s goes on: %w", s.names(steps), ctx.Err())
	}
}

// names names the definitions of steps.
func (s *syncer) names(steps []PlanStep) string {
	var all []string
	for _, step := range steps {
		all = append(all, syncName(step.Audience, step.Trait))
	}
	return strings.Join(all, ", ")
}
