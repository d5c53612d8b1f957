package celfilter

import (
	"iter"

	"github.com/muster-go/muster/profile"
)

// Fields is a set of named values. *profile.Object is one.
type Fields interface {
	Lookup(profile.Key) (profile.Value, bool)
	All() iter.Seq2[string, profile.Value]
}

// Input is what one evaluation reads.
type Input struct {
	Name       string // of the event
	Time       int64  // of the event, in Unix nanoseconds
	Properties profile.Object
	Context    profile.Object

	Traits  Fields // of the profile; nil: it has none
	Account Fields // traits of one account; nil: there is no account

	Self *Self // whose the traits are; nil: it is not known

	// Steps are the events chosen for the earlier steps of a funnel, in the
	// order in which their names were given to Env.Step.
	Steps []Step
}

// Self is who a profile is.
type Self struct {
	ID  string         // that it is kept under
	IDs profile.Object // its external ids: type → list of texts
}

// Step is the event chosen for one step of a funnel.
type Step struct {
	Name       string // of the event
	Time       int64  // of the event, in Unix nanoseconds
	Properties profile.Object
	Context    profile.Object
}

// Result is the answer of a filter.
type Result uint8

// The answers. Miss says that something the answer depends on is missing or
// does not compare: it counts as false.
const (
	False Result = iota
	True
	Miss

	undecided // only cel-go's program can tell; never leaves the package
)

// String names the result.
func (r Result) String() string {
	switch r {
	case False:
		return "false"
	case True:
		return "true"
	case Miss:
		return "miss"
	}
	return "undecided"
}

// Filter is a compiled expression: a condition, which Eval answers, or, from Env.Formula, one
// whose result Value returns. It is immutable and safe for concurrent use.
type Filter struct {
	source   string
	test     test  // of a condition
	value    value // of a formula; nil: it is all left to cel-go
	lowered  bool
	slow     func() program // cel-go's program, planned when first wanted
	plain    func() program // the same for Reference
	names    map[string]variable
	reads    reads
	equality []Equality
}

// Eval evaluates the filter. For a lowered filter it allocates nothing.
func (f *Filter) Eval(in *Input) Result {
	if r := f.test(in); r != undecided {
		return r
	}
	return f.run(in)
}

// Source returns the expression in canonical text: of the same kind, filters
// with the same Source are the same filter.
func (f *Filter) Source() string { return f.source }

// Lowered reports whether the whole expression was lowered. A lowered filter
// may still turn to cel-go for values of rare kinds, such as two lists that
// are compared.
func (f *Filter) Lowered() bool { return f.lowered }

// Equality is a condition `properties.Key == Value` that a filter implies: an
// event whose property is missing or another value cannot pass it. Numbers
// are equal across Int and Float.
type Equality struct {
	Key   profile.Key
	Value profile.Value
}

// Equality returns the top-level conjuncts that compare a property with a
// constant string, boolean or number for equality. The caller must not change
// the slice.
func (f *Filter) Equality() []Equality { return f.equality }

// Properties returns the names of the properties that the filter reads, sorted.
// all says that it reads properties as a whole, so the names may not be all.
func (f *Filter) Properties() (names []string, all bool) { return f.reads.of(propertiesVar) }

// Traits is Properties for the traits of the profile.
func (f *Filter) Traits() (names []string, all bool) { return f.reads.of(traitsVar) }

// IDs reports whether the filter reads the id of the profile, and its external ids.
func (f *Filter) IDs() (id, ids bool) {
	names, all := f.reads.of(idsVar)
	return f.reads.id, all || len(names) > 0
}

// AccountTraits is Properties for the traits of the account.
func (f *Filter) AccountTraits() (names []string, all bool) { return f.reads.of(accountVar) }
