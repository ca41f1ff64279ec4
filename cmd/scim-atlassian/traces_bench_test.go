package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/server"
	"scim-atlassian/scim/tracing"
)

// BenchmarkTraces is what a request with one call to Atlassian costs without a collector and with one, beside
// what it costs without the code for spans (none).
func BenchmarkTraces(b *testing.B) {
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer collector.Close()
	tracer, err := tracing.New(b.Context(), tracing.Config{Endpoint: collector.URL, Base: server.BasePath, OnError: func(error) {}})
	if err != nil {
		b.Fatal(err)
	}
	defer tracer.Close(b.Context())
	off, on := newMetrics(), newMetrics()
	on.spans = tracer
	call := atlassian.Call{Op: "GET /Users/{id}", Host: "api.atlassian.com", Status: http.StatusOK, Attempt: 1}
	for name, handler := range map[string]http.Handler{
		"none": http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { off.call(r.Context(), call) }),
		"off":  off.traced(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { off.call(r.Context(), call) })),
		"on":   on.traced(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { on.call(r.Context(), call) })),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(b.Context(), http.MethodGet, server.BasePath+"/Users/1", http.NoBody)
			for b.Loop() {
				handler.ServeHTTP(w, r)
			}
		})
	}
}
