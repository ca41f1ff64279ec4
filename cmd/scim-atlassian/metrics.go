package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/console"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/server"
	"scim-atlassian/scim/state"
	"scim-atlassian/scim/tracing"
)

// metrics counts the answers of the facade and its requests to Atlassian. Labels have values from fixed sets only.
type metrics struct {
	registry *prometheus.Registry

	requests        *prometheus.CounterVec   // by type, method, status
	requestDuration *prometheus.HistogramVec // by type, method
	requestCost     *prometheus.HistogramVec // by type, method
	inFlight        prometheus.Gauge
	auditGaps       prometheus.Counter
	writes          *prometheus.CounterVec // by outcome, as the audit has it
	callers         *prometheus.CounterVec // by caller, class of status
	callerSeen      *prometheus.GaugeVec   // by caller
	callerMade      *prometheus.GaugeVec   // by caller
	plans           *prometheus.CounterVec // by type, plan
	results         *prometheus.CounterVec // by type, plan
	scanned         *prometheus.CounterVec // by type, plan
	bulkOperations  *prometheus.CounterVec // by outcome
	signInsRefused  *prometheus.CounterVec // by reason

	calls        *prometheus.CounterVec   // by op, status
	callDuration *prometheus.HistogramVec // by op
	retries      *prometheus.CounterVec   // by op
	waits        *prometheus.CounterVec   // by op, in seconds

	watch *watch          // what the console shows of the same
	spans *tracing.Tracer // nil: none are made
}

// space begins the name of every metric of ours.
const space = "scim_atlassian"

