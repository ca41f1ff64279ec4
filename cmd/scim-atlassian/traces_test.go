package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// spanNames is a collector that keeps the names of spans.
type spanNames struct {
	mu    sync.Mutex
	names []string
}

func (s *spanNames) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var message collector.ExportTraceServiceRequest
	body, err := io.ReadAll(r.Body)
	if err != nil || proto.Unmarshal(body, &message) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, of := range message.ResourceSpans {
		for _, scope := range of.ScopeSpans {
			for _, span := range scope.Spans {
				s.names = append(s.names, span.Name)
			}
		}
	}
}

// serve tells a collector of requests and of what they cost, to the last one before it ends, and shows profiles of itself.
func TestTracesAndProfiles(t *testing.T) {
	spans := &spanNames{}
	server := httptest.NewServer(spans)
	defer server.Close()
	environ := append(startEmulator(t), "OTEL_EXPORTER_OTLP_ENDPOINT="+server.URL, "SCIM_ATLASSIAN_PPROF=true", "ADMIN_LISTEN=127.0.0.1:0")
	p := start(t, environ, "serve", "--listen", "127.0.0.1:0")
	address := p.stderr.await(t, `"msg":"listening".*"address":"([^"]+)"`)
	admin := p.stderr.await(t, `"msg":"listening".*"metrics":"([^"]+)"`)
	_, _, body := get(t, "http://"+address+"/scim/v2/Users?count=1", "ann", "secret")
	var list struct{ Resources []struct{ ID string } }
	if err := json.Unmarshal(body, &list); err != nil || len(list.Resources) != 1 {
		t.Fatalf("%v, %s", err, body)
	}
	if status, _, _ := get(t, "http://"+address+"/scim/v2/Users/"+list.Resources[0].ID, "ann", "secret"); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	for path, want := range map[string]int{"/debug/pprof/": http.StatusOK, "/debug/pprof/goroutine?debug=1": http.StatusOK, "/debug/pprof/cmdline": http.StatusNotFound} {
		if status, _, body := get(t, "http://"+admin+path, "", ""); status != want {
			t.Errorf("%s: %d %.200s", path, status, body)
		}
	}
	p.leave()
	if code := p.wait(t); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, p.stderr.String())
	}
	seen := strings.Join(spans.names, "\n")
	for _, want := range []string{"GET /scim/v2/Users", "GET /scim/v2/Users/{id}", "GET /Users/{id}"} {
		if !strings.Contains("\n"+seen+"\n", "\n"+want+"\n") {
			t.Errorf("no span %s:\n%s", want, seen)
		}
	}
}

func TestTracesAndProfilesAreRefused(t *testing.T) {
	environ := startEmulator(t)
	for setting, want := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT=collector:4318": "must be a URL",
		"SCIM_ATLASSIAN_PPROF=true":                  "beyond this machine",
	} {
		p := start(t, append(environ[:len(environ):len(environ)], setting, "ADMIN_LISTEN=0.0.0.0:0"), "serve", "--listen", "127.0.0.1:0")
		if code := p.wait(t); code != 1 || !strings.Contains(p.stderr.String(), want) {
			t.Errorf("%s: exit code %d, %s", setting, code, p.stderr.String())
		}
	}
}
