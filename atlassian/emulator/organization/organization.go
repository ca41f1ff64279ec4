// Package organization emulates the APIs with which an organization administers
// accounts: developer.atlassian.com/cloud/admin/organization/rest and
// developer.atlassian.com/cloud/admin/user-management/rest.
package organization

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"scim-atlassian/atlassian/emulator/tenant"
)

// Options are the switches of the organization APIs.
type Options struct {
	RateLimit int  // requests per second, beyond that 429; 0: no limit
	NoCount   bool // 403 where accounts are counted, as for keys without that right
}

// Organization answers below /admin/ and /users/. It has no data but the
// accounts of the tenant.
type Organization struct {
	tenant  *tenant.Tenant
	options Options
	routes  *http.ServeMux
	limiter tenant.RateLimiter
}

// New returns the organization that a tenant belongs to.
func New(t *tenant.Tenant, options Options) *Organization {
	o := &Organization{tenant: t, options: options, routes: http.NewServeMux()}
	o.limiter.PerSecond = o.options.RateLimit
	o.routes.HandleFunc("GET /admin/v1/orgs/{org}", o.describe)
	o.routes.HandleFunc("GET /admin/v2/orgs/{org}/directories/{directory}/users", o.listUsers)
	o.routes.HandleFunc("GET /admin/v2/orgs/{org}/directories/{directory}/users/count", o.countUsers)
	o.routes.HandleFunc("POST /users/{account}/manage/lifecycle/{action}", o.changeLifecycle)
	o.routes.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { refuseRequest(w, http.StatusNotFound) })
	return o
}

// quota is the value of X-RateLimit-Limit while no limit is enforced.
const quota = 500

// ServeHTTP checks the key and the organization, then routes.
func (o *Organization) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-RateLimit-Limit", strconv.Itoa(quota))
	header.Set("X-RateLimit-Remaining", strconv.Itoa(quota-1))
	lifecycle := strings.HasPrefix(r.URL.Path, "/users/")
	key, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case !o.limiter.Allow(header, o.tenant.Now()):
		refuseRequest(w, http.StatusTooManyRequests)
	case isBearer && key == tenant.OrganizationKey:
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
// directories, all of them ("-"). Otherwise it answers: an unknown organization
// is refused by the router in front of the API, in the router's own form.
func (o *Organization) checkPath(w http.ResponseWriter, r *http.Request) bool {
	if org := r.PathValue("org"); org != tenant.OrganizationID {
		tenant.WriteJSON(w, http.StatusNotFound, "application/json", map[string]any{
			"timestamp": o.tenant.Now().Format("2006-01-02T15:04:05.000+00:00"), "path": "/api" + r.URL.Path,
			"status": 404, "error": "Not Found", "requestId": tenant.NewUUID(tenant.Random{})[:8], "message": "TCS validation failed",
		})
		return false
	}
	if directory := r.PathValue("directory"); directory != "" && directory != "-" {
		writeAdminError(w, "404", "ADMIN-UAM-404-1", "Unknown Resource", "Directory not found")
		return false
	}
	return true
}

// describe is GET /admin/v1/orgs/{org}.
func (o *Organization) describe(w http.ResponseWriter, r *http.Request) {
	if !o.checkPath(w, r) {
		return
	}
	tenant.WriteJSON(w, http.StatusOK, "application/json", map[string]any{"data": map[string]any{
		"id": tenant.OrganizationID, "type": "orgs", "attributes": map[string]any{"name": "Demo Organization"},
		"links": map[string]any{"self": "https://api.atlassian.com/admin/v1/orgs/" + tenant.OrganizationID},
	}})
}

// user is the form in which the admin API shows an account.
type user struct {
	AccountID        string            `json:"accountId"`
	AccountType      string            `json:"accountType"`
	Status           string            `json:"status"`
	AccountStatus    string            `json:"accountStatus"`
	MembershipStatus string            `json:"membershipStatus"`
	AddedToOrg       time.Time         `json:"addedToOrg"`
	Name             string            `json:"name"`
	Nickname         string            `json:"nickname"`
	Email            string            `json:"email,omitempty"`
	EmailVerified    bool              `json:"emailVerified"`
	ClaimStatus      string            `json:"claimStatus"`
	PlatformRoles    []string          `json:"platformRoles"`
	Counts           map[string]int    `json:"counts"`
	Links            map[string]string `json:"links"`
}

func newUser(a *tenant.Account) user {
	u := user{
		AccountID: a.ID, AccountType: tenant.KindPerson, Status: "active", AccountStatus: "active", MembershipStatus: "active",
		AddedToOrg: tenant.Epoch, Name: a.Name, Nickname: a.Name, Email: a.Email, EmailVerified: true, ClaimStatus: "unmanaged",
		PlatformRoles: []string{}, Counts: map[string]int{"resources": 1}, Links: map[string]string{"self": cursorAfter(a.Number)},
	}
	if !a.VisibleFrom.IsZero() {
		u.AddedToOrg = a.VisibleFrom
	}
	if a.Managed {
		u.ClaimStatus = "managed"
	}
	if a.Email == tenant.AdminEmail {
		u.PlatformRoles = []string{"atlassian/org-admin"}
	}
	if a.Suspended {
		u.Status, u.MembershipStatus = "suspended", "suspended"
	}
	if !a.Active {
		u.Status, u.AccountStatus = "deactivated", "inactive"
	}
	return u
}

