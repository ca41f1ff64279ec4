package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/audit"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/server"
)

// The metrics count the requests to the demo and its calls to Atlassian, under names from fixed sets.
func TestMetrics(t *testing.T) {
	p := start(t, nil, "demo", "--listen", "127.0.0.1:0", "--atlassian-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--users", "12",
		"--fault", "path=/scim/ times=1 status=429 retry-after=1")
	base := p.stdout.await(t, `SCIM 2.0 +(http://\S+)`)
	metrics := p.stdout.await(t, `Metrics +(http://\S+)`)
	p.stdout.await(t, "(Ctrl-C)")
	for _, path := range []string{"/Users?count=1", "/Users/nobody-" + strings.Repeat("x", 20), "/Schemas", "/nothing"} {
		get(t, base+path, demoUser, demoPassword)
	}
	for range 2 {
		get(t, base+"/Users?filter=emails%5Btype+eq+%22work%22+and+value+co+%22a%22%5D", demoUser, demoPassword) // takes reading all users, once
	}
	get(t, base+"/Users", "", "")
	status, header, text := get(t, metrics, "", "")
	if status != http.StatusOK || !strings.HasPrefix(header.Get("Content-Type"), "text/plain") {
		t.Fatalf("status %d, %v", status, header)
	}
	for _, want := range []string{
		`scim_atlassian_requests_total{method="GET",status="200",type="User"} 3`,
		`scim_atlassian_requests_total{method="GET",status="404",type="User"} 1`,
		`scim_atlassian_requests_total{method="GET",status="200",type="Schemas"} 1`,
		`scim_atlassian_requests_total{method="GET",status="404",type="none"} 1`,
		`scim_atlassian_requests_total{method="GET",status="401",type="none"} 1`,
		`scim_atlassian_request_duration_seconds_count{method="GET",type="User"} 4`,
		`scim_atlassian_request_upstream_calls_sum{method="GET",type="User"} 4`,
		`scim_atlassian_requests_in_flight 0`,
		`scim_atlassian_upstream_up{upstream="directory"} 1`,
		`scim_atlassian_caller_requests_total{caller="demo",class="2xx"} 4`,
		`scim_atlassian_caller_last_request_timestamp_seconds{caller="demo"} 1`,
		`scim_atlassian_plans_total{plan="page",type="User"} 1`,
		`scim_atlassian_plans_total{plan="scan",type="User"} 2`,
		`scim_atlassian_list_results_total{plan="scan",type="User"} `,
		`scim_atlassian_sign_ins_refused_total{reason="wrong"} 1`,
		`scim_atlassian_upstream_calls_total{op="GET /Users",status="429"} 1`,
		`scim_atlassian_upstream_calls_total{op="GET /Users/{id}",status="404"} 1`,
		`scim_atlassian_upstream_retries_total{op="GET /Users"} 1`,
		`scim_atlassian_snapshot_readings_total{kind="scan",type="User"} 1`,
		`scim_atlassian_snapshot_readings_total{kind="hit",type="User"} 1`,
		`scim_atlassian_snapshot_resources{type="User"} 12`,
		`scim_atlassian_snapshot_age_seconds{type="User"} `,
		`scim_atlassian_snapshot_readings_total{kind="scan",type="Group"} 0`,
		`go_goroutines `,
		`process_start_time_seconds `,
	} {
		if !strings.Contains(string(text), "\n"+want) {
			t.Errorf("no %s", want)
		}
	}
	if wait := regexp.MustCompile(`upstream_wait_seconds_total{op="GET /Users"} 1\.\d+`); !wait.Match(text) {
		t.Error("the second that Atlassian asked for is not there")
	}
	if scanned := regexp.MustCompile(`list_scanned_total{plan="scan",type="User"} [1-9]`); !scanned.Match(text) {
		t.Error("the users that had to be looked at are not there")
	}
	if strings.Contains(string(text), "nobody-") {
		t.Error("a label holds what a client sent")
	}
}

// The outcomes of writes count as the audit has them, and so do lines that cannot be written.
func TestMetricsOfTheAudit(t *testing.T) {
	m := newMetrics()
	full := &fullDisk{}
	a, err := (&config{Audit: auditStderr}).openAudit(t.Context(), streams{stderr: full}, foundation{metrics: m, logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	log := &audit.Log{Core: a.core, Values: audit.Names, Now: time.Now, Problem: func(error) { full.told++ }}
	user := &resource.Type{Schema: &query.Schema{}}
	for _, w := range []*audit.Write{
		{Request: &resource.Request{}, Type: user, Status: 201},
		{Request: &resource.Request{}, Type: user, Status: 400, Refusal: &resource.Error{Status: 400}},
		{Request: &resource.Request{}, Type: user, Status: 502, Refusal: &resource.Error{Status: 502, Partial: true}},
		{Request: &resource.Request{}, Type: user, Status: 504, Refusal: &resource.Error{Status: 504, Unknown: true}},
		{Request: &resource.Request{}, Type: user, Status: 503, Refusal: &resource.Error{Status: 503}},
	} {
		if err := log.Intent(w); err != nil {
			t.Fatal(err)
		}
		log.Outcome(w)
	}
	full.is = true
	log.Outcome(&audit.Write{Request: &resource.Request{}, Type: user, Status: 204})
	got := map[string]float64{}
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, metric := range f.GetMetric() {
			switch f.GetName() {
			case "scim_atlassian_writes_total":
				got[metric.GetLabel()[0].GetValue()] = metric.GetCounter().GetValue()
			case "scim_atlassian_audit_failures_total":
				got["failures"] = metric.GetCounter().GetValue()
			}
		}
	}
	want := map[string]float64{"done": 2, "refused": 1, "partial": 1, "unknown": 1, "failed": 1, "failures": 1}
	if diff := cmp.Diff(want, got); diff != "" || full.told != 1 {
		t.Errorf("told %d times; -want +got:\n%s", full.told, diff)
	}
}

// fullDisk takes lines until it is full.
type fullDisk struct {
	bytes.Buffer
	is   bool
	told int
}

func (d *fullDisk) Write(p []byte) (int, error) {
	if d.is {
		return 0, errors.New("no space left")
	}
	return d.Buffer.Write(p)
}

func (d *fullDisk) Sync() error { return nil }

// A default that is in use is no reason not to serve; an address that somebody chose is.
func TestListenAdmin(t *testing.T) {
	if l, err := net.Listen("tcp", adminDefault); err == nil { // else it is in use already
		defer l.Close()
	}
	for _, tt := range []struct {
		address, instead string
		listens          bool
	}{
		{"", "127.0.0.1:0", false},
		{adminDefault, "", false},
		{adminDefault, "127.0.0.1:0", true},
	} {
		l, err := listenAdmin(t.Context(), tt.address, tt.instead)
		if err != nil || (l != nil) != tt.listens {
			t.Errorf("%+v: %v, %v", tt, l, err)
		}
		if l != nil {
			l.Close()
		}
	}
}

// Requests and calls of any kind count without the labels growing beyond what they are made for.
func TestMetricsOfCallsWithoutAnswer(t *testing.T) {
	m := newMetrics()
	m.call(context.Background(), atlassian.Call{Op: "GET /Users", Attempt: 1, Waited: -time.Nanosecond})
	m.request(server.Request{Method: "other", Status: 405})
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string]string{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				labels[family.GetName()+" "+label.GetName()] = label.GetValue()
			}
		}
	}
	if labels["scim_atlassian_upstream_calls_total status"] != "none" || labels["scim_atlassian_requests_total type"] != "none" {
		t.Errorf("labels %v", labels)
	}
}
