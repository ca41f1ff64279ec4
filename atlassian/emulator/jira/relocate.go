package jira

import (
	"fmt"
	"slices"
	"strconv"
)

// Relocate moves an issue to another project, as people do in Jira's pages: it keeps its id and gets a new
// key, and the first status of the workflow there. The old key leads to it.
func (j *Jira) Relocate(id, projectKey string) error {
	j.tenant.Lock()
	defer j.tenant.Unlock()
	i, p := j.issueByID[id], j.project(projectKey)
	if i == nil || p == nil || i.project == p {
		return fmt.Errorf("issue %s cannot be moved to the project %s", id, projectKey)
	}
	at := slices.IndexFunc(p.types, func(t *issueType) bool { return t.level == i.kind.level && p.workflows[t] != nil })
	if at < 0 || len(i.subtasks) > 0 {
		return fmt.Errorf("project %s has no type for the issue %s", projectKey, i.key)
	}
	draft := *i
	draft.project, draft.kind, draft.parent, draft.components, draft.versions = p, p.types[at], nil, nil, nil
	draft.status = p.workflows[draft.kind].statuses[0]
	p.lastNumber++
	draft.number, draft.key = p.lastNumber, p.key+"-"+strconv.Itoa(p.lastNumber)
	old := i.key
	j.change(i, &draft, cause{by: i.creator})
	j.movedKeys[old], j.issueByKey[i.key] = i, i
	return nil
}