// people lists the accounts of the organization, or those with the given ids:
// no apps, no customers, no accounts that are closed for good.
func (o *Organization) people(ids []string) []*tenant.Account {
	now := o.tenant.Now()
	var list []*tenant.Account
	for _, a := range o.tenant.Accounts.All() {
		if a.Kind == tenant.KindPerson && !a.Deleted && a.Visible(now) && (len(ids) == 0 || slices.Contains(ids, a.ID)) {
			list = append(list, a)
		}
	}
	return list
}

// cursorAfter returns the cursor of the page that begins after the account with
// this number. Numbers never change, so that accounts which come and go move
// nobody onto another page.
func cursorAfter(number int) string {
	return base64.RawURLEncoding.EncodeToString([]byte("after:" + strconv.Itoa(number)))
}

// parseCursor returns the number after which a page begins, -1 without a cursor.
func parseCursor(cursor string) (after int, ok bool) {
	if cursor == "" {
		return -1, true
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	number, isOurs := strings.CutPrefix(string(text), "after:")
	after, e := strconv.Atoi(number)
	return after, err == nil && e == nil && isOurs && after >= 0
}

// listUsers is GET /admin/v2/orgs/{org}/directories/-/users.
func (o *Organization) listUsers(w http.ResponseWriter, r *http.Request) {
	if !o.checkPath(w, r) {
		return
	}
	query := r.URL.Query()
	limit := 20
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 100 {
			writeAdminError(w, 400, "ADMIN-UAM-400-1", "Bad Request", "limit must be between 1 and 100")
			return
		}
		limit = n
	}
	after, ok := parseCursor(query.Get("cursor"))
	if !ok {
		writeAdminError(w, 400, "ADMIN-UAM-400-1", "Bad Request", "Invalid cursor")
		return
	}
	tenant.WriteJSON(w, http.StatusOK, "application/json", o.userPage(query["accountIds"], after, limit))
}

type userPage struct {
	Data  []user            `json:"data"`
	Links map[string]string `json:"links"`
}

func (o *Organization) userPage(ids []string, after, limit int) userPage {
	o.tenant.RLock()
	defer o.tenant.RUnlock()
	list := o.people(ids)
	start, _ := slices.BinarySearchFunc(list, after+1, func(a *tenant.Account, number int) int { return a.Number - number })
	list = list[start:]
	page := userPage{Data: []user{}, Links: map[string]string{"self": cursorAfter(max(after, 0))}}
	for _, a := range list[:min(limit, len(list))] {
		page.Data = append(page.Data, newUser(a))
	}
	if len(list) > limit {
		page.Links["next"] = cursorAfter(list[limit-1].Number)
	}
	return page
}

// countUsers is GET /admin/v2/orgs/{org}/directories/-/users/count.
func (o *Organization) countUsers(w http.ResponseWriter, r *http.Request) {
	switch {
	case !o.checkPath(w, r):
	case o.options.NoCount:
		writeAdminError(w, "403", "ADMIN-UAM-403-1", "Forbidden", "You are not allowed to perform this request")
	default:
		tenant.WriteJSON(w, http.StatusOK, "application/json", map[string]int{"count": o.count(r.URL.Query()["accountIds"])})
	}
}

func (o *Organization) count(ids []string) int {
	o.tenant.RLock()
	defer o.tenant.RUnlock()
	return len(o.people(ids))
}

// changeLifecycle is POST /users/{account}/manage/lifecycle/enable and
// disable. It changes the account alone. A user of the directory that is linked
// to the account stays as it is, and the next write to that user wins.
func (o *Organization) changeLifecycle(w http.ResponseWriter, r *http.Request) {
	action := r.PathValue("action")
	if action != "enable" && action != "disable" {
		writeLifecycleError(w, http.StatusNotFound, "notFound", "", "")
		return
	}
	switch o.setActive(r.PathValue("account"), action == "enable") {
	case http.StatusNotFound:
		writeLifecycleError(w, http.StatusNotFound, "accountNotFound", "account-not-found", "Error: User account not found")
	case http.StatusForbidden:
		writeLifecycleError(w, http.StatusForbidden, "forbidden", "forbidden",
			"Error: Caller must be a verified org admin of targeted account")
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// setActive enables or disables an account and returns the status of the answer.
func (o *Organization) setActive(id string, active bool) int {
	o.tenant.Lock()
	defer o.tenant.Unlock()
	a := o.tenant.Accounts.WithID(id)
	switch {
	case a == nil || a.Deleted || !a.Visible(o.tenant.Now()):
		return http.StatusNotFound
	case !a.Managed:
		return http.StatusForbidden
	}
	a.Active = active
	return http.StatusNoContent
}

type lifecycleError struct {
	Key         string `json:"key"`
	ErrorKey    string `json:"errorKey,omitempty"`
	ErrorDetail string `json:"errorDetail,omitempty"`
}

func writeLifecycleError(w http.ResponseWriter, status int, key, errorKey, detail string) {
	tenant.WriteJSON(w, status, "application/json", lifecycleError{key, errorKey, detail})
}
