package desk

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/around"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Change is what a write changes of a request. The zero Change changes nothing.
type Change struct {
	join, leave  []string // account ids
	organization *int64   // nil: it stays; 0: none
	decisions    []decision
}

type decision struct {
	approval string
	approve  bool
}

// Plan returns what turns the request of current into that of doc; both have the
// project; a nil current is for a new one. accountOf returns the account id of a person.
// It asks nothing of upstream where they agree.
func (d *Desks) Plan(ctx context.Context, current, doc query.Object, accountOf func(query.Object) (string, error)) (Change, error) {
	var c Change
	for _, name := range Attributes {
		was, _ := current.Get(name)
		is, _ := doc.Get(name)
		if query.Equal(query.Object{{Value: was}}, query.Object{{Value: is}}) || current == nil && name == "requestType" {
			continue
		}
		desk, err := d.Need(ctx, name, doc.Inner("project"))
		if err != nil {
			return c, err
		}
		switch name {
		case "requestType":
			if query.Refers(doc.Inner(name), current.Inner(name)) {
				continue
			}
			err = resource.Mutability("requestType is set when a request is made, and stays.")
		case "participants":
			err = c.planParticipants(current, doc, accountOf)
		case "organization":
			err = d.planOrganization(ctx, &c, desk.ID, current.Inner(name), doc.Inner(name))
		case "approvals":
			c.decisions, err = planDecisions(current.Elements(name), doc.Elements(name))
		}
		if err != nil {
			return c, err
		}
	}
	return c, nil
}

func (c *Change) planParticipants(current, doc query.Object, accountOf func(query.Object) (string, error)) error {
	var had, want []string
	for _, o := range current.Elements("participants") {
		had = append(had, o.Text("value"))
	}
	for _, o := range doc.Elements("participants") {
		id, err := o.Text("value"), error(nil)
		if !slices.ContainsFunc(current.Elements("participants"), func(h query.Object) bool { return id != "" && query.Refers(o.Without("display"), h) }) {
			id, err = accountOf(o)
		}
		switch {
		case err != nil:
			return err
		case id == "":
			return resource.InvalidValue("participants: name each person by value (account id), userName, email or $ref.")
		case !slices.Contains(want, id):
			want = append(want, id)
		}
	}
	without := func(all, less []string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(id string) bool { return slices.Contains(less, id) })
	}
	c.join, c.leave = without(want, had), without(had, want)
	return nil
}

// Joining returns the accounts that are to take part in the request besides those that do.
func (c Change) Joining() []string { return c.join }

// planDecisions returns the decisions in which the approvals of a request differ from
// what they are to be.
func planDecisions(was, is []query.Object) ([]decision, error) {
	var all []decision
	for _, had := range was {
		i := slices.IndexFunc(is, func(o query.Object) bool { return o.Text("id") == had.Text("id") })
		if i < 0 {
			return nil, resource.Mutability("approvals: the approval %s cannot be removed; answer it by its decision.", had.Text("id"))
		}
		given := is[i].Text("decision")
		if given == had.Text("decision") || given == "" {
			continue
		}
		answer, known := map[string]bool{"approved": true, "approve": true, "declined": false, "decline": false}[strings.ToLower(given)]
		may, _ := had.Get("canAnswer")
		switch {
		case !known:
			return nil, resource.InvalidValue("approvals: the decision %s is none; it can be approved or declined.", resource.InQuotes(given))
		case had.Text("decision") != "pending":
			return nil, resource.Mutability("approvals: the approval %s is %s already.", had.Text("id"), had.Text("decision"))
		case may != true:
			return nil, resource.InvalidValue("approvals: Jira takes the decision on the approval %s from its approvers themselves, %s; this server's account is none of them, or has decided.",
				had.Text("id"), approvers(had))
		}
		all = append(all, decision{had.Text("id"), answer})
	}
	for _, o := range is {
		if !slices.ContainsFunc(was, func(had query.Object) bool { return o.Text("id") == had.Text("id") }) {
			return nil, resource.InvalidValue("approvals: the request has no approval with the id %s; a status of the workflow asks for one.", resource.InQuotes(o.Text("id")))
		}
	}
	return all, nil
}

func approvers(approval query.Object) string {
	var names []string
	for _, o := range approval.Elements("approvers") {
		names = append(names, o.Text("display"))
	}
	return strings.Join(names, ", ")
}

