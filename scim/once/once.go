// Package once creates an issue once, however often it is asked for.
//
// An externalId is in an entity property of the issue, which is set together with
// its creation, and in a label made from it, by which a search finds the issue. The
// property decides: labels are copied when somebody clones an issue.
//
// Jira knows no key of idempotency. So the writers of one externalId take turns,
// look before they create, and if an answer is lost they look through the keys
// after the highest one known, which are read past the search index.
package once

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/jql"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/resource"
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

// Creations remembers what was created lately, and which creations had no answer,
// by externalId. It is safe for concurrent use.
type Creations struct {
	now     func() time.Time
	mu      sync.Mutex
	made    map[string]string // ids of issues
	lost    map[string]creation
	highest map[string]int // number of the highest key known, by project key
}

// creation is one whose answer was lost.
type creation struct {
	Making
	after int // number of the highest key known before
	at    time.Time
}

const (
	// maxCreations bounds what is remembered.
	maxCreations = 10_000

	// Settled is after how long a creation without an answer that cannot be found
	// did not happen.
	Settled = 30 * time.Second

	// firstLook is the wait before the second look; each further one is twice as long.
	firstLook = 500 * time.Millisecond

	// looks is how often an issue is looked for whose creation had no answer.
	looks = 3
)

// New remembers nothing yet.
func New(now func() time.Time) *Creations { return &Creations{now: now} }

func (c *Creations) note(id, made string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made == nil || len(c.made) >= maxCreations {
		c.made = map[string]string{}
	}
	c.made[id] = made
	delete(c.lost, id)
}

func (c *Creations) lose(id string, lost creation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost == nil {
		c.lost = map[string]creation{}
	}
	lost.at = c.now()
	c.lost[id] = lost
}

// of returns what is remembered of an externalId.
func (c *Creations) of(id string) (made string, lost creation, isLost bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	lost, isLost = c.lost[id]
	return c.made[id], lost, isLost
}

// Forget says that there is no issue with an externalId any more.
func (c *Creations) Forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.made, id)
	delete(c.lost, id)
}

// saw notes a key that exists.
func (c *Creations) saw(key string) {
	project, number := splitKey(key)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.highest == nil {
		c.highest = map[string]int{}
	}
	c.highest[project] = max(c.highest[project], number)
}

// top returns the number of the highest key known in a project; false: none is.
func (c *Creations) top(project string) (int, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, known := c.highest[project]
	return n, known
}

func splitKey(key string) (project string, number int) {
	at := strings.LastIndexByte(key, '-')
	if at < 0 {
		return key, 0
	}
	number, _ = strconv.Atoi(key[at+1:])
	return key[:at], number
}

// Making is how an issue is created.
type Making struct {
	Project string // key
	// Create makes the issue. After an Ambiguous error it is looked for.
	Create func(ctx context.Context) (*atlassian.CreatedIssue, error)

	// Where Create cannot set the property: Mark does afterwards, and may be repeated. IsIt
	// recognizes an issue, by the Fields that it needs, that has no mark yet.
	Mark   func(ctx context.Context, issueID string) error
	IsIt   func(*atlassian.Issue) bool
	Fields []string
}

// Send creates an issue with an externalId, and looks for it if the answer is lost. With
// an error it may return the issue, which then exists without the externalId.
func (c *Creations) Send(ctx context.Context, j *atlassian.Jira, n Making, id string) (*atlassian.CreatedIssue, error) {
	after, known := c.top(n.Project)
	if !known {
		var err error
		if after, err = highestKey(ctx, j, n.Project); err != nil {
			return nil, err
		}
		c.saw(fmt.Sprintf("%s-%d", n.Project, after))
	}
	lost := creation{Making: n, after: after}
	made, err := n.Create(ctx)
	if err == nil {
		c.saw(made.Key)
		if n.Mark != nil {
			if err := n.Mark(ctx, made.ID); err != nil {
				c.lose(id, lost)
				return made, err
			}
		}
		c.note(id, made.ID)
		return made, nil
	}
	var failed *atlassian.Error
	if !errors.As(err, &failed) || !failed.Ambiguous {
		return nil, err
	}
	c.lose(id, lost)
	for look := range looks {
		if look > 0 {
			if err := mirror.Sleep(ctx, firstLook<<(look-1)); err != nil {
				break
			}
		}
		found, lookErr := c.look(ctx, j, lost, id)
		if lookErr == nil && found != nil {
			return found, nil
		}
	}
	return nil, &resource.Error{
		Status: http.StatusGatewayTimeout, RetryAfter: Settled, Unknown: true, Err: err,
		Detail: "Jira did not answer, and the issue is not there yet. Repeat the request with the same externalId: no second issue is made of it.",
	}
}

// highestKey returns the number of the highest key in a project that the search
// index knows, 0 if it has no issue.
func highestKey(ctx context.Context, j *atlassian.Jira, project string) (int, error) {
	page, err := j.Search(ctx, atlassian.SearchRequest{JQL: jql.LatestIn(project), MaxResults: 1, Fields: []string{"key"}})
	if err != nil || len(page.Issues) == 0 {
		return 0, err
	}
	_, number := splitKey(page.Issues[0].Key)
	return number, nil
}

// look reads the issues with the keys after the highest that was known before a
// creation, as long as there are any, and returns the one with the externalId, or else
// marks the only one that has none and is recognized.
func (c *Creations) look(ctx context.Context, j *atlassian.Jira, lost creation, id string) (*atlassian.CreatedIssue, error) {
	var unmarked []*atlassian.Issue
	for from := lost.after + 1; ; from += jql.FetchPage {
		keys := make([]string, jql.FetchPage)
		for i := range keys {
			keys[i] = fmt.Sprintf("%s-%d", lost.Project, from+i)
		}
		found, err := j.BulkFetch(ctx, keys, append([]string{"project"}, lost.Fields...), Property)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			break
		}
		for _, issue := range found {
			if IDOf(issue) == id {
				return c.found(issue, id), nil
			}
			if lost.IsIt != nil && IDOf(issue) == "" && lost.IsIt(issue) {
				unmarked = append(unmarked, issue)
			}
		}
	}
	if len(unmarked) != 1 {
		return nil, nil
	}
	if err := lost.Mark(ctx, unmarked[0].ID); err != nil {
		return nil, err
	}
	return c.found(unmarked[0], id), nil
}

func (c *Creations) found(issue *atlassian.Issue, id string) *atlassian.CreatedIssue {
	c.note(id, issue.ID)
	return &atlassian.CreatedIssue{ID: issue.ID, Key: issue.Key}
}

// Known returns the id of the issue with an externalId where that needs no search:
// it was made lately, or its creation had no answer and it is there after all. "" is
// for anything else. While a creation without an answer may still be under way,
// Known fails with 504.
func (c *Creations) Known(ctx context.Context, j *atlassian.Jira, id string) (string, error) {
	made, lost, isLost := c.of(id)
	if made != "" || !isLost {
		return made, nil
	}
	found, err := c.look(ctx, j, lost, id)
	if err != nil || found != nil {
		if found == nil {
			return "", err
		}
		return found.ID, nil
	}
	if rest := Settled - c.now().Sub(lost.at); rest > 0 {
		return "", &resource.Error{
			Status: http.StatusGatewayTimeout, RetryAfter: rest, Unknown: true,
			Detail: "An earlier request with this externalId had no answer from Jira, and may still be under way. Repeat the request later.",
		}
	}
	return "", nil
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
