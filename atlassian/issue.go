package atlassian

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sync/errgroup"
)

// bulkSize is the most issues that one bulkfetch takes.
const bulkSize = 100

// Issue is an issue. Fields holds the fields that were requested and are visible; the others are zero.
type Issue struct {
	ID     string      `json:"id"`
	Key    string      `json:"key"`
	Fields IssueFields `json:"fields"`
	// Properties are the entity properties that were asked for and that the issue has.
	Properties map[string]json.RawMessage `json:"properties"`
}

// IssueFields are the system fields of an issue.
type IssueFields struct {
	Project        *Project        `json:"project"`
	IssueType      *IssueType      `json:"issuetype"`
	Summary        string          `json:"summary"`
	Description    json.RawMessage `json:"description"` // an Atlassian document (ADF); nil when empty
	Status         *Status         `json:"status"`
	Priority       *Named          `json:"priority"`
	Resolution     *Named          `json:"resolution"` // nil while open
	Assignee       *Account        `json:"assignee"`
	Reporter       *Account        `json:"reporter"`
	Creator        *Account        `json:"creator"`
	Labels         []string        `json:"labels"`
	Components     []Named         `json:"components"`
	FixVersions    []Named         `json:"fixVersions"`
	Parent         *LinkedIssue    `json:"parent"`
	Subtasks       []LinkedIssue   `json:"subtasks"`
	DueDate        string          `json:"duedate"` // YYYY-MM-DD
	Created        Time            `json:"created"`
	Updated        Time            `json:"updated"`
	ResolutionDate Time            `json:"resolutiondate"`

	Environment  json.RawMessage `json:"environment"` // an Atlassian document; nil when empty
	Security     *Named          `json:"security"`    // nil: everybody who sees the project
	Versions     []Named         `json:"versions"`    // that the issue affects
	TimeTracking TimeTracking    `json:"timetracking"`
	Links        []IssueLink     `json:"issuelinks"`

	// Custom are the other fields, as Jira shows them: custom ones by customfield_ and their number.
	Custom map[string]jsontext.Value `json:",embed"`
}

// TimeTracking is how long the work takes, in Jira's notation, such as 2d 4h; empty: not estimated.
type TimeTracking struct {
	OriginalEstimate  string `json:"originalEstimate"`
	RemainingEstimate string `json:"remainingEstimate"`
}

// Named is anything that Jira knows by an id and a name. Names are not unique.
type Named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// LinkedIssue is a parent or a subtask, with little of its fields.
type LinkedIssue struct {
	ID     string `json:"id"`
	Key    string `json:"key"`
	Fields struct {
		Summary   string     `json:"summary"`
		Status    *Status    `json:"status"`
		IssueType *IssueType `json:"issuetype"`
	} `json:"fields"`
}

// Time is a point in time in Jira's notation, 2006-01-02T15:04:05.000-0700, with the offset of the account that makes
// the request. It is zero when the field is empty.
type Time struct{ time.Time }

// UnmarshalJSON accepts Jira's notation, RFC 3339 and null.
func (t *Time) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*t = Time{}
		return nil
	}
	text := strings.Trim(string(b), `"`)
	parsed, err := time.Parse("2006-01-02T15:04:05.999-0700", text)
	if err != nil {
		if parsed, err = time.Parse(time.RFC3339, text); err != nil {
			return fmt.Errorf("%.40q is not a time", text)
		}
	}
	t.Time = parsed
	return nil
}

func (i *Issue) accept() bool {
	for _, text := range []*json.RawMessage{&i.Fields.Description, &i.Fields.Environment} {
		if string(*text) == "null" {
			*text = nil
		}
	}
	return i.ID != ""
}

// Issue returns one issue by id or key, with the named fields, or all of them when fields is empty, and the named entity
// properties. It calls GET /rest/api/3/issue/{issueIdOrKey}. The key of a moved issue still finds it: compare Issue.Key.
func (j *Jira) Issue(ctx context.Context, idOrKey string, fields []string, properties ...string) (*Issue, error) {
	q := url.Values{}
	if len(fields) > 0 {
		q.Set("fields", strings.Join(fields, ","))
	}
	if len(properties) > 0 {
		q.Set("properties", strings.Join(properties, ","))
	}
	return fetch[Issue](ctx, j.caller, request{
		op: "GET /rest/api/3/issue/{issueIdOrKey}", args: []string{idOrKey}, query: q, reads: true,
	})
}

type bulkFetch struct {
	Issues     []string `json:"issueIdsOrKeys"`
	Fields     []string `json:"fields,omitzero"`
	Properties []string `json:"properties,omitzero"`
}

