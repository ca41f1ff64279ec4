package jira

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"scim-atlassian/atlassian/emulator/adf"
	"scim-atlassian/atlassian/emulator/jql"
	"scim-atlassian/atlassian/emulator/tenant"
)

// Jira Service Management has an API of its own, /rest/servicedeskapi, with pages
// and error bodies of its own. Requests are issues too.

// deskVersion stands for that API among the versions of Jira's own.
const deskVersion = "servicedeskapi"

// serviceDesk is the desk of a project.
type serviceDesk struct {
	id            string
	types         []*requestType
	organizations []*organization
}

// requestType is a form of the desk.
type requestType struct {
	id, name string
	kind     *issueType
	fields   []onScreen
}

type organization struct{ id, name string }

// kindOrganizations is the type of the field that says with which organizations a
// request is shared. Its elements are written as numbers.
var kindOrganizations = &customKind{key: "com.atlassian.servicedesk:sd-customer-organizations", kind: "array", items: "sd-customerorganization", query: jql.Choice,
	read: func(d *draft, f *customField, v json.RawMessage) (any, error) {
		for _, p := range d.j.projects {
			if p.desk == nil {
				continue
			}
			for _, o := range p.desk.organizations {
				if o.id == string(v) {
					return o, nil
				}
			}
		}
		return nil, denyField(f.id(), "The organization '%s' does not exist.", string(v))
	},
	show: func(r *renderer, v any) any {
		o := v.(*organization)
		return map[string]any{"id": o.id, "name": o.name, "_links": map[string]any{"self": r.base + "/rest/servicedeskapi/organization/" + o.id}}
	},
	id:   func(v any) string { return v.(*organization).id },
	text: func(v any) string { return v.(*organization).name }}

// customerRequest is what the desk knows of an issue.
type customerRequest struct {
	kind         *requestType
	participants []*tenant.Account
	approvals    []*approval // oldest first
}

// approvalStep asks people for their decision when an issue enters a status.
type approvalStep struct {
	status            *status
	approvers         int         // the number of the custom field that names them
	approved, refused *transition // taken when all agree or one does not
}

type approval struct {
	id        string
	decisions []decision
	final     string // pending, approved or declined
	created   time.Time
	completed time.Time
}

type decision struct {
	by    *tenant.Account
	given string
}

func deskRoutes() []endpoint {
	return []endpoint{
		{"GET /servicedesk", reads, (*call).listDesks},
		{"GET /servicedesk/{desk}", reads, (*call).getDesk},
		{"GET /servicedesk/{desk}/organization", reads, (*call).deskOrganizations},
		{"GET /servicedesk/{desk}/requesttype", reads, (*call).requestTypes},
		{"GET /servicedesk/{desk}/requesttype/{type}/field", reads, (*call).requestFields},
		{"POST /request", writes, (*call).createRequest},
		{"GET /request/{issue}", reads, (*call).getRequest},
		{"GET /request/{issue}/approval", reads, (*call).listApprovals},
		{"POST /request/{issue}/approval/{approval}", writes, (*call).decide},
		{"GET /request/{issue}/participant", reads, (*call).listParticipants},
		{"POST /request/{issue}/participant", writes, (*call).addParticipants},
		{"DELETE /request/{issue}/participant", writes, (*call).removeParticipants},
		{"POST /request/{issue}/comment", writes, (*call).commentOnRequest},
		{"GET /organization", reads, (*call).listOrganizations},
	}
}

// serviceDesk makes the project SD.
func (s *siteSeeder) serviceDesk() {
	request := &issueType{id: "10006", name: "Service request"}
	waiting, doing, done, rejected := s.statuses[5], s.statuses[1], s.statuses[6], s.statuses[7]
	s.types = append(s.types, request)
	p := s.extraProject("19001", "SD", "Service desk")
	decided := func(i *issue) bool { return i.x().request.decided() }
	approve := &transition{id: "901", name: "Approve", from: []*status{waiting}, to: doing, open: decided}
	decline := &transition{id: "902", name: "Decline", from: []*status{waiting}, to: rejected, open: decided}
	s.adopt(p, []*issueType{request}, &workflow{
		statuses: []*status{waiting, doing, done, rejected},
		transitions: []*transition{
			approve, decline, {id: "903", name: "Resolve", from: []*status{doing}, to: done, screen: []onScreen{{"resolution", true}, {"comment", false}}},
			{id: "904", name: "Ask again", from: []*status{doing, rejected}, to: waiting},
		},
		approval: &approvalStep{status: waiting, approvers: 10207, approved: approve, refused: decline},
	})
	form := []onScreen{{"summary", true}, {"description", false}, {"customfield_10207", true}, {"customfield_10204", false}}
	p.desk = &serviceDesk{id: "10", types: []*requestType{
		{"25", "Get access", request, form}, {"26", "Remove access", request, form}, {"27", "Ask a question", request, form[:2]},
	}, organizations: []*organization{{"1", "Partners"}, {"2", "Suppliers"}}}
	for _, f := range s.custom {
		if f.name == "Risk" {
			f.own = map[*project][]*option{p: options(10370, "Low", "High", "Critical")}
		}
	}
}

