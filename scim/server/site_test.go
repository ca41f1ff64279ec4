package server_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/list"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/resource/resourcetest"
	"scim-atlassian/scim/server"
)

// site is a server over backends in memory. Its callers are named by their tokens:
// "writer", "reader", "strict".
type site struct {
	*testing.T
	server *server.Server
	types  map[string]*resource.Type
	clock  *atomic.Int64 // seconds since the epoch
}

// newSite makes a server whose configuration change may change.
func newSite(t *testing.T, change func(*server.Config)) *site {
	t.Helper()
	s := &site{T: t, types: map[string]*resource.Type{}, clock: new(atomic.Int64)}
	s.clock.Store(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Unix())
	now := func() time.Time { return time.Unix(s.clock.Load(), 0).UTC() }
	types, err := resourcetest.Types(now)
	if err != nil {
		t.Fatal(err)
	}
	for _, rt := range types {
		s.types[rt.Name] = rt
	}
	caller := func(name string, right auth.Right) auth.Caller {
		sum := sha256.Sum256([]byte(name))
		return auth.Caller{Name: name, BearerSHA256: auth.Hashes{hex.EncodeToString(sum[:])}, Rights: map[string]auth.Right{auth.AnyType: right}, Strict: name == "strict"}
	}
	callers, err := auth.New(auth.Config{Callers: []auth.Caller{caller("writer", auth.Write), caller("reader", auth.Read), caller("strict", auth.Write)}, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	cfg := server.Config{
		Types: types, Root: list.NewRoot(types), Auth: callers, AsError: resource.AsError, PublicURL: "https://scim.example",
		Lists:      list.New(list.Config{CursorTimeout: 10 * time.Minute, KeptResultBytes: 1 << 20, Now: now}),
		MaxResults: 20, MaxBodyBytes: 4096, BulkMaxOperations: 5, BulkMaxPayload: 8192, RequestTimeout: time.Minute, CursorTimeout: 10 * time.Minute,
		OnRequest: func(server.Request) {}, Logger: zap.NewNop(), Now: now,
	}
	if change != nil {
		change(&cfg)
	}
	if s.server, err = server.New(cfg); err != nil {
		t.Fatal(err)
	}
	return s
}

// answer is the outcome of a request.
type answer struct {
	status int
	header http.Header
	body   string
}

// do makes a request. header has pairs of name and value; a header without value is
// not sent.
func (s *site) do(method, path, body string, header ...string) answer {
	s.Helper()
	r := httptest.NewRequestWithContext(s.Context(), method, server.BasePath+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer writer")
	if body != "" {
		r.Header.Set("Content-Type", "application/scim+json")
	}
	for i := 0; i < len(header); i += 2 {
		if r.Header.Set(header[i], header[i+1]); header[i+1] == "" {
			r.Header.Del(header[i])
		}
	}
	w := httptest.NewRecorder()
	s.server.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.String()}
}

// want makes a request and requires its status.
func (s *site) want(status int, method, path, body string, header ...string) answer {
	s.Helper()
	a := s.do(method, path, body, header...)
	if a.status != status {
		s.Fatalf("%s %s %s: %d, want %d\n%s", method, path, body, a.status, status, a.body)
	}
	return a
}

// decoded is the body of an answer.
func (s *site) decoded(a answer) map[string]any {
	s.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(a.body), &m); err != nil {
		s.Fatalf("%v in %s", err, a.body)
	}
	return m
}

// user makes a user, whose id is the number of users made so far.
func (s *site) user(name string, more ...string) answer {
	s.Helper()
	return s.want(http.StatusCreated, http.MethodPost, "/Users", userBody(name, more...))
}

func userBody(name string, more ...string) string {
	return fmt.Sprintf(`{"schemas":[%q],"userName":%q,"emails":[{"value":"%s@demo.example","type":"work"}]%s}`, coreUser, name, name, strings.Join(append([]string{""}, more...), ","))
}

const (
	coreUser   = "urn:ietf:params:scim:schemas:core:2.0:User"
	coreGroup  = "urn:ietf:params:scim:schemas:core:2.0:Group"
	enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
)
