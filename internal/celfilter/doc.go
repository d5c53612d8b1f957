// Package celfilter compiles and evaluates the CEL filters of audience
// definitions, and their formulas. It is the only package that knows cel-go.
//
// # Model
//
// An Env compiles source text into a Filter, for one of three places: an event
// leaf (Event), a trait leaf (Trait), a step of a funnel (Step). A Filter is
// evaluated against an Input, a view of one event and of the traits around it,
// and answers True, False or Miss; a formula (Formula), which sees what a trait leaf does, with
// a value. Filters and environments are immutable and safe for concurrent use.
//
//	properties, context    map(string, dyn)     Event, Step
//	timestamp              timestamp            Event, Step
//	name                   string               Event, Step
//	traits                 map(string, dyn)     all
//	account.traits         map(string, dyn)     all
//	id                     string               all: that the profile is kept under
//	ids                    map(string, list)    all: its external ids, type → texts
//	steps.NAME.properties  map(string, dyn)     Step; likewise context,
//	                                            timestamp and name
//
// The functions are CEL's standard ones and the string extension of cel-go.
// There is no variable for the present instant: a filter is a function of the
// data alone, and dependence on time belongs to windows.
//
// # Semantics
//
// They are cel-go's, with comparisons of numbers across int and double. JSON
// whole numbers are CEL ints, fractions doubles, null is null. A property or
// trait that is missing, operands that do not compare, an overflow or a result
// that is no boolean are errors in CEL; here they are a Miss, which counts as
// false and can be told apart from it. As in CEL an error is absorbed where the
// other operand decides:
//
//	properties.missing == 1 || true     True
//	properties.missing == 1 && false    False
//	!(properties.missing == 1)          Miss
//	properties.text < 5                 Miss
//	properties.text == 5                False: unequal kinds are unequal
//	has(properties.missing)             False
//
// Beyond 2^53 an int and a double compare as cel-go compares them: the int is
// rounded to a double first. A whole number beyond int64 is a double in size and in
// calculations, but keeps its digits: it is equal to what has the same digits, another
// value or a uint (properties.order == 18446744073709551615u), and to nothing else.
//
// id and ids are of whom the traits are: of accounts in a condition on traits the
// account's, in a filter on events the acting user's. They change as ids are told
// and profiles are merged, and what reads them with them.
//
// A user without an account has no account traits: has(account.traits.x) is
// False, account.traits.x a Miss. A step that has no event yet is a Miss
// whatever is asked of it.
//
// # Two ways to the answer
//
// The checked expression is lowered to a tree of Go closures that read the
// packed values in place and allocate nothing: comparisons, in, has, the
// boolean operators, the conditional, arithmetic on numbers, double, size and the text
// tests, over properties, traits and constants. What is not lowered (macros,
// conversions, text built at run time, ...) is undecided, an error like any
// other to the boolean operators around it: in
//
//	properties.price > 100 && properties.tags.exists(t, t == "sale")
//
// the cheap half can still say False. Only when the answer hangs on an
// undecided part is the whole expression given to cel-go's program, which reads
// the same packed values through an adapter and does allocate.
//
// # Limits
//
// Expressions may come from strangers. Source text, nesting, the number of
// nodes, the size of regular expressions and cel-go's estimate of the cost are
// bounded at compile time; what exceeds a bound is refused with an error that
// wraps ErrCost. At run time cel-go's program stops at a cost limit, with a
// Miss.
package celfilter