// needAgent refuses what customers may not do.
func (c *call) needAgent(p *project) error {
	if !c.j.holds(agentPermission, p) {
		return deny(http.StatusForbidden, "You do not have permission to perform this action: you are not an agent of this service project.")
	}
	return nil
}

const agentPermission = "SERVICEDESK_AGENT"

func (c *call) deskOrganizations() (reply, error) {
	p, err := c.pathDesk()
	if err != nil {
		return reply{}, err
	}
	if err := c.needAgent(p); err != nil {
		return reply{}, err
	}
	return deskPage(c, p.desk.organizations, showOrganization)
}

func showOrganization(o *organization) any { return map[string]any{"id": o.id, "name": o.name} }

// decided reports whether no approval is pending.
func (r *customerRequest) decided() bool {
	return r == nil || !slices.ContainsFunc(r.approvals, func(a *approval) bool { return a.final == "pending" })
}

// askForApproval begins an approval by the people whom the field of the step names;
// without anybody there is none.
func (d *draft) askForApproval(step *approvalStep) {
	own := d.own()
	if own.request == nil {
		own.request = &customerRequest{}
	}
	changed := *own.request
	made := &approval{final: "pending", created: d.j.tenant.Now()}
	for _, v := range own.custom[step.approvers] {
		made.decisions = append(made.decisions, decision{v.(*tenant.Account), "pending"})
	}
	if made.decisions == nil {
		return
	}
	d.j.lastApproval++
	made.id = strconv.Itoa(d.j.lastApproval)
	changed.approvals = append(slices.Clone(changed.approvals), made)
	own.request = &changed
}

// writeError answers in the form of the API that was called.
func (c *call) writeError(w http.ResponseWriter, err error) {
	var refusal *apiError
	if c.api != deskVersion || !errors.As(err, &refusal) || refusal == errNoEndpoint {
		c.j.writeError(w, c.Request, err)
		return
	}
	texts := slices.Clone(refusal.messages)
	for _, name := range sortedKeys(refusal.fields) {
		texts = append(texts, name+": "+refusal.fields[name])
	}
	tenant.WriteJSON(w, refusal.status, contentType, map[string]any{
		"errorMessage": strings.Join(texts, " "), "i18nErrorMessage": map[string]any{"i18nKey": "sd.error", "parameters": []any{}},
	})
}

// deskPage answers with a page of the service desk.
func deskPage[T any](c *call, list []T, show func(T) any) (reply, error) {
	start, err := c.integer("start", 0)
	if err != nil {
		return reply{}, err
	}
	size, err := c.integer("limit", 50)
	if err != nil || start < 0 || size < 1 {
		return reply{}, deny(http.StatusBadRequest, "start and limit must be positive.")
	}
	shown := slice(list, start, min(size, 100))
	return ok(map[string]any{
		"_expands": []any{}, "size": len(shown), "start": start, "limit": size, "isLastPage": start+len(shown) >= len(list),
		"values": renderAll(shown, show), "_links": map[string]any{"self": c.show.base + c.URL.Path, "base": c.show.base, "context": ""},
	})
}

func (c *call) desks() []*project {
	return slices.DeleteFunc(slices.Clone(c.j.projects), func(p *project) bool { return p.desk == nil })
}

func (c *call) desk(p *project) any {
	return map[string]any{
		"id": p.desk.id, "projectId": p.id, "projectKey": p.key, "projectName": p.name,
		"_links": map[string]any{"self": c.show.base + "/rest/servicedeskapi/servicedesk/" + p.desk.id},
	}
}

// needDesk refuses everything on a site without Jira Service Management.
func (c *call) needDesk() error {
	if len(c.desks()) == 0 {
		return deny(http.StatusNotFound, "Jira Service Management is not available on this site.")
	}
	return nil
}

func (c *call) listDesks() (reply, error) {
	if err := c.needDesk(); err != nil {
		return reply{}, err
	}
	return deskPage(c, c.desks(), c.desk)
}

