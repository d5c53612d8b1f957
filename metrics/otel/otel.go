// Package otel makes OpenTelemetry metrics and traces of an engine:
//
//	o, err := otel.New(otel.Options{})
//	engine, err := audience.New(ctx, store, audience.Options{Observer: o})
//	stop, err := o.Watch(engine)
//
// Options name the providers; those that are global by default. Watch adds what is read
// from the engine with each collection, until stop is called.
//
// A span is made for each call of the engine, "muster track" and so on, of kind internal and
// below the span of the caller's context. Callbacks run below it. A call that fails sets its
// status, with exception.type and exception.message in an event and error.type as an
// attribute. Each transaction that is told within a call is an event of its span,
// "muster.step", with what it did.
//
// The metrics, with the units that OpenTelemetry asks for:
//
//	muster.call.duration        s              {muster.call, error.type}  histogram
//	muster.step.duration        s              histogram: a transaction, while it held its locks
//	muster.commit.duration      s              histogram: the store's part of it
//	muster.transitions          {transition}   {muster.audience, muster.transition.type, muster.transition.cause}
//	muster.trait.changes        {change}       values of computed traits that changed
//	muster.callback.failures    {failure}      callbacks that failed
//	muster.transactions         {transaction}  {muster.transaction.outcome} "committed" or "aborted"
//	muster.timers.fired         {timer}        profiles that time alone changed, or may have
//	muster.timers.lateness      s              how late these were taken, together
//	muster.timers.next          s              when the next is due, since 1970; absent: none is
//	muster.profiles.touched     {profile}      that transactions came to
//	muster.profiles.read        {profile}      those of them that were not in memory
//	muster.cache.profiles       {profile}      what is in memory
//	muster.cache.size           By             and what it takes, if that is bounded
//	muster.outbox.notices       {notice}       what waits for durable subscribers
//	muster.outbox.size          By             and what it takes in the store
//	muster.filter.misses        {miss}         {muster.key, muster.path} see Engine.Misses
//	muster.rollout.profiles     {profile}      {muster.keys, muster.state} of a creation or edit, "done" and "total"
//
// All but the histograms are read from the engine as it counts them (Engine.Stats, Progress
// and Misses).
package otel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/muster-go/muster/audience"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	"go.opentelemetry.io/otel/trace"
)

// scope is the name of what instruments.
const scope = "github.com/muster-go/muster/metrics/otel"

// Options of an Observer; the zero value is fine.
type Options struct {
	Tracer trace.TracerProvider // otel.GetTracerProvider() if it is nil
	Meter  metric.MeterProvider // otel.GetMeterProvider() if it is nil
}

// Observer is an audience.Observer that makes spans and histograms. It is safe for
// concurrent use, and may observe several engines.
type Observer struct {
	tracer trace.Tracer
	meter  metric.Meter

	calls, steps, commits metric.Float64Histogram
}

var _ audience.Observer = (*Observer)(nil)

// buckets are the bounds of durations in seconds: those that the semantic conventions advise,
// and smaller ones, as most calls take microseconds.
var buckets = []float64{1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}

// New returns an observer for audience.Options.
func New(opts Options) (*Observer, error) {
	if opts.Tracer == nil {
		opts.Tracer = otel.GetTracerProvider()
	}
	if opts.Meter == nil {
		opts.Meter = otel.GetMeterProvider()
	}
	o := &Observer{
		tracer: opts.Tracer.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL)),
		meter:  opts.Meter.Meter(scope, metric.WithSchemaURL(semconv.SchemaURL)),
	}
	for _, h := range []struct {
		into       *metric.Float64Histogram
		name, help string
	}{
		{&o.calls, "muster.call.duration", "How long calls of the engine take."},
		{&o.steps, "muster.step.duration", "How long transactions hold their locks."},
		{&o.commits, "muster.commit.duration", "How long commits of the store take."},
	} {
		var err error
		*h.into, err = o.meter.Float64Histogram(h.name, metric.WithUnit("s"), metric.WithDescription(h.help), metric.WithExplicitBucketBoundaries(buckets...))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", h.name, err)
		}
	}
	return o, nil
}

// Call begins the span of a call. It is called by the engine.
func (o *Observer) Call(ctx context.Context, name string) (context.Context, func(error)) {
	began := time.Now()
	call := attribute.String("muster.call", name)
	within, span := o.tracer.Start(ctx, "muster "+name, trace.WithAttributes(call), trace.WithTimestamp(began))
	return within, func(err error) {
		ended := time.Now()
		of := []attribute.KeyValue{call}
		if err != nil {
			kind := semconv.ErrorTypeKey.String(errorType(err))
			of = append(of, kind)
			span.RecordError(err)
			span.SetAttributes(kind)
			span.SetStatus(codes.Error, err.Error())
		}
		span.End(trace.WithTimestamp(ended))
		o.calls.Record(within, ended.Sub(began).Seconds(), metric.WithAttributes(of...))
	}
}

// Step notes a transaction. It is called by the engine.
func (o *Observer) Step(ctx context.Context, s audience.Step) {
	o.steps.Record(ctx, s.Took.Seconds())
	o.commits.Record(ctx, s.Committing.Seconds())
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	told := 0
	for _, t := range s.Transitions {
		told += int(t.Count)
	}
	span.AddEvent("muster.step", trace.WithAttributes(
		attribute.String("muster.step.at", s.At.Format(time.RFC3339Nano)),
		attribute.Float64("muster.step.duration", s.Took.Seconds()),
		attribute.Float64("muster.commit.duration", s.Committing.Seconds()),
		attribute.Int("muster.transitions", told),
		attribute.Int("muster.trait.changes", s.Values),
		attribute.Int("muster.timers.fired", s.Timers),
		attribute.Float64("muster.timers.lateness", s.Late.Seconds()),
		attribute.Int("muster.profiles.touched", s.Touched),
		attribute.Int("muster.profiles.read", s.Read),
	))
}

// errorType names the kind of an error, of few there are: where it wraps an error of a type
// that is exported, or a sentinel, the first that is known.
func errorType(err error) string {
	var (
		definition *audience.DefinitionError
		message    *audience.MessageError
		panicked   *audience.PanicError
	)
	switch {
	case errors.As(err, &panicked):
		return "panic"
	case errors.Is(err, context.Canceled):
		return "context.Canceled"
	case errors.Is(err, context.DeadlineExceeded):
		return "context.DeadlineExceeded"
	}
	for name, kind := range sentinels {
		if errors.Is(err, kind) {
			return name
		}
	}
	switch {
	case errors.As(err, &definition):
		return "audience.DefinitionError"
	case errors.As(err, &message):
		return "audience.MessageError"
	}
	return semconv.ErrorTypeOther.Value.AsString()
}
