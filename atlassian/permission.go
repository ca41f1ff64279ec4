package atlassian

import (
	"context"
	"slices"
	"strconv"
)

// Granted returns, for each of the project permissions, such as CREATE_ISSUES, the ids of those projects in which the
// account of the credential has it. It calls POST /rest/api/3/permissions/check, which reads only, for every thousand
// projects. A permission that Jira does not know is Invalid.
func (j *Jira) Granted(ctx context.Context, permissions []string, projects []Project) (map[string][]string, error) {
	const most = 1000
	granted := make(map[string][]string, len(permissions))
	for chunk := range slices.Chunk(projects, most) {
		answer, err := j.checkPermissions(ctx, permissions, chunk)
		if err != nil {
			return nil, err
		}
		for _, p := range answer.ProjectPermissions {
			for _, id := range p.Projects {
				granted[p.Permission] = append(granted[p.Permission], strconv.FormatInt(id, 10))
			}
		}
	}
	return granted, nil
}

func (j *Jira) checkPermissions(ctx context.Context, permissions []string, projects []Project) (*permissionGrants, error) {
	const op = "POST /rest/api/3/permissions/check"
	ids := make([]int64, len(projects))
	for i, p := range projects {
		id, err := strconv.ParseInt(p.ID, 10, 64)
		if err != nil {
			return nil, &Error{Kind: Garbled, Op: op, Detail: "the id of project " + p.Key + " is not a number", Err: err}
		}
		ids[i] = id
	}
	body := permissionCheck{[]projectPermissions{{Permissions: permissions, Projects: ids}}}
	return fetch[permissionGrants](ctx, j.caller, request{op: op, body: body, reads: true})
}

type permissionCheck struct {
	ProjectPermissions []projectPermissions `json:"projectPermissions"`
}

type projectPermissions struct {
	Permissions []string `json:"permissions"`
	Projects    []int64  `json:"projects"`
}

type permissionGrants struct {
	ProjectPermissions []struct {
		Permission string  `json:"permission"`
		Projects   []int64 `json:"projects"`
	} `json:"projectPermissions"`
}

func (g *permissionGrants) accept() bool { return g.ProjectPermissions != nil }