func newMetrics() *metrics {
	m := &metrics{
		watch:    newWatch(),
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: space, Name: "requests_total",
			Help: "Requests answered, by resource type or other endpoint (none: before authentication), method and status."}, []string{"type", "method", "status"}),
		requestDuration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: space, Name: "request_duration_seconds",
			Help: "Time from the header of a request to the end of its answer.", Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}}, []string{"type", "method"}),
		requestCost: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: space, Name: "request_upstream_calls",
			Help: "Requests to Atlassian that one request cost.", Buckets: []float64{0, 1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500}}, []string{"type", "method"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: space, Name: "requests_in_flight",
			Help: "Requests that are being answered."}),
		auditGaps: prometheus.NewCounter(prometheus.CounterOpts{Namespace: space, Name: "audit_failures_total",
			Help: "Lines of the audit that could not be written."}),
		writes: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: space, Name: "writes_total",
			Help: "Attempts to change something, by the outcome that the audit has: done, refused, failed, partial or unknown."}, []string{"outcome"}),
		callers: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: space, Name: "caller_requests_total",
			Help: "Requests of each caller in the callers file, or of all access tokens together, by class of status such as 2xx."}, []string{"caller", "class"}),
		callerSeen: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: space, Name: "caller_last_request_timestamp_seconds",
			Help: "When a caller was last heard of, in Unix time; absent if it was not since the start."}, []string{"caller"}),
		callerMade: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: space, Name: "caller_secret_made_timestamp_seconds",
			Help: "When the secret of a caller was made, in Unix time; absent if the callers file does not say."}, []string{"caller"}),
		plans: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: space, Name: "plans_total",
			Help: "Lists, by resource type and the first word of their plan: how the resources were found."}, []string{"type", "plan"}),
		results: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: space, Name: "list_results_total",
			Help: "Resources that the filters of lists matched, on all of their pages, by resource type and plan."}, []string{"type", "plan"}),
		scanned: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: space, Name: "list_scanned_total",
			Help: "Resources that lists looked at one by one to find those that match, by resource type and plan: far more than match is a filter that no index serves."}, []string{"type", "plan"}),
		bulkOperations: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: space, Name: "bulk_operations_total",
			Help: "Operations of bulk requests, done or failed."}, []string{"outcome"}),
		signInsRefused: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: space, Name: "sign_ins_refused_total",
			Help: "Requests that were refused for their credentials: wrong (401), too_many (429), from_elsewhere (403) or unavailable (503: the issuer, or too many at a time)."}, []string{"reason"}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: space, Name: "upstream_calls_total",
			Help: "Attempts of requests to Atlassian, by method and route, and status (none: no answer)."}, []string{"op", "status"}),
		callDuration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: space, Name: "upstream_call_duration_seconds",
			Help: "Time of one attempt, without waiting.", Buckets: prometheus.DefBuckets}, []string{"op"}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: space, Name: "upstream_retries_total",
			Help: "Attempts after the first one of a request to Atlassian."}, []string{"op"}),
		waits: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: space, Name: "upstream_wait_seconds_total",
			Help: "Time that attempts waited: backoff, quiet that Atlassian asked for, and the limits of the settings."}, []string{"op"}),
	}
	info, _ := debug.ReadBuildInfo()
	build := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: space, Name: "build_info", Help: "1, with the build in its labels.",
		ConstLabels: prometheus.Labels{"version": version(), "commit": commit(info), "go_version": info.GoVersion}})
	build.Set(1)
	m.registry.MustRegister(m.callers, m.callerSeen, m.callerMade, m.plans, m.results, m.scanned, m.bulkOperations, m.signInsRefused, m.requests, m.requestDuration, m.requestCost, m.inFlight, m.auditGaps, m.writes, m.calls, m.callDuration, m.retries, m.waits, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// request is the facade's scim.Config.OnRequest.
func (m *metrics) request(r server.Request) {
	endpoint := r.Endpoint
	if endpoint == "" {
		endpoint = "none"
	}
	m.requests.WithLabelValues(endpoint, r.Method, strconv.Itoa(r.Status)).Inc()
	m.requestDuration.WithLabelValues(endpoint, r.Method).Observe(r.Duration.Seconds())
	m.requestCost.WithLabelValues(endpoint, r.Method).Observe(float64(r.UpstreamCalls))
	if r.Plan != "" {
		m.plans.WithLabelValues(endpoint, r.Plan).Inc()
		m.results.WithLabelValues(endpoint, r.Plan).Add(float64(r.Results))
		m.scanned.WithLabelValues(endpoint, r.Plan).Add(float64(r.Scanned))
	}
	if r.Operations > 0 {
		m.bulkOperations.WithLabelValues("done").Add(float64(r.Operations - r.Failed))
		m.bulkOperations.WithLabelValues("failed").Add(float64(r.Failed))
	}
	if r.Caller == "" {
		if reason := signInRefusals[r.Status]; reason != "" {
			m.signInsRefused.WithLabelValues(reason).Inc()
		}
		return
	}
	m.callers.WithLabelValues(r.Caller, fmt.Sprintf("%dxx", r.Status/100)).Inc()
	m.callerSeen.WithLabelValues(r.Caller).SetToCurrentTime()
	m.watch.heard(r.Caller)
}

// signInRefusals are the statuses of requests that did not get past the door.
var signInRefusals = map[int]string{http.StatusUnauthorized: "wrong", http.StatusTooManyRequests: "too_many", http.StatusForbidden: "from_elsewhere", http.StatusServiceUnavailable: "unavailable"}

// know shows the age of the callers' secrets.
func (m *metrics) know(callers []auth.Caller) {
	m.watch.know(callers)
	m.callerMade.Reset()
	for _, c := range callers {
		if made := c.MadeAt(); !made.IsZero() {
			m.callerMade.WithLabelValues(c.Name).Set(float64(made.Unix()))
		}
	}
}

// call is a part of the clients' atlassian.Config.OnCall.
func (m *metrics) call(ctx context.Context, c atlassian.Call) {
	scim.CountCall(ctx, c)
	if m.spans != nil {
		m.spans.Call(ctx, c)
	}
	status := "none"
	if c.Status != 0 {
		status = strconv.Itoa(c.Status)
	}
	m.calls.WithLabelValues(c.Op, status).Inc()
	m.callDuration.WithLabelValues(c.Op).Observe(c.Duration.Seconds())
	if c.Attempt > 1 {
		m.retries.WithLabelValues(c.Op).Inc()
	}
	m.waits.WithLabelValues(c.Op).Add(max(c.Waited.Seconds(), 0))
}

// around counts the requests in flight through a handler, and makes spans of them.
func (m *metrics) around(handler http.Handler) http.Handler {
	return promhttp.InstrumentHandlerInFlight(m.inFlight, m.traced(handler))
}

// traced makes spans of the requests to a handler where there is a collector; else it is the handler itself.
func (m *metrics) traced(handler http.Handler) http.Handler {
	if m.spans == nil {
		return handler
	}
	return m.spans.Around(handler)
}

// observe lets the facade, the clients and the state be asked for their own figures.
func (m *metrics) observe(facade *scim.Server, u *upstream, store *state.Store) {
	m.registry.MustRegister(snapshotMetrics(facade.Snapshots), feedMetrics(facade.Feed), healthMetrics{facade.Health()}, u.limiters(), runMetrics{store})
}

// snapshotMetrics reads the snapshots' own figures when Prometheus asks.
type snapshotMetrics func() []mirror.Stats

var (
	snapshotReadings = prometheus.NewDesc(space+"_snapshot_readings_total", "Uses of a kept snapshot (hit), readings of everything (scan), of what writes left in doubt (mend), and those that failed (failure).",
		[]string{"type", "kind"}, nil)
	snapshotResources = prometheus.NewDesc(space+"_snapshot_resources", "Resources in the snapshot that is kept, if one is.", []string{"type"}, nil)
	mirrorAsOf        = prometheus.NewDesc(space+"_mirror_as_of_seconds", "Age of the oldest reading that lists rest on.", []string{"type"}, nil)
	mirrorProven      = prometheus.NewDesc(space+"_mirror_proven_as_of_seconds", "Time since the last complete reading began.", []string{"type"}, nil)
	mirrorAlarm       = prometheus.NewDesc(space+"_mirror_alarm", "1 if the last reading was not believed, since it had lost most resources.", []string{"type"}, nil)
	foundByProof      = prometheus.NewDesc(space+"_changes_found_only_by_proof_total", "Changes that a complete reading found and nothing had told of before.", []string{"type"}, nil)
	snapshotAge       = prometheus.NewDesc(space+"_snapshot_age_seconds", "Time since the reading of the snapshot that is kept began.", []string{"type"}, nil)
)

// Describe implements prometheus.Collector.
func (snapshotMetrics) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- snapshotReadings
	descriptions <- snapshotResources
	descriptions <- snapshotAge
	descriptions <- mirrorAsOf
	descriptions <- mirrorProven
	descriptions <- mirrorAlarm
	descriptions <- foundByProof
}

