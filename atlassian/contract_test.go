package atlassian_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
)

// The contract is Atlassian's own OpenAPI documents. What the clients send must be in them to the letter; what comes
// back may hold more than they announce, as Atlassian's own answers do.

var (
	directoryContract = sync.OnceValues(func() (*contract, error) {
		return loadContract("user-provisioning.v1.json", repairDirectory, closeObjects)
	})
	jiraContract = sync.OnceValues(func() (*contract, error) {
		return loadContract("jira-cloud-platform.v3.json", repairJira, func(any) {})
	})
)

var organizationContract = sync.OnceValues(func() (*contract, error) {
	return loadContract("organization.partial.json", func(map[string]any) {}, closeRequests)
})

// closeRequests forbids members of bodies that the document of the organization does not have.
func closeRequests(document any) {
	schemas := document.(map[string]any)["components"].(map[string]any)["schemas"].(map[string]any)
	for _, name := range []string{"UserSearch", "GroupSearch"} {
		closeObjects(schemas[name])
	}
}

// contract judges requests and answers of one API.
type contract struct{ requests, answers routers.Router }

// loadContract reads a document, corrects it, and makes of it a strict version for requests and an open one for
// answers.
func loadContract(name string, repair func(map[string]any), restrict func(any)) (*contract, error) {
	folder, err := contractFolder()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		return nil, err
	}
	var document map[string]any
	if err := json.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	delete(document, "servers")
	repair(document)
	restrict(document)
	requests, err := newRouter(document)
	if err != nil {
		return nil, err
	}
	openObjects(document)
	answers, err := newRouter(document)
	return &contract{requests, answers}, err
}

// contractFolder finds the documents beside the module, or where ATLASSIAN_OPENAPI_DIR says.
func contractFolder() (string, error) {
	if folder := os.Getenv("ATLASSIAN_OPENAPI_DIR"); folder != "" {
		return folder, nil
	}
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := here; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			folder := filepath.Join(dir, "..", "shared", "openapi")
			_, err := os.Stat(folder)
			return folder, err
		}
	}
	return "", fmt.Errorf("no go.mod above %s: %w", here, os.ErrNotExist)
}

func newRouter(document map[string]any) (routers.Router, error) {
	text, err := json.Marshal(document)
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, err
	}
	return gorillamux.NewRouter(doc)
}

// walk calls visit for every JSON object in v.
func walk(v any, visit func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		visit(v)
		for _, child := range v {
			walk(child, visit)
		}
	case []any:
		for _, child := range v {
			walk(child, visit)
		}
	}
}

// repairDirectory corrects what the document of the directory API says against its own examples and answers: almost
// everything is readOnly, a patch value is an artefact of a Java library, operations and resource types are misspelt.
func repairDirectory(document map[string]any) {
	walk(document, func(o map[string]any) { delete(o, "readOnly") })
	schemas := document["components"].(map[string]any)["schemas"].(map[string]any)
	schemas["JsonNode"] = map[string]any{}
	properties := func(schema string) map[string]any {
		return schemas[schema].(map[string]any)["properties"].(map[string]any)
	}
	properties("ScimMetadata")["resourceType"].(map[string]any)["enum"] = []any{"User", "Group"}
	patch := properties("RequestPayloadToPatch")
	patch["Operations"] = patch["operations"]
	delete(patch, "operations")
}

