package server

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/document"
	"scim-atlassian/scim/list"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/resource/resourcetest"
)

// FuzzLibraryAccepts holds that the library accepts every body that document lets
// through: each reaches the handler, so that a refusal of the library's own could
// only be a mistake of ours. dispatch sends every request to the library.
func FuzzLibraryAccepts(f *testing.F) {
	types, err := resourcetest.Types(time.Now)
	if err != nil {
		f.Fatal(err)
	}
	s := &Server{lists: list.New(list.Config{CursorTimeout: time.Minute, KeptResultBytes: 1 << 20, Now: time.Now})}
	if s.library, err = newLibrary(types, s.lists); err != nil {
		f.Fatal(err)
	}
	values := []string{`"x"`, `""`, `null`, `true`, `"False"`, `5`, `[]`, `{}`, `[{"value":"a@b.example","primary":true}]`, `{"value":"a"}`, `["x"]`,
		`{"givenName":"A","familyName":null}`, `{"id":"1"}`, `{"name":"High"}`, `"2026-01-02T03:04:05Z"`}
	for n, rt := range types {
		for _, a := range rt.Schema.Attributes {
			for _, value := range values {
				f.Add(n, http.MethodPatch, `{"Operations":[{"op":"replace","path":"`+a.Name+`","value":`+value+`}]}`, false)
				f.Add(n, http.MethodPatch, `{"Operations":[{"op":"add","value":{"`+a.Name+`":`+value+`}}]}`, true)
				f.Add(n, http.MethodPut, `{"schemas":["x"],"userName":"a","displayName":"d","`+a.Name+`":`+value+`}`, false)
			}
		}
	}
	f.Add(0, http.MethodPost, `{"schemas":["x"],"userName":"a","emails[type eq \"work\"].value":"a@b.example","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"d"}}`, false)
	f.Add(0, http.MethodPatch, `{"Operations":[{"op":"replace","path":"emails[type eq \"work\"].value","value":"a@b"},{"op":"remove","path":"title"},{"op":"add","path":"name.givenName","value":"A"},{"op":"add","path":"name.familyName","value":"B"}]}`, false)
	f.Add(1, http.MethodPatch, `{"Operations":[{"op":"remove","path":"members[value eq \"1\"]"},{"op":"remove","path":"members","value":[{"value":"2"}]}]}`, false)
	f.Fuzz(func(t *testing.T, n int, method, text string, strict bool) {
		var body any
		if json.Unmarshal([]byte(text), &body) != nil {
			t.Skip("no JSON")
		}
		rt := types[uint(n)%uint(len(types))]
		c := &call{Request: resource.Request{Method: method, Policy: resource.Policy{Strict: strict}}, rt: rt, caller: &auth.Caller{Name: "fuzz", Strict: strict}}
		reader, to := document.Reader{Type: rt, Policy: c.Policy}, route{rt: rt, id: "1"}
		var err error
		switch method {
		case http.MethodPost:
			to.id = ""
			c.body, c.cleared, err = reader.Resource(body, func(*query.Object) error { return nil })
		case http.MethodPut:
			c.body, c.cleared, err = reader.Resource(body, func(*query.Object) error { return nil })
		case http.MethodPatch:
			c.patch, err = reader.Patch(body)
		default:
			t.Skip("no write")
		}
		if refusedByServer(t, err) {
			return
		}
		r := &http.Request{Method: method, URL: &url.URL{Path: "/"}}
		err = s.dispatch(c, r.WithContext(withCall(context.Background(), c)), to)
		if !c.answered {
			t.Errorf("the library refused %s %s %s: %v", method, rt.Name, strings.TrimSpace(text), err)
		}
	})
}
