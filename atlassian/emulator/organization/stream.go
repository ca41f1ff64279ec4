package organization

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"scim-atlassian/atlassian/emulator/tenant"
)

// streamQuery is a request for a page of the event stream.
type streamQuery struct {
	from, to   time.Time // by processing time; zero: no bound
	after      position  // where a cursor points; zero: no cursor
	limit      int
	descending bool
}

// pollEvents is GET /admin/v1/orgs/{org}/events-stream.
func (o *Organization) pollEvents(w http.ResponseWriter, r *http.Request) {
	events := o.options.Events
	if events.NoFeed && events.NoFeedStatus != 0 {
		writeAdminError(w, strconv.Itoa(events.NoFeedStatus), "ADMIN-403-1", "Forbidden", "The plan of the organization has no audit log")
		return
	}
	now := o.tenant.Now()
	q, err := o.parseStreamQuery(r.URL.Query(), now)
	if err != nil {
		writeAdminError(w, "400", "ADMIN-400-1", "Bad Request", err.Error())
		return
	}
	tenant.WriteJSON(w, http.StatusOK, "application/json", o.streamPage(q, now))
}

func (o *Organization) parseStreamQuery(values url.Values, now time.Time) (streamQuery, error) {
	q := streamQuery{limit: 200}
	if text := values.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 500 {
			return q, fmt.Errorf("limit must be between 1 and 500")
		}
		q.limit = n
	}
	if text := values.Get("cursor"); text != "" { // everything else is ignored then
		after, issued, ok := parseEventCursor(text)
		if ttl := o.options.Events.CursorTTL; !ok || ttl > 0 && now.Sub(issued) > ttl {
			return q, fmt.Errorf("the cursor is invalid or has expired")
		}
		q.after = after
		return q, nil
	}
	switch order := values.Get("sortOrder"); order {
	case "", "asc", "desc":
		q.descending = order == "desc"
	default:
		return q, fmt.Errorf("sortOrder must be asc or desc")
	}
	for name, into := range map[string]*time.Time{"from": &q.from, "to": &q.to} {
		if text := values.Get(name); text != "" {
			ms, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return q, fmt.Errorf("%s must be a time in milliseconds", name)
			}
			*into = time.UnixMilli(ms).UTC()
		}
	}
	if !q.from.IsZero() && o.options.Events.FromExclusive {
		q.from = q.from.Add(time.Millisecond)
	}
	return q, nil
}

func eventCursor(p position, now time.Time) string {
	text := fmt.Sprintf("e:%d:%d:%d", p.processed.UnixMilli(), p.seq, now.UnixMilli())
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

func parseEventCursor(cursor string) (p position, issued time.Time, ok bool) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return position{}, time.Time{}, false
	}
	var processed, at int64
	if n, _ := fmt.Sscanf(string(text), "e:%d:%d:%d", &processed, &p.seq, &at); n != 3 {
		return position{}, time.Time{}, false
	}
	p.processed = time.UnixMilli(processed).UTC()
	return p, time.UnixMilli(at).UTC(), true
}

type streamPage struct {
	Data  []any             `json:"data"`
	Meta  map[string]any    `json:"meta"`
	Links map[string]string `json:"links"`
}

// streamPage returns the events that q asks for, as they are known now.
func (o *Organization) streamPage(q streamQuery, now time.Time) streamPage {
	o.events.mu.Lock()
	defer o.events.mu.Unlock()
	list := o.events.listed(now)
	last := q.after
	switch {
	case !last.processed.IsZero():
		list = behind(list, last)
	case !q.from.IsZero():
		last = position{processed: q.from}
		list = behind(list, last)
	default:
		last = position{processed: now.Add(-retention).Truncate(time.Millisecond)}
	}
	if !q.to.IsZero() {
		end := len(list) - len(behind(list, position{q.to, 1 << 62}))
		list = list[:end]
	}
	if q.descending {
		list = slices.Clone(list)
		slices.Reverse(list)
	}
	more := len(list) > q.limit
	page := streamPage{
		Data: []any{}, Links: map[string]string{},
		Meta: map[string]any{"next": nil, "page_size": 200, "total": 0, "prev": nil, "attributes": nil, "count": nil},
	}
	for _, e := range list[:min(q.limit, len(list))] {
		page.Data = append(page.Data, o.eventObject(e))
		last = position{e.processed, e.seq}
	}
	if !q.descending && (more || !o.options.Events.NullEnd) {
		next := eventCursor(last, now)
		page.Meta["next"] = next
		page.Links["next"] = "https://api.atlassian.com/admin/v1/orgs/" + tenant.OrganizationID + "/events-stream?cursor=" + next
	}
	return page
}

