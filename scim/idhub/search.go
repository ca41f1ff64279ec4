package idhub

import (
	"context"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"scim-atlassian/scim/directory"
	"scim-atlassian/scim/memo"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/roles"
)

// search is one query over entitlements. It reads the roles once, whatever it needs them
// for. It is safe for concurrent use.
type search struct {
	*entitlements
	need mirror.Need // with Links: it looks at members
	read *memo.Memo[*roles.RoleBook]
	// The upstream calls that it takes to have the roles, and the users behind the accounts
	// that hold them; -1 if that is unknown.
	rolesCost, peopleCost int
}

const onceRead = 24 * time.Hour // longer than any query takes

// newSearch returns the query q before it has read anything.
func (b *entitlements) newSearch(q resource.ListQuery) *search {
	need := mirror.Need{Fresh: q.Fresh, Since: q.Since, Links: b.looksAtMembers(q)}
	s := &search{entitlements: b, need: need, read: memo.New[*roles.RoleBook](onceRead, b.now), rolesCost: b.roles.ReadCost(need)}
	if need.Links {
		s.peopleCost = b.accounts.users.Collection().Stats(mirror.Need{Fresh: need.Fresh}).Scan
	}
	return s
}

// List implements resource.Backend.
func (b *entitlements) List(ctx context.Context, q resource.ListQuery) (*resource.ListResult, error) {
	return b.newSearch(q).collection().List(ctx, q)
}

// Explain implements resource.Backend.
func (b *entitlements) Explain(filter query.Expr) string {
	return b.newSearch(resource.ListQuery{}).collection().Explain(filter)
}

// collection returns every group and role as an entitlement, with members only if the
// query looks at them.
func (s *search) collection() *mirror.Collection {
	return &mirror.Collection{
		Table: s.table(), Budget: s.budget, Links: resource.Links{Name: s.m.members},
		Probe: s.probe, Linked: s.linked, Many: s.many,
		All:   func(ctx context.Context, _ mirror.Need) (mirror.View, error) { return s.everything(ctx) },
		Peek:  func(mirror.Need) (mirror.View, bool) { return mirror.View{}, false },
		Stats: s.stats,
	}
}

// table lists the ways to find entitlements without reading all of them.
func (s *search) table() query.Table {
	table := query.Table{
		{Path: "id", Name: "id", Exact: true},
		priced(query.Lookup{Path: s.m.name, Name: "displayName", Exact: true}, s.namePrice),
		{Path: "externalId", Name: "externalId", Cost: func(string) int { return max(1, s.groups.ScanCost()) }},
		priced(query.Lookup{Path: s.m.kind, Name: "type", Exact: true}, s.kindPrice),
	}
	if s.m.members != "" {
		table = append(table, query.Lookup{Path: s.m.members + ".value", Name: "members.value", Exact: true, Cost: s.heldCost, Most: s.heldMost})
	}
	return table
}

// book returns all roles, as the query needs them.
func (s *search) book(ctx context.Context) (*roles.RoleBook, error) {
	return s.read.Get(ctx, false, func(ctx context.Context) (*roles.RoleBook, error) { return s.roles.Book(ctx, s.need) })
}

// everything returns all groups, in upstream's order, and then all roles.
func (s *search) everything(ctx context.Context) (mirror.View, error) {
	var groups mirror.View
	var book *roles.RoleBook
	known := s.roles.Known() != nil
	both, within := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		groups, err = s.groups.Collection().All(within, s.need)
		return err
	})
	both.Go(func() (err error) {
		book, err = s.book(within)
		return err
	})
	if err := both.Wait(); err != nil {
		return mirror.View{}, err
	}
	objects := groups.Objects()
	found, err := s.ofRolesAmong(ctx, book.Roles, objects, s.need)
	groups.Kept = groups.Kept && known
	return groups.With(append(s.ofGroups(objects, s.need), found...)), err
}

