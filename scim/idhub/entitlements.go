package idhub

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"scim-atlassian/atlassian"
	"scim-atlassian/schemas"
	"scim-atlassian/scim/directory"
	"scim-atlassian/scim/jira"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/upstream"
)

// entitlements is the backend of Entitlement resources: the groups of the
// directory, then the project roles of Jira. It reads what Groups and accounts
// read, and keeps nothing of its own.
//
// An entitlement that was read without its members lacks the attribute; else it
// is there, if empty.
type entitlements struct {
	m        *entitlementMap
	group    *resource.Type // the groups'
	groups   *directory.Groups
	accounts *accounts
	roles    *jira.Roles
	budget   int
	table    query.Table
}

func NewEntitlements(budget int, m *entitlementMap, group *resource.Type, a *accounts) *entitlements {
	b := &entitlements{m: m, group: group, groups: group.Backend.(*directory.Groups), accounts: a, roles: a.roles, budget: budget}
	b.table = query.Table{
		{Path: "id", Name: "id", Exact: true},
		{Path: m.name, Name: "displayName", Exact: true, Cost: b.nameCost},
		{Path: "externalId", Name: "externalId", Cost: func(string) int { return max(1, b.groups.Reader.ScanCost()) }},
		{Path: m.kind, Name: "type", Exact: true, Cost: b.kindCost},
	}
	if m.Member != "" {
		b.table = append(b.table, query.Lookup{Path: m.Member + ".value", Name: "members.value", Exact: true,
			Cost: func(id string) int { return a.users.Directory.Sizes.Cost(id) + b.rolesCost() }})
	}
	return b
}

// rolesCost is what it takes to have the roles: nothing is known of it before
// they were read.
func (b *entitlements) rolesCost() int {
	if b.roles.Known() != nil {
		return 0
	}
	return 1
}

func (b *entitlements) nameCost(name string) int {
	switch kind, _, ok := splitName(name); {
	case !ok:
		return 0
	case kind == kindRole:
		return b.rolesCost()
	}
	return 1
}

func (b *entitlements) kindCost(kind string) int {
	switch strings.ToUpper(kind) {
	case kindGroup:
		return max(1, b.groups.Reader.ScanCost())
	case kindRole:
		return b.rolesCost()
	}
	return 0
}

// over is what a query is run on.
func (b *entitlements) over(q resource.ListQuery) *mirror.Collection {
	members := b.membersWanted(q)
	return &mirror.Collection{
		Table: b.table, Budget: b.budget, Links: resource.Links{Name: b.m.Member},
		Probe: func(ctx context.Context, p query.Probe) ([]query.Object, error) {
			return b.probe(ctx, p, members, q.Fresh)
		},
		All:   func(ctx context.Context, n mirror.Need) (mirror.View, error) { return b.everything(ctx, members, n) },
		Peek:  func(n mirror.Need) (mirror.View, bool) { return mirror.View{}, false },
		Stats: b.stats,
	}
}

// stats says what reading everything costs; that of roles is not known before.
func (b *entitlements) stats(n mirror.Need) query.Stats {
	st := b.groups.Reader.Stats(n)
	if st.Scan >= 0 {
		st.Scan += b.rolesCost()
	}
	st.Kept = st.Kept && b.roles.Known() != nil
	return st
}

func (b *entitlements) membersWanted(q resource.ListQuery) bool {
	if b.m.Member == "" {
		return false
	}
	mentions := func(name string) bool { return name == b.m.Member || strings.HasPrefix(name, b.m.Member+".") }
	return q.Want.Wants(b.m.Member) || q.AsksVersion() || slices.ContainsFunc(q.Attributes(), mentions)
}

func (b *entitlements) List(ctx context.Context, q resource.ListQuery) (*resource.ListResult, error) {
	return b.over(q).List(ctx, q)
}

func (b *entitlements) Explain(filter query.Expr) string {
	return b.over(resource.ListQuery{}).Plan(filter, mirror.Need{}).String()
}

// everything returns all groups, in upstream's order, and then all roles.
func (b *entitlements) everything(ctx context.Context, members bool, n mirror.Need) (mirror.View, error) {
	var groups mirror.View
	var roles []query.Object
	known := b.roles.Known() != nil
	both, within := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		groups, err = b.groups.Collection.All(within, mirror.Need{Fresh: n.Fresh, Since: n.Since, Links: members})
		return err
	})
	both.Go(func() (err error) {
		roles, err = b.allRoles(within, members, n.Fresh, nil)
		return err
	})
	if err := both.Wait(); err != nil {
		return mirror.View{}, err
	}
	all := make([]query.Object, 0, len(groups.Objects)+len(roles))
	for _, g := range groups.Objects {
		all = append(all, b.m.ofGroup(g, members))
	}
	groups.Objects, groups.Kept = append(all, roles...), groups.Kept && known
	return groups, nil
}

