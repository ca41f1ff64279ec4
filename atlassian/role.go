package atlassian

import (
	"context"
	"net/url"
	"path"
	"strconv"
)

// Role is a project role. A role belongs to the site, or, if it has a Scope, to one team-managed project. Each project
// has its own holders of a role.
type Role struct {
	ID          int64   `json:"id"`
	Name        string  `json:"name"`
	Description string  `json:"description"`
	Actors      []Actor `json:"actors"` // holders in the project of the request; default holders if it names no project
	Scope       *Scope  `json:"scope"`  // nil: every company-managed project has the role
}

func (r *Role) accept() bool { return r.ID != 0 }

func (r *Role) identity() string { return strconv.FormatInt(r.ID, 10) }

// Actor is an account or a group that holds a role: Account or Group is set, never both. An actor of a kind that Jira
// does not document has neither.
type Actor struct {
	DisplayName string     `json:"displayName"`
	Account     *Holder    `json:"actorUser"`
	Group       *SiteGroup `json:"actorGroup"`
}

// Holder is the account behind an Actor.
type Holder struct {
	AccountID string `json:"accountId"`
}

// SiteGroup is a group as Jira knows it. Its id differs from the id of the group in the directory: match the two by
// name, which is unique in a site.
type SiteGroup struct {
	ID   string `json:"groupId"`
	Name string `json:"name"`
}

// ActorID names an account or a group; exactly one field is set.
type ActorID struct{ AccountID, GroupID string }

// links has the addresses of roles by name. Jira tells the ids of a project's roles nowhere but in these addresses.
type links map[string]string

func (l links) accept() bool { return l != nil }

// ProjectRoles returns the ids of the roles of a project by their names. It calls GET
// /rest/api/3/project/{projectIdOrKey}/role.
func (j *Jira) ProjectRoles(ctx context.Context, projectIDOrKey string) (map[string]int64, error) {
	const op = "GET /rest/api/3/project/{projectIdOrKey}/role"
	found, err := fetch[links](ctx, j.caller, request{op: op, args: []string{projectIDOrKey}, reads: true})
	if err != nil {
		return nil, err
	}
	ids := make(map[string]int64, len(*found))
	for name, address := range *found {
		u, err := url.Parse(address)
		if err != nil {
			return nil, &Error{Kind: Garbled, Op: op, Detail: "the address of role " + name + " is not a URL", Err: err}
		}
		if ids[name], err = strconv.ParseInt(path.Base(u.Path), 10, 64); err != nil {
			return nil, &Error{Kind: Garbled, Op: op, Detail: "the address of role " + name + " has no id", Err: err}
		}
	}
	return ids, nil
}

const projectRole = "/rest/api/3/project/{projectIdOrKey}/role/{id}"

func roleArgs(projectIDOrKey string, roleID int64) []string {
	return []string{projectIDOrKey, strconv.FormatInt(roleID, 10)}
}

// ProjectRole returns a role with its holders in a project, inactive accounts included. It calls GET
// /rest/api/3/project/{projectIdOrKey}/role/{id}.
func (j *Jira) ProjectRole(ctx context.Context, projectIDOrKey string, roleID int64) (*Role, error) {
	return fetch[Role](ctx, j.caller, request{op: "GET " + projectRole, args: roleArgs(projectIDOrKey, roleID), named: strconv.FormatInt(roleID, 10), reads: true})
}

// actors is the body that adds holders.
type actors struct {
	User    []string `json:"user,omitempty"`
	GroupID []string `json:"groupId,omitempty"`
}

// AddActor gives a role to an account or a group and returns the role as it is then. It calls POST
// /rest/api/3/project/{projectIdOrKey}/role/{id}.
//
// It fails with Invalid if the actor holds the role already, and also on the Free plan, where roles cannot be given:
// read the role to tell the two apart. It fails with NotFound if the account is inactive or does not exist.
func (j *Jira) AddActor(ctx context.Context, projectIDOrKey string, roleID int64, actor ActorID) (*Role, error) {
	op := "POST " + projectRole
	if err := actor.check(op); err != nil {
		return nil, err
	}
	var body actors
	if actor.AccountID != "" {
		body.User = []string{actor.AccountID}
	} else {
		body.GroupID = []string{actor.GroupID}
	}
	return fetch[Role](ctx, j.caller, request{op: op, args: roleArgs(projectIDOrKey, roleID), body: body, repeatable: true})
}

// RemoveActor takes a role from an account or a group. It succeeds if the actor does not hold the role. It calls
// DELETE /rest/api/3/project/{projectIdOrKey}/role/{id}.
func (j *Jira) RemoveActor(ctx context.Context, projectIDOrKey string, roleID int64, actor ActorID) error {
	op := "DELETE " + projectRole
	if err := actor.check(op); err != nil {
		return err
	}
	q := url.Values{"groupId": {actor.GroupID}}
	if actor.AccountID != "" {
		q = url.Values{"user": {actor.AccountID}}
	}
	return j.call(ctx, request{op: op, args: roleArgs(projectIDOrKey, roleID), query: q, repeatable: true})
}

func (a ActorID) check(op string) error {
	if (a.AccountID == "") == (a.GroupID == "") {
		return &Error{Kind: Invalid, Op: op, Detail: "exactly one account or group can be named"}
	}
	return nil
}

// GroupAccounts returns the accounts in a group of the site, inactive ones included. It calls GET
// /rest/api/3/group/member.
func (j *Jira) GroupAccounts(ctx context.Context, groupID string) ([]*Account, error) {
	return pages[*Account](ctx, j, "GET /rest/api/3/group/member",
		url.Values{"groupId": {groupID}, "includeInactiveUsers": {"true"}}, 50)
}
