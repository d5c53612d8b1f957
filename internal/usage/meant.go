package usage

import "github.com/muster-go/muster/internal/near"

// MeantEvent returns the name of events that may be meant by one that nobody has sent;
// empty: it has come, or none is near.
func (f *Fields) MeantEvent(name string) (meant string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	meant, _ = near.Name(name, func(yield func(string) bool) {
		for g := range f.examined.All {
			if !g.Traits && !yield(g.Event) {
				return
			}
		}
	})
	return meant
}

// MeantField is MeantEvent for the name of a field of a group.
func (f *Fields) MeantField(g Group, name string) (meant string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fields.Get(FieldKey{Group: g, Name: name}) != nil {
		return ""
	}
	meant, _ = near.Name(name, func(yield func(string) bool) {
		for key := range f.fields.All {
			if key.Group == g && !key.Nested && !yield(key.Name) {
				return
			}
		}
	})
	return meant
}
