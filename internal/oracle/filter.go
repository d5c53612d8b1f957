package oracle

import (
	"strconv"
	"strings"
	"sync"

	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/profile"
)

// filters evaluates CEL, and remembers the answers: cel-go is the slow part.
type filters struct{ answers map[string]bool }

func newFilters() *filters { return &filters{answers: map[string]bool{}} }

// step answers a filter on the event of m, which sees some traits beside it and,
// in a funnel, the events chosen for the earlier steps of some names.
func (f *filters) step(source string, earlier []string, m message, chosen []message, sees scope) bool {
	key := source + "\x00" + strconv.Itoa(m.arrival)
	for i, name := range earlier {
		if strings.Contains(source, "steps."+name+".") {
			key += " " + name + strconv.Itoa(chosen[i].arrival)
		}
	}
	if sees.text != "" {
		key += "\x00" + sees.text
	}
	return f.remember(key, func() bool {
		in := plainEvent(m)
		in.Traits, in.Account, in.ID, in.IDs = sees.own, sees.account, sees.id, sees.ids
		for _, c := range chosen {
			in.Steps = append(in.Steps, plainEvent(c))
		}
		return compiled("step", source, earlier).Reference(in) == celfilter.True
	})
}

func plainEvent(m message) celfilter.Plain {
	e := &m.track.Event
	return celfilter.Plain{Name: e.Name, Time: e.Time, Properties: e.Properties.Map(), Context: e.Context.Map()}
}

// traits answers a condition on traits.
func (f *filters) traits(source string, sees scope) bool {
	return f.remember(source+"\x00traits\x00"+sees.text, func() bool {
		in := celfilter.Plain{Traits: sees.own, Account: sees.account, ID: sees.id, IDs: sees.ids}
		return compiled("trait", source, nil).Reference(in) == celfilter.True
	})
}

func (f *filters) remember(key string, answer func() bool) bool {
	a, known := f.answers[key]
	if !known {
		a = answer()
		f.answers[key] = a
	}
	return a
}

func (ts traits) plain() map[string]any {
	m := map[string]any{}
	for name, v := range ts {
		m[name] = v.Any()
	}
	return m
}

// String returns ts as a JSON object, names in order.
func (ts traits) String() string {
	o, err := profile.NewObject(ts.plain())
	if err != nil {
		panic(err) // what was unpacked packs again
	}
	return o.String()
}

// programs holds every filter ever compiled, by kind, names and source: compiling
// takes a thousand times as long as evaluating.
var programs sync.Map

var environment = sync.OnceValue(func() *celfilter.Env {
	env, err := celfilter.NewEnv(nil)
	if err != nil {
		panic(err)
	}
	return env
})

// compiled returns the filter of a step, after the earlier ones of some names,
// or of a trait leaf, or a formula. It panics on a bad filter: the history is to be checked by
// the engine.
func compiled(kind, source string, earlier []string) *celfilter.Filter {
	key := kind + "\x00" + strings.Join(earlier, " ") + "\x00" + source
	if f, ok := programs.Load(key); ok {
		return f.(*celfilter.Filter)
	}
	var f *celfilter.Filter
	var err error
	switch kind {
	case "trait":
		f, err = environment().Trait(source)
	case "formula":
		f, err = environment().Formula(source)
	default:
		f, err = environment().Step(source, earlier)
	}
	if err != nil {
		panic(err)
	}
	programs.Store(key, f)
	return f
}
