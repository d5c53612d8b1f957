package audience

import (
	"bytes"
	"context"

	"github.com/muster-go/muster/internal/strictjson"
)

// editText makes an edit that only changes what is for people. done says that it was one:
// no member and no value depends on that.
func (e *Engine) editText(ctx context.Context, edited *definition) (done bool, err error) {
	e.mu.RLock()
	var was *definition
	if a := e.live[edited.key]; a != nil {
		was = a.definition
	}
	changes := e.changes
	e.mu.RUnlock()
	if was == nil || !edited.differsInText(was) {
		return false, nil
	}
	if _, err := planAll(e.env, e.store.Retention(), []*definition{{key: edited.key, audience: edited.audience, computed: edited.computed}}, e.kindBeside(edited.key)); err != nil {
		return false, err
	}
	err = e.alone(ctx, "", true, func(x *txn) error {
		a := e.live[edited.key]
		if e.changes != changes || e.changing[edited.key] || e.pinned[edited.key] > 0 {
			return nil // as any other edit: it says what is in the way
		}
		again := *a.definition
		again.audience, again.computed = edited.audience, edited.computed
		x.keepDefinition(a)
		a.definition = &again
		if err := x.storeDefinition(&again); err != nil {
			return err
		}
		e.changes++ // who plans an edit of what reads it has the old text
		e.publish()
		done = true
		return nil
	})
	return done && err == nil, err
}

// kindBeside returns what keys name beside one that is planned anew.
func (e *Engine) kindBeside(edited string) func(string) keyOf {
	return func(key string) keyOf {
		if key == edited {
			return nothing
		}
		e.mu.RLock()
		defer e.mu.RUnlock()
		return e.keyOf(key)
	}
}

// differsInText reports whether definitions differ, and in what is for people alone.
func (d *definition) differsInText(other *definition) bool {
	if (d.computed == nil) != (other.computed == nil) {
		return false
	}
	mine, rest := d.texts()
	others, otherRest := other.texts()
	return rest != nil && !bytes.Equal(mine, others) && bytes.Equal(rest, otherRest)
}

// texts returns the JSON form of a definition, and that of it without what is for people;
// nil: it has none.
func (d *definition) texts() (whole, rest []byte) {
	var of, without any
	if d.computed != nil {
		c := *d.computed
		of, c.Name, c.Description = *d.computed, "", ""
		without = c
	} else {
		a := *d.audience
		a.Name, a.Description, a.Tags, a.Owner = "", "", nil, ""
		of, without = *d.audience, a
	}
	whole, err := strictjson.Encode(of)
	if err != nil {
		return nil, nil
	}
	if rest, err = strictjson.Encode(without); err != nil {
		return nil, nil
	}
	return whole, rest
}
