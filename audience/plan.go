package audience

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// Limits on one definition.
const (
	MaxKey   = 128       // bytes of a key
	MaxDepth = 32        // levels of its tree
	MaxNodes = 4096      // nodes of its tree
	maxCount = 1_000_000 // the largest count compared with
)

// plan is a definition's tree, checked: its filters compiled, its references
// still keys. Making one changes nothing; turning it into nodes cannot fail.
type plan struct {
	kind     kind
	path     string // of the node in the definition
	children []*plan
	filter   *celfilter.Filter // of an event leaf (nil: every event) and of a trait leaf
	name     string            // of an event leaf
	min, max int               // counts for which it holds
	window   profile.Window
	date     trait.Date
	computed *trait.Computed
	funnel   *funnel.Matcher
	reads    []string // the keys among the traits that the leaf reads, sorted
	ref      string   // of an audience leaf: the key
	node     *node    // what it has become in the network
}

// planner checks definitions.
type planner struct {
	env       *celfilter.Env
	retention time.Duration
	keyOf     func(name string) keyOf // what is live, or is made together with this
	of        profile.Subject         // of the definition at hand
	nodes     int
}

// plan checks a definition and makes its plan. The error is a *DefinitionError.
func (pl *planner) plan(d *definition) error {
	if err := checkKey(d.key); err != nil {
		return d.fail("key", err)
	}
	if a := d.audience; a != nil && (a.Of != profile.User || a.PerUser) {
		return d.fail("of", fmt.Errorf("%w: an audience is of users", profile.ErrInvalid))
	}
	pl.nodes, pl.of = 0, d.subject()
	var err error
	if d.computed != nil {
		d.plan, err = pl.computed(d.computed)
	} else {
		d.plan, err = pl.node(&d.audience.Where, "where", 1)
	}
	var at *pathError
	if errors.As(err, &at) {
		return d.fail(at.path, at.err)
	}
	if err != nil {
		return d.fail("", err)
	}
	return nil
}

// computed checks the definition of a computed trait.
func (pl *planner) computed(c *trait.Computed) (*plan, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := pl.checkRetention(c.Window); err != nil {
		return nil, &pathError{"window", err}
	}
	source, err := c.Source(nil)
	if err != nil {
		return nil, err
	}
	if source.OfUser && pl.isOfUsers(source.Keys[0].String()) {
		return nil, &pathError{"property", errActor(source.Keys[0].String())}
	}
	p := &plan{kind: kindComputed, path: "where", name: c.Event, window: c.Window, computed: c}
	if err := pl.filter(p, c.Filter); err != nil {
		return nil, &pathError{"where", err}
	}
	return p, nil
}

// filter compiles the filter of a plan of events; empty takes every event.
func (pl *planner) filter(p *plan, cel string) error {
	if cel == "" {
		return nil
	}
	f, err := pl.env.Event(cel)
	if err != nil {
		return err
	}
	p.filter = f
	return pl.filterReads(p, f)
}

// filterReads notes what a filter reads. In a definition of accounts traits are
// those of the acting user, and only custom ones.
func (pl *planner) filterReads(p *plan, f *celfilter.Filter) error {
	names, _ := f.Traits()
	ofAccount, all := f.AccountTraits()
	if pl.of == profile.User {
		if all || len(ofAccount) > 0 {
			return fmt.Errorf("%w: account.traits in a definition of users", profile.ErrInvalid)
		}
		pl.reads(p, names...)
		return nil
	}
	for _, name := range names {
		if pl.isOfUsers(name) {
			return errActor(name)
		}
	}
	pl.reads(p, ofAccount...)
	return nil
}

func errActor(name string) error {
	return fmt.Errorf("%w: %s is computed, and in a definition of accounts only custom traits of the acting user can be read", profile.ErrInvalid, name)
}

// isOfUsers reports whether a name is that of an audience or a computed trait of
// users.
func (pl *planner) isOfUsers(name string) bool {
	k := pl.keyOf(name)
	return k == anAudience || k == aTrait
}

// reads notes which of the names of traits are keys.
func (pl *planner) reads(p *plan, names ...string) {
	for _, name := range names {
		mine := pl.isOfUsers(name)
		if pl.of == profile.Account {
			mine = pl.keyOf(name) == anAccountTrait
		}
		if mine && !slices.Contains(p.reads, name) {
			p.reads = append(p.reads, name)
		}
	}
	slices.Sort(p.reads)
}

func (pl *planner) checkRetention(w profile.Window) error {
	if pl.retention > 0 && (w.IsZero() || w.Max > pl.retention) {
		return fmt.Errorf("%w: %s, the store keeps events for %s",
			ErrWindow, w, profile.FormatDuration(pl.retention))
	}
	return nil
}

// pathError is an error at a place in the tree.
type pathError struct {
	path string
	err  error
}

func (e *pathError) Error() string { return e.path + ": " + e.err.Error() }

func checkKey(key string) error {
	ok := key != "" && len(key) <= MaxKey && key[0] >= 'a' && key[0] <= 'z'
	for i := 0; ok && i < len(key); i++ {
		c := key[i]
		ok = c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_'
	}
	if !ok {
		return fmt.Errorf("%w: %.140q, want [a-z][a-z0-9_]* of at most %d bytes", ErrKey, key, MaxKey)
	}
	return nil
}

