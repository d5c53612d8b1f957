package network

import (
	"slices"
	"time"

	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/property"
	"github.com/muster-go/muster/internal/selector"
	"github.com/muster-go/muster/internal/sequence"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// Plan is a definition's tree, checked: its filters compiled, its references
// still keys. Making one changes nothing; turning it into nodes cannot fail.
type Plan struct {
	Kind       Kind
	Of         profile.Subject // of whom it holds
	Path       string          // of the filter in the definition; of a funnel, of the leaf
	Children   []*Plan
	Filter     *celfilter.Filter // of an event leaf (nil: every event), a trait leaf and a formula
	Select     selector.Selector // of an event leaf and a computed trait: which events
	Min, Max   int               // counts for which it holds
	Group      bool              // only events sent with the account's id count
	Window     profile.Window
	Periods    int             // of an event leaf: what is counted are periods
	Length     time.Duration   // of each
	Distinct   bool            // of an event leaf: what is counted are distinct values
	Property   string          // of a computed trait and of distinct values: what is read of events
	Source     property.Source // likewise
	Unit       profile.Unit    // instead of it, the unit of the calendar
	Zone       string          // in which
	Date       trait.Date
	Computed   *trait.Computed
	Funnel     *sequence.Matcher
	Quantifier Quantifier
	Sample     Sample
	Tenure     Tenure
	Reads      []string // the keys among the traits that the leaf reads, sorted
	Accounts   bool     // a leaf of users that reads traits of their accounts
	OfAccount  []string // the keys among those
	Ref        string   // of an audience leaf, and of a batch audience: the key
	Batch      time.Duration
	Paused     bool  // a batch audience that is never computed
	Node       *Node // what it has become in the network
}

// Condition returns the plan of the definition's tree.
func (p *Plan) Condition() *Plan {
	if p.Kind == KindBatch {
		return p.Children[0]
	}
	return p
}

// RefersTo reports whether p asks for membership of the audience of a key.
func (p *Plan) RefersTo(key string) bool {
	return p.Kind == KindRef && p.Ref == key || p.Kind == KindTenure && p.Reads[0] == key ||
		slices.ContainsFunc(p.Children, func(child *Plan) bool { return child.RefersTo(key) })
}

// Refs appends to into the keys of the audiences and computed traits that p
// reads.
func (p *Plan) Refs(into []string) []string {
	if p.Kind == KindRef && !slices.Contains(into, p.Ref) {
		into = append(into, p.Ref)
	}
	for _, key := range slices.Concat(p.Reads, p.OfAccount) {
		if !slices.Contains(into, key) {
			into = append(into, key)
		}
	}
	for _, child := range p.Children {
		into = child.Refs(into)
	}
	return into
}
