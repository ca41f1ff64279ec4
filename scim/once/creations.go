package once

import (
	"context"
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
	"scim-atlassian/scim/state"
)

// Creations knows what was created lately, and which creations had no answer, by
// externalId. It is safe for concurrent use.
type Creations struct {
	journal journal
	now     func() time.Time

	mu      sync.Mutex
	highest map[string]int // number of the highest key known, by project key
}

const (
	// Settled is after how long a creation without an answer that cannot be found
	// did not happen.
	Settled = 30 * time.Second

	// firstLook is the wait before the second look; each further one is twice as long.
	firstLook = 500 * time.Millisecond

	// looks is how often an issue is looked for whose creation had no answer.
	looks = 3
)

// New returns Creations that are kept in a state. With nil they last as long as the process,
// and no other replica sees them.
func New(store *state.Store, now func() time.Time) *Creations {
	return &Creations{journal: journal{store: store, now: now}, now: now}
}

// Forget says that there is no issue with an externalId any more.
func (c *Creations) Forget(ctx context.Context, id string) error { return c.journal.forget(ctx, id) }

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

// Making says what is created.
type Making struct {
	Project string `json:"project,omitzero"` // key

	// Unmarked says that the externalId is set after the creation. Until then the issue is
	// recognized by its Summary and its Reporter.
	Unmarked bool   `json:"unmarked,omitzero"`
	Summary  string `json:"summary,omitzero"`
	Reporter string `json:"reporter,omitzero"` // accountId; empty: whoever Jira takes
}

// Send creates an issue with an externalId by create, and looks for it if the answer is lost. With
// an error it may return the issue, which then exists without the externalId.
func (c *Creations) Send(ctx context.Context, j *atlassian.Jira, what Making, id string, create func(context.Context) (*atlassian.CreatedIssue, error)) (*atlassian.CreatedIssue, error) {
	after, known := c.top(what.Project)
	if !known {
		var err error
		if after, err = highestKey(ctx, j, what.Project); err != nil {
			return nil, err
		}
		c.saw(fmt.Sprintf("%s-%d", what.Project, after))
	}
	noted := creation{Making: what, After: after, At: c.now()}
	if err := c.journal.note(ctx, id, noted); err != nil {
		return nil, err
	}
	made, err := create(ctx)
	if err == nil {
		c.saw(made.Key)
		return made, c.finish(ctx, j, noted, id, made.ID)
	}
	var failed *atlassian.Error
	if !errors.As(err, &failed) || !failed.Ambiguous {
		_ = c.journal.forget(context.WithoutCancel(ctx), id) // if that fails, a repetition is answered 504 for a while
		return nil, err
	}
	for look := range looks {
		if look > 0 {
			if err := mirror.Sleep(ctx, firstLook<<(look-1)); err != nil {
				break
			}
		}
		found, lookErr := c.look(ctx, j, noted, id, "")
		if lookErr == nil && found != nil {
			return found, nil
		}
	}
	return nil, &resource.Error{
		Status: http.StatusGatewayTimeout, RetryAfter: Settled, Unknown: true, Err: err,
		Detail: "Jira did not answer, and the issue is not there yet. Repeat the request with the same externalId: no second issue is made of it.",
	}
}

// finish gives an issue that was made its externalId, if it has none, and notes it. The note is
// kept even if the request gives up meanwhile; without it, the issue is found as one whose answer was lost.
func (c *Creations) finish(ctx context.Context, j *atlassian.Jira, noted creation, id, issue string) error {
	if noted.Unmarked {
		if err := j.EditIssue(ctx, issue, Mark(id)); err != nil {
			return err
		}
	}
	noted.Issue = issue
	_ = c.journal.note(context.WithoutCancel(ctx), id, noted)
	return nil
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

// isIt reports whether an issue without an externalId may be what was to be made.
func (n creation) isIt(i *atlassian.Issue) bool {
	f := i.Fields
	return n.Unmarked && IDOf(i) == "" && f.Summary == n.Summary && (n.Reporter == "" || f.Reporter != nil && f.Reporter.AccountID == n.Reporter)
}

// look reads the issues with the keys after the highest that was known before a
// creation, as long as there are any, and returns the one with the externalId, or else
// marks the only one that has none and may be it. Of several, nobody can tell which one it is:
// that is 409, except for a request that says it of the issue self.
func (c *Creations) look(ctx context.Context, j *atlassian.Jira, noted creation, id, self string) (*atlassian.CreatedIssue, error) {
	var unmarked []string
	var only *atlassian.Issue
	for from := noted.After + 1; ; from += jql.FetchPage {
		keys := make([]string, jql.FetchPage)
		for i := range keys {
			keys[i] = fmt.Sprintf("%s-%d", noted.Project, from+i)
		}
		found, err := j.BulkFetch(ctx, keys, []string{"project", "summary", "reporter"}, Property)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			break
		}
		for _, issue := range found {
			if IDOf(issue) == id {
				noted.Unmarked = false
				return &atlassian.CreatedIssue{ID: issue.ID, Key: issue.Key}, c.finish(ctx, j, noted, id, issue.ID)
			}
			if noted.isIt(issue) {
				unmarked, only = append(unmarked, issue.Key), issue
				if issue.ID == self {
					return nil, nil
				}
			}
		}
	}
	switch len(unmarked) {
	case 0:
		return nil, nil
	case 1:
		return &atlassian.CreatedIssue{ID: only.ID, Key: only.Key}, c.finish(ctx, j, noted, id, only.ID)
	}
	return nil, resource.Refuse(http.StatusConflict, resource.TypeUniqueness,
		"An earlier request with this externalId had no answer from Jira. One of %s may be its issue, and nothing tells which; give the right one the externalId by a PATCH.", strings.Join(unmarked, ", "))
}

// Known returns the id of the issue with an externalId where that needs no search:
// it was made lately, or its creation had no answer and it is there after all. "" is
// for anything else, and where the issue self is to get the externalId of such a creation. While a creation
// without an answer may still be under way, Known fails with 504.
func (c *Creations) Known(ctx context.Context, j *atlassian.Jira, id, self string) (string, error) {
	noted, known, err := c.journal.of(ctx, id)
	if err != nil || !known || noted.Issue != "" {
		return noted.Issue, err
	}
	found, err := c.look(ctx, j, noted, id, self)
	if err != nil {
		return "", err
	}
	if found != nil {
		return found.ID, nil
	}
	if rest := Settled - c.now().Sub(noted.At); rest > 0 && self == "" {
		return "", &resource.Error{
			Status: http.StatusGatewayTimeout, RetryAfter: rest, Unknown: true,
			Detail: "An earlier request with this externalId had no answer from Jira, and may still be under way. Repeat the request later.",
		}
	}
	return "", nil
}