// repairJira lets fields of any value be null, as every empty field is, 204 come without content, and audit records be
// dated as the document's own example dates them.
func repairJira(document map[string]any) {
	record := document["components"].(map[string]any)["schemas"].(map[string]any)["AuditRecordBean"].(map[string]any)
	delete(record["properties"].(map[string]any)["created"].(map[string]any), "format")
	walk(document, func(o map[string]any) {
		if schema, ok := o["additionalProperties"].(map[string]any); ok && len(schema) == 0 {
			o["additionalProperties"] = true
		}
		if o["format"] == "date-time" {
			delete(o, "format") // Jira writes +0000, not +00:00
		}
		if noContent, ok := o["204"].(map[string]any); ok {
			delete(noContent, "content")
		}
	})
	details := document["components"].(map[string]any)["schemas"].(map[string]any)["ChangeDetails"].(map[string]any)["properties"].(map[string]any)
	for _, name := range []string{"from", "fromString", "to", "toString"} {
		details[name].(map[string]any)["nullable"] = true // what has no id, and what was empty
	}
	open := func(path, method, status string) {
		operation := document["paths"].(map[string]any)[path].(map[string]any)[method].(map[string]any)
		delete(operation["responses"].(map[string]any)[status].(map[string]any), "content")
	}
	open("/rest/api/3/issue/{issueIdOrKey}/remotelink", "get", "200") // a list without globalId; the document has the answer with it
	open("/rest/api/3/issueLink", "post", "201")                      // without content
}

// closeObjects forbids properties that are not in the document.
func closeObjects(document any) {
	walk(document, func(o map[string]any) {
		if _, ok := o["properties"].(map[string]any); ok && o["type"] == "object" {
			o["additionalProperties"] = false
		}
	})
}

func openObjects(document any) {
	walk(document, func(o map[string]any) {
		if o["additionalProperties"] == false {
			delete(o, "additionalProperties")
		}
	})
}

// judge is a transport that holds every exchange against a contract and counts the operations it saw.
type judge struct {
	t        *testing.T
	contract *contract
	next     http.RoundTripper

	mu   sync.Mutex
	seen map[string]int
}

func newJudge(t *testing.T, load func() (*contract, error)) *judge {
	t.Helper()
	c, err := load()
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("Atlassian's OpenAPI documents are not here, set ATLASSIAN_OPENAPI_DIR to test the contract: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	return &judge{t: t, contract: c, next: transport, seen: map[string]int{}}
}

func (j *judge) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	name := req.Method + " " + req.URL.Path
	copied := req.Clone(req.Context())
	copied.Body = io.NopCloser(bytes.NewReader(body))
	input, err := j.route(j.contract.requests, copied)
	if err != nil {
		j.t.Errorf("%s?%s: %v", name, req.URL.RawQuery, err)
		return j.next.RoundTrip(req)
	}
	if err := openapi3filter.ValidateRequest(req.Context(), input); err != nil {
		j.t.Errorf("request %s?%s: %v\n%s", name, req.URL.RawQuery, err, body)
	}
	for parameter := range req.URL.Query() {
		if input.Route.PathItem.Parameters.GetByInAndName("query", parameter) == nil &&
			input.Route.Operation.Parameters.GetByInAndName("query", parameter) == nil {
			j.t.Errorf("request %s: unknown parameter %q", name, parameter)
		}
	}
	j.count(req.Method + " " + input.Route.Path)

	resp, err := j.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(text))
	j.judgeAnswer(name, copied, resp, text)
	return resp, err
}

func (j *judge) route(router routers.Router, req *http.Request) (*openapi3filter.RequestValidationInput, error) {
	route, params, err := router.FindRoute(req)
	if err != nil {
		return nil, err
	}
	return &openapi3filter.RequestValidationInput{
		Request: req, Route: route, PathParams: params, QueryParams: req.URL.Query(),
		Options: &openapi3filter.Options{
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true,
			RejectWhenRequestBodyNotSpecified: true,
		},
	}, nil
}

func (j *judge) judgeAnswer(name string, req *http.Request, resp *http.Response, text []byte) {
	input, err := j.route(j.contract.answers, req)
	if err != nil {
		j.t.Errorf("%s: %v", name, err)
		return
	}
	err = openapi3filter.ValidateResponse(req.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: resp.StatusCode, Header: resp.Header,
		Body:    io.NopCloser(bytes.NewReader(text)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if err != nil {
		j.t.Errorf("answer %d to %s: %v\n%.2000s", resp.StatusCode, name, err, text)
	}
}

func (j *judge) count(operation string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.seen[operation]++
}

// verify fails unless exactly the given operations were seen.
func (j *judge) verify(t *testing.T, want ...string) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(j.seen))); diff != "" {
		t.Errorf("operations seen (-want +got):\n%s", diff)
	}
}

