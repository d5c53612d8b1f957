package audience

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/profile"
)

// Limits on one definition.
const (
	MaxKey   = 128  // bytes of a key
	MaxDepth = 32   // levels of its tree
	MaxNodes = 4096 // nodes of its tree

	MinBatch = time.Second // between the computations of a batch audience
)

// planner checks definitions.
type planner struct {
	env       *celfilter.Env
	retention time.Duration
	keyOf     func(name string) keyOf // what is live, or is made together with this
	of        profile.Subject         // of the conditions at hand
	nodes     int
}

// plan checks a definition and makes its plan. The error is a *DefinitionError.
func (pl *planner) plan(d *definition) error {
	if err := checkKey(d.key); err != nil {
		return d.fail("key", err)
	}
	if a := d.audience; a != nil {
		switch {
		case a.Of > profile.Account:
			return d.fail("of", fmt.Errorf("%w: subject %d", profile.ErrInvalid, a.Of))
		case a.Batch != OnRequest && a.Batch != 0 && a.Batch < MinBatch:
			return d.fail("batch", fmt.Errorf("%w: an interval of %s, at least %s", profile.ErrInvalid, a.Batch, MinBatch))
		case a.PerUser && a.Of != profile.Account:
			return d.fail("per_user", fmt.Errorf("%w: of an audience of users", profile.ErrInvalid))
		}
		for i, tag := range a.Tags {
			if tag == "" || slices.Contains(a.Tags[:i], tag) {
				return d.fail(fmt.Sprintf("tags[%d]", i), fmt.Errorf("%w: a tag that is empty, or there twice", profile.ErrInvalid))
			}
		}
	}
	pl.nodes, pl.of = 0, d.subject()
	var err error
	if d.computed != nil {
		d.plan, err = pl.computed(d.computed)
	} else {
		d.plan, err = pl.node(&d.audience.Where, "where", 1)
		if err == nil && d.audience.Batch != 0 {
			d.plan = &network.Plan{Kind: network.KindBatch, Of: pl.of, Ref: d.key, Batch: d.audience.Batch, Children: []*network.Plan{d.plan}}
		}
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

func (pl *planner) node(n *Node, path string, depth int) (*network.Plan, error) {
	fail := func(field string, err error) (*network.Plan, error) {
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
		return fail("", fmt.Errorf("%w: no condition, want one of all, any, not, event, trait, trait_date, audience, funnel, users, sample", profile.ErrInvalid))
	case 1:
	default:
		return fail("", fmt.Errorf("%w: %s in one node, want one", profile.ErrInvalid, strings.Join(set, " and ")))
	}
	if err := n.validateTenure(); err != nil {
		return fail(err.path, err.err)
	}
	switch {
	case n.All != nil:
		return pl.group(network.KindAll, n.All, path+".all", depth)
	case n.Any != nil:
		return pl.group(network.KindAny, n.Any, path+".any", depth)
	case n.Not != nil:
		child, err := pl.node(n.Not, path+".not", depth+1)
		if err != nil {
			return nil, err
		}
		return &network.Plan{Kind: network.KindNot, Of: pl.of, Children: []*network.Plan{child}}, nil
	case n.Event != nil:
		return pl.event(n.Event, path+".event")
	case n.Funnel != nil:
		return pl.funnel(n.Funnel, path+".funnel")
	case n.Trait != "":
		return pl.trait(n.Trait, path+".trait")
	case n.TraitDate != nil:
		return pl.date(n.TraitDate, path+".trait_date")
	case n.Users != nil:
		return pl.users(n.Users, path+".users", depth)
	case n.Sample != nil:
		return pl.sample(n.Sample, path+".sample")
	}
	return pl.audience(n, path)
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
		{"sample", n.Sample != nil},
	} {
		if f.set {
			set = append(set, f.name)
		}
	}
	return set
}

func (pl *planner) group(k network.Kind, of []Node, path string, depth int) (*network.Plan, error) {
	if len(of) == 0 {
		return nil, &pathError{path, fmt.Errorf("%w: no conditions in it", profile.ErrInvalid)}
	}
	p := &network.Plan{Kind: k, Of: pl.of}
	for i := range of {
		child, err := pl.node(&of[i], fmt.Sprintf("%s[%d]", path, i), depth+1)
		if err != nil {
			return nil, err
		}
		p.Children = append(p.Children, child)
	}
	return p, nil
}