func (pl *planner) node(n *Node, path string, depth int) (*plan, error) {
	fail := func(field string, err error) (*plan, error) {
		return nil, &pathError{path + field, err}
	}
	if depth > MaxDepth {
		return fail("", fmt.Errorf("%w: deeper than %d levels", profile.ErrTooLarge, MaxDepth))
	}
	if pl.nodes++; pl.nodes > MaxNodes {
		return fail("", fmt.Errorf("%w: more than %d nodes", profile.ErrTooLarge, MaxNodes))
	}
	switch set := n.kinds(); len(set) {
	case 0:
		return fail("", fmt.Errorf("%w: no condition, want one of all, any, not, event, trait, trait_date, audience, funnel, users", profile.ErrInvalid))
	case 1:
	default:
		return fail("", fmt.Errorf("%w: %s in one node, want one", profile.ErrInvalid, strings.Join(set, " and ")))
	}
	switch {
	case n.All != nil:
		return pl.group(kindAll, n.All, path+".all", depth)
	case n.Any != nil:
		return pl.group(kindAny, n.Any, path+".any", depth)
	case n.Not != nil:
		child, err := pl.node(n.Not, path+".not", depth+1)
		if err != nil {
			return nil, err
		}
		return &plan{kind: kindNot, children: []*plan{child}}, nil
	case n.Event != nil:
		return pl.event(n.Event, path+".event")
	case n.Funnel != nil:
		return pl.funnel(n.Funnel, path+".funnel")
	case n.Trait != "":
		f, err := pl.env.Trait(n.Trait)
		if err != nil {
			return fail(".trait", err)
		}
		p := &plan{kind: kindTrait, path: path + ".trait", filter: f}
		if err := pl.filterReads(p, f); err != nil {
			return fail(".trait", err)
		}
		return p, nil
	case n.TraitDate != nil:
		if err := n.TraitDate.Validate(); err != nil {
			return fail(".trait_date", err)
		}
		p := &plan{kind: kindDate, date: *n.TraitDate}
		pl.reads(p, n.TraitDate.Name)
		return p, nil
	}
	if n.Users != nil {
		return fail(".users", fmt.Errorf("%w: in an audience of users", profile.ErrInvalid))
	}
	if err := checkKey(n.Audience); err != nil {
		return fail(".audience", err)
	}
	return &plan{kind: kindRef, ref: n.Audience}, nil
}

// kinds returns the names of the fields that are set.
func (n *Node) kinds() []string {
	var set []string
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"all", n.All != nil}, {"any", n.Any != nil}, {"not", n.Not != nil},
		{"event", n.Event != nil}, {"trait", n.Trait != ""},
		{"trait_date", n.TraitDate != nil}, {"audience", n.Audience != ""},
		{"funnel", n.Funnel != nil}, {"users", n.Users != nil},
	} {
		if f.set {
			set = append(set, f.name)
		}
	}
	return set
}

func (pl *planner) group(k kind, of []Node, path string, depth int) (*plan, error) {
	if len(of) == 0 {
		return nil, &pathError{path, fmt.Errorf("%w: no conditions in it", profile.ErrInvalid)}
	}
	p := &plan{kind: k}
	for i := range of {
		child, err := pl.node(&of[i], fmt.Sprintf("%s[%d]", path, i), depth+1)
		if err != nil {
			return nil, err
		}
		p.children = append(p.children, child)
	}
	return p, nil
}

func (pl *planner) event(e *Event, path string) (*plan, error) {
	fail := func(field string, err error) (*plan, error) {
		return nil, &pathError{path + field, err}
	}
	if err := profile.CheckID("event name", e.Name); err != nil {
		return fail(".name", err)
	}
	if e.Scope != OfUsers {
		return fail(".scope", fmt.Errorf("%w: in an audience of users", profile.ErrInvalid))
	}
	min, max := e.Count.bounds()
	if e.Count.Comparison > Exactly || min < 0 || max < 0 || min > maxCount || max > maxCount {
		return fail(".count", fmt.Errorf("%w: a count is a number from 0 to %d", profile.ErrInvalid, maxCount))
	}
	if min == 0 && max == maxCount {
		return fail(".count", fmt.Errorf("%w: it always holds", profile.ErrInvalid))
	}
	if err := e.Window.Validate(); err != nil {
		return fail(".window", err)
	}
	if err := pl.checkRetention(e.Window); err != nil {
		return fail(".window", err)
	}
	p := &plan{kind: kindEvent, path: path + ".where", name: e.Name, min: min, max: max, window: e.Window}
	if err := pl.filter(p, e.Filter); err != nil {
		return fail(".where", err)
	}
	return p, nil
}

func (pl *planner) funnel(f *funnel.Funnel, path string) (*plan, error) {
	if err := pl.checkRetention(f.Window); err != nil {
		return nil, &pathError{path + ".window", err}
	}
	m, err := f.CompileIn(pl.env)
	var at *funnel.Error
	switch {
	case errors.As(err, &at):
		return nil, &pathError{path + "." + at.Path, at.Err}
	case err != nil:
		return nil, &pathError{path, err}
	}
	p := &plan{kind: kindFunnel, path: path, window: f.Window, funnel: m}
	for step, filter := range m.Filters() {
		if err := pl.filterReads(p, filter); err != nil {
			return nil, &pathError{fmt.Sprintf("%s.steps[%d].where", path, step), err}
		}
	}
	return p, nil
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
	for _, key := range p.reads {
		if !slices.Contains(into, key) {
			into = append(into, key)
		}
	}
	for _, child := range p.children {
		into = child.refs(into)
	}
	return into
}