type eventJSON struct {
	ID         string            `json:"id"`
	Type       string            `json:"type"`
	Attributes map[string]any    `json:"attributes"`
	Message    map[string]string `json:"message"`
	Links      map[string]any    `json:"links"`
}

const eventTime = "2006-01-02T15:04:05.000Z"

func (o *Organization) eventObject(e *event) eventJSON {
	attributes := map[string]any{
		"time": e.time.Format(eventTime), "processedAt": e.processed.Format(eventTime), "action": e.action, "actor": actorObject(e.actor),
	}
	if len(e.subjects) > 0 {
		list := make([]any, len(e.subjects))
		for i, s := range e.subjects {
			list[i] = o.subjectObject(s)
		}
		attributes["context"] = list
	}
	o.setContainer(attributes, e.seq)
	content := e.action
	if len(e.subjects) > 0 {
		content += ": " + e.subjects[0].name
	}
	return eventJSON{e.id, "events", attributes, map[string]string{"content": content, "format": "simple"}, map[string]any{}}
}

// setContainer says where an event took place. Odd answers say it in all the ways
// in which it can be said that it is not known.
func (o *Organization) setContainer(attributes map[string]any, seq int) {
	organization := []any{map[string]any{
		"id": tenant.OrganizationID, "type": "organization", "attributes": map[string]any{"name": organizationName},
	}}
	switch {
	case !o.options.Odd || seq%4 == 0:
		attributes["container"] = organization
	case seq%4 == 1:
		attributes["container"] = []any{}
	case seq%4 == 2:
		attributes["container"] = nil
	}
}

func actorObject(a tenant.Actor) map[string]any {
	actor := map[string]any{"id": a.ID, "name": a.Name, "email": a.Email, "links": map[string]any{}}
	if a.TokenID != "" {
		actor["auth"] = map[string]any{"authType": "api-token", "tokenId": a.TokenID, "tokenLabel": a.TokenLabel}
	}
	return actor
}

func (o *Organization) subjectObject(s subject) map[string]any {
	attributes := map[string]any{"name": s.name}
	if s.kind == "users" {
		attributes["accountType"], attributes["email"] = tenant.KindPerson, s.email
	}
	object := map[string]any{"type": s.kind, "attributes": attributes}
	if !o.options.Events.WithoutIDs {
		object["id"] = s.id
	}
	return object
}

// eventNames are the actions that event-actions lists, with their display names.
var eventNames = [][2]string{
	{"added_org_admin", "Added organization admin"},
	{"api_token_created", "Created API token"},
	{"group_created", "Created group"},
	{"group_deleted", "Deleted group"},
	{"group_granted_admin_access", "Granted admin access to group"},
	{"group_granted_product_access", "Granted product access to group"},
	{"group_member_added", "Added user to group"},
	{"group_member_removed", "Removed user from group"},
	{"group_revoked_product_access", "Revoked product access from group"},
	{"group_updated", "Updated group"},
	{"organization_users_viewed", "Viewed organization users"},
	{"user_access_restored", "Restored access for user"},
	{"user_access_suspended", "Suspended access for user"},
	{"user_created", "Created managed account"},
	{"user_deactivated", "Deactivated managed account"},
	{"user_email_changed", "Changed email address of managed account"},
	{"user_granted_role", "Granted product role to user"},
	{"user_invitation_sent", "Invited user"},
	{"user_login", "Logged in"},
	{"user_reactivated", "Reactivated managed account"},
	{"user_removed", "Removed user from directory"},
	{"user_revoked_role", "Revoked product role from user"},
	{"user_updated", "Updated managed account"},
}

// listActions is GET /admin/v1/orgs/{org}/event-actions.
func (o *Organization) listActions(w http.ResponseWriter, _ *http.Request) {
	list := []any{}
	for _, name := range eventNames {
		list = append(list, map[string]any{
			"id": name[0], "type": "event-actions",
			"attributes": map[string]any{"displayName": name[1], "groupDisplayName": "Users and groups"},
		})
	}
	tenant.WriteJSON(w, http.StatusOK, "application/json", map[string]any{"data": list})
}
