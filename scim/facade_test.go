package scim_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
	"scim-atlassian/scim"
	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/server"
)

// facade is a server with its emulator, both reached over HTTP. Its callers are
// named by their tokens: "all" may do everything; more come with the config.
type facade struct {
	*testing.T
	emulator *emulator.Emulator
	base     string // ends with scim.BasePath
	upstream string // the emulator's URL
	caller   string // whose token goes with requests
}

func newFacade(t *testing.T, options emulator.Options, config scim.Config) *facade {
	t.Helper()
	f := &facade{T: t, emulator: emulator.New(options), caller: "all"}
	upstream := httptest.NewServer(f.emulator)
	t.Cleanup(upstream.Close)
	f.upstream = upstream.URL
	config.Callers = append(config.Callers, bearer("all", auth.Write))
	srv := httptest.NewServer(serverOver(t, upstream.URL, atlassian.Config{MaxRetries: -1, Timeout: 5 * time.Second, MaxRetryWait: time.Millisecond}, config))
	t.Cleanup(srv.Close)
	f.base = srv.URL + server.BasePath
	return f
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
	doc    map[string]any // the body, nil if there is none
	calls  []string       // what Atlassian was asked: method and path below the directory
}

// do makes one request. header has pairs of name and value; a name without value
// is not sent.
func (f *facade) do(method, path, body string, header ...string) answer {
	f.Helper()
	target := path
	if !strings.HasPrefix(path, "http") {
		target = f.base + path
	}
	r, err := http.NewRequestWithContext(f.Context(), method, target, strings.NewReader(body))
	if err != nil {
		f.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+f.caller)
	if body != "" {
		r.Header.Set("Content-Type", "application/scim+json")
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		} else if r.Header.Set(header[i], header[i+1]); header[i+1] == "" {
			r.Header.Del(header[i])
		}
	}
	return f.send(r)
}

func (f *facade) send(r *http.Request) answer {
	f.Helper()
	f.emulator.ClearLog()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		f.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		f.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(b)}
	for _, call := range f.emulator.Log() {
		a.calls = append(a.calls, call.Method+" "+strings.TrimPrefix(call.Path, "/scim/directory/"+emulator.DirectoryID))
	}
	if len(b) > 0 && strings.Contains(resp.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(b, &a.doc); err != nil {
			f.Fatalf("%s %s: %v in %s", r.Method, r.URL, err, b)
		}
	}
	return a
}

// want makes a request and requires its status.
func (f *facade) want(status int, method, path, body string, header ...string) answer {
	f.Helper()
	a := f.do(method, path, body, header...)
	if a.status != status {
		f.Fatalf("%s %s %s: %d, want %d\n%s", method, path, body, a.status, status, a.body)
	}
	return a
}

// patch sends operations, a JSON array of them.
func (f *facade) patch(status int, path, operations string, header ...string) answer {
	f.Helper()
	return f.want(status, http.MethodPatch, path, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":`+operations+`}`, header...)
}

// refused requires a SCIM error of the type and returns its detail.
func (a answer) refused(t *testing.T, scimType string) string {
	t.Helper()
	got, _ := a.doc["scimType"].(string)
	detail, _ := a.doc["detail"].(string)
	if got != scimType || detail == "" || a.doc["status"] == nil {
		t.Fatalf("no SCIM error of type %q: %d %s", scimType, a.status, a.body)
	}
	return detail
}

// at follows names and indices into the document, nil if they lead nowhere.
func (a answer) at(path ...any) any {
	var v any = a.doc
	for _, step := range path {
		switch step := step.(type) {
		case string:
			object, _ := v.(map[string]any)
			v = object[step]
		case int:
			list, _ := v.([]any)
			if step >= len(list) {
				return nil
			}
			v = list[step]
		}
	}
	return v
}

// user creates a user and returns its id.
func (f *facade) user(name string, more ...string) string {
	f.Helper()
	a := f.want(201, http.MethodPost, "/Users", userBody(name, more...))
	return a.at("id").(string)
}

// group creates a group with members and returns its id.
func (f *facade) group(name string, members ...string) string {
	f.Helper()
	list := []map[string]string{}
	for _, id := range members {
		list = append(list, map[string]string{"value": id})
	}
	b, err := json.Marshal(map[string]any{"schemas": []string{coreGroup}, "displayName": name, "members": list})
	if err != nil {
		f.Fatal(err)
	}
	return f.want(201, http.MethodPost, "/Groups", string(b)).at("id").(string)
}

const (
	coreUser   = "urn:ietf:params:scim:schemas:core:2.0:User"
	coreGroup  = "urn:ietf:params:scim:schemas:core:2.0:Group"
	enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
)

// userBody is a user with an e-mail address and more members, written as JSON.
func userBody(name string, more ...string) string {
	body := `{"schemas":["` + coreUser + `"],"userName":"` + name + `","emails":[{"value":"` + name + `","type":"work","primary":true}]`
	for _, m := range more {
		body += "," + m
	}
	return body + "}"
}
