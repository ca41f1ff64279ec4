package organization

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"scim-atlassian/atlassian/emulator/tenant"
)

// search is the body of a search of people or of groups. Members that it does not
// have are passed over.
type search struct {
	Cursor       string      `json:"cursor"`
	Limit        *int        `json:"limit"`
	AccountIDs   []string    `json:"accountIds"`
	DirectoryIDs []string    `json:"directoryIds"`
	ResourceIDs  []string    `json:"resourceIds"`
	Owners       []string    `json:"resourceOwners"`
	RoleIDs      []string    `json:"roleIds"`
	GroupIDs     []string    `json:"groupIds"`
	GroupNames   []string    `json:"groupNames"`
	MFAEnabled   *bool       `json:"mfaEnabled"`
	ClaimStatus  string      `json:"claimStatus"`
	Status       []string    `json:"status"`
	Account      []string    `json:"accountStatus"`
	Membership   []string    `json:"membershipStatus"`
	EmailDomains []string    `json:"emailDomains"`
	SearchTerm   string      `json:"searchTerm"`
	Emails       []string    `json:"emails"`
	Expand       []string    `json:"expand"`
	SortBy       []sortField `json:"sortBy"`
}

type sortField struct {
	Field     string `json:"field"`
	Direction string `json:"direction"`
}

// errRefused is a search that cannot be run; the text says why.
type errRefused string

func (e errRefused) Error() string { return string(e) }

// readSearch decodes the body of a search, which may be empty. usual is the size
// of a page if none is asked for, and sortable the one field to sort by.
func (o *Organization) readSearch(r *http.Request, usual int, sortable string) (search, int, error) {
	var s search
	body, err := io.ReadAll(io.LimitReader(r.Body, 10<<20))
	if err != nil {
		return s, 0, errRefused("The request body could not be read")
	}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &s); err != nil {
			return s, 0, errRefused("Invalid request body")
		}
	}
	limit := usual
	if s.Limit != nil {
		limit = *s.Limit
	}
	switch {
	case limit < 1 || limit > o.options.MaxLimit:
		err = errRefused("limit must be between 1 and " + strconv.Itoa(o.options.MaxLimit))
	case s.SearchTerm != "" && len(s.Emails) > 0:
		err = errRefused("searchTerm and emails cannot be combined")
	case len(s.GroupNames) > 0 && (s.SearchTerm != "" || len(s.GroupIDs) > 0):
		err = errRefused("groupNames cannot be combined with searchTerm or groupIds")
	case len(s.AccountIDs) > o.options.MaxAccountIDs:
		err = errRefused("accountIds must not have more than " + strconv.Itoa(o.options.MaxAccountIDs) + " elements")
	case len(s.SortBy) > 1, len(s.SortBy) == 1 && s.SortBy[0].Field != sortable:
		err = errRefused("sortBy takes the field " + sortable + " only")
	}
	return s, limit, err
}

// searchOf reads the filters of a search from a query.
func searchOf(values url.Values) search {
	s := search{
		AccountIDs: values["accountIds"], DirectoryIDs: values["directoryIds"], ResourceIDs: values["resourceIds"],
		Owners: values["resourceOwners"], RoleIDs: values["roleIds"], GroupIDs: values["groupIds"],
		ClaimStatus: values.Get("claimStatus"), Status: values["status"], Account: values["accountStatus"],
		Membership: values["membershipStatus"], EmailDomains: values["emailDomains"], SearchTerm: values.Get("searchTerm"),
	}
	if mfa, err := strconv.ParseBool(values.Get("mfaEnabled")); err == nil {
		s.MFAEnabled = &mfa
	}
	return s
}

// writeRefusal answers a search that cannot be run.
func writeRefusal(w http.ResponseWriter, err error) {
	code := "ADMIN-UAM-400-1"
	if err.Error() == "Invalid request body" {
		code = "ADMIN-UAM-400-3"
	}
	writeAdminError(w, 400, code, "Bad Request", err.Error())
}

// set makes a set of a list, in lower case if fold.
func set(list []string, fold bool) map[string]bool {
	m := make(map[string]bool, len(list))
	for _, text := range list {
		if fold {
			text = strings.ToLower(text)
		}
		m[text] = true
	}
	return m
}

// people lists the people whom a search in a directory finds, oldest first. The
// caller looks at the index, and must not change the list.
func (o *Organization) people(s search, directory string, now time.Time) []*person {
	groups, emails, domains := set(s.GroupIDs, false), set(s.Emails, true), set(s.EmailDomains, true)
	if len(s.ResourceIDs)+len(s.RoleIDs) > 0 {
		groups = o.granting(s, groups)
	}
	byGroup := len(s.GroupIDs)+len(s.ResourceIDs)+len(s.RoleIDs) > 0
	within := append([]string{directory}, s.DirectoryIDs...)
	candidates := o.index.some(s.AccountIDs, groups, now)
	if !byGroup && s.findsAll() && !slices.Contains(within, SecondDirectoryID) {
		return candidates
	}
	term, found := strings.ToLower(s.SearchTerm), []*person{}
	for _, p := range candidates {
		a := p.account
		if byGroup && !o.index.isIn(p, groups) ||
			slices.ContainsFunc(within, func(d string) bool { return !o.inDirectory(a, d) }) ||
			len(emails) > 0 && !emails[strings.ToLower(a.Email)] ||
			len(domains) > 0 && !domains[strings.ToLower(a.Email[strings.LastIndexByte(a.Email, '@')+1:])] ||
			term != "" && !strings.Contains(strings.ToLower(a.Name), term) && !strings.Contains(strings.ToLower(a.Email), term) ||
			!statusFits(s, statusOf(a)) {
			continue
		}
		found = append(found, p)
	}
	return found
}

// findsAll reports whether a search looks at nothing that an account has besides its
// id and its groups.
func (s *search) findsAll() bool {
	return len(s.Emails)+len(s.EmailDomains)+len(s.Status)+len(s.Account)+len(s.Membership) == 0 &&
		s.SearchTerm == "" && s.ClaimStatus == "" && s.MFAEnabled == nil
}

// statuses are the states of an account.
type statuses struct{ computed, account, membership, claim string }

func statusOf(a *tenant.Account) statuses {
	s := statuses{"active", "active", "active", "unmanaged"}
	if a.Managed {
		s.claim = "managed"
	}
	if a.Suspended {
		s.computed, s.membership = "suspended", "suspended"
	}
	if !a.Active {
		s.computed, s.account = "deactivated", "inactive"
	}
	return s
}

func statusFits(s search, have statuses) bool {
	fits := func(wanted []string, have string) bool { return len(wanted) == 0 || slices.Contains(wanted, have) }
	return fits(s.Status, have.computed) && fits(s.Account, have.account) && fits(s.Membership, have.membership) &&
		(s.ClaimStatus == "" || s.ClaimStatus == have.claim) &&
		(s.MFAEnabled == nil || have.claim == "managed" && !*s.MFAEnabled) // nobody has a second step
}

var errCursor = errors.New("the cursor is not valid")
