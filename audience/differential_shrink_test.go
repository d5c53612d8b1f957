package audience_test

import (
	"slices"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// shrink returns the smallest part of a failing history, found by leaving
// something out as long as anything can be, that still fails, and how it fails.
// It gives up when that takes too long.
func shrink(h *history, err error, run func(*history) error) (*history, error) {
	deadline := time.Now().Add(patience)
	for smaller := true; smaller; {
		smaller = false
		for _, candidate := range h.smaller() {
			if time.Now().After(deadline) {
				return h, err
			}
			if e := run(candidate); e != nil {
				h, err, smaller = candidate, e, true
				break
			}
		}
	}
	return h, err
}

// smaller returns the histories that are h with one thing left out.
func (h *history) smaller() []*history {
	var all []*history
	// From the end: what comes last depends on the rest, not the reverse.
	for i := len(h.calls) - 1; i >= 0; i-- {
		all = append(all, &history{slices.Delete(slices.Clone(h.calls), i, i+1), h.rules, h.cache, h.durable, h.beside})
	}
	for i := range h.rules {
		all = append(all, &history{h.calls, slices.Delete(slices.Clone(h.rules), i, i+1), h.cache, h.durable, h.beside})
		if h.rules[i].times > 1 {
			rules := slices.Clone(h.rules)
			rules[i].times--
			all = append(all, &history{h.calls, rules, h.cache, h.durable, h.beside})
		}
	}
	for i, c := range h.calls {
		for _, op := range smallerOperations(c.do) {
			calls := slices.Clone(h.calls)
			calls[i].do = op
			all = append(all, &history{calls, h.rules, h.cache, h.durable, h.beside})
		}
	}
	return all
}

// smallerOperations returns operations simpler than one that defines something.
func smallerOperations(op oracle.Operation) []oracle.Operation {
	var all []oracle.Operation
	switch op := op.(type) {
	case oracle.Create:
		for _, ds := range smallerDefinitions(op.Definitions) {
			all = append(all, oracle.Create{Definitions: ds, Traits: op.Traits})
		}
		for i, c := range op.Traits {
			all = append(all, oracle.Create{Definitions: op.Definitions, Traits: slices.Delete(slices.Clone(op.Traits), i, i+1)})
			for _, simpler := range smallerTraits(c) {
				changed := slices.Clone(op.Traits)
				changed[i] = simpler
				all = append(all, oracle.Create{Definitions: op.Definitions, Traits: changed})
			}
		}
	case oracle.EditAudience:
		for _, ds := range smallerDefinitions([]audience.Definition{op.Definition}) {
			if len(ds) > 0 {
				all = append(all, oracle.EditAudience{Definition: ds[0]})
			}
		}
	case oracle.Recompute:
		for i := range op.Audiences {
			if len(op.Audiences) > 1 {
				all = append(all, oracle.Recompute{Audiences: slices.Delete(slices.Clone(op.Audiences), i, i+1)})
			}
		}
	case oracle.Edit:
		for _, simpler := range smallerTraits(op.Trait) {
			all = append(all, oracle.Edit{Trait: simpler})
		}
	}
	return all
}

func smallerTraits(c trait.Computed) []trait.Computed {
	var all []trait.Computed
	if c.NoBackfill {
		simpler := c
		simpler.NoBackfill = false
		all = append(all, simpler)
	}
	if c.Filter != "" {
		all = append(all, c.Where(""))
	}
	if !c.Window.IsZero() {
		simpler := c
		simpler.Window = profile.Window{}
		all = append(all, simpler)
	}
	if c.Type == trait.TypeFormula {
		for _, formula := range []string{"1", "traits.score"} {
			if len(formula) < len(c.Formula) {
				simpler := c
				simpler.Formula = formula
				all = append(all, simpler)
			}
		}
		return all
	}
	if c.Type != trait.TypeCount {
		simpler := c
		simpler.Type, simpler.Property, simpler.MinFrequency = trait.TypeCount, "", 0
		all = append(all, simpler)
	}
	return all
}

func smallerDefinitions(ds []audience.Definition) [][]audience.Definition {
	var all [][]audience.Definition
	for i, d := range ds {
		all = append(all, slices.Delete(slices.Clone(ds), i, i+1))
		change := func(to audience.Definition) {
			changed := slices.Clone(ds)
			changed[i] = to
			all = append(all, changed)
		}
		if d.NoBackfill {
			to := d
			to.NoBackfill = false
			change(to)
		}
		if d.Batch != 0 {
			to := d
			to.Batch = 0
			change(to)
		}
		if d.Paused {
			to := d
			to.Paused = false
			change(to)
		}
		if d.PerUser {
			to := d
			to.PerUser = false
			change(to)
		}
		for _, n := range smallerNodes(d.Where) {
			to := d
			to.Where = n
			change(to)
		}
	}
	return all
}

// smallerNodes returns conditions simpler than n: its parts, and itself with a
// part left out or made simpler.
func smallerNodes(n audience.Node) []audience.Node {
	var all []audience.Node
	group := func(of []audience.Node, make func([]audience.Node) audience.Node) {
		all = append(all, of...)
		for i, c := range of {
			if len(of) > 1 {
				all = append(all, make(slices.Delete(slices.Clone(of), i, i+1)))
			}
			for _, s := range smallerNodes(c) {
				changed := slices.Clone(of)
				changed[i] = s
				all = append(all, make(changed))
			}
		}
	}
	group(n.All, func(of []audience.Node) audience.Node { return audience.Node{All: of} })
	group(n.Any, func(of []audience.Node) audience.Node { return audience.Node{Any: of} })
	if n.Not != nil {
		all = append(all, *n.Not)
		for _, s := range smallerNodes(*n.Not) {
			all = append(all, audience.Not(s))
		}
	}
	if n.Users != nil {
		for _, s := range smallerNodes(*quantified(n.Users)) {
			all = append(all, quantify(n.Users, s))
		}
	}
	if n.Funnel != nil {
		for _, f := range smallerFunnels(*n.Funnel) {
			all = append(all, audience.Funnel(f))
		}
	}
	if n.Event != nil {
		e := *n.Event
		if e.Filter != "" {
			all = append(all, e.Where("").Node())
		}
		if e.Name == "" {
			simpler := e
			simpler.Name, simpler.Names, simpler.Prefix, simpler.Any = "Buy", nil, "", false
			all = append(all, simpler.Node())
		}
		if !e.Window.IsZero() {
			simpler := e
			simpler.Window = profile.Window{}
			all = append(all, simpler.Node())
		}
		if !e.Distinct.IsZero() {
			simpler := e
			simpler.Distinct = audience.Distinct{}
			all = append(all, simpler.Node())
		}
		if e.Scope != audience.OfUsers {
			simpler := e
			simpler.Scope = audience.OfUsers
			all = append(all, simpler.Node())
		}
		if e.Count.N > 1 {
			simpler := e
			simpler.Count.N--
			all = append(all, simpler.Node())
		}
	}
	return all
}
