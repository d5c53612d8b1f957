package sequence

import (
	"slices"
	"sync"

	"github.com/muster-go/muster/internal/canonical"
	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/profile"
)

// echo is how an event of a step stands in for one of an earlier step while it
// is not known which: in an exact plan the filter reads nothing of that but
// what is equal to properties of the event itself.
type echo struct {
	same   bool // the names are the same, so the event's own properties do
	own    []profile.Key
	theirs []string
}

// echoesOf returns the echoes of step i; columns are those of the partition.
func echoesOf(m *Matcher, i int, columns [][]string) []echo {
	s, own := &m.steps[i], columns[i]
	echoes := make([]echo, s.earlier)
	for pos := range echoes {
		x := &echoes[pos]
		x.same = true
		for c, theirs := range columns[m.follow[pos].step] {
			if !slices.Contains(s.refs.Steps[pos].Properties.Names, theirs) {
				continue
			}
			x.same = x.same && own[c] == theirs
			x.own = append(x.own, (*profile.Dict)(nil).Key(own[c]))
			x.theirs = append(x.theirs, theirs)
		}
	}
	return echoes
}

// properties returns what stands in for the earlier event's properties.
func (x *echo) properties(of profile.Object) profile.Object {
	if x.same {
		return of
	}
	plain := map[string]any{}
	for i, key := range x.own {
		v, _ := of.Lookup(key)
		plain[x.theirs[i]] = v
	}
	o, _ := profile.NewObject(plain) // a part of an object is within its limits
	return o
}

// admits applies the filter of a step to an event: whether it may be of that
// step. In an exact plan it then is, with its key.
func (m *Matcher) admits(i int, e event) celfilter.Result {
	s := &m.steps[i]
	if s.filter == nil || s.implied {
		return celfilter.True
	}
	in := inputs.Get().(*celfilter.Input)
	steps := in.Steps[:0]
	if m.exact && s.refs.Dynamic() {
		for pos := range s.echoes {
			steps = append(steps, celfilter.Step{Properties: s.echoes[pos].properties(e.Properties)})
		}
	}
	*in = celfilter.Input{
		Name:       e.Name,
		Time:       e.at,
		Properties: e.Properties,
		Context:    e.Context,
		Traits:     e.by.User,
		Account:    e.by.Account,
		Self:       e.by.Self,
		Steps:      steps,
	}
	r := s.filter.Eval(in)
	if r == celfilter.Miss && !m.exact && s.refs.Dynamic() {
		r = celfilter.True // where the answer depends on steps that are not there it is a miss
	}
	clear(steps)
	*in = celfilter.Input{Steps: steps}
	inputs.Put(in)
	return r
}

// inputs are pooled: what a filter is given escapes to the heap.
var inputs = sync.Pool{New: func() any { return new(celfilter.Input) }}

// keyOf returns the key of an event at a step; ok is false if a property that
// makes it is missing and it would have to be equal to another's.
func (m *Matcher) keyOf(i int, e *profile.Event) (k key, ok bool) {
	s := &m.steps[i]
	if len(s.key) == 0 {
		return key{}, true
	}
	var room, part [64]byte
	packed := room[:0]
	for _, name := range s.key {
		v, ok := e.Properties.Lookup(name)
		if !ok {
			return key{}, !s.Not && len(m.follow) == 1
		}
		if len(s.key) == 1 {
			packed = canonical.Append(packed, v)
		} else {
			packed = canonical.AppendSized(packed, canonical.Append(part[:0], v))
		}
	}
	return keyOf(packed), true
}
