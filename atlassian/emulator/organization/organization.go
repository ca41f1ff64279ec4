// Package organization emulates the APIs with which an organization administers
// accounts: developer.atlassian.com/cloud/admin/organization/rest and
// developer.atlassian.com/cloud/admin/user-management/rest. The searches, the
// event stream and the writes are as public clients of them have them.
package organization

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"scim-atlassian/atlassian/emulator/tenant"
)

const (
	organizationName = "Demo Organization"

	DirectoryID       = "d1ec7040-0000-4000-8000-000000000001" // of the organization's directory, which is not the SCIM directory
	SecondDirectoryID = "d1ec7040-0000-4000-8000-000000000002" // see Options.TwoDirectories
)

// Organization answers below /admin/ and /users/. Its accounts and groups are the
// tenant's.
type Organization struct {
	tenant  *tenant.Tenant
	options Options
	routes  *http.ServeMux
	limiter tenant.RateLimiter
	minutes minuteLimits
	index   *index
	events  *eventLog
	roles   []roleAssignment // of groups
	began   time.Time

	// suspended says of a directory and an account whether the account is suspended
	// there; what it does not say is as in the account. The tenant's lock guards it,
	// and roles.
	suspended map[string]bool
}

// New returns the organization that a tenant belongs to, which must have its data
// by now. rng decides which events the faults strike.
func New(t *tenant.Tenant, options Options, rng *rand.Rand) *Organization {
	options.setDefaults()
	o := &Organization{
		tenant: t, options: options, routes: http.NewServeMux(),
		index: newIndex(t, options.IndexLag), events: newEventLog(options.Events, rng), roles: seededRoles(),
		suspended: map[string]bool{}, began: t.Now(),
	}
	t.Watch(o.events.note)
	o.limiter.PerSecond = o.options.RateLimit
	for _, e := range slices.Concat(o.endpoints(), o.writes()) {
		o.routes.HandleFunc(e.pattern, func(w http.ResponseWriter, r *http.Request) {
			if o.allowed(w, r, e) {
				e.serve(w, r)
			}
		})
	}
	o.routes.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { refuseRequest(w, http.StatusNotFound) })
	return o
}

// endpoint is a method and path with what it takes to use it.
type endpoint struct {
	pattern string
	scope   string // of a key with scopes; empty: none is published, and any key will do
	serve   http.HandlerFunc
}

// scopeManage is no scope that a key can have: what needs it, needs a key without
// scopes.
const scopeManage = "manage:org"

func (o *Organization) endpoints() []endpoint {
	const v1, v2 = "/admin/v1/orgs", "/admin/v2/orgs/{org}/directories"
	const in = v2 + "/{directory}"
	return []endpoint{
		{"GET " + v1, "", o.listOrganizations},
		{"GET " + v1 + "/{org}", "", o.describe},
		{"GET " + v1 + "/{org}/events-stream", scopeEvents, o.pollEvents},
		{"GET " + v1 + "/{org}/event-actions", scopeEvents, o.listActions},
		{"GET " + v2, "read:directories:admin", o.listDirectories},
		{"POST " + in + "/users/search", "", o.searchUsers},
		{"GET " + in + "/users", "read:directories:admin", o.listUsers},
		{"GET " + in + "/users/count", "", o.countUsers},
		{"GET " + in + "/users/{account}", "", o.getUser},
		{"GET " + in + "/users/{account}/role-assignments", "read:directories:admin", o.userRoles},
		{"POST " + in + "/groups/search", "", o.searchGroups},
		{"GET " + in + "/groups", "read:groups:admin", o.listGroups},
		{"GET " + in + "/groups/count", "read:groups:admin", o.countGroups},
		{"GET " + in + "/groups/{group}", "read:groups:admin", o.getGroup},
		{"GET " + in + "/groups/{group}/role-assignments", "read:groups:admin", o.groupRoles},
		{"POST /users/{account}/manage/lifecycle/{action}", scopeManage, o.changeLifecycle},
		{"GET /users/{account}/manage/api-tokens", scopeManage, o.listTokens},
	}
}

// allowed checks the published limits, the scopes of the key, and the path.
// Otherwise it answers.
func (o *Organization) allowed(w http.ResponseWriter, r *http.Request, e endpoint) bool {
	scoped := keyOf(r) == tenant.ScopedKey
	switch {
	case !o.withinMinute(w, r, e):
		refuseRequest(w, http.StatusTooManyRequests)
	case e.scope == scopeManage && scoped:
		writeLifecycleError(w, http.StatusForbidden, "forbidden", "forbidden", "Error: The API key lacks the scope manage:org")
	case e.scope == scopeEvents && !scoped,
		scoped && e.scope != "" && !slices.Contains(o.options.Scopes, e.scope):
		writeAdminError(w, "403", "ADMIN-UAM-403-1", "Forbidden", "The API key lacks the scope "+e.scope)
	default:
		return o.checkPath(w, r)
	}
	return false
}

// keyOf returns the bearer token of a request.
func keyOf(r *http.Request) string {
	key, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return key
}

// actor is who acts with the key of a request.
func (o *Organization) actor(r *http.Request) tenant.Actor {
	if keyOf(r) == tenant.ScopedKey {
		return o.tenant.Administrator("scoped-key")
	}
	return o.tenant.Administrator("organization-key")
}

