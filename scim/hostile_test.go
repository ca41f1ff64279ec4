package scim_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
)

// TestHostile sends what no client means well with. Every answer is a SCIM
// error, costs Atlassian nothing and changes nothing.
func TestHostile(t *testing.T) {
	f := newFacade(t, emulator.Options{Users: 3, Groups: 1, Projects: 1, Issues: 2, Seed: 1}, scim.Config{})
	user, group := "/Users/"+f.first("/Users", "id"), "/Groups/"+f.first("/Groups", "id")
	before := f.get("/Users").body + f.get("/Groups").body
	deep := func(open, shut string) string {
		return strings.Repeat(open, 10_000) + "1" + strings.Repeat(shut, 10_000)
	}
	lists, objects := deep("[", "]"), deep(`{"a":`, "}")
	patch := func(op string) string { return `{"Operations":[` + op + `]}` }
	many := func(n int, text string) string { return strings.TrimSuffix(strings.Repeat(text+",", n), ",") }
	for _, test := range []struct{ name, method, path, body string }{
		{"deep lists", "POST", "/Users", lists},
		{"deep objects", "POST", "/Users", objects},
		{"deep value", "POST", "/Users", `{"schemas":["` + coreUser + `"],"userName":` + lists + `}`},
		{"deep value of PATCH", "PATCH", user, patch(`{"op":"replace","path":"title","value":` + objects + `}`)},
		{"deep value without path", "PATCH", user, patch(`{"op":"replace","value":` + objects + `}`)},
		{"deep search", "POST", "/Users/.search", `{"filter":` + lists + `}`},
		{"deep bulk", "POST", "/Bulk", `{"Operations":` + lists + `}`},
		{"deep parentheses in a path", "PATCH", user, patch(`{"op":"remove","path":"emails[` + strings.Repeat("(", 500) + `value pr` + strings.Repeat(")", 500) + `]"}`)},
		{"long path", "PATCH", user, patch(`{"op":"remove","path":"` + strings.Repeat("a", 100_000) + `"}`)},
		{"unreadable path", "PATCH", user, patch(`{"op":"remove","path":"` + strings.Repeat("\ufffd", 30_000) + `"}`)},
		{"many operations", "PATCH", user, patch(many(5000, `{"op":"remove","path":"title"}`))},
		{"many keys", "PATCH", user, patch(`{"op":"replace","value":{` + numbered(5000, `"name.givenName%d":1`) + `}}`)},
		{"path of every kind", "PATCH", user, patch(`{"op":"replace","path":["title"],"value":1}`)},
		{"same key twice", "POST", "/Users", `{"schemas":["` + coreUser + `"],"userName":"a","userName":"b"}`},
		{"same key in two cases", "POST", "/Users", userBody("a@demo.example", `"title":"a"`, `"TITLE":"b"`)},
		{"many members that are none", "PATCH", group, patch(`{"op":"remove","path":"members","value":[` + many(5000, `{"value":""}`) + `]}`)},
		{"number for text", "POST", "/Users", `{"schemas":["` + coreUser + `"],"userName":1e400}`},
		{"huge number", "POST", "/Users/.search", `{"count":1e300}`},
		{"half a surrogate", "POST", "/Users", "{\"schemas\":[\"" + coreUser + "\"],\"userName\":\"\\ud800\"}"},
		{"id with a line end", "GET", "/Users/a%0d%0aX-Evil:%201", ""},
		{"id with NUL", "GET", "/Users/a%00b", ""},
		{"bad escape in a query", "GET", "/Users?filter=%zz", ""},
		{"method in lower case", "delete", user, ""},
		{"method of its own", "PURGE", user, ""},
		{"override", "PUT", "/Users", "{}"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := f.do(test.method, test.path, test.body, "X-HTTP-Method-Override", "DELETE")
			if a.status < 400 || a.status > 499 || a.at("schemas", 0) != "urn:ietf:params:scim:api:messages:2.0:Error" || len(a.calls) != 0 || len(a.body) > 2000 {
				t.Errorf("%d, %d bytes: %.500s %v", a.status, len(a.body), a.body, a.calls)
			}
			if a.header.Get("X-Evil") != "" {
				t.Error("a header of the client's own")
			}
		})
	}
	if after := f.get("/Users").body + f.get("/Groups").body; after != before {
		t.Errorf("something changed: %s", after)
	}
}

func numbered(n int, format string) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(format, i)
	}
	return strings.Join(all, ",")
}

// TestHostileBulk sends bulk requests whose references are as tangled as may be.
func TestHostileBulk(t *testing.T) {
	f := newFacade(t, emulator.Options{}, scim.Config{})
	everybody := func(n int) []string {
		all := make([]string, n)
		for i := range all {
			all[i] = fmt.Sprint("bulkId:", i)
		}
		return all
	}
	t.Run("everyone refers to everyone", func(t *testing.T) {
		const n = 120
		var operations []string
		for i := range n {
			operations = append(operations, post(fmt.Sprint(i), "/Groups", groupBody(fmt.Sprint("tangle ", i), everybody(n)...)))
		}
		a := f.bulk(200, "", operations...)
		if got := len(a.results()); got != n {
			t.Errorf("%d results", got)
		}
	})
	t.Run("an operation that refers to itself", func(t *testing.T) {
		wantResults(t, f.bulk(200, "", post("self", "/Groups", groupBody("Self", "bulkId:self"))), "self 400")
		wantResults(t, f.bulk(200, "", post("self", "/Users", userBody("bulkId:self"))), "self 400")
	})
	t.Run("a deletion of what waits for it", func(t *testing.T) {
		wantResults(t, f.bulk(200, "",
			`{"method":"DELETE","path":"/Users/bulkId:u"}`, post("u", "/Users", userBody("u@demo.example", `"title":"bulkId:v"`)), post("v", "/Users", userBody("v@demo.example", `"title":"bulkId:u"`))),
			"DELETE 204", "u 404", "v 201")
	})
	t.Run("bulk in bulk", func(t *testing.T) {
		inner := `{"Operations":[` + post("x", "/Users", userBody("x@demo.example")) + `]}`
		wantResults(t, f.bulk(200, "", post("b", "/Bulk", inner), post("c", "/scim/v2/Bulk", inner)), "b 400", "c 400")
	})
	t.Run("deep data", func(t *testing.T) {
		a := f.want(400, http.MethodPost, "/Bulk", `{"Operations":[`+post("d", "/Users", strings.Repeat(`{"a":`, 10_000)+"1"+strings.Repeat("}", 10_000))+`]}`)
		a.refused(t, "invalidSyntax")
		wantResults(t, f.bulk(200, "", post("d", "/Users", strings.Repeat(`{"a":`, 9_000)+"1"+strings.Repeat("}", 9_000))), "d 400")
	})
	t.Run("no operation twice", func(t *testing.T) {
		same := `{"method":"POST","path":"/Users","data":` + userBody("same@demo.example") + `}`
		wantResults(t, f.bulk(200, "", same, same, same), "POST 201", "POST 409", "POST 409")
	})
}
