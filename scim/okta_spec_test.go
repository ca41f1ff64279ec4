package scim_test

import (
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// TestOktaSPEC has the requests and assertions of the "Okta SCIM 2.0 SPEC Test"
// that Okta asks of every integration, 16 and 91 and the script of the last
// one. Where Okta measures time, under 400 or 600 ms, this test asks for what
// decides it here: at most one request to Atlassian.
func TestOktaSPEC(t *testing.T) {
	const (
		list  = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
		fault = "urn:ietf:params:scim:api:messages:2.0:Error"
		user  = "urn:ietf:params:scim:schemas:core:2.0:User"

		create = `{"schemas":["` + user + `"],"userName":"{userName}","name":{"givenName":"{givenName}","familyName":"{familyName}"},` +
			`"emails":[{"primary":true,"value":"{email}","type":"work"}],"displayName":"{givenName} {familyName}","active":true}`
	)
	steps := []specStep{
		{
			name: "ServiceProviderConfig", request: "GET /ServiceProviderConfig",
			assertions: append([]assertion{
				status(200), notEmpty("schemas"), hasValue("schemas", "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"), inTime(),
			}, allNotEmpty(
				"patch", "bulk", "filter", "changePassword", "sort", "etag", "authenticationSchemes",
				"authenticationSchemes[0].type", "authenticationSchemes[0].description",
				"etag.supported", "sort.supported", "changePassword.supported", "filter.maxResults", "filter.supported",
				"bulk.supported", "bulk.maxOperations", "bulk.maxPayloadSize", "patch.supported")...),
		},
		{name: "ServiceProviderConfig is read-only", request: "POST /ServiceProviderConfig", body: "test\r\n\r\n", assertions: []assertion{status(405)}},
		{
			name: "ResourceTypes", request: "GET /ResourceTypes",
			assertions: append([]assertion{status(200), notEmpty("Resources"), hasValue("schemas", list), inTime()},
				allNotEmpty("Resources[0].name", "Resources[0].endpoint", "Resources[0].schema")...),
		},
		{name: "ResourceTypes is read-only", request: "POST /ResourceTypes", body: "test", assertions: []assertion{status(405)}},
		{
			name: "Schemas", request: "GET /Schemas",
			assertions: append([]assertion{status(200), notEmpty("Resources"), hasValue("schemas", list), inTime()},
				allNotEmpty("Resources[0].id", "Resources[0].attributes")...),
		},
		{name: "Schemas is read-only", request: "POST /Schemas", body: "test", assertions: []assertion{status(405)}},
		{
			name: "Users", request: "GET /Users?count=1&startIndex=1", keep: map[string]string{"first": "Resources[0].id"},
			assertions: append([]assertion{
				status(200), notEmpty("Resources"), hasValue("schemas", list), isNumber("itemsPerPage"), isNumber("startIndex"), isNumber("totalResults"), inTime(),
			}, allNotEmpty("Resources[0].id", "Resources[0].name.familyName", "Resources[0].name.givenName", "Resources[0].userName", "Resources[0].active", "Resources[0].emails[0].value")...),
		},
		{
			name: "user by id", request: "GET /Users/{first}",
			assertions: append([]assertion{status(200), inTime(), equal("id", "{first}")},
				allNotEmpty("id", "name.familyName", "name.givenName", "userName", "active", "emails[0].value")...),
		},
		{
			name: "invalid user by userName", request: "GET /Users?filter=userName%20eq%20%22{noEmail}%22",
			assertions: []assertion{status(200), hasValue("schemas", list), equal("totalResults", 0.0), inTime()},
		},
		{
			name: "invalid user by id", request: "GET /Users/{noID}",
			assertions: []assertion{status(404), notEmpty("detail"), hasValue("schemas", fault), inTime()},
		},
		{
			name: "random user does not exist", request: "GET /Users?filter=userName%20eq%20%22{email}%22",
			assertions: []assertion{status(200), equal("totalResults", 0.0), hasValue("schemas", list), inTime()},
		},
		{
			name: "create a user", request: "POST /Users", body: create, bare: true, keep: map[string]string{"created": "id"},
			assertions: []assertion{
				status(201), equal("active", true), notEmpty("id"), equal("name.familyName", "{familyName}"), equal("name.givenName", "{givenName}"),
				hasValue("schemas", user), equal("userName", "{userName}"), inTime(),
			},
		},
		{
			name: "user was created", request: "GET /Users/{created}",
			assertions: []assertion{status(200), equal("userName", "{userName}"), equal("name.familyName", "{familyName}"), equal("name.givenName", "{givenName}"), inTime()},
		},
		{name: "create the same user", request: "POST /Users", body: create, bare: true, assertions: []assertion{status(409), inTime()}},
		{name: "a filter that is only a name", request: "GET /Users?filter={USERNAME}", assertions: []assertion{status(400), inTime()}},
		{name: "Groups", request: "GET /Groups", assertions: []assertion{status(200), inTime()}, script: notEmpty("Resources")},
	}

	count := 0
	run := specRun{p: newPlayer(t), variables: map[string]string{
		"noEmail": "abcdefgh@example.com", "noID": "010101001010101011001010101011", "email": "Runscope300Hfluaklab151@demo.example",
		"userName": "Runscope300Hfluaklab151@demo.example", "USERNAME": "RUNSCOPE300HFLUAKLAB151@DEMO.EXAMPLE",
		"givenName": "Runscope300", "familyName": "Hfluaklab151",
	}}
	for _, step := range steps {
		count += len(step.assertions)
		t.Run(step.name, func(t *testing.T) { run.play(t, step) })
	}
	if len(steps) != 16 || count != 91 {
		t.Errorf("%d requests and %d assertions, want Okta's 16 and 91", len(steps), count)
	}
}

// specStep is a request of Okta's test; {…} stands for variables.
type specStep struct {
	name, request, body string
	bare                bool              // with Accept as the only header of SCIM's
	keep                map[string]string // variables that the answer sets
	assertions          []assertion
	script              assertion // what Okta's script asserts
}

// assertion is one of Okta's; holds says why it does not.
type assertion struct {
	name  string
	holds func(a specAnswer, fill func(string) string) error
}

type specAnswer struct {
	status int
	calls  string
	doc    map[string]any
}

type specRun struct {
	p         *player
	variables map[string]string
}

func (r specRun) fill(s string) string {
	for name, value := range r.variables {
		s = strings.ReplaceAll(s, "{"+name+"}", value)
	}
	return s
}

func (r specRun) play(t *testing.T, step specStep) {
	header := http.Header{
		"Authorization": {"Bearer all"}, "Accept": {"application/scim+json"}, "Accept-Charset": {"utf-8"},
		"Content-Type": {"application/scim+json; charset=utf-8"}, "User-Agent": {"OKTA SCIM Integration"},
	}
	if step.bare {
		header = http.Header{"Authorization": {"Bearer all"}, "Accept": {"application/scim+json; charset=utf-8"}}
	}
	method, target, _ := strings.Cut(r.fill(step.request), " ")
	resp, body := r.p.send(t, method, r.p.server.URL+"/scim/v2"+target, r.fill(step.body), header)
	answer := specAnswer{status: resp.StatusCode, calls: resp.Header.Get("X-Upstream-Calls"), doc: decodeAnswer(t, body)}
	for _, a := range append(step.assertions, step.script) {
		if a.holds == nil {
			continue
		}
		t.Run(a.name, func(t *testing.T) {
			if err := a.holds(answer, r.fill); err != nil {
				t.Error(err)
			}
		})
	}
	for name, path := range step.keep {
		r.variables[name] = fmt.Sprint(property(answer.doc, path))
	}
}

func status(want int) assertion {
	return assertion{fmt.Sprintf("status %d", want), func(a specAnswer, _ func(string) string) error {
		if a.status != want {
			return fmt.Errorf("status %d, want %d", a.status, want)
		}
		return nil
	}}
}

func inTime() assertion {
	return assertion{"in time", func(a specAnswer, _ func(string) string) error {
		if calls, err := strconv.Atoi(a.calls); err != nil || calls > 1 {
			return fmt.Errorf("X-Upstream-Calls is %q, want 1 at most", a.calls)
		}
		return nil
	}}
}

// notEmpty wants a value; false and 0 are values.
func notEmpty(path string) assertion {
	return assertion{path + " is not empty", func(a specAnswer, _ func(string) string) error {
		v := property(a.doc, path)
		if rv := reflect.ValueOf(v); v == nil || (rv.Kind() == reflect.String || rv.Kind() == reflect.Slice || rv.Kind() == reflect.Map) && rv.Len() == 0 {
			return fmt.Errorf("%s is %v", path, v)
		}
		return nil
	}}
}

func allNotEmpty(paths ...string) []assertion {
	var all []assertion
	for _, path := range paths {
		all = append(all, notEmpty(path))
	}
	return all
}

func isNumber(path string) assertion {
	return assertion{path + " is a number", func(a specAnswer, _ func(string) string) error {
		if v, ok := property(a.doc, path).(float64); !ok {
			return fmt.Errorf("%s is %v", path, v)
		}
		return nil
	}}
}

func equal(path string, want any) assertion {
	return assertion{fmt.Sprintf("%s is %v", path, want), func(a specAnswer, fill func(string) string) error {
		if text, ok := want.(string); ok {
			want = fill(text)
		}
		if got := property(a.doc, path); got != want {
			return fmt.Errorf("%s is %v, want %v", path, got, want)
		}
		return nil
	}}
}

func hasValue(path, want string) assertion {
	return assertion{path + " has " + want, func(a specAnswer, _ func(string) string) error {
		list, _ := property(a.doc, path).([]any)
		for _, v := range list {
			if v == want {
				return nil
			}
		}
		return fmt.Errorf("%s is %v, want %s in it", path, list, want)
	}}
}

// property is what stands at a path like Resources[0].name.givenName, or nil.
func property(doc map[string]any, path string) any {
	var v any = doc
	for name := range strings.SplitSeq(path, ".") {
		name, index, indexed := strings.Cut(name, "[")
		object, _ := v.(map[string]any)
		v = object[name]
		if !indexed {
			continue
		}
		list, _ := v.([]any)
		i, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
		if err != nil || i >= len(list) {
			return nil
		}
		v = list[i]
	}
	return v
}
