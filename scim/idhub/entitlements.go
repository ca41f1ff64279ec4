package idhub

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"scim-atlassian/atlassian"
	"scim-atlassian/schemas"
	"scim-atlassian/scim/directory"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/roles"
	"scim-atlassian/scim/upstream"
)

// entitlements is the backend of Entitlement resources: the groups of the
// directory, then the project roles of Jira.
//
// An entitlement that was read without its members lacks the attribute; an
// entitlement without members has an empty list. Throughout, need.Links asks for
// members.
type entitlements struct {
	m        *entitlementMap
	groups   *directory.Groups
	accounts *accounts
	roles    *roles.Roles
	budget   int
	table    query.Table
}

// withMembers is the need of an entitlement with its members.
var withMembers = mirror.Need{Links: true}

func newEntitlements(cfg Config, m *entitlementMap, a *accounts) *entitlements {
	b := &entitlements{m: m, groups: cfg.Groups, accounts: a, roles: cfg.Roles, budget: cfg.ScanBudget}
	b.table = query.Table{
		{Path: "id", Name: "id", Exact: true},
		{Path: m.name, Name: "displayName", Exact: true, Cost: b.nameCost},
		{Path: "externalId", Name: "externalId", Cost: func(string) int { return max(1, b.groups.ScanCost()) }},
		{Path: m.kind, Name: "type", Exact: true, Cost: b.kindCost},
	}
	if m.members != "" {
		b.table = append(b.table, query.Lookup{Path: m.members + ".value", Name: "members.value", Exact: true,
			Cost: func(id string) int { return b.groups.LinkedCost(id) + b.rolesCost() }, Most: b.heldMost})
	}
	return b
}

// rolesCost returns the number of upstream calls that having all roles takes: 0 if
// they are at hand, else 1, since their number is unknown before they were read.
func (b *entitlements) rolesCost() int {
	if b.roles.Known() != nil {
		return 0
	}
	return 1
}

// heldMost returns the number of upstream calls that finding what an account holds
// takes at most, -1 if that is unknown.
func (b *entitlements) heldMost(account string) int {
	if b.rolesCost() > 0 {
		return -1
	}
	return b.groups.LinkedMost(account)
}

// nameCost returns the number of upstream calls of a lookup by name.
func (b *entitlements) nameCost(name string) int {
	switch kind, _, ok := splitName(name); {
	case !ok:
		return 0
	case kind == kindRole:
		return b.rolesCost()
	}
	return 1
}

// kindCost returns the number of upstream calls of a lookup by kind.
func (b *entitlements) kindCost(kind string) int {
	switch strings.ToUpper(kind) {
	case kindGroup:
		return max(1, b.groups.ScanCost())
	case kindRole:
		return b.rolesCost()
	}
	return 0
}

// collectionFor returns the collection that answers q: every group and role as an
// entitlement, with members only if q looks at them.
func (b *entitlements) collectionFor(q resource.ListQuery) *mirror.Collection {
	need := mirror.Need{Fresh: q.Fresh, Links: b.looksAtMembers(q)}
	return &mirror.Collection{
		Table: b.table, Budget: b.budget, Links: resource.Links{Name: b.m.members},
		Probe: func(ctx context.Context, p query.Probe) ([]query.Object, error) {
			return b.probe(ctx, p, need)
		},
		All: func(ctx context.Context, n mirror.Need) (mirror.View, error) {
			n.Links = need.Links
			return b.everything(ctx, n)
		},
		Peek:  func(n mirror.Need) (mirror.View, bool) { return mirror.View{}, false },
		Stats: b.stats,
	}
}

// stats returns the cost of reading all entitlements.
func (b *entitlements) stats(n mirror.Need) query.Stats {
	st := b.groups.Collection().Stats(n)
	if st.Scan >= 0 {
		st.Scan += b.rolesCost()
	}
	st.Kept = st.Kept && b.roles.Known() != nil
	return st
}

// looksAtMembers reports whether answering q takes the members of entitlements.
func (b *entitlements) looksAtMembers(q resource.ListQuery) bool {
	if b.m.members == "" {
		return false
	}
	mentions := func(name string) bool { return name == b.m.members || strings.HasPrefix(name, b.m.members+".") }
	return q.Want.Wants(b.m.members) || q.AsksVersion() || slices.ContainsFunc(q.Attributes(), mentions)
}

// List implements resource.Backend.
func (b *entitlements) List(ctx context.Context, q resource.ListQuery) (*resource.ListResult, error) {
	return b.collectionFor(q).List(ctx, q)
}

