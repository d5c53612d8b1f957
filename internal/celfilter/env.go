package celfilter

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"

	"github.com/muster-go/muster/profile"
)

// Env compiles filters. It is safe for concurrent use.
type Env struct {
	dict  *profile.Dict
	base  *cel.Env // no variables
	event scope
	trait scope
}

// scope is the environment of one kind of filter.
type scope struct {
	cel   *cel.Env
	names map[string]variable
}

// NewEnv returns an environment whose filters look properties up by the keys
// of dict, that of the store; dict may be nil.
func NewEnv(dict *profile.Dict) (*Env, error) {
	base, err := cel.NewEnv(
		ext.Strings(),
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		cel.EnableMacroCallTracking(), // so that Source shows macros as written
		cel.ParserExpressionSizeLimit(maxSource),
		cel.ParserRecursionLimit(maxDepth),
		cel.ParserErrorRecoveryLimit(maxRecoveries),
		cel.ExpressionNodeLimit(maxNodes),
	)
	if err != nil {
		return nil, fmt.Errorf("celfilter: %w", err)
	}
	e := &Env{dict: dict, base: base}
	if e.event, err = e.scope(eventVariables()); err != nil {
		return nil, err
	}
	if e.trait, err = e.scope(traitVariables()); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *Env) scope(names map[string]variable) (scope, error) {
	var options []cel.EnvOption
	for _, name := range slices.Sorted(maps.Keys(names)) {
		options = append(options, cel.Variable(name, names[name].celType()))
	}
	env, err := e.base.Extend(options...)
	if err != nil {
		return scope{}, fmt.Errorf("celfilter: %w", err)
	}
	return scope{cel: env, names: names}, nil
}

// Event compiles the filter of an event leaf.
func (e *Env) Event(src string) (*Filter, error) { return e.compile(e.event, src, aFilter) }

// Trait compiles a condition on traits.
func (e *Env) Trait(src string) (*Filter, error) { return e.compile(e.trait, src, aFilter) }

// Step compiles the filter of a step of a funnel, which may also read the
// events of the steps in earlier.
func (e *Env) Step(src string, earlier []string) (*Filter, error) {
	if len(earlier) == 0 {
		return e.compile(e.event, src, aFilter)
	}
	names, err := stepVariables(earlier)
	if err != nil {
		return nil, err
	}
	s, err := e.scope(names)
	if err != nil {
		return nil, err
	}
	f, err := e.compile(s, src, aFilter)
	return f, hintAtStep(err, src, earlier)
}

func (e *Env) compile(s scope, src string, of sort) (*Filter, error) {
	if err := checkSource(src); err != nil {
		return nil, err
	}
	ast, err := check(s.cel, src)
	if err != nil {
		return nil, hintAtName(err, s.names)
	}
	if err := of.checkType(ast); err != nil {
		return nil, err
	}
	if err := checkLiterals(ast); err != nil {
		return nil, err
	}
	if err := checkCost(s.cel, ast); err != nil {
		return nil, err
	}
	// Planned once, to learn now of anything the planner refuses. Nothing of
	// cel-go is kept: ten thousand lowered filters should not hold ten
	// thousand syntax trees.
	if _, err := s.cel.Program(ast); err != nil {
		return nil, errorAt(ast, ast.NativeRep().Expr().ID(), nil, "%v", err)
	}
	source, err := cel.AstToString(ast)
	if err != nil {
		return nil, errorAt(ast, ast.NativeRep().Expr().ID(), nil, "%v", err)
	}
	if strings.Contains(source, "-0") {
		// The negation of a literal -0 reads back as a literal of its own.
		if again, issues := s.cel.Parse(source); issues.Err() == nil {
			if text, err := cel.AstToString(again); err == nil {
				source = text
			}
		}
	}
	root := ast.NativeRep().Expr()
	l := lowerer{dict: e.dict, names: s.names}
	f := &Filter{
		source:   source,
		names:    s.names,
		reads:    readsOf(root, s.names),
		equality: equalities(root, s.names, e.dict),
		slow:     sync.OnceValue(func() program { return plan(s.cel, src, runCost) }),
		plain:    sync.OnceValue(func() program { return plan(s.cel, src, 0) }),
	}
	if of == aFormula {
		f.value = l.result(root)
	} else {
		f.test = l.test(root)
	}
	f.lowered = !l.gaps
	return f, nil
}

// check parses src and checks its types. Text from strangers must not take the
// program down, also where cel-go fails on it.
func check(env *cel.Env, src string) (ast *cel.Ast, err error) {
	defer func() {
		if r := recover(); r != nil {
			message := fmt.Sprintf("internal error of cel-go: %v", r)
			ast, err = nil, &Error{Source: src, Line: 1, Column: 1, Message: message, text: "ERROR: <input>:1:1: " + message}
		}
	}()
	ast, issues := env.Compile(src)
	if issues.Err() != nil {
		return nil, issuesError(src, issues)
	}
	return ast, nil
}
