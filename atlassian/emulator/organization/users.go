package organization

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"scim-atlassian/atlassian/emulator/tenant"
)

// user is the form in which the admin API shows an account. What a search does
// not expand is nil.
type user struct {
	AccountID        string            `json:"accountId"`
	AccountType      string            `json:"accountType"`
	Status           string            `json:"status"`
	AccountStatus    string            `json:"accountStatus"`
	MembershipStatus string            `json:"membershipStatus"`
	AddedToOrg       *time.Time        `json:"addedToOrg,omitempty"`
	Name             string            `json:"name,omitempty"`
	Nickname         string            `json:"nickname,omitempty"`
	Email            string            `json:"email,omitempty"`
	EmailVerified    bool              `json:"emailVerified"`
	ClaimStatus      string            `json:"claimStatus"`
	PlatformRoles    *[]string         `json:"platformRoles,omitempty"`
	Counts           map[string]int    `json:"counts,omitempty"`
	ProductAccess    *[]productAccess  `json:"productAccess,omitempty"`
	Groups           *[]groupReference `json:"groups,omitempty"`
	Links            map[string]string `json:"links,omitempty"`
	Unknown          any               `json:"futureMember,omitempty"` // odd answers have it
}

type productAccess struct {
	Key string `json:"key"`
	ID  string `json:"id"`
}

type groupReference struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
}

// newUser shows an account without what is expanded.
func (o *Organization) newUser(a *tenant.Account) user {
	s, added := statusOf(a), tenant.Epoch
	if !a.VisibleFrom.IsZero() {
		added = a.VisibleFrom
	}
	u := user{
		AccountID: a.ID, AccountType: tenant.KindPerson, Status: s.computed, AccountStatus: s.account, MembershipStatus: s.membership,
		AddedToOrg: &added, Name: a.Name, Nickname: a.Name, Email: a.Email, EmailVerified: true, ClaimStatus: s.claim,
	}
	if o.options.Odd {
		u.Unknown = map[string]any{"since": 2027, "list": []any{nil, true}}
		if a.Number%3 == 1 {
			u.AddedToOrg, u.Nickname, u.AccountType = nil, "", "atlassian-next"
		}
	}
	return u
}

func platformRoles(a *tenant.Account) *[]string {
	roles := []string{}
	if a.Email == tenant.AdminEmail {
		roles = append(roles, "atlassian/org-admin")
	}
	return &roles
}

// expand adds to u what a search asks for.
func (o *Organization) expand(u *user, p *person, what []string, now time.Time) {
	for _, name := range what {
		switch name {
		case "platformRoles":
			u.PlatformRoles = platformRoles(p.account)
		case "counts.resources":
			u.Counts = map[string]int{"resources": len(o.productsOf(p, now))}
		case "productAccess":
			products := o.productsOf(p, now)
			u.ProductAccess = &products
		case "groups":
			list := []groupReference{}
			for _, g := range o.index.groupsOf(p, now) {
				if most := o.options.ExpandedGroups; most > 0 && len(list) == most {
					break
				}
				list = append(list, groupReference{g.ID, g.Name, g.Description})
			}
			u.Groups = &list
		}
	}
}

// searchUsers is POST /admin/v2/orgs/{org}/directories/{directory}/users/search.
func (o *Organization) searchUsers(w http.ResponseWriter, r *http.Request) {
	s, limit, err := o.readSearch(r, 50, "nick_name")
	if err == nil {
		var page any
		if page, err = o.userResults(s, limit, r); err == nil {
			tenant.WriteJSON(w, http.StatusOK, "application/json", page)
			return
		}
	}
	writeRefusal(w, err)
}

// resultPage is an answer with cursors. A cursor in odd answers is null if there
// is none.
type resultPage[T any] struct {
	Data  []T            `json:"data"`
	Links map[string]any `json:"links"`
}

func (o *Organization) userResults(s search, limit int, r *http.Request) (page resultPage[user], err error) {
	o.tenant.RLock()
	defer o.tenant.RUnlock()
	now := o.tenant.Now()
	o.events.noteRead(now, o.actor(r))
	o.index.view(now, func() {
		order := results[*person]{rows: o.people(s, r.PathValue("directory"), now), key: nameOfPerson}
		if len(s.SortBy) > 0 && len(order.rows) == len(o.index.members()) {
			order.ascending = o.index.byName()
		}
		var rows []*person
		if rows, page.Links, err = order.page(s, limit, o.options); err != nil {
			return
		}
		page.Data = make([]user, len(rows))
		for i, p := range rows {
			page.Data[i] = o.newUser(p.account)
			o.expand(&page.Data[i], p, s.Expand, now)
		}
	})
	return page, err
}

