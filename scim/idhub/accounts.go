package idhub

import (
	"context"
	"slices"
	"strings"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/schemas"
	"scim-atlassian/scim/directory"
	"scim-atlassian/scim/jira"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/upstream"
)

// The kinds of entitlement, as type shows them and names begin.
const (
	kindGroup = "GROUP"
	kindRole  = "PROJECT_ROLE"
)

// accounts is the backend of Account resources: the users of the directory seen
// through a mapping, with the groups and project roles they hold; and if an
// organization is configured, the accounts that have no record there. It reads
// what Users reads, and keeps nothing of its own.
//
// An account that was read without its entitlements lacks the member; else it is
// there, if empty.
type accounts struct {
	m      *accountMap
	users  *directory.Users
	user   *resource.Type // the users'
	groups *directory.Groups
	roles  *jira.Roles
	others *outsiders // nil: no organization is configured
	cfg    Config
	table  query.Table

	entitlements, active string // names of attributes, "" if there is none
}

// Config says how accounts are read and which way their attributes flow.
type Config struct {
	Organization                  *atlassian.Organization // knows accounts that the directory does not; nil: none is configured
	TrustedSource, IgnoreUnsynced bool
	DeriveEmailDomain             string
	ScanBudget                    int
	SnapshotTTL                   time.Duration
	Now                           func() time.Time
}

func NewAccounts(cfg Config, m *accountMap, user *resource.Type, g *directory.Groups, r *jira.Roles) *accounts {
	b := &accounts{
		m: m, users: user.Backend.(*directory.Users), user: user, groups: g, roles: r, cfg: cfg,
		entitlements: NameOf(&m.Mapping, schemas.SourceEntitlements), active: NameOf(&m.Mapping, "active"),
	}
	if cfg.Organization != nil {
		b.others = &outsiders{organization: cfg.Organization, users: b.users, kept: mirror.NewMemo[[]*atlassian.OrganizationUser](cfg.SnapshotTTL, cfg.Now)}
	}
	b.table = b.lookups()
	return b
}

// lookups is what is found among accounts without looking at all of them. The
// directory may regard userName without case where the mapping does not, and
// then finds more.
func (b *accounts) lookups() query.Table {
	table := query.Table{
		{Path: "id", Name: "id", Exact: true},
		{Path: NameOf(&b.m.Mapping, "userName"), Name: "userName"},
		{Path: "externalId", Name: "externalId", Exact: true},
	}
	if b.entitlements != "" {
		table = append(table, query.Lookup{Path: b.entitlements + ".value", Name: "entitlements.value", Exact: true, Cost: b.holdersCost})
	}
	return table
}

// holdersCost is what it takes to find the holders of an entitlement: of a
// group it and its members; of a role everybody, since no user can be found by
// the account id.
func (b *accounts) holdersCost(id string) int {
	if _, _, isRole := jira.ParseRoleID(id); isRole {
		return 1 + max(1, b.users.Reader.ScanCost())
	}
	return b.users.Directory.Sizes.Cost(id)
}

// over is what a query is run on: the users, seen as accounts with as many roles
// as the query is about.
func (b *accounts) over(q resource.ListQuery) *mirror.Collection {
	users := b.users.Collection
	c := &mirror.Collection{Table: b.table, Budget: b.cfg.ScanBudget, Links: resource.Links{Name: b.entitlements}, Stats: users.Stats, Peek: users.Peek}
	c.Probe = func(ctx context.Context, p query.Probe) ([]query.Object, error) {
		found, err := b.probe(ctx, p, q.Fresh)
		if err != nil {
			return nil, err
		}
		return b.seen(ctx, q, found)
	}
	c.All = func(ctx context.Context, n mirror.Need) (mirror.View, error) {
		v, err := b.everybody(ctx, n)
		if err != nil {
			return mirror.View{}, err
		}
		v.Objects, err = b.seen(ctx, q, v.Objects)
		return v, err
	}
	if b.others != nil {
		return c // there is no way but all
	}
	c.Window = func(ctx context.Context, start, count int, n mirror.Need) ([]query.Object, int, error) {
		found, total, err := users.Window(ctx, start, count, n)
		if err != nil {
			return nil, 0, err
		}
		found, err = b.seen(ctx, q, found)
		return found, total, err
	}
	return c
}

// seen returns the accounts of users, with the roles that the query needs.
func (b *accounts) seen(ctx context.Context, q resource.ListQuery, users []query.Object) ([]query.Object, error) {
	if len(users) == 0 {
		return nil, nil
	}
	book, err := b.rolesFor(ctx, q)
	if err != nil {
		return nil, err
	}
	seen := make([]query.Object, len(users))
	for i, user := range users {
		seen[i] = b.m.object(user, book)
	}
	return seen, nil
}

func (b *accounts) List(ctx context.Context, q resource.ListQuery) (*resource.ListResult, error) {
	return b.over(q).List(ctx, q)
}

func (b *accounts) Explain(filter query.Expr) string {
	return b.over(resource.ListQuery{}).Plan(filter, mirror.Need{}).String()
}

func (b *accounts) Get(ctx context.Context, id string, want query.Projection) (query.Object, error) {
	user, err := b.read(ctx, id)
	if err != nil {
		return nil, err
	}
	seen, err := b.seen(ctx, resource.ListQuery{Want: want}, []query.Object{user})
	if err != nil {
		return nil, err
	}
	return seen[0], nil
}

