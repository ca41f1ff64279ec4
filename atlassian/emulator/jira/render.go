package jira

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"
	_ "time/tzdata" // the caller's zone decides what a query finds; containers lack the files

	"scim-atlassian/atlassian/emulator/adf"
	"scim-atlassian/atlassian/emulator/tenant"
)

// timeLayout is how Jira writes a moment, in the caller's time zone.
const timeLayout = "2006-01-02T15:04:05.000-0700"

// renderer turns the site's objects into the JSON of one answer: addresses are
// those the caller used, times are in the caller's zone.
type renderer struct {
	j      *Jira
	base   string // scheme, host and prefix
	caller *tenant.Account
	zone   *time.Location
	now    time.Time
	parts  map[any]json.RawMessage // the JSON of objects that many issues share

	api               string // of the API, in addresses
	plain             bool   // texts are strings, as in version 2
	commentProperties bool   // comments show their properties
}

func newRenderer(c *call, prefix string) *renderer {
	scheme := "http://"
	if c.TLS != nil {
		scheme = "https://"
	}
	version := c.api
	if version == deskVersion {
		version = "2"
	}
	return &renderer{
		j: c.j, base: scheme + c.Host + prefix, caller: c.caller, zone: c.j.zoneOf(c.caller), now: c.j.tenant.Now(),
		parts: map[any]json.RawMessage{}, api: version, plain: c.plain,
	}
}

