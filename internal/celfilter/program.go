package celfilter

import (
	"sync"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/interpreter"
)

// program is cel-go's form of a filter; nil if it could not be planned.
type program = cel.Program

// plan compiles src once more, for cel-go to evaluate. A cost of 0 is no
// limit.
func plan(env *cel.Env, src string, cost uint64) program {
	ast, issues := env.Compile(src)
	if issues.Err() != nil {
		return nil // cannot be: compile compiled it before
	}
	// Not cel.OptOptimize: it answers `x in [...]` for numbers beyond 2^53
	// other than == does.
	options := []cel.ProgramOption{cel.CustomDecoratorV2(boundMatches), cel.CustomDecoratorV2(bindDigits)}
	if cost > 0 {
		options = append(options, cel.CostTracking(callCosts{}), cel.CostLimit(cost))
	}
	p, err := env.Program(ast, options...)
	if err != nil {
		return nil
	}
	return p
}

// run has cel-go evaluate the filter over the packed values.
func (f *Filter) run(in *Input) Result {
	p := f.slow()
	if p == nil {
		return Miss
	}
	a := activations.Get().(*activation)
	a.in, a.names = in, f.names
	r := evaluate(p, a)
	*a = activation{}
	activations.Put(a)
	return r
}

// evaluate turns cel-go's three ways to answer into one.
func evaluate(p program, vars any) Result {
	out, _, err := p.Eval(vars)
	if err != nil {
		return Miss
	}
	switch out {
	case types.True:
		return True
	case types.False:
		return False
	}
	return Miss // an error, or no boolean
}

// activation gives cel-go the variables of an Input. It is pooled; the values
// it hands out point to the input, and cel-go keeps none of them.
type activation struct {
	in    *Input
	names map[string]variable
}

var activations = sync.Pool{New: func() any { return new(activation) }}

// ResolveName implements cel.Activation.
func (a *activation) ResolveName(name string) (any, bool) {
	v, ok := a.names[name]
	if !ok {
		return nil, false
	}
	if v.step >= len(a.in.Steps) {
		return nil, false
	}
	switch v.kind {
	case timeVar:
		at, _ := v.time(a.in)
		return types.Timestamp{Time: time.Unix(0, at).UTC()}, true
	case nameVar, idVar:
		text, ok := v.text(a.in)
		return types.String(text), ok
	}
	fields, ok := v.fields(a.in)
	return &mapVal{fields}, ok
}

// Parent implements cel.Activation.
func (a *activation) Parent() interpreter.Activation { return nil }
