package audience

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/muster-go/muster/internal/usage"
	"github.com/muster-go/muster/profile"
)

// Catalog is what the data is made of: which events there are, with which properties, and
// which traits.
//
// All of it is kept in bounded memory, whatever is sent: about 3 MB where it is full of
// names of usual lengths. While there are fewer than 1,024 names of events and 4,096
// properties and traits, counts of events are exact. Beyond, those that are rarest are let
// go of, and what is left says by how much its count may be too small: at most by
// 2n/1,024 of n events for a name, and by 2n/4,096 of n properties for a property. A name
// of more than 256 bytes is not counted.
//
// The properties of the first 256 events of a name are looked at (or more: of each shard
// that takes some), and then of one in 16, at random. A share of p among n events that were
// looked at is off by at most 2·√(p(1-p)/n) in 19 cases of 20.
type Catalog struct {
	Events        []CatalogEvent `json:"events"` // by name
	Traits        []CatalogField `json:"traits"` // of users, by name
	AccountTraits []CatalogField `json:"account_traits"`
}

// CatalogEvent is the events of a name.
type CatalogEvent struct {
	Name       string         `json:"name"`
	Count      uint64         `json:"count"`
	Missed     uint64         `json:"missed,omitempty"` // at most so many more there were
	Last       time.Time      `json:"last"`             // the latest time of any, UTC
	Examined   uint64         `json:"examined"`         // whose properties were looked at
	Properties []CatalogField `json:"properties,omitempty"`
}

// CatalogField is a property of the events of a name, or a trait; or what is in one that is a
// map, up to 8 levels. What is in lists is not looked at.
type CatalogField struct {
	Name   string  `json:"name"`             // of a nested one the path: a.b, or a["b.c"]
	Nested bool    `json:"nested,omitempty"` // it is in a map, which is a field as well
	Count  uint64  `json:"count"`            // among the events, or calls, that were looked at
	Missed uint64  `json:"missed,omitempty"` // at most so many more of them have it
	Share  float64 `json:"share"`            // Count of those looked at, from 0 to 1
	// Types says how often its value is a "bool", "int", "double", "string", "list", "map" or
	// "null".
	Types map[string]uint64 `json:"types"`
	// Values are frequent ones among its bools, numbers and texts of up to 64 bytes, the most
	// frequent first, 8 at most: any that more than a ninth have is among them.
	Values []CatalogValue `json:"values,omitempty"`
}

// CatalogValue is a frequent value.
type CatalogValue struct {
	Value  profile.Value `json:"value"`
	Count  uint64        `json:"count"`
	Missed uint64        `json:"missed,omitempty"` // at most so many more there were
}

// Event returns the events of a name.
func (c *Catalog) Event(name string) (CatalogEvent, bool) {
	i, ok := slices.BinarySearchFunc(c.Events, name, func(e CatalogEvent, name string) int { return strings.Compare(e.Name, name) })
	if !ok {
		return CatalogEvent{}, false
	}
	return c.Events[i], true
}

// noted is data of a transaction, to be counted when it is committed.
type noted struct {
	group usage.Group
	at    time.Time
	of    profile.Object
}

// noteUse counts what a transaction brought, which is committed.
func (x *txn) noteUse() {
	for i := range x.noted {
		n := &x.noted[i]
		x.home.names.Add(n.group, n.at, n.of)
	}
}

// Catalog returns what the data is made of, as of what has been committed. It counts what
// comes through the engine. What the store had before, as when it is opened again, is read
// from it, all of it, by the first call: later ones cost nothing of the kind. Of it there
// are the events that the store still keeps, and of traits the writes that still matter.
func (e *Engine) Catalog(ctx context.Context) (_ Catalog, err error) {
	ctx, end := e.begin(ctx, "catalog")
	defer func() { err = end(err) }()
	if err := ctx.Err(); err != nil {
		return Catalog{}, in("catalog", err)
	}
	if e.closed.Load() {
		return Catalog{}, in("catalog", profile.ErrClosed)
	}
	before, err := e.usedBefore(ctx)
	if err != nil {
		return Catalog{}, in("catalog", err)
	}
	return e.used(before), nil
}

