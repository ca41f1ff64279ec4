package jira

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
	// FirstWait is the first of the waits, each twice the one before, for Atlassian
	// to bring an account from the directory to Jira.
	FirstWait = 500 * time.Millisecond
	// ProvisioningRetryAfter is what a client is told to wait when these were not
	// enough.
	ProvisioningRetryAfter = 30 * time.Second
)

// Roles knows who holds which project role of Jira, of the projects that
// Issues may touch. No API tells the roles of one account, so those of all
// projects are read, in parallel, and kept for a while: our own writes are
// entered into what is kept, and one whose outcome is unknown drops it. It is
// safe for concurrent use.
type Roles struct {
	jira       *atlassian.Jira
	groupID    func(ctx context.Context, name string) (string, error) // of a group of the directory, "" if it has none of that name
	catalogues *Catalogues
	budget     int           // upstream requests that one reading may cost
	Patience   time.Duration // how long an account may take to get from the directory to Jira
	Now        func() time.Time

	named *mirror.Memo[*RoleBook] // the names of roles
	whole *mirror.Memo[*RoleBook] // with who holds them
}

func NewRoles(cfg Config, groupID func(ctx context.Context, name string) (string, error), c *Catalogues) *Roles {
	return &Roles{
		jira: cfg.Jira, groupID: groupID, catalogues: c, budget: cfg.ScanBudget, Patience: cfg.ProvisioningWait, Now: cfg.Now,
		named: mirror.NewMemo[*RoleBook](cfg.SnapshotTTL, cfg.Now), whole: mirror.NewMemo[*RoleBook](cfg.SnapshotTTL, cfg.Now),
	}
}

// Names returns the book with the names of all roles; who holds them may be
// missing.
func (r *Roles) Names(ctx context.Context, fresh bool) (*RoleBook, error) {
	if book := r.Known(); book != nil && !fresh {
		return book, nil
	}
	return r.named.Get(ctx, fresh, func(ctx context.Context) (*RoleBook, error) { return r.readAll(ctx, false, fresh) })
}

// All returns the book with all roles and who holds them.
func (r *Roles) All(ctx context.Context, fresh bool) (*RoleBook, error) {
	return r.whole.Get(ctx, fresh, func(ctx context.Context) (*RoleBook, error) { return r.readAll(ctx, true, fresh) })
}

// Known returns the book with all roles if it is at hand, else nil.
func (r *Roles) Known() *RoleBook {
	book, _ := r.whole.Peek()
	return book
}

