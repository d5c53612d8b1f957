package audience

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/muster-go/muster/profile"
)

// ErrBroken says that a stored definition cannot be made live.
var ErrBroken = errors.New("the stored definition is broken")

// Broken is a stored definition that New could not make live: this version refuses
// it, the store's retention is shorter than its window, or it reads another that is
// broken. Its key stays taken and its members and values stay as they were stored,
// and nothing is told of them, until it is edited (EditAudience, EditTrait: the
// difference is told) or deleted (DeleteAudience, DeleteTrait: they exit). What reads
// it becomes live with it.
type Broken struct {
	Key  string
	Text []byte // of the definition, a definitions file
	Err  error
}

// broken is a Broken, as the engine has it.
type broken struct {
	Broken
	kind   keyOf // what it is of, as far as that can be told
	record profile.KeyRecord
}

// ListBroken returns the stored definitions that could not be made live, by key.
func (e *Engine) ListBroken() []Broken { return slices.Clone(e.roster.Load().broken) }

// kindIn returns what the text of a definition defines, also if it is not valid.
func kindIn(text []byte) keyOf {
	var f struct {
		Traits    []struct{ Of string } `json:"traits"`
		Audiences []struct{ Of string } `json:"audiences"`
	}
	if json.Unmarshal(text, &f) != nil || len(f.Traits)+len(f.Audiences) != 1 {
		return nothing // that can be told
	}
	switch {
	case len(f.Traits) > 0 && f.Traits[0].Of == "accounts":
		return anAccountTrait
	case len(f.Traits) > 0:
		return aTrait
	case len(f.Audiences) > 0 && f.Audiences[0].Of == "accounts":
		return anAccountAudience
	}
	return anAudience
}

// readStored reads the stored definitions. Those that cannot be read are broken.
func (e *Engine) readStored(ctx context.Context) ([]*definition, error) {
	var defs []*definition
	for r, err := range e.store.Keys(ctx) {
		if err != nil {
			return nil, err
		}
		if e.version = max(e.version, r.Version); r.Definition == nil {
			continue
		}
		f, err := ParseFile(r.Definition)
		if read := f.definitions(); err == nil && len(read) == 1 && read[0].key == r.Key {
			read[0].since, read[0].text = r.Since, r.Definition
			read[0].version, read[0].pending = r.Version, r.Pending
			defs = append(defs, read[0])
			continue
		}
		if err == nil {
			err = fmt.Errorf("%w: it is not one definition of its key", profile.ErrInvalid)
		}
		e.breaks(r, err)
	}
	return defs, nil
}

func (e *Engine) breaks(r profile.KeyRecord, err error) {
	e.broken[r.Key] = &broken{Broken{r.Key, r.Definition, err}, kindIn(r.Definition), r}
}

// noteBroken has what is broken be of a new version, in case that it is not broken for an engine
// to come: what was kept of it before is out of date then.
func (e *Engine) noteBroken(ctx context.Context, now int64) error {
	if len(e.broken) == 0 {
		return nil
	}
	x := e.x
	x.Ctx, x.At, x.Err = ctx, now, nil
	return x.within(func() error {
		x.nextVersion()
		for _, key := range slices.Sorted(maps.Keys(e.broken)) {
			b := e.broken[key]
			b.record.Version = e.version
			if err := x.put(&profile.SetKey{Record: b.record}); err != nil {
				return err
			}
		}
		return nil
	})
}

// planStored plans stored definitions, and returns them sorted: but for those that
// cannot be, which are broken.
func (e *Engine) planStored(defs []*definition, must *definition) ([]*definition, error) {
	for {
		sorted, err := planAll(e.env, e.store.Retention(), defs, func(key string) keyOf {
			if slices.ContainsFunc(defs, func(d *definition) bool { return d.key == key }) {
				return nothing
			}
			return e.keyOf(key)
		})
		if err == nil {
			err = e.readsBroken(sorted)
		}
		if err == nil {
			return sorted, nil
		}
		var of *DefinitionError
		if !errors.As(err, &of) {
			return nil, err
		}
		i := slices.IndexFunc(defs, func(d *definition) bool { return d.key == of.Audience+of.Trait })
		if i < 0 || defs[i] == must {
			return nil, err
		}
		e.breaks(profile.KeyRecord{
			Key: defs[i].key, Definition: defs[i].text, Since: defs[i].since, Version: defs[i].version, Pending: defs[i].pending,
		}, err)
		defs = slices.Delete(defs, i, i+1)
	}
}

// readsBroken returns an error for the first definition that reads a broken one.
func (e *Engine) readsBroken(defs []*definition) error {
	for _, d := range defs {
		for _, key := range d.plan.Refs(nil) {
			if e.broken[key] != nil && !slices.ContainsFunc(defs, func(d *definition) bool { return d.key == key }) {
				return d.fail("", fmt.Errorf("%w: %s, which it reads", ErrBroken, key))
			}
		}
	}
	return nil
}

// mend makes an edited definition live in the place of a broken one, with those that
// were broken for its sake.
func (x *txn) mend(edited *definition) (err error) {
	e := x.e
	was := e.broken[edited.key]
	if was.kind != edited.of() && was.kind != nothing {
		return edited.fail("of", fmt.Errorf("%w: it cannot be edited", profile.ErrInvalid))
	}
	if edited.noBackfill() {
		if edited.since, _, err = x.Store.Position(x.Ctx); err != nil {
			return err
		}
	}
	defs := []*definition{edited}
	for _, b := range e.broken {
		f, err := ParseFile(b.Text)
		if read := f.definitions(); b != was && err == nil && len(read) == 1 {
			read[0].since, read[0].text = b.record.Since, b.Text
			defs = append(defs, read[0])
		}
	}
	before := maps.Clone(e.broken)
	x.onAbandon(func() {
		e.broken = before
		e.publish()
	})
	delete(e.broken, edited.key)
	sorted, err := e.planStored(defs, edited)
	if err != nil {
		return err
	}
	e.changes++
	x.nextVersion()
	for _, d := range sorted {
		if d.version = e.version; d == edited {
			err = x.storeDefinition(d)
		} else { // in its own words
			err = x.put(&profile.SetKey{Record: profile.KeyRecord{Key: d.key, Definition: d.text, Since: d.since, Version: d.version}})
		}
		if err != nil {
			return err
		}
		delete(e.broken, d.key)
	}
	fresh := e.define(sorted)
	x.onAbandon(func() {
		for _, d := range slices.Backward(sorted) {
			e.removeLive(e.live[d.key])
		}
		e.changes++
		e.publish()
	})
	x.onCommit(func() { e.publish() })
	// Every profile is read anew, and compared with what was told.
	each := func(do func(profile.Ref)) {
		if x.Err == nil {
			x.Err = x.every(func(ref profile.Ref) error {
				do(ref)
				return x.Err
			})
		}
	}
	setPending(fresh, math.MaxUint32) // what is new latches
	x.onCommit(func() { allHave(fresh) })
	return x.run(CauseEdit, func() {
		each(x.forget)
		each(func(ref profile.Ref) { x.reach(ref) })
	})
}

// deleteBroken ends a broken definition.
func (x *txn) deleteBroken(key string) error {
	x.onCommit(func() {
		delete(x.e.broken, key)
		x.e.publish()
	})
	return x.deleteStored(key, false)
}
