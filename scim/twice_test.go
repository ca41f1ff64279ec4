package scim_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/server"
	"scim-atlassian/scim/state"
)

// keepingIssues are servers of one tenant with one state: one after the other, as processes that end are, or replicas.
type keepingIssues struct {
	*facade
	store *state.Store
	now   time.Time
}

func newKeepingIssues(t *testing.T, options emulator.Options) *keepingIssues {
	t.Helper()
	store, err := state.Open(t.Context(), "file:"+filepath.Join(t.TempDir(), "state.db"), state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	k := &keepingIssues{store: store, now: time.Now(), facade: &facade{T: t, emulator: emulator.New(options), caller: "all"}}
	upstream := httptest.NewServer(k.emulator)
	t.Cleanup(upstream.Close)
	k.upstream = upstream.URL
	k.another()
	return k
}

// another lets a server that has no memory but the state answer from now on.
func (k *keepingIssues) another() {
	config := scim.Config{State: k.store, IssueFields: deskFields, Callers: []auth.Caller{bearer("all", auth.Write)}, Now: func() time.Time { return k.now }}
	srv := httptest.NewServer(serverOver(k.T, k.upstream, atlassian.Config{MaxRetries: -1, Timeout: 5 * time.Second, MaxRetryWait: time.Millisecond}, config))
	k.Cleanup(srv.Close)
	k.base = srv.URL + server.BasePath
}

func (k *keepingIssues) faults(rules string) {
	k.Helper()
	faults, err := emulator.ParseFaults(rules)
	if err != nil {
		k.Fatal(err)
	}
	k.emulator.SetFaults(faults)
}

const lostRequest = "method=POST path=/rest/servicedeskapi/request times=1 reset=after\npath=/rest/api/3/issue/bulkfetch status=503"

// wantOne wants one issue in a project, with an externalId.
func (k *keepingIssues) wantOne(project, externalID string) {
	k.Helper()
	found := k.want(http.StatusOK, http.MethodGet, "/Issues?filter="+url.QueryEscape(`project.key eq "`+project+`"`), "")
	if found.at("totalResults") != 1.0 || found.at("Resources", 0, "externalId") != externalID {
		k.Errorf("issues: %s", found.body)
	}
}

// A process ends after Jira made a request, and before it was given its externalId. The next process
// finds the request, and makes no second one.
func TestCrashBeforeRequestIsMarked(t *testing.T) {
	for name, rules := range map[string]string{
		"no answer": lostRequest,
		"answered":  "method=PUT path=/rest/api/3/issue status=500",
	} {
		t.Run(name, func(t *testing.T) {
			k := newKeepingIssues(t, deskTenant)
			approver, _ := k.want(http.StatusOK, http.MethodGet, "/Users?count=1&filter=active+eq+true", "").at("Resources", 0, "userName").(string)
			body := deskRequest(approver, `,"externalId":"R-7"`)
			k.faults(rules)
			if a := k.do(http.MethodPost, "/Issues", body); a.status < 500 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			k.faults("")
			k.another()
			refused := k.want(http.StatusConflict, http.MethodPost, "/Issues", body)
			if !strings.Contains(refused.body, "SD-1") {
				t.Errorf("refused: %s", refused.body)
			}
			k.wantOne("SD", "R-7")
		})
	}
}

// A creation that never reached Jira is repeated once that is certain, not before.
func TestCrashBeforeRequestIsMade(t *testing.T) {
	k := newKeepingIssues(t, deskTenant)
	approver, _ := k.want(http.StatusOK, http.MethodGet, "/Users?count=1&filter=active+eq+true", "").at("Resources", 0, "userName").(string)
	body := deskRequest(approver, `,"externalId":"R-7"`)
	k.faults("method=POST path=/rest/servicedeskapi/request times=1 reset=before\npath=/rest/api/3/issue/bulkfetch status=503")
	k.want(http.StatusGatewayTimeout, http.MethodPost, "/Issues", body)
	k.faults("")
	k.another()
	if a := k.want(http.StatusGatewayTimeout, http.MethodPost, "/Issues", body); a.header.Get("Retry-After") == "" {
		t.Error("nothing says when to come back")
	}
	k.now = k.now.Add(time.Minute)
	k.want(http.StatusCreated, http.MethodPost, "/Issues", body)
	k.wantOne("SD", "R-7")
}

// Of two requests that may be the one, nobody can tell which it is: that is said, and a client decides.
func TestCrashAndTwoCandidates(t *testing.T) {
	k := newKeepingIssues(t, deskTenant)
	approver, _ := k.want(http.StatusOK, http.MethodGet, "/Users?count=1&filter=active+eq+true", "").at("Resources", 0, "userName").(string)
	body := func(id string) string { return deskRequest(approver, `,"externalId":"`+id+`"`) }
	for _, id := range []string{"R-7", "R-8"} {
		k.faults(lostRequest)
		k.want(http.StatusGatewayTimeout, http.MethodPost, "/Issues", body(id))
		k.another()
	}
	k.faults("")
	k.now = k.now.Add(time.Minute)
	refused := k.want(http.StatusConflict, http.MethodPost, "/Issues", body("R-7"))
	if !strings.Contains(refused.body, "SD-1, SD-2") || refused.at("scimType") != "uniqueness" {
		t.Errorf("refused: %s", refused.body)
	}
	k.want(http.StatusOK, http.MethodPatch, "/Issues/SD-1", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"externalId","value":"R-7"}]}`)
	k.want(http.StatusConflict, http.MethodPost, "/Issues", body("R-7"))
	k.want(http.StatusConflict, http.MethodPost, "/Issues", body("R-8")) // the other one is it
	found := k.want(http.StatusOK, http.MethodGet, "/Issues?sortBy=key&filter="+url.QueryEscape(`project.key eq "SD"`), "")
	if found.at("totalResults") != 2.0 || found.at("Resources", 0, "externalId") != "R-7" || found.at("Resources", 1, "externalId") != "R-8" {
		t.Errorf("issues: %s", found.body)
	}
}

// What one replica has created another knows, long before the search index does.
func TestReplicaKnowsWhatAnotherCreated(t *testing.T) {
	options := smallTenant
	options.Jira.IndexLag = time.Hour
	k := newKeepingIssues(t, options)
	const body = `{"project":"ACC","issueType":"Access request","summary":"CRM","externalId":"R-9"}`
	k.want(http.StatusCreated, http.MethodPost, "/Issues", body)
	k.another()
	if a := k.want(http.StatusConflict, http.MethodPost, "/Issues", body); !strings.Contains(a.body, "ACC-1") {
		t.Errorf("refused: %s", a.body)
	}
	k.faults("method=POST path=/rest/api/3/issue times=1 reset=after\npath=/rest/api/3/issue/bulkfetch status=503")
	lost := strings.ReplaceAll(body, "R-9", "R-10")
	k.want(http.StatusGatewayTimeout, http.MethodPost, "/Issues", lost)
	k.faults("")
	k.another()
	if a := k.want(http.StatusConflict, http.MethodPost, "/Issues", lost); !strings.Contains(a.body, "ACC-2") {
		t.Errorf("refused: %s", a.body)
	}
}