// zoneOf returns the time zone that an account has chosen, or UTC.
func (j *Jira) zoneOf(a *tenant.Account) *time.Location {
	if a == nil {
		return time.UTC
	}
	if zone, found := j.zones.Load(a.TimeZone); found {
		return zone.(*time.Location)
	}
	zone, err := time.LoadLocation(a.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	j.zones.Store(a.TimeZone, zone)
	return zone
}

func (r *renderer) self(path string) string { return r.base + "/rest/api/" + r.api + "/" + path }

// document renders a text, nil as null.
func (r *renderer) document(text json.RawMessage) any {
	switch {
	case text == nil:
		return nil
	case r.plain:
		return adf.Plain(text)
	}
	return text
}

func (r *renderer) time(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.In(r.zone).Format(timeLayout)
}

// once renders an object where it first occurs in an answer, and returns the
// same text from then on.
func (r *renderer) once(object any, render func() any) json.RawMessage {
	text, found := r.parts[object]
	if !found {
		text = tenant.JSON(render())
		r.parts[object] = text
	}
	return text
}

type userJSON struct {
	Self         string            `json:"self"`
	AccountID    string            `json:"accountId"`
	AccountType  string            `json:"accountType"`
	EmailAddress string            `json:"emailAddress,omitempty"`
	AvatarURLs   map[string]string `json:"avatarUrls"`
	DisplayName  string            `json:"displayName"`
	Active       bool              `json:"active"`
	TimeZone     string            `json:"timeZone,omitempty"`
	Locale       string            `json:"locale,omitempty"`
	Groups       any               `json:"groups,omitempty"`
	Roles        any               `json:"applicationRoles,omitempty"`
	Expand       string            `json:"expand,omitempty"`
}

// user is the form in which others see an account. Jira hides addresses and time
// zones of people who wish so, and everything about deleted accounts.
func (r *renderer) user(a *tenant.Account) userJSON {
	u := userJSON{
		Self: r.self("user?accountId=" + a.ID), AccountID: a.ID, AccountType: a.Kind, DisplayName: a.Name,
		Active: a.Active && !a.Deleted, AvatarURLs: r.avatars("initials/" + a.ID),
	}
	switch {
	case a.Deleted:
		u.DisplayName = "Former user"
	case !a.EmailHidden || a == r.caller:
		u.EmailAddress, u.TimeZone = a.Email, a.TimeZone
	}
	return u
}

func (r *renderer) avatars(path string) map[string]string {
	urls := make(map[string]string, 4)
	for _, size := range []string{"16x16", "24x24", "32x32", "48x48"} {
		urls[size] = r.base + "/secure/" + path + "?size=" + size
	}
	return urls
}

func (r *renderer) person(a *tenant.Account) any {
	if a == nil {
		return nil
	}
	return r.once(a, func() any { return r.user(a) })
}

func (r *renderer) category(c *category) any {
	return map[string]any{
		"self": r.self("statuscategory/" + strconv.Itoa(c.id)), "id": c.id, "key": c.key, "colorName": c.color, "name": c.name,
	}
}

func (r *renderer) status(s *status) json.RawMessage {
	return r.once(s, func() any {
		return r.withScope(s.scope, map[string]any{
			"self": r.self("status/" + s.id), "id": s.id, "name": s.name, "description": "",
			"iconUrl": r.base + "/images/icons/statuses/generic.png", "statusCategory": r.category(s.category),
		})
	})
}

// withScope adds to an object the project that it belongs to, if there is one.
func (r *renderer) withScope(p *project, object map[string]any) map[string]any {
	if p != nil {
		object["scope"] = map[string]any{"type": "PROJECT", "project": map[string]any{"id": p.id}}
	}
	return object
}

func (r *renderer) issueType(t *issueType) json.RawMessage {
	return r.once(t, func() any {
		return r.withScope(t.scope, map[string]any{
			"self": r.self("issuetype/" + t.id), "id": t.id, "name": t.name, "description": "", "subtask": t.level < 0,
			"hierarchyLevel": t.level, "avatarId": 10300,
			"iconUrl": r.base + "/rest/api/2/universal_avatar/view/type/issuetype/avatar/10300?size=medium",
		})
	})
}

// project is the short form that issues and lists carry.
func (r *renderer) project(p *project) json.RawMessage {
	return r.once(p, func() any { return r.projectObject(p) })
}

func (r *renderer) projectObject(p *project) map[string]any {
	style, kind := "classic", "software"
	if p.desk != nil {
		kind = "service_desk"
	}
	if p.team {
		style = "next-gen"
	}
	return map[string]any{
		"self": r.self("project/" + p.id), "id": p.id, "key": p.key, "name": p.name, "projectTypeKey": kind,
		"simplified": p.team, "style": style, "isPrivate": false, "avatarUrls": r.avatars("projectavatar/" + p.id),
	}
}

func (r *renderer) priority(p *choice) any {
	if p == nil {
		return nil
	}
	return r.once(p, func() any {
		return map[string]any{
			"self": r.self("priority/" + p.id), "id": p.id, "name": p.name,
			"iconUrl": r.base + "/images/icons/priorities/" + p.id + ".svg",
		}
	})
}

func (r *renderer) resolution(c *choice) any {
	if c == nil {
		return nil
	}
	return r.once(c, func() any { return r.resolutionObject(c) })
}

func (r *renderer) resolutionObject(c *choice) map[string]any {
	return map[string]any{"self": r.self("resolution/" + c.id), "id": c.id, "name": c.name, "description": c.description}
}

// component and version are the short forms that issues carry.
func (r *renderer) component(p *part) any {
	return r.once(p, func() any {
		return map[string]any{"self": r.self("component/" + p.id), "id": p.id, "name": p.name}
	})
}

func (r *renderer) version(p *part) any {
	return r.once(p, func() any {
		return map[string]any{"self": r.self("version/" + p.id), "id": p.id, "name": p.name, "archived": false, "released": p.released}
	})
}

// related is the form in which an issue appears as the parent or child of
// another.
func (r *renderer) related(i *issue) any {
	fields := map[string]any{
		"summary": i.summary, "status": r.status(i.status), "issuetype": r.issueType(i.kind),
	}
	if i.priority != nil {
		fields["priority"] = r.priority(i.priority)
	}
	return map[string]any{"id": i.idText, "key": i.key, "self": r.self("issue/" + i.idText), "fields": fields}
}

// selection says which fields of issues a request asks for.
type selection struct {
	id, key            bool // nothing but id, or id and key
	fields             []*issueField
	properties, expand []string
}

// selectFields reads a list of field names: names, *all, *navigable, and
// -name to leave one out. Unknown names are ignored.
func (j *Jira) selectFields(names []string) selection {
	include, exclude := map[string]bool{}, map[string]bool{}
	all := false
	for _, name := range names {
		switch {
		case name == "*all" || name == "*navigable":
			all = true
		case len(name) > 1 && name[0] == '-':
			exclude[name[1:]] = true
		default:
			include[name] = true
		}
	}
	all = all || len(include) == 0 && len(exclude) > 0
	var s selection
	for _, f := range j.fields {
		if (all || include[f.id]) && !exclude[f.id] {
			s.fields = append(s.fields, f)
		}
	}
	s.id = len(s.fields) == 0
	s.key = include["key"] || include["issuekey"]
	return s
}

// appendIssue appends the JSON of an issue with the selected fields.
func (r *renderer) appendIssue(b []byte, i *issue, s selection) []byte {
	b = append(b, '{')
	if !s.id || s.key {
		b = append(b, `"expand":"operations,versionedRepresentations,editmeta,changelog,renderedFields","self":`...)
		b = tenant.AppendQuoted(b, r.self("issue/"+i.idText))
		b = append(b, `,"key":"`...)
		b = append(append(b, i.key...), `",`...)
	}
	b = append(append(append(b, `"id":"`...), i.idText...), '"')
	if !s.id {
		b = append(b, `,"fields":{`...)
		first := true
		for _, f := range s.fields {
			value, present := f.get(r, i)
			if !present {
				continue
			}
			if !first {
				b = append(b, ',')
			}
			first = false
			b = append(append(append(b, '"'), f.id...), `":`...)
			b = appendValue(b, value)
		}
		b = append(b, '}')
	}
	b = r.appendProperties(b, i, s.properties)
	return append(r.appendExpanded(b, i, s), '}')
}

// appendValue appends v; the types that issues are made of need no reflection.
func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case json.RawMessage:
		return append(b, v...)
	case string:
		return tenant.AppendQuoted(b, v)
	case []string:
		b = append(b, '[')
		for i, s := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = tenant.AppendQuoted(b, s)
		}
		return append(b, ']')
	case []any:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendValue(b, e)
		}
		return append(b, ']')
	}
	return append(b, tenant.JSON(v)...)
}