// Explain implements resource.Backend.
func (b *entitlements) Explain(filter query.Expr) string {
	return b.collectionFor(resource.ListQuery{}).Explain(filter)
}

// everything returns all groups, in upstream's order, and then all roles.
func (b *entitlements) everything(ctx context.Context, need mirror.Need) (mirror.View, error) {
	var groups mirror.View
	var roles []query.Object
	known := b.roles.Known() != nil
	both, within := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		groups, err = b.groups.Collection().All(within, need)
		return err
	})
	both.Go(func() (err error) {
		roles, err = b.allRoles(within, need, nil)
		return err
	})
	if err := both.Wait(); err != nil {
		return mirror.View{}, err
	}
	groups.Kept = groups.Kept && known
	return groups.With(append(b.ofGroups(groups.Objects(), need), roles...)), nil
}

// allRoles returns the roles for which match is true; a nil match is always true.
func (b *entitlements) allRoles(ctx context.Context, need mirror.Need, match func(*roles.Role) bool) ([]query.Object, error) {
	book, err := b.roles.Book(ctx, need)
	if err != nil {
		return nil, err
	}
	var found []*roles.Role
	for _, r := range book.Roles {
		if match == nil || match(r) {
			found = append(found, r)
		}
	}
	return b.ofRoles(ctx, found, need)
}

// probe runs one lookup of the table.
func (b *entitlements) probe(ctx context.Context, p query.Probe, need mirror.Need) ([]query.Object, error) {
	switch p.Name {
	case "id":
		return mirror.FetchAll(ctx, []string{p.Value}, func(ctx context.Context, id string) (query.Object, error) { return b.read(ctx, id, need) })
	case "displayName":
		return b.byName(ctx, p.Value, need)
	case "type":
		return b.ofKind(ctx, p.Value, need)
	case "externalId":
		return b.ofKind(ctx, kindGroup, need) // roles have none
	}
	return b.heldBy(ctx, p.Value, need)
}

// byName returns the entitlements with a name.
func (b *entitlements) byName(ctx context.Context, text string, need mirror.Need) ([]query.Object, error) {
	kind, name, ok := splitName(text)
	switch {
	case !ok:
		return nil, nil
	case kind == kindRole:
		return b.allRoles(ctx, need, func(r *roles.Role) bool { return strings.EqualFold(r.Title(), name) })
	}
	found, err := b.groups.Collection().Probe(ctx, query.Probe{Name: "displayName", Value: name})
	return b.ofGroups(found, need), err
}

// ofKind returns all entitlements of a kind.
func (b *entitlements) ofKind(ctx context.Context, kind string, need mirror.Need) ([]query.Object, error) {
	switch strings.ToUpper(kind) {
	case kindRole:
		return b.allRoles(ctx, need, nil)
	case kindGroup:
		v, err := b.groups.Collection().All(ctx, need)
		return b.ofGroups(v.Objects(), need), err
	}
	return nil, nil
}

// heldBy returns the entitlements that an account holds.
func (b *entitlements) heldBy(ctx context.Context, account string, need mirror.Need) ([]query.Object, error) {
	var user query.Object
	both, within := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		user, err = b.holder(within, account)
		return err
	})
	var book *roles.RoleBook
	both.Go(func() (err error) {
		book, err = b.roles.Book(within, mirror.Need{Fresh: need.Fresh, Links: true})
		return err
	})
	if err := both.Wait(); err != nil {
		return nil, err
	}
	held := groupsIn(user)
	ids, names := make([]string, 0, len(held)), make([]string, 0, len(held))
	for _, g := range held {
		ids, names = append(ids, g.id), append(names, g.name)
	}
	groups, err := b.groups.ReadMany(ctx, ids)
	if err != nil {
		return nil, err
	}
	var granted []*roles.Role
	for _, r := range book.HeldBy(directory.AccountIDOf(user), names) {
		granted = append(granted, r.Role)
	}
	found, err := b.ofRoles(ctx, granted, need)
	return slices.Concat(b.ofGroups(groups, need), found), err
}

// holder returns the user behind a member: a user of the directory or, if it has no
// such record, an outsider with the member's id as account id.
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

// Get implements resource.Backend.
func (b *entitlements) Get(ctx context.Context, id string, want query.Projection) (query.Object, error) {
	return b.read(ctx, id, mirror.Need{Links: b.looksAtMembers(resource.ListQuery{Want: want})})
}

