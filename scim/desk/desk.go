// Package desk is what Jira Service Management adds to issues: requests of a type,
// which customers make, with participants, an organization and approvals.
//
// An issue of a service project is a request if it was made as one: a [Form] makes
// it. All else costs calls of its own, so it is read when somebody asks for it
// ([Desks.Read]), and changed in two steps: [Desks.Plan] refuses what can be refused
// before the first write, [Desks.Steps] sends the difference.
package desk

import (
	"context"
	"slices"
	"strings"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/memo"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Attributes are the attributes of a request, which are returned on request.
var Attributes = []string{"requestType", "participants", "organization", "approvals"}

// Desks knows which projects have a service desk. It asks when that is first needed,
// and again after a while. It is safe for concurrent use.
type Desks struct {
	jira   *atlassian.Jira
	site   *memo.Memo[*site]
	fields *memo.Memo[string]
}

// site is what the account of the server may do with service desks.
type site struct {
	desks   map[string]atlassian.ServiceDesk // by id of the project
	agent   map[string]bool                  // ids of the projects in which the account is an agent
	refusal error                            // why there are no desks: the account may not see them
}

// New returns Desks that keep what they know for ttl.
func New(jira *atlassian.Jira, ttl time.Duration, now func() time.Time) *Desks {
	return &Desks{jira: jira, site: memo.New[*site](ttl, now), fields: memo.New[string](ttl, now)}
}

const agentPermission = "SERVICEDESK_AGENT"

func (d *Desks) know(ctx context.Context) (*site, error) {
	return d.site.Get(ctx, false, func(ctx context.Context) (*site, error) {
		s := &site{desks: map[string]atlassian.ServiceDesk{}, agent: map[string]bool{}}
		all, err := d.jira.ServiceDesks(ctx)
		switch atlassian.KindOf(err) {
		case atlassian.NotFound: // the site has no Jira Service Management
			return s, nil
		case atlassian.Forbidden, atlassian.Unauthenticated:
			s.refusal = err
			return s, nil
		}
		if err != nil || len(all) == 0 {
			return s, err
		}
		var projects []atlassian.Project
		for _, desk := range all {
			s.desks[desk.ProjectID] = desk
			projects = append(projects, atlassian.Project{ID: desk.ProjectID, Key: desk.ProjectKey})
		}
		granted, err := d.jira.Granted(ctx, []string{agentPermission}, projects)
		for _, id := range granted[agentPermission] {
			s.agent[id] = true
		}
		return s, err
	})
}

// Covers reports whether a project has a service desk that the account can see.
func (d *Desks) Covers(ctx context.Context, project string) (bool, error) {
	s, err := d.know(ctx)
	if err != nil {
		return false, err
	}
	_, found := s.desks[project]
	return found, nil
}

// Need returns the desk of a project, an object with id and key. Without a desk, or
// where the account is no agent, it refuses the attribute.
func (d *Desks) Need(ctx context.Context, attribute string, project query.Object) (atlassian.ServiceDesk, error) {
	s, err := d.know(ctx)
	if err != nil {
		return atlassian.ServiceDesk{}, err
	}
	id, name := project.Text("id"), project.Text("key")
	desk, found := s.desks[id]
	switch {
	case s.refusal != nil:
		e := resource.InvalidValue("%s: Jira does not let this server's account use Jira Service Management; give the account, or the scopes of its token, the right to.", attribute)
		e.Err = s.refusal
		return desk, e
	case len(s.desks) == 0:
		return desk, resource.InvalidValue("%s: this site has no Jira Service Management, or no service project that this server's account can see; leave the attribute out.", attribute)
	case !found:
		return desk, resource.InvalidValue("%s: the project %s is no service project; leave the attribute out.", attribute, name)
	case !s.agent[id]:
		return desk, resource.InvalidValue("%s: this server's account is no agent of the service project %s; give it the permission Service Project Agent there.", attribute, name)
	}
	return desk, nil
}

// Read returns those of the named attributes that an issue has: none if it is no
// request. project is that of the issue. Each attribute costs a call.
func (d *Desks) Read(ctx context.Context, id string, project query.Object, names []string) (query.Object, error) {
	if _, err := d.Need(ctx, names[0], project); err != nil {
		return nil, err
	}
	var found query.Object
	for _, name := range names {
		v, err := d.read(ctx, id, name)
		if refused(err) {
			if _, noRequest := d.jira.Request(ctx, id); refused(noRequest) {
				return nil, nil
			}
		}
		if err != nil {
			return nil, err
		}
		if v != nil {
			found.Set(name, v)
		}
	}
	return found, nil
}

// refused reports whether err is how Jira answers an agent about what is no request.
func refused(err error) bool {
	kind := atlassian.KindOf(err)
	return kind == atlassian.NotFound || kind == atlassian.Forbidden
}

func (d *Desks) read(ctx context.Context, id, name string) (any, error) {
	switch name {
	case "requestType":
		r, err := d.jira.Request(ctx, id)
		if err != nil || r.Type == nil {
			return nil, err
		}
		return query.Texts("id", r.Type.ID, "name", r.Type.Name), nil
	case "participants":
		all, err := d.jira.Participants(ctx, id)
		return list(all, err, person)
	case "organization":
		return d.organization(ctx, id)
	}
	all, err := d.jira.Approvals(ctx, id)
	return list(all, err, approval)
}

// list converts what was read, nil if it is nothing.
func list[T any](all []T, err error, convert func(T) query.Object) (any, error) {
	if err != nil || len(all) == 0 {
		return nil, err
	}
	out := make([]any, len(all))
	for i, one := range all {
		out[i] = convert(one)
	}
	return out, nil
}

func person(a *atlassian.Account) query.Object {
	return query.Texts("value", a.AccountID, "display", a.DisplayName)
}

func approval(a *atlassian.Approval) query.Object {
	o := query.Texts("id", a.ID, "name", a.Name, "decision", a.Decision)
	o.Set("canAnswer", a.CanAnswer)
	for name, at := range map[string]atlassian.DeskTime{"created": a.Created, "completed": a.Completed} {
		if at.EpochMillis > 0 {
			o.Set(name, time.UnixMilli(at.EpochMillis).UTC())
		}
	}
	approvers, _ := list(a.Approvers, nil, func(by atlassian.Approver) query.Object {
		o := query.Texts("decision", by.Decision)
		if by.Account != nil {
			o = append(person(by.Account), o...)
		}
		return o
	})
	if approvers != nil {
		o.Set("approvers", approvers)
	}
	return o
}

// Named returns those of the attributes that are among names.
func Named(names []string) []string {
	return slices.DeleteFunc(slices.Clone(Attributes), func(name string) bool { return !slices.Contains(names, name) })
}

// In returns those of the attributes that a document has.
func In(doc query.Object) []string {
	return slices.DeleteFunc(slices.Clone(Attributes), func(name string) bool { _, there := doc.Get(name); return !there })
}

// pick returns the only one of some things with an id and a name that given means.
func pick(attribute string, all []query.Object, given query.Object) (query.Object, error) {
	var found, names []string
	var one query.Object
	for _, o := range all {
		name := resource.InQuotes(o.Text("name")) + " (id " + o.Text("id") + ")"
		names = append(names, name)
		if query.Refers(given, o) {
			found, one = append(found, name), o
		}
	}
	switch {
	case len(found) == 1:
		return one, nil
	case len(given) == 0:
		return nil, resource.InvalidValue("%s needs an id or a name.", attribute)
	case len(found) == 0:
		return nil, resource.InvalidValue("%s: there is no %s; there are %s.", attribute, resource.Describe(given), strings.Join(names, ", "))
	}
	return nil, resource.InvalidValue("%s: %s is ambiguous; give the id of one of %s.", attribute, resource.Describe(given), strings.Join(found, ", "))
}
