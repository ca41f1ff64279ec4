// Package tracing tells an OpenTelemetry collector of the requests that the server answers
// and of the calls to Atlassian that each of them costs, as spans over OTLP.
//
// Spans follow the semantic conventions for HTTP. They name routes, never what stands in
// their places: no ids, filters or values, no header and no credential gets into one.
package tracing

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	span "go.opentelemetry.io/otel/trace"
	"golang.org/x/net/http/httpguts"

	"scim-atlassian/atlassian"
)

// Config is where spans go.
type Config struct {
	Endpoint string            // base URL of the collector; spans go to /v1/traces below it
	Headers  map[string]string // of every export, such as a credential
	Version  string            // of this program
	Base     string            // path under which the endpoints are, such as /scim/v2
	OnError  func(error)       // told of every export that fails; safe for concurrent use
}

// Tracer makes spans and exports them. What else decides about it, such as the sampler, the
// name of the service and the certificate of the collector, the SDK takes from the variables
// that OpenTelemetry defines. It is safe for concurrent use.
type Tracer struct {
	provider *trace.TracerProvider
	tracer   span.Tracer
	base     string
}

// New returns a Tracer. It connects when there is something to export. Close it in the end.
func New(ctx context.Context, cfg Config) (*Tracer, error) {
	endpoint, err := traces(cfg.Endpoint)
	if err != nil {
		return nil, err
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint), otlptracehttp.WithHeaders(cfg.Headers))
	if err != nil {
		return nil, err
	}
	about, err := resource.Merge(
		resource.NewSchemaless(semconv.ServiceName("scim-atlassian"), semconv.ServiceVersion(cfg.Version)),
		resource.Environment(), // which says more than we do
	)
	if err != nil {
		return nil, err
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(cfg.OnError))
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithResource(about))
	return &Tracer{provider: provider, tracer: provider.Tracer("scim-atlassian/scim/tracing", span.WithInstrumentationVersion(cfg.Version)), base: cfg.Base}, nil
}

// traces is where a collector with this base URL takes spans.
func traces(base string) (string, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", errors.New("the endpoint must be a URL such as http://127.0.0.1:4318")
	}
	return u.JoinPath("v1/traces").String(), nil
}

// CheckEndpoint says what is wrong with the base URL of a collector.
func CheckEndpoint(base string) error {
	_, err := traces(base)
	return err
}

// ParseHeaders reads headers in the form of OTEL_EXPORTER_OTLP_HEADERS: pairs of name and
// value, which is percent-encoded, with commas between them. Errors do not show values.
func ParseHeaders(text string) (map[string]string, error) {
	headers := map[string]string{}
	for _, pair := range strings.Split(text, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if name = strings.TrimSpace(name); !ok || err != nil || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, errors.New("headers must be pairs such as name=value,name2=value2, with % and two digits for what is no part of a word")
		}
		headers[name] = value
	}
	return headers, nil
}

// Close exports what is left, until ctx ends.
func (t *Tracer) Close(ctx context.Context) error { return t.provider.Shutdown(ctx) }

// Around makes a span of each request to handler, a child of the span that the request's
// traceparent names (W3C Trace Context).
func (t *Tracer) Around(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		method, route := known(r.Method), t.route(r.URL.Path)
		ctx, s := t.tracer.Start(ctx, method+" "+route, span.WithSpanKind(span.SpanKindServer),
			span.WithAttributes(semconv.HTTPRequestMethodKey.String(method), semconv.HTTPRoute(route), semconv.URLScheme(scheme(r))))
		defer s.End()
		s.SetAttributes(address(r.Host)...)
		if method != r.Method {
			s.SetAttributes(semconv.HTTPRequestMethodOriginal(r.Method[:min(len(r.Method), longestMethod)]))
		}
		answer := &answer{ResponseWriter: w, status: http.StatusOK}
		handler.ServeHTTP(answer, r.WithContext(ctx))
		s.SetAttributes(semconv.HTTPResponseStatusCode(answer.status))
		if id := w.Header().Get("X-Request-Id"); id != "" {
			s.SetAttributes(attribute.String("scim_atlassian.request_id", id))
		}
		if answer.status >= http.StatusInternalServerError {
			s.SetStatus(codes.Error, "")
			s.SetAttributes(semconv.ErrorTypeKey.String(strconv.Itoa(answer.status)))
		}
	})
}

