package bulk

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"scim-atlassian/schemas"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// testTypes are users, groups of users, and issues with a parent, by the first segment of a path.
var testTypes = map[string]*resource.Type{
	"Users":  testType("User", nil),
	"Groups": testType("Group", []string{"/Users"}, &query.Attribute{Name: "members", Kind: query.Complex, MultiValued: true}),
	"Issues": testType("Issue", nil, &query.Attribute{Name: "parent", Kind: query.Complex}),
}

func testType(name string, linked []string, attributes ...*query.Attribute) *resource.Type {
	return &resource.Type{
		ResourceType: schemas.ResourceType{Name: name, Endpoint: "/" + name + "s"},
		Schema:       query.NewSchema(name, "urn:test:"+name, attributes), Links: resource.Links{Name: "members"}, Linked: linked,
	}
}

// testJob parses operations, an array of them in JSON, with some further members of the request.
func testJob(t *testing.T, more, operations string, cfg Config) *Job {
	t.Helper()
	var body any
	if err := json.Unmarshal([]byte(`{`+more+`"Operations":`+operations+`}`), &body); err != nil {
		t.Fatal(err)
	}
	cfg.MaxOperations = 100
	cfg.TypeAt = func(segment string) *resource.Type { return testTypes[segment] }
	cfg.Locate = func(path []string) string { return "https://test/" + strings.Join(path, "/") }
	job, err := Parse(body, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

func TestPlan(t *testing.T) {
	tests := []struct{ name, operations, want string }{
		{"one resource each", `[{"method":"DELETE","path":"/Users/1"},{"method":"DELETE","path":"/Users/2"}]`, ""},
		{"the same resource", `[{"method":"DELETE","path":"/Users/1"},{"method":"PUT","path":"/Users/1","data":{}},{"method":"DELETE","path":"/Users/1"}]`, "1 after 0, 2 after 1"},
		{"a change of a named resource", `[
			{"method":"PATCH","path":"/Groups/g","data":{"members":["1","2"]}},
			{"method":"PATCH","path":"/Groups/h","data":{"members":["1"]}},
			{"method":"DELETE","path":"/Users/1"},
			{"method":"PATCH","path":"/Groups/i","data":{"members":["1"]}}]`, "2 after 0, 2 after 1, 3 after 2"},
		{"one name at one endpoint", `[
			{"method":"POST","path":"/Users","data":{"userName":"ann"}},
			{"method":"POST","path":"/Users","data":{"username":"Ann"}},
			{"method":"POST","path":"/Users","data":{"userName":"bob"}},
			{"method":"POST","path":"/Groups","data":{"displayName":"ann"}}]`, "1 after 0"},
		{"references in data, in a path and in the path of a PATCH", `[
			{"method":"PATCH","path":"/Groups/g","data":{"Operations":[{"op":"remove","path":"members[value eq \"bulkId:u\"]"}]}},
			{"method":"PATCH","path":"/Users/bulkId:u","data":{}},
			{"method":"POST","path":"/Groups","bulkId":"h","data":{"members":[{"value":"bulkId:u"},{"value":"bulkId:v"}]}},
			{"method":"POST","path":"/Users","bulkId":"u","data":{}},
			{"method":"POST","path":"/Users","bulkId":"v","data":{}}]`, "0 after 3, 1 after 0, 1 after 3, 2 after 1, 2 after 3, 2 after 4"},
		{"a reference in another case", `[
			{"method":"POST","path":"/Users","bulkId":"u","data":{}},
			{"method":"PUT","path":"/Users/bulkId:u","data":{}},
			{"method":"PATCH","path":"/Groups/g","data":{"members":["BULKID:u"]}},
			{"method":"DELETE","path":"/Users/bulkid:u"}]`, "1 after 0, 2 after 0, 2 after 1, 3 after 0, 3 after 1, 3 after 2"},
		{"a fault waits for nothing", `[{"method":"DELETE","path":"/Users/1"},{"method":"PUT","path":"/Users/1"},{"method":"DELETE","path":"/Users/1"}]`, "2 after 0"},
		{"the example of plan", `[
			{"method":"PATCH","path":"/Groups/g","data":{"members":["u"]}},
			{"method":"PUT","path":"/Users/u","data":{}},
			{"method":"DELETE","path":"/Groups/g"},
			{"method":"POST","path":"/Users","bulkId":"a","data":{"userName":"ann"}},
			{"method":"POST","path":"/Users","data":{"userName":"ann"}},
			{"method":"PATCH","path":"/Groups/h","data":{"members":["bulkId:a"]}}]`, "1 after 0, 2 after 0, 4 after 3, 5 after 3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			job := testJob(t, "", tt.operations, Config{})
			job.plan()
			var waits, ready []string
			for _, op := range job.ops {
				for _, waiter := range op.next {
					waits = append(waits, fmt.Sprintf("%d after %d", waiter.index, op.index))
				}
			}
			slices.Sort(waits)
			if diff := cmp.Diff(tt.want, strings.Join(slices.Compact(waits), ", ")); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			for _, op := range job.ops {
				if !strings.Contains(tt.want, fmt.Sprintf("%d after", op.index)) {
					ready = append(ready, fmt.Sprint(op.index))
				}
			}
			var got []string
			for _, op := range job.ready {
				got = append(got, fmt.Sprint(op.index))
			}
			if diff := cmp.Diff(ready, got); diff != "" {
				t.Errorf("ready (-want +got):\n%s", diff)
			}
		})
	}
}

// recorder performs steps: a POST makes the resource "id-" with its index; a step on the resource "missing" fails.
type recorder struct {
	mu    sync.Mutex
	steps []string
}

func (r *recorder) do(_ context.Context, step Step) Outcome {
	data, err := json.Marshal(step.Data, json.Deterministic(true))
	if err != nil {
		panic(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps = append(r.steps, fmt.Sprintf("%d %s /%s %s", step.Index, step.Method, strings.Join(step.Path, "/"), data))
	switch {
	case slices.Contains(step.Path, "missing") || strings.Contains(string(data), "missing"):
		return Outcome{Status: http.StatusNotFound, Refusal: resource.NotFound("User", "missing")}
	case step.Method == http.MethodPost:
		return Outcome{Status: http.StatusCreated, ID: fmt.Sprint("id-", step.Index)}
	}
	return Outcome{Status: http.StatusOK}
}

func TestRun(t *testing.T) {
	tests := []struct {
		name, operations string
		steps            []string // that were performed, in the order of the request
		results          string   // status by status
	}{
		{
			name:       "references become ids",
			operations: `[{"method":"POST","path":"/Groups","data":{"members":[{"value":"bulkId:u"}],"bulkId:u":"x"}},{"method":"POST","path":"/Users","bulkId":"u","data":{}},{"method":"DELETE","path":"/Users/bulkId:u"}]`,
			steps:      []string{`0 POST /Groups {"bulkId:u":"x","members":[{"value":"id-1"}]}`, `1 POST /Users {}`, `2 DELETE /Users/id-1 null`},
			results:    "201 201 200",
		},
		{
			name:       "members that no operation has, or has twice",
			operations: `[{"method":"DELETE","path":"/Users/1","ifMatch":"W/1"},{"method":"DELETE","path":"/Users/1","Path":"/Users/2"},{"method":"DELETE","path":"/Users/3","extra":null}]`,
			steps:      []string{`2 DELETE /Users/3 null`},
			results:    "400 400 200",
		},
		{
			name:       "a failure takes along the operations that refer to it",
			operations: `[{"method":"POST","path":"/Users","bulkId":"u","data":{"title":"missing"}},{"method":"PUT","path":"/Users/bulkId:u","data":{}},{"method":"DELETE","path":"/Users/1"}]`,
			steps:      []string{`0 POST /Users {"title":"missing"}`, `2 DELETE /Users/1 null`},
			results:    "404 412 200",
		},
		{
			name:       "a failure does not hold back an operation that only waits",
			operations: `[{"method":"PUT","path":"/Users/missing","data":{}},{"method":"DELETE","path":"/Users/missing"}]`,
			steps:      []string{`0 PUT /Users/missing {}`, `1 DELETE /Users/missing null`},
			results:    "404 404",
		},
		{
			name:       "a circle is opened and closed",
			operations: `[{"method":"POST","path":"/Users","bulkId":"a","data":{"manager":"bulkId:b"}},{"method":"POST","path":"/Users","bulkId":"b","data":{"manager":"bulkId:a"}}]`,
			steps: []string{`0 PATCH /Users/id-0 {"Operations":[{"op":"add","value":{"manager":"id-1"}}],"schemas":["` + resource.URNPatchOp + `"]}`,
				`0 POST /Users {}`, `1 POST /Users {"manager":"id-0"}`},
			results: "201 201",
		},
		{
			name:       "a circle whose other end fails",
			operations: `[{"method":"POST","path":"/Users","bulkId":"a","data":{"manager":"bulkId:b"}},{"method":"POST","path":"/Users","bulkId":"b","data":{"title":"missing","manager":"bulkId:a"}}]`,
			steps:      []string{`0 POST /Users {}`, `1 POST /Users {"manager":"id-0","title":"missing"}`},
			results:    "409 404",
		},
		{
			name:       "a group as a member of a group, and an issue as its own ancestor",
			operations: `[{"method":"POST","path":"/Groups","bulkId":"a","data":{"members":["bulkId:b"]}},{"method":"POST","path":"/Groups","bulkId":"b","data":{}},{"method":"POST","path":"/Issues","bulkId":"i","data":{"parent":{"id":"bulkId:i"}}}]`,
			steps:      []string{`1 POST /Groups {}`},
			results:    "400 201 400",
		},
		{
			name:       "a bulkId that no POST has",
			operations: `[{"method":"DELETE","path":"/Users/bulkId:u","bulkId":"u"}]`,
			results:    "400",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r recorder
			results, failed := testJob(t, "", tt.operations, Config{Do: r.do}).Run(t.Context())
			slices.Sort(r.steps) // the steps of one request have no order but that of plan
			if diff := cmp.Diff(tt.steps, r.steps); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
			var statuses []string
			wantFailed := 0
			for _, result := range results {
				status := result.(query.Object).Text("status")
				statuses = append(statuses, status)
				if status >= "400" {
					wantFailed++
				}
			}
			if diff := cmp.Diff(tt.results, strings.Join(statuses, " ")); diff != "" || failed != wantFailed {
				t.Errorf("%d failed, want %d; results (-want +got):\n%s", failed, wantFailed, diff)
			}
		})
	}
}

// TestRunInParallel runs 40 operations of a second each: as many at once as may still fail, and never more than
// maxParallel.
func TestRunInParallel(t *testing.T) {
	for _, tt := range []struct {
		more    string
		took    time.Duration
		highest int64
	}{
		{"", 3 * time.Second, maxParallel},
		{`"failOnErrors":2,`, 20 * time.Second, 2},
		{`"failOnErrors":1,`, 40 * time.Second, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			var operations []string
			for i := range 40 {
				operations = append(operations, fmt.Sprintf(`{"method":"DELETE","path":"/Users/%d"}`, i))
			}
			var running, highest atomic.Int64
			do := func(context.Context, Step) Outcome {
				defer running.Add(-1)
				highest.Store(max(highest.Load(), running.Add(1)))
				time.Sleep(time.Second)
				return Outcome{Status: http.StatusNoContent}
			}
			began := time.Now()
			results, _ := testJob(t, tt.more, "["+strings.Join(operations, ",")+"]", Config{Do: do}).Run(t.Context())
			if took := time.Since(began); took != tt.took || highest.Load() != tt.highest || len(results) != 40 {
				t.Errorf("%q took %v with %d at once and %d results, want %v with %d and 40", tt.more, took, highest.Load(), len(results), tt.took, tt.highest)
			}
		})
	}
}

// TestRunOutOfTime ends the context during the first of two operations: the second one is not begun.
func TestRunOutOfTime(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	do := func(context.Context, Step) Outcome {
		cancel()
		return Outcome{Status: http.StatusNoContent}
	}
	results, failed := testJob(t, "", `[{"method":"PUT","path":"/Users/1","data":{}},{"method":"DELETE","path":"/Users/1"}]`, Config{Do: do}).Run(ctx)
	if len(results) != 2 || failed != 1 {
		t.Fatalf("%d of %d failed, want 1 of 2", failed, len(results))
	}
	if got, want := results[1].(query.Object).Text("status"), "504"; got != want {
		t.Errorf("the second has status %s, want %s", got, want)
	}
}
