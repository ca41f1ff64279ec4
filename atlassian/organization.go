package atlassian

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"

	"scim-atlassian/atlassian/admission"
)

// Organization is a client of the APIs that administer one organization,
// https://developer.atlassian.com/cloud/admin/organization/rest/ and
// https://developer.atlassian.com/cloud/admin/user-management/rest/. It knows all accounts, whether or not a directory
// provisions them. It is safe for concurrent use.
type Organization struct {
	*caller
	id    string
	batch learned // accounts that one search names
	page  learned // accounts of one page

	// OldLists lets UserPage and User use the lists that Atlassian ends on 30 June 2027 instead of the searches that
	// replace them. It must be set before the first request.
	OldLists bool
}

// NewOrganization returns a client of the organization with the given id and API key. Enable and Disable want a key
// without scopes; Events and EventActions want one with the scope read:events:admin; either does for the rest. baseURL is
// https://api.atlassian.com; http is accepted on loopback only, unless [Config.PlainHTTP] is set.
func NewOrganization(cfg Config, baseURL, organizationID, key string) (*Organization, error) {
	base, err := parseBase(baseURL, cfg.PlainHTTP)
	if err != nil {
		return nil, fmt.Errorf("organization: base URL: %w", err)
	}
	if !isSegment(organizationID) {
		return nil, fmt.Errorf("organization: id %q is not an id", organizationID)
	}
	if err := checkSecret("API key", key); err != nil {
		return nil, fmt.Errorf("organization: %w", err)
	}
	return &Organization{caller: newCaller(cfg, admission.Config{Documented: admission.OrganizationRate}, base, "Bearer "+key, key), id: organizationID}, nil
}

// Renewal returns what puts another API key in the place of the client's, for every request that begins afterwards. It
// fails if no header can carry the key.
func (o *Organization) Renewal(key string) (install func(), err error) { return o.renewal(key) }

// OrganizationUser is an account as the organization sees it. Atlassian promises none of the members but the id.
type OrganizationUser struct {
	AccountID        string    `json:"accountId"`
	AccountType      string    `json:"accountType"`      // atlassian
	Status           string    `json:"status"`           // of both below: active, suspended, not_invited, deactivated or for_deletion
	AccountStatus    string    `json:"accountStatus"`    // active, inactive or closed
	MembershipStatus string    `json:"membershipStatus"` // active, suspended or no_membership
	AddedToOrg       time.Time `json:"addedToOrg"`
	Name             string    `json:"name"`
	Nickname         string    `json:"nickname"`
	Email            string    `json:"email"`
	EmailVerified    bool      `json:"emailVerified"`
	ClaimStatus      string    `json:"claimStatus"` // managed or unmanaged

	// These are in the answers of searches that expand them; nil: not asked for, or none.
	PlatformRoles []string            `json:"platformRoles"`
	Groups        []OrganizationGroup `json:"groups"` // id, name and description; how many at most is not documented
	ProductAccess []ProductAccess     `json:"productAccess"`
}

// ProductAccess is a product that an account may use.
type ProductAccess struct {
	Key        string `json:"key"`                 // such as jira-software
	ID         string `json:"id"`                  // of the resource, an ARI
	LastActive string `json:"lastActiveTimestamp"` // RFC 3339, up to a day late; empty: never, or not told
}

// Managed reports whether the organization may enable and disable the account: its e-mail domain is claimed.
func (u *OrganizationUser) Managed() bool { return u.ClaimStatus == "managed" }

// OrganizationPage is a part of the accounts. Next is the cursor of the page that follows, empty on the last.
type OrganizationPage struct {
	Users []*OrganizationUser
	Next  string
}

type wireOrganizationPage struct {
	Data  []*OrganizationUser `json:"data"`
	Links *struct {
		Next string `json:"next"`
	} `json:"links"`
}

func (p *wireOrganizationPage) accept() bool {
	return p.Data != nil && p.Links != nil &&
		!slices.ContainsFunc(p.Data, func(u *OrganizationUser) bool { return u == nil || u.AccountID == "" })
}

// organizationUsers is the path of the accounts, in all directories that the key may see.
const organizationUsers = "/admin/v2/orgs/{orgId}/directories/-/users"

// UserPage returns up to limit accounts, at most 100, from a cursor on; "" is the beginning. It calls POST
// /admin/v2/orgs/{orgId}/directories/-/users/search, or with OldLists GET /admin/v2/orgs/{orgId}/directories/-/users.
func (o *Organization) UserPage(ctx context.Context, cursor string, limit int) (*OrganizationPage, error) {
	if !o.OldLists {
		return o.SearchUsers(ctx, UserSearch{Cursor: cursor, Limit: limit})
	}
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	return o.oldPage(ctx, q)
}

func (o *Organization) oldPage(ctx context.Context, q url.Values) (*OrganizationPage, error) {
	page, err := fetch[wireOrganizationPage](ctx, o.caller, request{op: "GET " + organizationUsers, args: []string{o.id}, query: q, reads: true, scans: true})
	if err != nil {
		return nil, err
	}
	return &OrganizationPage{page.Data, page.Links.Next}, nil
}

