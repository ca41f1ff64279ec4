// Package roles is the project roles of Jira: who holds them, and how that is
// changed. They are no SCIM type; package idhub shows them as entitlements.
package roles

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/jql"
	"scim-atlassian/scim/memo"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/state"
	"scim-atlassian/scim/upstream"
)

// Roles reads and changes the holders of the project roles of Jira, in the
// projects that are served. No API lists the roles of one account, so the roles of
// all projects are read, in parallel, and kept by package mirror: our own writes are
// entered there, and after a write with an unknown outcome everything is read again.
// It is safe for concurrent use.
type Roles struct {
	jira            *atlassian.Jira
	groupID         func(ctx context.Context, name string) (string, error)           // see Config
	served          func(ctx context.Context, need mirror.Need) ([]jql.Entry, error) // the projects whose roles are served
	projectsSetting resource.Setting
	budget          int           // upstream requests that one reading may cost
	wait            time.Duration // how long an account may take to get from the directory to Jira
	now             func() time.Time
	wrote           func(project string)

	names    *memo.Memo[*RoleBook]    // without holders
	projects atomic.Int64             // how many the last reading of names had; 0: there was none
	some     atomic.Pointer[RoleBook] // what Some has read last; nil: nothing
	mirror   *mirror.Mirror           // with holders
	book     atomic.Pointer[bound]    // of the mirror; nil: nobody has asked
}

// bound is a book with the version of the mirror that it was made of.
type bound struct {
	version uint64
	book    *RoleBook
}

// Config says whose roles are served, and within which bounds.
type Config struct {
	Jira *atlassian.Jira
	// GroupID returns the id of the directory's group with a name, in any case, ""
	// if there is no such group.
	GroupID func(ctx context.Context, name string) (string, error)
	// Served returns the projects whose roles are served.
	Served          func(ctx context.Context, need mirror.Need) ([]jql.Entry, error)
	ProjectsSetting resource.Setting // the operator's name of the list of projects

	ScanBudget       int           // upstream requests that one reading may cost
	SnapshotTTL      time.Duration // how long roles are kept; 0: not at all
	ProvisioningWait time.Duration // how long a role waits for an account to get from the directory to Jira
	Now              func() time.Time
	State            *state.Store // where roles are kept with their changes; nil: nothing outlives the process
	// Wrote is told the id of the project of every role that was given or taken; nil: nobody is.
	Wrote func(project string)
}

// New makes the project roles. It asks nothing of upstream.
func New(cfg Config) *Roles {
	if cfg.Wrote == nil {
		cfg.Wrote = func(string) {}
	}
	r := &Roles{
		wrote: cfg.Wrote,
		jira:  cfg.Jira, groupID: cfg.GroupID, served: cfg.Served, projectsSetting: cfg.ProjectsSetting, budget: cfg.ScanBudget, wait: cfg.ProvisioningWait, now: cfg.Now,
		names: memo.New[*RoleBook](cfg.SnapshotTTL, cfg.Now),
	}
	r.mirror = mirror.New(mirror.Source{Name: LogType, Scan: r.scan, Read: r.readObject},
		mirror.Config{TTL: cfg.SnapshotTTL, Budget: cfg.ScanBudget, Now: cfg.Now, State: cfg.State})
	return r
}

// Book returns the book of all roles. Without need.Links, the holders of roles may
// be missing in it.
func (r *Roles) Book(ctx context.Context, need mirror.Need) (*RoleBook, error) {
	if !need.Links {
		if book := r.Known(); book != nil && !need.Fresh {
			return book, nil
		}
		return r.names.Get(ctx, need.Fresh, func(ctx context.Context) (*RoleBook, error) {
			all, err := r.readNames(ctx, need)
			return newRoleBook(all), err
		})
	}
	v, err := r.mirror.Collection().All(ctx, mirror.Need{Fresh: need.Fresh, Since: need.Since})
	if err != nil {
		return nil, err
	}
	return r.bookOf(v), nil
}

// Known returns the book of all roles and their holders if it is at hand, else
// nil. It costs no upstream call.
func (r *Roles) Known() *RoleBook {
	v, ok := r.mirror.Collection().Peek(mirror.Need{})
	if !ok {
		return nil
	}
	return r.bookOf(v)
}