func (r *Roles) readAll(ctx context.Context, whole, fresh bool) (*RoleBook, error) {
	snapshot, err := r.catalogues.get(ctx, fresh, jql.ProjectCatalogue)
	if err != nil {
		return nil, err
	}
	projects := snapshot[jql.ProjectCatalogue]
	if len(projects) > r.budget {
		return nil, tooManyRoles(len(projects), r.budget)
	}
	parts := make([][]*Role, len(projects))
	if err := mirror.Parallel(ctx, len(projects), func(ctx context.Context, i int) error {
		ids, err := r.jira.ProjectRoles(ctx, projects[i].ID)
		for name, id := range ids {
			parts[i] = append(parts[i], &Role{Project: projects[i], id: id, Name: name})
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
		role, err := r.jira.ProjectRole(ctx, all[i].Project.ID, all[i].id)
		if err == nil {
			all[i] = roleOf(all[i].Project, role)
		}
		return hidden(err, all[i].Project)
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

func roleOf(project jql.Entry, role *atlassian.Role) *Role {
	out := &Role{Project: project, id: role.ID, Name: role.Name}
	for _, a := range role.Actors {
		switch {
		case a.Account != nil:
			out.Holders = append(out.Holders, RoleHolder{a.Account.AccountID, a.DisplayName})
		case a.Group != nil:
			out.Groups = append(out.Groups, roleGroup{Name: a.Group.Name, Directory: a.Group.ID})
		}
	}
	return out
}

// resolveGroups finds the groups that hold roles in the directory, by name,
// since the ids differ. Who is in another group, Jira is asked.
func (r *Roles) resolveGroups(ctx context.Context, all []*Role) error {
	var groups []roleGroup
	for _, role := range all {
		for _, g := range role.Groups {
			if !slices.ContainsFunc(groups, func(known roleGroup) bool { return known.Name == g.Name }) {
				groups = append(groups, g)
			}
		}
	}
	if err := mirror.Parallel(ctx, len(groups), func(ctx context.Context, i int) (err error) {
		groups[i], err = r.resolveGroup(ctx, groups[i].Name, groups[i].Directory)
		return err
	}); err != nil {
		return err
	}
	for _, role := range all {
		for i, g := range role.Groups {
			at := slices.IndexFunc(groups, func(known roleGroup) bool { return known.Name == g.Name })
			role.Groups[i] = groups[at]
		}
	}
	return nil
}

func (r *Roles) resolveGroup(ctx context.Context, name, jiraID string) (roleGroup, error) {
	id, err := r.groupID(ctx, name)
	if err != nil {
		return roleGroup{}, err
	}
	if id != "" {
		return roleGroup{Name: name, Directory: id}, nil
	}
	accounts, err := r.jira.GroupAccounts(ctx, jiraID)
	if err != nil {
		return roleGroup{}, err
	}
	out := roleGroup{Name: name}
	for _, a := range accounts {
		out.Accounts = append(out.Accounts, RoleHolder{a.AccountID, a.DisplayName})
	}
	return out, nil
}

// Read reads one role and who holds it. One of another project than the server
// may touch does not exist.
func (r *Roles) Read(ctx context.Context, id string) (*Role, error) {
	project, number, ok := ParseRoleID(id)
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
	return out, r.resolveGroups(ctx, []*Role{out})
}

// Some returns a book of a few roles, as they are now. One that does not exist
// is left out.
func (r *Roles) Some(ctx context.Context, ids []string) (*RoleBook, error) {
	found, err := mirror.FetchAll(ctx, ids, r.Read)
	if err != nil {
		return nil, err
	}
	return newRoleBook(found, true), nil
}

// Grant gives a role, as read, to an account, and returns it as it is then. An
// account that Jira does not know yet is waited for if the directory provisions
// it: it may have done so a moment ago.
func (r *Roles) Grant(ctx context.Context, role *Role, account string, provisioned bool) (*Role, error) {
	if role.HeldBy(account) {
		return role, nil
	}
	ends := r.Now().Add(r.Patience)
	for wait := FirstWait; ; wait *= 2 {
		after, err := r.jira.AddActor(ctx, role.Project.ID, role.id, atlassian.ActorID{AccountID: account})
		switch kind := atlassian.KindOf(err); {
		case err == nil:
			return r.confirm(role, after, account, true)
		case kind == atlassian.Invalid: // it may hold it since
			if now, readErr := r.Read(ctx, role.EntitlementID()); readErr == nil && now.HeldBy(account) {
				return now, nil
			}
			return nil, err
		case kind != atlassian.NotFound:
			return nil, r.failed(err)
		case !provisioned:
			return nil, resource.InvalidValue("Neither the directory nor Jira has an active account with the id %q.", resource.Clip(account))
		case r.Now().Add(wait).After(ends):
			return nil, &resource.Error{Status: http.StatusServiceUnavailable, RetryAfter: ProvisioningRetryAfter, Err: err,
				Detail: fmt.Sprintf("Jira does not know the account %q as an active one; if it was provisioned or enabled a moment ago, repeat the request, else look for it in Atlassian Administration.", account)}
		}
		if err := mirror.Sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// Revoke takes a role, as read, from an account, and returns it as it is then.
// An account that holds it not, or only through a group, keeps what it has.
func (r *Roles) Revoke(ctx context.Context, role *Role, accountID string) (*Role, error) {
	if !role.HeldBy(accountID) {
		return role, nil
	}
	if err := r.jira.RemoveActor(ctx, role.Project.ID, role.id, atlassian.ActorID{AccountID: accountID}); err != nil {
		return nil, r.failed(err)
	}
	after, err := r.jira.ProjectRole(ctx, role.Project.ID, role.id)
	if err != nil {
		r.whole.Drop()
		return nil, err
	}
	return r.confirm(role, after, accountID, false)
}

// failed drops what is kept if the write may have happened.
func (r *Roles) failed(err error) error {
	var ue *atlassian.Error
	if !errors.As(err, &ue) || ue.Ambiguous {
		r.whole.Drop()
	}
	return err
}

// confirm compares a role with what was asked for, and enters it in the book.
func (r *Roles) confirm(before *Role, found *atlassian.Role, accountID string, holds bool) (*Role, error) {
	after := roleOf(before.Project, found)
	after.Groups = before.Groups
	account := RoleHolder{AccountID: accountID}
	if at := slices.IndexFunc(after.Holders, func(h RoleHolder) bool { return h.AccountID == accountID }); at >= 0 {
		account = after.Holders[at]
	}
	r.whole.Change(func(b *RoleBook) *RoleBook { return b.with(before.EntitlementID(), account, after.HeldBy(accountID)) })
	if after.HeldBy(accountID) != holds {
		return nil, resource.Refuse(http.StatusBadGateway, "", "Jira answered success for the role %q but did not keep the change.", after.Title())
	}
	return after, nil
}