type bulkFetched struct {
	Issues []*Issue `json:"issues"`
}

func (b *bulkFetched) accept() bool { return acceptAll(b.Issues) }

func acceptAll(issues []*Issue) bool {
	return issues != nil && !slices.ContainsFunc(issues, func(i *Issue) bool { return i == nil || !i.accept() })
}

// BulkFetch returns the issues of any number of ids or keys as they are now, without the lag of a search, in any order.
// It leaves out unknown and invisible issues. Without fields it returns the navigable ones. It calls POST
// /rest/api/3/issue/bulkfetch once for every 100 issues, in parallel. The named entity properties, at most 5, come along.
func (j *Jira) BulkFetch(ctx context.Context, idsOrKeys []string, fields []string, properties ...string) ([]*Issue, error) {
	chunks := slices.Collect(slices.Chunk(idsOrKeys, bulkSize))
	answers := make([]bulkFetched, len(chunks))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(j.cfg.MaxConcurrent)
	for i, chunk := range chunks {
		group.Go(func() error {
			return j.call(ctx, request{
				op: "POST /rest/api/3/issue/bulkfetch", body: bulkFetch{chunk, fields, properties}, into: &answers[i], reads: true, scans: true,
			})
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	issues := make([]*Issue, 0, len(idsOrKeys))
	for _, answer := range answers {
		issues = append(issues, answer.Issues...)
	}
	return issues, nil
}

// CreatedIssue names a new issue.
type CreatedIssue struct {
	ID  string `json:"id"`
	Key string `json:"key"`
}

func (c *CreatedIssue) accept() bool { return c.ID != "" && c.Key != "" }

// IssueUpdate changes an issue: Fields are set, Update holds operations by field. A field may be in one of them only.
type IssueUpdate struct {
	Fields          map[string]any   `json:"fields,omitzero"`
	Update          map[string]any   `json:"update,omitzero"`
	Properties      []Property       `json:"properties,omitzero"`
	HistoryMetadata *HistoryMetadata `json:"historyMetadata,omitzero"` // not on creation
}

// Property is an entity property of an issue. Value is encoded as JSON.
type Property struct {
	Key   string `json:"key"`
	Value any    `json:"value"`
}

// HistoryMetadata says in the changelog on whose behalf a change was made.
type HistoryMetadata struct {
	Type        string       `json:"type,omitzero"`
	Description string       `json:"description,omitzero"`
	Actor       HistoryActor `json:"actor,omitzero"`
	Cause       HistoryActor `json:"cause,omitzero"`
	Generator   HistoryActor `json:"generator,omitzero"`
}

// HistoryActor is a person, a system or a request outside of Jira.
type HistoryActor struct {
	ID          string `json:"id,omitzero"`
	DisplayName string `json:"displayName,omitzero"`
	Type        string `json:"type,omitzero"`
}

// CreateIssue creates an issue. It calls POST /rest/api/3/issue, which has no idempotency key: after an Ambiguous
// error the issue may exist. The properties are set together with its creation.
func (j *Jira) CreateIssue(ctx context.Context, fields map[string]any, properties ...Property) (*CreatedIssue, error) {
	return fetch[CreatedIssue](ctx, j.caller, request{op: "POST /rest/api/3/issue", body: IssueUpdate{Fields: fields, Properties: properties}})
}

// EditIssue changes fields of an issue, but never its status. It calls PUT /rest/api/3/issue/{issueIdOrKey}.
func (j *Jira) EditIssue(ctx context.Context, idOrKey string, update IssueUpdate) error {
	return j.call(ctx, request{
		op: "PUT /rest/api/3/issue/{issueIdOrKey}", args: []string{idOrKey}, body: update, repeatable: update.idempotent(),
	})
}

// idempotent reports whether the update may be applied twice. Operations on some fields append.
func (u IssueUpdate) idempotent() bool {
	for _, field := range []string{"comment", "worklog", "issuelinks", "attachment"} {
		if _, appends := u.Update[field]; appends {
			return false
		}
	}
	return true
}

// DeleteIssue deletes an issue for good. It calls DELETE /rest/api/3/issue/{issueIdOrKey}; an issue with subtasks is
// Invalid unless they go with it.
func (j *Jira) DeleteIssue(ctx context.Context, idOrKey string, deleteSubtasks bool) error {
	return j.call(ctx, request{
		op: "DELETE /rest/api/3/issue/{issueIdOrKey}", args: []string{idOrKey}, repeatable: true,
		query: url.Values{"deleteSubtasks": {strconv.FormatBool(deleteSubtasks)}},
	})
}
