package celfilter

import (
	"slices"
	"strings"

	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/parser"
)

// Names are those that a filter reads of one map; all if it may read any.
type Names struct {
	Names []string
	All   bool
}

func (n *Names) add(name string) {
	if !slices.Contains(n.Names, name) {
		n.Names = append(n.Names, name)
	}
}

// Add adds the names of another.
func (n *Names) Add(of Names) {
	n.All = n.All || of.All
	for _, name := range of.Names {
		n.add(name)
	}
}

// Empty reports whether nothing is read.
func (n *Names) Empty() bool { return !n.All && len(n.Names) == 0 }

// EventReads is what a filter reads of one event.
type EventReads struct{ Properties, Context Names }

// Add adds what another reads.
func (r *EventReads) Add(of EventReads) {
	r.Properties.Add(of.Properties)
	r.Context.Add(of.Context)
}

// StepEquality is a top-level conjunct
// `properties.Own == steps.STEP.properties.Theirs`.
type StepEquality struct {
	Own    string
	Step   int // counted among the earlier steps
	Theirs string
}

// StepReads is what the filter of a funnel's step reads.
type StepReads struct {
	Self       EventReads
	Steps      []EventReads // by earlier step
	Equalities []StepEquality
	Beyond     []bool // by earlier step: read otherwise than in Equalities
}

// Dynamic reports whether the filter reads any earlier step.
func (r *StepReads) Dynamic() bool { return len(r.Equalities) > 0 || slices.Contains(r.Beyond, true) }

// Reads reports whether the filter reads an earlier step.
func (r *StepReads) Reads(step int) bool {
	return r.Beyond[step] || slices.ContainsFunc(r.Equalities, func(e StepEquality) bool { return e.Step == step })
}

// StepReads returns what a filter made by Env.Step reads of its own event and of
// the earlier ones. It knows nothing of scopes: a loop variable that hides a
// variable of the environment makes the answer larger than need be.
func (f *Filter) StepReads(earlier []string) StepReads {
	r := StepReads{
		Steps:  make([]EventReads, len(earlier)),
		Beyond: make([]bool, len(earlier)),
	}
	// Without macros has(x) and all(...) are calls like others.
	plain, err := parser.NewParser()
	if err == nil {
		if tree, errs := plain.Parse(common.NewTextSource(f.Source())); len(errs.GetErrors()) == 0 {
			c := collector{&r, earlier}
			c.conjuncts(tree.Expr())
			return r
		}
	}
	// That cannot be, as the filter has been compiled; it may read anything then.
	r.Self = EventReads{Names{All: true}, Names{All: true}}
	for i := range earlier {
		r.Steps[i], r.Beyond[i] = r.Self, true
	}
	return r
}

type collector struct {
	*StepReads
	earlier []string
}

// conjuncts takes the operands of && apart.
func (c collector) conjuncts(e ast.Expr) {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.LogicalAnd {
		for _, arg := range e.AsCall().Args() {
			c.conjuncts(arg)
		}
		return
	}
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Equals {
		args := e.AsCall().Args()
		if c.edge(args[0], args[1]) || c.edge(args[1], args[0]) {
			return
		}
	}
	c.walk(e)
}

// edge notes a == b if it is a StepEquality.
func (c collector) edge(a, b ast.Expr) bool {
	own, ok := propertyOf(a, func(e ast.Expr) bool { return isIdent(e, "properties") })
	if !ok {
		return false
	}
	step := -1
	theirs, ok := propertyOf(b, func(e ast.Expr) bool {
		var field string
		step, field = c.step(e)
		return step >= 0 && field == "properties"
	})
	if !ok {
		return false
	}
	c.Equalities = append(c.Equalities, StepEquality{own, step, theirs})
	c.Self.Properties.add(own)
	c.Steps[step].Properties.add(theirs)
	return true
}

// walk notes what an expression reads.
func (c collector) walk(e ast.Expr) {
	switch {
	case isIdent(e, "properties"):
		c.Self.Properties.All = true
		return
	case isIdent(e, "context"):
		c.Self.Context.All = true
		return
	}
	if step, field := c.step(e); step >= 0 {
		c.Beyond[step] = true
		switch field {
		case "properties":
			c.Steps[step].Properties.All = true
		case "context":
			c.Steps[step].Context.All = true
		}
		return
	}
	if operand, name, ok := selection(e); ok {
		if isIdent(operand, "properties") {
			c.Self.Properties.add(name)
			return
		}
		if isIdent(operand, "context") {
			c.Self.Context.add(name)
			return
		}
		if step, field := c.step(operand); step >= 0 && (field == "properties" || field == "context") {
			c.Beyond[step] = true
			if field == "properties" {
				c.Steps[step].Properties.add(name)
			} else {
				c.Steps[step].Context.add(name)
			}
			return
		}
	}
	for _, child := range children(e) {
		c.walk(child)
	}
}

// step splits steps.NAME.field; step is -1 for anything else.
func (c collector) step(e ast.Expr) (step int, field string) {
	if e.Kind() != ast.SelectKind || e.AsSelect().Operand().Kind() != ast.SelectKind {
		return -1, ""
	}
	of := e.AsSelect().Operand().AsSelect()
	if !isIdent(of.Operand(), "steps") {
		return -1, ""
	}
	return slices.Index(c.earlier, of.FieldName()), e.AsSelect().FieldName()
}

// propertyOf splits x.name and x["name"], of an x that is wanted.
func propertyOf(e ast.Expr, wanted func(ast.Expr) bool) (name string, ok bool) {
	operand, name, ok := selection(e)
	return name, ok && wanted(operand)
}

func isIdent(e ast.Expr, name string) bool {
	return e.Kind() == ast.IdentKind && strings.TrimPrefix(e.AsIdent(), ".") == name
}