// allRoles returns those of the roles that are meant, nil standing for all.
func (b *entitlements) allRoles(ctx context.Context, members, fresh bool, meant func(*jira.Role) bool) ([]query.Object, error) {
	read := b.roles.Names
	if members {
		read = b.roles.All
	}
	book, err := read(ctx, fresh)
	if err != nil {
		return nil, err
	}
	var found []*jira.Role
	for _, r := range book.Roles {
		if meant == nil || meant(r) {
			found = append(found, r)
		}
	}
	return b.ofRoles(ctx, found, members, fresh)
}

func (b *entitlements) probe(ctx context.Context, p query.Probe, members, fresh bool) ([]query.Object, error) {
	switch p.Name {
	case "id":
		return mirror.FetchAll(ctx, []string{p.Value}, func(ctx context.Context, id string) (query.Object, error) { return b.read(ctx, id, members) })
	case "displayName":
		return b.named(ctx, p.Value, members, fresh)
	case "type":
		return b.ofKind(ctx, p.Value, members, fresh)
	case "externalId":
		v, err := b.groups.Collection.All(ctx, mirror.Need{Fresh: fresh, Links: members})
		if err != nil {
			return nil, err
		}
		return b.ofGroups(v.Objects, members), nil
	}
	return b.heldBy(ctx, p.Value, members, fresh)
}

func (b *entitlements) named(ctx context.Context, name string, members, fresh bool) ([]query.Object, error) {
	kind, rest, ok := splitName(name)
	switch {
	case !ok:
		return nil, nil
	case kind == kindRole:
		return b.allRoles(ctx, members, fresh, func(r *jira.Role) bool { return strings.EqualFold(r.Title(), rest) })
	}
	found, err := b.groups.Probe(ctx, query.Probe{Name: "displayName", Value: rest})
	return b.ofGroups(found, members), err
}

func (b *entitlements) ofKind(ctx context.Context, kind string, members, fresh bool) ([]query.Object, error) {
	switch strings.ToUpper(kind) {
	case kindRole:
		return b.allRoles(ctx, members, fresh, nil)
	case kindGroup:
		v, err := b.groups.Collection.All(ctx, mirror.Need{Fresh: fresh, Links: members})
		return b.ofGroups(v.Objects, members), err
	}
	return nil, nil
}

// heldBy returns what an account holds.
func (b *entitlements) heldBy(ctx context.Context, account string, members, fresh bool) ([]query.Object, error) {
	var user query.Object
	both, within := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		user, err = b.holder(within, account)
		return err
	})
	var book *jira.RoleBook
	both.Go(func() (err error) {
		book, err = b.roles.All(within, fresh)
		return err
	})
	if err := both.Wait(); err != nil {
		return nil, err
	}
	held := groupsIn(user)
	if err := b.groups.Reader.Worthwhile(ctx, len(held)); err != nil {
		return nil, err
	}
	ids, names := make([]string, 0, len(held)), make([]string, 0, len(held))
	for _, g := range held {
		ids, names = append(ids, g.id), append(names, g.name)
	}
	groups, err := mirror.FetchAll(ctx, ids, b.groups.Read)
	if err != nil {
		return nil, err
	}
	var roles []*jira.Role
	for _, r := range book.HeldBy(directory.AccountIDOf(user), names) {
		roles = append(roles, r.Role)
	}
	shown, err := b.ofRoles(ctx, roles, members, fresh)
	return slices.Concat(b.ofGroups(groups, members), shown), err
}

// holder is the user behind a member: one of the directory, or the holder of an
// account that it has no record of.
func (b *entitlements) holder(ctx context.Context, member string) (query.Object, error) {
	user, err := b.accounts.users.Read(ctx, member)
	if upstream.IsGone(err) {
		return query.Object{
			{Name: "id", Value: member}, {Name: schemas.SourceProvisioned, Value: false},
			{Name: atlassian.ExternalSchema, Value: query.Object{{Name: "atlassianAccountId", Value: member}}},
		}, nil
	}
	return user, err
}

func (b *entitlements) Get(ctx context.Context, id string, want query.Projection) (query.Object, error) {
	return b.read(ctx, id, b.membersWanted(resource.ListQuery{Want: want}))
}

