package scim_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
)

// bulk sends operations, each written as JSON.
func (f *facade) bulk(status int, more string, operations ...string) answer {
	f.Helper()
	return f.want(status, http.MethodPost, "/Bulk", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],`+more+`"Operations":[`+strings.Join(operations, ",")+`]}`)
}

// results gives one word an operation: bulkId, or method, and status.
func (a answer) results() []string {
	list, _ := a.at("Operations").([]any)
	var all []string
	for _, e := range list {
		op, _ := e.(map[string]any)
		name, _ := op["bulkId"].(string)
		if name == "" {
			name, _ = op["method"].(string)
		}
		status, _ := op["status"].(string)
		all = append(all, name+" "+status)
	}
	return all
}

func (a answer) detail(operation int) string {
	detail, _ := a.at("Operations", operation, "response", "detail").(string)
	return detail
}

// idIn is the id at the end of an operation's location.
func (a answer) idIn(operation int) string {
	location, _ := a.at("Operations", operation, "location").(string)
	return location[strings.LastIndexByte(location, '/')+1:]
}

func post(bulkID, path, data string) string {
	return fmt.Sprintf(`{"method":"POST","bulkId":%q,"path":%q,"data":%s}`, bulkID, path, data)
}

func groupBody(name string, members ...string) string {
	list := make([]string, len(members))
	for i, m := range members {
		list[i] = `{"value":"` + m + `"}`
	}
	return `{"schemas":["` + coreGroup + `"],"displayName":"` + name + `","members":[` + strings.Join(list, ",") + `]}`
}

func wantResults(t *testing.T, a answer, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, a.results()); diff != "" {
		t.Fatalf("results (-want +got):\n%s\n%s", diff, a.body)
	}
}

func TestBulk(t *testing.T) {
	f := newFacade(t, emulator.Options{}, scim.Config{})
	ann := f.user("ann@demo.example")
	bea := f.user("bea@demo.example")
	crew := f.group("Crew")
	tag := f.want(200, "GET", "/Users/"+ann, "").header.Get("ETag")

	// The group comes before its member, the path names a resource that is made here.
	a := f.bulk(200, "",
		post("g", "/Groups", groupBody("Pilots", "bulkId:u", bea)),
		post("u", "/Users", userBody("bob@demo.example")),
		`{"method":"PATCH","path":"/Users/bulkId:u","data":{"Operations":[{"op":"add","path":"title","value":"Pilot"}]}}`,
		`{"method":"PATCH","path":"/Groups/`+crew+`","data":{"Operations":[{"op":"add","path":"members","value":[{"value":"bulkId:u"},{"value":"`+bea+`"}]}]}}`,
		`{"method":"PATCH","path":"/Groups/`+crew+`","data":{"Operations":[{"op":"remove","path":"members[value eq \"bulkId:u\"]"}]}}`,
		`{"method":"PATCH","path":"/Users/`+ann+`","version":"W/\"old\"","data":{"Operations":[{"op":"add","path":"title","value":"Pilot"}]}}`,
		`{"method":"put","path":"Users/`+ann+`","version":`+strconv.Quote(tag)+`,"data":`+userBody("ann@demo.example", `"title":"Captain"`)+`}`,
		`{"method":"DELETE","path":"/Users/nobody","bulkId":"gone"}`,
	)
	wantResults(t, a, "g 201", "u 201", "PATCH 200", "PATCH 200", "PATCH 200", "PATCH 412", "PUT 200", "gone 404")
	if got := a.header.Get("X-Upstream-Calls"); got != strconv.Itoa(len(a.calls)) {
		t.Errorf("X-Upstream-Calls is %s, upstream got %v", got, a.calls)
	}
	if a.at("schemas", 0) != "urn:ietf:params:scim:api:messages:2.0:BulkResponse" {
		t.Errorf("schemas %v", a.at("schemas"))
	}
	group := f.want(200, "GET", a.at("Operations", 0, "location").(string), "")
	if group.header.Get("ETag") != a.at("Operations", 0, "version") {
		t.Errorf("version %v, then ETag %s", a.at("Operations", 0, "version"), group.header.Get("ETag"))
	}
	bob := a.idIn(1)
	if got := memberSet(group); !slices.Equal(got, sorted(bea, bob)) {
		t.Errorf("Pilots has %v", got)
	}
	if got := memberSet(f.want(200, "GET", "/Groups/"+crew, "")); !slices.Equal(got, []string{bea}) {
		t.Errorf("Crew has %v", got)
	}
	if got := f.want(200, "GET", "/Users/"+bob, "").at("title"); got != "Pilot" {
		t.Errorf("the title is %v", got)
	}
	if got := f.want(200, "GET", "/Users/"+ann, "").at("title"); got != "Captain" {
		t.Errorf("the title is %v", got)
	}
	if a.at("Operations", 7, "response", "status") != "404" || a.at("Operations", 0, "response") != nil {
		t.Errorf("responses: %s", a.body)
	}
}

func memberSet(group answer) []string {
	list, _ := group.at("members").([]any)
	var ids []string
	for _, e := range list {
		member, _ := e.(map[string]any)
		ids = append(ids, member["value"].(string))
	}
	return sorted(ids...)
}

func sorted(all ...string) []string { return slices.Sorted(slices.Values(all)) }

// TestBulkCircles resolves references that go in a circle, as RFC 7644 section
// 3.7.1 wants tried.
func TestBulkCircles(t *testing.T) {
	f := newFacade(t, emulator.Options{}, scim.Config{})
	a := f.bulk(200, "",
		post("u", "/Users", userBody("ann@demo.example", `"groups":[{"value":"bulkId:g"}]`)),
		post("g", "/Groups", groupBody("Pilots", "bulkId:u")),
	)
	wantResults(t, a, "u 201", "g 201")
	if got := memberSet(f.want(200, "GET", "/Groups/"+a.idIn(1), "")); !slices.Equal(got, []string{a.idIn(0)}) {
		t.Errorf("Pilots has %v", got)
	}

	// An account that is to hold an entitlement which is to have it as a member.
	a = f.bulk(200, "",
		post("a", "/Accounts", newAccount("bob@demo.example", "bulkId:e")),
		post("e", "/Entitlements", `{"schemas":["`+entitlementURN+`"],"displayName":"GROUP~Night shift","type":"GROUP","members":[{"value":"bulkId:a"}]}`),
	)
	wantResults(t, a, "a 201", "e 201")
	if got := memberSet(f.want(200, "GET", "/Groups/"+a.idIn(1), "")); !slices.Equal(got, []string{a.idIn(0)}) {
		t.Errorf("Night shift has %v", got)
	}

	// A required attribute cannot be left for later.
	a = f.bulk(200, "",
		post("x", "/Users", `{"schemas":["`+coreUser+`"],"userName":"bulkId:y","emails":[{"value":"x@demo.example"}]}`),
		post("y", "/Users", userBody("y@demo.example", `"title":"bulkId:x"`)),
	)
	wantResults(t, a, "x 400", "y 412")
}

// TestBulkImpossibleCircles leaves nothing behind of circles that cannot be
// closed: groups as members of groups, and issues that are their own ancestors.
func TestBulkImpossibleCircles(t *testing.T) {
	f := newFacade(t, smallTenant, scim.Config{})
	const many = 1000
	var circle []string
	for i := range many {
		circle = append(circle, post(fmt.Sprint(i), "/Groups", groupBody(fmt.Sprint("circle ", i), fmt.Sprint("bulkId:", (i+1)%many))))
	}
	entitlement := func(members string) string {
		return `{"schemas":["` + entitlementURN + `"],"displayName":"GROUP~C","type":"GROUP",` + members + `}`
	}
	issue := func(parent string) string {
		return `{"schemas":["urn:scim-atlassian:params:scim:schemas:jira:2.0:Issue"],"summary":"S","project":{"key":"ENG"},"issueType":{"name":"Task"},` + parent + `}`
	}
	for name, operations := range map[string][]string{
		"two":     {post("a", "/Groups", groupBody("A", "bulkId:b")), post("b", "/Groups", groupBody("B", "bulkId:a"))},
		"itself":  {post("a", "/Groups", groupBody("A", "bulkId:a"))},
		"many":    circle,
		"views":   {post("a", "/Groups", groupBody("A", "bulkId:c")), post("c", "/Entitlement", entitlement(`"Members":"bulkId:a"`))},
		"URNs":    {post("c", "/Entitlements", entitlement(`"`+entitlementURN+`":{"members":[{"value":"bulkId:d"}]}`)), post("d", "/Entitlements", entitlement(`"`+entitlementURN+`:members":["bulkId:c"]`))},
		"parents": {post("i", "/Issues", issue(`"parent":{"id":"bulkId:j"}`)), post("j", "/Issues", issue(`"parent":{"id":"bulkId:k"}`)), post("k", "/Issues", issue(`"parent":{"id":"bulkId:i"}`))},
	} {
		a := f.bulk(200, "", operations...)
		for i := range operations {
			detail := a.detail(i)
			if a.at("Operations", i, "status") != "400" || !strings.Contains(detail, "cannot be among the members") && !strings.Contains(detail, "ancestor") {
				t.Errorf("%s: %v %s", name, a.results()[i], detail)
			}
		}
		if len(a.results()) != len(operations) || len(a.calls) != 0 {
			t.Errorf("%s: %d results, Atlassian got %v", name, len(a.results()), a.calls)
		}
	}

	// What refers into such a circle fails with it; the rest is done.
	a := f.bulk(200, "",
		post("a", "/Groups", groupBody("A", "bulkId:b")),
		post("b", "/Groups", groupBody("B")),
		post("i", "/Issues", issue(`"parent":{"id":"bulkId:i"}`)),
		post("j", "/Issues", issue(`"parent":{"id":"bulkId:i"}`)),
	)
	wantResults(t, a, "a 400", "b 201", "i 400", "j 412")
}

// TestBulkCompressed reads a bulk request as other bodies: compressed, and with a
// byte order mark in front.
func TestBulkCompressed(t *testing.T) {
	f := newFacade(t, emulator.Options{}, scim.Config{BulkMaxPayload: 1000})
	operation := post("g", "/Groups", groupBody("Pilots"))
	bulk := func(more string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = io.WriteString(z, "\uFEFF"+`{"Operations":[`+operation+`]`+more+`}`) // a buffer takes everything
		_ = z.Close()
		return b.String()
	}
	wantResults(t, f.want(200, "POST", "/Bulk", bulk(""), "Content-Encoding", "gzip"), "g 201")
	f.want(413, "POST", "/Bulk", bulk(strings.Repeat(" ", 1000)), "Content-Encoding", "gzip")
}

func TestBulkFailures(t *testing.T) {
	f := newFacade(t, emulator.Options{}, scim.Config{})
	f.user("taken@demo.example")
	f.emulator.ClearLog()
	// What fails takes along what refers to it, by any number of steps, and nothing else.
	a := f.bulk(200, "",
		post("u", "/Users", userBody("taken@demo.example")),
		post("g", "/Groups", groupBody("Pilots", "bulkId:u")),
		`{"method":"PATCH","path":"/Groups/bulkId:g","data":{"Operations":[{"op":"remove","path":"members"}]}}`,
		post("v", "/Users", userBody("new@demo.example")),
	)
	wantResults(t, a, "u 409", "g 412", "PATCH 412", "v 201")
	if !strings.Contains(a.detail(1), `"u"`) || a.at("Operations", 0, "location") != nil || a.at("Operations", 0, "response", "scimType") != "uniqueness" {
		t.Errorf("details: %s", a.body)
	}
	if len(a.calls) != 2 {
		t.Errorf("upstream got %v", a.calls)
	}

	bad, worse := `{"method":"DELETE","path":"/Users/nobody"}`, `{"method":"DELETE","path":"/Users/none"}`
	good := func(n int) string {
		return post(fmt.Sprint("n", n), "/Users", userBody(fmt.Sprintf("n%d@demo.example", n)))
	}
	wantResults(t, f.bulk(200, `"failOnErrors":1,`, bad, good(1), bad), "DELETE 404")
	wantResults(t, f.bulk(200, `"failOnErrors":2,`, good(2), bad, good(3), worse, good(4)), "n2 201", "DELETE 404", "n3 201", "DELETE 404")
	wantResults(t, f.bulk(200, `"failOnErrors":0,`, bad, good(5), bad), "DELETE 404", "n5 201", "DELETE 404")
	if got := f.want(200, "GET", `/Users?filter=userName+eq+%22n4@demo.example%22`, "").at("totalResults"); got != 0.0 {
		t.Errorf("an operation after the last allowed error was done")
	}
}

// TestPatchFollowsBulk holds the limit of a PATCH to the one that is announced for
// bulk requests, below the default and above. The attributes that a few operations
// change are no matter of that limit.
func TestPatchFollowsBulk(t *testing.T) {
	for _, most := range []int{3, 1200} {
		f := newFacade(t, emulator.Options{}, scim.Config{BulkMaxOperations: most})
		id := f.user("one@demo.example")
		operations := strings.Repeat(`{"op":"replace","path":"title","value":"x"},`, most-1)
		f.patch(200, "/Users/"+id, `[`+operations+`{"op":"replace","value":{"title":"y","nickName":"n","displayName":"d","timezone":"UTC"}}]`)
		a := f.patch(413, "/Users/"+id, `[`+operations+operations+`{"op":"replace","path":"title","value":"z"}]`)
		if want := fmt.Sprintf("send %d at most", most); !strings.Contains(a.refused(t, ""), want) || len(a.calls) != 0 {
			t.Errorf("got %s after %v, want %s", a.body, a.calls, want)
		}
	}
}

func TestBulkRefusals(t *testing.T) {
	f := newFacade(t, emulator.Options{}, scim.Config{BulkMaxOperations: 3, BulkMaxPayload: 2000})
	one := post("1", "/Users", userBody("one@demo.example"))
	for _, test := range []struct {
		name, body, scimType string
		status               int
	}{
		{"too many", `{"Operations":[{},{},{},{}]}`, "", 413},
		{"too large", `{"Operations":[` + strings.Repeat(" ", 2000) + `]}`, "", 413},
		{"no object", `[]`, "invalidSyntax", 400},
		{"no operations", `{}`, "invalidSyntax", 400},
		{"no list", `{"Operations":{}}`, "invalidSyntax", 400},
		{"not JSON", `{"Operations":[`, "invalidSyntax", 400},
		{"failOnErrors", `{"failOnErrors":-1,"Operations":[]}`, "invalidValue", 400},
		{"failOnErrors in words", `{"failOnErrors":"1","Operations":[]}`, "invalidValue", 400},
		{"bulkId twice", `{"Operations":[` + one + "," + one + `]}`, "invalidValue", 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := f.want(test.status, "POST", "/Bulk", test.body)
			a.refused(t, test.scimType)
			if len(a.calls) != 0 {
				t.Errorf("upstream got %v", a.calls)
			}
		})
	}
	if got := f.want(400, "POST", "/Bulk", `{"failOnErrors":"1","Operations":[]}`).refused(t, "invalidValue"); !strings.Contains(got, "must be a number") {
		t.Errorf("failOnErrors in words: %s", got)
	}
	if got := f.want(200, "POST", "/Bulk", `{"Operations":[]}`).results(); got != nil {
		t.Errorf("nothing gives %v", got)
	}
	for _, method := range []string{"GET", "PUT", "PATCH", "DELETE"} {
		if got := f.want(405, method, "/Bulk", "").header.Get("Allow"); got != "POST" {
			t.Errorf("Allow %q", got)
		}
	}
}

func TestBulkBadOperations(t *testing.T) {
	f := newFacade(t, emulator.Options{}, scim.Config{})
	for _, test := range []struct{ name, operation, status, says string }{
		{"no object", `"x"`, "400", "object"},
		{"no method", `{"path":"/Users"}`, "400", "method"},
		{"GET", `{"method":"GET","path":"/Users/1"}`, "400", "method"},
		{"number", `{"method":5,"path":"/Users/1"}`, "400", "method"},
		{"no path", `{"method":"DELETE"}`, "400", "path"},
		{"long path", `{"method":"DELETE","path":"/Users/` + strings.Repeat("x", 100_000) + `"}`, "404", "id"},
		{"deep path", `{"method":"DELETE","path":"/Users/1/2"}`, "400", "path"},
		{"dots", `{"method":"DELETE","path":"/Users/%2e%2e"}`, "404", "id"},
		{"dots and slash", `{"method":"DELETE","path":"/Users/..%2fGroups"}`, "404", "id"},
		{"bad escape", `{"method":"DELETE","path":"/Users/%zz"}`, "400", "escaped"},
		{"query", `{"method":"DELETE","path":"/Users/1?x=y"}`, "400", "path"},
		{"elsewhere", `{"method":"DELETE","path":"https://evil.example/Users/1"}`, "400", "path"},
		{"unknown endpoint", `{"method":"DELETE","path":"/Nothing/1"}`, "404", "endpoint"},
		{"bulk in bulk", `{"method":"POST","bulkId":"b","path":"/Bulk","data":{"Operations":[]}}`, "400", "path"},
		{"search", `{"method":"POST","bulkId":"b","path":"/.search","data":{}}`, "400", "path"},
		{"discovery", `{"method":"DELETE","path":"/Schemas/x"}`, "405", "GET"},
		{"collection", `{"method":"DELETE","path":"/Users"}`, "400", "path"},
		{"POST to a resource", `{"method":"POST","bulkId":"b","path":"/Users/1","data":{}}`, "400", "path"},
		{"no data", `{"method":"POST","bulkId":"b","path":"/Users"}`, "400", "data"},
		{"bad data", `{"method":"PATCH","path":"/Users/1","data":[1]}`, "400", "data"},
		{"empty data", `{"method":"POST","bulkId":"b","path":"/Users","data":{}}`, "400", "userName is required"},
		{"unknown reference", post("b", "/Groups", groupBody("G", "bulkId:nobody")), "400", "nobody"},
		{"reference to itself", `{"method":"DELETE","path":"/Users/bulkId:nobody"}`, "400", "nobody"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := f.bulk(200, "", test.operation)
			got, _ := a.at("Operations", 0, "status").(string)
			if got != test.status || !strings.Contains(a.detail(0), test.says) {
				t.Errorf("got %s", a.body)
			}
			if len(a.calls) != 0 {
				t.Errorf("upstream got %v", a.calls)
			}
		})
	}
}

func TestBulkRightsAndAudit(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	reader := auth.Caller{Name: "hr", BearerSHA256: auth.Hashes{digest("hr")}, Rights: map[string]auth.Right{"User": auth.Write, "Group": auth.Read}}
	strict := bearer("strict", auth.Write)
	strict.Strict = true
	f := newFacade(t, emulator.Options{}, scim.Config{Logger: zap.New(core), Callers: []auth.Caller{reader, strict}})
	f.caller = "hr"
	a := f.want(200, "POST", "/Bulk", `{"Operations":[`+post("g", "/Groups", groupBody("G"))+","+post("u", "/Users", userBody("u@demo.example"))+`]}`, "X-Request-Id", "job-7")
	wantResults(t, a, "g 403", "u 201")
	audited := map[string]string{}
	for _, entry := range logs.FilterMessage("audit").All() {
		fields := entry.ContextMap()
		if fields["requestId"] != "job-7" || fields["principal"] != "hr" {
			t.Errorf("audit of another: %v", fields)
		}
		audited[fields["resourceType"].(string)] = fields["outcome"].(string)
	}
	if diff := cmp.Diff(map[string]string{"Group": "refused", "User": "done"}, audited); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
	if got := logs.FilterMessage("request").FilterField(zap.String("requestId", "job-7")).Len(); got != 3 {
		t.Errorf("%d log lines, want one for the request and one for each operation", got)
	}

	f.caller = "strict"
	f.want(400, "POST", "/Bulk", `{"Operations":[]}`).refused(t, "invalidSyntax")
	wantResults(t, f.bulk(200, "", `{"method":"delete","path":"/Users/1"}`, `{"method":"POST","path":"/Users","data":`+userBody("s@demo.example")+`}`), "delete 400", "POST 400")
	f.caller = "nobody"
	f.want(401, "POST", "/Bulk", `{`).refused(t, "")
}

// TestBulkOfThousand creates 1,000 users in one request, every tenth of which is
// taken already.
func TestBulkOfThousand(t *testing.T) {
	f := newFacade(t, emulator.Options{}, scim.Config{})
	var operations, want []string
	for i := range 1000 {
		name := fmt.Sprintf("u%d@demo.example", i)
		status := "201"
		if i%10 == 9 {
			name, status = "u0@demo.example", "409"
		}
		operations = append(operations, post(fmt.Sprint(i), "/Users", userBody(name)))
		want = append(want, fmt.Sprint(i, " ", status))
	}
	a := f.bulk(200, "", operations...)
	wantResults(t, a, want...)
	if len(a.calls) != 1000 || a.header.Get("X-Upstream-Calls") != "1000" {
		t.Errorf("%d calls, X-Upstream-Calls %s", len(a.calls), a.header.Get("X-Upstream-Calls"))
	}
	if got := f.want(200, "GET", "/Users?count=0", "").at("totalResults"); got != 900.0 {
		t.Errorf("%v users", got)
	}
	spc := f.want(200, "GET", "/ServiceProviderConfig", "")
	if spc.at("bulk", "supported") != true || spc.at("bulk", "maxOperations") != 1000.0 || spc.at("bulk", "maxPayloadSize") != float64(10<<20) {
		t.Errorf("announced: %v", spc.at("bulk"))
	}
	if !json.Valid([]byte(a.body)) {
		t.Error("not JSON")
	}
}

// TestBulkKeepsOrder delays the first of two operations that touch each other:
// the second one waits for it.
func TestBulkKeepsOrder(t *testing.T) {
	f := newFacade(t, emulator.Options{}, scim.Config{})
	ann, crew := f.user("ann@demo.example"), f.group("Crew")
	slow := func(rule string) {
		faults, err := emulator.ParseFaults(rule + " delay=100ms")
		if err != nil {
			t.Fatal(err)
		}
		f.emulator.SetFaults(faults)
	}
	title := func(text string) string {
		return `{"method":"PATCH","path":"/Users/` + ann + `","data":{"Operations":[{"op":"replace","path":"title","value":"` + text + `"}]}}`
	}
	slow("method=PATCH times=1")
	wantResults(t, f.bulk(200, "", title("first"), title("second")), "PATCH 200", "PATCH 200")
	if got := f.want(200, "GET", "/Users/"+ann, "").at("title"); got != "second" {
		t.Errorf("the title is %v", got)
	}
	slow("method=POST times=2") // whoever comes first, and the first to be started
	same := func(bulkID, title string) string {
		return post(bulkID, "/Users", userBody("bob@demo.example", `"title":"`+title+`"`))
	}
	operations, want := []string{same("0", "a")}, []string{"0 201"}
	for i := range 12 {
		operations = append(operations, same(fmt.Sprint(i+1), "b"))
		want = append(want, fmt.Sprint(i+1, " 409"))
	}
	wantResults(t, f.bulk(200, "", operations...), want...)
	slow("method=PATCH times=1")
	wantResults(t, f.bulk(200, "",
		`{"method":"PATCH","path":"/Groups/`+crew+`","data":{"Operations":[{"op":"add","path":"members","value":[{"value":"`+ann+`"}]}]}}`,
		`{"method":"DELETE","path":"/Users/`+ann+`"}`), "PATCH 200", "DELETE 204")
}

// TestBulkOutOfTime gives a request less time than its operations take: those
// that were not begun say so and have left nothing behind.
func TestBulkOutOfTime(t *testing.T) {
	f := newFacade(t, emulator.Options{Latency: 100 * time.Millisecond}, scim.Config{RequestTimeout: 300 * time.Millisecond})
	const n = 100
	var operations []string
	for i := range n {
		operations = append(operations, post(fmt.Sprint(i), "/Users", userBody(fmt.Sprintf("late%d@demo.example", i))))
	}
	a := f.bulk(200, "", operations...)
	notDone := 0
	for i, result := range a.results() {
		_, status, _ := strings.Cut(result, " ")
		switch detail := a.detail(i); {
		case status == "504" && strings.Contains(detail, "Not done"):
			notDone++
		case status != "201" && status != "504":
			t.Errorf("%s: %s", result, detail)
		}
	}
	there := f.want(200, "GET", "/Users?count=0", "").at("totalResults").(float64)
	if len(a.results()) != n || notDone == 0 || int(there) > n-notDone || len(a.calls) > n-notDone {
		t.Errorf("%d results, %d not done, %v users, %d calls", len(a.results()), notDone, there, len(a.calls))
	}
}
