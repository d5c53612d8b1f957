package lint

import (
	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// defined is what a file defines, by key.
type defined struct {
	traits    map[string]*trait.Computed
	audiences map[string]*audience.Definition
}

func definedIn(f audience.File) defined {
	d := defined{map[string]*trait.Computed{}, map[string]*audience.Definition{}}
	for i := range f.Traits {
		d.traits[f.Traits[i].Key] = &f.Traits[i]
	}
	for i := range f.Audiences {
		d.audiences[f.Audiences[i].Key] = &f.Audiences[i]
	}
	return d
}

// is reports whether a trait of a name, of a subject, is one that the file defines.
func (d defined) is(name string, of profile.Subject) bool {
	if c := d.traits[name]; c != nil {
		return c.Of == of
	}
	a := d.audiences[name]
	return a != nil && a.Of == of
}

// always reports whether a trait of a name is never missing: that of an audience is true
// or false, and a count of nothing is 0.
func (d defined) always(name string, of profile.Subject) bool {
	return d.is(name, of) && (d.audiences[name] != nil || d.counts(name, of))
}

// counts reports whether a trait of a name is a count: a whole number, 0 or more.
func (d defined) counts(name string, of profile.Subject) bool {
	if !d.is(name, of) || d.traits[name] == nil {
		return false
	}
	return d.traits[name].Type.Counts()
}
