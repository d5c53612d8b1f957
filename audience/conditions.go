package audience

import (
	"slices"
	"time"

	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/sequence"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// plan is a definition's tree, checked: its filters compiled, its references
// still keys. Making one changes nothing; turning it into nodes cannot fail.
type plan struct {
	kind       kind
	of         profile.Subject // of whom it holds
	path       string          // of the filter in the definition; of a funnel, of the leaf
	children   []*plan
	filter     *celfilter.Filter // of an event leaf (nil: every event) and of a trait leaf
	name       string            // of an event leaf
	min, max   int               // counts for which it holds
	group      bool              // only events sent with the account's id count
	window     profile.Window
	date       trait.Date
	computed   *trait.Computed
	funnel     *sequence.Matcher
	quantifier quantifier
	reads      []string // the keys among the traits that the leaf reads, sorted
	accounts   bool     // a leaf of users that reads traits of their accounts
	ofAccount  []string // the keys among those
	ref        string   // of an audience leaf, and of a batch audience: the key
	batch      time.Duration
	node       *node // what it has become in the network
}

// condition returns the plan of the definition's tree.
func (p *plan) condition() *plan {
	if p.kind == kindBatch {
		return p.children[0]
	}
	return p
}

// refersTo reports whether p asks for membership of the audience of a key.
func (p *plan) refersTo(key string) bool {
	return p.kind == kindRef && p.ref == key ||
		slices.ContainsFunc(p.children, func(child *plan) bool { return child.refersTo(key) })
}

// refs appends to into the keys of the audiences and computed traits that p
// reads.
func (p *plan) refs(into []string) []string {
	if p.kind == kindRef && !slices.Contains(into, p.ref) {
		into = append(into, p.ref)
	}
	for _, key := range slices.Concat(p.reads, p.ofAccount) {
		if !slices.Contains(into, key) {
			into = append(into, key)
		}
	}
	for _, child := range p.children {
		into = child.refs(into)
	}
	return into
}