func TestDirectoryContract(t *testing.T) {
	judge := newJudge(t, directoryContract)
	base := newServer(t, emulator.New(emulator.Options{Users: 3, Groups: 2, Seed: 1}))
	d := directoryAt(t, base, atlassian.Config{Transport: judge, MaxRetries: -1})
	ctx := t.Context()

	other, err := d.CreateUser(ctx, minimalUser("other@demo.example"))
	check(t, err)
	_, err = d.Users(ctx, atlassian.ListOptions{Count: 2, StartIndex: 1, ExcludedAttributes: []string{"groups"}})
	check(t, err)
	_, err = d.Users(ctx, atlassian.ListOptions{Filter: atlassian.Filter{Attribute: "userName", Value: other.UserName}, Attributes: []string{"userName"}})
	check(t, err)
	user, err := d.CreateUser(ctx, fullUser())
	check(t, err)
	_, err = d.CreateUser(ctx, fullUser())
	refused(t, err, atlassian.Conflict)
	user, err = d.ReplaceUser(ctx, user.ID, user)
	check(t, err)
	_, err = d.PatchUser(ctx, user.ID, []atlassian.PatchOperation{
		{Op: "replace", Path: "active", Value: false}, {Op: "replace", Path: "name.givenName", Value: "Zoë"}, {Op: "remove", Path: "nickName"},
	})
	check(t, err)
	_, err = d.User(ctx, user.ID)
	check(t, err)

	group, err := d.CreateGroup(ctx, &atlassian.Group{DisplayName: "Contract", Members: []atlassian.Reference{{Value: user.ID}}})
	check(t, err)
	group, err = d.PatchGroup(ctx, group.ID, []atlassian.PatchOperation{
		{Op: "add", Path: "members", Value: []atlassian.Reference{{Value: other.ID}}},
		{Op: "remove", Path: `members[value eq "` + user.ID + `"]`},
	})
	check(t, err)
	_, err = d.ReplaceGroup(ctx, group.ID, group)
	check(t, err)
	_, err = d.Group(ctx, group.ID)
	check(t, err)
	_, err = d.Groups(ctx, atlassian.ListOptions{Filter: atlassian.Filter{Attribute: "displayName", Value: "Contract"}, StartIndex: 1, Count: 10})
	check(t, err)

	check(t, d.DeleteGroup(ctx, group.ID))
	check(t, d.DeleteUser(ctx, user.ID))
	_, err = d.User(ctx, user.ID)
	refused(t, err, atlassian.NotFound)
	_, err = d.Groups(ctx, atlassian.ListOptions{Filter: atlassian.Filter{Attribute: "id", Value: "x"}})
	refused(t, err, atlassian.Invalid)

	const root = "/scim/directory/{directoryId}"
	judge.verify(t,
		"GET "+root+"/Users", "POST "+root+"/Users", "GET "+root+"/Users/{userId}", "PUT "+root+"/Users/{userId}",
		"PATCH "+root+"/Users/{userId}", "DELETE "+root+"/Users/{userId}",
		"GET "+root+"/Groups", "POST "+root+"/Groups", "GET "+root+"/Groups/{id}", "PUT "+root+"/Groups/{id}",
		"PATCH "+root+"/Groups/{id}", "DELETE "+root+"/Groups/{id}",
	)
}