// probe runs one lookup of the table.
func (s *search) probe(ctx context.Context, p query.Probe) ([]query.Object, error) {
	switch p.Name {
	case "id":
		return mirror.FetchAll(ctx, []string{p.Value}, func(ctx context.Context, id string) (query.Object, error) {
			return s.entitlements.read(ctx, id, s.need)
		})
	case "displayName":
		return s.byName(ctx, p.Value)
	case "type":
		return s.ofKind(ctx, p.Value)
	case "externalId":
		return s.ofKind(ctx, kindGroup) // roles have none
	}
	ids, _, err := s.linked(ctx, p)
	if err != nil {
		return nil, err
	}
	return s.many(ctx, ids)
}

// byName returns the entitlements with a name.
func (s *search) byName(ctx context.Context, text string) ([]query.Object, error) {
	kind, name, ok := splitName(text)
	switch {
	case !ok:
		return nil, nil
	case kind == kindRole:
		return s.allRoles(ctx, func(r *roles.Role) bool { return strings.EqualFold(r.Title(), name) })
	}
	found, err := s.groups.Collection().Probe(ctx, query.Probe{Name: "displayName", Value: name})
	return s.ofGroups(found, s.need), err
}

// ofKind returns all entitlements of a kind.
func (s *search) ofKind(ctx context.Context, kind string) ([]query.Object, error) {
	switch strings.ToUpper(kind) {
	case kindRole:
		return s.allRoles(ctx, func(*roles.Role) bool { return true })
	case kindGroup:
		v, err := s.groups.Collection().All(ctx, s.need)
		return s.ofGroups(v.Objects(), s.need), err
	}
	return nil, nil
}

// allRoles returns the roles for which match is true.
func (s *search) allRoles(ctx context.Context, match func(*roles.Role) bool) ([]query.Object, error) {
	book, err := s.book(ctx)
	if err != nil {
		return nil, err
	}
	var found []*roles.Role
	for _, r := range book.Roles {
		if match(r) {
			found = append(found, r)
		}
	}
	return s.ofRoles(ctx, found, s.need)
}

// linked returns the ids of the entitlements that an account holds, see mirror.Collection.
func (s *search) linked(ctx context.Context, p query.Probe) (ids []string, ok bool, err error) {
	if p.Name != "members.value" {
		return nil, false, nil
	}
	var user query.Object
	var book *roles.RoleBook
	both, within := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		user, err = s.holder(within, p.Value)
		return err
	})
	both.Go(func() (err error) {
		book, err = s.book(within)
		return err
	})
	if err := both.Wait(); err != nil {
		return nil, true, err
	}
	ids, granted := held(user, book)
	for _, r := range granted {
		ids = append(ids, r.EntitlementID())
	}
	return ids, true, nil
}

// held returns the ids of the groups in which a user is, and the roles that it holds.
func held(user query.Object, book *roles.RoleBook) (groups []string, granted []*roles.Role) {
	var names []string
	for _, g := range groupsIn(user) {
		groups, names = append(groups, g.id), append(names, g.name)
	}
	for _, r := range book.HeldBy(directory.AccountIDOf(user), names) {
		granted = append(granted, r.Role)
	}
	return groups, granted
}

// many reads entitlements by id. The groups that hold roles are read with those that are
// entitlements themselves: together they cost as much as reading all groups at most.
func (s *search) many(ctx context.Context, ids []string) ([]query.Object, error) {
	book, err := s.book(ctx)
	if err != nil {
		return nil, err
	}
	var own []string
	var granted []*roles.Role
	for _, id := range ids {
		if r := book.Role(id); r != nil {
			granted = append(granted, r)
		} else {
			own = append(own, id)
		}
	}
	groups, err := s.groupsNow(ctx, query.Unique(slices.Concat(own, groupsOf(granted))), s.need)
	if err != nil {
		return nil, err
	}
	found, err := s.ofRolesAmong(ctx, granted, groups, s.need)
	groups = slices.DeleteFunc(slices.Clone(groups), func(g query.Object) bool { return !slices.Contains(own, g.Text("id")) })
	return slices.Concat(s.ofGroups(groups, s.need), found), err
}
