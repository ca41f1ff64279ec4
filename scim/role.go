package scim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/jql"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/upstream"
)

const (
	// firstWait is the first of the waits, each twice the one before, for Atlassian
	// to bring an account from the directory to Jira.
	firstWait = 500 * time.Millisecond
	// provisioningRetryAfter is what a client is told to wait when these were not
	// enough.
	provisioningRetryAfter = 30 * time.Second
)

// projectRoles knows who holds which project role of Jira, of the projects that
// Issues may touch. No API tells the roles of one account, so those of all
// projects are read, in parallel, and kept for a while: our own writes are
// entered into what is kept, and one whose outcome is unknown drops it. It is
// safe for concurrent use.
type projectRoles struct {
	jira       *atlassian.Jira
	groupID    func(ctx context.Context, name string) (string, error) // of a group of the directory, "" if it has none of that name
	catalogues *catalogues
	budget     int           // upstream requests that one reading may cost
	patience   time.Duration // how long an account may take to get from the directory to Jira
	now        func() time.Time

	named *mirror.Memo[*roleBook] // the names of roles
	whole *mirror.Memo[*roleBook] // with who holds them
}

func newRoles(cfg jiraConfig, groupID func(ctx context.Context, name string) (string, error), c *catalogues) *projectRoles {
	return &projectRoles{
		jira: cfg.Jira, groupID: groupID, catalogues: c, budget: cfg.ScanBudget, patience: cfg.ProvisioningWait, now: cfg.Now,
		named: mirror.NewMemo[*roleBook](cfg.SnapshotTTL, cfg.Now), whole: mirror.NewMemo[*roleBook](cfg.SnapshotTTL, cfg.Now),
	}
}

// names returns the book with the names of all roles; who holds them may be
// missing.
func (r *projectRoles) names(ctx context.Context, fresh bool) (*roleBook, error) {
	if book := r.known(); book != nil && !fresh {
		return book, nil
	}
	return r.named.Get(ctx, fresh, func(ctx context.Context) (*roleBook, error) { return r.readAll(ctx, false, fresh) })
}

// all returns the book with all roles and who holds them.
func (r *projectRoles) all(ctx context.Context, fresh bool) (*roleBook, error) {
	return r.whole.Get(ctx, fresh, func(ctx context.Context) (*roleBook, error) { return r.readAll(ctx, true, fresh) })
}

// known returns the book with all roles if it is at hand, else nil.
func (r *projectRoles) known() *roleBook {
	book, _ := r.whole.Peek()
	return book
}

func (r *projectRoles) readAll(ctx context.Context, whole, fresh bool) (*roleBook, error) {
	snapshot, err := r.catalogues.get(ctx, fresh, jql.ProjectCatalogue)
	if err != nil {
		return nil, err
	}
	projects := snapshot[jql.ProjectCatalogue]
	if len(projects) > r.budget {
		return nil, tooManyRoles(len(projects), r.budget)
	}
	parts := make([][]*projectRole, len(projects))
	if err := mirror.Parallel(ctx, len(projects), func(ctx context.Context, i int) error {
		ids, err := r.jira.ProjectRoles(ctx, projects[i].ID)
		for name, id := range ids {
			parts[i] = append(parts[i], &projectRole{project: projects[i], id: id, name: name})
		}
		return hidden(err, projects[i])
	}); err != nil {
		return nil, err
	}
	all := slices.Concat(parts...)
	if !whole {
		return newRoleBook(all, false), nil
	}
	if len(projects)+len(all) > r.budget {
		return nil, tooManyRoles(len(projects)+len(all), r.budget)
	}
	if err := mirror.Parallel(ctx, len(all), func(ctx context.Context, i int) (err error) {
		role, err := r.jira.ProjectRole(ctx, all[i].project.ID, all[i].id)
		if err == nil {
			all[i] = roleOf(all[i].project, role)
		}
		return hidden(err, all[i].project)
	}); err != nil {
		return nil, err
	}
	if err := r.resolveGroups(ctx, all); err != nil {
		return nil, err
	}
	return newRoleBook(all, true), nil
}

func tooManyRoles(calls, budget int) error {
	return resource.TooMany("Reading who holds which project role would cost %d requests to Atlassian, over the limit of %d; leave the entitlements out with excludedAttributes, or bound the projects with SCIM_ATLASSIAN_PROJECTS.", calls, budget)
}

// hidden explains why Jira does not show the roles of a project that it lists:
// without the permission, it answers as if there were none.
func hidden(err error, project jql.Entry) error {
	switch atlassian.KindOf(err) {
	case atlassian.NotFound, atlassian.Unauthenticated, atlassian.Forbidden:
		return &resource.Error{Status: http.StatusBadGateway, Err: err,
			Detail: fmt.Sprintf("Jira does not show the roles of the project %s to this server's account, which needs Administer Jira, or Administer projects in it; SCIM_ATLASSIAN_PROJECTS can leave the project out.", project.Key)}
	}
	return err
}

func roleOf(project jql.Entry, role *atlassian.Role) *projectRole {
	out := &projectRole{project: project, id: role.ID, name: role.Name}
	for _, a := range role.Actors {
		switch {
		case a.Account != nil:
			out.holders = append(out.holders, roleHolder{a.Account.AccountID, a.DisplayName})
		case a.Group != nil:
			out.groups = append(out.groups, roleGroup{name: a.Group.Name, directory: a.Group.ID})
		}
	}
	return out
}

