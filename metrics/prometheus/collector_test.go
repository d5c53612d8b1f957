package prometheus_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	muster "github.com/muster-go/muster/metrics/prometheus"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
)

// A running engine is scraped over HTTP.
func TestScrape(t *testing.T) {
	ctx := context.Background()
	clock := audience.NewManualClock(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	e, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock})
	require.NoError(t, err)
	defer func() { require.NoError(t, e.Close()) }()
	require.NoError(t, e.Create(ctx, audience.Define("buyers").Members(audience.Performed("Buy").Where("name == 'Buy' || properties.total > 1").Within(time.Hour))))
	require.NoError(t, e.CreateTraits(ctx, trait.Sum("spent", "Buy", "total")))
	registry := prometheus.NewPedanticRegistry()
	require.NoError(t, registry.Register(muster.NewCollector(e)))
	server := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	defer server.Close()
	scrape := func() string {
		answer, err := http.Get(server.URL)
		require.NoError(t, err)
		defer func() { _ = answer.Body.Close() }()
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return string(text)
	}
	require.NotContains(t, scrape(), "muster_next_timer_timestamp_seconds")
	require.NoError(t, e.Track(ctx, profile.Event{Profile: "ann", Name: "Buy"}))
	require.NoError(t, e.Track(ctx, profile.Event{Profile: "bob", Name: "Buy"}))
	text := scrape()
	for _, line := range []string{
		`muster_transitions_total{audience="buyers",cause="event",type="entered"} 2`,
		`muster_cached_profiles 2`,
		`muster_filter_misses_total{key="buyers",path="where.event.where"} 0`,
		`muster_filter_misses_total{key="spent",path="property"} 2`,
		`muster_next_timer_timestamp_seconds 1.7723268e+09`,
	} {
		require.Contains(t, text, line+"\n")
	}
	clock.Set(clock.Now().Add(90 * time.Minute))
	require.NoError(t, e.Advance(ctx, clock.Now()))
	text = scrape()
	for _, line := range []string{
		`muster_transitions_total{audience="buyers",cause="time",type="exited"} 2`,
		`muster_timers_fired_total 2`,
		`muster_timer_lateness_seconds_total 3600`,
	} {
		require.Contains(t, text, line+"\n")
	}
}

// fixed is an engine that a creation of runs.
type fixed struct{ *audience.Engine }

func (fixed) List() []audience.Definition { return nil }

func (fixed) ListTraits() []trait.Computed { return nil }

func (fixed) Stats() audience.Stats { return audience.Stats{} }

func (fixed) Progress() []audience.Progress {
	return []audience.Progress{{Keys: []string{"a", "b"}, Done: 3, Total: 10}}
}

func TestARolloutThatRuns(t *testing.T) {
	require.NoError(t, testutil.CollectAndCompare(muster.NewCollector(fixed{}), strings.NewReader(`
# HELP muster_rollout_profiles Profiles that a creation or an edit has come to, and has in all.
# TYPE muster_rollout_profiles gauge
muster_rollout_profiles{keys="a,b",state="done"} 3
muster_rollout_profiles{keys="a,b",state="total"} 10
`), "muster_rollout_profiles"))
	problems, err := testutil.CollectAndLint(muster.NewCollector(fixed{}))
	require.NoError(t, err)
	require.Empty(t, problems)
}
