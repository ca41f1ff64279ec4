// Package jira emulates the REST API of one Jira Cloud site, version 3:
// developer.atlassian.com/cloud/jira/platform/rest/v3. It keeps projects with
// their workflows and roles, and issues, which it finds by JQL.
//
// Accounts and groups are the tenant's.
package jira

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"scim-atlassian/atlassian/emulator/jql"
	"scim-atlassian/atlassian/emulator/tenant"
)

// Jira is the Jira site of a tenant, whose lock guards it.
type Jira struct {
	tenant   *tenant.Tenant
	options  Options
	accounts *tenant.Accounts

	projects    []*project
	types       []*issueType
	statuses    []*status
	priorities  []*choice // most urgent first
	resolutions []*choice
	roles       []*role
	parts       map[string]*part // components and versions by id

	issues     []*issue // by id
	issueByID  map[string]*issue
	issueByKey map[string]*issue
	movedKeys  map[string]*issue
	ghosts     []*issue // deleted, but still in a lagging index
	lastIssue  int64
	lastID     int // of anything else

	custom       []*customField
	links        []*link
	lastEntry    int64 // of the changelogs
	lastComment  int
	lastRemote   int
	lastLink     int
	lastApproval int

	fields   []*issueField
	schema   *jql.Schema[*issue]
	results  resultCache
	audit    auditLog
	limits   rateLimits
	zones    sync.Map      // *time.Location by name, because loading reads files
	requests atomic.Uint64 // the number of answers so far
}

// New returns a site without projects.
func New(t *tenant.Tenant, options Options) *Jira {
	j := &Jira{
		tenant: t, options: options, accounts: t.Accounts,
		parts: map[string]*part{}, issueByID: map[string]*issue{}, issueByKey: map[string]*issue{},
		movedKeys: map[string]*issue{}, lastIssue: 9999, lastID: 10099,
	}
	j.custom = customFields()
	if options.ServiceDesk {
		j.custom = append(j.custom, &customField{number: 10230, name: "Organizations", kind: kindOrganizations})
	}
	j.fields = j.allFields()
	j.schema = j.newSchema()
	j.results.init()
	t.Watch(j.audit.note)
	return j
}

// access says which credentials and which lock an endpoint needs.
type access uint8

const (
	reads  access = iota // credentials, the lock shared
	writes               // credentials, the lock alone
	open                 // no credentials, the lock shared
)

type endpoint struct {
	pattern string // method and path below /rest/api/3
	access  access
	serve   func(*call) (reply, error)
}

// Register adds the routes of the site, below its own address and below the
// one for scoped tokens.
func (j *Jira) Register(mux *http.ServeMux) {
	mux.Handle("/rest/", j.site(""))
	scoped := "/ex/jira/" + tenant.CloudID
	mux.Handle(scoped+"/", http.StripPrefix(scoped, j.site(scoped)))
	mux.HandleFunc("/ex/jira/", func(w http.ResponseWriter, r *http.Request) {
		tenant.WriteJSON(w, http.StatusNotFound, contentType, map[string]any{"code": 404, "message": "No site with this cloud id."})
	})
}

// apiVersions are the names of the API. Version 2 has the same paths as 3, but its
// texts are strings; latest is version 2.
var apiVersions = []string{"3", "2", "latest"}

// site routes requests; answers name addresses below prefix.
func (j *Jira) site(prefix string) http.Handler {
	mux, meta := j.router(), j.router()
	groups := [][]endpoint{catalogRoutes(), peopleRoutes(), auditRoutes(), permissionRoutes(), roleRoutes(), issueRoutes(), searchRoutes(),
		historyRoutes(), commentRoutes(), aroundRoutes()}
	for _, version := range apiVersions {
		j.route(mux, prefix, "/rest/api/", version, slices.Concat(groups...))
		j.route(meta, prefix, "/rest/api/", version, createMetaRoutes())
	}
	j.route(mux, prefix, "/rest/", deskVersion, deskRoutes())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, createMetaPath) {
			meta.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// router returns a router that refuses what it has no route for.
func (j *Jira) router() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		j.setHeaders(w)
		tenant.WriteJSON(w, http.StatusNotFound, problemType, problem(r))
	})
	return mux
}

