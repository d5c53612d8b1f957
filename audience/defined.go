package audience

import (
	"fmt"
	"maps"
	"time"

	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/near"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/internal/strictjson"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// definition is that of an audience or of a computed trait, on its way to being
// live. The two share their keys.
type definition struct {
	key      string
	audience *Definition     // one of the two
	computed *trait.Computed // is set
	plan     *network.Plan
	since    uint64 // only data of a greater arrival number counts
	text     []byte // of one that was stored, as it was
	version  uint32 // see profile.KeyRecord
	pending  bool   // likewise
	again    bool   // the store has its key, which is free: see profile.KeyRecord.Free

	was *definition // of an edit that begins: what it is made from; nil: whichever there is
}

func (d *definition) fail(path string, err error) error {
	if d.computed != nil {
		return &DefinitionError{Trait: d.key, Path: path, Err: err}
	}
	return &DefinitionError{Audience: d.key, Path: path, Err: err}
}

// keyOf is what a key names.
type keyOf uint8

const (
	nothing keyOf = iota
	anAudience
	aTrait
	anAccountAudience
	anAccountTrait
)

// of returns whose audience or trait a key names.
func (k keyOf) of() profile.Subject {
	if k == anAccountAudience || k == anAccountTrait {
		return profile.Account
	}
	return profile.User
}

func (k keyOf) isAudience() bool { return k == anAudience || k == anAccountAudience }

func (d *definition) of() keyOf {
	of := [2]keyOf{anAudience, anAccountAudience}
	if d.computed != nil {
		of = [2]keyOf{aTrait, anAccountTrait}
	}
	return of[d.subject()]
}

// subject returns whose audience or trait it is.
func (d *definition) subject() profile.Subject {
	of := profile.User
	if d.computed != nil {
		of = d.computed.Of
	} else {
		of = d.audience.Of
	}
	return min(of, profile.Account) // another is refused
}

// noBackfill reports whether only data that arrives later counts.
func (d *definition) noBackfill() bool {
	if d.computed != nil {
		return d.computed.NoBackfill
	}
	return d.audience.NoBackfill
}

// record returns what the store keeps of the definition: a definitions file
// that holds only this.
func (d *definition) record() (profile.KeyRecord, error) {
	var f File
	if d.computed != nil {
		f.Traits = []trait.Computed{*d.computed}
	} else {
		f.Audiences = []Definition{*d.audience}
	}
	text, err := strictjson.Encode(f)
	if err != nil {
		return profile.KeyRecord{}, d.fail("", err)
	}
	return profile.KeyRecord{Key: d.key, Definition: text, Since: d.since, Version: d.version, Pending: d.pending}, nil
}

// definitions returns what is in the file.
func (f *File) definitions() []*definition {
	var defs []*definition
	for i := range f.Traits {
		c := f.Traits[i]
		defs = append(defs, &definition{key: c.Key, computed: &c})
	}
	for i := range f.Audiences {
		d := f.Audiences[i]
		defs = append(defs, &definition{key: d.Key, audience: &d})
	}
	return defs
}

// Check compiles definitions without an engine, as if they were to be created
// together. The error is a *DefinitionError.
func Check(defs ...Definition) error { return File{Audiences: defs}.Check() }

// Check compiles the definitions of the file without an engine. The error is a
// *DefinitionError.
func (f File) Check() error {
	env, err := celfilter.NewEnv(nil)
	if err != nil {
		return err
	}
	_, err = planAll(env, 0, f.definitions(), func(string) keyOf { return nothing })
	return err
}

// planAll checks definitions against each other and the live ones, and returns
// them such that each comes after those it reads.
func planAll(env *celfilter.Env, retention time.Duration, defs []*definition, live func(key string) keyOf) ([]*definition, error) {
	byKey := make(map[string]*definition, len(defs))
	for _, d := range defs {
		if live(d.key) != nothing || byKey[d.key] != nil {
			return nil, d.fail("key", ErrExists)
		}
		byKey[d.key] = d
	}
	pl := planner{
		env:       env,
		retention: retention,
		keyOf: func(name string) keyOf {
			if d := byKey[name]; d != nil {
				return d.of()
			}
			return live(name)
		},
	}
	for _, d := range defs {
		if err := pl.plan(d); err != nil {
			return nil, err
		}
	}
	return order(defs, byKey, live)
}

// order sorts definitions so that each comes after those it reads. It fails on
// a reference to nothing and on a cycle, which it spells out.
func order(defs []*definition, byKey map[string]*definition, live func(string) keyOf) ([]*definition, error) {
	o := orderer{byKey: byKey, live: live, state: map[*definition]visit{}}
	for _, d := range defs {
		if err := o.visit(d); err != nil {
			return nil, err
		}
	}
	return o.sorted, nil
}

type visit uint8

const (
	unseen visit = iota
	open
	done
)

type orderer struct {
	byKey  map[string]*definition
	live   func(string) keyOf
	state  map[*definition]visit
	trail  []*definition
	sorted []*definition
}

func (o *orderer) visit(d *definition) error {
	switch o.state[d] {
	case done:
		return nil
	case open:
		if last := o.trail[len(o.trail)-1]; last == d && !d.plan.RefersTo(d.key) {
			return d.fail("", fmt.Errorf("%w: %[2]s reads the trait %[2]s, which is its own key: give it another", ErrCycle, d.key))
		}
		cycle := d.key
		for i := len(o.trail) - 1; ; i-- {
			cycle = o.trail[i].key + " → " + cycle
			if o.trail[i] == d {
				return d.fail("", fmt.Errorf("%w: %s", ErrCycle, cycle))
			}
		}
	}
	o.state[d] = open
	o.trail = append(o.trail, d)
	for _, key := range d.plan.Refs(nil) {
		other := o.byKey[key]
		of := o.live(key)
		if other != nil {
			of = other.of()
		}
		if of == nothing || !of.isAudience() && d.plan.RefersTo(key) {
			hint := ""
			if name, ok := near.Name(key, maps.Keys(o.byKey)); ok {
				hint = fmt.Sprintf(", did you mean %q?", name)
			}
			return d.fail("", fmt.Errorf("%w: audience %q, which it refers to%s", profile.ErrNotFound, key, hint))
		}
		if other == nil {
			continue
		}
		if err := o.visit(other); err != nil {
			return err
		}
	}
	o.trail = o.trail[:len(o.trail)-1]
	o.state[d] = done
	o.sorted = append(o.sorted, d)
	return nil
}
