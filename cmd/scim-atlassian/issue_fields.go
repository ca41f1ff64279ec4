package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim"
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

// errFieldsUnknown says that Jira has not told which fields there are, and nobody else knows.
var errFieldsUnknown = errors.New("SCIM_ATLASSIAN_ISSUE_FILE: Jira must be asked for the fields, unless field is customfield_N and type is stated for each")

// fieldsPatience is how long Jira may take to tell its fields before the server starts without them.
const fieldsPatience = 5 * time.Second

// issueFields returns the custom fields that are attributes of issues. Unless the mapping states their ids and types, Jira
// is asked. If it does not answer, what it said last counts, from the state, which may be nil; else the error is
// errFieldsUnknown.
func (c *config) issueFields(ctx context.Context, j *atlassian.Jira, store *state.Store) (field.Set, error) {
	m, err := c.issueMapping()
	if err != nil || len(m.Attributes) == 0 {
		return nil, err
	}
	asking, cancel := context.WithTimeout(ctx, fieldsPatience)
	defer cancel()
	set, err := field.Resolve(asking, j, m)
	var away *atlassian.Error
	switch {
	case errors.As(err, &away):
		if kept, ok := readKeptFields(ctx, store, m); ok {
			return kept, nil
		}
		return nil, fmt.Errorf("%w: %w", errFieldsUnknown, err)
	case err != nil:
		return nil, fmt.Errorf("SCIM_ATLASSIAN_ISSUE_FILE %s:\n%w", c.IssueFile, err)
	case set.LacksOptions():
		if screens, err := c.screens(asking, j); err == nil { // without them the schema names no options
			set = set.With(screens)
		}
	}
	if store != nil && !m.Stated() {
		if data, err := json.Marshal(keptFields{m, set}); err == nil {
			_ = store.Put(ctx, "issueFields", "all", data, time.Time{}) // without it the next start needs Jira
		}
	}
	return set, nil
}

// screens reads the screens for new issues of the projects that are served.
func (c *config) screens(ctx context.Context, j *atlassian.Jira) (field.Screens, error) {
	projects, err := j.Projects(ctx, c.Projects)
	if err != nil {
		return field.Screens{}, err
	}
	return field.ReadScreens(ctx, j, projects)
}

// learnFields asks Jira for the fields until it tells them, and then has issues served. It returns when ctx ends, too.
func (c *config) learnFields(ctx context.Context, facade *scim.Server, u *upstream, store *state.Store, logger *zap.Logger) {
	const first, longest = time.Second, 30 * time.Second
	for wait := first; ; wait = min(2*wait, longest) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		set, err := c.issueFields(ctx, u.jira, store)
		if err == nil {
			err = facade.SetIssueFields(set)
		}
		switch {
		case err == nil:
			logger.Info("issues are served: their custom fields are known", zap.Int("fields", len(set)))
			return
		case !errors.Is(err, errFieldsUnknown):
			logger.Error("issues are not served", zap.Error(err))
			wait = longest
		}
	}
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

// fieldsFindings tells of each custom field that is an attribute what clients can do with it: one that is of a type that is
// not known here, on no screen, or not to be searched, works in part.
func (c *config) fieldsFindings(ctx context.Context, j *atlassian.Jira, set field.Set) []connector.Finding {
	screens, err := c.screens(ctx, j)
	if err != nil {
		return []connector.Finding{ownFinding("issue fields", "", fmt.Errorf("the screens cannot be read: %w", err))}
	}
	var all []connector.Finding
	for _, f := range set {
		detail, limits := fmt.Sprintf("%s is %s (%s)", f.Name, f.ID(), f.Type), []string{}
		if on := screens.On(f); len(on) > 0 {
			detail += ", on the screens of " + strings.Join(on, ", ")
		} else {
			limits = append(limits, "no screen for new issues of the served projects has it: put it on one, else a POST with it is refused")
		}
		if f.Type == field.Unknown {
			limits = append(limits, "its type is not known here: it is read only, as JSON")
		} else if !f.Searchable() {
			limits = append(limits, "JQL does not narrow filters on it: they read every issue that the rest of the filter leaves")
		}
		finding := ownFinding("issue field", strings.Join(append([]string{detail}, limits...), "; "), nil)
		if len(limits) > 0 {
			finding.Outcome = connector.OutcomeLimited
		}
		all = append(all, finding)
	}
	return all
}
