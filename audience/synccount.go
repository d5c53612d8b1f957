package audience

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/muster-go/muster/profile"
)

// count says of each step of an audience who would enter and exit.
func (s *syncer) count(ctx context.Context) error {
	reads := s.finalReads()
	for i := range s.plan.Steps {
		step := &s.plan.Steps[i]
		if step.Audience == "" {
			continue
		}
		step.Count = &PlanCount{}
		if step.Broken != "" {
			step.Count.Unknown = "what is stored is broken"
			continue
		}
		if step.Action == PlanDelete {
			n, err := s.members(ctx, step.Audience)
			if err != nil {
				return err
			}
			step.Count.Exit = n
			continue
		}
		if other := s.changedBelow(reads, step.Audience); other != nil {
			step.Count.Unknown = "it reads " + syncName(other.Audience, other.Trait) + ", which changes too"
			continue
		}
		if err := s.foresee(ctx, step); err != nil {
			return err
		}
	}
	return nil
}

// changedBelow returns a step of what a definition reads, directly or not, which a
// preview would take as it is now; nil if there is none.
func (s *syncer) changedBelow(reads map[string][]string, key string) *PlanStep {
	found := []string{key}
	for i := 0; i < len(found); i++ {
		for _, other := range reads[found[i]] {
			if step := s.plan.step(other); step != nil {
				return step
			}
			if !slices.Contains(found, other) {
				found = append(found, other)
			}
		}
	}
	return nil
}

// foresee previews the new definition beside the live one.
func (s *syncer) foresee(ctx context.Context, step *PlanStep) error {
	d := *s.wanted[step.Audience].audience
	size := func(d Definition) (int, error) {
		p, err := s.engine.Preview(ctx, d, PreviewOptions{Sample: -1})
		return p.Size, err
	}
	if d.Paused {
		return nil // nobody moves
	}
	var err error
	if step.Action == PlanCreate {
		step.Count.Enter, err = size(d)
		return err
	}
	if live := s.live[d.Key].audience; live.Batch != 0 || live.Paused {
		// Its members stand still: they are not those who meet its condition now.
		return s.foreseeBatch(ctx, step, d)
	}
	is, was := d.Where, InAudience(d.Key)
	d.Key = "" // not in place of the live one, which it reads
	d.Where = All(is, Not(was))
	if step.Count.Enter, err = size(d); err == nil {
		d.Where = All(was, Not(is))
		step.Count.Exit, err = size(d)
	}
	if errors.Is(err, profile.ErrTooLarge) {
		*step.Count, err = PlanCount{Unknown: "its definition is as deep, or as large, as one may be"}, nil
	}
	return err
}

// foreseeBatch compares the members that a batch audience has with those that it would
// have, of which a preview explains each.
func (s *syncer) foreseeBatch(ctx context.Context, step *PlanStep, d Definition) error {
	p, err := s.engine.Preview(ctx, d, PreviewOptions{Sample: math.MaxInt})
	if err != nil {
		return err
	}
	is := make(map[string]bool, len(p.Sample))
	for _, x := range p.Sample {
		is[x.Profile.ID] = true
	}
	both, was := 0, 0
	for m, err := range s.engine.Members(ctx, d.Key) {
		if err != nil {
			return err
		}
		if m.Ref.Subject != d.Of {
			continue
		}
		was++
		if is[m.Ref.ID] {
			both++
		}
	}
	step.Count.Enter, step.Count.Exit = len(is)-both, was-both
	return nil
}

// members counts those of an audience that are of its subject: of one of accounts that
// is kept per user the accounts.
func (s *syncer) members(ctx context.Context, key string) (n int, err error) {
	for m, err := range s.engine.Members(ctx, key) {
		if err != nil {
			return 0, err
		}
		if m.Ref.Subject == s.live[key].subject() {
			n++
		}
	}
	return n, nil
}
