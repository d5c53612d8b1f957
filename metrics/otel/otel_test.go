package otel_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/metrics/otel"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// running is an engine that is observed, with what is collected of it.
type running struct {
	*audience.Engine
	clock  *audience.ManualClock
	reader *sdkmetric.ManualReader
	spans  *tracetest.InMemoryExporter
	tracer *sdktrace.TracerProvider
	stop   func() error
}

func run(t *testing.T) *running {
	r := &running{
		clock:  audience.NewManualClock(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)),
		reader: sdkmetric.NewManualReader(),
		spans:  tracetest.NewInMemoryExporter(),
	}
	r.tracer = sdktrace.NewTracerProvider(sdktrace.WithSyncer(r.spans))
	o, err := otel.New(otel.Options{Tracer: r.tracer, Meter: sdkmetric.NewMeterProvider(sdkmetric.WithReader(r.reader))})
	require.NoError(t, err)
	r.Engine, err = audience.New(context.Background(), profile.NewMemStore(), audience.Options{Clock: r.clock, Observer: o})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	r.stop, err = o.Watch(r.Engine)
	require.NoError(t, err)
	return r
}

// collect returns the metrics by name.
func (r *running) collect(t *testing.T) map[string]metricdata.Metrics {
	var all metricdata.ResourceMetrics
	require.NoError(t, r.reader.Collect(context.Background(), &all))
	by := map[string]metricdata.Metrics{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			by[m.Name] = m
		}
	}
	return by
}

// value returns a metric's value for some attributes.
func value(t *testing.T, m metricdata.Metrics, of ...attribute.KeyValue) float64 {
	var points []metricdata.DataPoint[float64]
	switch data := m.Data.(type) {
	case metricdata.Sum[float64]:
		require.True(t, data.IsMonotonic)
		points = data.DataPoints
	case metricdata.Gauge[float64]:
		points = data.DataPoints
	}
	want := attribute.NewSet(of...)
	for _, p := range points {
		if p.Attributes.Equals(&want) {
			return p.Value
		}
	}
	require.Failf(t, "no such value", "%s %v among %v", m.Name, of, points)
	return 0
}

// A running engine is read with each collection.
func TestMetrics(t *testing.T) {
	ctx, r := context.Background(), run(t)
	require.NoError(t, r.Create(ctx, audience.Define("buyers").Members(audience.Performed("Buy").Where("properties.total > 1").Within(time.Hour))))
	require.NotContains(t, r.collect(t), "muster.timers.next", "none is due")
	for _, user := range []string{"ann", "bob"} {
		require.NoError(t, r.Track(ctx, profile.Event{Profile: user, Name: "Buy", Props: profile.Props{"total": 5}}))
	}
	require.NoError(t, r.Track(ctx, profile.Event{Profile: "ann", Name: "Buy"}))
	require.Error(t, r.Track(ctx, profile.Event{}))
	r.clock.Set(r.clock.Now().Add(90 * time.Minute))
	all := r.collect(t)
	require.Equal(t, float64(r.clock.Now().Add(-30*time.Minute).Unix()), value(t, all["muster.timers.next"]))
	require.Equal(t, 1.0, value(t, all["muster.filter.misses"], attribute.String("muster.key", "buyers"), attribute.String("muster.path", "where.event.where")))
	require.NoError(t, r.Advance(ctx, r.clock.Now()))

	all = r.collect(t)
	kind := func(typ, cause string) []attribute.KeyValue {
		return []attribute.KeyValue{attribute.String("muster.audience", "buyers"), attribute.String("muster.transition.type", typ), attribute.String("muster.transition.cause", cause)}
	}
	require.Equal(t, 2.0, value(t, all["muster.transitions"], kind("entered", "event")...))
	require.Equal(t, 2.0, value(t, all["muster.transitions"], kind("exited", "time")...))
	require.Equal(t, 2.0, value(t, all["muster.timers.fired"]))
	require.Equal(t, 3600.0, value(t, all["muster.timers.lateness"]), "each was half an hour late")
	require.Equal(t, 2.0, value(t, all["muster.cache.profiles"]))
	require.Equal(t, float64(r.Stats().Commits), value(t, all["muster.transactions"], attribute.String("muster.transaction.outcome", "committed")))

	calls := map[attribute.Set]uint64{}
	for _, p := range all["muster.call.duration"].Data.(metricdata.Histogram[float64]).DataPoints {
		calls[p.Attributes] = p.Count
		require.Positive(t, p.Sum)
	}
	call := attribute.String("muster.call", "track")
	require.Equal(t, uint64(3), calls[attribute.NewSet(call)])
	require.Equal(t, uint64(1), calls[attribute.NewSet(call, attribute.String("error.type", "_OTHER"))])
	steps := all["muster.step.duration"].Data.(metricdata.Histogram[float64]).DataPoints
	require.Len(t, steps, 1)
	require.Equal(t, r.Stats().Commits, steps[0].Count, "each transaction once")
	for name, m := range all {
		require.NotEmpty(t, m.Description, name)
		require.NotEmpty(t, m.Unit, name)
	}

	require.NoError(t, r.stop())
	require.NotContains(t, r.collect(t), "muster.transitions")
}