func (c *call) pathDesk() (*project, error) {
	for _, p := range c.desks() {
		if name := c.PathValue("desk"); p.desk.id == name || p.key == name {
			return p, nil
		}
	}
	return nil, deny(http.StatusNotFound, "The service desk does not exist.")
}

func (c *call) getDesk() (reply, error) {
	p, err := c.pathDesk()
	if err != nil {
		return reply{}, err
	}
	return ok(c.desk(p))
}

func (c *call) requestType(p *project, t *requestType) map[string]any {
	return map[string]any{
		"id": t.id, "name": t.name, "description": t.name, "helpText": "", "issueTypeId": t.kind.id, "serviceDeskId": p.desk.id,
		"groupIds": []string{"1"}, "_links": map[string]any{"self": c.show.base + "/rest/servicedeskapi/servicedesk/" + p.desk.id + "/requesttype/" + t.id},
	}
}

func (c *call) requestTypes() (reply, error) {
	p, err := c.pathDesk()
	if err != nil {
		return reply{}, err
	}
	return deskPage(c, p.desk.types, func(t *requestType) any { return c.requestType(p, t) })
}

func (c *call) requestFields() (reply, error) {
	p, err := c.pathDesk()
	if err != nil {
		return reply{}, err
	}
	for _, t := range p.desk.types {
		if t.id != c.PathValue("type") {
			continue
		}
		return ok(map[string]any{
			"canRaiseOnBehalfOf": true, "canAddRequestParticipants": true,
			"requestTypeFields": renderAll(t.fields, func(on onScreen) any { return c.requestField(p, on) }),
		})
	}
	return reply{}, deny(http.StatusNotFound, "The request type does not exist.")
}

func (c *call) requestField(p *project, on onScreen) any {
	f := c.j.field(on.field)
	shown := map[string]any{
		"fieldId": f.id, "name": f.name, "description": "", "required": on.required, "defaultValues": []any{}, "validValues": []any{},
		"presetValues": []any{}, "jiraSchema": f.jsonType(), "visible": true,
	}
	if f.custom != nil && f.custom.options != nil {
		shown["validValues"] = renderAll(f.custom.optionsIn(p), func(o *option) any {
			return map[string]any{"value": o.id, "label": o.value, "children": []any{}}
		})
	}
	return shown
}

func (c *call) createRequest() (reply, error) {
	var body struct {
		ServiceDeskID       string                     `json:"serviceDeskId"`
		RequestTypeID       string                     `json:"requestTypeId"`
		RequestFieldValues  map[string]json.RawMessage `json:"requestFieldValues"`
		RaiseOnBehalfOf     string                     `json:"raiseOnBehalfOf"`
		RequestParticipants []string                   `json:"requestParticipants"`
		IsADFRequest        bool                       `json:"isAdfRequest"`
		Channel             string                     `json:"channel"`
		Form                json.RawMessage            `json:"form"`
	}
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	p, t := c.requestForm(body.ServiceDeskID, body.RequestTypeID)
	if t == nil {
		return reply{}, deny(http.StatusBadRequest, "Your request could not be created: the service desk or the request type does not exist.")
	}
	if body.RaiseOnBehalfOf != "" || len(body.RequestParticipants) > 0 {
		if err := c.needAgent(p); err != nil {
			return reply{}, err
		}
	}
	now := c.show.now
	d := &draft{j: c.j, by: c.caller, creating: true, plain: !body.IsADFRequest, issue: &issue{
		project: p, kind: t.kind, reporter: c.caller, creator: c.caller, created: now, updated: now, priority: c.j.priorities[2],
	}}
	if err := d.fillIn(t, body.RequestFieldValues); err != nil {
		return reply{}, err
	}
	if body.RaiseOnBehalfOf != "" {
		who, err := c.account(body.RaiseOnBehalfOf)
		if err != nil {
			return reply{}, deny(http.StatusBadRequest, "The user to raise the request for does not exist.")
		}
		d.reporter = who
	}
	people, err := c.accountsOf(body.RequestParticipants)
	if err != nil {
		return reply{}, err
	}
	d.status = d.workflow().statuses[0]
	d.own().request = &customerRequest{kind: t, participants: people}
	d.askForApproval(d.workflow().approval)
	c.j.addIssue(d.issue)
	d.fresh = now.Add(c.j.options.IndexLag)
	return reply{http.StatusCreated, c.request(d.issue)}, nil
}

