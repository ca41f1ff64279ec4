// Package once creates an issue once, however often it is asked for.
//
// An externalId is in an entity property of the issue, which is set together with
// its creation, and in a label made from it, by which a search finds the issue. The
// property decides: labels are copied when somebody clones an issue.
//
// Jira knows no key of idempotency. So the writers of one externalId take turns,
// look before they create, and note in the state what they are about to do. If an answer is
// lost, or the process ends before it came, they look through the keys
// after the highest one known, which are read past the search index.
package once

import (
	"context"
	"encoding/json"
	"sync"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/jql"
	"scim-atlassian/scim/upstream"
)

// Property is the entity property with the externalId.
const Property = "scim-atlassian.externalId"

type externalID struct {
	Value string `json:"value"`
}

// Properties are the entity properties of an issue with an externalId.
func Properties(id string) []atlassian.Property {
	return []atlassian.Property{{Key: Property, Value: externalID{id}}}
}

// Mark is what gives an issue that is there an externalId. Its labels stay.
func Mark(id string) atlassian.IssueUpdate {
	return atlassian.IssueUpdate{
		Update:     map[string]any{"labels": []any{map[string]any{"add": jql.Marker(id)}}},
		Properties: Properties(id),
	}
}

// IDOf returns the externalId of an issue whose property was read, or "".
func IDOf(i *atlassian.Issue) string {
	var kept externalID
	if json.Unmarshal(i.Properties[Property], &kept) != nil {
		return ""
	}
	return kept.Value
}

// Claim gives its caller the right to create the issue with an externalId, and waits
// for whoever has it. release gives it back.
type Claim func(ctx context.Context, externalID string) (release func(), err error)

// Turns is a Claim among the requests of one process. It is safe for concurrent use.
type Turns struct {
	mu   sync.Mutex
	held map[string]*turn
}

type turn struct {
	free    chan struct{} // holds one token while nobody has the turn
	waiting int
}

// Claim implements the type Claim.
func (t *Turns) Claim(ctx context.Context, id string) (release func(), err error) {
	t.mu.Lock()
	if t.held == nil {
		t.held = map[string]*turn{}
	}
	mine := t.held[id]
	if mine == nil {
		mine = &turn{free: make(chan struct{}, 1)}
		mine.free <- struct{}{}
		t.held[id] = mine
	}
	mine.waiting++
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if mine.waiting--; mine.waiting == 0 {
			delete(t.held, id)
		}
	}
	select {
	case <-mine.free:
		return func() { mine.free <- struct{}{}; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}

// Search returns the ids of the issues in projects that the search index knows to have
// the label of an externalId.
func Search(ctx context.Context, j *atlassian.Jira, projects []jql.Entry, id string) ([]string, error) {
	if len(projects) == 0 {
		return nil, nil
	}
	page, err := j.Search(ctx, atlassian.SearchRequest{JQL: jql.Marked(projects, id), MaxResults: 50, Fields: []string{"id"}})
	if err != nil {
		return nil, err
	}
	if len(page.Warnings) > 0 {
		return nil, upstream.BadGateway("Jira says that its search is not complete: %s", page.Warnings[0].Message)
	}
	var ids []string
	for _, issue := range page.Issues {
		ids = append(ids, issue.ID)
	}
	return ids, nil
}