// Collect implements prometheus.Collector.
func (stats snapshotMetrics) Collect(values chan<- prometheus.Metric) {
	for _, s := range stats() {
		for kind, count := range map[string]uint64{"hit": s.Hits, "scan": s.Scans, "mend": s.Mends, "failure": s.Failures} {
			values <- prometheus.MustNewConstMetric(snapshotReadings, prometheus.CounterValue, float64(count), s.Type, kind)
		}
		alarm := 0.0
		if s.Alarm != "" {
			alarm = 1
		}
		values <- prometheus.MustNewConstMetric(mirrorAlarm, prometheus.GaugeValue, alarm, s.Type)
		values <- prometheus.MustNewConstMetric(foundByProof, prometheus.CounterValue, float64(s.OnlyByProof), s.Type)
		if !s.Proven.IsZero() {
			values <- prometheus.MustNewConstMetric(mirrorAsOf, prometheus.GaugeValue, s.AsOfAge.Seconds(), s.Type)
			values <- prometheus.MustNewConstMetric(mirrorProven, prometheus.GaugeValue, s.ProvenAge.Seconds(), s.Type)
		}
		if s.Kept {
			values <- prometheus.MustNewConstMetric(snapshotResources, prometheus.GaugeValue, float64(s.Resources), s.Type)
			values <- prometheus.MustNewConstMetric(snapshotAge, prometheus.GaugeValue, s.Age.Seconds(), s.Type)
		}
	}
}

// site serves /metrics, to whoever reaches the listener, and the console, to whoever signs in; with profiles also what
// the process tells about itself.
func (m *metrics) site(listener net.Listener, profiles bool) site {
	mux := http.NewServeMux()
	if profiles {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	mux.Handle(console.Path, m.watch)
	mux.Handle(console.Path+"/", m.watch)
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry}))
	return site{listener: listener, handler: mux, timeout: time.Minute}
}

// adminDefault is where /metrics is unless it is told otherwise.
const adminDefault = "127.0.0.1:7003"

// listenAdmin opens the listener for /metrics, or returns nil for an empty address. Where the default is taken, by
// another program of this kind perhaps, it goes on with instead: nobody chose the default, so it is no reason not to
// serve.
func listenAdmin(ctx context.Context, address, instead string) (net.Listener, error) {
	if address == "" {
		return nil, nil
	}
	listener, err := listen(ctx, address)
	if errors.Is(err, syscall.EADDRINUSE) && address == adminDefault && instead != adminDefault {
		return listenAdmin(ctx, instead, instead)
	}
	return listener, err
}
