package idhub

import (
	"context"
	"slices"
	"strings"

	"scim-atlassian/schemas"
	"scim-atlassian/scim/directory"
	"scim-atlassian/scim/memo"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/roles"
	"scim-atlassian/scim/upstream"
)

// The kinds of entitlements. The names of entitlements begin with them too.
const (
	kindGroup = "GROUP"
	kindRole  = "PROJECT_ROLE"
)

// accounts is the backend of Account resources: the users of the directory seen
// through a mapping, with the groups and project roles that they hold. If an
// organization is configured, its accounts without a record in the directory are
// accounts too.
//
// An account that was read without its entitlements lacks the attribute; an
// account that holds none has an empty list.
type accounts struct {
	m      *accountMap
	cfg    Config
	users  *directory.Users
	groups *directory.Groups
	roles  *roles.Roles
	others *outsiders // nil: no organization is configured
	table  query.Table

	entitlements, active string // names of attributes, "" if the mapping has none
}

func newAccounts(cfg Config, m *accountMap) *accounts {
	b := &accounts{
		m: m, cfg: cfg, users: cfg.Users, groups: cfg.Groups, roles: cfg.Roles,
		entitlements: nameOf(&m.Mapping, schemas.SourceEntitlements), active: nameOf(&m.Mapping, "active"),
	}
	if cfg.Organization != nil {
		b.others = &outsiders{organization: cfg.Organization, users: b.users, everyone: cfg.Everyone}
		b.users.WhenRemoved(b.others.everyone.Forget) // the account stays, and is now one of the others
	}
	b.table = b.lookups()
	return b
}

// lookups lists the ways to find accounts without reading all of them. The lookup
// of userName may find too much: the directory may ignore case where the mapping
// does not.
func (b *accounts) lookups() query.Table {
	table := query.Table{
		{Path: "id", Name: "id", Exact: true},
		{Path: nameOf(&b.m.Mapping, "userName"), Name: "userName"},
		{Path: "externalId", Name: "externalId", Exact: true},
	}
	if b.entitlements != "" {
		table = append(table, query.Lookup{Path: b.entitlements + ".value", Name: "entitlements.value", Exact: true, Cost: b.holdersCost, Most: b.users.LinkedMost})
	}
	return table
}

// collectionFor returns the collection that answers q: every user as an account,
// with only the roles that q looks at.
func (b *accounts) collectionFor(q resource.ListQuery) *mirror.Collection {
	users := b.users.Collection()
	once := memo.New[*roles.RoleBook](onceRead, b.cfg.Now)
	book := func(ctx context.Context) (*roles.RoleBook, error) {
		return once.Get(ctx, false, func(ctx context.Context) (*roles.RoleBook, error) { return b.rolesFor(ctx, q) })
	}
	c := &mirror.Collection{Table: b.table, Budget: b.cfg.ScanBudget, Links: resource.Links{Name: b.entitlements}, Peek: users.Peek}
	c.Stats = func(n mirror.Need) query.Stats { return b.stats(q, n) }
	c.Probe = func(ctx context.Context, p query.Probe) ([]query.Object, error) {
		found, err := b.probe(ctx, p, mirror.Need{Fresh: q.Fresh})
		return b.accountsOf(ctx, found, book, err)
	}
	c.Linked = func(ctx context.Context, p query.Probe) ([]string, bool, error) {
		if p.Name != "entitlements.value" {
			return nil, false, nil
		}
		return users.Linked(ctx, query.Probe{Name: "groups.value", Value: p.Value})
	}
	c.Many = func(ctx context.Context, ids []string) ([]query.Object, error) {
		found, err := users.Many(ctx, ids)
		return b.accountsOf(ctx, found, book, err)
	}
	c.All = func(ctx context.Context, n mirror.Need) (mirror.View, error) {
		v, err := b.everybody(ctx, n)
		if err != nil {
			return mirror.View{}, err
		}
		all, err := b.accountsOf(ctx, v.Objects(), book, nil)
		return v.With(all), err
	}
	if b.others != nil {
		return c // two lists have no window in common
	}
	c.Window = func(ctx context.Context, start, count int, n mirror.Need) ([]query.Object, int, error) {
		found, total, err := users.Window(ctx, start, count, n)
		found, err = b.accountsOf(ctx, found, book, err)
		return found, total, err
	}
	return c
}

// accountsOf returns the accounts of users, with the roles that the query needs, unless
// failed says why there are none.
func (b *accounts) accountsOf(ctx context.Context, users []query.Object, read func(context.Context) (*roles.RoleBook, error), failed error) ([]query.Object, error) {
	if len(users) == 0 || failed != nil {
		return nil, failed
	}
	book, err := read(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]query.Object, len(users))
	for i, user := range users {
		all[i] = b.m.object(user, book)
	}
	return all, nil
}

