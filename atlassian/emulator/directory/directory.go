// Package directory emulates the user provisioning API of one directory:
// developer.atlassian.com/cloud/admin/user-provisioning/rest. Its users and
// groups are SCIM resources; each user is linked to an account of the tenant.
package directory

import (
	"cmp"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"scim-atlassian/atlassian/emulator/tenant"
)

// The URNs of RFC 7643, RFC 7644 and of Atlassian's own extension.
const (
	urnUser       = "urn:ietf:params:scim:schemas:core:2.0:User"
	urnGroup      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	urnEnterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	urnAtlassian  = "urn:scim:schemas:extension:atlassian-external:1.0"
	urnList       = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	urnError      = "urn:ietf:params:scim:api:messages:2.0:Error"
)

// Locations name Atlassian's host, whatever host the emulator listens on.
const baseURL = "https://api.atlassian.com" + basePath

const basePath = "/scim/directory/" + tenant.DirectoryID

// maxBody bounds a request body, in bytes.
const maxBody = 10 << 20

// Options are the switches of the user provisioning API. The zero value of each
// is the behaviour that Atlassian's documents suggest.
type Options struct {
	PageCap   int // resources on one page at most; default 100
	RateLimit int // requests per second, beyond that 429; 0: no limit

	PropagationDelay time.Duration // until a new user or group reaches Jira and shows its account id

	// The hard limits of support.atlassian.com, "Users and groups limits".
	MaxUsers           int // default 1,000,000
	MaxMembersPerGroup int // default 290,000

	NoReactivateOnRecreate bool // POST after DELETE leaves the account deactivated
	UnverifiedDomainReject bool // 400 for users outside VerifiedDomains, instead of an unmanaged account
	RenameRefused          bool // 400 mutability for another displayName of a group, instead of ignoring it
	OmitMembersInList      bool // GET /Groups leaves members out
	CaseSensitiveUserName  bool // userName and displayName are compared exactly

	// OrganizationGroups are names that groups outside the directory have
	// already; creating one of them is a conflict.
	OrganizationGroups []string
}

func (o *Options) setDefaults() {
	o.PageCap = cmp.Or(o.PageCap, 100)
	o.MaxUsers = cmp.Or(o.MaxUsers, 1_000_000)
	o.MaxMembersPerGroup = cmp.Or(o.MaxMembersPerGroup, 290_000)
}

// Directory answers below /scim/. The tenant's lock guards its data.
type Directory struct {
	tenant   *tenant.Tenant
	options  Options
	accounts *tenant.Accounts
	lastTime time.Time // of the latest change; times never repeat
	routes   *http.ServeMux
	limiter  tenant.RateLimiter

	users       []*user // in order of creation
	userByID    map[string]*user
	userByName  map[string]*user   // key: foldName
	userByEmail map[string]*user   // key: lower-case primary address
	userByExtID map[string][]*user // several users may share an externalId
	groups      []*group
	groupByID   map[string]*group
	groupByName map[string]*group // key: foldName
	lastSeq     int
}

// New returns an empty directory.
func New(t *tenant.Tenant, options Options) *Directory {
	options.setDefaults()
	d := &Directory{
		tenant: t, options: options, accounts: t.Accounts,
		userByID: map[string]*user{}, userByName: map[string]*user{},
		userByEmail: map[string]*user{}, userByExtID: map[string][]*user{},
		groupByID: map[string]*group{}, groupByName: map[string]*group{},
	}
	d.limiter.PerSecond = d.options.RateLimit
	d.route()
	t.ProvideGroups(d.provided)
	return d
}

// foldName returns the key under which a name is unique.
func (d *Directory) foldName(name string) string {
	if d.options.CaseSensitiveUserName {
		return name
	}
	return strings.ToLower(name)
}

// tick returns the time of a change, to the microsecond: now, or later than the
// change before, so that lastModified moves with every change.
func (d *Directory) tick() time.Time {
	now := d.tenant.Now().Truncate(time.Microsecond)
	if !now.After(d.lastTime) {
		now = d.lastTime.Add(time.Microsecond)
	}
	d.lastTime = now
	return now
}