// read reads the user behind an account.
func (b *accounts) read(ctx context.Context, id string) (query.Object, error) {
	return b.lookUp(ctx, id, false)
}

// lookUp is read; if fresh is set, it rests on nothing that was read before.
func (b *accounts) lookUp(ctx context.Context, id string, fresh bool) (query.Object, error) {
	user, err := b.users.Read(ctx, id)
	switch {
	case !upstream.IsGone(err):
		return user, err
	case b.others == nil:
		return nil, resource.NotFound("Account", id)
	}
	return b.others.read(ctx, id, fresh)
}

// everybody returns the users behind all accounts, those of the directory first.
func (b *accounts) everybody(ctx context.Context, n mirror.Need) (mirror.View, error) {
	v, err := b.users.Collection.All(ctx, n)
	if err != nil || b.others == nil {
		return v, err
	}
	others, err := b.others.all(ctx, v.Objects, n.Fresh)
	v.Objects = slices.Concat(v.Objects, others)
	return v, err
}

func (b *accounts) probe(ctx context.Context, p query.Probe, fresh bool) ([]query.Object, error) {
	switch p.Name {
	case "id":
		return mirror.FetchAll(ctx, []string{p.Value}, func(ctx context.Context, id string) (query.Object, error) { return b.lookUp(ctx, id, fresh) })
	case "entitlements.value":
		if _, _, isRole := jira.ParseRoleID(p.Value); isRole {
			return nil, mirror.ErrCostly
		}
		return b.users.MembersOf(ctx, p.Value)
	}
	found, err := b.users.Probe(ctx, p)
	if err != nil || b.others == nil || p.Name != "userName" {
		return found, err
	}
	others, err := b.others.named(ctx, p.Value, found, fresh)
	return slices.Concat(found, others), err
}

// rolesFor returns the roles that a query needs: all if it shows entitlements or
// asks for more of them than for certain ones by id, else only those. It is nil
// if the query has nothing to do with entitlements.
func (b *accounts) rolesFor(ctx context.Context, q resource.ListQuery) (*jira.RoleBook, error) {
	if b.entitlements == "" {
		return nil, nil
	}
	need := namedRoles(q.Filter, b.entitlements)
	need.all = need.all || q.SortBy != nil && q.SortBy.Attr.Name == b.entitlements || q.Want.Wants(b.entitlements) || q.AsksVersion()
	switch {
	case need.all:
		return b.roles.All(ctx, q.Fresh)
	case !need.mentioned:
		return nil, nil
	}
	if known := b.roles.Known(); known != nil && !q.Fresh {
		return known, nil
	}
	return b.roles.Some(ctx, need.ids)
}

// roleNeed is what a filter has to know of roles.
type roleNeed struct {
	mentioned bool     // it asks for entitlements
	all       bool     // all of them
	ids       []string // else these
}

func (n roleNeed) with(other roleNeed) roleNeed {
	return roleNeed{n.mentioned || other.mentioned, n.all || other.all, append(n.ids, other.ids...)}
}

// namedRoles finds out whether a filter asks for certain entitlements only:
// whether an account holds one of a certain id does not depend on the others.
func namedRoles(e query.Expr, attribute string) roleNeed {
	switch e := e.(type) {
	case query.And:
		return needOf(e.Terms, attribute)
	case query.Or:
		return needOf(e.Terms, attribute)
	case query.Not:
		return namedRoles(e.Term, attribute)
	case query.Compare:
		if e.Path.Attr.Name != attribute {
			return roleNeed{}
		}
		return namedValue(e, e.Path.Sub)
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
				if n := namedValue(c, c.Path.Attr); !n.all {
					return n
				}
			}
		}
		return roleNeed{mentioned: true, all: true}
	}
	return roleNeed{}
}

func needOf(terms []query.Expr, attribute string) roleNeed {
	var need roleNeed
	for _, t := range terms {
		need = need.with(namedRoles(t, attribute))
	}
	return need
}

func namedValue(c query.Compare, at *query.Attribute) roleNeed {
	id, ok := c.Value.(string)
	if !ok || c.Op != query.Eq || at == nil || at.Name != "value" {
		return roleNeed{mentioned: true, all: true}
	}
	need := roleNeed{mentioned: true}
	if _, _, isRole := jira.ParseRoleID(id); isRole {
		need.ids = []string{id}
	}
	return need
}

// object is the account of a user. Without a book it has no entitlements.
func (m *accountMap) object(user query.Object, book *jira.RoleBook) query.Object {
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

// metaOf is the meta attribute of a resource that another one stands for.
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

// entitlementsOf lists what a user holds: its groups, then its roles.
func entitlementsOf(user query.Object, book *jira.RoleBook) []any {
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

// directoryGroup is a group that a user is in.
type directoryGroup struct{ id, name string }

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

// splitName splits the name of an entitlement, Kind~Name; the kind may be in any
// case.
func splitName(name string) (kind, rest string, ok bool) {
	kind, rest, ok = strings.Cut(name, "~")
	kind = strings.ToUpper(kind)
	return kind, rest, ok && (kind == kindGroup || kind == kindRole) && rest != ""
}
