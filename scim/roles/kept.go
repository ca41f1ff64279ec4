package roles

import (
	"context"
	"slices"
	"strconv"
	"sync"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/changes"
	"scim-atlassian/scim/jql"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// This file is how roles are kept: as objects of a mirror, one for each role.

// LogType is the type under which the log has the changes of roles.
const LogType = "ProjectRole"

// Load takes over what an earlier process has left in the state. Call it before the
// first request.
func (r *Roles) Load(ctx context.Context) error { return r.mirror.Load(ctx) }

// Keep reads all roles now and then until ctx ends, see mirror.Mirror.Keep. Its
// requests to Jira stand back behind those that somebody waits for.
func (r *Roles) Keep(ctx context.Context, k mirror.Keeping) {
	r.mirror.Keep(atlassian.Background(ctx), k)
}

// Snapshot tells about the kept roles, for metrics. It costs no upstream call.
func (r *Roles) Snapshot() mirror.Stats { return r.mirror.Stats() }

// Accept has the next reading believed although it has lost most of the roles.
func (r *Roles) Accept() { r.mirror.Accept() }

// Reconsider has everything read again, see mirror.Mirror.Reconsider.
func (r *Roles) Reconsider() { r.mirror.Reconsider() }

// Mark is that of resource.Rememberer, for the roles.
func (r *Roles) Mark(ctx context.Context, fresh bool) (resource.Mark, error) {
	return r.mirror.Mark(ctx, fresh)
}

// scan reads all roles with their holders, project by project. A project is a part
// with the number that Jira gave it.
func (r *Roles) scan(ctx context.Context, s mirror.Scanner) ([]string, error) {
	projects, err := r.served(ctx, mirror.Need{})
	if err != nil {
		return nil, err
	}
	groups := &resolver{roles: r, known: map[string]*resolving{}}
	parts := make([][]string, len(projects))
	err = mirror.Parallel(ctx, len(projects), func(ctx context.Context, i int) (err error) {
		parts[i], err = r.scanProject(ctx, s, projects[i], groups)
		return err
	})
	return slices.Concat(parts...), err
}

// scanProject reads the roles of one project, unless an earlier process has done so.
func (r *Roles) scanProject(ctx context.Context, s mirror.Scanner, project jql.Entry, groups *resolver) ([]string, error) {
	part, err := strconv.Atoi(project.ID)
	if err != nil {
		return nil, err
	}
	if ids, ok := s.Has(part); ok {
		return ids, nil
	}
	moment := s.Moment()
	numbers, err := r.jira.ProjectRoles(ctx, project.ID)
	if err != nil {
		return nil, r.explainDenial(err, project)
	}
	var ids []string
	var objects []query.Object
	for _, number := range numbers {
		found, err := r.jira.ProjectRole(ctx, project.ID, number)
		if err != nil {
			return nil, r.explainDenial(err, project)
		}
		role := roleOf(project, found)
		for i, g := range role.Groups {
			if role.Groups[i], err = groups.resolve(ctx, g); err != nil {
				return nil, err
			}
		}
		ids, objects = append(ids, role.EntitlementID()), append(objects, role.object())
	}
	s.Took(moment, part, objects)
	return ids, nil
}

// readObject reads one role, as the mirror keeps it.
func (r *Roles) readObject(ctx context.Context, id string) (query.Object, error) {
	role, err := r.Read(ctx, id)
	if err != nil {
		return nil, err
	}
	return role.object(), nil
}

// resolver looks up the groups of one reading, each once. It is safe for concurrent use.
type resolver struct {
	roles *Roles
	mu    sync.Mutex
	known map[string]*resolving // by the name in Jira
}

// resolving is the lookup of one group.
type resolving struct {
	once  sync.Once
	group roleGroup
	err   error
}

func (g *resolver) resolve(ctx context.Context, group roleGroup) (roleGroup, error) {
	g.mu.Lock()
	one := g.known[group.Name]
	if one == nil {
		one = &resolving{}
		g.known[group.Name] = one
	}
	g.mu.Unlock()
	one.once.Do(func() { one.group, one.err = g.roles.resolveGroup(ctx, group.Name, group.Directory) })
	return one.group, one.err
}

// object returns a role as the mirror keeps it.
func (r *Role) object() query.Object {
	o := query.Object{
		{Name: "id", Value: r.EntitlementID()}, {Name: "number", Value: r.id}, {Name: "name", Value: r.Name},
		{Name: "project", Value: query.Texts("id", r.Project.ID, "key", r.Project.Key, "name", r.Project.Name)},
	}
	if len(r.Holders) > 0 {
		o = append(o, query.Member{Name: "holders", Value: holderList(r.Holders)})
	}
	if len(r.Groups) > 0 {
		groups := make([]any, len(r.Groups))
		for i, g := range r.Groups {
			group := query.Texts("name", g.Name, "directory", g.Directory)
			if len(g.Accounts) > 0 {
				group = append(group, query.Member{Name: "accounts", Value: holderList(g.Accounts)})
			}
			groups[i] = group
		}
		o = append(o, query.Member{Name: "groups", Value: groups})
	}
	return o
}

func holderList(all []RoleHolder) []any {
	list := make([]any, len(all))
	for i, h := range all {
		list[i] = query.Texts("id", h.AccountID, "name", h.Name)
	}
	return list
}

// roleFrom returns the role that object made o of.
func roleFrom(o query.Object) *Role {
	number, _ := o.Get("number")
	project := o.Inner("project")
	r := &Role{Project: jql.Entry{ID: project.Text("id"), Key: project.Text("key"), Name: project.Text("name")}, Name: o.Text("name"), Holders: holdersFrom(o, "holders")}
	r.id, _ = number.(int64)
	for _, g := range o.Elements("groups") {
		r.Groups = append(r.Groups, roleGroup{Name: g.Text("name"), Directory: g.Text("directory"), Accounts: holdersFrom(g, "accounts")})
	}
	return r
}

func holdersFrom(o query.Object, name string) []RoleHolder {
	var all []RoleHolder
	for _, e := range o.Elements(name) {
		all = append(all, RoleHolder{e.Text("id"), e.Text("name")})
	}
	return all
}

// KnownRole returns a role as it is known at present, nil if it is not.
func (r *Roles) KnownRole(id string) *Role {
	o := r.mirror.Known(id)
	if o == nil {
		return nil
	}
	return roleFrom(o)
}

// Holdings returns the ids of the roles that are known, by the ids of those that hold
// them: groups of the directory, and accounts otherwise than by these.
func (r *Roles) Holdings() (byGroup, byAccount map[string][]string) {
	byGroup, byAccount = map[string][]string{}, map[string][]string{}
	for _, o := range r.mirror.Copied(nil) {
		role := roleFrom(o)
		for _, g := range role.Groups {
			if g.Directory != "" {
				byGroup[g.Directory] = append(byGroup[g.Directory], role.EntitlementID())
			}
		}
		for account := range role.people() {
			byAccount[account] = append(byAccount[account], role.EntitlementID())
		}
	}
	return byGroup, byAccount
}

// Before returns the role before an entry of the log, nil if there was none.
func Before(e resource.LogEntry) (*Role, error) {
	o, _, err := changes.Decode(e.Before)
	if o == nil {
		return nil, err
	}
	return roleFrom(o), nil
}

// Affected returns the ids of the accounts that gained or lost a role by an entry of
// the log, themselves or through a group that the directory does not have.
func (r *Roles) Affected(e resource.LogEntry) ([]string, error) {
	before, err := Before(e)
	if err != nil {
		return nil, err
	}
	had, have := before.people(), r.KnownRole(e.ID).people()
	var ids []string
	for id := range have {
		if !had[id] {
			ids = append(ids, id)
		}
	}
	for id := range had {
		if !have[id] {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// HasPeople reports whether an account holds the role otherwise than by a group of the
// directory.
func (r *Role) HasPeople() bool { return len(r.people()) > 0 }

// people returns the ids of the accounts that hold a role otherwise than by a group of
// the directory. A nil role has none.
func (r *Role) people() map[string]bool {
	ids := map[string]bool{}
	if r == nil {
		return ids
	}
	for _, h := range r.Holders {
		ids[h.AccountID] = true
	}
	for _, g := range r.Groups {
		for _, h := range g.Accounts {
			ids[h.AccountID] = true
		}
	}
	return ids
}
