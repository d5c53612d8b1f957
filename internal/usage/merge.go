package usage

import (
	"cmp"
	"slices"
)

// Merge adds what another has counted, which is not used any more.
func (f *Fields) Merge(other *Fields) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.examined.merge(&other.examined, func(_, _ *struct{}) {})
	f.fields.merge(&other.fields, (*Field).merge)
}

// merge adds what another table has counted: of a key that one of them does not have may
// be missed what that has let go of.
func (t *Table[K, V]) merge(other *Table[K, V], values func(into, from *V)) {
	for key, item := range t.items {
		if other.items[key] == nil {
			item.Missed += other.gone
		}
	}
	for key, from := range other.items {
		into := t.items[key]
		if into == nil {
			into = t.Insert(key)
		}
		into.Count += from.Count
		into.Missed += from.Missed
		into.weight += from.weight
		values(&into.Value, &from.Value)
	}
	t.gone += other.gone
}

// merge adds the values of another field. Of more than there is place for the most frequent
// stay, less what the first has that goes.
func (f *Field) merge(other *Field) {
	mine, others := f.gone(), other.gone()
	for i := range f.Values {
		f.Values[i].Missed += others
	}
	for _, v := range other.Values {
		i := slices.IndexFunc(f.Values, func(of Value) bool { return of.Value.Kind() == v.Value.Kind() && of.Value.Equal(v.Value) })
		if i < 0 {
			v.Missed += mine
			f.Values = append(f.Values, v)
			continue
		}
		f.Values[i].Count += v.Count
		f.Values[i].Missed += v.Missed - others
		f.Values[i].weight += v.weight
	}
	for kind, n := range other.Kinds {
		f.Kinds[kind] += n
	}
	if len(f.Values) <= maxValues {
		return
	}
	slices.SortFunc(f.Values, func(a, b Value) int { return cmp.Compare(b.weight, a.weight) })
	first := f.Values[maxValues].weight
	f.Values = slices.DeleteFunc(f.Values, func(v Value) bool { return v.weight <= first })
	for i := range f.Values {
		f.Values[i].weight -= first
	}
}
