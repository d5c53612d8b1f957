package audience

import (
	"cmp"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// roster is what is defined, and what is in the making, as of the last change: an
// immutable value that is swapped, so that who asks for it waits for nobody.
type roster struct {
	of        map[string]keyOf
	audiences []Definition     // by key
	traits    []trait.Computed // by key
	broken    []Broken         // by key
	rollouts  []*rollout       // that run
}

// counters say how far something is that goes through profiles.
type counters struct {
	done  atomic.Int64 // profiles
	total atomic.Int64
}

// publish makes what there is now the roster. All locks are held.
func (e *Engine) publish() {
	c := &roster{of: make(map[string]keyOf, len(e.live)), rollouts: slices.Clone(e.rollouts)}
	for key, a := range e.live {
		c.of[key] = a.of()
		if a.audience != nil {
			c.audiences = append(c.audiences, *a.audience)
		} else {
			c.traits = append(c.traits, *a.computed)
		}
	}
	slices.SortFunc(c.audiences, func(a, b Definition) int { return cmp.Compare(a.Key, b.Key) })
	slices.SortFunc(c.traits, func(a, b trait.Computed) int { return cmp.Compare(a.Key, b.Key) })
	for _, b := range e.broken {
		c.broken = append(c.broken, b.Broken)
	}
	slices.SortFunc(c.broken, func(a, b Broken) int { return cmp.Compare(a.Key, b.Key) })
	e.roster.Store(c)
}

// List returns the definitions of the live audiences, by key.
func (e *Engine) List() []Definition { return append([]Definition{}, e.roster.Load().audiences...) }

// ListTraits returns the definitions of the live computed traits, by key.
func (e *Engine) ListTraits() []trait.Computed {
	return append([]trait.Computed{}, e.roster.Load().traits...)
}

// Definition returns the definition of a live audience. The error wraps
// profile.ErrNotFound if there is none of that key.
func (e *Engine) Definition(key string) (Definition, error) {
	of := e.roster.Load().audiences
	i, ok := slices.BinarySearchFunc(of, key, func(d Definition, key string) int { return cmp.Compare(d.Key, key) })
	if !ok {
		return Definition{}, fmt.Errorf("audience %q: %w", key, profile.ErrNotFound)
	}
	return of[i], nil
}

// TraitDefinition returns the definition of a live computed trait, as Definition
// does that of an audience.
func (e *Engine) TraitDefinition(key string) (trait.Computed, error) {
	of := e.roster.Load().traits
	i, ok := slices.BinarySearchFunc(of, key, func(c trait.Computed, key string) int { return cmp.Compare(c.Key, key) })
	if !ok {
		return trait.Computed{}, fmt.Errorf("trait %q: %w", key, profile.ErrNotFound)
	}
	return of[i], nil
}

// Progress says how far the making of definitions has come.
type Progress struct {
	Keys    []string
	Done    int // profiles; one that is come to several times counts each time
	Total   int
	Elapsed time.Duration
}

// Rate returns the number of profiles done a second.
func (p Progress) Rate() float64 {
	if p.Elapsed <= 0 {
		return 0
	}
	return float64(p.Done) / p.Elapsed.Seconds()
}

// Left returns the time that is left at the rate so far; 0 while it is not
// known.
func (p Progress) Left() time.Duration {
	if p.Done == 0 || p.Total < p.Done {
		return 0
	}
	return time.Duration(float64(p.Elapsed) / float64(p.Done) * float64(p.Total-p.Done))
}

// Progress tells of the creations and edits that run: see Create. It waits for
// none of them.
func (e *Engine) Progress() []Progress {
	var all []Progress
	for _, r := range e.roster.Load().rollouts {
		all = append(all, Progress{
			Keys:    slices.Clone(r.keys),
			Done:    int(r.done.Load()),
			Total:   int(r.total.Load()),
			Elapsed: time.Since(r.started),
		})
	}
	return all
}
