package aggregate_test

import (
	"cmp"
	"math"
	"math/big"
	"slices"

	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// model answers for a computed trait from all events each time, in the
// simplest way there is.
type model struct {
	def    trait.Computed
	events []event
}

type event struct {
	at    int64
	value profile.Value
}

// changes returns the instants at which an event begins or stops to count.
func (m *model) changes() []int64 {
	var instants []int64
	for _, e := range m.events {
		instants = append(instants, e.at+int64(m.def.Window.Min))
		if !m.def.Window.IsZero() {
			instants = append(instants, e.at+int64(m.def.Window.Max))
		}
	}
	slices.Sort(instants)
	return slices.Compact(instants)
}

func (m *model) at(t int64) profile.Value {
	var in []event
	for _, e := range m.events {
		age := t - e.at
		if m.def.Window.IsZero() && age < 0 || age < int64(m.def.Window.Min) ||
			!m.def.Window.IsZero() && age >= int64(m.def.Window.Max) {
			continue
		}
		switch m.def.Type {
		case trait.TypeCount:
		case trait.TypeSum, trait.TypeAverage, trait.TypeMin, trait.TypeMax:
			if _, number := e.value.Float(); !number {
				continue
			}
		default:
			if e.value.IsNull() {
				continue
			}
			e.value = plain(e.value.Any())
		}
		in = append(in, e)
	}
	if len(in) == 0 {
		return profile.Value{}
	}
	slices.SortFunc(in, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.at, b.at), a.value.Compare(b.value))
	})
	switch m.def.Type {
	case trait.TypeCount:
		return profile.IntValue(int64(len(in)))
	case trait.TypeSum, trait.TypeAverage:
		return m.sum(in)
	case trait.TypeMin:
		return extreme(in, -1)
	case trait.TypeMax:
		return extreme(in, 1)
	case trait.TypeFirst:
		return in[0].value
	case trait.TypeLast:
		return in[len(in)-1].value
	}
	return m.distinct(in)
}

func (m *model) sum(in []event) profile.Value {
	total, ints := new(big.Rat), true
	for _, e := range in {
		x := new(big.Rat)
		if n, ok := e.value.Int(); ok {
			x.SetInt64(n)
		} else {
			x.SetString(e.value.String()) // as it is written
			ints = false
		}
		total.Add(total, x)
	}
	if m.def.Type == trait.TypeAverage {
		f, _ := total.Quo(total, big.NewRat(int64(len(in)), 1)).Float64()
		return profile.FloatValue(f)
	}
	if ints && total.Num().IsInt64() {
		return profile.IntValue(total.Num().Int64())
	}
	f, _ := total.Float64()
	return profile.FloatValue(f)
}

func extreme(in []event, sign int) profile.Value {
	best := in[0].value
	for _, e := range in[1:] {
		c := sign * e.value.Compare(best)
		if c > 0 || c == 0 && e.value.Kind() == profile.Int {
			best = e.value
		}
	}
	if f, ok := best.Float(); ok && f == 0 && best.Kind() == profile.Float {
		return profile.FloatValue(0)
	}
	return best
}

func (m *model) distinct(in []event) profile.Value {
	slices.SortFunc(in, func(a, b event) int { return a.value.Compare(b.value) })
	var values []profile.Value
	most, best := 0, profile.Value{}
	for len(in) > 0 {
		n := 1
		for n < len(in) && in[n].value.Equal(in[0].value) {
			n++
		}
		values = append(values, in[0].value)
		if n > most {
			most, best = n, in[0].value
		}
		in = in[n:]
	}
	switch m.def.Type {
	case trait.TypeUniqueList:
		return profile.ListValue(values...)
	case trait.TypeUniqueListCount:
		return profile.IntValue(int64(len(values)))
	}
	if most < max(m.def.MinFrequency, 1) && m.def.MinFrequency != 0 || most < 2 && m.def.MinFrequency == 0 {
		return profile.Value{}
	}
	return best
}

// plain returns v with whole doubles as ints.
func plain(v any) profile.Value {
	var whole func(v any) any
	whole = func(v any) any {
		switch v := v.(type) {
		case float64:
			if v == math.Floor(v) && v >= -1<<63 && v < 1<<63 {
				return int64(v)
			}
		case []any:
			for i := range v {
				v[i] = whole(v[i])
			}
		case map[string]any:
			for k := range v {
				v[k] = whole(v[k])
			}
		}
		return v
	}
	packed, err := profile.NewValue(whole(v))
	if err != nil {
		panic(err)
	}
	return packed
}
