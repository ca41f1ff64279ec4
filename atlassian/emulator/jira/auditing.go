package jira

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"scim-atlassian/atlassian/emulator/tenant"
)

func auditRoutes() []endpoint {
	return []endpoint{{"GET /auditing/record", reads, (*call).auditRecords}}
}

// maxAudit bounds how many records are kept; the oldest go first.
const maxAudit = 1 << 18

// auditLog keeps what has changed among users, groups and roles. The tenant's
// lock guards it.
type auditLog struct {
	records []auditRecord // oldest first
	lastID  int64
}

type auditRecord struct {
	id                int64
	at                time.Time
	summary, category string
	by                tenant.Actor
	object            auditItem
	associated        []auditItem
	values            []auditValue
}

type auditItem struct {
	ID         string `json:"id,omitempty"`
	Name       string `json:"name"`
	TypeName   string `json:"typeName"`
	ParentID   string `json:"parentId,omitempty"`
	ParentName string `json:"parentName,omitempty"`
}

type auditValue struct {
	FieldName   string `json:"fieldName"`
	ChangedFrom string `json:"changedFrom,omitempty"`
	ChangedTo   string `json:"changedTo,omitempty"`
}

// auditTexts are summary and category by kind of change. Kinds that Jira does not
// notice are not there.
var auditTexts = map[string][2]string{
	tenant.UserCreated:        {"User created", "user management"},
	tenant.UserUpdated:        {"User's details changed", "user management"},
	tenant.UserEmailChanged:   {"User's details changed", "user management"},
	tenant.UserDeactivated:    {"User deactivated", "user management"},
	tenant.UserReactivated:    {"User activated", "user management"},
	tenant.GroupCreated:       {"Group created", "group management"},
	tenant.GroupDeleted:       {"Group deleted", "group management"},
	tenant.MemberAdded:        {"User added to group", "group management"},
	tenant.MemberRemoved:      {"User removed from group", "group management"},
	tenant.ProjectRoleChanged: {"Project roles changed", "projects"},
}

// note keeps a change. It is a watcher of the tenant.
func (l *auditLog) note(c tenant.Change) {
	texts, known := auditTexts[c.Action]
	if !known {
		return
	}
	l.lastID++
	record := auditRecord{id: l.lastID, at: c.At, summary: texts[0], category: texts[1], by: c.By}
	var items []auditItem
	if c.Project != nil {
		items = append(items, auditItem{ID: c.Project.ID, Name: c.Project.Name, TypeName: "PROJECT"})
	}
	if c.Role != nil {
		record.values = []auditValue{{FieldName: "Role", ChangedTo: c.Role.Name}}
	}
	if c.Group != nil { // Jira gives the name as the id
		items = append(items, auditItem{ID: c.Group.Name, Name: c.Group.Name, TypeName: "GROUP", ParentID: "1", ParentName: "com.atlassian.crowd.directory.IdentityPlatformRemoteDirectory"})
	}
	if c.Account != nil {
		items = append(items, auditItem{ID: c.Account.ID, Name: c.Account.ID, TypeName: "USER", ParentID: "1", ParentName: "com.atlassian.crowd.directory.IdentityPlatformRemoteDirectory"})
	}
	record.object, record.associated = items[0], items[1:]
	if len(l.records) == maxAudit {
		l.records = slices.Clone(l.records[maxAudit/2:])
	}
	l.records = append(l.records, record)
}

// auditRecords lists the newest records first. total counts also those that
// filter leaves out.
func (c *call) auditRecords() (reply, error) {
	if c.j.options.FreePlan {
		return reply{}, deny(http.StatusForbidden, "Audit log is not available on the Free plan.")
	}
	offset, err := c.integer("offset", 0)
	if err != nil {
		return reply{}, err
	}
	limit, err := c.integer("limit", 1000)
	if err != nil {
		return reply{}, err
	}
	from, err := c.auditTime("from")
	if err != nil {
		return reply{}, err
	}
	to, err := c.auditTime("to")
	if err != nil {
		return reply{}, err
	}
	total, records, skip := 0, []any{}, offset
	words := strings.Fields(strings.ToLower(c.query.Get("filter")))
	for _, record := range slices.Backward(c.j.audit.records) {
		if record.at.Before(from) || !to.IsZero() && record.at.After(to) {
			continue
		}
		total++
		if !record.holds(words) {
			continue
		}
		if skip--; skip < 0 && len(records) < min(limit, 1000) {
			records = append(records, c.auditObject(record))
		}
	}
	return ok(map[string]any{"offset": offset, "limit": limit, "total": total, "records": records})
}

// auditTime reads a time as clients of this endpoint write it. A time without a
// zone is UTC.
func (c *call) auditTime(name string) (time.Time, error) {
	text := c.query.Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05.999-0700", "2006-01-02T15:04:05.999", "2006-01-02"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, deny(http.StatusBadRequest, "The value '%s' of '%s' is not a date.", text, name)
}

// holds reports whether each word is a part of one of the texts of the record.
func (r *auditRecord) holds(words []string) bool {
	texts := []string{r.summary, r.category, r.object.ID, r.object.Name, r.object.TypeName, r.object.ParentName}
	for _, value := range r.values {
		texts = append(texts, value.ChangedFrom, value.ChangedTo)
	}
	for _, word := range words {
		if !slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(strings.ToLower(text), word) }) {
			return false
		}
	}
	return true
}

func (c *call) auditObject(r auditRecord) any {
	object := map[string]any{
		"id": r.id, "summary": r.summary, "category": r.category, "eventSource": "",
		"created": r.at.Format("2006-01-02T15:04:05.000-0700"), "objectItem": r.object,
		"authorKey": "ug:" + r.by.ID, "authorAccountId": r.by.ID,
	}
	if len(r.values) > 0 {
		object["changedValues"] = r.values
	}
	if len(r.associated) > 0 {
		object["associatedItems"] = r.associated
	}
	return object
}
