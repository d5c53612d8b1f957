package celfilter

import (
	"encoding/json"
	"math"
	"strconv"

	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"

	"github.com/muster-go/muster/profile"
)

// digits presents to cel-go a number with digits of its own: see
// profile.Value.Digits. It is a double, but equal only to what has the same digits.
type digits struct {
	types.Double
	text string
}

func digitsVal(n json.Number) ref.Val {
	f, err := n.Float64()
	if err != nil {
		return types.WrapErr(err)
	}
	return digits{types.Double(f), n.String()}
}

// Equal implements ref.Val.
func (d digits) Equal(other ref.Val) ref.Val {
	switch o := other.(type) {
	case digits:
		return types.Bool(d.text == o.text)
	case types.Uint:
		return types.Bool(d.text == strconv.FormatUint(uint64(o), 10))
	}
	return types.False
}

// binary are operators for which digits at their right count: cel-go's own types know
// nothing of them.
var binary = map[string]func(l, r ref.Val) ref.Val{
	operators.Equals:        same,
	operators.NotEquals:     func(l, r ref.Val) ref.Val { return types.Bool(same(l, r) == types.False) },
	operators.Less:          ordered(func(c types.Int) bool { return c < 0 }),
	operators.LessEquals:    ordered(func(c types.Int) bool { return c <= 0 }),
	operators.Greater:       ordered(func(c types.Int) bool { return c > 0 }),
	operators.GreaterEquals: ordered(func(c types.Int) bool { return c >= 0 }),
	operators.Add:           calculated(traits.Adder.Add),
	operators.Subtract:      calculated(traits.Subtractor.Subtract),
	operators.Multiply:      calculated(traits.Multiplier.Multiply),
	operators.Divide:        calculated(traits.Divider.Divide),
}

func same(l, r ref.Val) ref.Val {
	if d, ok := r.(digits); ok {
		return d.Equal(l)
	}
	return types.Equal(l, r)
}

func ordered(holds func(types.Int) bool) func(l, r ref.Val) ref.Val {
	return func(l, r ref.Val) ref.Val {
		l, r = size(l), size(r)
		comparer, ok := l.(traits.Comparer)
		if !ok {
			return types.NoSuchOverloadErr()
		}
		if isNaN(l) || isNaN(r) {
			return types.False
		}
		order := comparer.Compare(r)
		if c, ok := order.(types.Int); ok {
			return types.Bool(holds(c))
		}
		return order
	}
}

func calculated[T any](calculate func(T, ref.Val) ref.Val) func(l, r ref.Val) ref.Val {
	return func(l, r ref.Val) ref.Val {
		if l, ok := size(l).(T); ok {
			return calculate(l, size(r))
		}
		return types.NoSuchOverloadErr()
	}
}

// bindDigits puts a call of ours in the place of one of an operator.
func bindDigits(i interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	call, ok := i.(interpreter.InterpretableCall)
	if !ok || len(call.Args()) != 2 {
		return i, nil
	}
	operator, ok := binary[call.Function()]
	if !ok {
		return i, nil
	}
	return interpreter.NewCall(call.ID(), call.Function(), call.OverloadID(), call.Args(), func(args ...ref.Val) ref.Val {
		return operator(args[0], args[1])
	}), nil
}

func isNaN(v ref.Val) bool {
	d, ok := v.(types.Double)
	return ok && math.IsNaN(float64(d))
}

// size returns a number with digits as its double.
func size(v ref.Val) ref.Val {
	if d, ok := v.(digits); ok {
		return d.Double
	}
	return v
}

// ConvertToType implements ref.Val.
func (d digits) ConvertToType(t ref.Type) ref.Val {
	switch t {
	case types.DoubleType:
		return d
	case types.StringType:
		return types.String(d.text)
	case types.UintType:
		if n, err := strconv.ParseUint(d.text, 10, 64); err == nil {
			return types.Uint(n)
		}
	}
	return d.Double.ConvertToType(t)
}

// plainAdapter is cel-go's own, but for numbers with digits.
type plainAdapter struct{}

// NativeToValue implements types.Adapter.
func (a plainAdapter) NativeToValue(v any) ref.Val {
	switch v := v.(type) {
	case json.Number:
		return digitsVal(v)
	case map[string]any:
		return types.NewStringInterfaceMap(a, v)
	case []any:
		return types.NewDynamicList(a, v)
	}
	return types.DefaultTypeAdapter.NativeToValue(v)
}

// compareExactly answers a comparison of numbers, one of which has digits.
func compareExactly(op relation, v, w profile.Value) Result {
	if op == equal || op == less|greater {
		return op.alike(v.Equal(w))
	}
	c, _ := compareNumbers(v, w)
	return op.of(c)
}
