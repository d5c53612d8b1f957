package celfilter

import (
	"errors"
	"fmt"
	"math"
	"regexp/syntax"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
)

// Limits against hostile expressions. They leave room for a list of some
// thousand product ids, and for one loop inside another over the lists of an
// event.
const (
	maxSource     = 64 << 10 // bytes of source text
	maxDepth      = 100      // levels of nesting
	maxNodes      = 10_000   // nodes of the syntax tree, macros expanded
	maxRecoveries = 8        // syntax errors before the parser gives up
	maxRegex      = 1000     // instructions of a compiled regular expression
	maxCost       = 10_000_000
	runCost       = 100_000 // of one evaluation in cel-go's program

	assumedText = 256 // characters of a text whose size cannot be known
	assumedList = 64  // entries of a list or map likewise
)

// checkSource refuses a text that is not worth parsing.
func checkSource(src string) error {
	err := &Error{Source: src, Line: 1, Column: 1}
	switch {
	case strings.TrimSpace(src) == "":
		err.Message = "the expression is empty"
	case len(src) > maxSource:
		err.Message = fmt.Sprintf("expression of %d bytes, at most %d", len(src), maxSource)
		err.cause = ErrCost
	default:
		return nil
	}
	err.text = "ERROR: <input>:1:1: " + err.Message
	return err
}

// checkCost refuses an expression that cel-go estimates to cost too much.
func checkCost(env *cel.Env, a *cel.Ast) error {
	estimate, err := env.EstimateCost(a, sizes{})
	root := a.NativeRep().Expr().ID()
	if err != nil {
		return errorAt(a, root, ErrCost, "%v", err)
	}
	if estimate.Max > maxCost {
		return errorAt(a, root, ErrCost, "estimated to cost up to %d, at most %d", estimate.Max, maxCost)
	}
	return nil
}

// sizes tells the estimate how large the unknown is.
type sizes struct{}

func (sizes) EstimateSize(node checker.AstNode) *checker.SizeEstimate {
	size := uint64(assumedText)
	switch node.Type().Kind() {
	case types.ListKind, types.MapKind:
		size = assumedList
	}
	return &checker.SizeEstimate{Min: 0, Max: size}
}

func (sizes) EstimateCallCost(string, string, *checker.AstNode, []checker.AstNode) *checker.CallEstimate {
	return nil
}

// checkLiterals finds the constant patterns, times and durations that could
// only ever fail.
func checkLiterals(a *cel.Ast) error {
	calls := ast.MatchDescendants(ast.NavigateAST(a.NativeRep()), ast.KindMatcher(ast.CallKind))
	for _, node := range calls {
		call := node.AsCall()
		args := call.Args()
		if len(args) == 0 {
			continue
		}
		last := args[len(args)-1]
		text, ok := stringLiteral(last)
		if !ok {
			continue
		}
		var err error
		switch call.FunctionName() {
		case "matches":
			err = checkRegex(text)
		case "timestamp":
			_, err = parseTimestamp(text)
		case "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear",
			"getHours", "getMinutes", "getSeconds", "getMilliseconds":
			err = checkZone(text)
		case "duration":
			if v := types.String(text).ConvertToType(types.DurationType); types.IsError(v) {
				err = v.(*types.Err)
			}
		}
		if errors.Is(err, ErrCost) {
			return errorAt(a, last.ID(), ErrCost, "regular expression of more than %d instructions", maxRegex)
		}
		if err != nil {
			return errorAt(a, last.ID(), nil, "invalid argument of %s: %v", call.FunctionName(), err)
		}
	}
	return nil
}

// checkRegex is cel-go's own limit on regular expressions, which panics on
// counted repetitions such as a{2} (v0.31.0).
func checkRegex(pattern string) error {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return err
	}
	if sizeOf(parsed) > maxRegex {
		return ErrCost
	}
	return nil
}

func stringLiteral(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	text, ok := e.AsLiteral().(types.String)
	return string(text), ok
}

// parseTimestamp reads a timestamp as CEL's conversion does.
func parseTimestamp(text string) (types.Timestamp, error) {
	switch v := types.String(text).ConvertToType(types.TimestampType).(type) {
	case types.Timestamp:
		return v, nil
	case *types.Err:
		return types.Timestamp{}, v
	}
	return types.Timestamp{}, fmt.Errorf("%s is no timestamp", strings.TrimSpace(text))
}

// nanoseconds returns t in Unix nanoseconds if it has them: years 1678 to
// 2261.
func nanoseconds(t types.Timestamp) (int64, bool) {
	const limit = math.MaxInt64/1_000_000_000 - 1
	if s := t.Unix(); s < -limit || s > limit {
		return 0, false
	}
	return t.UnixNano(), true
}