// used is what the engine has counted, and before what it has counted of the store.
func (e *Engine) used(before *usage.Names) Catalog {
	groups := map[usage.Group]*CatalogEvent{}
	gone := uint64(0)
	add := func(names *usage.Names) {
		table := names.Groups()
		gone += table.Gone()
		for g, of := range table.All {
			if g.Traits {
				continue
			}
			is := groups[g]
			if is == nil {
				is = &CatalogEvent{Name: g.Event}
				groups[g] = is
			}
			is.Count += of.Count
			is.Missed += of.Missed
			is.Missed -= table.Gone() // what is added to all below
			if of.Value.Last.After(is.Last) {
				is.Last = of.Value.Last.UTC()
			}
		}
	}
	for _, sh := range e.shards {
		sh.mu.Lock()
		add(&sh.names)
		sh.mu.Unlock()
	}
	if before != nil {
		add(before)
	}
	var c Catalog
	e.fields.Read(func(examined *usage.Table[usage.Group, struct{}], fields *usage.Table[usage.FieldKey, usage.Field]) {
		of := map[usage.Group][]CatalogField{}
		for key, field := range fields.All {
			n := uint64(0)
			if group := examined.Get(key.Group); group != nil {
				n = group.Count
			}
			of[key.Group] = append(of[key.Group], catalogField(key, field, n))
		}
		for g, is := range groups {
			if group := examined.Get(g); group != nil {
				is.Examined = group.Count
			}
			is.Missed += gone
			is.Properties = byName(of[g])
			c.Events = append(c.Events, *is)
		}
		c.Traits = byName(of[traitsOf(profile.User)])
		c.AccountTraits = byName(of[traitsOf(profile.Account)])
	})
	slices.SortFunc(c.Events, func(a, b CatalogEvent) int { return strings.Compare(a.Name, b.Name) })
	return c
}

func byName(fields []CatalogField) []CatalogField {
	slices.SortFunc(fields, func(a, b CatalogField) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 || a.Nested == b.Nested {
			return c
		}
		if b.Nested {
			return -1
		}
		return 1
	})
	return fields
}

// traitsOf returns the group of the traits of a subject.
func traitsOf(of profile.Subject) usage.Group { return usage.Group{Traits: true, Subject: of} }

// catalogField is a field that was counted in n objects.
func catalogField(key usage.FieldKey, item *usage.Item[usage.Field], n uint64) CatalogField {
	f := CatalogField{Name: key.Name, Nested: key.Nested, Count: item.Count, Missed: item.Missed, Types: map[string]uint64{}}
	f.Share = min(1, float64(item.Count)/float64(max(n, 1)))
	for kind, count := range item.Value.Kinds {
		if count > 0 {
			f.Types[profile.Kind(kind).String()] += count
		}
	}
	for _, v := range item.Value.Values {
		f.Values = append(f.Values, CatalogValue{v.Value, v.Count, v.Missed})
	}
	slices.SortFunc(f.Values, func(a, b CatalogValue) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), a.Value.Compare(b.Value))
	})
	return f
}

// before is what a store had before an engine was made on it.
type before struct {
	mu    chan struct{} // holds one while somebody reads: who waits for it can give up
	upTo  uint64        // the arrival number of the last message
	names *usage.Names  // nil: it was not read yet
}

// usedBefore returns what the store had before; nil: nothing.
func (e *Engine) usedBefore(ctx context.Context) (*usage.Names, error) {
	b := &e.before
	if b.upTo == 0 {
		return nil, nil
	}
	select {
	case b.mu <- struct{}{}:
		defer func() { <-b.mu }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if b.names != nil {
		return b.names, nil
	}
	fields := usage.NewFields()
	names := usage.NewNames(fields)
	snap, err := e.store.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = snap.Close() }()
	if err := b.read(ctx, snap, &names); err != nil {
		return nil, err
	}
	e.fields.Merge(fields)
	b.names = &names
	return b.names, nil
}

// read counts what came up to the opening of the engine.
func (b *before) read(ctx context.Context, r profile.Reader, names *usage.Names) error {
	for _, of := range []profile.Subject{profile.User, profile.Account} {
		for id, err := range r.Profiles(ctx, of, "") {
			if err == nil {
				err = b.readTraits(ctx, r, profile.Ref{Subject: of, ID: id}, names)
			}
			if err == nil && of == profile.User {
				err = b.readEvents(ctx, r, id, names)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *before) readTraits(ctx context.Context, r profile.Reader, ref profile.Ref, names *usage.Names) error {
	writes, err := r.Traits(ctx, ref)
	if err != nil {
		return err
	}
	set := map[string]any{}
	latest := time.Time{}
	for _, w := range writes {
		if w.Seq <= b.upTo {
			set[w.Name] = w.Value
			if w.Time.After(latest) {
				latest = w.Time
			}
		}
	}
	if len(set) == 0 {
		return nil
	}
	object, err := profile.NewObject(set)
	if err != nil {
		return err
	}
	names.Add(traitsOf(ref.Subject), latest, object)
	return nil
}

func (b *before) readEvents(ctx context.Context, r profile.Reader, user string, names *usage.Names) error {
	for name, err := range r.EventNames(ctx, user) {
		if err != nil {
			return err
		}
		for ev, err := range r.Events(ctx, user, name, time.Time{}) {
			if err != nil {
				return err
			}
			if ev.Seq <= b.upTo {
				names.Add(usage.Group{Event: name}, ev.Time, ev.Properties)
			}
		}
	}
	return nil
}