func TestJiraContract(t *testing.T) {
	judge := newJudge(t, jiraContract)
	base := newServer(t, emulator.New(emulator.Options{Users: 3, Groups: 1, Projects: 2, Issues: 30, Seed: 1}))
	j := jiraAt(t, base, atlassian.Config{Transport: judge, MaxRetries: -1})
	ctx := t.Context()

	me, err := j.Myself(ctx)
	check(t, err)
	project := readCatalogues(t, j)
	_, err = j.Granted(ctx, []string{"CREATE_ISSUES", "ADMINISTER_PROJECTS"}, []atlassian.Project{project})
	check(t, err)
	_, err = j.Granted(ctx, []string{"FLY"}, []atlassian.Project{project})
	refused(t, err, atlassian.Invalid)
	changeRoles(t, j, project, me)
	fields := map[string]any{
		"project": map[string]string{"id": project.ID}, "issuetype": map[string]string{"name": "Task"}, "summary": "Contract",
		"labels": []string{"contract"}, "duedate": "2027-01-31",
		"description": json.RawMessage(`{"type":"doc","version":1,"content":[{"type":"paragraph","content":[{"type":"text","text":"Hello"}]}]}`),
	}
	created, err := j.CreateIssue(ctx, fields)
	check(t, err)
	_, err = j.CreateIssue(ctx, map[string]any{"summary": "no project"})
	refused(t, err, atlassian.Invalid)
	check(t, j.EditIssue(ctx, created.Key, atlassian.IssueUpdate{
		Fields: map[string]any{"summary": "Contract, amended", "duedate": nil},
		Update: map[string]any{"labels": []map[string]string{{"add": "more"}}},
	}))
	_, err = j.Issue(ctx, created.Key, nil)
	check(t, err)
	_, err = j.Issue(ctx, created.ID, []string{"summary", "status"})
	check(t, err)
	_, err = j.BulkFetch(ctx, []string{created.Key, created.ID, "999999999"}, []string{"summary"})
	check(t, err)
	steps, err := j.Transitions(ctx, created.ID)
	check(t, err)
	check(t, j.DoTransition(ctx, created.ID, steps[1].ID, atlassian.IssueUpdate{
		HistoryMetadata: &atlassian.HistoryMetadata{Type: "scim", Actor: atlassian.HistoryActor{ID: "caller"}},
	}))
	aroundIssue(t, j, project, created.ID, me)
	jql := `project = "` + project.Key + `" ORDER BY key`
	page, err := j.Search(ctx, atlassian.SearchRequest{JQL: jql, Fields: []string{"summary", "updated"}, MaxResults: 5})
	check(t, err)
	_, err = j.Search(ctx, atlassian.SearchRequest{JQL: jql, Fields: []string{"summary", "updated"}, MaxResults: 5, NextPageToken: page.NextPageToken})
	check(t, err)
	_, err = j.Search(ctx, atlassian.SearchRequest{JQL: `project = "unclosed`})
	refused(t, err, atlassian.Invalid)
	_, err = j.ParseJQL(ctx, []string{jql, "nonsense = 1"})
	check(t, err)
	check(t, j.DeleteIssue(ctx, created.ID, true))
	_, err = j.Issue(ctx, created.ID, nil)
	refused(t, err, atlassian.NotFound)

	const root = "/rest/api/3"
	judge.verify(t,
		"GET "+root+"/myself", "GET "+root+"/project/search", "GET "+root+"/issuetype", "GET "+root+"/status",
		"GET "+root+"/priority/search", "GET "+root+"/resolution/search", "GET "+root+"/label", "GET "+root+"/users/search", "GET "+root+"/user/bulk",
		"GET "+root+"/project/{projectIdOrKey}/components", "GET "+root+"/project/{projectIdOrKey}/versions",
		"GET "+root+"/field", "GET "+root+"/jql/autocompletedata", "GET "+root+"/project/{projectIdOrKey}/statuses",
		"GET "+root+"/issue/createmeta/{projectIdOrKey}/issuetypes/{issueTypeId}", "GET "+root+"/issue/{issueIdOrKey}/editmeta",
		"GET "+root+"/issue/{issueIdOrKey}/comment", "POST "+root+"/issue/{issueIdOrKey}/comment", "POST "+root+"/changelog/bulkfetch",
		"GET "+root+"/issue/{issueIdOrKey}/watchers", "POST "+root+"/issue/{issueIdOrKey}/watchers", "DELETE "+root+"/issue/{issueIdOrKey}/watchers",
		"POST "+root+"/issueLink", "DELETE "+root+"/issueLink/{linkId}", "GET "+root+"/issue/{issueIdOrKey}/remotelink",
		"POST "+root+"/issue/{issueIdOrKey}/remotelink", "DELETE "+root+"/issue/{issueIdOrKey}/remotelink/{linkId}",
		"POST "+root+"/issue", "GET "+root+"/issue/{issueIdOrKey}", "PUT "+root+"/issue/{issueIdOrKey}",
		"DELETE "+root+"/issue/{issueIdOrKey}", "POST "+root+"/issue/bulkfetch",
		"GET "+root+"/issue/{issueIdOrKey}/transitions", "POST "+root+"/issue/{issueIdOrKey}/transitions",
		"POST "+root+"/search/jql", "POST "+root+"/jql/parse", "POST "+root+"/permissions/check",
		"GET "+root+"/role", "GET "+root+"/project/{projectIdOrKey}/role", "GET "+root+"/project/{projectIdOrKey}/role/{id}",
		"POST "+root+"/project/{projectIdOrKey}/role/{id}", "DELETE "+root+"/project/{projectIdOrKey}/role/{id}",
		"GET "+root+"/group/bulk", "GET "+root+"/group/member",
	)
}