// requestForm finds a request type; nil if there is none.
func (c *call) requestForm(desk, kind string) (*project, *requestType) {
	for _, p := range c.desks() {
		for _, t := range p.desk.types {
			if p.desk.id == desk && t.id == kind {
				return p, t
			}
		}
	}
	return nil, nil
}

// fillIn writes the values of a form; it takes the fields of the form only.
func (d *draft) fillIn(t *requestType, values map[string]json.RawMessage) error {
	problems := &apiError{status: http.StatusBadRequest, fields: map[string]string{}}
	for _, name := range sortedKeys(values) {
		on := slices.ContainsFunc(t.fields, func(s onScreen) bool { return s.field == name })
		f := d.j.field(name)
		if !on || f == nil {
			problems.add(denyField(name, textOffScreen, name))
			continue
		}
		problems.add(f.set(d, values[name]))
	}
	for _, s := range t.fields {
		if v, given := values[s.field]; s.required && (!given || isNull(v)) {
			problems.add(denyField(s.field, "%s is required.", d.j.field(s.field).name))
		}
	}
	return problems.orNil()
}

func (c *call) accountsOf(ids []string) ([]*tenant.Account, error) {
	var people []*tenant.Account
	for _, id := range ids {
		a, err := c.account(id)
		if err != nil {
			return nil, deny(http.StatusBadRequest, "The user with the account id '%s' does not exist.", id)
		}
		people = append(people, a)
	}
	return people, nil
}

func (c *call) deskDate(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	at := t.In(c.show.zone)
	return map[string]any{
		"iso8601": at.Format("2006-01-02T15:04:05-0700"), "jira": at.Format(timeLayout), "friendly": at.Format("02/Jan/06 15:04"),
		"epochMillis": t.UnixMilli(),
	}
}

func (c *call) request(i *issue) any {
	r := i.x().request
	shown := map[string]any{
		"issueId": i.idText, "issueKey": i.key, "serviceDeskId": i.project.desk.id, "createdDate": c.deskDate(i.created),
		"reporter": c.show.person(i.reporter), "requestFieldValues": []any{
			map[string]any{"fieldId": "summary", "label": "Summary", "value": i.summary},
			map[string]any{"fieldId": "description", "label": "Description", "value": adf.Plain(i.description)},
		},
		"currentStatus": map[string]any{"status": i.status.name, "statusCategory": strings.ToUpper(i.status.category.key), "statusDate": c.deskDate(i.updated)},
		"_links":        map[string]any{"self": c.show.base + "/rest/servicedeskapi/request/" + i.idText, "jiraRest": c.show.self("issue/" + i.idText)},
	}
	if r.kind != nil {
		shown["requestTypeId"] = r.kind.id
		if slices.Contains(c.query["expand"], "requestType") {
			shown["requestType"] = c.requestType(i.project, r.kind)
		}
	}
	return shown
}

// pathRequest finds the request of the path. An issue that is none is refused.
func (c *call) pathRequest() (*issue, error) {
	if err := c.needDesk(); err != nil {
		return nil, err
	}
	i := c.j.issue(c.PathValue("issue"))
	switch {
	case i == nil:
		return nil, deny(http.StatusNotFound, "The request does not exist, or you do not have permission to see it.")
	case i.project.desk == nil || i.x().request == nil:
		return nil, deny(http.StatusForbidden, "The issue is not a customer request.")
	}
	return i, nil
}

func (c *call) getRequest() (reply, error) {
	i, err := c.pathRequest()
	if err != nil {
		return reply{}, err
	}
	return ok(c.request(i))
}

func (c *call) approval(i *issue, a *approval) any {
	may := a.final == "pending" && slices.Contains(a.decisions, decision{c.caller, "pending"})
	shown := map[string]any{
		"id": a.id, "name": "Waiting for approval", "finalDecision": a.final, "canAnswerApproval": may,
		"approvers": renderAll(a.decisions, func(d decision) any {
			return map[string]any{"approver": c.show.person(d.by), "approverDecision": d.given}
		}),
		"createdDate": c.deskDate(a.created), "_links": map[string]any{"self": c.show.base + "/rest/servicedeskapi/request/" + i.idText + "/approval/" + a.id},
	}
	if !a.completed.IsZero() {
		shown["completedDate"] = c.deskDate(a.completed)
	}
	return shown
}

func (c *call) listApprovals() (reply, error) {
	i, err := c.pathRequest()
	if err != nil {
		return reply{}, err
	}
	return deskPage(c, i.x().request.approvals, func(a *approval) any { return c.approval(i, a) })
}

