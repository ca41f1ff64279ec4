package main

import (
	"cmp"
	"fmt"

	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/connector"
	"scim-atlassian/scim/guard"
)

// changeBudget is what one caller may delete, deactivate and remove.
func (c *config) changeBudget() (guard.Budget, error) {
	budget, err := guard.ParseBudget(c.ChangeBudget)
	budget.Floor = c.ChangeBudgetFloor
	return budget, err
}

// protected is the list of what only callers with the setting protected may change: by default the groups that
// administer a site and the organization, and the account that this server uses.
func (c *config) protected() string {
	usual := "Group:site-admins,Group:org-admin"
	if c.AdminEmail != "" {
		usual += ",Account:" + c.AdminEmail
	}
	return cmp.Or(c.Protected, usual)
}

// guardFindings say what is refused that callers may have a right to.
func (c *config) guardFindings(callers []auth.Caller) []connector.Finding {
	budget := connector.Finding{Capability: "change budget", Outcome: connector.OutcomeOff, Detail: "nothing bounds what a caller may delete"}
	if c.ChangeBudget != "off" {
		budget.Outcome = connector.OutcomeOK
		budget.Detail = fmt.Sprintf("%s, at least %d, for deletions, deactivations and removals of one caller; beyond it 403 changeBudget, until a caller with release lets it pass (%s)",
			c.ChangeBudget, c.ChangeBudgetFloor, withSetting(callers, func(c auth.Caller) bool { return c.Release }))
	}
	protected := connector.Finding{Capability: "protected", Outcome: connector.OutcomeOff, Detail: "every object may be changed"}
	if c.protected() != "none" {
		protected.Outcome = connector.OutcomeOK
		protected.Detail = fmt.Sprintf("%s, and the last administrator of a project: a change is 403 protected, but for callers with protected (%s)",
			c.protected(), withSetting(callers, func(c auth.Caller) bool { return c.Protected }))
	}
	return append([]connector.Finding{budget, protected}, c.rightsFindings(callers)...)
}

// rightsFindings say where callers may do more than their rights seem to say.
func (c *config) rightsFindings(callers []auth.Caller) []connector.Finding {
	var found []connector.Finding
	if names := withSetting(callers, func(c auth.Caller) bool { return c.Unsaid() }); names != noCaller {
		found = append(found, connector.Finding{Capability: "rights", Outcome: connector.OutcomeLimited,
			Detail: "write on Account gives and takes any group and any project role; Entitlement:GROUP and Entitlement:PROJECT_ROLE narrow it: " + names})
	}
	if c.issuerURL() != "" && auth.AnyToken(callers) {
		found = append(found, connector.Finding{Capability: "rights", Outcome: connector.OutcomeLimited,
			Detail: "every access token for this server may write everything, since no caller has realm_role, client_role or scope"})
	}
	return found
}

const noCaller = "no caller"

// withSetting names the callers with a setting.
func withSetting(callers []auth.Caller, has func(auth.Caller) bool) string {
	names := ""
	for _, caller := range callers {
		if has(caller) {
			names += ", " + caller.Name
		}
	}
	if names == "" {
		return noCaller
	}
	return names[2:]
}
