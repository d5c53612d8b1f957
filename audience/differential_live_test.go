package audience_test

import (
	"maps"
	"slices"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// live is what is defined at one moment of a history.
type live struct {
	audiences map[string]audience.Definition
	traits    map[string]trait.Computed
	used      map[string]bool // the keys, also of what is gone
}

func newLive() live {
	return live{map[string]audience.Definition{}, map[string]trait.Computed{}, map[string]bool{}}
}

// possible reports whether an operation makes sense: of a history that was
// shrunk some do not, as what they refer to is gone.
func (l live) possible(op oracle.Operation) bool {
	switch op := op.(type) {
	case oracle.Identify:
		return !l.computes(op.Traits)
	case oracle.Group:
		return !l.computes(op.Traits)
	case oracle.Create:
		return l.creatable(op)
	case oracle.Edit:
		_, there := l.traits[op.Trait.Key]
		return there && !l.reaches(readBy(op.Trait), op.Trait.Key)
	case oracle.EditAudience:
		return l.editable(op.Definition)
	case oracle.Recompute:
		return !slices.ContainsFunc(op.Audiences, func(key string) bool { return l.audiences[key].Batch == 0 || l.audiences[key].Paused })
	case oracle.Drop:
		_, there := l.audiences[op.Audience]
		return there && !l.isRead(op.Audience)
	case oracle.DropTrait:
		_, there := l.traits[op.Trait]
		return there && !l.isRead(op.Trait)
	}
	return true
}

// computes reports whether any of some custom traits has the name of a computed
// one.
func (l live) computes(custom profile.Object) bool {
	for name := range custom.All() {
		if _, computed := l.traits[name]; computed {
			return true
		}
	}
	return false
}

func (l live) creatable(op oracle.Create) bool {
	after := live{maps.Clone(l.audiences), maps.Clone(l.traits), maps.Clone(l.used)}
	after.take(op)
	for key := range after.used {
		if !l.used[key] && l.isRead(key) {
			return false
		}
	}
	for _, c := range op.Traits {
		if l.used[c.Key] {
			return false
		}
	}
	for _, d := range op.Definitions {
		if l.used[d.Key] || !after.hasAll(references(d.Where)) {
			return false
		}
	}
	return true
}

func (l live) editable(d audience.Definition) bool {
	was, there := l.audiences[d.Key]
	return there && was.Of == d.Of && l.hasAll(references(d.Where)) && !l.reaches(readByAudience(d), d.Key)
}

// circular reports whether an operation would have a definition read itself, and is wrong in
// nothing else.
func (l live) circular(op oracle.Operation) bool {
	switch op := op.(type) {
	case oracle.Edit:
		_, there := l.traits[op.Trait.Key]
		return there && !l.possible(op)
	case oracle.EditAudience:
		was, there := l.audiences[op.Definition.Key]
		return there && was.Of == op.Definition.Of && l.hasAll(references(op.Definition.Where)) && !l.possible(op)
	}
	return false
}

func (l live) hasAll(audiences []string) bool {
	for _, key := range audiences {
		if _, there := l.audiences[key]; !there {
			return false
		}
	}
	return true
}

// batches returns the keys of the batch audiences.
func (l live) batches() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(l.audiences)), func(key string) bool { return l.audiences[key].Batch == 0 || l.audiences[key].Paused })
}

// take notes what an operation defines.
func (l live) take(op oracle.Operation) {
	switch op := op.(type) {
	case oracle.Create:
		for _, d := range op.Definitions {
			l.audiences[d.Key], l.used[d.Key] = d, true
		}
		for _, c := range op.Traits {
			l.traits[c.Key], l.used[c.Key] = c, true
		}
	case oracle.Edit:
		l.traits[op.Trait.Key] = op.Trait
	case oracle.EditAudience:
		l.audiences[op.Definition.Key] = op.Definition
	case oracle.Drop:
		delete(l.audiences, op.Audience)
	case oracle.DropTrait:
		delete(l.traits, op.Trait)
	}
}

// reads returns what the definition of a key reads.
func (l live) reads(key string) []string {
	if c, ok := l.traits[key]; ok {
		return readBy(c)
	}
	return readByAudience(l.audiences[key])
}

func readByAudience(d audience.Definition) []string {
	return append(references(d.Where), mentioned(d.Where)...)
}

// readBy returns the names of the traits that may be keys.
func readBy(c trait.Computed) []string {
	if c.Type == trait.TypeFormula {
		return append(oracle.Mentioned(c.Formula), oracle.MentionedOfAccount(c.Formula)...)
	}
	ofAccount := oracle.MentionedOfAccount(c.Filter)
	if c.Of == profile.Account {
		return ofAccount
	}
	return append(oracle.Mentioned(c.Filter), ofAccount...)
}

// isRead reports whether anything reads a key.
func (l live) isRead(key string) bool {
	for other := range l.used {
		if slices.Contains(l.reads(other), key) {
			return true
		}
	}
	return false
}

// reaches reports whether any of some keys reads another, directly or not.
func (l live) reaches(keys []string, other string) bool {
	return slices.ContainsFunc(keys, func(key string) bool {
		return key == other || l.reaches(l.reads(key), other)
	})
}

// references returns the keys of the audiences that a condition names.
func references(n audience.Node) []string {
	return collect(n, func(n audience.Node) []string {
		if n.Audience == "" {
			return nil
		}
		return []string{n.Audience}
	})
}

// mentioned returns the names of the traits that a condition reads, of users and
// of accounts.
func mentioned(n audience.Node) []string {
	return collect(n, func(n audience.Node) []string {
		filters := []string{n.Trait}
		if n.Event != nil {
			filters = append(filters, n.Event.Filter)
		}
		if n.Funnel != nil {
			for _, s := range n.Funnel.Steps {
				filters = append(filters, s.Filter)
			}
		}
		var names []string
		for _, f := range filters {
			names = slices.Concat(names, oracle.Mentioned(f), oracle.MentionedOfAccount(f))
		}
		if n.TraitDate != nil {
			if path, err := n.TraitDate.Path(); err == nil {
				names = append(names, path[0])
			}
		}
		return names
	})
}

// collect returns what of finds in all nodes.
func collect(n audience.Node, of func(audience.Node) []string) []string {
	found := of(n)
	for _, c := range slices.Concat(n.All, n.Any) {
		found = append(found, collect(c, of)...)
	}
	if n.Not != nil {
		found = append(found, collect(*n.Not, of)...)
	}
	if n.Users != nil {
		found = append(found, collect(*quantified(n.Users), of)...)
	}
	return found
}