type wireOrganizationUser struct {
	Data *OrganizationUser `json:"data"`
}

func (w *wireOrganizationUser) accept() bool { return w.Data != nil && w.Data.AccountID != "" }

// User returns one account without what searches expand, or fails with NotFound. It calls GET
// /admin/v2/orgs/{orgId}/directories/-/users/{accountId}, which sees a write at once where a search may lag behind. With
// OldLists it calls GET /admin/v2/orgs/{orgId}/directories/-/users.
func (o *Organization) User(ctx context.Context, accountID string) (*OrganizationUser, error) {
	if !o.OldLists {
		found, err := fetch[wireOrganizationUser](ctx, o.caller,
			request{op: "GET " + organizationUsers + "/{accountId}", args: []string{o.id, accountID}, reads: true})
		if err != nil {
			return nil, err
		}
		return found.Data, nil
	}
	page, err := o.oldPage(ctx, url.Values{"accountIds": {accountID}})
	if err != nil {
		return nil, err
	}
	for _, user := range page.Users {
		if user.AccountID == accountID {
			return user, nil
		}
	}
	return nil, &Error{Kind: NotFound, Op: "GET " + organizationUsers, Detail: "the organization has no such account"}
}

// Users returns every account of the organization, in the order of the API and without what searches expand. It makes a request for every 100 accounts
// and one to count them, since the pages tell no total. The result is complete: the count says as many, or, if there is
// no right to count, a second reading has found the same accounts. After three readings without that proof Users fails
// with Unavailable.
func (o *Organization) Users(ctx context.Context) ([]*OrganizationUser, error) {
	const readings = 3
	var before map[string]bool
	for range readings {
		users, ids, err := o.readUsers(ctx)
		if err != nil {
			return nil, err
		}
		count, err := o.CountUsers(ctx)
		if err != nil && KindOf(err) != NotFound && KindOf(err) != Forbidden {
			return nil, err
		}
		proven := err == nil && count == len(ids) || before != nil && maps.Equal(ids, before)
		if proven && len(ids) == len(users) {
			return users, nil
		}
		before = ids
	}
	return nil, &Error{Kind: Unavailable, Op: o.listing(), Detail: "the accounts changed while they were read"}
}

// Atlassian does not say how large a page of accounts may be: 100 is in use, and 50 is what a search has by itself.
const largestPage, usualPage = 100, 50

// readUsers follows the cursors to their end. It returns an account twice if upstream does.
func (o *Organization) readUsers(ctx context.Context) (users []*OrganizationUser, ids map[string]bool, err error) {
	ids, cursors := make(map[string]bool), make(map[string]bool)
	for cursor := ""; ; {
		page, err := o.UserPage(ctx, cursor, o.page.or(largestPage))
		if KindOf(err) == Invalid && cursor == "" && o.page.or(largestPage) > usualPage {
			o.page.set(usualPage)
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		users = append(users, page.Users...)
		for _, user := range page.Users {
			ids[user.AccountID] = true
		}
		if cursor = page.Next; cursor == "" {
			return users, ids, nil
		}
		if cursors[cursor] {
			return nil, nil, stuck(o.listing(), len(users))
		}
		cursors[cursor] = true
	}
}

// listing is the operation with which UserPage reads.
func (o *Organization) listing() string {
	if o.OldLists {
		return "GET " + organizationUsers
	}
	return "POST " + organizationUsers + "/search"
}

type organizationInfo struct {
	Data struct {
		ID         string `json:"id"`
		Attributes struct {
			Name string `json:"name"`
		} `json:"attributes"`
	} `json:"data"`
}

func (i *organizationInfo) accept() bool { return i.Data.ID != "" }

// Name returns the name of the organization. It calls GET /admin/v1/orgs/{orgId}.
func (o *Organization) Name(ctx context.Context) (string, error) {
	info, err := fetch[organizationInfo](ctx, o.caller, request{op: "GET /admin/v1/orgs/{orgId}", args: []string{o.id}, reads: true})
	if err != nil {
		return "", err
	}
	return cmp.Or(info.Data.Attributes.Name, info.Data.ID), nil
}

// Enable activates a managed account. It calls POST /users/{accountId}/manage/lifecycle/enable. An account that the
// organization does not manage is Forbidden. Where a directory provisions the account, the next write of its active
// attribute there wins: change that instead.
func (o *Organization) Enable(ctx context.Context, accountID string) error {
	return o.call(ctx, request{op: "POST /users/{accountId}/manage/lifecycle/enable", args: []string{accountID}, repeatable: true})
}

// Disable deactivates a managed account, which is signed out everywhere. Atlassian shows message, if any, to the person.
// It calls POST /users/{accountId}/manage/lifecycle/disable and fails as Enable does.
func (o *Organization) Disable(ctx context.Context, accountID, message string) error {
	disable := request{op: "POST /users/{accountId}/manage/lifecycle/disable", args: []string{accountID}, repeatable: true, revokes: true}
	if message != "" {
		disable.body = struct {
			Message string `json:"message"`
		}{message}
	}
	return o.call(ctx, disable)
}