// Size returns how many accounts hold a role themselves, -1 if that is not at hand. It
// costs no upstream call.
func (r *Roles) Size(id string) int {
	book := r.Known()
	if book == nil || book.byID[id] == nil {
		return -1
	}
	return len(book.byID[id].Holders)
}

// bookOf returns the book of the roles in a view, which is made anew only if they
// have changed.
func (r *Roles) bookOf(v mirror.View) *RoleBook {
	if made := r.book.Load(); made != nil && made.version == v.Version {
		return made.book
	}
	objects := v.Objects()
	all := make([]*Role, len(objects))
	for i, o := range objects {
		all[i] = roleFrom(o)
	}
	made := &bound{v.Version, newRoleBook(all)}
	r.book.Store(made)
	return made.book
}

// readNames reads the roles of all projects without their holders.
func (r *Roles) readNames(ctx context.Context, need mirror.Need) ([]*Role, error) {
	projects, err := r.served(ctx, need)
	if err != nil {
		return nil, err
	}
	if len(projects) > r.budget {
		return nil, r.tooMany(len(projects))
	}
	parts := make([][]*Role, len(projects))
	if err := mirror.Parallel(ctx, len(projects), func(ctx context.Context, i int) error {
		ids, err := r.jira.ProjectRoles(ctx, projects[i].ID)
		for name, id := range ids {
			parts[i] = append(parts[i], &Role{Project: projects[i], id: id, Name: name})
		}
		return r.explainDenial(err, projects[i])
	}); err != nil {
		return nil, err
	}
	r.projects.Store(int64(len(projects)))
	return slices.Concat(parts...), nil
}

func (r *Roles) tooMany(calls int) error {
	return resource.TooMany("Reading who holds which project role would cost %d requests to Atlassian, over the limit of %d; leave the entitlements out with excludedAttributes%s.",
		calls, r.budget, r.projectsSetting.Advice(", or bound the projects with %s"))
}

// explainDenial explains why Jira does not show the roles of a project that it
// lists: without the permission to see them, it answers as if there were none.
func (r *Roles) explainDenial(err error, project jql.Entry) error {
	switch atlassian.KindOf(err) {
	case atlassian.NotFound, atlassian.Unauthenticated, atlassian.Forbidden:
		return &resource.Error{Status: http.StatusBadGateway, Err: err,
			Detail: fmt.Sprintf("Jira does not show the roles of the project %s to this server's account, which needs Administer Jira, or Administer projects in it%s.",
				project.Key, r.projectsSetting.Advice("; %s can leave the project out"))}
	}
	return err
}

// roleOf returns a role as Jira shows it. Its groups are still to be resolved.
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

// resolveGroups looks up the groups that hold roles in the directory, by name,
// since Jira and the directory give them different ids. The accounts in a group
// that the directory does not have are read from Jira.
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

// Read reads one role and its holders. An id of no role, or of a role in a project
// that is not served, is a 404 *resource.Error.
func (r *Roles) Read(ctx context.Context, id string) (*Role, error) {
	project, number, ok := parseRoleID(id)
	if !ok {
		return nil, resource.NotFound("Entitlement", resource.Clip(id))
	}
	served, err := r.served(ctx, mirror.Need{})
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(served, func(p jql.Entry) bool { return p.ID == project })
	if at < 0 {
		return nil, resource.NotFound("Entitlement", id)
	}
	role, err := r.jira.ProjectRole(ctx, project, number)
	if err != nil {
		return nil, upstream.Missing(err, "Entitlement", id)
	}
	out := roleOf(served[at], role)
	return out, r.resolveGroups(ctx, []*Role{out})
}

// Some reads a few roles and returns a book of them. Ids of no role are left out.
func (r *Roles) Some(ctx context.Context, ids []string) (*RoleBook, error) {
	found, err := mirror.FetchAll(ctx, ids, r.Read)
	if err != nil {
		return nil, err
	}
	book := newRoleBook(found)
	r.some.Store(book)
	return book, nil
}

