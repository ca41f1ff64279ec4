package roles

import (
	"context"
	"slices"
	"strings"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/resource"
)

// Trust sets the time up to which hints have told of every change, see mirror.Mirror.Trust.
func (r *Roles) Trust(fed func() (upTo, since time.Time), most time.Duration) {
	r.mirror.Trust(fed, most)
}

// Reread reads the roles of projects again, which are named by their ids, since
// somebody else may have changed them: one call for the project and one for each role.
func (r *Roles) Reread(ctx context.Context, projects ...string) error {
	if len(projects) == 0 || len(r.keptWhere(func(*Role) bool { return true })) == 0 {
		return nil // the first reading of everything will bring them
	}
	known := r.keptWhere(func(role *Role) bool { return slices.Contains(projects, role.Project.ID) })
	for _, project := range projects {
		if err := r.readNew(ctx, project); err != nil {
			return err
		}
	}
	return r.mirror.Reread(ctx, known...)
}

// readNew reads the roles of a project that are not known.
func (r *Roles) readNew(ctx context.Context, project string) error {
	numbers, err := r.jira.ProjectRoles(ctx, project)
	if atlassian.KindOf(err) == atlassian.NotFound { // the project is gone, or not to be seen
		return nil
	}
	if err != nil {
		return err
	}
	for _, number := range numbers {
		id := roleID(project, number)
		if r.mirror.Known(id) != nil {
			continue
		}
		moment := r.mirror.Moment()
		role, err := r.Read(ctx, id)
		if resource.IsMissing(err) {
			continue // the project is not served
		}
		if err != nil {
			return err
		}
		r.mirror.Saw(moment, role.object())
	}
	return nil
}

// RereadHeldBy reads the roles again that are held by one of these groups, where the
// directory does not have it: its members are a part of the role.
func (r *Roles) RereadHeldBy(ctx context.Context, groups ...string) error {
	outside := func(g roleGroup) bool {
		return g.Directory == "" && slices.ContainsFunc(groups, func(name string) bool { return strings.EqualFold(name, g.Name) })
	}
	return r.mirror.Reread(ctx, r.keptWhere(func(role *Role) bool { return slices.ContainsFunc(role.Groups, outside) })...)
}

// keptWhere returns the ids of the kept roles that are wanted.
func (r *Roles) keptWhere(wanted func(*Role) bool) []string {
	var ids []string
	for _, o := range r.mirror.Copied(nil) {
		if role := roleFrom(o); wanted(role) {
			ids = append(ids, role.EntitlementID())
		}
	}
	return ids
}