// read reads one entitlement, as it is now. An unknown id is a 404 *resource.Error.
func (b *entitlements) read(ctx context.Context, id string, need mirror.Need) (query.Object, error) {
	if !roles.IsRoleID(id) {
		g, err := b.groups.Read(ctx, id)
		if err != nil {
			return nil, ofEntitlement(err, id)
		}
		return b.m.ofGroup(g, need), nil
	}
	role, err := b.roles.Read(ctx, id)
	if err != nil {
		return nil, err
	}
	found, err := b.ofRoles(ctx, []*roles.Role{role}, mirror.Need{Links: need.Links})
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// ofEntitlement turns a 404 for the group behind an entitlement into one for the
// entitlement.
func ofEntitlement(err error, id string) error {
	if upstream.IsGone(err) {
		return resource.NotFound("Entitlement", id)
	}
	return err
}

// ofGroups returns groups as entitlements.
func (b *entitlements) ofGroups(all []query.Object, need mirror.Need) []query.Object {
	out := make([]query.Object, 0, len(all))
	for _, g := range all {
		out = append(out, b.m.ofGroup(g, need))
	}
	return out
}

// ofRoles returns roles as entitlements. Jira knows the accounts of their holders;
// for members, the users that are linked to these accounts are looked up.
func (b *entitlements) ofRoles(ctx context.Context, all []*roles.Role, need mirror.Need) ([]query.Object, error) {
	var people *holders
	if need.Links && len(all) > 0 {
		var err error
		if people, err = b.holdersOf(ctx, all, need); err != nil {
			return nil, err
		}
	}
	out := make([]query.Object, 0, len(all))
	for _, r := range all {
		out = append(out, b.m.ofRole(r, people))
	}
	return out, nil
}

// holders has the users and groups behind the holders of roles.
type holders struct {
	users  map[string]query.Object // by account id
	groups map[string]query.Object // by id
}

// holdersOf reads the users and groups behind the holders of roles.
func (b *entitlements) holdersOf(ctx context.Context, all []*roles.Role, need mirror.Need) (*holders, error) {
	h := &holders{map[string]query.Object{}, map[string]query.Object{}}
	var groups []string
	people := false
	for _, r := range all {
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
		v, err := b.accounts.users.Collection().All(within, mirror.Need{Fresh: need.Fresh})
		for _, u := range v.Objects() {
			if id := directory.AccountIDOf(u); id != "" {
				h.users[id] = u
			}
		}
		return err
	})
	both.Go(func() error {
		found, err := b.groupsByID(within, query.Unique(groups), need)
		for _, g := range found {
			h.groups[g.Text("id")] = g
		}
		return err
	})
	return h, both.Wait()
}

// groupsByID reads groups with their members: one by one, or all groups if these
// are at hand or cost less to read.
func (b *entitlements) groupsByID(ctx context.Context, ids []string, need mirror.Need) ([]query.Object, error) {
	need = mirror.Need{Fresh: need.Fresh, Links: true}
	if v, ok := b.groups.Collection().Peek(need); ok {
		return v.Objects(), nil
	}
	found, err := b.groups.ReadMany(ctx, ids)
	if errors.Is(err, mirror.ErrCostly) {
		v, err := b.groups.Collection().All(ctx, need)
		return v.Objects(), err
	}
	return found, err
}

// Create implements resource.Backend. It creates a group; roles are created in
// Jira's settings.
func (b *entitlements) Create(ctx context.Context, doc query.Object) (query.Object, error) {
	kind, name, _ := splitName(doc.Text(b.m.name))
	if kind == kindRole {
		return nil, listOnly("created")
	}
	group := query.Object{{Name: "displayName", Value: name}}
	if v, ok := doc.Get("externalId"); ok {
		group.Set("externalId", v)
	}
	if v, ok := doc.Get(b.m.members); ok {
		group.Set("members", bareMembers(v))
	}
	g, err := b.groups.Create(ctx, group)
	if err != nil {
		return nil, err
	}
	return b.m.ofGroup(g, mirror.Need{Links: b.m.members != ""}), nil
}

// listOnly refuses to create or delete a role. done is the participle of the verb.
func listOnly(done string) error {
	return resource.Refuse(http.StatusNotImplemented, "", "Project roles are listed, assigned and revoked, not %s: IDHub's connector has \"Project Role: List only\". That is done in Jira's settings.", done)
}

// Remove implements resource.Backend.
func (b *entitlements) Remove(ctx context.Context, id string) error {
	if !roles.IsRoleID(id) {
		return ofEntitlement(b.groups.Remove(ctx, id), id)
	}
	if _, err := b.roles.Read(ctx, id); err != nil {
		return err
	}
	return listOnly("deleted")
}

// Kept implements resource.Backend.
func (b *entitlements) Kept(p resource.Policy) []string {
	if p.Strict {
		return nil
	}
	return []string{b.m.members, "externalId"}
}
