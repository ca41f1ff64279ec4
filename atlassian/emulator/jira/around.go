package jira

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"scim-atlassian/atlassian/emulator/tenant"
)

// What stands around an issue: watchers, links, properties and security levels.

func aroundRoutes() []endpoint {
	return []endpoint{
		{"GET /issue/{issue}/watchers", reads, (*call).listWatchers},
		{"POST /issue/{issue}/watchers", writes, (*call).addWatcher},
		{"DELETE /issue/{issue}/watchers", writes, (*call).removeWatcher},
		{"PUT /issue/{issue}/assignee", writes, (*call).assign},
		{"GET /issue/{issue}/votes", reads, (*call).votes},
		{"GET /issue/{issue}/worklog", reads, (*call).worklog},
		{"GET /issue/{issue}/remotelink", reads, (*call).listRemoteLinks},
		{"POST /issue/{issue}/remotelink", writes, (*call).setRemoteLink},
		{"GET /issue/{issue}/remotelink/{link}", reads, (*call).getRemoteLink},
		{"DELETE /issue/{issue}/remotelink", writes, (*call).removeRemoteLinks},
		{"DELETE /issue/{issue}/remotelink/{link}", writes, (*call).removeRemoteLinks},
		{"GET /issue/{issue}/properties", reads, (*call).listProperties},
		{"GET /issue/{issue}/properties/{key}", reads, (*call).getProperty},
		{"PUT /issue/{issue}/properties/{key}", writes, (*call).setProperty},
		{"DELETE /issue/{issue}/properties/{key}", writes, (*call).removeProperty},
		{"POST /issueLink", writes, (*call).addLink},
		{"GET /issueLink/{link}", reads, (*call).getLink},
		{"DELETE /issueLink/{link}", writes, (*call).removeLink},
		{"GET /issueLinkType", reads, (*call).linkTypes},
		{"GET /project/{project}/securitylevel", reads, (*call).projectLevels},
		{"GET /securitylevel/{id}", reads, (*call).getLevel},
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func (r *renderer) watches(i *issue, all bool) map[string]any {
	list := i.x().watchers
	shown := map[string]any{
		"self": r.self("issue/" + i.key + "/watchers"), "isWatching": slices.Contains(list, r.caller), "watchCount": len(list),
	}
	if all {
		shown["watchers"] = renderAll(list, r.person)
	}
	return shown
}

func (c *call) listWatchers() (reply, error) {
	i, err := c.pathIssue()
	if err != nil {
		return reply{}, err
	}
	return ok(c.show.watches(i, true))
}

// addWatcher takes the account id as a bare JSON string; without a body the
// caller watches.
func (c *call) addWatcher() (reply, error) {
	i, err := c.pathIssue()
	if err != nil {
		return reply{}, err
	}
	who := c.caller
	if len(c.body) > 0 {
		var id string
		if json.Unmarshal(c.body, &id) != nil {
			return reply{}, errBadPayload
		}
		if who, err = c.account(id); err != nil {
			return reply{}, err
		}
	}
	if !slices.Contains(i.x().watchers, who) {
		c.j.amend(i, func(x *extras) { x.watchers = append(slices.Clone(x.watchers), who) })
	}
	return noContent()
}

func (c *call) removeWatcher() (reply, error) {
	i, err := c.pathIssue()
	if err != nil {
		return reply{}, err
	}
	who, err := c.account(c.query.Get("accountId"))
	if err != nil {
		return reply{}, err
	}
	c.j.amend(i, func(x *extras) {
		x.watchers = slices.DeleteFunc(slices.Clone(x.watchers), func(a *tenant.Account) bool { return a == who })
	})
	return noContent()
}

func (c *call) assign() (reply, error) {
	i, err := c.pathIssue()
	if err != nil {
		return reply{}, err
	}
	d := c.draft(i)
	body := json.RawMessage(c.body)
	var given struct{ AccountID *string }
	if json.Unmarshal(body, &given) == nil && given.AccountID == nil {
		body = json.RawMessage("null")
	}
	if err := d.setAssignee(body); err != nil {
		return reply{}, err
	}
	c.j.change(i, d.issue, cause{by: c.caller})
	return noContent()
}

func (c *call) votes() (reply, error) {
	i, err := c.pathIssue()
	if err != nil {
		return reply{}, err
	}
	return ok(map[string]any{"self": c.show.self("issue/" + i.key + "/votes"), "votes": 0, "hasVoted": false, "voters": []any{}})
}

func (c *call) worklog() (reply, error) {
	if _, err := c.pathIssue(); err != nil {
		return reply{}, err
	}
	return ok(map[string]any{"startAt": 0, "maxResults": 5000, "total": 0, "worklogs": []any{}})
}

func (c *call) remoteLink(i *issue, l *remoteLink) any {
	shown := map[string]any{
		"id": l.id, "self": c.show.self("issue/" + i.key + "/remotelink/" + strconv.Itoa(l.id)),
		"application": orObject(l.application), "object": l.object,
	}
	if l.globalID != "" {
		shown["globalId"] = l.globalID
	}
	if l.relationship != "" {
		shown["relationship"] = l.relationship
	}
	return shown
}

func orObject(text json.RawMessage) any {
	if len(text) == 0 {
		return map[string]any{}
	}
	return text
}

func (c *call) listRemoteLinks() (reply, error) {
	i, err := c.pathIssue()
	if err != nil {
		return reply{}, err
	}
	global := c.query.Get("globalId")
	if global == "" {
		return ok(renderAll(i.x().remote, func(l *remoteLink) any { return c.remoteLink(i, l) }))
	}
	for _, l := range i.x().remote {
		if l.globalID == global {
			return ok(c.remoteLink(i, l))
		}
	}
	return reply{}, deny(http.StatusNotFound, "The remote link does not exist.")
}

func (c *call) getRemoteLink() (reply, error) {
	i, err := c.pathIssue()
	if err != nil {
		return reply{}, err
	}
	for _, l := range i.x().remote {
		if strconv.Itoa(l.id) == c.PathValue("link") {
			return ok(c.remoteLink(i, l))
		}
	}
	return reply{}, deny(http.StatusNotFound, "The remote link does not exist.")
}

// setRemoteLink creates a link, or replaces the one with the same globalId.
func (c *call) setRemoteLink() (reply, error) {
	i, err := c.pathIssue()
	if err != nil {
		return reply{}, err
	}
	var body struct {
		GlobalID     string          `json:"globalId"`
		Relationship string          `json:"relationship"`
		Application  json.RawMessage `json:"application"`
		Object       json.RawMessage `json:"object"`
	}
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	var object struct{ URL, Title string }
	if json.Unmarshal(body.Object, &object) != nil || object.URL == "" || object.Title == "" {
		return reply{}, &apiError{status: http.StatusBadRequest, fields: map[string]string{"url": "'url' is required.", "title": "'title' is required."}}
	}
	made := &remoteLink{globalID: body.GlobalID, relationship: body.Relationship, application: body.Application, object: body.Object}
	status := http.StatusCreated
	at := slices.IndexFunc(i.x().remote, func(l *remoteLink) bool { return made.globalID != "" && l.globalID == made.globalID })
	if at >= 0 {
		status, made.id = http.StatusOK, i.x().remote[at].id
	} else {
		c.j.lastRemote++
		made.id = c.j.lastRemote
	}
	c.j.amend(i, func(x *extras) {
		x.remote = slices.Clone(x.remote)
		if at >= 0 {
			x.remote[at] = made
		} else {
			x.remote = append(x.remote, made)
		}
	})
	return reply{status, map[string]any{"id": made.id, "self": c.show.self("issue/" + i.key + "/remotelink/" + strconv.Itoa(made.id))}}, nil
}

// removeRemoteLinks deletes the link of the path or of the parameter globalId.
func (c *call) removeRemoteLinks() (reply, error) {
	i, err := c.pathIssue()
	if err != nil {
		return reply{}, err
	}
	id, global := c.PathValue("link"), c.query.Get("globalId")
	rest := slices.DeleteFunc(slices.Clone(i.x().remote), func(l *remoteLink) bool {
		return strconv.Itoa(l.id) == id || id == "" && l.globalID == global
	})
	if len(rest) == len(i.x().remote) {
		return reply{}, deny(http.StatusNotFound, "The remote link does not exist.")
	}
	c.j.amend(i, func(x *extras) { x.remote = rest })
	return noContent()
}

// property is an entity property as requests write it.
type property struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

const (
	maxProperty    = 32768
	maxPropertyKey = 255
)

func (p property) check() error {
	switch {
	case p.Key == "" || len(p.Key) > maxPropertyKey:
		return deny(http.StatusBadRequest, "The property key must have 1 to %d characters.", maxPropertyKey)
	case len(p.Value) == 0 || len(p.Value) > maxProperty || !json.Valid(p.Value):
		return deny(http.StatusBadRequest, "The property value must be non-empty JSON of at most %d characters.", maxProperty)
	}
	return nil
}

func (c *call) listProperties() (reply, error) {
	i, err := c.pathIssue()
	if err != nil {
		return reply{}, err
	}
	return ok(map[string]any{"keys": renderAll(sortedKeys(i.x().properties), func(key string) any {
		return map[string]any{"key": key, "self": c.show.self("issue/" + i.key + "/properties/" + key)}
	})})
}

func (c *call) getProperty() (reply, error) {
	i, err := c.pathIssue()
	if err != nil {
		return reply{}, err
	}
	key := c.PathValue("key")
	if v, found := i.x().properties[key]; found {
		return ok(map[string]any{"key": key, "value": v})
	}
	return reply{}, deny(http.StatusNotFound, "The property with key '%s' does not exist.", key)
}

func (c *call) setProperty() (reply, error) {
	i, err := c.pathIssue()
	if err != nil {
		return reply{}, err
	}
	p := property{c.PathValue("key"), c.body}
	if err := p.check(); err != nil {
		return reply{}, err
	}
	status := http.StatusCreated
	if _, found := i.x().properties[p.Key]; found {
		status = http.StatusOK
	}
	c.j.amend(i, func(x *extras) { x.properties[p.Key] = p.Value })
	return reply{status, map[string]any{"key": p.Key, "self": c.show.self("issue/" + i.key + "/properties/" + p.Key)}}, nil
}

func (c *call) removeProperty() (reply, error) {
	i, err := c.pathIssue()
	if err != nil {
		return reply{}, err
	}
	key := c.PathValue("key")
	if _, found := i.x().properties[key]; !found {
		return reply{}, deny(http.StatusNotFound, "The property with key '%s' does not exist.", key)
	}
	c.j.amend(i, func(x *extras) { delete(x.properties, key) })
	return noContent()
}

// linkType is a kind of link between issues.
type linkType struct{ id, name, inward, outward string }

var issueLinkTypes = []*linkType{
	{"10000", "Blocks", "is blocked by", "blocks"},
	{"10001", "Cloners", "is cloned by", "clones"},
	{"10002", "Duplicate", "is duplicated by", "duplicates"},
	{"10003", "Relates", "relates to", "relates to"},
}

// link leads from the issue that outward speaks of to the other.
type link struct {
	id       string
	kind     *linkType
	from, to *issue // "from blocks to": from is the inwardIssue of the request
}

func (r *renderer) linkType(t *linkType) map[string]any {
	return map[string]any{"self": r.self("issueLinkType/" + t.id), "id": t.id, "name": t.name, "inward": t.inward, "outward": t.outward}
}

// links renders the links of an issue. Each names the issue at its other end.
func (r *renderer) links(i *issue) []any {
	shown := []any{}
	for _, l := range r.j.links {
		one := map[string]any{"id": l.id, "self": r.self("issueLink/" + l.id), "type": r.linkType(l.kind)}
		switch {
		case l.from == i && !l.to.deleted:
			one["outwardIssue"] = r.related(l.to)
		case l.to == i && !l.from.deleted:
			one["inwardIssue"] = r.related(l.from)
		default:
			continue
		}
		shown = append(shown, one)
	}
	return shown
}

func (c *call) addLink() (reply, error) {
	var body struct {
		Type    reference       `json:"type"`
		Inward  reference       `json:"inwardIssue"`
		Outward reference       `json:"outwardIssue"`
		Comment json.RawMessage `json:"comment"`
	}
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	at := slices.IndexFunc(issueLinkTypes, func(t *linkType) bool {
		return t.id == body.Type.id || body.Type.id == "" && strings.EqualFold(t.name, body.Type.name)
	})
	from, to := c.j.referred(body.Inward), c.j.referred(body.Outward)
	switch {
	case at < 0:
		return reply{}, deny(http.StatusNotFound, "No issue link type with name '%s' found.", body.Type.name)
	case from == nil || to == nil:
		return reply{}, errNoIssue
	case from == to:
		return reply{}, deny(http.StatusBadRequest, "You cannot link an issue to itself.")
	}
	made := &link{kind: issueLinkTypes[at], from: from, to: to}
	if !slices.ContainsFunc(c.j.links, func(l *link) bool { return l.kind == made.kind && l.from == from && l.to == to }) {
		c.j.lastLink++
		made.id = strconv.Itoa(c.j.lastLink)
		c.j.links = append(c.j.links, made)
		c.j.touch(from)
		c.j.touch(to)
	}
	return reply{status: http.StatusCreated}, nil
}

func (j *Jira) referred(ref reference) *issue {
	if i := j.issue(ref.id); i != nil {
		return i
	}
	return j.issue(ref.key)
}

func (c *call) pathLink() (*link, error) {
	for _, l := range c.j.links {
		if l.id == c.PathValue("link") {
			return l, nil
		}
	}
	return nil, deny(http.StatusNotFound, "No issue link with id '%s' exists.", c.PathValue("link"))
}

func (c *call) getLink() (reply, error) {
	l, err := c.pathLink()
	if err != nil {
		return reply{}, err
	}
	return ok(map[string]any{
		"id": l.id, "self": c.show.self("issueLink/" + l.id), "type": c.show.linkType(l.kind),
		"inwardIssue": c.show.related(l.from), "outwardIssue": c.show.related(l.to),
	})
}

func (c *call) removeLink() (reply, error) {
	l, err := c.pathLink()
	if err != nil {
		return reply{}, err
	}
	c.j.links = slices.DeleteFunc(c.j.links, func(one *link) bool { return one == l })
	return noContent()
}

func (c *call) linkTypes() (reply, error) {
	return ok(map[string]any{"issueLinkTypes": renderAll(issueLinkTypes, c.show.linkType)})
}

func (r *renderer) level(s *securityLevel) any {
	return map[string]any{"self": r.self("securitylevel/" + s.id), "id": s.id, "name": s.name, "description": s.description}
}

func (c *call) projectLevels() (reply, error) {
	p, err := c.pathProject()
	if err != nil {
		return reply{}, err
	}
	return ok(map[string]any{"levels": renderAll(p.levels, c.show.level)})
}

func (c *call) getLevel() (reply, error) {
	for _, p := range c.j.projects {
		for _, s := range p.levels {
			if s.id == c.PathValue("id") {
				return ok(c.show.level(s))
			}
		}
	}
	return reply{}, deny(http.StatusNotFound, "The security level with id '%s' does not exist.", c.PathValue("id"))
}

// setSecurity sets the security level; null leaves the issue open to all.
func (d *draft) setSecurity(v json.RawMessage) error {
	if isNull(v) {
		d.own().security = nil
		return nil
	}
	ref, _ := parseReference(v)
	for _, s := range d.project.levels {
		if s.id == ref.id || ref.id == "" && strings.EqualFold(s.name, ref.name) {
			d.own().security = s
			return nil
		}
	}
	return denyField("security", "Specify a valid 'id' or 'name' for Security Level")
}
