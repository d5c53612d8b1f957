package audience

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

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
	ref      string // of an audience leaf: the key
}

// Check compiles definitions without an engine, as if they were to be created
// together. The error is a *DefinitionError.
func Check(defs ...Definition) error {
	env, err := celfilter.NewEnv(nil)
	if err != nil {
		return err
	}
	_, _, err = (&planner{env: env}).all(defs, func(string) bool { return false })
	return err
}

// planner checks definitions.
type planner struct {
	env       *celfilter.Env
	retention time.Duration
	nodes     int
}

// all checks definitions against each other and the live audiences, and sorts
// them so that each comes after those it refers to.
func (pl *planner) all(defs []Definition, live func(key string) bool) (plans []*plan, sorted []int, err error) {
	seen := make(map[string]bool, len(defs))
	for i := range defs {
		key := defs[i].Key
		if live(key) || seen[key] {
			return nil, nil, &DefinitionError{Audience: key, Path: "key", Err: ErrExists}
		}
		seen[key] = true
		p, err := pl.plan(&defs[i])
		if err != nil {
			return nil, nil, err
		}
		plans = append(plans, p)
	}
	sorted, err = order(defs, plans, live)
	return plans, sorted, err
}

// plan checks d and returns its tree. The error is a *DefinitionError.
func (pl *planner) plan(d *Definition) (*plan, error) {
	if err := checkKey(d.Key); err != nil {
		return nil, &DefinitionError{Audience: d.Key, Path: "key", Err: err}
	}
	pl.nodes = 0
	p, err := pl.node(&d.Where, "where", 1)
	if err != nil {
		var at *pathError
		if errors.As(err, &at) {
			return nil, &DefinitionError{Audience: d.Key, Path: at.path, Err: at.err}
		}
		return nil, &DefinitionError{Audience: d.Key, Err: err}
	}
	return p, nil
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
		return fail("", fmt.Errorf("%w: no condition, want one of all, any, not, event, trait, trait_date, audience", profile.ErrInvalid))
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
	case n.Trait != "":
		f, err := pl.env.Trait(n.Trait)
		if err != nil {
			return fail(".trait", err)
		}
		return &plan{kind: kindTrait, path: path + ".trait", filter: f}, nil
	case n.TraitDate != nil:
		if err := n.TraitDate.Validate(); err != nil {
			return fail(".trait_date", err)
		}
		return &plan{kind: kindDate, date: *n.TraitDate}, nil
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
	if pl.retention > 0 && (e.Window.IsZero() || e.Window.Max > pl.retention) {
		return fail(".window", fmt.Errorf("%w: %s, the store keeps events for %s",
			ErrWindow, e.Window, profile.FormatDuration(pl.retention)))
	}
	p := &plan{kind: kindEvent, path: path + ".where", name: e.Name, min: min, max: max, window: e.Window}
	if e.Filter != "" {
		f, err := pl.env.Event(e.Filter)
		if err != nil {
			return fail(".where", err)
		}
		p.filter = f
	}
	return p, nil
}

// refs appends to into the keys of the audiences that p refers to.
func (p *plan) refs(into []string) []string {
	if p.kind == kindRef && !slices.Contains(into, p.ref) {
		into = append(into, p.ref)
	}
	for _, child := range p.children {
		into = child.refs(into)
	}
	return into
}

// order sorts definitions so that each comes after those it refers to. known
// reports whether a key is that of a live audience. It fails on a reference to
// nothing and on a cycle, which it spells out.
func order(defs []Definition, plans []*plan, known func(string) bool) ([]int, error) {
	byKey := make(map[string]int, len(defs))
	for i := range defs {
		byKey[defs[i].Key] = i
	}
	const (
		unseen = iota
		open
		done
	)
	seen := make([]int, len(defs))
	var sorted, trail []int
	var visit func(i int) error
	visit = func(i int) error {
		switch seen[i] {
		case done:
			return nil
		case open:
			cycle := defs[i].Key
			for j := len(trail) - 1; ; j-- {
				cycle = defs[trail[j]].Key + " → " + cycle
				if trail[j] == i {
					return &DefinitionError{Audience: defs[i].Key, Err: fmt.Errorf("%w: %s", ErrCycle, cycle)}
				}
			}
		}
		seen[i] = open
		trail = append(trail, i)
		for _, key := range plans[i].refs(nil) {
			if j, ok := byKey[key]; ok {
				if err := visit(j); err != nil {
					return err
				}
			} else if !known(key) {
				return &DefinitionError{Audience: defs[i].Key, Err: fmt.Errorf("%w: audience %q, which it refers to", profile.ErrNotFound, key)}
			}
		}
		trail = trail[:len(trail)-1]
		seen[i] = done
		sorted = append(sorted, i)
		return nil
	}
	for i := range defs {
		if err := visit(i); err != nil {
			return nil, err
		}
	}
	return sorted, nil
}