// operation answers one request below the directory. A returned error becomes
// the answer.
type operation func(w http.ResponseWriter, r *http.Request) error

func (d *Directory) route() {
	d.routes = http.NewServeMux()
	for pattern, op := range map[string]operation{
		"GET /Users":                 d.listUsers,
		"POST /Users":                d.createUser,
		"GET /Users/{id}":            d.getUser,
		"PUT /Users/{id}":            d.replaceUser,
		"PATCH /Users/{id}":          d.patchUser,
		"DELETE /Users/{id}":         d.deleteUser,
		"GET /Groups":                d.listGroups,
		"POST /Groups":               d.createGroup,
		"GET /Groups/{id}":           d.getGroup,
		"PUT /Groups/{id}":           d.replaceGroup,
		"PATCH /Groups/{id}":         d.patchGroup,
		"DELETE /Groups/{id}":        d.deleteGroup,
		"GET /ServiceProviderConfig": d.serviceProviderConfig,
		"GET /ResourceTypes":         d.resourceTypes,
		"GET /ResourceTypes/{name}":  d.resourceType,
		"GET /Schemas":               d.schemas,
		"GET /Schemas/{urn}":         d.schema,
	} {
		method, path, _ := strings.Cut(pattern, " ")
		d.routes.HandleFunc(method+" "+basePath+path, func(w http.ResponseWriter, r *http.Request) {
			if err := op(w, r); err != nil {
				writeError(w, r, err)
			}
		})
	}
}

// ServeHTTP checks the bearer token and the directory, then routes.
func (d *Directory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	id, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/scim/directory/"), "/")
	switch {
	case !strings.HasPrefix(r.URL.Path, "/scim/directory/"):
		WriteFailure(w, http.StatusNotFound)
	case !isBearer:
		WriteFailure(w, http.StatusUnauthorized)
	case key != tenant.DirectoryKey:
		WriteFailure(w, http.StatusForbidden)
	case !d.limiter.Allow(w.Header(), d.tenant.Now()):
		WriteFailure(w, http.StatusTooManyRequests)
	case id != tenant.DirectoryID:
		writeError(w, r, notFound("DIRECTORY", id))
	case !acceptableContent(r):
		WriteFailure(w, http.StatusUnsupportedMediaType)
	default:
		d.serveRoute(w, r)
	}
}

// serveRoute routes a request. An unknown path or method is refused in
// Atlassian's words, not in those of net/http.
func (d *Directory) serveRoute(w http.ResponseWriter, r *http.Request) {
	handler, pattern := d.routes.Handler(r)
	if pattern != "" {
		d.routes.ServeHTTP(w, r)
		return
	}
	held := tenant.NewHeldAnswer()
	handler.ServeHTTP(held, r)
	if allow := held.Header().Get("Allow"); allow != "" {
		w.Header().Set("Allow", allow)
	}
	WriteFailure(w, held.Status)
}

// acceptableContent reports whether Content-Type is one of the two media types of
// the API. A body without a type is taken for JSON.
func acceptableContent(r *http.Request) bool {
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	switch strings.ToLower(strings.TrimSpace(media)) {
	case "", "application/json", "application/scim+json":
		return true
	}
	return r.ContentLength == 0
}

// answerType returns the media type of the answer: SCIM's, unless the caller
// accepts nothing but plain JSON.
func answerType(r *http.Request) string {
	accept := r.Header.Get("Accept")
	if strings.Contains(accept, "application/json") && !strings.Contains(accept, "application/scim+json") {
		return "application/json"
	}
	return "application/scim+json"
}

// readBody returns the body of a write.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, &scimError{status: http.StatusRequestEntityTooLarge, detail: "Request payload is too large."}
	}
	if err != nil {
		return nil, refuse("invalidSyntax", "Request payload could not be read.")
	}
	return body, nil
}
