// Package around reads and writes what Jira keeps beside the fields of an issue:
// comments, the changelog, possible transitions, watchers and links.
package around

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/adf"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// OnRequest are the attributes that cost calls of their own, so that they are read when
// somebody asks for them.
var OnRequest = []string{"comments", "transitions", "changes", "watchers", "remoteLinks"}

// Read returns one of the attributes of an issue, nil if it has no value. It costs a
// call, more for many comments.
func Read(ctx context.Context, j *atlassian.Jira, id, attribute string) (any, error) {
	switch attribute {
	case "comments":
		return list(j.Comments(ctx, id))(comment)
	case "transitions":
		return list(j.Transitions(ctx, id))(transition)
	case "watchers":
		return list(j.Watchers(ctx, id))(func(a *atlassian.Account) (any, error) { return person(a), nil })
	case "remoteLinks":
		return list(j.RemoteLinks(ctx, id))(remoteLink)
	}
	return nil, fmt.Errorf("around: there is no attribute %s", attribute)
}

// list converts what was read, unless that failed.
func list[T any](all []T, err error) func(func(T) (any, error)) (any, error) {
	return func(convert func(T) (any, error)) (any, error) {
		if err != nil || len(all) == 0 {
			return nil, err
		}
		out := make([]any, len(all))
		for i, one := range all {
			var err error
			if out[i], err = convert(one); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
}

func person(a *atlassian.Account) query.Object {
	if a == nil {
		return nil
	}
	return query.Texts("value", a.AccountID, "display", a.DisplayName)
}

func comment(c *atlassian.Comment) (any, error) {
	body, err := adf.Text(c.Body)
	if err != nil {
		return nil, &resource.Error{Status: 502, Detail: "A comment cannot be read.", Err: err}
	}
	o := query.Texts("id", c.ID, "body", body)
	if c.Author != nil {
		o.Set("author", person(c.Author))
	}
	o.Set("created", c.Created.Time)
	o.Set("updated", c.Updated.Time)
	o.Set("internal", c.JSDPublic != nil && !*c.JSDPublic)
	return o, nil
}

func transition(t atlassian.Transition) (any, error) {
	o := query.Texts("id", t.ID, "name", t.Name)
	o.Set("to", query.Texts("id", t.To.ID, "name", t.To.Name, "category", t.To.Category.Name))
	var required []any
	for _, f := range t.Fields {
		if f.Required && !f.HasDefaultValue {
			required = append(required, f.Name)
		}
	}
	if required != nil {
		slices.SortFunc(required, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
		o.Set("required", required)
	}
	return o, nil
}

func remoteLink(l atlassian.RemoteLink) (any, error) {
	return query.Texts("id", fmt.Sprint(l.ID), "globalId", l.GlobalID, "url", l.Object.URL, "title", l.Object.Title), nil
}

// Changes returns the changes of issues by their ids, oldest first. name is the attribute
// that a field is. It costs a call for every 1,000 issues or changes.
func Changes(ctx context.Context, j *atlassian.Jira, ids []string, name func(field string) string) (map[string][]any, error) {
	all := map[string][]any{}
	for chunk := range slices.Chunk(ids, 1000) {
		logs, err := j.Changelogs(ctx, chunk)
		if err != nil {
			return nil, err
		}
		for id, histories := range logs {
			for _, h := range histories {
				for n, item := range h.Items {
					all[id] = append(all[id], change(h, n, item, name))
				}
			}
		}
	}
	return all, nil
}

func change(h atlassian.History, n int, item atlassian.HistoryItem, name func(string) string) query.Object {
	attribute := item.Field
	if item.FieldID != "" {
		attribute = name(item.FieldID)
	}
	o := query.Texts("id", fmt.Sprintf("%s-%d", h.ID, n))
	o.Set("at", h.Created.Time)
	if h.Author != nil {
		o.Set("by", person(h.Author))
	}
	o = append(o, query.Texts("attribute", attribute, "from", orID(item.FromText, item.From), "to", orID(item.ToText, item.To))...)
	if h.HistoryMetadata != nil && h.HistoryMetadata.Actor.ID != "" {
		o.Set("actor", h.HistoryMetadata.Actor.ID)
	}
	return o
}

func orID(text, id string) string {
	if text == "" {
		return id
	}
	return text
}

// rawJSON is JSON that is sent as it is.
type rawJSON []byte

// MarshalJSON implements json.Marshaler.
func (r rawJSON) MarshalJSON() ([]byte, error) { return r, nil }

// NewComments returns the comments that a write adds: the elements without an id. One
// with an id must be there already, since comments cannot be changed.
func NewComments(ctx context.Context, j *atlassian.Jira, id string, v any) ([]atlassian.NewComment, error) {
	elements, _ := v.([]any)
	var added []atlassian.NewComment
	var known []*atlassian.Comment
	for _, e := range elements {
		o, _ := e.(query.Object)
		if given := o.Text("id"); given != "" {
			if known == nil && id != "" {
				var err error
				if known, err = j.Comments(ctx, id); err != nil {
					return nil, err
				}
			}
			if !slices.ContainsFunc(known, func(c *atlassian.Comment) bool { return c.ID == given }) {
				return nil, resource.InvalidValue("comments: the issue has no comment with the id %s; leave the id out of a new one.", resource.InQuotes(given))
			}
			continue
		}
		c, err := newComment(o)
		if err != nil {
			return nil, err
		}
		added = append(added, c)
	}
	return added, nil
}

func newComment(o query.Object) (atlassian.NewComment, error) {
	body, err := adf.Update(nil, o.Text("body"), false)
	if err != nil {
		return atlassian.NewComment{}, resource.InvalidValue("comments: %s.", strings.TrimPrefix(err.Error(), "adf: "))
	}
	if len(body) == 0 {
		return atlassian.NewComment{}, resource.InvalidValue("comments: a new comment needs a body.")
	}
	c := atlassian.NewComment{Body: rawJSON(body)}
	if internal, _ := o.Get("internal"); internal == true {
		c.Properties = atlassian.InternalComment()
	}
	return c, nil
}

// Links returns the links of an issue, as its field has them.
func Links(links []atlassian.IssueLink) []any {
	var list []any
	for _, l := range links {
		other, direction := l.Outward, "outward"
		if other == nil {
			other, direction = l.Inward, "inward"
		}
		if other != nil {
			list = append(list, query.Texts("id", l.ID, "type", l.Type.Name, "direction", direction, "value", other.ID, "key", other.Key))
		}
	}
	return list
}

// CheckLinks refuses links without a type, a direction or an issue.
func CheckLinks(want []query.Object) error {
	for _, o := range want {
		direction := o.Text("direction")
		if o.Text("type") == "" || direction != "outward" && direction != "inward" || o.Text("value") == "" && o.Text("key") == "" {
			return resource.InvalidValue("links: each needs a type, a direction (outward or inward), and the other issue by value (id) or key.")
		}
	}
	return nil
}

// CheckRemoteLinks refuses links without an address.
func CheckRemoteLinks(want []query.Object) error {
	for _, o := range want {
		if o.Text("url") == "" {
			return resource.InvalidValue("remoteLinks: each needs a url.")
		}
	}
	return nil
}
