package celfilter

import "time"

// Plain is an Input of plain Go values; see profile.Value.Any. A nil map is
// empty.
type Plain struct {
	Name       string
	Time       time.Time
	Properties map[string]any
	Context    map[string]any
	Traits     map[string]any
	Account    map[string]any
	ID         string
	IDs        map[string]any
	Steps      []Plain // of each: Name, Time, Properties, Context
}

// Reference evaluates the filter as cel-go does by itself: its own program,
// its own adapter, plain maps, no limit. It shares nothing with Eval, and is
// what Eval is tested against.
func (f *Filter) Reference(in Plain) Result {
	p := f.plain()
	if p == nil {
		return Miss
	}
	return evaluate(p, f.adapted(in))
}

// adapted returns the variables of the filter's environment as cel-go's values.
func (f *Filter) adapted(in Plain) map[string]any {
	vars := f.bindings(in)
	adapter := plainAdapter{}
	for name, v := range vars {
		vars[name] = adapter.NativeToValue(v)
	}
	return vars
}

// bindings returns the variables of the filter's environment.
func (f *Filter) bindings(in Plain) map[string]any {
	vars := map[string]any{}
	for name, v := range f.names {
		event := in
		if v.step >= 0 {
			if v.step >= len(in.Steps) {
				continue
			}
			event = in.Steps[v.step]
		}
		switch v.kind {
		case propertiesVar:
			vars[name] = event.Properties
		case contextVar:
			vars[name] = event.Context
		case traitsVar:
			vars[name] = event.Traits
		case accountVar:
			vars[name] = event.Account
		case timeVar:
			vars[name] = event.Time
		case idVar:
			vars[name] = event.ID
		case idsVar:
			vars[name] = event.IDs
		case nameVar:
			vars[name] = event.Name
		}
	}
	return vars
}