// changeRoles makes every request about roles and the groups of the site.
func changeRoles(t *testing.T, j *atlassian.Jira, project atlassian.Project, me *atlassian.Account) {
	t.Helper()
	ctx := t.Context()
	_, err := j.Roles(ctx)
	check(t, err)
	roles, err := j.ProjectRoles(ctx, project.Key)
	check(t, err)
	groups, err := j.SiteGroups(ctx, []string{"site-admins", "jira-users-demo"})
	check(t, err)
	_, err = j.GroupAccounts(ctx, groups[0].ID)
	check(t, err)
	for _, actor := range []atlassian.ActorID{{AccountID: me.AccountID}, {GroupID: groups[0].ID}} {
		_, err = j.AddActor(ctx, project.Key, roles["Viewer"], actor)
		check(t, err)
		_, err = j.AddActor(ctx, project.Key, roles["Viewer"], actor)
		refused(t, err, atlassian.Invalid)
		_, err = j.ProjectRole(ctx, project.Key, roles["Viewer"])
		check(t, err)
		check(t, j.RemoveActor(ctx, project.Key, roles["Viewer"], actor))
	}
}

// readCatalogues reads every catalogue and returns a project.
// aroundIssue calls what stands around an issue.
func aroundIssue(t *testing.T, j *atlassian.Jira, project atlassian.Project, id string, me *atlassian.Account) {
	t.Helper()
	ctx := t.Context()
	fields, err := j.Fields(ctx)
	check(t, err)
	if !slices.ContainsFunc(fields, func(f atlassian.Field) bool { return f.Name == "Approver" && f.Schema.CustomID > 0 }) {
		t.Errorf("no field Approver in %v", fields)
	}
	clauses, err := j.Clauses(ctx)
	check(t, err)
	if !slices.ContainsFunc(clauses, func(c atlassian.Clause) bool {
		return c.CustomID == "cf[10201]" && slices.Contains(c.Operators, "not in")
	}) {
		t.Errorf("no clause of the field Approver in %v", clauses)
	}
	types, err := j.ProjectStatuses(ctx, project.Key)
	check(t, err)
	_, err = j.CreateFields(ctx, project.Key, types[0].ID)
	check(t, err)
	_, err = j.EditFields(ctx, id)
	check(t, err)
	text := json.RawMessage(`{"type":"doc","version":1,"content":[{"type":"paragraph","content":[{"type":"text","text":"Hello"}]}]}`)
	_, err = j.AddComment(ctx, id, atlassian.NewComment{Body: text, Properties: atlassian.InternalComment()})
	check(t, err)
	comments, err := j.Comments(ctx, id)
	check(t, err)
	if len(comments) != 1 || comments[0].JSDPublic == nil || *comments[0].JSDPublic {
		t.Errorf("comments %+v", comments)
	}
	logs, err := j.Changelogs(ctx, []string{id})
	check(t, err)
	if last := logs[id][len(logs[id])-1]; last.HistoryMetadata == nil || last.HistoryMetadata.Actor.ID != "caller" {
		t.Errorf("changelog %+v", logs)
	}
	check(t, j.Watch(ctx, id, me.AccountID))
	watchers, err := j.Watchers(ctx, id)
	check(t, err)
	if len(watchers) != 1 {
		t.Errorf("watchers %v", watchers)
	}
	check(t, j.Unwatch(ctx, id, me.AccountID))
	other, err := j.CreateIssue(ctx, map[string]any{
		"project": map[string]string{"id": project.ID}, "issuetype": map[string]string{"name": "Task"}, "summary": "Other",
	}, atlassian.Property{Key: "contract", Value: map[string]string{"value": "x"}})
	check(t, err)
	check(t, j.LinkIssues(ctx, "Blocks", id, other.ID))
	linked, err := j.Issue(ctx, other.ID, []string{"issuelinks"}, "contract")
	check(t, err)
	if len(linked.Fields.Links) != 1 || linked.Fields.Links[0].Inward == nil || linked.Properties["contract"] == nil {
		t.Fatalf("the other end of the link is %+v", linked)
	}
	check(t, j.DeleteLink(ctx, linked.Fields.Links[0].ID))
	check(t, j.SetRemoteLink(ctx, id, atlassian.RemoteLink{GlobalID: "g", Object: atlassian.RemoteObject{URL: "https://a.example", Title: "A"}}))
	remote, err := j.RemoteLinks(ctx, id)
	check(t, err)
	check(t, j.DeleteRemoteLink(ctx, id, remote[0].ID))
}

