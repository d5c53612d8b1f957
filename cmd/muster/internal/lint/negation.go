package lint

import (
	"slices"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
)

// negations finds traits that an expression negates without asking whether they are
// there: where one is missing, the negation is no truth but a miss, so who lacks the
// trait is left out, which people who write "not on the plan pro" seldom mean.
func (l *linter) negations(cel, path string) {
	e, ok := l.parse(cel)
	if !ok {
		return
	}
	n := negated{l: l}
	n.walk(e, false)
	for _, v := range n.read {
		if slices.ContainsFunc(n.asked, func(asked string) bool {
			return v.path == asked || strings.HasPrefix(v.path, asked+".") || strings.HasPrefix(v.path, asked+"[")
		}) {
			continue
		}
		l.find(NegatedMissing, path, "it is false for who has no %s, as what is missing cannot be negated in CEL: put a \"not\" around the condition, or ask !has(%s) || ... as well (cookbook/missing.md says more)", v.path, v.path)
	}
}

// negated is what an expression negates.
type negated struct {
	l     *linter
	read  []variable // below a negation, and not counts and the like, which never lack
	asked []string   // paths that has() asks for
}

// walk notes what is read below a negation, and what is asked for anywhere.
func (n *negated) walk(e ast.Expr, below bool) {
	name, args := call(e)
	switch {
	case name == "has" && len(args) == 1:
		if v, ok := variableOf(args[0]); ok {
			n.asked = append(n.asked, v.path)
		}
		return
	case name == operators.LogicalNot, name == operators.NotEquals:
		below = true
	}
	if v, ok := variableOf(e); ok {
		if below {
			n.note(v)
		}
		return
	}
	for _, child := range children(e) {
		n.walk(child, below)
	}
}

func (n *negated) note(v variable) {
	trait, ofAccount, ok := v.traitOf()
	if !ok || n.l.defined.always(trait, n.l.subjectOf(ofAccount)) {
		return
	}
	if !slices.ContainsFunc(n.read, func(other variable) bool { return other.path == v.path }) {
		n.read = append(n.read, v)
	}
}