// A call is a span below that of its caller, with what it did; callbacks run below it.
func TestTraces(t *testing.T) {
	ctx, r := context.Background(), run(t)
	require.NoError(t, r.Create(ctx, audience.Define("buyers").Members(audience.Performed("Buy"))))
	_, err := r.Subscribe(func(ctx context.Context, _ audience.Transition) error {
		_, span := r.tracer.Tracer("mine").Start(ctx, "mail")
		span.End()
		return nil
	})
	require.NoError(t, err)
	r.spans.Reset()
	ctx, request := r.tracer.Tracer("mine").Start(ctx, "request")
	require.NoError(t, r.Track(ctx, profile.Event{Profile: "ann", Name: "Buy"}))
	closed, cancel := context.WithCancel(ctx)
	cancel()
	require.ErrorIs(t, r.Track(closed, profile.Event{Profile: "ann", Name: "Buy"}), context.Canceled)
	request.End()

	spans := r.spans.GetSpans()
	names := make([]string, len(spans))
	for i, s := range spans {
		names[i] = s.Name
	}
	require.Equal(t, []string{"mail", "muster track", "muster track", "request"}, names)
	mail, track, failed := spans[0], spans[1], spans[2]
	require.Equal(t, track.SpanContext.SpanID(), mail.Parent.SpanID())
	require.Equal(t, request.SpanContext().SpanID(), track.Parent.SpanID())
	require.Equal(t, codes.Unset, track.Status.Code)
	require.Len(t, track.Events, 1)
	require.Equal(t, "muster.step", track.Events[0].Name)
	require.Contains(t, track.Events[0].Attributes, attribute.Int("muster.transitions", 1))

	require.Equal(t, codes.Error, failed.Status.Code)
	require.Contains(t, failed.Attributes, attribute.String("error.type", "context.Canceled"))
	require.Len(t, failed.Events, 1)
	require.Equal(t, "exception", failed.Events[0].Name)
}

// What goes wrong is told apart by few names.
func TestErrorTypes(t *testing.T) {
	ctx, r := context.Background(), run(t)
	d := audience.Define("a").Members(audience.Performed("Buy"))
	require.NoError(t, r.Create(ctx, d))
	require.ErrorIs(t, r.Create(ctx, d), audience.ErrExists)
	bad := audience.Define("b").Members(audience.Performed("Buy").Where("nonsense"))
	require.True(t, errors.As(r.Create(ctx, bad), new(*audience.DefinitionError)))
	r.spans.Reset()
	require.Error(t, r.Create(ctx, d))
	require.Error(t, r.Create(ctx, bad))
	spans := r.spans.GetSpans()
	require.Len(t, spans, 2)
	require.Contains(t, spans[0].Attributes, attribute.String("error.type", "audience.ErrExists"))
	require.Contains(t, spans[1].Attributes, attribute.String("error.type", "audience.DefinitionError"))
}
