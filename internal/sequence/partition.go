package sequence

import (
	"cmp"
	"slices"
	"strings"

	"github.com/muster-go/muster/internal/celfilter"
)

// partition says by which properties the events of a funnel are kept apart: in
// every choice the events of all steps are equal in them. There is one row for
// each step of the funnel, and a column for each value of the key.
//
// Two steps are joined by a conjunct `properties.a == steps.s.properties.b` of
// a step that is to follow; columns are the classes of properties that are
// joined to one another and are of every such step. A step that is not to
// follow is kept apart as well if it says so itself: what it says does not make
// the others equal.
type partition struct {
	columns [][]string // by step
	// exact says that no filter reads earlier steps otherwise, so whether an
	// event is one of a step is known when it comes.
	exact bool
}

// node is a property of a step that is to follow.
type node struct {
	step int // among those to follow
	name string
}

// partitionOf finds the partition of a plan whose filters have been read.
func partitionOf(m *Matcher) partition {
	classes := joined(m)
	p := partition{columns: make([][]string, len(m.steps)), exact: true}
	columnOf := map[node]int{}
	columns := 0
	for _, class := range classes {
		row, unique, ok := rowOf(m, class)
		if !ok {
			continue
		}
		p.exact = p.exact && unique
		for i, name := range row {
			p.columns[i] = append(p.columns[i], name)
		}
		for _, n := range class {
			columnOf[n] = columns
		}
		columns++
	}
	for i := range m.steps {
		refs := &m.steps[i].refs
		for _, e := range refs.Equalities {
			_, ok := columnOf[node{e.Step, e.Theirs}]
			p.exact = p.exact && ok
		}
		p.exact = p.exact && !slices.Contains(refs.Beyond, true)
	}
	return p
}

// implies reports whether the filter of a step asks for nothing but what is
// equal in every choice anyhow.
func (p *partition) implies(m *Matcher, i int) bool {
	s := &m.steps[i]
	// There is an equality for each operand of && but those that are none.
	if !p.exact || s.filter == nil || strings.Count(s.filter.Source(), "&&")+1 != len(s.refs.Equalities) {
		return false
	}
	return !slices.ContainsFunc(s.refs.Equalities, func(e celfilter.StepEquality) bool {
		column := slices.Index(p.columns[m.follow[e.Step].step], e.Theirs)
		return p.columns[i][column] != e.Own
	})
}

// joined returns the classes of properties that are equal in every choice, each
// sorted, in the order of their first.
func joined(m *Matcher) [][]node {
	var classes [][]node
	join := func(nodes ...node) {
		merged := nodes
		rest := classes[:0]
		for _, class := range classes {
			if slices.ContainsFunc(nodes, func(n node) bool { return slices.Contains(class, n) }) {
				merged = append(merged, class...)
			} else {
				rest = append(rest, class)
			}
		}
		classes = append(rest, merged)
	}
	for i := range m.steps {
		s := &m.steps[i]
		for _, e := range s.refs.Equalities {
			if s.Not {
				join(node{e.Step, e.Theirs})
			} else {
				join(node{s.position, e.Own}, node{e.Step, e.Theirs})
			}
		}
	}
	order := func(a, b node) int {
		return cmp.Or(cmp.Compare(a.step, b.step), cmp.Compare(a.name, b.name))
	}
	for i := range classes {
		slices.SortFunc(classes[i], order)
		classes[i] = slices.Compact(classes[i])
	}
	slices.SortFunc(classes, func(a, b []node) int { return order(a[0], b[0]) })
	return classes
}

// rowOf returns the property of each step that is of the class; ok is false if
// a step has none, unique if none that is to follow has two.
func rowOf(m *Matcher, class []node) (row []string, unique, ok bool) {
	unique = true
	for i := range m.steps {
		s := &m.steps[i]
		var names []string
		if s.Not {
			for _, e := range s.refs.Equalities {
				if slices.Contains(class, node{e.Step, e.Theirs}) {
					names = append(names, e.Own)
				}
			}
		} else {
			for _, n := range class {
				if n.step == s.position {
					names = append(names, n.name)
				}
			}
			unique = unique && len(names) == 1
		}
		if len(names) == 0 {
			return nil, false, false
		}
		row = append(row, names[0])
	}
	return row, unique, true
}
