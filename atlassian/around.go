package atlassian

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
)

// Comment is a comment of an issue.
type Comment struct {
	ID         string          `json:"id"`
	Author     *Account        `json:"author"` // nil: unknown
	Body       json.RawMessage `json:"body"`   // an Atlassian document
	Created    Time            `json:"created"`
	Updated    Time            `json:"updated"`
	JSDPublic  *bool           `json:"jsdPublic"` // false: customers of the service desk do not see it
	Visibility *Visibility     `json:"visibility"`
}

// Visibility restricts who sees a comment: a group or a role.
type Visibility struct {
	Type       string `json:"type"`
	Value      string `json:"value,omitzero"`
	Identifier string `json:"identifier,omitzero"`
}

func (c *Comment) accept() bool { return c.ID != "" }

type commentPage struct {
	Comments []*Comment `json:"comments"`
	Total    int        `json:"total"`
}

func (p *commentPage) accept() bool { return p.Comments != nil }

// Comments returns the comments of an issue that the caller may see, oldest first. It calls GET
// /rest/api/3/issue/{issueIdOrKey}/comment once for every 100.
func (j *Jira) Comments(ctx context.Context, idOrKey string) ([]*Comment, error) {
	const op = "GET /rest/api/3/issue/{issueIdOrKey}/comment"
	var all []*Comment
	for {
		var page commentPage
		q := url.Values{"startAt": {strconv.Itoa(len(all))}, "maxResults": {"100"}, "orderBy": {"created"}}
		if err := j.call(ctx, request{op: op, args: []string{idOrKey}, query: q, into: &page, reads: true}); err != nil {
			return nil, err
		}
		all = append(all, page.Comments...)
		if len(page.Comments) == 0 || len(all) >= page.Total {
			return all, nil
		}
	}
}

// NewComment is a comment to be added. Internal hides it from customers of the service desk.
type NewComment struct {
	Body       any         `json:"body"` // an Atlassian document
	Visibility *Visibility `json:"visibility,omitzero"`
	Properties []Property  `json:"properties,omitzero"`
}

// InternalComment are the properties that hide a comment from customers of the service desk.
func InternalComment() []Property {
	return []Property{{Key: "sd.public.comment", Value: map[string]bool{"internal": true}}}
}

// AddComment adds a comment. It calls POST /rest/api/3/issue/{issueIdOrKey}/comment: twice would be two comments.
func (j *Jira) AddComment(ctx context.Context, idOrKey string, comment NewComment) (*Comment, error) {
	return fetch[Comment](ctx, j.caller, request{
		op: "POST /rest/api/3/issue/{issueIdOrKey}/comment", args: []string{idOrKey}, body: comment,
	})
}

// History is one change of an issue in its changelog.
type History struct {
	ID              string           `json:"id"`
	Author          *Account         `json:"author"` // nil for some changes of the system
	Created         Time             `json:"created"`
	Items           []HistoryItem    `json:"items"`
	HistoryMetadata *HistoryMetadata `json:"historyMetadata"`
}

// HistoryItem is the change of one field. From and To are ids, FromText and ToText what people read.
type HistoryItem struct {
	Field    string `json:"field"`
	FieldID  string `json:"fieldId"`
	From     string `json:"from"`
	FromText string `json:"fromString"`
	To       string `json:"to"`
	ToText   string `json:"toString"`
}

type changelogs struct {
	Logs []struct {
		IssueID   string    `json:"issueId"`
		Histories []History `json:"changeHistories"`
	} `json:"issueChangeLogs"`
	Next string `json:"nextPageToken"`
}

func (c *changelogs) accept() bool { return c.Logs != nil }

// Changelogs returns the changes of issues by their ids, oldest first. It calls POST
// /rest/api/3/changelog/bulkfetch, for at most 1,000 issues, once for every 1,000 changes.
func (j *Jira) Changelogs(ctx context.Context, ids []string) (map[string][]History, error) {
	const op = "POST /rest/api/3/changelog/bulkfetch"
	all := map[string][]History{}
	body := map[string]any{"issueIdsOrKeys": ids, "maxResults": 1000}
	for {
		answer, err := fetch[changelogs](ctx, j.caller, request{op: op, body: body, reads: true})
		if err != nil {
			return nil, err
		}
		for _, log := range answer.Logs {
			all[log.IssueID] = append(all[log.IssueID], log.Histories...)
		}
		if answer.Next == "" {
			return all, nil
		}
		body["nextPageToken"] = answer.Next
	}
}

type watchers struct {
	Watchers []*Account `json:"watchers"`
}

func (w *watchers) accept() bool { return w.Watchers != nil }

// Watchers returns who watches an issue; nobody without the permission to see it. It calls GET
// /rest/api/3/issue/{issueIdOrKey}/watchers.
func (j *Jira) Watchers(ctx context.Context, idOrKey string) ([]*Account, error) {
	answer, err := fetch[watchers](ctx, j.caller, request{
		op: "GET /rest/api/3/issue/{issueIdOrKey}/watchers", args: []string{idOrKey}, reads: true,
	})
	if err != nil {
		return nil, err
	}
	return answer.Watchers, nil
}

