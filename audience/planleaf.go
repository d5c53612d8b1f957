package audience

import (
	"errors"
	"fmt"
	"slices"

	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/internal/property"
	"github.com/muster-go/muster/internal/selector"
	"github.com/muster-go/muster/internal/sequence"
	"github.com/muster-go/muster/internal/strictjson"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// computed checks the definition of a computed trait.
func (pl *planner) computed(c *trait.Computed) (*network.Plan, error) {
	if err := c.Validate(); err != nil {
		if at := (*strictjson.Error)(nil); errors.As(err, &at) {
			return nil, &pathError{at.Path, at.Err}
		}
		return nil, err
	}
	if c.Type == trait.TypeFormula {
		return pl.formula(c)
	}
	if err := pl.checkRetention(c.Window); err != nil {
		return nil, &pathError{"window", err}
	}
	var source property.Source
	if c.Property != "" {
		var err error
		if source, err = property.Parse(c.Property); err != nil {
			return nil, err
		}
		if source.OfUser && pl.isOf(profile.User, source.Keys[0].String()) {
			return nil, &pathError{"property", errActor(source.Keys[0].String())}
		}
	}
	p := &network.Plan{Kind: network.KindComputed, Of: pl.of, Path: "where", Window: c.Window, Computed: c}
	p.Property, p.Source = c.Property, source
	if c.Type == trait.TypeUniqueDays {
		p.Unit, p.Zone = profile.UnitDay, c.Zone
	}
	p.Select = selector.Of(c.Event, c.Names, c.Prefix, c.Any)
	if err := pl.filter(p, c.Filter); err != nil {
		return nil, &pathError{"where", err}
	}
	return p, nil
}

// formula checks the formula of a computed trait. Of the traits of a user's accounts it could
// have a value for each.
func (pl *planner) formula(c *trait.Computed) (*network.Plan, error) {
	f, err := pl.env.Formula(c.Formula)
	if err != nil {
		return nil, &pathError{"formula", err}
	}
	p := &network.Plan{Kind: network.KindFormula, Of: pl.of, Path: "formula", Filter: f, Computed: c}
	if names, all := f.AccountTraits(); pl.of == profile.User && (all || len(names) > 0) {
		return nil, &pathError{"formula", fmt.Errorf("%w: account.traits in a formula of users, who may have several accounts", profile.ErrInvalid)}
	}
	if err := pl.traitReads(p, f); err != nil {
		return nil, &pathError{"formula", err}
	}
	return p, nil
}

// traitReads notes what an expression on traits alone reads: of accounts traits are the
// account's, by either name.
func (pl *planner) traitReads(p *network.Plan, f *celfilter.Filter) error {
	if pl.of == profile.User {
		return pl.filterReads(p, f)
	}
	names, _ := f.Traits()
	if err := pl.ownReads(p, names); err != nil {
		return err
	}
	names, _ = f.AccountTraits()
	pl.reads(p, names...)
	return nil
}

func (pl *planner) event(e *Event, path string) (*network.Plan, error) {
	fail := func(field string, err error) (*network.Plan, error) {
		return nil, &pathError{path + field, err}
	}
	if err := selector.Validate("name", e.Name, e.Names, e.Prefix, e.Any); err != nil {
		at := err.(*strictjson.Error)
		return fail("."+at.Path, at.Err)
	}
	if e.Scope > OfGroup || e.Scope == OfGroup && pl.of == profile.User {
		return fail(".scope", fmt.Errorf("%w: it is for the events of accounts", profile.ErrInvalid))
	}
	if err := e.Count.validate(); err != nil {
		return fail(".count", err)
	}
	source, err := pl.distinct(e)
	if err != nil {
		path, reason := atField(err)
		return fail(".distinct"+path, reason)
	}
	min, max := e.Count.bounds()
	if r := e.Regularly; !r.IsZero() {
		if err := r.validate(e); err != nil {
			return fail(".regularly", err)
		}
		min = r.AtLeast
	}
	if err := e.Window.Validate(); err != nil {
		return fail(".window", err)
	}
	if err := pl.checkRetention(e.Reach()); err != nil {
		if !e.Regularly.IsZero() {
			return fail(".regularly", err)
		}
		return fail(".window", err)
	}
	p := &network.Plan{
		Kind: network.KindEvent, Of: pl.of, Path: path + ".where",
		Select: e.selector(), Min: min, Max: max, Window: e.Reach(), Group: e.Scope == OfGroup,
		Periods: e.Regularly.Periods, Length: e.Regularly.Of,
	}
	if d := e.Distinct; !d.IsZero() {
		p.Distinct, p.Property, p.Source = true, d.Source(), source
		p.Unit, p.Zone = d.unit(), d.Zone
	}
	if err := pl.filter(p, e.Filter); err != nil {
		return fail(".where", err)
	}
	return p, nil
}

// funnel checks a funnel. Which of the accounts of a user each of its filters
// held of could differ, so it reads none.
func (pl *planner) funnel(f *funnel.Funnel, path string) (*network.Plan, error) {
	if err := pl.checkRetention(f.Window); err != nil {
		return nil, &pathError{path + ".window", err}
	}
	m, err := sequence.Compile(*f, pl.env)
	var at *funnel.Error
	switch {
	case errors.As(err, &at):
		return nil, &pathError{path + "." + at.Path, at.Err}
	case err != nil:
		return nil, &pathError{path, err}
	}
	p := &network.Plan{Kind: network.KindFunnel, Of: pl.of, Path: path, Window: f.Window, Funnel: m}
	for step, filter := range m.Filters() {
		err := pl.filterReads(p, filter)
		if err == nil && p.Accounts {
			err = fmt.Errorf("%w: account.traits in a funnel of users", profile.ErrInvalid)
		}
		if err != nil {
			return nil, &pathError{fmt.Sprintf("%s.steps[%d].where", path, step), err}
		}
	}
	return p, nil
}

func (pl *planner) trait(cel, path string) (*network.Plan, error) {
	f, err := pl.env.Trait(cel)
	if err != nil {
		return nil, &pathError{path, err}
	}
	p := &network.Plan{Kind: network.KindTrait, Of: pl.of, Path: path, Filter: f}
	if err := pl.traitReads(p, f); err != nil {
		return nil, &pathError{path, err}
	}
	return p, nil
}

func (pl *planner) date(d *trait.Date, path string) (*network.Plan, error) {
	if err := d.Validate(); err != nil {
		var at *strictjson.Error
		if errors.As(err, &at) {
			path, err = path+"."+at.Path, at.Err
		}
		return nil, &pathError{path, err}
	}
	keys, err := d.Path()
	if err != nil {
		return nil, &pathError{path + ".name", err}
	}
	p := &network.Plan{Kind: network.KindDate, Of: pl.of, Path: path, Date: *d}
	if err := pl.ownReads(p, keys[:1]); err != nil {
		return nil, &pathError{path, err}
	}
	return p, nil
}

// ownReads notes the traits that a condition on traits names. In one of accounts
// a key of users is a mistake.
func (pl *planner) ownReads(p *network.Plan, names []string) error {
	for _, name := range names {
		if pl.of == profile.Account && pl.isOf(profile.User, name) {
			return fmt.Errorf("%w: %s is of users, and these are the traits of an account", profile.ErrInvalid, name)
		}
	}
	pl.reads(p, names...)
	return nil
}

// audience checks a reference. One to an audience of accounts in a condition of
// users asks for those in an account that is a member.
func (pl *planner) audience(n *Node, path string) (*network.Plan, error) {
	key, path := n.Audience, path+".audience"
	if err := checkKey(key); err != nil {
		return nil, &pathError{path, err}
	}
	if pl.of == profile.Account && pl.keyOf(key) == anAudience {
		return nil, &pathError{path, fmt.Errorf("%w: %s is an audience of users: ask for it below users", profile.ErrInvalid, key)}
	}
	if n.For > 0 || n.ForLess > 0 {
		return pl.tenure(n, path), nil
	}
	return &network.Plan{Kind: network.KindRef, Of: pl.of, Ref: key}, nil
}

// users checks a condition on the users of an account.
func (pl *planner) users(u *Users, path string, depth int) (*network.Plan, error) {
	if pl.of == profile.User {
		return nil, &pathError{path, fmt.Errorf("%w: in a condition of users", profile.ErrInvalid)}
	}
	q, n, err := u.quantified()
	if err != nil {
		return nil, &pathError{path, err}
	}
	pl.of = profile.User
	child, err := pl.node(n, path+"."+q.Field(), depth+1)
	pl.of = profile.Account
	if err != nil {
		return nil, err
	}
	return &network.Plan{Kind: network.KindUsers, Of: profile.Account, Quantifier: q, Children: []*network.Plan{child}}, nil
}

// filter compiles the filter of a plan of events; empty takes every event.
func (pl *planner) filter(p *network.Plan, cel string) error {
	if cel == "" {
		return nil
	}
	f, err := pl.env.Event(cel)
	if err != nil {
		return err
	}
	p.Filter = f
	return pl.filterReads(p, f)
}

// filterReads notes what a filter reads. Of the events of accounts traits are
// those of the acting user, and only custom ones.
func (pl *planner) filterReads(p *network.Plan, f *celfilter.Filter) error {
	names, _ := f.Traits()
	ofAccount, all := f.AccountTraits()
	if pl.of == profile.User {
		pl.reads(p, names...)
		p.Accounts = p.Accounts || all || len(ofAccount) > 0
		p.OfAccount = pl.keys(p.OfAccount, profile.Account, ofAccount)
		return nil
	}
	for _, name := range names {
		if pl.isOf(profile.User, name) {
			return errActor(name)
		}
	}
	pl.reads(p, ofAccount...)
	return nil
}

func errActor(name string) error {
	return fmt.Errorf("%w: %s is computed, and of the acting user of an account only custom traits can be read", profile.ErrInvalid, name)
}

// isOf reports whether a name is that of an audience or a computed trait of a
// subject.
func (pl *planner) isOf(of profile.Subject, name string) bool {
	k := pl.keyOf(name)
	return k != nothing && k.of() == of
}

// reads notes which of the names of traits are keys.
func (pl *planner) reads(p *network.Plan, names ...string) { p.Reads = pl.keys(p.Reads, pl.of, names) }

// keys adds to the sorted into those of the names that are keys of a subject.
func (pl *planner) keys(into []string, of profile.Subject, names []string) []string {
	for _, name := range names {
		if pl.isOf(of, name) && !slices.Contains(into, name) {
			into = append(into, name)
		}
	}
	slices.Sort(into)
	return into
}

func (pl *planner) checkRetention(w profile.Window) error {
	if longest, ends := w.Longest(); pl.retention > 0 && (!ends || longest > pl.retention) {
		return fmt.Errorf("%w: %s, the store keeps events for %s",
			ErrWindow, w, profile.FormatDuration(pl.retention))
	}
	return nil
}
