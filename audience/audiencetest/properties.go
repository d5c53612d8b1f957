package audiencetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/property"
	"github.com/muster-go/muster/internal/selector"
	"github.com/muster-go/muster/trait"
)

// unknownProperties finds what definitions read of events that no event of that
// name has in any script.
func (c *Coverage) unknownProperties() ([]Finding, error) {
	env, err := celfilter.NewEnv(nil)
	if err != nil {
		return nil, err
	}
	r := &propertyReader{env: env, events: c.events}
	for _, text := range slices.Sorted(maps.Keys(c.audiences)) {
		d := &c.audiences[text].definition
		r.of = Finding{Audience: d.Key}
		eachLeaf(&d.Where, "where", func(n *audience.Node, path string) {
			switch {
			case n.Event != nil:
				of := selector.Of(n.Event.Name, n.Event.Names, n.Event.Prefix, n.Event.Any)
				r.event(of, n.Event.Filter, path)
				r.source(n.Event.Distinct.Source(), of, path+".distinct.by")
			case n.Funnel != nil:
				r.funnel(n.Funnel, path)
			}
		})
	}
	for _, text := range slices.Sorted(maps.Keys(c.traits)) {
		t := c.traits[text]
		r.of = Finding{Trait: t.Key}
		r.computed(&t)
	}
	return r.found, r.err
}

// propertyReader goes through definitions.
type propertyReader struct {
	env    *celfilter.Env
	events map[string]map[string]bool
	of     Finding // without a path
	found  []Finding
	err    error
}

// event notes what a filter reads of some events.
func (r *propertyReader) event(of selector.Selector, filter, path string) {
	if filter == "" {
		r.read(of, path, nil)
		return
	}
	f, err := r.env.Event(filter)
	if err != nil {
		r.err = err // the engine has taken it
		return
	}
	names, _ := f.Properties()
	r.read(of, path+".where", names)
}

func (r *propertyReader) funnel(f *funnel.Funnel, path string) {
	var earlier []string
	for i, s := range f.Steps {
		path := fmt.Sprintf("%s.steps[%d]", path, i)
		if s.Filter == "" {
			r.read(ofStep(&s), path, nil)
		} else {
			filter, err := r.env.Step(s.Filter, earlier)
			if err != nil {
				r.err = err
				return
			}
			reads := filter.StepReads(earlier)
			r.read(ofStep(&s), path+".where", reads.Self.Properties.Names)
			for j, of := range reads.Steps {
				r.read(ofStep(&f.Steps[j]), path+".where", of.Properties.Names)
			}
		}
		earlier = append(earlier, s.Name)
	}
}

func (r *propertyReader) computed(c *trait.Computed) {
	if !c.Type.TakesEvents() {
		return
	}
	of := selector.Of(c.Event, c.Names, c.Prefix, c.Any)
	r.event(of, c.Filter, "event")
	r.source(c.Property, of, "property")
}

// source notes a property that is read of some events; none if it is empty.
func (r *propertyReader) source(text string, of selector.Selector, path string) {
	if text == "" {
		return
	}
	source, err := property.Parse(text)
	if err != nil {
		r.err = err
		return
	}
	if !source.OfUser {
		r.read(of, path, []string{source.Keys[0].String()})
	}
}

func ofStep(s *funnel.Step) selector.Selector {
	return selector.Of(s.Event, s.Names, s.Prefix, s.Any)
}

// read notes which names no event has, and which properties none of some events.
func (r *propertyReader) read(of selector.Selector, path string, names []string) {
	f := r.of
	f.Path = path
	exists, has := false, map[string]bool{}
	for event := range of.EachOf(maps.Keys(r.events)) {
		exists = true
		maps.Copy(has, r.events[event])
	}
	if listed, _ := of.Names(); len(listed) > 1 {
		for _, name := range listed {
			if r.events[name] == nil {
				r.note(f, fmt.Sprintf("no script has an event %q", name))
			}
		}
	}
	var unknown []string
	for _, name := range names {
		if !has[name] {
			unknown = append(unknown, "properties."+name)
		}
	}
	switch {
	case !exists:
		r.note(f, fmt.Sprintf("no script has %s", anEvent(of)))
	case len(unknown) > 0:
		text := strings.TrimPrefix(strings.TrimPrefix(of.String(), "an "), "any ")
		r.note(f, fmt.Sprintf("reads %s, which no %s in any script has", strings.Join(unknown, " and "), text))
	}
}

// anEvent says which events there are none of.
func anEvent(of selector.Selector) string {
	if of.Name() != "" {
		return "an event " + of.String()
	}
	return of.String()
}

// note adds a finding, once.
func (r *propertyReader) note(f Finding, message string) {
	f.Message = message
	if !slices.Contains(r.found, f) {
		r.found = append(r.found, f)
	}
}
