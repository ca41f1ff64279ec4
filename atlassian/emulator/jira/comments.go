package jira

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"scim-atlassian/atlassian/emulator/tenant"
)

func commentRoutes() []endpoint {
	return []endpoint{
		{"GET /issue/{issue}/comment", reads, (*call).listComments},
		{"POST /issue/{issue}/comment", writes, (*call).addComment},
		{"GET /issue/{issue}/comment/{comment}", reads, (*call).getComment},
		{"PUT /issue/{issue}/comment/{comment}", writes, (*call).editComment},
		{"DELETE /issue/{issue}/comment/{comment}", writes, (*call).deleteComment},
		{"GET /comment/{comment}/properties", reads, (*call).commentProperties},
		{"GET /comment/{comment}/properties/{key}", reads, (*call).commentProperty},
	}
}

const maxComments = 5000 // of one issue

func (r *renderer) comment(c *comment) any {
	shown := map[string]any{
		"self": r.self("comment/" + c.id), "id": c.id, "author": r.person(c.author), "updateAuthor": r.person(c.updater),
		"body": r.document(c.body), "created": r.time(c.created), "updated": r.time(c.updated), "jsdPublic": !c.internal(),
	}
	if c.visibility != nil {
		shown["visibility"] = c.visibility
	}
	if r.commentProperties {
		shown["properties"] = propertyList(c.properties)
	}
	return shown
}

func propertyList(properties map[string]json.RawMessage) []any {
	list := []any{}
	for _, key := range sortedKeys(properties) {
		list = append(list, map[string]any{"key": key, "value": properties[key]})
	}
	return list
}

// commentPage is the value of the field comment.
func (r *renderer) commentPage(list []*comment) any {
	return map[string]any{"comments": renderAll(list, r.comment), "maxResults": len(list), "total": len(list), "startAt": 0}
}

func (c *call) listComments() (reply, error) {
	i, err := c.pathIssue()
	if err != nil {
		return reply{}, err
	}
	list := slices.Clone(i.x().comments)
	switch c.query.Get("orderBy") {
	case "", "created", "+created", " created":
	case "-created":
		slices.Reverse(list)
	default:
		return reply{}, deny(http.StatusBadRequest, "Comments can be ordered by created only.")
	}
	start, size, err := c.window(100, 100)
	if err != nil {
		return reply{}, err
	}
	c.show.commentProperties = slices.Contains(c.list("expand"), "properties")
	return ok(map[string]any{
		"comments": renderAll(slice(list, start, size), c.show.comment), "startAt": start, "maxResults": size, "total": len(list),
	})
}

// commentBody is a comment as requests write it.
type commentBody struct {
	Body       json.RawMessage `json:"body"`
	Visibility json.RawMessage `json:"visibility"`
	Properties []property      `json:"properties"`
	JSDPublic  *bool           `json:"jsdPublic"`
}

// newComment checks a comment and returns it, not yet added to an issue.
func (d *draft) newComment(body commentBody, by *tenant.Account) (*comment, error) {
	if len(body.Body) == 0 || isNull(body.Body) {
		return nil, denyField("comment", "Comment body can not be empty!")
	}
	text, err := d.document("comment", body.Body)
	if err != nil {
		return nil, err
	}
	if text == nil {
		return nil, denyField("comment", "Comment body can not be empty!")
	}
	if len(d.x().comments) >= maxComments {
		return nil, deny(http.StatusRequestEntityTooLarge, "The issue has reached the limit of %d comments.", maxComments)
	}
	if len(body.Visibility) > 0 && isNull(body.Visibility) {
		body.Visibility = nil
	}
	d.j.lastComment++
	now := d.j.tenant.Now()
	made := &comment{
		id: strconv.Itoa(d.j.lastComment), author: by, updater: by, body: text, created: now, updated: now,
		visibility: body.Visibility, properties: map[string]json.RawMessage{},
	}
	for _, p := range body.Properties {
		made.properties[p.Key] = p.Value
	}
	return made, nil
}