// Watch makes an account watch an issue. It calls POST /rest/api/3/issue/{issueIdOrKey}/watchers.
func (j *Jira) Watch(ctx context.Context, idOrKey, accountID string) error {
	return j.call(ctx, request{
		op: "POST /rest/api/3/issue/{issueIdOrKey}/watchers", args: []string{idOrKey}, body: accountID, repeatable: true,
	})
}

// Unwatch makes an account watch an issue no longer. It calls DELETE /rest/api/3/issue/{issueIdOrKey}/watchers.
func (j *Jira) Unwatch(ctx context.Context, idOrKey, accountID string) error {
	return j.call(ctx, request{
		op: "DELETE /rest/api/3/issue/{issueIdOrKey}/watchers", args: []string{idOrKey},
		query: url.Values{"accountId": {accountID}}, repeatable: true,
	})
}

// LinkType is a kind of link between issues; Inward and Outward are how each end reads.
type LinkType struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Inward  string `json:"inward"`
	Outward string `json:"outward"`
}

type linkTypes struct {
	Types []LinkType `json:"issueLinkTypes"`
}

func (l *linkTypes) accept() bool { return l.Types != nil }

// LinkTypes returns the kinds of links that issues can have. It calls GET /rest/api/3/issueLinkType.
func (j *Jira) LinkTypes(ctx context.Context) ([]LinkType, error) {
	answer, err := fetch[linkTypes](ctx, j.caller, request{op: "GET /rest/api/3/issueLinkType", reads: true})
	if err != nil {
		return nil, err
	}
	return answer.Types, nil
}

// IssueLink is a link as one of its issues shows it: with the issue at its other end.
type IssueLink struct {
	ID      string       `json:"id"`
	Type    LinkType     `json:"type"`
	Inward  *LinkedIssue `json:"inwardIssue"`
	Outward *LinkedIssue `json:"outwardIssue"`
}

// LinkIssues links two issues, given by id or key, so that from shows to as its outward issue. Twice is the same as
// once. It calls POST /rest/api/3/issueLink.
func (j *Jira) LinkIssues(ctx context.Context, typeName, from, to string) error {
	return j.call(ctx, request{op: "POST /rest/api/3/issueLink", repeatable: true, body: map[string]any{
		"type": map[string]string{"name": typeName}, "inwardIssue": idOrKey(from), "outwardIssue": idOrKey(to),
	}})
}

func idOrKey(name string) map[string]string {
	if strings.Contains(name, "-") {
		return map[string]string{"key": name}
	}
	return map[string]string{"id": name}
}

// DeleteLink deletes a link. It calls DELETE /rest/api/3/issueLink/{linkId}.
func (j *Jira) DeleteLink(ctx context.Context, id string) error {
	return j.call(ctx, request{op: "DELETE /rest/api/3/issueLink/{linkId}", args: []string{id}, repeatable: true})
}

// RemoteLink leads from an issue to a page elsewhere. GlobalID is the caller's own name of it, unique in the issue.
type RemoteLink struct {
	ID       int64        `json:"id,omitzero"`
	GlobalID string       `json:"globalId,omitzero"`
	Object   RemoteObject `json:"object"`
}

// RemoteObject is what a remote link leads to.
type RemoteObject struct {
	URL   string `json:"url"`
	Title string `json:"title"`
}

// RemoteLinks returns the remote links of an issue. It calls GET /rest/api/3/issue/{issueIdOrKey}/remotelink.
func (j *Jira) RemoteLinks(ctx context.Context, idOrKey string) ([]RemoteLink, error) {
	return array[RemoteLink](ctx, j, "GET /rest/api/3/issue/{issueIdOrKey}/remotelink", idOrKey)
}

// SetRemoteLink creates a remote link, or replaces the one with its GlobalID. It calls POST
// /rest/api/3/issue/{issueIdOrKey}/remotelink.
func (j *Jira) SetRemoteLink(ctx context.Context, idOrKey string, link RemoteLink) error {
	return j.call(ctx, request{
		op: "POST /rest/api/3/issue/{issueIdOrKey}/remotelink", args: []string{idOrKey}, body: link, repeatable: link.GlobalID != "",
	})
}

// DeleteRemoteLink deletes a remote link. It calls DELETE /rest/api/3/issue/{issueIdOrKey}/remotelink/{linkId}.
func (j *Jira) DeleteRemoteLink(ctx context.Context, idOrKey string, id int64) error {
	return j.call(ctx, request{
		op:   "DELETE /rest/api/3/issue/{issueIdOrKey}/remotelink/{linkId}",
		args: []string{idOrKey, strconv.FormatInt(id, 10)}, repeatable: true,
	})
}
