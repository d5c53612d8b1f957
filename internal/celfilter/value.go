package celfilter

import (
	"fmt"
	"iter"
	"reflect"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"github.com/muster-go/muster/profile"
)

// celValue presents a packed value to cel-go. A list is unpacked one level, a
// map not at all until it is asked for a key.
func celValue(v profile.Value) ref.Val {
	switch v.Kind() {
	case profile.False:
		return types.False
	case profile.True:
		return types.True
	case profile.Int:
		n, _ := v.Int()
		return types.Int(n)
	case profile.Float:
		f, _ := v.Float()
		if text, ok := v.Digits(); ok {
			return digits{types.Double(f), string(text)}
		}
		return types.Double(f)
	case profile.String:
		text, _ := v.Text()
		return types.String(text)
	case profile.List:
		items := []ref.Val{}
		for item := range v.Items() {
			items = append(items, celValue(item))
		}
		return types.NewRefValList(types.DefaultTypeAdapter, items)
	case profile.Map:
		o, _ := v.Object()
		return &mapVal{&o}
	}
	return types.NullValue
}

// noFields are the traits of one who has none.
type noFields struct{}

func (noFields) Lookup(profile.Key) (profile.Value, bool) { return profile.Value{}, false }

func (noFields) All() iter.Seq2[string, profile.Value] {
	return func(func(string, profile.Value) bool) {}
}

// mapVal is a CEL map over fields, read in place.
type mapVal struct{ fields Fields }

var (
	_ traits.Mapper   = (*mapVal)(nil)
	_ traits.Foldable = (*mapVal)(nil)
)

// Find implements traits.Mapper. As in cel-go's own map of strings, a key of
// another type is not found.
func (m *mapVal) Find(key ref.Val) (ref.Val, bool) {
	text, ok := key.(types.String)
	if !ok {
		return nil, false
	}
	var none *profile.Dict // the key serves objects of any dictionary
	v, ok := m.fields.Lookup(none.Key(string(text)))
	if !ok {
		return nil, false
	}
	return celValue(v), true
}

// Contains implements traits.Container.
func (m *mapVal) Contains(key ref.Val) ref.Val {
	_, ok := m.Find(key)
	return types.Bool(ok)
}

// Get implements traits.Indexer.
func (m *mapVal) Get(key ref.Val) ref.Val {
	v, ok := m.Find(key)
	if !ok {
		return types.NewErr("no such key: %v", key)
	}
	return v
}

// Size implements traits.Sizer.
func (m *mapVal) Size() ref.Val {
	n := 0
	for range m.fields.All() {
		n++
	}
	return types.Int(n)
}

// Iterator implements traits.Iterable: over the keys.
func (m *mapVal) Iterator() traits.Iterator {
	names := []string{}
	for name := range m.fields.All() {
		names = append(names, name)
	}
	return types.NewStringList(types.DefaultTypeAdapter, names).Iterator()
}

// Fold implements traits.Foldable.
func (m *mapVal) Fold(f traits.Folder) {
	for name, v := range m.fields.All() {
		if !f.FoldEntry(name, celValue(v)) {
			return
		}
	}
}

// Equal implements ref.Val.
func (m *mapVal) Equal(other ref.Val) ref.Val {
	o, ok := other.(traits.Mapper)
	if !ok || m.Size() != o.Size() {
		return types.False
	}
	for name, v := range m.fields.All() {
		w, ok := o.Find(types.String(name))
		if !ok || types.Equal(celValue(v), w) == types.False {
			return types.False
		}
	}
	return types.True
}

// ConvertToType implements ref.Val.
func (m *mapVal) ConvertToType(t ref.Type) ref.Val {
	switch t {
	case types.MapType:
		return m
	case types.TypeType:
		return types.MapType
	}
	return types.NewErr("type conversion error from '%s' to '%s'", types.MapType, t)
}

// ConvertToNative implements ref.Val.
func (m *mapVal) ConvertToNative(t reflect.Type) (any, error) {
	return plainAdapter{}.NativeToValue(m.Value()).ConvertToNative(t)
}

// Type implements ref.Val.
func (m *mapVal) Type() ref.Type { return types.MapType }

// Value implements ref.Val.
func (m *mapVal) Value() any {
	plain := map[string]any{}
	for name, v := range m.fields.All() {
		plain[name] = v.Any()
	}
	return plain
}

// String returns the map as Go would print it, for messages.
func (m *mapVal) String() string { return fmt.Sprint(m.Value()) }