// quota is the value of X-RateLimit-Limit while no limit is enforced.
const quota = 500

// ServeHTTP checks the key, then routes.
func (o *Organization) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-RateLimit-Limit", strconv.Itoa(quota))
	header.Set("X-RateLimit-Remaining", strconv.Itoa(quota-1))
	lifecycle := strings.HasPrefix(r.URL.Path, "/users/")
	key, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case !o.limiter.Allow(header, o.tenant.Now()):
		refuseRequest(w, http.StatusTooManyRequests)
	case isBearer && (key == tenant.OrganizationKey || key == tenant.ScopedKey):
		o.routes.ServeHTTP(w, r)
	case lifecycle:
		writeLifecycleError(w, http.StatusUnauthorized, "unauthorized", "", "")
	default:
		refuseRequest(w, http.StatusUnauthorized)
	}
}

// refuseRequest answers in the form of the gateway in front of the APIs.
func refuseRequest(w http.ResponseWriter, status int) {
	tenant.WriteProxyError(w, status, http.StatusText(status))
}

// adminError is a problem that the admin API reports. Its status is a string in
// the documents and a number in some answers.
type adminError struct {
	ID     string `json:"id"`
	Status any    `json:"status"`
	Code   string `json:"code"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

func writeAdminError(w http.ResponseWriter, status any, code, title, detail string) {
	number, isNumber := status.(int)
	if !isNumber {
		number, _ = strconv.Atoi(status.(string))
	}
	tenant.WriteJSON(w, number, "application/json", map[string]any{
		"errors": []adminError{{tenant.NewUUID(tenant.Random{}), status, code, title, detail}},
	})
}

// checkPath reports whether the path names this organization and, where it names
// a directory, one of its own or all of them ("-"). Otherwise it answers: an
// unknown organization is refused by the router in front of the API, in the
// router's own form.
func (o *Organization) checkPath(w http.ResponseWriter, r *http.Request) bool {
	if org := r.PathValue("org"); org != "" && org != tenant.OrganizationID {
		tenant.WriteJSON(w, http.StatusNotFound, "application/json", map[string]any{
			"timestamp": o.tenant.Now().Format("2006-01-02T15:04:05.000+00:00"), "path": "/api" + r.URL.Path,
			"status": 404, "error": "Not Found", "requestId": tenant.NewUUID(tenant.Random{})[:8], "message": "TCS validation failed",
		})
		return false
	}
	if directory := r.PathValue("directory"); directory != "" && directory != "-" && !slices.Contains(o.directories(), directory) {
		writeAdminError(w, "404", "ADMIN-UAM-404-1", "Unknown Resource", "Directory not found")
		return false
	}
	return true
}

// directories lists the ids of the organization's directories.
func (o *Organization) directories() []string {
	if o.options.TwoDirectories {
		return []string{DirectoryID, SecondDirectoryID}
	}
	return []string{DirectoryID}
}

// listOrganizations is GET /admin/v1/orgs. A key with scopes sees none, although
// it belongs to one.
func (o *Organization) listOrganizations(w http.ResponseWriter, r *http.Request) {
	list := []any{}
	if keyOf(r) == tenant.OrganizationKey {
		list = append(list, organizationObject())
	}
	tenant.WriteJSON(w, http.StatusOK, "application/json", map[string]any{"data": list, "links": map[string]any{}})
}

// describe is GET /admin/v1/orgs/{org}.
func (o *Organization) describe(w http.ResponseWriter, _ *http.Request) {
	tenant.WriteJSON(w, http.StatusOK, "application/json", map[string]any{"data": organizationObject()})
}

func organizationObject() any {
	return map[string]any{
		"id": tenant.OrganizationID, "type": "orgs", "attributes": map[string]any{"name": organizationName},
		"links": map[string]any{"self": "https://api.atlassian.com/admin/v1/orgs/" + tenant.OrganizationID},
	}
}

// listDirectories is GET /admin/v2/orgs/{org}/directories.
func (o *Organization) listDirectories(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	o.tenant.RLock()
	defer o.tenant.RUnlock()
	account := o.tenant.Accounts.WithID(query.Get("accountId"))
	list := []any{}
	for i, id := range o.directories() {
		name := "Demo directory"
		if i > 0 {
			name = "Second directory"
		}
		switch ids := query["directoryIds"]; {
		case query.Has("accountId") && (account == nil || !o.inDirectory(account, id)),
			len(ids) > 0 && !slices.Contains(ids, id),
			!strings.Contains(strings.ToLower(name), strings.ToLower(query.Get("searchTerm"))):
			continue
		}
		list = append(list, map[string]any{"directoryId": id, "name": name})
	}
	tenant.WriteJSON(w, http.StatusOK, "application/json", map[string]any{"data": list, "links": map[string]any{"next": nil}})
}

// directoriesOf lists the ids of a person's directories.
func (o *Organization) directoriesOf(a *tenant.Account) []string {
	return slices.DeleteFunc(o.directories(), func(d string) bool { return !o.inDirectory(a, d) })
}

// inDirectory reports whether an account is in a directory, "-" for any.
func (o *Organization) inDirectory(a *tenant.Account, directory string) bool {
	return directory != SecondDirectoryID || a.Number%3 == 0
}