func readCatalogues(t *testing.T, j *atlassian.Jira) atlassian.Project {
	t.Helper()
	ctx := t.Context()
	_, err := j.Projects(ctx, nil)
	check(t, err)
	projects, err := j.Projects(ctx, []string{"ENG"})
	check(t, err)
	_, err = j.IssueTypes(ctx)
	check(t, err)
	_, err = j.Statuses(ctx)
	check(t, err)
	_, err = j.Priorities(ctx)
	check(t, err)
	_, err = j.Resolutions(ctx)
	check(t, err)
	_, err = j.Components(ctx, projects[0].Key)
	check(t, err)
	_, err = j.Versions(ctx, projects[0].Key)
	check(t, err)
	_, err = j.Labels(ctx)
	check(t, err)
	accounts, err := j.Accounts(ctx)
	check(t, err)
	found, err := j.AccountsByID(ctx, []string{accounts[0].AccountID, "nobody"})
	check(t, err)
	if len(found) != 1 || found[0].AccountID != accounts[0].AccountID {
		t.Errorf("the accounts with the ids %q and nobody are %v", accounts[0].AccountID, found)
	}
	return projects[0]
}

// fullUser has every attribute that a caller can set.
func fullUser() *atlassian.User {
	active := true
	return &atlassian.User{
		ExternalID: "e-1", UserName: "zoë.o'brien+1@demo.example",
		Name: &atlassian.Name{
			Formatted: "Dr. Zoë A. O'Brien Jr.", FamilyName: "O'Brien", GivenName: "Zoë", MiddleName: "A.",
			HonorificPrefix: "Dr.", HonorificSuffix: "Jr.",
		},
		DisplayName: "Zoë \"Z\" O'Brien", NickName: "Z", Title: "R&D", PreferredLanguage: "en-IE", Timezone: "Europe/Dublin",
		Department: "Research", Organization: "Demo",
		Emails:       []atlassian.MultiValue{{Value: "zoe.obrien@demo.example", Type: "work", Primary: true}},
		PhoneNumbers: []atlassian.MultiValue{{Value: "+353 1 555 0100", Type: "work", Primary: true}},
		Active:       &active,
		Enterprise:   &atlassian.Enterprise{Organization: "Demo", Department: "Research"},
	}
}

func minimalUser(address string) *atlassian.User {
	return &atlassian.User{UserName: address, Emails: []atlassian.MultiValue{{Value: address, Primary: true}}}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func refused(t *testing.T, err error, want atlassian.Kind) {
	t.Helper()
	if got := atlassian.KindOf(err); err == nil || got != want {
		t.Fatalf("got %v, want %v", err, want)
	}
}
