package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"scim-atlassian/scim/feed"
)

// feedMetrics reads the feed's own figures when Prometheus asks; ok is false where there is no feed.
type feedMetrics func() (stats feed.Stats, ok bool)

var (
	feedLog     = prometheus.NewDesc(space+"_feed_log_state", "1 for the state that a log of changes is in: starting, silent, living, refused or failing.", []string{"log", "state"}, nil)
	feedPoll    = prometheus.NewDesc(space+"_feed_last_poll_timestamp_seconds", "When a log of changes was last read to its end, in Unix time.", []string{"log"}, nil)
	feedCarried = prometheus.NewDesc(space+"_feed_carried", "Whether the logs were seen to tell of own writes of a kind: true, false or unknown.", []string{"kind", "carried"}, nil)
	feedLag     = prometheus.NewDesc(space+"_feed_lag_seconds", "Time from the latest change that was hinted at to its hint.", nil, nil)
	feedUnknown = prometheus.NewDesc(space+"_feed_unknown_actions_total", "Entries of logs that are about nothing known, by their action.", []string{"action"}, nil)
)

// Describe implements prometheus.Collector.
func (feedMetrics) Describe(descriptions chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{feedLog, feedPoll, feedCarried, feedLag, feedUnknown} {
		descriptions <- d
	}
}

// Collect implements prometheus.Collector.
func (stats feedMetrics) Collect(values chan<- prometheus.Metric) {
	s, ok := stats()
	if !ok {
		return
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		values <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for _, log := range s.Logs {
		gauge(feedLog, 1, log.Name, log.State)
		if !log.LastPoll.IsZero() {
			gauge(feedPoll, float64(log.LastPoll.UnixMilli())/1e3, log.Name)
		}
	}
	for kind, carried := range s.Carried {
		gauge(feedCarried, 1, string(kind), string(carried))
	}
	if !s.LastHint.IsZero() {
		gauge(feedLag, s.Lag.Round(time.Millisecond).Seconds())
	}
	for action, n := range s.Unknown {
		values <- prometheus.MustNewConstMetric(feedUnknown, prometheus.CounterValue, float64(n), action)
	}
}
