package scim

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"scim-atlassian/schemas"
	"scim-atlassian/scim/directory"
	"scim-atlassian/scim/feed"
	"scim-atlassian/scim/field"
	"scim-atlassian/scim/guard"
	"scim-atlassian/scim/idhub"
	"scim-atlassian/scim/issuelog"
	"scim-atlassian/scim/jira"
	"scim-atlassian/scim/list"
	"scim-atlassian/scim/person"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/roles"
)

// backends are the resource types with what is behind them.
type backends struct {
	types []*resource.Type
	kept  []mirrored   // the copies that the types rest on
	feed  *feed.Feed   // nil: there is none
	guard *guard.Guard // in front of the types whose resources give access

	people person.Directory // of issues
	log    *issuelog.Log    // of issues; nil: their changes are not remembered
}

// newResourceTypes loads the published schemas and puts a backend behind each.
func newResourceTypes(cfg Config) (*backends, error) {
	loaded, err := schemas.ResourceTypes()
	if err != nil {
		return nil, err
	}
	f := &follower{}
	types := make(map[string]*resource.Type, len(loaded))
	var out []*resource.Type
	for _, rt := range loaded {
		t := resource.NewType(rt)
		types[rt.Name] = t
		out = append(out, t)
	}
	user, group := types["User"], types["Group"]
	directories := cfg.directory(user.Schema, group.Schema)
	directories.Wrote = f.wrote
	users, groups := directory.New(directories)
	user.Backend, group.Backend = users, groups
	user.Links, group.Links = users.Links(), groups.Links()
	user.Linking = resource.NewLinking(user.ResourceType, user.Links.Name, "/Groups")
	group.Linked = []string{"/Users", "/Accounts"}
	people, err := peopleOf(users, user.Schema, cfg.Now)
	if err != nil {
		return nil, err
	}
	log := cfg.issueLog()
	issue, issues, err := cfg.issueType(people, log)
	if err != nil {
		return nil, err
	}
	out[slices.Index(out, types["Issue"])] = issue
	held := cfg.roles(issues, groups.IDOf)
	held.Wrote = f.wroteRole
	holders := roles.New(held)
	kept := []mirrored{users, groups, holders}
	everyone := cfg.everyone()
	if everyone != nil {
		kept = append(kept, everyone)
	}
	if log != nil {
		kept = append(kept, log)
	}
	for _, m := range kept {
		if err := m.Load(context.Background()); err != nil {
			return nil, err
		}
	}
	views := cfg.idhub()
	views.User, views.Group, views.Users, views.Groups, views.Roles = user, group, users, groups, holders
	views.Everyone = everyone
	account, entitlement, err := idhub.New(views)
	if err != nil {
		return nil, err
	}
	if f.feed, err = cfg.feed(user, group, users, groups, holders, everyone); err != nil {
		return nil, err
	}
	b := &backends{append(out, account, entitlement), kept, f.feed, newGuard(cfg, users, groups, holders, kept), people, log}
	guardAll(b.guard, cfg, user, group, account, entitlement)
	return b, nil
}

// issueType returns the type of issues with its custom fields, and its backend. A log that is not
// nil is put over them.
func (c Config) issueType(people person.Directory, log *issuelog.Log) (*resource.Type, *jira.Issues, error) {
	loaded, err := schemas.ResourceTypes()
	if err != nil {
		return nil, nil, err
	}
	about := loaded[slices.IndexFunc(loaded, func(rt schemas.ResourceType) bool { return rt.Name == "Issue" })]
	extension := c.IssueFields.Schema()
	if c.FieldsPending {
		extension = &schemas.Schema{ID: field.URN, Name: "IssueFields", Description: "Custom fields of issues"}
	}
	if extension != nil {
		about.Extensions = append(about.Extensions, extension)
	}
	t := resource.NewType(about)
	issues := jira.New(c.jira(t.Schema, people))
	t.Backend, t.References, t.Lasts = issues, true, issues.Lasting
	switch {
	case c.FieldsPending && log != nil:
		t.Pending, t.Backend = pending(), unknownLogged{unknownIssues{issues}}
	case c.FieldsPending:
		t.Pending, t.Backend = pending(), unknownIssues{issues}
	case log != nil:
		t.Backend = log.Over(issues)
	}
	t.Extension, err = c.IssueFields.Published()
	return t, issues, err
}

// Explain returns the plan of a filter over the resources at an endpoint, such
// as "/Users", or "/" for all of them, on one line. It asks nothing of upstream, so
// names in a filter over issues are not resolved to ids. Errors are *Error.
func Explain(endpoint, filter string) (string, error) {
	backed, err := newResourceTypes(Config{}.withDefaults())
	if err != nil {
		return "", err
	}
	types := backed.types
	root := list.NewRoot(types)
	known := []string{"/"}
	for _, rt := range append(types, root.Type) {
		if strings.EqualFold(rt.Endpoint, "/"+strings.TrimPrefix(endpoint, "/")) {
			e, err := query.Parse(rt.Schema, filter, resource.FilterLimits)
			switch {
			case err != nil:
				return "", resource.AsError(err)
			case rt == root.Type:
				return root.Explain(e), nil
			}
			return rt.Backend.Explain(e), nil
		}
		known = append(known, strings.TrimPrefix(rt.Endpoint, "/"))
	}
	return "", resource.Refuse(http.StatusNotFound, "", "There is no %s; there are %s.", endpoint, strings.Join(known[:len(types)+1], ", "))
}
