package trait

import (
	"fmt"
	"strings"
)

// Condition is a condition on traits, written in CEL.
type Condition struct {
	cel string
	err error
}

// CEL returns the expression.
func (c Condition) CEL() string { return c.cel }

// Err returns the error of a value that CEL has no form for; it wraps
// profile.ErrInvalid or ErrTooLarge. The expression then does not compile, so
// that the mistake is not lost on a caller who does not ask.
func (c Condition) Err() error { return c.err }

// Operand is a trait, or a value inside of one, that conditions are about. Its
// methods write the CEL.
//
// A trait that is missing or of a kind that does not compare makes every
// condition but IsEmpty and Missing false, NotEquals too: to take in the
// profiles without the trait, negate Equals in the audience.
//
// Values are what profile.NewValue takes: texts, booleans, numbers, nil, lists
// and maps of them; see Condition.Err for others. Numbers compare across int
// and double.
type Operand struct {
	root string   // traits, account.traits
	path []string // from the trait in
}

// Value is the value of a trait, of which a method makes a condition:
// Value("plan").Equals("pro").
func Value(name string) Trait { return Trait{Operand{root: "traits", path: []string{name}}} }

// AccountValue is the value of a trait of the user's account.
func AccountValue(name string) Operand {
	return Operand{root: "account.traits", path: []string{name}}
}

// Key is the value of a key in the map that o is.
func (o Operand) Key(name string) Operand {
	return Operand{o.root, append(o.path[:len(o.path):len(o.path)], name)}
}

// Equals holds if the trait is v.
func (o Operand) Equals(v any) Condition { return o.compare("==", v) }

// NotEquals holds if the trait is there and not v.
func (o Operand) NotEquals(v any) Condition { return o.compare("!=", v) }

// LessThan holds if the number or text is less than v.
func (o Operand) LessThan(v any) Condition { return o.compare("<", v) }

// AtMost holds if the number or text is v or less.
func (o Operand) AtMost(v any) Condition { return o.compare("<=", v) }

// GreaterThan holds if the number or text is greater than v.
func (o Operand) GreaterThan(v any) Condition { return o.compare(">", v) }

// AtLeast holds if the number or text is v or greater.
func (o Operand) AtLeast(v any) Condition { return o.compare(">=", v) }

// Between holds if the number or text lies between low and high, both included.
func (o Operand) Between(low, high any) Condition {
	return join(" && ", o.compare(">=", low), o.compare("<=", high))
}

// OneOf holds if the trait is one of values.
func (o Operand) OneOf(values ...any) Condition {
	if values == nil {
		values = []any{}
	}
	return withLiteral(values, func(list string) string { return o.String() + " in " + list })
}

// Contains holds if the trait is a text with part in it. For lists see
// ContainsAny.
func (o Operand) Contains(part string) Condition { return o.call("contains", part) }

// StartsWith holds if the trait is a text that begins with prefix.
func (o Operand) StartsWith(prefix string) Condition { return o.call("startsWith", prefix) }

// EndsWith holds if the trait is a text that ends with suffix.
func (o Operand) EndsWith(suffix string) Condition { return o.call("endsWith", suffix) }

// Matches holds if a part of the text matches pattern, in RE2 syntax.
func (o Operand) Matches(pattern string) Condition { return o.call("matches", pattern) }

// ContainsAny holds if the trait is a list with at least one of values in it, or
// a map with such a key.
func (o Operand) ContainsAny(values ...any) Condition {
	if len(values) == 0 {
		return Condition{cel: "false"}
	}
	return o.contains(values, " || ")
}

// ContainsAll holds if the trait is a list with every one of values in it, or a
// map with such keys.
func (o Operand) ContainsAll(values ...any) Condition {
	if len(values) == 0 {
		return o.Exists()
	}
	return o.contains(values, " && ")
}

// Exists holds if the trait is there.
func (o Operand) Exists() Condition {
	var steps []string
	for i := range o.path {
		steps = append(steps, o.step(i))
	}
	return Condition{cel: strings.Join(steps, " && ")}
}

// Missing holds if the trait is not there.
func (o Operand) Missing() Condition { return Condition{cel: "!(" + o.Exists().cel + ")"} }

// IsEmpty holds if the trait is missing, or an empty text, list or map.
func (o Operand) IsEmpty() Condition {
	return Condition{cel: o.Missing().cel + " || size(" + o.String() + ") == 0"}
}

// String returns o in CEL.
func (o Operand) String() string {
	cel := o.root
	for _, name := range o.path {
		if isIdentifier(name) {
			cel += "." + name
		} else {
			cel += "[" + quote(name) + "]"
		}
	}
	return cel
}

// step tests for one key of the path in what holds it.
func (o Operand) step(i int) string {
	name := o.path[i]
	if isIdentifier(name) {
		return "has(" + Operand{o.root, o.path[:i+1]}.String() + ")"
	}
	return quote(name) + " in " + Operand{o.root, o.path[:i]}.String()
}

func (o Operand) compare(operator string, v any) Condition {
	return withLiteral(v, func(text string) string {
		return fmt.Sprintf("%s %s %s", o, operator, text)
	})
}

func (o Operand) call(function, text string) Condition {
	return Condition{cel: fmt.Sprintf("%s.%s(%s)", o, function, quote(text))}
}

func (o Operand) contains(values []any, operator string) Condition {
	tests := make([]Condition, len(values))
	for i, v := range values {
		tests[i] = withLiteral(v, func(text string) string { return text + " in " + o.String() })
	}
	return join(operator, tests...)
}

// join writes conditions with an operator between them.
func join(operator string, conditions ...Condition) Condition {
	var texts []string
	for _, c := range conditions {
		if c.err != nil {
			return c
		}
		texts = append(texts, c.cel)
	}
	return Condition{cel: strings.Join(texts, operator)}
}
