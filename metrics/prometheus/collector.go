// Package prometheus makes metrics of an engine's figures, in the conventions of Prometheus:
//
//	registry.MustRegister(prometheus.NewCollector(engine))
//
// The metrics, all of the engine since it was made:
//
//	muster_transitions_total{audience,type,cause}   memberships that changed
//	muster_trait_changes_total                      values of computed traits that changed
//	muster_callback_failures_total                  callbacks that failed
//	muster_transactions_total{outcome}              "committed" or "aborted"
//	muster_timers_fired_total                       profiles that time alone changed, or may have
//	muster_timer_lateness_seconds_total             how late these were taken, together
//	muster_next_timer_timestamp_seconds             when the next is due; absent: none is
//	muster_profiles_touched_total                   profiles that transactions came to
//	muster_profiles_read_total                      those of them that were not in memory
//	muster_cached_profiles, muster_cached_bytes     what is in memory of profiles
//	muster_outbox_notices, muster_outbox_bytes      what waits for durable subscribers
//	muster_filter_misses_total{key,path}            see audience.Engine.Misses
//	muster_rollout_profiles{keys,state}             of a creation or edit that runs, "done" and "total"
//
// The mean lateness of timers is rate(muster_timer_lateness_seconds_total) over
// rate(muster_timers_fired_total); the share of profiles found in memory 1 less
// rate(muster_profiles_read_total) over rate(muster_profiles_touched_total).
package prometheus

import (
	"strings"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/trait"
	"github.com/prometheus/client_golang/prometheus"
)

// Engine is what figures are read from. *audience.Engine is one.
type Engine interface {
	Stats() audience.Stats
	Progress() []audience.Progress
	List() []audience.Definition
	ListTraits() []trait.Computed
	Misses(key string) ([]audience.Misses, error)
}

// NewCollector returns a collector that reads an engine's figures with each scrape. It is
// safe for concurrent use.
func NewCollector(e Engine) prometheus.Collector { return collector{e} }

type collector struct{ engine Engine }

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("muster_"+name, help, labels, nil)
}

var (
	transitions  = describe("transitions_total", "Memberships that changed.", "audience", "type", "cause")
	values       = describe("trait_changes_total", "Values of computed traits that changed.")
	misfires     = describe("callback_failures_total", "Callbacks that failed.")
	transactions = describe("transactions_total", "Transactions of the store, by how they ended.", "outcome")
	timers       = describe("timers_fired_total", "Profiles that time alone changed, or may have.")
	lateness     = describe("timer_lateness_seconds_total", "How late timers were taken, together.")
	next         = describe("next_timer_timestamp_seconds", "When the next timer is due.")
	touched      = describe("profiles_touched_total", "Profiles that transactions came to.")
	read         = describe("profiles_read_total", "Profiles that were read from the store.")
	cached       = describe("cached_profiles", "Profiles in memory.")
	cachedBytes  = describe("cached_bytes", "What profiles in memory take, if that is bounded.")
	waiting      = describe("outbox_notices", "Notices that wait for durable subscribers.")
	waitingBytes = describe("outbox_bytes", "What waits for durable subscribers takes in the store.")
	misses       = describe("filter_misses_total", "How often a place in a definition could not be applied.", "key", "path")
	rollout      = describe("rollout_profiles", "Profiles that a creation or an edit has come to, and has in all.", "keys", "state")
)

// Describe sends the descriptions of all metrics.
func (c collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		transitions, values, misfires, transactions, timers, lateness, next,
		touched, read, cached, cachedBytes, waiting, waitingBytes, misses, rollout,
	} {
		to <- d
	}
}

// Collect sends the metrics as they are.
func (c collector) Collect(to chan<- prometheus.Metric) {
	counter := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	s := c.engine.Stats()
	for _, t := range s.Transitions {
		counter(transitions, float64(t.Count), t.Audience, t.Type.String(), t.Cause.String())
	}
	counter(values, float64(s.Values))
	counter(misfires, float64(s.Misfires))
	counter(transactions, float64(s.Commits), "committed")
	counter(transactions, float64(s.Aborts), "aborted")
	counter(timers, float64(s.Timers))
	counter(lateness, s.Late.Seconds())
	if !s.NextTimer.IsZero() {
		gauge(next, float64(s.NextTimer.UnixNano())/1e9)
	}
	counter(touched, float64(s.Touched))
	counter(read, float64(s.Read))
	gauge(cached, float64(s.States))
	gauge(cachedBytes, float64(s.StateBytes))
	gauge(waiting, float64(s.Waiting))
	gauge(waitingBytes, float64(s.WaitBytes))
	for _, key := range c.keys() {
		missed, _ := c.engine.Misses(key) // it may be gone by now
		for _, m := range missed {
			counter(misses, float64(m.Count), key, m.Path)
		}
	}
	for _, p := range c.engine.Progress() {
		keys := strings.Join(p.Keys, ",")
		gauge(rollout, float64(p.Done), keys, "done")
		gauge(rollout, float64(p.Total), keys, "total")
	}
}

// keys returns those of all live definitions.
func (c collector) keys() (keys []string) {
	for _, d := range c.engine.List() {
		keys = append(keys, d.Key)
	}
	for _, t := range c.engine.ListTraits() {
		keys = append(keys, t.Key)
	}
	return keys
}
