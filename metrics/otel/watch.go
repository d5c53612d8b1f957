package otel

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Engine is what figures are read from. *audience.Engine is one.
type Engine interface {
	Stats() audience.Stats
	Progress() []audience.Progress
	List() []audience.Definition
	ListTraits() []trait.Computed
	Misses(key string) ([]audience.Misses, error)
}

// sentinels are the errors that are told apart, none of which wraps another.
var sentinels = map[string]error{
	"profile.ErrClosed":    profile.ErrClosed,
	"profile.ErrRetention": profile.ErrRetention,
	"profile.ErrRetired":   profile.ErrRetired,
	"audience.ErrLocked":   audience.ErrLocked,
	"audience.ErrInUse":    audience.ErrInUse,
	"audience.ErrExists":   audience.ErrExists,
	"audience.ErrCycle":    audience.ErrCycle,
	"audience.ErrBroken":   audience.ErrBroken,
}

// instrument is one that is read from the engine.
type instrument struct {
	name, unit, help string
	gauge            bool
	read             func(*figures, func(value float64, of ...attribute.KeyValue))
}

// figures are those of one collection.
type figures struct {
	audience.Stats
	engine Engine
}

// instruments are all that are read.
var instruments = []instrument{
	{"muster.transitions", "{transition}", "Memberships that changed.", false, func(f *figures, is func(float64, ...attribute.KeyValue)) {
		for _, t := range f.Transitions {
			is(float64(t.Count), attribute.String("muster.audience", t.Audience),
				attribute.String("muster.transition.type", t.Type.String()), attribute.String("muster.transition.cause", t.Cause.String()))
		}
	}},
	{"muster.trait.changes", "{change}", "Values of computed traits that changed.", false, func(f *figures, is func(float64, ...attribute.KeyValue)) { is(float64(f.Values)) }},
	{"muster.callback.failures", "{failure}", "Callbacks that failed.", false, func(f *figures, is func(float64, ...attribute.KeyValue)) { is(float64(f.Misfires)) }},
	{"muster.transactions", "{transaction}", "Transactions of the store, by how they ended.", false, func(f *figures, is func(float64, ...attribute.KeyValue)) {
		is(float64(f.Commits), attribute.String("muster.transaction.outcome", "committed"))
		is(float64(f.Aborts), attribute.String("muster.transaction.outcome", "aborted"))
	}},
	{"muster.timers.fired", "{timer}", "Profiles that time alone changed, or may have.", false, func(f *figures, is func(float64, ...attribute.KeyValue)) { is(float64(f.Timers)) }},
	{"muster.timers.lateness", "s", "How late timers were taken, together.", false, func(f *figures, is func(float64, ...attribute.KeyValue)) { is(f.Late.Seconds()) }},
	{"muster.timers.next", "s", "When the next timer is due, since 1970.", true, func(f *figures, is func(float64, ...attribute.KeyValue)) {
		if !f.NextTimer.IsZero() {
			is(float64(f.NextTimer.UnixNano()) / float64(time.Second))
		}
	}},
	{"muster.profiles.touched", "{profile}", "Profiles that transactions came to.", false, func(f *figures, is func(float64, ...attribute.KeyValue)) { is(float64(f.Touched)) }},
	{"muster.profiles.read", "{profile}", "Profiles that were read from the store.", false, func(f *figures, is func(float64, ...attribute.KeyValue)) { is(float64(f.Read)) }},
	{"muster.cache.profiles", "{profile}", "Profiles in memory.", true, func(f *figures, is func(float64, ...attribute.KeyValue)) { is(float64(f.States)) }},
	{"muster.cache.size", "By", "What profiles in memory take, if that is bounded.", true, func(f *figures, is func(float64, ...attribute.KeyValue)) { is(float64(f.StateBytes)) }},
	{"muster.outbox.notices", "{notice}", "Notices that wait for durable subscribers.", true, func(f *figures, is func(float64, ...attribute.KeyValue)) { is(float64(f.Waiting)) }},
	{"muster.outbox.size", "By", "What waits for durable subscribers takes in the store.", true, func(f *figures, is func(float64, ...attribute.KeyValue)) { is(float64(f.WaitBytes)) }},
	{"muster.filter.misses", "{miss}", "How often a place in a definition could not be applied.", false, func(f *figures, is func(float64, ...attribute.KeyValue)) {
		for _, key := range f.keys() {
			misses, _ := f.engine.Misses(key) // it may be gone by now
			for _, m := range misses {
				is(float64(m.Count), attribute.String("muster.key", key), attribute.String("muster.path", m.Path))
			}
		}
	}},
	{"muster.rollout.profiles", "{profile}", "Profiles that a creation or an edit has come to, and has in all.", true, func(f *figures, is func(float64, ...attribute.KeyValue)) {
		for _, p := range f.engine.Progress() {
			keys := attribute.String("muster.keys", strings.Join(p.Keys, ","))
			is(float64(p.Done), keys, attribute.String("muster.state", "done"))
			is(float64(p.Total), keys, attribute.String("muster.state", "total"))
		}
	}},
}

// keys returns those of all live definitions.
func (f *figures) keys() (keys []string) {
	for _, d := range f.engine.List() {
		keys = append(keys, d.Key)
	}
	for _, c := range f.engine.ListTraits() {
		keys = append(keys, c.Key)
	}
	return keys
}

// Watch has an engine's figures read with each collection, until stop is called; attributes
// tell the engines apart, if there are several.
func (o *Observer) Watch(e Engine, attributes ...attribute.KeyValue) (stop func() error, err error) {
	observables := make([]metric.Observable, len(instruments))
	metrics := make([]metric.Float64Observable, len(instruments))
	for i, in := range instruments {
		var err error
		if in.gauge {
			var g metric.Float64ObservableGauge
			g, err = o.meter.Float64ObservableGauge(in.name, metric.WithUnit(in.unit), metric.WithDescription(in.help))
			metrics[i] = g
		} else {
			var c metric.Float64ObservableCounter
			c, err = o.meter.Float64ObservableCounter(in.name, metric.WithUnit(in.unit), metric.WithDescription(in.help))
			metrics[i] = c
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", in.name, err)
		}
		observables[i] = metrics[i]
	}
	read := func(_ context.Context, to metric.Observer) error {
		f := &figures{Stats: e.Stats(), engine: e}
		for i, in := range instruments {
			in.read(f, func(value float64, of ...attribute.KeyValue) {
				to.ObserveFloat64(metrics[i], value, metric.WithAttributes(append(of, attributes...)...))
			})
		}
		return nil
	}
	registration, err := o.meter.RegisterCallback(read, observables...)
	if err != nil {
		return nil, errors.Join(errors.New("watch"), err)
	}
	return registration.Unregister, nil
}
