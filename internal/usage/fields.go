package usage

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/muster-go/muster/profile"
)

const (
	maxFields = 4096 // of all groups together
	maxValues = 8    // of one field
	maxText   = 64   // bytes of a value that is kept
	// MaxName is how many bytes a name may have: longer ones are not counted.
	MaxName = 256
	maxNest = 8 // levels of maps below a field that are gone through
)

// Group is what fields belong to: the properties of the events of a name, or, without a
// name, the traits of a subject.
type Group struct {
	Traits  bool
	Subject profile.Subject
	Event   string
}

// FieldKey is a field of a group, or one of the maps below it.
type FieldKey struct {
	Group
	Name   string // of a nested one the path: a.b, or a["b.c"]
	Nested bool
}

// Field is what was found under a name.
type Field struct {
	Kinds  [profile.Map + 1]uint64 // by profile.Kind
	Values []Value
}

// Value is one of the frequent values of a field.
type Value struct {
	Value  profile.Value
	Count  uint64 // since it is kept
	Missed uint64 // at most as often it was there before
	weight uint64
}

// Fields counts the fields of objects. It is safe for concurrent use.
type Fields struct {
	mu       sync.Mutex
	fields   Table[FieldKey, Field]
	examined Table[Group, struct{}]
}

// NewFields returns one that has counted nothing.
func NewFields() *Fields {
	return &Fields{fields: NewTable[FieldKey, Field](maxFields), examined: NewTable[Group, struct{}](maxFields)}
}

// TryAdd counts the fields of an object, unless another goroutine is at it.
func (f *Fields) TryAdd(g Group, o profile.Object) bool {
	if !f.mu.TryLock() {
		return false
	}
	defer f.mu.Unlock()
	f.add(g, o)
	return true
}

// Add counts the fields of an object.
func (f *Fields) Add(g Group, o profile.Object) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.add(g, o)
}

func (f *Fields) add(g Group, o profile.Object) {
	group := f.examined.Get(g)
	if group == nil {
		g.Event = strings.Clone(g.Event)
		group = f.examined.Insert(g)
	}
	group.Add()
	f.addAll(FieldKey{Group: g}, o, maxNest)
}

// addAll counts the fields of an object, which is that of a key or, if that has no name, of
// its group.
func (f *Fields) addAll(of FieldKey, o profile.Object, deeper int) {
	for name, v := range o.All() {
		key := FieldKey{of.Group, name, false}
		if of.Name != "" {
			key.Name, key.Nested = below(of.Name, name), true
		}
		if len(key.Name) > MaxName {
			continue
		}
		field := f.fields.Get(key)
		if field == nil {
			key.Name = strings.Clone(key.Name)
			key.Event = strings.Clone(key.Event)
			field = f.fields.Insert(key)
		}
		field.Add()
		field.Value.add(v)
		if within, ok := v.Object(); ok && deeper > 0 && key.Name != "" {
			f.addAll(key, within, deeper-1)
		}
	}
}

// below returns the path of a name below another.
func below(path, name string) string {
	if name == "" || strings.ContainsAny(name, ".[]\"\\") {
		return path + "[" + strconv.Quote(name) + "]"
	}
	return path + "." + name
}

// add counts a value: Misra and Gries with maxValues entries.
func (f *Field) add(v profile.Value) {
	f.Kinds[v.Kind()]++
	if !keeps(v) {
		return
	}
	for i := range f.Values {
		of := &f.Values[i]
		if of.Value.Kind() == v.Kind() && of.Value.Equal(v) {
			of.Count++
			of.weight++
			return
		}
	}
	if len(f.Values) < maxValues {
		f.Values = append(f.Values, Value{Value: copied(v), Count: 1, Missed: f.gone(), weight: 1})
		return
	}
	for i := range f.Values {
		f.Values[i].weight--
	}
	f.Values = slices.DeleteFunc(f.Values, func(v Value) bool { return v.weight == 0 })
}

// gone returns how often at most a value was there that is not kept: each time that one
// came which had no place, it and all that had one lost one.
func (f *Field) gone() uint64 {
	n := uint64(0)
	for _, k := range f.Kinds {
		n += k
	}
	return n / (maxValues + 1)
}

// keeps reports whether a value is one that is counted: no list or map, no long text.
func keeps(v profile.Value) bool {
	switch v.Kind() {
	case profile.False, profile.True, profile.Int:
		return true
	case profile.Float:
		_, long := v.Digits()
		return !long
	case profile.String:
		text, _ := v.Bytes()
		return len(text) <= maxText
	}
	return false
}

// copied returns a value that keeps nothing of the object that it is of.
func copied(v profile.Value) profile.Value {
	if text, ok := v.Bytes(); ok {
		return profile.StringValue(string(text))
	}
	return v
}

// Read calls do with what was counted, while nothing is.
func (f *Fields) Read(do func(examined *Table[Group, struct{}], fields *Table[FieldKey, Field])) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do(&f.examined, &f.fields)
}
