package celfilter

import (
	"regexp"
	"regexp/syntax"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"
)

// Limits on one evaluation. What an event says, and how much, is anybody's: what goes
// beyond a limit is a miss, as a value of another type is.
const (
	// maxMatch bounds a regular expression: the bytes of the text times the
	// instructions of the pattern, which bound the steps of Go's matcher.
	maxMatch = 2_000_000
	// maxPattern is the length in bytes of a pattern that is no constant, and has to
	// be compiled for each evaluation.
	maxPattern = 512
)

// pattern is a compiled regular expression with a bound on its work.
type pattern struct {
	*regexp.Regexp
	longest int // text that it is applied to, in bytes
}

// compilePattern compiles a pattern of at most maxRegex instructions.
func compilePattern(source string) (*pattern, error) {
	parsed, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		return nil, err
	}
	size := sizeOf(parsed)
	if size > maxRegex {
		return nil, ErrCost
	}
	re, err := regexp.Compile(source)
	if err != nil {
		return nil, err
	}
	return &pattern{re, maxMatch / size}, nil
}

// sizeOf returns a bound on the instructions of a regular expression, without
// compiling it: counted repetitions multiply what is in them.
func sizeOf(re *syntax.Regexp) int {
	const enough = 1 << 30
	n := 0
	for _, sub := range re.Sub {
		if n += sizeOf(sub); n > enough {
			return enough
		}
	}
	switch re.Op {
	case syntax.OpLiteral:
		return max(1, len(re.Rune))
	case syntax.OpCapture:
		return n + 2
	case syntax.OpConcat:
		return n
	case syntax.OpAlternate:
		return n + len(re.Sub)
	case syntax.OpRepeat:
		if re.Min != re.Max {
			n++ // what may be left out
		}
		return min(enough, n*max(re.Min, re.Max, 1))
	}
	return n + 1
}

// boundMatches puts a call within the limits in the place of one of matches.
func boundMatches(i interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	call, ok := i.(interpreter.InterpretableCall)
	if !ok || call.Function() != "matches" || len(call.Args()) != 2 {
		return i, nil
	}
	var constant *pattern // nil: it is compiled for each evaluation
	if c, ok := call.Args()[1].(interpreter.InterpretableConst); ok {
		if text, ok := c.Value().(types.String); ok {
			constant, _ = compilePattern(string(text)) // it was compiled before
		}
	}
	return interpreter.NewCall(call.ID(), call.Function(), call.OverloadID(), call.Args(), func(args ...ref.Val) ref.Val {
		text, isText := args[0].(types.String)
		source, isPattern := args[1].(types.String)
		if !isText || !isPattern {
			return types.NoSuchOverloadErr()
		}
		return match(string(text), string(source), constant)
	}), nil
}

// match applies a pattern to a text.
func match(text, source string, p *pattern) ref.Val {
	if p == nil {
		if len(source) > maxPattern {
			return types.NewErr("a pattern of %d bytes, at most %d", len(source), maxPattern)
		}
		var err error
		if p, err = compilePattern(source); err != nil {
			return types.WrapErr(err)
		}
	}
	if len(text) > p.longest {
		return types.NewErr("a text of %d bytes, at most %d", len(text), p.longest)
	}
	return types.Bool(p.MatchString(text))
}

// callCosts has what functions of texts cost grow with the texts: cel-go counts most
// as 1, however long their arguments.
type callCosts struct{}

// CallCost implements interpreter.ActualCostEstimator.
func (callCosts) CallCost(_, _ string, args []ref.Val, result ref.Val) *uint64 {
	cost, texts := uint64(1), false
	add := func(v ref.Val) {
		if text, ok := v.(types.String); ok {
			texts = true
			cost += uint64(len(text)) / 10
		}
	}
	for _, arg := range args {
		add(arg)
	}
	add(result)
	if !texts {
		return nil // cel-go's own
	}
	return &cost
}