// List implements resource.Backend.
func (b *accounts) List(ctx context.Context, q resource.ListQuery) (*resource.ListResult, error) {
	return b.collectionFor(q).List(ctx, q)
}

// Explain implements resource.Backend.
func (b *accounts) Explain(filter query.Expr) string {
	return b.collectionFor(resource.ListQuery{}).Explain(filter)
}

// Get implements resource.Backend.
func (b *accounts) Get(ctx context.Context, id string, want query.Projection) (query.Object, error) {
	user, err := b.read(ctx, id, mirror.Need{})
	if err != nil {
		return nil, err
	}
	book := func(ctx context.Context) (*roles.RoleBook, error) {
		return b.rolesFor(ctx, resource.ListQuery{Want: want})
	}
	found, err := b.accountsOf(ctx, []query.Object{user}, book, nil)
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// read reads the user behind an account, or the outsider. An unknown id is a 404
// *resource.Error.
func (b *accounts) read(ctx context.Context, id string, need mirror.Need) (query.Object, error) {
	user, err := b.users.Read(ctx, id)
	switch {
	case !upstream.IsGone(err):
		return user, err
	case b.others == nil:
		return nil, resource.NotFound("Account", id)
	}
	return b.others.read(ctx, id, need)
}

// everybody returns the users behind all accounts, those of the directory first.
func (b *accounts) everybody(ctx context.Context, n mirror.Need) (mirror.View, error) {
	v, err := b.users.Collection().All(ctx, n)
	if err != nil || b.others == nil {
		return v, err
	}
	users := v.Objects()
	others, err := b.others.all(ctx, users, n)
	return v.With(slices.Concat(users, others)), err
}

// probe runs one lookup of the table, and returns the users behind the accounts.
func (b *accounts) probe(ctx context.Context, p query.Probe, need mirror.Need) ([]query.Object, error) {
	switch p.Name {
	case "id":
		return mirror.FetchAll(ctx, []string{p.Value}, func(ctx context.Context, id string) (query.Object, error) { return b.read(ctx, id, need) })
	case "entitlements.value":
		return b.users.Collection().Probe(ctx, query.Probe{Name: "groups.value", Value: p.Value})
	}
	found, err := b.users.Collection().Probe(ctx, p)
	if err != nil || b.others == nil || p.Name != "userName" {
		return found, err
	}
	others, err := b.others.byUserName(ctx, p.Value, found, need)
	return slices.Concat(found, others), err
}

// rolesFor returns the roles that a query needs: all roles if it shows or examines
// entitlements in general, else the roles that it names by id, nil if it does not
// look at entitlements.
func (b *accounts) rolesFor(ctx context.Context, q resource.ListQuery) (*roles.RoleBook, error) {
	switch need := b.rolesNeeded(q); {
	case need.all:
		return b.roles.Book(ctx, mirror.Need{Fresh: q.Fresh, Links: true})
	case !need.mentioned:
		return nil, nil
	default:
		if known := b.roles.Known(); known != nil && !q.Fresh {
			return known, nil
		}
		return b.roles.Some(ctx, need.ids)
	}
}

// rolesNeeded returns the roles that a query shows or examines.
func (b *accounts) rolesNeeded(q resource.ListQuery) roleNeed {
	if b.entitlements == "" {
		return roleNeed{}
	}
	need := rolesIn(q.Filter, b.entitlements)
	need.all = need.all || q.SortBy != nil && q.SortBy.Attr.Name == b.entitlements || q.Want.Wants(b.entitlements) || q.AsksVersion()
	return need
}

// roleNeed says which roles a filter needs to be evaluated.
type roleNeed struct {
	mentioned bool     // the filter looks at entitlements
	all       bool     // it needs all roles
	ids       []string // else the roles with these ids
}

func (n roleNeed) with(other roleNeed) roleNeed {
	return roleNeed{n.mentioned || other.mentioned, n.all || other.all, append(n.ids, other.ids...)}
}

// rolesIn returns the roles that a filter needs. A condition that an account holds
// the entitlement with a certain id needs no other role.
func rolesIn(e query.Expr, attribute string) roleNeed {
	switch e := e.(type) {
	case query.And:
		return rolesInAll(e.Terms, attribute)
	case query.Or:
		return rolesInAll(e.Terms, attribute)
	case query.Not:
		return rolesIn(e.Term, attribute)
	case query.Compare:
		if e.Path.Attr.Name != attribute {
			return roleNeed{}
		}
		return roleCompared(e, e.Path.Sub)
	case query.Present:
		return roleNeed{mentioned: e.Path.Attr.Name == attribute, all: e.Path.Attr.Name == attribute}
	case query.Has:
		if e.Path.Attr.Name != attribute {
			return roleNeed{}
		}
		terms := []query.Expr{e.Filter}
		if and, ok := e.Filter.(query.And); ok {
			terms = and.Terms
		}
		for _, t := range terms {
			if c, ok := t.(query.Compare); ok {
				if n := roleCompared(c, c.Path.Attr); !n.all {
					return n
				}
			}
		}
		return roleNeed{mentioned: true, all: true}
	}
	return roleNeed{}
}

func rolesInAll(terms []query.Expr, attribute string) roleNeed {
	var need roleNeed
	for _, t := range terms {
		need = need.with(rolesIn(t, attribute))
	}
	return need
}

// roleCompared returns the roles that a comparison needs. at is the part of an
// entitlement that it compares.
func roleCompared(c query.Compare, at *query.Attribute) roleNeed {
	id, ok := c.Value.(string)
	if !ok || c.Op != query.Eq || at == nil || at.Name != "value" {
		return roleNeed{mentioned: true, all: true}
	}
	need := roleNeed{mentioned: true}
	if roles.IsRoleID(id) {
		need.ids = []string{id}
	}
	return need
}

// object returns the account of a user. Without a book it lacks entitlements.
func (m *accountMap) object(user query.Object, book *roles.RoleBook) query.Object {
	o := make(query.Object, 0, len(m.attributes)+3)
	add := func(name string, v any) {
		if v != nil && v != "" {
			o = append(o, query.Member{Name: name, Value: v})
		}
	}
	add("id", user.Text("id"))
	add("externalId", user.Text("externalId"))
	for i := range m.attributes {
		switch a := &m.attributes[i]; a.Source {
		case schemas.SourceEntitlements:
			if book != nil {
				o = append(o, query.Member{Name: a.Name, Value: entitlementsOf(user, book)})
			}
		case schemas.SourceProvisioned:
			add(a.Name, isProvisioned(user))
		default:
			add(a.Name, a.value(user))
		}
	}
	return append(o, query.Member{Name: "meta", Value: metaOf(user, "Account")})
}

// metaOf returns the meta attribute of a resource for the view of it.
func metaOf(o query.Object, resourceType string) query.Object {
	meta := o.Inner("meta").Clone()
	meta.Set("resourceType", resourceType)
	return meta
}

// isProvisioned reports whether the directory has the user.
func isProvisioned(user query.Object) bool {
	v, ok := user.Get(schemas.SourceProvisioned)
	return !ok || v == true
}

// entitlementsOf returns the entitlements that a user holds: groups, then roles.
func entitlementsOf(user query.Object, book *roles.RoleBook) []any {
	groups := groupsIn(user)
	names := make([]string, 0, len(groups))
	list := make([]any, 0, len(groups))
	for _, g := range groups {
		names = append(names, g.name)
		list = append(list, query.Object{
			{Name: "value", Value: g.id}, {Name: "display", Value: kindGroup + "~" + g.name},
			{Name: "type", Value: kindGroup}, {Name: "direct", Value: true},
		})
	}
	for _, held := range book.HeldBy(directory.AccountIDOf(user), names) {
		list = append(list, held.WithThrough(query.Object{
			{Name: "value", Value: held.EntitlementID()}, {Name: "display", Value: kindRole + "~" + held.Title()},
			{Name: "type", Value: kindRole}, {Name: "direct", Value: held.Direct},
		}))
	}
	return list
}

// directoryGroup is one of a user's groups.
type directoryGroup struct{ id, name string }

// groupsIn returns the groups of a user.
func groupsIn(user query.Object) []directoryGroup {
	v, _ := user.Get("groups")
	list, _ := v.([]any)
	groups := make([]directoryGroup, 0, len(list))
	for _, e := range list {
		g, _ := e.(query.Object)
		groups = append(groups, directoryGroup{g.Text("value"), g.Text("display")})
	}
	return groups
}

// splitName splits the name of an entitlement, such as GROUP~Staff. The kind may be
// in any case. ok is false for a text of another form.
func splitName(text string) (kind, name string, ok bool) {
	kind, name, ok = strings.Cut(text, "~")
	kind = strings.ToUpper(kind)
	return kind, name, ok && (kind == kindGroup || kind == kindRole) && name != ""
}
