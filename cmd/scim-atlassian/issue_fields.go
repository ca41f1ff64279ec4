package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/connector"
	"scim-atlassian/scim/field"
	"scim-atlassian/scim/state"
)

// demoFields are the custom fields of the emulated project ACC that demo maps. The ids and types are there, since the
// emulator does not answer yet when the server is made.
var demoFields = field.Mapping{Attributes: []field.Attribute{
	{Name: "approver", Field: "customfield_10201", Type: field.User},
	{Name: "justification", Field: "customfield_10202", Type: field.Paragraph},
	{Name: "validUntil", Field: "customfield_10203", Type: field.Date},
	{Name: "risk", Field: "customfield_10204", Type: field.Select, Values: []string{"Low", "Medium", "High"}},
	{Name: "systems", Field: "customfield_10205", Type: field.MultiSelect, Values: []string{"CRM", "ERP", "Wiki"}},
	{Name: "requestUrl", Field: "customfield_10206", Type: field.URL},
}}

// demoFieldsFile stands for demoFields in place of a path.
const demoFieldsFile = "\x00demo"

// keptFields are the fields of a mapping as Jira last showed them.
type keptFields struct {
	Mapping field.Mapping `json:"mapping"`
	Set     field.Set     `json:"set"`
}

// issueMapping returns the content of SCIM_ATLASSIAN_ISSUE_FILE, or the mapping of demo.
func (c *config) issueMapping() (field.Mapping, error) {
	if c.IssueFile == demoFieldsFile {
		return demoFields, nil
	}
	return parsedFile("SCIM_ATLASSIAN_ISSUE_FILE", c.IssueFile, field.ParseMapping)
}

// issueFields returns the custom fields that are attributes of issues. Unless the mapping states their ids and types, Jira
// is asked. If it does not answer, what it said last counts, from the state, which may be nil.
func (c *config) issueFields(ctx context.Context, j *atlassian.Jira, store *state.Store) (field.Set, error) {
	m, err := c.issueMapping()
	if err != nil || len(m.Attributes) == 0 {
		return nil, err
	}
	set, err := field.Resolve(ctx, j, m)
	var away *atlassian.Error
	switch {
	case errors.As(err, &away):
		if kept, ok := readKeptFields(ctx, store, m); ok {
			return kept, nil
		}
		return nil, fmt.Errorf("SCIM_ATLASSIAN_ISSUE_FILE: Jira must be asked for the fields, unless field is customfield_N and type is stated for each: %w", err)
	case err != nil:
		return nil, fmt.Errorf("SCIM_ATLASSIAN_ISSUE_FILE %s:\n%w", c.IssueFile, err)
	case store != nil && !m.Stated():
		if data, err := json.Marshal(keptFields{m, set}); err == nil {
			_ = store.Put(ctx, "issueFields", "all", data, time.Time{}) // without it the next start needs Jira
		}
	}
	return set, nil
}

func readKeptFields(ctx context.Context, store *state.Store, m field.Mapping) (field.Set, bool) {
	if store == nil {
		return nil, false
	}
	v, found, err := store.Value(ctx, "issueFields", "all")
	var kept keptFields
	if err != nil || !found || json.Unmarshal(v.Data, &kept) != nil {
		return nil, false
	}
	was, _ := json.Marshal(kept.Mapping)
	is, _ := json.Marshal(m)
	return kept.Set, string(was) == string(is)
}

// fieldsFinding tells which custom fields are attributes.
func fieldsFinding(set field.Set) connector.Finding {
	var list []string
	for _, f := range set {
		list = append(list, fmt.Sprintf("%s is %s (%s)", f.Name, f.ID(), f.Type))
	}
	return ownFinding("issue fields", strings.Join(list, ", "), nil)
}
