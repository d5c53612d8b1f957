// Package lint finds likely mistakes in definitions that compile: names that no data has,
// conditions that always or never hold, negations that leave out more than they say,
// windows that the store does not keep, and funnels whose search is bounded.
//
// What it finds is likely, not certain: an event that is new has not been sent yet. What
// it does not find may be wrong all the same.
package lint

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/profile"
)

// The rules, by which findings can be left out.
const (
	UnknownEvent    = "unknown-event"    // no event of the sample has the name
	UnknownProperty = "unknown-property" // no event of that name in the sample has the property
	UnknownTrait    = "unknown-trait"    // no call of the sample sets the trait, and none is computed
	AlwaysTrue      = "always-true"      // a condition or a filter cannot be false
	NeverTrue       = "never-true"       // a condition or a filter cannot be true
	NegatedMissing  = "negated-missing"  // a negation leaves out who lacks the trait
	Retention       = "retention"        // a window is longer than the store keeps events
	BoundedFunnel   = "bounded-funnel"   // not every choice of a funnel's events is searched
)

// Rules are all rules, in the order in which they are documented.
var Rules = []string{UnknownEvent, UnknownProperty, UnknownTrait, AlwaysTrue, NeverTrue, NegatedMissing, Retention, BoundedFunnel}

// Finding is one likely mistake.
type Finding struct {
	Rule     string `json:"rule"`
	Audience string `json:"audience,omitempty"` // the key of an audience
	Trait    string `json:"trait,omitempty"`    // or of a computed trait
	Path     string `json:"path,omitempty"`     // of the place in the definition; empty: the whole
	Message  string `json:"message"`            // for people
}

// String returns, say,
//
//	audience "big": where.event.name: no event of the sample is called "Order Complete", did you mean "Order Completed"? (unknown-event)
func (f Finding) String() string {
	return fmt.Sprintf("%v (%s)", f.error(), f.Rule)
}

// At returns the finding as the error of a definition, for audience.Locate.
func (f Finding) At() error { return f.error() }

func (f Finding) error() *audience.DefinitionError {
	return &audience.DefinitionError{Audience: f.Audience, Trait: f.Trait, Path: f.Path, Err: message(f.Message)}
}

// message is a text as an error.
type message string

func (m message) Error() string { return string(m) }

// Options say what is known beside the definitions. The zero value is fine.
type Options struct {
	Sample    *Sample       // of the data; nil: names are not looked at
	Retention time.Duration // of the store; 0: it keeps all
}

// Check returns what is likely to be wrong, in the order of the file: traits, then
// audiences, and in each by its parts. The error is that of a file that does not compile.
func Check(f audience.File, opts Options) ([]Finding, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	env, err := celfilter.NewEnv(nil)
	if err != nil {
		return nil, err
	}
	l := &linter{Options: opts, env: env, defined: definedIn(f)}
	for i := range f.Traits {
		l.computed(&f.Traits[i])
	}
	for i := range f.Audiences {
		l.audience(&f.Audiences[i])
	}
	return slices.CompactFunc(l.found, func(a, b Finding) bool { return a == b }), l.err
}

// linter is one check of one file.
type linter struct {
	Options
	env     *celfilter.Env
	defined defined
	of      profile.Subject // of the conditions at hand
	at      Finding         // the definition at hand
	found   []Finding
	err     error // the first of what should compile, as the file does
}

// find notes a finding in the definition at hand.
func (l *linter) find(rule, path, format string, args ...any) {
	f := l.at
	f.Rule, f.Path, f.Message = rule, path, fmt.Sprintf(format, args...)
	l.found = append(l.found, f)
}

// fails notes an error.
func (l *linter) fails(err error) { l.err = cmp.Or(l.err, err) }
