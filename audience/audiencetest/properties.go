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
				r.event(n.Event.Name, n.Event.Filter, path)
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

// event notes what a filter reads of events of a name.
func (r *propertyReader) event(name, filter, path string) {
	if filter == "" {
		r.read(name, path, nil)
		return
	}
	f, err := r.env.Event(filter)
	if err != nil {
		r.err = err // the engine has taken it
		return
	}
	names, _ := f.Properties()
	r.read(name, path+".where", names)
}

func (r *propertyReader) funnel(f *funnel.Funnel, path string) {
	var earlier []string
	for i, s := range f.Steps {
		path := fmt.Sprintf("%s.steps[%d]", path, i)
		if s.Filter == "" {
			r.read(s.Event, path, nil)
		} else {
			filter, err := r.env.Step(s.Filter, earlier)
			if err != nil {
				r.err = err
				return
			}
			reads := filter.StepReads(earlier)
			r.read(s.Event, path+".where", reads.Self.Properties.Names)
			for j, of := range reads.Steps {
				r.read(f.Steps[j].Event, path+".where", of.Properties.Names)
			}
		}
		earlier = append(earlier, s.Name)
	}
}

func (r *propertyReader) computed(c *trait.Computed) {
	r.event(c.Event, c.Filter, "event")
	if c.Property == "" {
		return
	}
	source, err := property.Parse(c.Property)
	if err != nil {
		r.err = err
		return
	}
	if !source.OfUser {
		r.read(c.Event, "property", []string{source.Keys[0].String()})
	}
}

// read notes which properties no event of a name has.
func (r *propertyReader) read(event, path string, names []string) {
	f := r.of
	f.Path = path
	has, exists := r.events[event]
	var unknown []string
	for _, name := range names {
		if !has[name] {
			unknown = append(unknown, "properties."+name)
		}
	}
	switch {
	case !exists:
		f.Message = fmt.Sprintf("no script has an event %q", event)
	case len(unknown) > 0:
		f.Message = fmt.Sprintf("reads %s, which no %q in any script has", strings.Join(unknown, " and "), event)
	default:
		return
	}
	if !slices.Contains(r.found, f) {
		r.found = append(r.found, f)
	}
}