// Steps returns the steps that carry a change of the request with the id out. An answer of
// an approval is confirmed: it may move the request along its workflow.
func (d *Desks) Steps(id string, c Change) []around.Step {
	var steps []around.Step
	add := func(attribute string, do func(context.Context) error) {
		steps = append(steps, around.Step{Attribute: attribute, Do: do})
	}
	if len(c.join) > 0 {
		add("participants", func(ctx context.Context) error { return d.jira.AddParticipants(ctx, id, c.join) })
	}
	if len(c.leave) > 0 {
		add("participants", func(ctx context.Context) error { return d.jira.RemoveParticipants(ctx, id, c.leave) })
	}
	if c.organization != nil {
		add("organization", func(ctx context.Context) error { return d.setOrganization(ctx, id, *c.organization) })
	}
	for _, given := range c.decisions {
		add("approvals", func(ctx context.Context) error { return d.decide(ctx, id, given) })
	}
	return steps
}

func (d *Desks) decide(ctx context.Context, id string, given decision) error {
	made, err := d.jira.Decide(ctx, id, given.approval, given.approve)
	if err == nil && made.CanAnswer {
		e := resource.Refuse(http.StatusBadGateway, "", "Jira accepted the decision on the approval %s, but still waits for it.", given.approval)
		e.Unknown = true
		return e
	}
	return err
}

// organizationsKey is the type of the field that says with whom a request is shared.
const organizationsKey = "com.atlassian.servicedesk:sd-customer-organizations"

// field returns the id of that field, "" if there is none.
func (d *Desks) field(ctx context.Context) (string, error) {
	return d.fields.Get(ctx, false, func(ctx context.Context) (string, error) {
		all, err := d.jira.Fields(ctx)
		i := slices.IndexFunc(all, func(f atlassian.Field) bool { return f.Schema.Custom == organizationsKey })
		if i < 0 {
			return "", err
		}
		return all[i].ID, err
	})
}

// organization returns the organization of a request; of several, the first.
func (d *Desks) organization(ctx context.Context, id string) (any, error) {
	field, err := d.field(ctx)
	if err != nil || field == "" {
		return nil, err
	}
	issue, err := d.jira.Issue(ctx, id, []string{field})
	if err != nil {
		return nil, err
	}
	var all []struct {
		ID   json.RawMessage `json:"id"` // a number or a text
		Name string          `json:"name"`
	}
	if raw := issue.Fields.Custom[field]; len(raw) > 0 {
		if err := json.Unmarshal(raw, &all); err != nil {
			return nil, &resource.Error{Status: http.StatusBadGateway, Detail: "The organizations of a request cannot be read.", Err: err}
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	o := query.Texts("id", strings.Trim(string(all[0].ID), `"`), "name", all[0].Name)
	if len(all) > 1 {
		o.Set("more", int64(len(all)-1))
	}
	return o, nil
}

func (d *Desks) planOrganization(ctx context.Context, c *Change, desk string, had, given query.Object) error {
	given = given.Without("more")
	if query.Refers(given, had) {
		return nil
	}
	if _, several := had.Get("more"); several {
		return resource.Mutability("organization: the request is shared with several organizations; change them in Jira.")
	}
	field, err := d.field(ctx)
	switch {
	case err != nil:
		return err
	case field == "":
		return resource.InvalidValue("organization: this site has no field of organizations.")
	}
	c.organization = new(int64)
	if len(given) == 0 {
		return nil
	}
	known, err := d.jira.DeskOrganizations(ctx, desk)
	if err != nil {
		return err
	}
	var all []query.Object
	for _, o := range known {
		all = append(all, query.Texts("id", o.ID, "name", o.Name))
	}
	picked, err := pick("organization", all, given)
	if err != nil {
		return err
	}
	*c.organization, err = strconv.ParseInt(picked.Text("id"), 10, 64)
	return err
}

func (d *Desks) setOrganization(ctx context.Context, id string, organization int64) error {
	field, err := d.field(ctx)
	if err != nil {
		return err
	}
	value := []int64{}
	if organization != 0 {
		value = append(value, organization)
	}
	return d.jira.EditIssue(ctx, id, atlassian.IssueUpdate{Fields: map[string]any{field: value}})
}

// Unconfirmed lists the attributes that found has otherwise than after the change.
// Decisions are confirmed by Steps.
func (c Change) Unconfirmed(found query.Object) []string {
	var not, there []string
	for _, o := range found.Elements("participants") {
		there = append(there, o.Text("value"))
	}
	isThere := func(id string) bool { return slices.Contains(there, id) }
	if slices.ContainsFunc(c.leave, isThere) || slices.ContainsFunc(c.join, func(id string) bool { return !isThere(id) }) {
		not = append(not, "participants")
	}
	if id := found.Inner("organization").Text("id"); c.organization != nil && id != strconv.FormatInt(*c.organization, 10) && (id != "" || *c.organization != 0) {
		not = append(not, "organization")
	}
	return not
}