func (b *entitlements) read(ctx context.Context, id string, members bool) (query.Object, error) {
	if _, _, isRole := jira.ParseRoleID(id); !isRole {
		g, err := b.groups.Read(ctx, id)
		if err != nil {
			return nil, ofEntitlement(err, id)
		}
		return b.m.ofGroup(g, members), nil
	}
	role, err := b.roles.Read(ctx, id)
	if err != nil {
		return nil, err
	}
	found, err := b.ofRoles(ctx, []*jira.Role{role}, members, false)
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// ofEntitlement names the resource in a 404 about the group behind it.
func ofEntitlement(err error, id string) error {
	if upstream.IsGone(err) {
		return resource.NotFound("Entitlement", id)
	}
	return err
}

func (b *entitlements) ofGroups(all []query.Object, members bool) []query.Object {
	out := make([]query.Object, 0, len(all))
	for _, g := range all {
		out = append(out, b.m.ofGroup(g, members))
	}
	return out
}

// ofRoles shows roles. With members, the users behind their holders are looked
// for, since Jira knows accounts only.
func (b *entitlements) ofRoles(ctx context.Context, all []*jira.Role, members, fresh bool) ([]query.Object, error) {
	var people *holders
	if members && len(all) > 0 {
		var err error
		if people, err = b.holdersOf(ctx, all, fresh); err != nil {
			return nil, err
		}
	}
	out := make([]query.Object, 0, len(all))
	for _, r := range all {
		out = append(out, b.m.ofRole(r, people))
	}
	return out, nil
}

// holders finds the accounts of those who hold roles.
type holders struct {
	users  map[string]query.Object // by account id
	groups map[string]query.Object // by id
}

func (b *entitlements) holdersOf(ctx context.Context, roles []*jira.Role, fresh bool) (*holders, error) {
	h := &holders{map[string]query.Object{}, map[string]query.Object{}}
	var groups []string
	people := false
	for _, r := range roles {
		people = people || len(r.Holders) > 0
		for _, g := range r.Groups {
			people = people || len(g.Accounts) > 0
			if g.Directory != "" {
				groups = append(groups, g.Directory)
			}
		}
	}
	both, within := errgroup.WithContext(ctx)
	both.Go(func() error {
		if !people {
			return nil
		}
		v, err := b.accounts.users.Collection.All(within, mirror.Need{Fresh: fresh})
		for _, u := range v.Objects {
			if id := directory.AccountIDOf(u); id != "" {
				h.users[id] = u
			}
		}
		return err
	})
	both.Go(func() error {
		found, err := b.groupsByID(within, query.Unique(groups), fresh)
		for _, g := range found {
			h.groups[g.Text("id")] = g
		}
		return err
	})
	return h, both.Wait()
}

// groupsByID reads groups with their members, one by one unless all of them are
// at hand or cheaper.
func (b *entitlements) groupsByID(ctx context.Context, ids []string, fresh bool) ([]query.Object, error) {
	n := mirror.Need{Fresh: fresh, Links: true}
	if v, ok := b.groups.Collection.Peek(n); ok {
		return v.Objects, nil
	}
	if b.groups.Reader.Worthwhile(ctx, len(ids)) == mirror.ErrCostly {
		v, err := b.groups.Collection.All(ctx, n)
		return v.Objects, err
	}
	return mirror.FetchAll(ctx, ids, b.groups.Read)
}

// Create makes a group; roles are made in Jira.
func (b *entitlements) Create(ctx context.Context, doc query.Object) (query.Object, error) {
	kind, name, _ := splitName(doc.Text(b.m.name))
	if kind == kindRole {
		return nil, listOnly("created")
	}
	group := query.Object{{Name: "displayName", Value: name}}
	if v, ok := doc.Get("externalId"); ok {
		group.Set("externalId", v)
	}
	if v, ok := doc.Get(b.m.Member); ok {
		group.Set("members", bareMembers(v))
	}
	g, err := b.groups.Create(ctx, group)
	if err != nil {
		return nil, err
	}
	return b.m.ofGroup(g, b.m.Member != ""), nil
}

func listOnly(done string) error {
	return resource.Refuse(http.StatusNotImplemented, "", "Project roles are listed, assigned and revoked, not %s: IDHub's connector has \"Project Role: List only\". That is done in Jira's settings.", done)
}

func (b *entitlements) Remove(ctx context.Context, id string) error {
	if _, _, isRole := jira.ParseRoleID(id); !isRole {
		return ofEntitlement(b.groups.Remove(ctx, id), id)
	}
	if _, err := b.roles.Read(ctx, id); err != nil {
		return err
	}
	return listOnly("deleted")
}

func (b *entitlements) Kept(p resource.Policy) []string {
	if p.Strict {
		return nil
	}
	return []string{b.m.Member, "externalId"}
}
