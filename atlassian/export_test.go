package atlassian

import (
	"context"
	"net/url"
	"slices"
)

// Calls that nothing but tests makes.

// SiteGroups returns the groups of the site, or with names the ones among them that have these names. It calls GET
// /rest/api/3/group/bulk.
func (j *Jira) SiteGroups(ctx context.Context, names []string) ([]SiteGroup, error) {
	const op, pageSize, mostNames = "GET /rest/api/3/group/bulk", 50, 30 // names are long, and so are URLs
	if len(names) == 0 {
		return pages[SiteGroup](ctx, j, op, url.Values{}, pageSize)
	}
	var groups []SiteGroup
	for chunk := range slices.Chunk(names, mostNames) {
		found, err := pages[SiteGroup](ctx, j, op, url.Values{"groupName": chunk}, pageSize)
		if err != nil {
			return nil, err
		}
		groups = append(groups, found...)
	}
	return groups, nil
}

// Roles returns the roles of the site and of its team-managed projects. It calls GET /rest/api/3/role, for which the
// account needs the permission Administer Jira.
func (j *Jira) Roles(ctx context.Context) ([]Role, error) {
	return array[Role](ctx, j, "GET /rest/api/3/role")
}

// Labels returns all labels in use. It calls GET /rest/api/3/label.
func (j *Jira) Labels(ctx context.Context) ([]string, error) {
	return pages[string](ctx, j, "GET /rest/api/3/label", url.Values{}, 1000)
}
