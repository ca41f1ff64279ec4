package atlassian

import (
	"context"
	"net/url"
	"strconv"
)

// Jira Service Management has an API of its own on the same site, with pages of its own; a site without it answers
// NotFound. https://developer.atlassian.com/cloud/jira/service-desk/rest/

// ServiceDesk is the desk of a project.
type ServiceDesk struct {
	ID         string `json:"id"`
	ProjectID  string `json:"projectId"`
	ProjectKey string `json:"projectKey"`
}

// RequestType is a form of a desk, whose requests are issues of one type.
type RequestType struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	IssueTypeID string `json:"issueTypeId"`
}

// RequestField is a field of a form, by the id that it has in issues.
type RequestField struct {
	FieldID  string `json:"fieldId"`
	Name     string `json:"name"`
	Required bool   `json:"required"`
}

// NewRequest is a customer request to be made. Values are as in issues; with ADF, rich text is a document.
type NewRequest struct {
	ServiceDeskID string         `json:"serviceDeskId"`
	RequestTypeID string         `json:"requestTypeId"`
	Values        map[string]any `json:"requestFieldValues"`
	OnBehalfOf    string         `json:"raiseOnBehalfOf,omitzero"` // account id; empty: the caller
	Participants  []string       `json:"requestParticipants,omitzero"`
	ADF           bool           `json:"isAdfRequest,omitzero"`
}

// CustomerRequest is an issue as its desk knows it. Type is there where it was asked for and the request has one.
type CustomerRequest struct {
	IssueID  string       `json:"issueId"`
	IssueKey string       `json:"issueKey"`
	Type     *RequestType `json:"requestType"`
}

func (r *CustomerRequest) accept() bool { return r.IssueID != "" && r.IssueKey != "" }

// Approval asks some people for their decision on a request.
type Approval struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Decision  string     `json:"finalDecision"`     // pending, approved or declined
	CanAnswer bool       `json:"canAnswerApproval"` // by the caller, now
	Approvers []Approver `json:"approvers"`
	Created   DeskTime   `json:"createdDate"`
	Completed DeskTime   `json:"completedDate"` // zero while pending
}

func (a *Approval) accept() bool { return a.ID != "" }

// Approver is one of these people, with the own decision.
type Approver struct {
	Account  *Account `json:"approver"`
	Decision string   `json:"approverDecision"`
}

// DeskTime is a point in time as service desks tell it.
type DeskTime struct {
	EpochMillis int64 `json:"epochMillis"`
}

// ServiceDesks returns the desks that the caller may see. It calls GET /rest/servicedeskapi/servicedesk.
func (j *Jira) ServiceDesks(ctx context.Context) ([]ServiceDesk, error) {
	return deskPages[ServiceDesk](ctx, j, "GET /rest/servicedeskapi/servicedesk")
}

// RequestTypes returns the forms of a desk. It calls GET /rest/servicedeskapi/servicedesk/{serviceDeskId}/requesttype.
func (j *Jira) RequestTypes(ctx context.Context, desk string) ([]RequestType, error) {
	return deskPages[RequestType](ctx, j, "GET /rest/servicedeskapi/servicedesk/{serviceDeskId}/requesttype", desk)
}

// DeskOrganizations returns the organizations of a desk, to agents. It calls GET
// /rest/servicedeskapi/servicedesk/{serviceDeskId}/organization.
func (j *Jira) DeskOrganizations(ctx context.Context, desk string) ([]Named, error) {
	return deskPages[Named](ctx, j, "GET /rest/servicedeskapi/servicedesk/{serviceDeskId}/organization", desk)
}

type requestForm struct {
	Fields []RequestField `json:"requestTypeFields"`
}

func (f *requestForm) accept() bool { return f.Fields != nil }

// RequestFields returns the fields that a form asks for. It calls GET
// /rest/servicedeskapi/servicedesk/{serviceDeskId}/requesttype/{requestTypeId}/field.
func (j *Jira) RequestFields(ctx context.Context, desk, requestType string) ([]RequestField, error) {
	form, err := fetch[requestForm](ctx, j.caller, request{
		op: "GET /rest/servicedeskapi/servicedesk/{serviceDeskId}/requesttype/{requestTypeId}/field", args: []string{desk, requestType}, reads: true,
	})
	if err != nil {
		return nil, err
	}
	return form.Fields, nil
}