// appendProperties appends the entity properties that a request names.
func (r *renderer) appendProperties(b []byte, i *issue, keys []string) []byte {
	if len(keys) == 0 {
		return b
	}
	found := map[string]json.RawMessage{}
	for _, key := range keys {
		if v, given := i.x().properties[key]; given || key == "*all" {
			if key == "*all" {
				found = i.x().properties
				break
			}
			found[key] = v
		}
	}
	if found == nil {
		found = map[string]json.RawMessage{}
	}
	return append(append(b, `,"properties":`...), tenant.JSON(found)...)
}

// shownChanges is how many changes expand=changelog shows, the latest.
const shownChanges = 40

// appendExpanded appends the parts that expand asks for.
func (r *renderer) appendExpanded(b []byte, i *issue, s selection) []byte {
	add := func(name string, v any) { b = append(append(b, `,"`+name+`":`...), tenant.JSON(v)...) }
	for _, name := range s.expand {
		switch name {
		case "changelog":
			list := i.x().history
			shown := slices.Clone(list[max(0, len(list)-shownChanges):])
			slices.Reverse(shown)
			add("changelog", map[string]any{
				"startAt": 0, "maxResults": len(shown), "total": len(list), "histories": renderAll(shown, r.entry),
			})
		case "transitions", "transitions.fields":
			add("transitions", r.transitions(i, "", name == "transitions.fields", false))
		case "names", "schema":
			known := map[string]any{}
			for _, f := range s.fields {
				if known[f.id] = f.jsonType(); name == "names" {
					known[f.id] = f.name
				}
			}
			add(name, known)
		}
	}
	return b
}