// longestMethod is as much as a span shows of a method that is none.
const longestMethod = 32

// scheme is that of the connection that a request came over.
func scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

// address has the name and, where it is given, the port of a server.
func address(host string) []attribute.KeyValue {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		return []attribute.KeyValue{semconv.ServerAddress(host)}
	}
	n, _ := strconv.Atoi(port)
	return []attribute.KeyValue{semconv.ServerAddress(name), semconv.ServerPort(n)}
}

// Call makes a span of an attempt of a request to Atlassian that just ended, below the
// request that it was made for; of work in the background it makes none. It is a part of
// atlassian.Config.OnCall.
func (t *Tracer) Call(ctx context.Context, c atlassian.Call) {
	if !span.SpanFromContext(ctx).IsRecording() {
		return
	}
	end := time.Now()
	method, _, _ := strings.Cut(c.Op, " ")
	_, s := t.tracer.Start(ctx, c.Op, span.WithSpanKind(span.SpanKindClient), span.WithTimestamp(end.Add(-c.Duration)),
		span.WithAttributes(semconv.HTTPRequestMethodKey.String(method), semconv.URLTemplate(strings.TrimPrefix(c.Op, method+" "))))
	s.SetAttributes(address(c.Host)...)
	if c.Attempt > 1 {
		s.SetAttributes(semconv.HTTPRequestResendCount(c.Attempt - 1))
	}
	if c.Waited > 0 {
		s.SetAttributes(attribute.Float64("scim_atlassian.waited", c.Waited.Seconds()))
	}
	if c.TraceID != "" {
		s.SetAttributes(attribute.String("scim_atlassian.atlassian_trace_id", c.TraceID))
	}
	if c.Status != 0 {
		s.SetAttributes(semconv.HTTPResponseStatusCode(c.Status))
	}
	if kind := failure(c); kind != "" {
		s.SetStatus(codes.Error, "")
		s.SetAttributes(semconv.ErrorTypeKey.String(kind))
	}
	s.End(span.WithTimestamp(end))
}

// failure is the kind of a failed attempt: its status, or what kept the answer away; empty: it did not fail.
func failure(c atlassian.Call) string {
	switch {
	case c.Status >= http.StatusBadRequest:
		return strconv.Itoa(c.Status)
	case c.Status != 0:
		return ""
	case errors.Is(c.Err, context.Canceled):
		return "canceled"
	case errors.Is(c.Err, context.DeadlineExceeded):
		return "timeout"
	}
	return "connection"
}

// answer notes the status of an answer.
type answer struct {
	http.ResponseWriter
	status int
}

func (a *answer) WriteHeader(status int) {
	if status >= http.StatusOK {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController find what a has not.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// known is a method of HTTP, or what the conventions put in place of another one.
func known(method string) string {
	if slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}, method) {
		return method
	}
	return "_OTHER"
}

// endpoints are the first parts of paths below the base.
var endpoints = []string{"Users", "Groups", "Issues", "Accounts", "Entitlements", "Bulk", "Plans", "Holds", "Me", "Schemas", "ResourceTypes", "ServiceProviderConfig", ".search", ".delta"}

// route is the path of a request with names in place of ids.
func (t *Tracer) route(path string) string {
	below, ok := strings.CutPrefix(path, t.base+"/")
	if !ok {
		return "/{other}"
	}
	parts := strings.Split(strings.Trim(below, "/"), "/")
	if !slices.Contains(endpoints, parts[0]) {
		return t.base + "/{other}"
	}
	for i := 1; i < len(parts); i++ {
		if !slices.Contains([]string{".search", ".delta", ".deltaToken", ".form", "apply", "release"}, parts[i]) {
			parts[i] = "{id}"
		}
	}
	return t.base + "/" + strings.Join(parts[:min(len(parts), 3)], "/")
}
