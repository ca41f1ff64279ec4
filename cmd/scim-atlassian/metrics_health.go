package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"scim-atlassian/scim/health"
)

// healthMetrics asks the monitor when Prometheus asks, which has upstream asked if nothing was seen of it of late.
type healthMetrics struct{ monitor *health.Monitor }

var (
	ready       = prometheus.NewDesc(space+"_ready", "1 if all that the server cannot do without is up, as /readyz says.", nil, nil)
	upstreamUp  = prometheus.NewDesc(space+"_upstream_up", "1 if an upstream is up, 0 if it is down or refuses; absent until it is known.", []string{"upstream"}, nil)
	upstreamNo  = prometheus.NewDesc(space+"_upstream_refused", "1 if an upstream answers and refuses the credential, which only people can mend.", []string{"upstream"}, nil)
	expires     = prometheus.NewDesc(space+"_credential_expires_seconds", "Time until a credential of the server ends, negative afterwards; absent if nobody has said.", []string{"credential"}, nil)
	upstreamAge = prometheus.NewDesc(space+"_upstream_state_since_timestamp_seconds", "When an upstream came into its state, in Unix time.", []string{"upstream"}, nil)
)

// Describe implements prometheus.Collector.
func (healthMetrics) Describe(descriptions chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{ready, upstreamUp, upstreamNo, upstreamAge, expires} {
		descriptions <- d
	}
}

// Collect implements prometheus.Collector.
func (h healthMetrics) Collect(values chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		values <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	all := h.monitor.Upstreams(context.Background())
	gauge(ready, oneIf(health.IsReady(all)))
	for _, u := range all {
		if u.State == health.Unknown {
			continue
		}
		gauge(upstreamUp, oneIf(u.State == health.Up), u.Name)
		gauge(upstreamNo, oneIf(u.State == health.Refused), u.Name)
		gauge(upstreamAge, float64(u.Since.UnixMilli())/1e3, u.Name)
	}
	for _, c := range h.monitor.Credentials() {
		if !c.Expires.IsZero() {
			gauge(expires, time.Until(c.Expires).Seconds(), c.Name)
		}
	}
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