// results are the rows that a search has found, in the order in which they were
// made, with the texts to sort a row by: its name and its id.
type results[T any] struct {
	rows      []T // not to be changed
	key       func(T) (name, id string)
	ascending []T // the rows by name; nil: not known yet
}

// page cuts a page out of the rows and says where the next begins.
//
// With sortBy a page begins behind the last row of the one before. Without, it
// begins at a number of rows: rows that come or go in between move others onto
// another page, so that a reader sees them twice or not at all.
func (l results[T]) page(s search, limit int, options Options) ([]T, map[string]any, error) {
	at, after, err := parseSearchCursor(s.Cursor)
	if err != nil {
		return nil, nil, err
	}
	rows, sorted := l.rows, len(s.SortBy) > 0
	text := func(row T) string { name, id := l.key(row); return name + "\x00" + id }
	switch {
	case sorted:
		descending := s.SortBy[0].Direction == "desc"
		rows = l.inOrder(descending)
		if s.Cursor != "" {
			at, _ = slices.BinarySearchFunc(rows, after, func(row T, after string) int {
				if c := strings.Compare(text(row), after); c == 0 || (c < 0) != descending {
					return -1
				}
				return 1
			})
		}
	case options.Shuffled:
		rows = slices.Clone(rows)
		slices.SortFunc(rows, func(a, b T) int { return cmp.Compare(l.scatter(a), l.scatter(b)) })
	}
	rows = rows[min(at, len(rows)):]
	links := map[string]any{}
	if options.Odd {
		links["next"], links["prev"] = nil, nil
	}
	if len(rows) > limit {
		rows = rows[:limit]
		links["next"] = searchCursor(at+limit, "")
		if sorted {
			links["next"] = searchCursor(0, text(rows[limit-1]))
		}
	}
	return rows, links, nil
}

// inOrder returns the rows by name.
func (l results[T]) inOrder(descending bool) []T {
	switch {
	case descending:
		rows := slices.Clone(l.rows)
		sortRows(rows, l.key, -1)
		return rows
	case l.ascending != nil:
		return l.ascending
	}
	rows := slices.Clone(l.rows)
	sortRows(rows, l.key, 1)
	return rows
}

// sortRows sorts rows by name and id, downwards if sign is -1.
func sortRows[T any](rows []T, key func(T) (name, id string), sign int) {
	type keyed struct {
		name, id string
		row      T
	}
	list := make([]keyed, len(rows))
	for i, row := range rows {
		list[i].name, list[i].id = key(row)
		list[i].row = row
	}
	slices.SortFunc(list, func(a, b keyed) int {
		return sign * cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.id, b.id))
	})
	for i := range list {
		rows[i] = list[i].row
	}
}

// scatter gives a row a place that has nothing to do with its age or name.
func (l results[T]) scatter(row T) uint64 {
	_, id := l.key(row)
	h := fnv.New64a()
	h.Write([]byte(id))
	return h.Sum64()
}

func searchCursor(at int, after string) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "s:%d:%s", at, after))
}

func parseSearchCursor(cursor string) (at int, after string, err error) {
	if cursor == "" {
		return 0, "", nil
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	parts := strings.SplitN(string(text), ":", 3)
	if err != nil || len(parts) != 3 || parts[0] != "s" {
		return 0, "", errCursor
	}
	if at, err = strconv.Atoi(parts[1]); err != nil || at < 0 {
		return 0, "", errCursor
	}
	return at, parts[2], nil
}

// endOfLists is when the lists that the searches replace stop.
var endOfLists = time.Date(2027, time.July, 1, 0, 0, 0, 0, time.UTC)

// ended answers 410 to a list that has come to its end.
func (o *Organization) ended(w http.ResponseWriter) bool {
	if o.tenant.Now().Before(endOfLists) {
		return false
	}
	refuseRequest(w, http.StatusGone)
	return true
}

// oldCursor returns the cursor of the page of a list that begins after the row
// with this number. Numbers of accounts never change, so that accounts which come
// and go move nobody onto another page. The cursor holds the size of the page too:
// the parameters that come with a cursor are ignored.
func oldCursor(number, limit int) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "after:%d:%d", number, limit))
}

