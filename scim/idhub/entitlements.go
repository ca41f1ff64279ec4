package idhub

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

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
	now      func() time.Time
}

func newEntitlements(cfg Config, m *entitlementMap, a *accounts) *entitlements {
	return &entitlements{m: m, groups: cfg.Groups, accounts: a, roles: cfg.Roles, budget: cfg.ScanBudget, now: cfg.Now}
}

// looksAtMembers reports whether answering q takes the members of entitlements.
func (b *entitlements) looksAtMembers(q resource.ListQuery) bool {
	if b.m.members == "" {
		return false
	}
	mentions := func(name string) bool { return name == b.m.members || strings.HasPrefix(name, b.m.members+".") }
	return q.Want.Wants(b.m.members) || q.AsksVersion() || slices.ContainsFunc(q.Attributes(), mentions)
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
// for members, the users that are linked to these accounts are looked up, and the groups
// that hold them.
func (b *entitlements) ofRoles(ctx context.Context, all []*roles.Role, need mirror.Need) ([]query.Object, error) {
	return b.ofRolesAmong(ctx, all, nil, need)
}

// ofRolesAmong is ofRoles where the groups that hold the roles have been read; nil: they have not.
func (b *entitlements) ofRolesAmong(ctx context.Context, all []*roles.Role, groups []query.Object, need mirror.Need) ([]query.Object, error) {
	var people *holders
	if need.Links && len(all) > 0 {
		var err error
		if people, err = b.holdersOf(ctx, all, groups, need); err != nil {
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

// holdersOf returns the users and groups behind the holders of roles. It reads the users,
// and the groups too where groups is nil.
func (b *entitlements) holdersOf(ctx context.Context, all []*roles.Role, groups []query.Object, need mirror.Need) (*holders, error) {
	h := &holders{map[string]query.Object{}, map[string]query.Object{}}
	both, within := errgroup.WithContext(ctx)
	both.Go(func() error {
		if !slices.ContainsFunc(all, (*roles.Role).HasPeople) {
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
	both.Go(func() (err error) {
		if groups == nil {
			groups, err = b.groupsByID(within, groupsOf(all), need)
		}
		for _, g := range groups {
			h.groups[g.Text("id")] = g
		}
		return err
	})
	return h, both.Wait()
}

// groupsOf returns the ids of the directory's groups that hold roles.
func groupsOf(all []*roles.Role) []string {
	var ids []string
	for _, r := range all {
		for _, g := range r.Groups {
			if g.Directory != "" {
				ids = append(ids, g.Directory)
			}
		}
	}
	return query.Unique(ids)
}

// groupsByID reads groups with their members: one by one, or all groups if these
// are at hand or cost less to read.
func (b *entitlements) groupsByID(ctx context.Context, ids []string, need mirror.Need) ([]query.Object, error) {
	if v, ok := b.groups.Collection().Peek(mirror.Need{Fresh: need.Fresh, Links: true}); ok {
		return v.Objects(), nil
	}
	return b.groupsNow(ctx, ids, need)
}

// groupsNow is groupsByID for groups that are asked for, and are not at hand.
func (b *entitlements) groupsNow(ctx context.Context, ids []string, need mirror.Need) ([]query.Object, error) {
	found, err := b.groups.Collection().Many(ctx, ids)
	if errors.Is(err, mirror.ErrCostly) {
		v, err := b.groups.Collection().All(ctx, mirror.Need{Fresh: need.Fresh, Links: true})
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