// resolveGroups finds the groups that hold roles in the directory, by name,
// since the ids differ. Who is in another group, Jira is asked.
func (r *projectRoles) resolveGroups(ctx context.Context, all []*projectRole) error {
	var groups []roleGroup
	for _, role := range all {
		for _, g := range role.groups {
			if !slices.ContainsFunc(groups, func(known roleGroup) bool { return known.name == g.name }) {
				groups = append(groups, g)
			}
		}
	}
	if err := mirror.Parallel(ctx, len(groups), func(ctx context.Context, i int) (err error) {
		groups[i], err = r.resolveGroup(ctx, groups[i].name, groups[i].directory)
		return err
	}); err != nil {
		return err
	}
	for _, role := range all {
		for i, g := range role.groups {
			at := slices.IndexFunc(groups, func(known roleGroup) bool { return known.name == g.name })
			role.groups[i] = groups[at]
		}
	}
	return nil
}

func (r *projectRoles) resolveGroup(ctx context.Context, name, jiraID string) (roleGroup, error) {
	id, err := r.groupID(ctx, name)
	if err != nil {
		return roleGroup{}, err
	}
	if id != "" {
		return roleGroup{name: name, directory: id}, nil
	}
	accounts, err := r.jira.GroupAccounts(ctx, jiraID)
	if err != nil {
		return roleGroup{}, err
	}
	out := roleGroup{name: name}
	for _, a := range accounts {
		out.accounts = append(out.accounts, roleHolder{a.AccountID, a.DisplayName})
	}
	return out, nil
}

// read reads one role and who holds it. One of another project than the server
// may touch does not exist.
func (r *projectRoles) read(ctx context.Context, id string) (*projectRole, error) {
	project, number, ok := parseRoleID(id)
	if !ok {
		return nil, resource.NotFound("Entitlement", resource.Clip(id))
	}
	snapshot, err := r.catalogues.get(ctx, false, jql.ProjectCatalogue)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(snapshot[jql.ProjectCatalogue], func(p jql.Entry) bool { return p.ID == project })
	if at < 0 {
		return nil, resource.NotFound("Entitlement", id)
	}
	role, err := r.jira.ProjectRole(ctx, project, number)
	if err != nil {
		return nil, upstream.Missing(err, "Entitlement", id)
	}
	out := roleOf(snapshot[jql.ProjectCatalogue][at], role)
	return out, r.resolveGroups(ctx, []*projectRole{out})
}

// some returns a book of a few roles, as they are now. One that does not exist
// is left out.
func (r *projectRoles) some(ctx context.Context, ids []string) (*roleBook, error) {
	found, err := mirror.FetchAll(ctx, ids, r.read)
	if err != nil {
		return nil, err
	}
	return newRoleBook(found, true), nil
}

// grant gives a role, as read, to an account, and returns it as it is then. An
// account that Jira does not know yet is waited for if the directory provisions
// it: it may have done so a moment ago.
func (r *projectRoles) grant(ctx context.Context, role *projectRole, account string, provisioned bool) (*projectRole, error) {
	if role.heldBy(account) {
		return role, nil
	}
	ends := r.now().Add(r.patience)
	for wait := firstWait; ; wait *= 2 {
		after, err := r.jira.AddActor(ctx, role.project.ID, role.id, atlassian.ActorID{AccountID: account})
		switch kind := atlassian.KindOf(err); {
		case err == nil:
			return r.confirm(role, after, account, true)
		case kind == atlassian.Invalid: // it may hold it since
			if now, readErr := r.read(ctx, role.entitlementID()); readErr == nil && now.heldBy(account) {
				return now, nil
			}
			return nil, err
		case kind != atlassian.NotFound:
			return nil, r.failed(err)
		case !provisioned:
			return nil, resource.InvalidValue("Neither the directory nor Jira has an active account with the id %q.", resource.Clip(account))
		case r.now().Add(wait).After(ends):
			return nil, &resource.Error{Status: http.StatusServiceUnavailable, RetryAfter: provisioningRetryAfter, Err: err,
				Detail: fmt.Sprintf("Jira does not know the account %q as an active one; if it was provisioned or enabled a moment ago, repeat the request, else look for it in Atlassian Administration.", account)}
		}
		if err := mirror.Sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// revoke takes a role, as read, from an account, and returns it as it is then.
// An account that holds it not, or only through a group, keeps what it has.
func (r *projectRoles) revoke(ctx context.Context, role *projectRole, accountID string) (*projectRole, error) {
	if !role.heldBy(accountID) {
		return role, nil
	}
	if err := r.jira.RemoveActor(ctx, role.project.ID, role.id, atlassian.ActorID{AccountID: accountID}); err != nil {
		return nil, r.failed(err)
	}
	after, err := r.jira.ProjectRole(ctx, role.project.ID, role.id)
	if err != nil {
		r.whole.Drop()
		return nil, err
	}
	return r.confirm(role, after, accountID, false)
}

// failed drops what is kept if the write may have happened.
func (r *projectRoles) failed(err error) error {
	var ue *atlassian.Error
	if !errors.As(err, &ue) || ue.Ambiguous {
		r.whole.Drop()
	}
	return err
}

// confirm compares a role with what was asked for, and enters it in the book.
func (r *projectRoles) confirm(before *projectRole, found *atlassian.Role, accountID string, holds bool) (*projectRole, error) {
	after := roleOf(before.project, found)
	after.groups = before.groups
	account := roleHolder{accountID: accountID}
	if at := slices.IndexFunc(after.holders, func(h roleHolder) bool { return h.accountID == accountID }); at >= 0 {
		account = after.holders[at]
	}
	r.whole.Change(func(b *roleBook) *roleBook { return b.with(before.entitlementID(), account, after.heldBy(accountID)) })
	if after.heldBy(accountID) != holds {
		return nil, resource.Refuse(http.StatusBadGateway, "", "Jira answered success for the role %q but did not keep the change.", after.title())
	}
	return after, nil
}