// decide gives the caller's decision. The last one needed takes the transition of
// the step.
func (c *call) decide() (reply, error) {
	i, err := c.pathRequest()
	if err != nil {
		return reply{}, err
	}
	var body struct {
		Decision string `json:"decision"`
	}
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	given, known := map[string]string{"approve": "approved", "decline": "declined"}[body.Decision]
	approvals := i.x().request.approvals
	at := slices.IndexFunc(approvals, func(a *approval) bool { return a.id == c.PathValue("approval") })
	switch {
	case !known:
		return reply{}, deny(http.StatusBadRequest, "The decision must be approve or decline.")
	case at < 0:
		return reply{}, deny(http.StatusNotFound, "The approval does not exist.")
	case approvals[at].final != "pending" || !slices.Contains(approvals[at].decisions, decision{c.caller, "pending"}):
		return reply{}, deny(http.StatusForbidden, "You are not able to answer this approval.")
	}
	made := approvals[at].with(decision{c.caller, given}, c.show.now)
	d := c.draft(i)
	changed := *d.x().request
	changed.approvals = slices.Clone(approvals)
	changed.approvals[at] = made
	d.own().request = &changed
	step := i.workflow().approval
	switch made.final {
	case "approved":
		d.perform(step.approved)
	case "declined":
		d.perform(step.refused)
	}
	c.j.change(i, d.issue, cause{by: c.caller})
	return ok(c.approval(i, made))
}

// with returns the approval after one decision: all must agree.
func (a *approval) with(given decision, now time.Time) *approval {
	after := *a
	after.decisions = slices.Clone(a.decisions)
	open := 0
	for n, d := range after.decisions {
		if d.by == given.by {
			after.decisions[n] = given
		} else if d.given == "pending" {
			open++
		}
	}
	switch {
	case given.given == "declined":
		after.final, after.completed = "declined", now
	case open == 0:
		after.final, after.completed = "approved", now
	}
	return &after
}

func (c *call) listParticipants() (reply, error) {
	i, err := c.pathRequest()
	if err != nil {
		return reply{}, err
	}
	return deskPage(c, i.x().request.participants, c.show.person)
}

// participants changes the participants of a request by those of the body.
func (c *call) participants(change func(now, given []*tenant.Account) []*tenant.Account) (reply, error) {
	i, err := c.pathRequest()
	if err != nil {
		return reply{}, err
	}
	if err := c.needAgent(i.project); err != nil {
		return reply{}, err
	}
	var body struct {
		AccountIDs []string `json:"accountIds"`
		UserNames  []string `json:"usernames"`
	}
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	given, err := c.accountsOf(body.AccountIDs)
	if err != nil {
		return reply{}, err
	}
	c.j.amend(i, func(x *extras) {
		changed := *x.request
		changed.participants = change(changed.participants, given)
		x.request = &changed
	})
	return deskPage(c, i.x().request.participants, c.show.person)
}

func (c *call) addParticipants() (reply, error) {
	return c.participants(func(now, given []*tenant.Account) []*tenant.Account {
		now = slices.Clone(now)
		for _, a := range given {
			if !slices.Contains(now, a) {
				now = append(now, a)
			}
		}
		return now
	})
}

func (c *call) removeParticipants() (reply, error) {
	return c.participants(func(now, given []*tenant.Account) []*tenant.Account {
		return slices.DeleteFunc(slices.Clone(now), func(a *tenant.Account) bool { return slices.Contains(given, a) })
	})
}

// commentOnRequest adds a comment whose body is a text.
func (c *call) commentOnRequest() (reply, error) {
	i, err := c.pathRequest()
	if err != nil {
		return reply{}, err
	}
	var body struct {
		Body   json.RawMessage `json:"body"`
		Public bool            `json:"public"`
	}
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	internal := property{"sd.public.comment", json.RawMessage(`{"internal":` + strconv.FormatBool(!body.Public) + `}`)}
	made, err := c.draft(i).newComment(commentBody{Body: body.Body, Properties: []property{internal}}, c.caller)
	if err != nil {
		return reply{}, err
	}
	c.j.amend(i, func(x *extras) { x.comments = append(x.comments, made) })
	return reply{http.StatusCreated, map[string]any{
		"id": made.id, "body": c.show.document(made.body), "public": body.Public, "author": c.show.person(made.author), "created": c.deskDate(made.created),
	}}, nil
}

func (c *call) listOrganizations() (reply, error) {
	if err := c.needDesk(); err != nil {
		return reply{}, err
	}
	return deskPage(c, c.desks()[0].desk.organizations, showOrganization)
}