// CreateRequest makes a customer request. It calls POST /rest/servicedeskapi/request: after an Ambiguous error the
// request may exist.
func (j *Jira) CreateRequest(ctx context.Context, r NewRequest) (*CustomerRequest, error) {
	return fetch[CustomerRequest](ctx, j.caller, request{op: "POST /rest/servicedeskapi/request", body: r})
}

// Request returns an issue as its desk knows it, with its type. One that is no request is NotFound or Forbidden. It calls
// GET /rest/servicedeskapi/request/{issueIdOrKey}.
func (j *Jira) Request(ctx context.Context, idOrKey string) (*CustomerRequest, error) {
	return fetch[CustomerRequest](ctx, j.caller, request{
		op: "GET /rest/servicedeskapi/request/{issueIdOrKey}", args: []string{idOrKey}, query: url.Values{"expand": {"requestType"}}, reads: true,
	})
}

// Participants returns those who take part in a request. It calls GET
// /rest/servicedeskapi/request/{issueIdOrKey}/participant.
func (j *Jira) Participants(ctx context.Context, idOrKey string) ([]*Account, error) {
	return deskPages[*Account](ctx, j, "GET /rest/servicedeskapi/request/{issueIdOrKey}/participant", idOrKey)
}

// AddParticipants makes accounts take part in a request. It calls POST
// /rest/servicedeskapi/request/{issueIdOrKey}/participant.
func (j *Jira) AddParticipants(ctx context.Context, idOrKey string, accountIDs []string) error {
	return j.changeParticipants(ctx, "POST /rest/servicedeskapi/request/{issueIdOrKey}/participant", idOrKey, accountIDs)
}

// RemoveParticipants makes accounts take part in a request no longer. It calls DELETE
// /rest/servicedeskapi/request/{issueIdOrKey}/participant.
func (j *Jira) RemoveParticipants(ctx context.Context, idOrKey string, accountIDs []string) error {
	return j.changeParticipants(ctx, "DELETE /rest/servicedeskapi/request/{issueIdOrKey}/participant", idOrKey, accountIDs)
}

func (j *Jira) changeParticipants(ctx context.Context, op, idOrKey string, accountIDs []string) error {
	return j.call(ctx, request{op: op, args: []string{idOrKey}, body: map[string][]string{"accountIds": accountIDs}, repeatable: true})
}

// Approvals returns the approvals of a request, oldest first. It calls GET
// /rest/servicedeskapi/request/{issueIdOrKey}/approval.
func (j *Jira) Approvals(ctx context.Context, idOrKey string) ([]*Approval, error) {
	return deskPages[*Approval](ctx, j, "GET /rest/servicedeskapi/request/{issueIdOrKey}/approval", idOrKey)
}

// Decide answers an approval in the name of the caller: nobody can for somebody else. It calls POST
// /rest/servicedeskapi/request/{issueIdOrKey}/approval/{approvalId}, and returns the approval as it is then.
func (j *Jira) Decide(ctx context.Context, idOrKey, approval string, approve bool) (*Approval, error) {
	decision := map[bool]string{true: "approve", false: "decline"}[approve]
	return fetch[Approval](ctx, j.caller, request{
		op:   "POST /rest/servicedeskapi/request/{issueIdOrKey}/approval/{approvalId}",
		args: []string{idOrKey, approval}, body: map[string]string{"decision": decision},
	})
}

// deskPage is the envelope of a page of a service desk.
type deskPage[T any] struct {
	IsLast *bool `json:"isLastPage"`
	Values []T   `json:"values"`
}

func (p *deskPage[T]) accept() bool { return p.IsLast != nil && p.Values != nil }

// deskPages reads a list of a service desk to its end.
func deskPages[T any](ctx context.Context, j *Jira, op string, args ...string) ([]T, error) {
	all := []T{}
	for {
		var page deskPage[T]
		q := url.Values{"start": {strconv.Itoa(len(all))}, "limit": {"100"}}
		if err := j.call(ctx, request{op: op, args: args, query: q, into: &page, reads: true}); err != nil {
			return nil, err
		}
		all = append(all, page.Values...)
		if *page.IsLast {
			return all, nil
		}
		if len(page.Values) == 0 {
			return nil, stuck(op, len(all))
		}
	}
}