// Grant gives a role, as read, to an account, and returns the role afterwards. If
// the account is provisioned by the directory, Jira may not know it yet; then
// Grant waits and repeats the request until the configured time is over, which is
// a 503 *resource.Error.
func (r *Roles) Grant(ctx context.Context, role *Role, account string, provisioned bool) (*Role, error) {
	w := r.mirror.Begin()
	if role.HeldBy(account) {
		return r.holds(w, role, account, true), nil
	}
	patience := r.Patience()
	for {
		after, err := r.jira.AddActor(ctx, role.Project.ID, role.id, atlassian.ActorID{AccountID: account})
		switch kind := atlassian.KindOf(err); {
		case err == nil:
			return r.confirm(w, role, after, holding{RoleHolder{AccountID: account}, true})
		case kind == atlassian.Invalid, upstream.Unsettled(err): // an attempt that was not answered, or somebody else, may have given it the role
			if now, readErr := r.Read(ctx, role.EntitlementID()); readErr == nil && now.HeldBy(account) {
				w.Became(now.EntitlementID(), now.object)
				r.wrote(role.Project.ID)
				return now, nil
			}
			return nil, failed(w, role, err)
		case kind != atlassian.NotFound:
			return nil, failed(w, role, err)
		case !provisioned:
			return nil, resource.InvalidValue("Neither the directory nor Jira has an active account with the id %q.", resource.Clip(account))
		}
		late := fmt.Sprintf("Jira does not know the account %q as an active one; if it was provisioned or enabled a moment ago, repeat the request, else look for it in Atlassian Administration.", account)
		if err := patience.Wait(ctx, late, err); err != nil {
			return nil, err
		}
	}
}

// Revoke takes a role, as read, from an account, and returns the role afterwards.
// It changes nothing for an account that does not hold the role itself.
func (r *Roles) Revoke(ctx context.Context, role *Role, accountID string) (*Role, error) {
	w := r.mirror.Begin()
	if !role.HeldBy(accountID) {
		return r.holds(w, role, accountID, false), nil
	}
	lost := r.jira.RemoveActor(ctx, role.Project.ID, role.id, atlassian.ActorID{AccountID: accountID})
	if lost != nil && !upstream.Unsettled(lost) {
		return nil, lost
	}
	after, err := r.jira.ProjectRole(ctx, role.Project.ID, role.id)
	switch {
	case lost != nil && (err != nil || roleOf(role.Project, after).HeldBy(accountID)):
		return nil, failed(w, role, lost)
	case err != nil:
		w.Doubt(role.EntitlementID())
		return nil, upstream.Unread(fmt.Sprintf("Jira has revoked the role %q", role.Title()), err)
	}
	return r.confirm(w, role, after, holding{RoleHolder{AccountID: accountID}, false})
}

// holds returns a role that was read before w and needs no write, since the account
// holds it, or does not, already. Others may have changed it since it was read, so the
// kept role is only doubted, where it says otherwise.
func (r *Roles) holds(w mirror.Write, role *Role, account string, held bool) *Role {
	if known := r.KnownRole(role.EntitlementID()); known != nil && known.HeldBy(account) != held {
		w.Doubt(role.EntitlementID())
	}
	return role
}

// failed doubts the kept role if a failed write may have taken effect.
func failed(w mirror.Write, role *Role, err error) error {
	var ue *atlassian.Error
	if !errors.As(err, &ue) || ue.Ambiguous {
		w.Doubt(role.EntitlementID())
	}
	return err
}

// confirm enters a role that was read after a change into the book. It fails with
// 502 if the role is not as it was asked for.
func (r *Roles) confirm(w mirror.Write, before *Role, found *atlassian.Role, asked holding) (*Role, error) {
	after := roleOf(before.Project, found)
	after.Groups = before.Groups
	is := holding{asked.RoleHolder, false}
	if at := slices.IndexFunc(after.Holders, func(h RoleHolder) bool { return h.AccountID == asked.AccountID }); at >= 0 {
		is = holding{after.Holders[at], true}
	}
	w.Became(before.EntitlementID(), func() query.Object { return after.object() })
	if is.held != asked.held {
		return nil, resource.Refuse(http.StatusBadGateway, "", "Jira answered success for the role %q but did not keep the change.", after.Title())
	}
	r.wrote(before.Project.ID)
	return after, nil
}