func (c *call) addComment() (reply, error) {
	i, err := c.pathIssue()
	if err != nil {
		return reply{}, err
	}
	var body commentBody
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	made, err := c.draft(i).newComment(body, c.caller)
	if err != nil {
		return reply{}, err
	}
	c.j.amend(i, func(x *extras) { x.comments = append(x.comments, made) })
	c.j.touch(i)
	return reply{http.StatusCreated, c.show.comment(made)}, nil
}

// pathComment finds a comment and its issue.
func (c *call) pathComment() (*issue, *comment, error) {
	i, err := c.pathIssue()
	if err != nil {
		return nil, nil, err
	}
	for _, one := range i.x().comments {
		if one.id == c.PathValue("comment") {
			return i, one, nil
		}
	}
	return nil, nil, deny(http.StatusNotFound, "Can not find a comment for the id: %s.", c.PathValue("comment"))
}

func (c *call) getComment() (reply, error) {
	_, found, err := c.pathComment()
	if err != nil {
		return reply{}, err
	}
	c.show.commentProperties = slices.Contains(c.list("expand"), "properties")
	return ok(c.show.comment(found))
}

func (c *call) editComment() (reply, error) {
	i, old, err := c.pathComment()
	if err != nil {
		return reply{}, err
	}
	var body commentBody
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	text, err := c.draft(i).document("comment", body.Body)
	if err != nil {
		return reply{}, err
	}
	changed := *old
	changed.body, changed.updated, changed.updater = text, c.show.now, c.caller
	c.j.amend(i, func(x *extras) {
		x.comments = slices.Clone(x.comments)
		x.comments[slices.Index(x.comments, old)] = &changed
	})
	return ok(c.show.comment(&changed))
}

func (c *call) deleteComment() (reply, error) {
	i, old, err := c.pathComment()
	if err != nil {
		return reply{}, err
	}
	c.j.amend(i, func(x *extras) {
		x.comments = slices.DeleteFunc(slices.Clone(x.comments), func(one *comment) bool { return one == old })
	})
	return noContent()
}

// anyComment finds the comment of the path in all issues.
func (c *call) anyComment() (*comment, error) {
	for _, i := range c.j.issues {
		for _, one := range i.x().comments {
			if one.id == c.PathValue("comment") {
				return one, nil
			}
		}
	}
	return nil, deny(http.StatusNotFound, "Can not find a comment for the id: %s.", c.PathValue("comment"))
}

func (c *call) commentProperties() (reply, error) {
	found, err := c.anyComment()
	if err != nil {
		return reply{}, err
	}
	return ok(map[string]any{"keys": renderAll(sortedKeys(found.properties), func(key string) any {
		return map[string]any{"key": key, "self": c.show.self("comment/" + found.id + "/properties/" + key)}
	})})
}

func (c *call) commentProperty() (reply, error) {
	found, err := c.anyComment()
	if err != nil {
		return reply{}, err
	}
	key := c.PathValue("key")
	value, given := found.properties[key]
	if !given {
		return reply{}, deny(http.StatusNotFound, "The property with key '%s' does not exist.", key)
	}
	return ok(map[string]any{"key": key, "value": value})
}

// commentsIn reads the comments that the member update of a request adds.
func (d *draft) commentsIn(operations []json.RawMessage) ([]*comment, error) {
	var added []*comment
	for _, operation := range operations {
		var verbs map[string]json.RawMessage
		if json.Unmarshal(operation, &verbs) != nil || len(verbs) != 1 {
			return nil, errBadPayload
		}
		var body commentBody
		if json.Unmarshal(verbs["add"], &body) != nil {
			return nil, denyField("comment", "Field does not support operation '%s'", strings.Join(sortedKeys(verbs), ", "))
		}
		made, err := d.newComment(body, d.by)
		if err != nil {
			return nil, err
		}
		added = append(added, made)
	}
	return added, nil
}
