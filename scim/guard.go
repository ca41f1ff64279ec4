package scim

import (
	"context"
	"strings"

	"scim-atlassian/schemas"
	"scim-atlassian/scim/directory"
	"scim-atlassian/scim/guard"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/roles"
	"scim-atlassian/scim/server"
	"scim-atlassian/scim/upstream"
)

// newGuard makes what looks at writes before they are sent.
func newGuard(cfg Config, users *directory.Users, groups *directory.Groups, holders *roles.Roles, kept []mirrored) *guard.Guard {
	count := func(snapshot func() mirror.Stats) func() int {
		return func() int {
			if s := snapshot(); s.Kept {
				return s.Resources
			}
			return -1
		}
	}
	return guard.New(guard.Config{
		Accepted: func() {
			for _, m := range kept {
				m.Reconsider()
			}
		},
		Budget: cfg.ChangeBudget, Protected: cfg.Protected, State: cfg.remembering(), AsError: upstream.AsError,
		BudgetSetting: cfg.Settings.ChangeBudget, ProtectedSetting: cfg.Settings.Protected, Logger: cfg.Logger, Now: cfg.Now,
		Facts: guard.Facts{
			People: count(users.Snapshot), Groups: count(groups.Snapshot), Person: users.KnownPart, Group: groups.KnownPart,
			IsRole: roles.IsRoleID, Holder: holders.Size, ReadGroup: groups.Read,
		},
	})
}

// guardAll puts the guard in front of the types whose resources give access.
func guardAll(g *guard.Guard, cfg Config, user, group, account, entitlement *resource.Type) {
	named := func(m *schemas.Mapping, source string) string {
		if a := m.Attribute(source); a != nil {
			return a.Name
		}
		return ""
	}
	narrow := func(rt *resource.Type, links string) {
		kind, _ := entitlement.Schema.Resolve(named(&cfg.Entitlement, schemas.SourceKind)) // a mapping has it
		rt.Backend = guard.Narrow(rt.Backend.(guard.Backend), guard.Kinds{IsRole: roles.IsRoleID, Kind: kind, Links: links})
	}
	wrap := func(rt *resource.Type, r guard.Rules) {
		r.Links, r.Cheap = rt.Links.Name, rt.Cheap
		rt.Backend = g.Wrap(rt.Backend.(guard.Backend), r)
	}
	if account.Links.Name != "" {
		narrow(account, account.Links.Name)
	}
	narrow(entitlement, "")
	wrap(user, guard.Rules{People: true, Active: "active", Names: []string{"userName", "emails"}, ByUser: true})
	wrap(group, guard.Rules{Names: []string{"displayName"}})
	wrap(account, guard.Rules{People: true, Active: named(&cfg.Account, "active"),
		Names: []string{named(&cfg.Account, "userName"), named(&cfg.Account, "emails[primary eq true].value")}})
	wrap(entitlement, guard.Rules{Names: []string{named(&cfg.Entitlement, schemas.SourceName)}, Entitlement: true,
		NameOf: func(name string) string {
			group, ok := strings.CutPrefix(name, "GROUP~")
			if !ok {
				return ""
			}
			return group
		}})
}

// holdsOf are the endpoints of holds as the server mounts them.
func holdsOf(g *guard.Guard) []server.Endpoint {
	var all []server.Endpoint
	for _, r := range g.Routes() {
		all = append(all, server.Endpoint{Path: r.Path, Methods: r.Methods, Body: r.Body, Write: r.Body, Answer: func(ctx context.Context, q server.EndpointRequest) (int, query.Object, error) {
			return r.Answer(ctx, guard.Request{Caller: q.Caller.Name, Releases: q.Caller.Release, ID: q.ID, Body: q.Body, Intend: q.Intend})
		}})
	}
	return all
}
