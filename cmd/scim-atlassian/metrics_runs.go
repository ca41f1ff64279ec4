package main

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"scim-atlassian/scim/console"
	"scim-atlassian/scim/state"
)

// runMetrics reads the runs that the state lists when Prometheus asks. A state that cannot be read has none.
type runMetrics struct{ store *state.Store }

var (
	runLabels    = []string{"type", "kind"}
	runsKept     = prometheus.NewDesc(space+"_reconcile_runs", "Runs that the console lists, of 90 days and 500 at most, by kind (export, limited, changes, or reading in the background) and whether they were complete.", append(runLabels, "complete"), nil)
	runEnded     = prometheus.NewDesc(space+"_reconcile_last_timestamp_seconds", "When the last run ended that was complete, or was not, in Unix time.", append(runLabels, "complete"), nil)
	runResources = prometheus.NewDesc(space+"_reconcile_last_resources", "Resources of the last complete run.", runLabels, nil)
	runTook      = prometheus.NewDesc(space+"_reconcile_last_duration_seconds", "How long the last complete run took.", runLabels, nil)
)

// Describe implements prometheus.Collector.
func (runMetrics) Describe(descriptions chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{runsKept, runEnded, runResources, runTook} {
		descriptions <- d
	}
}

// runOf is what runs are counted by.
type runOf struct {
	typ, kind string
	complete  bool
}

// Collect implements prometheus.Collector.
func (m runMetrics) Collect(values chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	runs, err := runsOf(ctx, m.store)
	if err != nil {
		return
	}
	count := map[runOf]int{}
	last := map[runOf]console.Run{}
	for _, r := range runs { // the latest first
		of := runOf{r.Type, r.Kind, r.Complete}
		if r.Kind == "export" && r.Filter != "" {
			of.kind = "limited"
		}
		if count[of]++; count[of] == 1 {
			last[of] = r
		}
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		values <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for of, n := range count {
		r, complete := last[of], strconv.FormatBool(of.complete)
		gauge(runsKept, float64(n), of.typ, of.kind, complete)
		gauge(runEnded, float64(r.Ended.UnixMilli())/1e3, of.typ, of.kind, complete)
		if of.complete {
			gauge(runResources, float64(r.Read), of.typ, of.kind)
			gauge(runTook, r.Ended.Sub(r.Began).Seconds(), of.typ, of.kind)
		}
	}
}
