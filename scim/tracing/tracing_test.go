package tracing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"scim-atlassian/atlassian"
)

// receiver is a collector. Read got after the Tracer was closed.
type receiver struct {
	url     string
	got     []*spans.Span
	service []string // attributes of the resource
	headers http.Header
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var message collector.ExportTraceServiceRequest
		body, err := io.ReadAll(req.Body)
		if err == nil {
			err = proto.Unmarshal(body, &message)
		}
		if err != nil || req.URL.Path != "/base/v1/traces" {
			t.Errorf("%s: %v", req.URL.Path, err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		r.headers = req.Header
		for _, of := range message.ResourceSpans {
			r.service = texts(of.Resource.Attributes)
			for _, scope := range of.ScopeSpans {
				r.got = append(r.got, scope.Spans...)
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(server.Close)
	r.url = server.URL + "/base"
	return r
}

// texts are attributes as name=value.
func texts(attributes []*common.KeyValue) []string {
	var all []string
	for _, a := range attributes {
		value := strings.Trim(a.Value.String(), `"`)
		_, value, _ = strings.Cut(value, ":")
		all = append(all, a.Key+"="+strings.Trim(value, `"`))
	}
	slices.Sort(all)
	return all
}

func newTracer(t *testing.T, r *receiver) *Tracer {
	t.Helper()
	headers, err := ParseHeaders("authorization=Bearer%20collector, x-tenant=a%2Cb")
	if err != nil {
		t.Fatal(err)
	}
	tracer, err := New(t.Context(), Config{Endpoint: r.url, Headers: headers, Version: "1.2.3", Base: "/scim/v2", OnError: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	return tracer
}

func TestSpans(t *testing.T) {
	r := newReceiver(t)
	tracer := newTracer(t, r)
	handler := tracer.Around(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		tracer.Call(req.Context(), atlassian.Call{Op: "GET /Users/{id}", Host: "api.atlassian.com", Status: 429, Attempt: 1, Duration: 20 * time.Millisecond})
		tracer.Call(req.Context(), atlassian.Call{Op: "GET /Users/{id}", Host: "127.0.0.1:7002", Status: 200, Attempt: 2, Waited: 1500 * time.Millisecond, Duration: 30 * time.Millisecond, TraceID: "feed"})
		w.Header().Set("X-Request-Id", "r1")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	req := httptest.NewRequest(http.MethodGet, "/scim/v2/Users/mia@example.org?filter=userName+eq+%22mia%22", http.NoBody)
	req.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	handler.ServeHTTP(httptest.NewRecorder(), req)
	tracer.Call(context.Background(), atlassian.Call{Op: "GET /Groups", Status: 200}) // in the background
	if err := tracer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	type seen struct {
		Name, Kind, Status string
		Attributes         []string
	}
	var got []seen
	for _, s := range r.got {
		got = append(got, seen{s.Name, s.Kind.String(), s.Status.GetCode().String(), texts(s.Attributes)})
	}
	want := []seen{
		{"GET /Users/{id}", "SPAN_KIND_CLIENT", "STATUS_CODE_ERROR", []string{"error.type=429", "http.request.method=GET", "http.response.status_code=429", "server.address=api.atlassian.com", "url.template=/Users/{id}"}},
		{"GET /Users/{id}", "SPAN_KIND_CLIENT", "STATUS_CODE_UNSET", []string{"http.request.method=GET", "http.request.resend_count=1", "http.response.status_code=200",
			"scim_atlassian.atlassian_trace_id=feed", "scim_atlassian.waited=1.5", "server.address=127.0.0.1", "server.port=7002", "url.template=/Users/{id}"}},
		{"GET /scim/v2/Users/{id}", "SPAN_KIND_SERVER", "STATUS_CODE_ERROR", []string{"error.type=503", "http.request.method=GET", "http.response.status_code=503", "http.route=/scim/v2/Users/{id}", "scim_atlassian.request_id=r1", "server.address=example.com", "url.scheme=http"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("-want +got:\n%s", diff)
	}
	server := r.got[2]
	for _, s := range r.got {
		if string(s.TraceId) != "\x0a\xf7\x65\x19\x16\xcd\x43\xdd\x84\x48\xeb\x21\x1c\x80\x31\x9c" {
			t.Errorf("%s is not of the caller's trace: %x", s.Name, s.TraceId)
		}
		if s != server && string(s.ParentSpanId) != string(server.SpanId) {
			t.Errorf("%s has the parent %x", s.Name, s.ParentSpanId)
		}
	}
	if took := r.got[0].EndTimeUnixNano - r.got[0].StartTimeUnixNano; took != uint64(20*time.Millisecond) {
		t.Errorf("the call took %d ns", took)
	}
	if string(server.ParentSpanId) != "\xb7\xad\x6b\x71\x69\x20\x33\x31" {
		t.Errorf("the request has the parent %x", server.ParentSpanId)
	}
	if r.headers.Get("Authorization") != "Bearer collector" || r.headers.Get("X-Tenant") != "a,b" {
		t.Errorf("headers %v", r.headers)
	}
	for _, about := range []string{"service.name=scim-atlassian", "service.version=1.2.3"} {
		if !slices.Contains(r.service, about) {
			t.Errorf("the resource lacks %s: %v", about, r.service)
		}
	}
}

// What failed says of which kind, and a method of nobody is cut short.
func TestFailures(t *testing.T) {
	for want, c := range map[string]atlassian.Call{
		"": {Status: 204}, "404": {Status: 404}, "timeout": {Err: fmt.Errorf("read: %w", context.DeadlineExceeded)}, "canceled": {Err: context.Canceled}, "connection": {Err: errors.New("reset")},
	} {
		if got := failure(c); got != want {
			t.Errorf("%+v: %q, want %q", c, got, want)
		}
	}
	r := newReceiver(t)
	tracer := newTracer(t, r)
	req := httptest.NewRequest(strings.Repeat("BREW", 20), "https://scim.example.org:8443/scim/v2/Users", http.NoBody)
	tracer.Around(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), req)
	if err := tracer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"http.request.method=_OTHER", "http.request.method_original=" + strings.Repeat("BREW", 8), "http.response.status_code=404", "http.route=/scim/v2/Users",
		"server.address=scim.example.org", "server.port=8443", "url.scheme=https"}
	if diff := cmp.Diff(want, texts(r.got[0].Attributes)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestRoutes(t *testing.T) {
	tracer := &Tracer{base: "/scim/v2"}
	for path, want := range map[string]string{
		"/scim/v2/Users":              "/scim/v2/Users",
		"/scim/v2/Users/":             "/scim/v2/Users",
		"/scim/v2/Users/.search":      "/scim/v2/Users/.search",
		"/scim/v2/Groups/.delta":      "/scim/v2/Groups/.delta",
		"/scim/v2/Issues/ACC-1":       "/scim/v2/Issues/{id}",
		"/scim/v2/Plans/5f/apply":     "/scim/v2/Plans/{id}/apply",
		"/scim/v2/Users/a/b/c":        "/scim/v2/Users/{id}/{id}",
		"/scim/v2/mia@example.org":    "/scim/v2/{other}",
		"/scim/v2":                    "/{other}",
		"/Users/mia@example.org":      "/{other}",
		"/connector/health":           "/{other}",
		"/scim/v2/../../etc/passwd":   "/scim/v2/{other}",
		"/scim/v2/Users//":            "/scim/v2/Users",
		"/scim/v2/Schemas/urn:ietf:x": "/scim/v2/Schemas/{id}",
	} {
		if got := tracer.route(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	if got := known("BREW"); got != "_OTHER" {
		t.Errorf("a method of nobody: %s", got)
	}
}

func TestHeadersAndEndpoints(t *testing.T) {
	for _, bad := range []string{"authorization", "a b=c", "a=%zz", "a=x%0Ay", "=x"} {
		if headers, err := ParseHeaders(bad); err == nil || strings.Contains(err.Error(), "x%0Ay") {
			t.Errorf("%q: %v, %v", bad, headers, err)
		}
	}
	for _, bad := range []string{"collector:4318", "ftp://collector", "http://", "://", "grpc://collector:4317"} {
		if CheckEndpoint(bad) == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

// A collector that is away costs no request anything, and somebody is told.
func TestCollectorIsAway(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	told := make(chan error, 100)
	tracer, err := New(t.Context(), Config{Endpoint: server.URL, OnError: func(err error) { told <- err }})
	if err != nil {
		t.Fatal(err)
	}
	recorder := httptest.NewRecorder()
	tracer.Around(http.NotFoundHandler()).ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/scim/v2/Users", http.NoBody))
	if recorder.Code != http.StatusNotFound {
		t.Errorf("status %d", recorder.Code)
	}
	if err := errors.Join(tracer.Close(t.Context())); err != nil {
		told <- err
	}
	select {
	case err := <-told:
		if !strings.Contains(err.Error(), "404") {
			t.Errorf("told of %v", err)
		}
	default:
		t.Error("nobody is told")
	}
}