// route adds routes below root and the name of a version.
func (j *Jira) route(mux *http.ServeMux, prefix, root, version string, routes []endpoint) {
	for _, route := range routes {
		method, path, _ := strings.Cut(route.pattern, " ")
		mux.Handle(method+" "+root+version+path, j.handler(prefix, version, route))
	}
}

const (
	contentType = "application/json;charset=UTF-8"
	problemType = "application/problem+json"
)

// handler runs a route: body, limits, lock, credentials, answer.
func (j *Jira) handler(prefix, version string, route endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		j.setHeaders(w)
		if j.options.RateLimits && !j.limits.allow(w, r, route, j.tenant.Now()) {
			return
		}
		body, err := readBody(r)
		if err != nil {
			j.writeError(w, r, err)
			return
		}
		c := &call{Request: r, j: j, body: body, query: r.URL.Query(), api: version, plain: version != "3"}
		status, answer, err := c.run(prefix, route)
		switch {
		case err != nil:
			c.writeError(w, err)
		case answer == nil:
			w.WriteHeader(status)
		default:
			tenant.WriteBytes(w, status, contentType, answer)
		}
	})
}

// run serves the call under the lock, and encodes the answer there, because the
// answer may refer to data that the lock guards.
func (c *call) run(prefix string, route endpoint) (status int, body []byte, err error) {
	mu := c.j.tenant
	if route.access == writes {
		mu.Lock()
		defer mu.Unlock()
	} else {
		mu.RLock()
		defer mu.RUnlock()
	}
	if c.caller = c.authenticate(); c.caller == nil && route.access != open {
		return 0, nil, deny(http.StatusUnauthorized, textUnauthenticated)
	}
	c.show = newRenderer(c, prefix)
	answer, err := route.serve(c)
	switch text := answer.body.(type) {
	case nil:
	case json.RawMessage:
		body = text
	default:
		body = tenant.JSON(answer.body)
	}
	return answer.status, body, err
}

// UserToken is the API token of every person but the administrator, on a site with
// a service desk: approvals are given by the approver only.
const UserToken = "demo-user-token"

// authenticate returns the account that signs in, or nil for wrong credentials.
func (c *call) authenticate() *tenant.Account {
	name, token, _ := c.BasicAuth()
	if strings.EqualFold(name, tenant.AdminEmail) && token == tenant.APIToken {
		return c.j.accounts.WithEmail(tenant.AdminEmail)
	}
	if a := c.j.accounts.WithEmail(name); c.j.options.ServiceDesk && token == UserToken && a != nil && assignable(a) {
		return a
	}
	return nil
}

func (j *Jira) writeError(w http.ResponseWriter, r *http.Request, err error) {
	var refusal *apiError
	switch {
	case !errors.As(err, &refusal):
		tenant.WriteJSON(w, http.StatusBadRequest, contentType, errBadPayload.envelope())
	case refusal == errNoEndpoint:
		tenant.WriteJSON(w, http.StatusNotFound, problemType, problem(r))
	default:
		if refusal.status == http.StatusUnauthorized {
			w.Header().Set("X-Seraph-LoginReason", "AUTHENTICATED_FAILED")
			w.Header().Set("WWW-Authenticate", `OAuth realm="https%3A%2F%2Fdemo.example"`)
		}
		tenant.WriteJSON(w, refusal.status, contentType, refusal.envelope())
	}
}

// setHeaders sets the headers that every answer of Jira carries.
func (j *Jira) setHeaders(w http.ResponseWriter) {
	n := j.requests.Add(1)
	trace := fmt.Sprintf("%032x", n*0x9e3779b97f4a7c15)
	h := w.Header()
	h.Set("X-AREQUESTID", fmt.Sprintf("%x", n))
	h.Set("Atl-Traceid", trace)
	h.Set("Atl-Request-Id", trace[:8]+"-"+trace[8:12]+"-4"+trace[13:16]+"-8"+trace[17:20]+"-"+trace[20:])
	h.Set("Cache-Control", "no-cache, no-store, no-transform")
}