// oldWindow reads cursor and limit of a list: the page begins behind the row with
// a number, -1 for the first page.
func oldWindow(w http.ResponseWriter, r *http.Request) (after, limit int, ok bool) {
	query := r.URL.Query()
	if cursor := query.Get("cursor"); cursor != "" {
		text, _ := base64.RawURLEncoding.DecodeString(cursor)
		if n, _ := fmt.Sscanf(string(text), "after:%d:%d", &after, &limit); n != 2 || after < 0 {
			writeRefusal(w, errCursor)
			return 0, 0, false
		}
		return after, limit, true
	}
	limit = 20
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 100 {
			writeAdminError(w, 400, "ADMIN-UAM-400-1", "Bad Request", "limit must be between 1 and 100")
			return 0, 0, false
		}
		limit = n
	}
	return -1, limit, true
}

// listUsers is GET /admin/v2/orgs/{org}/directories/{directory}/users, until the
// end of June 2027.
func (o *Organization) listUsers(w http.ResponseWriter, r *http.Request) {
	if o.ended(w) {
		return
	}
	if after, limit, ok := oldWindow(w, r); ok {
		var s search
		if r.URL.Query().Get("cursor") == "" {
			s = searchOf(r.URL.Query())
		}
		tenant.WriteJSON(w, http.StatusOK, "application/json", o.userPage(s, r.PathValue("directory"), after, limit))
	}
}

func (o *Organization) userPage(s search, directory string, after, limit int) (page resultPage[user]) {
	o.tenant.RLock()
	defer o.tenant.RUnlock()
	now := o.tenant.Now()
	o.index.view(now, func() {
		list := o.people(s, directory, now)
		start, _ := slices.BinarySearchFunc(list, after+1, func(p *person, number int) int { return p.account.Number - number })
		list = list[start:]
		page = resultPage[user]{Data: []user{}, Links: map[string]any{"self": oldCursor(max(after, 0), limit)}}
		for _, p := range list[:min(limit, len(list))] {
			u := o.newUser(p.account)
			u.PlatformRoles, u.Counts = platformRoles(p.account), map[string]int{"resources": 1}
			u.Links = map[string]string{"self": oldCursor(p.account.Number, limit)}
			page.Data = append(page.Data, u)
		}
		if len(list) > limit {
			page.Links["next"] = oldCursor(list[limit-1].account.Number, limit)
		}
	})
	return page
}

// countUsers is GET /admin/v2/orgs/{org}/directories/{directory}/users/count. Without
// filters it counts managed accounts too that are in no directory.
func (o *Organization) countUsers(w http.ResponseWriter, r *http.Request) {
	o.writeCount(w, func(now time.Time) int {
		count := len(o.people(searchOf(r.URL.Query()), r.PathValue("directory"), now))
		if r.URL.RawQuery == "" && r.PathValue("directory") == "-" {
			count += o.index.outside()
		}
		return count
	})
}

func (o *Organization) writeCount(w http.ResponseWriter, count func(now time.Time) int) {
	if o.options.NoCount {
		writeAdminError(w, "403", "ADMIN-UAM-403-1", "Forbidden", "You are not allowed to perform this request")
		return
	}
	tenant.WriteJSON(w, http.StatusOK, "application/json", map[string]int{"count": o.seen(count)})
}

// seen returns a number that the index tells.
func (o *Organization) seen(count func(now time.Time) int) (n int) {
	o.tenant.RLock()
	defer o.tenant.RUnlock()
	now := o.tenant.Now()
	o.index.view(now, func() { n = count(now) })
	return n
}

// getUser is GET /admin/v2/orgs/{org}/directories/{directory}/users/{account}. It
// sees writes at once.
func (o *Organization) getUser(w http.ResponseWriter, r *http.Request) {
	if u, found := o.details(r); found {
		tenant.WriteJSON(w, http.StatusOK, "application/json", map[string]any{"data": u})
		return
	}
	writeAdminError(w, "404", "ADMIN-UAM-404-3", "Not Found", "User not found")
}

func (o *Organization) details(r *http.Request) (user, bool) {
	o.tenant.RLock()
	defer o.tenant.RUnlock()
	a := o.account(r)
	if a == nil {
		return user{}, false
	}
	u := o.newUser(a)
	u.PlatformRoles, u.Counts = platformRoles(a), map[string]int{"resources": 1}
	return u, true
}

// account returns the account that a path names, nil if the directory of the path
// has no such.
func (o *Organization) account(r *http.Request) *tenant.Account {
	a := o.tenant.Accounts.WithID(r.PathValue("account"))
	if a == nil || !isMember(a, o.tenant.Now()) || !o.inDirectory(a, r.PathValue("directory")) {
		return nil
	}
	return a
}
