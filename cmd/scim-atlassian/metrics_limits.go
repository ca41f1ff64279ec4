package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"scim-atlassian/atlassian"
)

// limitMetrics reads the figures of the clients' limiters when Prometheus asks, by the upstream that they are of.
type limitMetrics map[string]func() atlassian.Limits

var (
	limiterSlots    = prometheus.NewDesc(space+"_limiter_slots", "Requests that may be in flight to an upstream at a time.", []string{"upstream"}, nil)
	limiterInFlight = prometheus.NewDesc(space+"_limiter_in_flight", "Requests in flight to an upstream, by class: urgent, normal, batch or background.", []string{"upstream", "class"}, nil)
	limiterWaiting  = prometheus.NewDesc(space+"_limiter_waiting", "Requests that wait for a slot or a limit of an upstream, by class.", []string{"upstream", "class"}, nil)
	limiterQuiet    = prometheus.NewDesc(space+"_limiter_quiet_seconds", "How long an upstream still wants quiet, on the route where it is longest.", []string{"upstream"}, nil)
	limiterLeft     = prometheus.NewDesc(space+"_limiter_left_ratio", "Part of the limit that an upstream tells that is left, on the route where it is least; absent if it tells none.", []string{"upstream"}, nil)
	limiterRepeats  = prometheus.NewDesc(space+"_limiter_repeats", "Repetitions of failed requests that may be sent at once.", []string{"upstream"}, nil)
	breakerOpen     = prometheus.NewDesc(space+"_breaker_open", "1 while an upstream does nothing but fail, so that requests to it are refused.", []string{"upstream"}, nil)
)

// limiterClasses are the labels of the classes of requests, in the order of atlassian.Limits.
var limiterClasses = [...]string{"urgent", "normal", "batch", "background"}

// Describe implements prometheus.Collector.
func (limitMetrics) Describe(descriptions chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{limiterSlots, limiterInFlight, limiterWaiting, limiterQuiet, limiterLeft, limiterRepeats, breakerOpen} {
		descriptions <- d
	}
}

// Collect implements prometheus.Collector.
func (limiters limitMetrics) Collect(values chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		values <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for upstream, limits := range limiters {
		l := limits()
		gauge(limiterSlots, float64(l.Concurrent), upstream)
		for class, name := range limiterClasses {
			gauge(limiterInFlight, float64(l.InFlight[class]), upstream, name)
			gauge(limiterWaiting, float64(l.Waiting[class]), upstream, name)
		}
		gauge(limiterRepeats, l.Repeats, upstream)
		gauge(breakerOpen, oneIf(l.Open), upstream)
		quiet, left := time.Duration(0), 2.0
		for _, route := range l.Limits {
			quiet = max(quiet, time.Until(route.Quiet))
			if route.Limit > 0 {
				left = min(left, float64(route.Left)/float64(route.Limit))
			}
		}
		gauge(limiterQuiet, quiet.Seconds(), upstream)
		if left <= 1 {
			gauge(limiterLeft, left, upstream)
		}
	}
}

// limiters are the figures of all clients.
func (u *upstream) limiters() limitMetrics {
	all := limitMetrics{}
	for name, client := range map[string]*atlassian.Organization{"organization": u.organization, "organization events": u.events} {
		if client != nil {
			all[name] = client.Limits
		}
	}
	all["directory"], all["jira"] = u.directory.Limits, u.jira.Limits
	return all
}
