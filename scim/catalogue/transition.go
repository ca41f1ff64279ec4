package catalogue

import (
	"fmt"
	"slices"
	"strings"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/jql"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// PickTransition returns the transition to the target, a status by id or name; one with the id
// or name named, unless that is empty. Of several statuses with the same name, only one
// may be in reach; that status is meant. Of several transitions one must be named.
func PickTransition(all []atlassian.Transition, target query.Object, named string) (atlassian.Transition, error) {
	var found []atlassian.Transition
	var reachable, ambiguous []jql.Entry
	for _, t := range all {
		to := jql.Entry{ID: t.To.ID, Name: t.To.Name}
		if !slices.Contains(reachable, to) {
			reachable = append(reachable, to)
		}
		if len(target) > 0 && !query.Refers(target, to.Object()) || named != "" && t.ID != named && !strings.EqualFold(t.Name, named) {
			continue
		}
		found = append(found, t)
		if !slices.Contains(ambiguous, to) {
			ambiguous = append(ambiguous, to)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) == 0 && named != "":
		return atlassian.Transition{}, resource.InvalidValue("status.transition: %s is not possible from here%s; possible are %s.", resource.InQuotes(named), towards(target), edges(all))
	case len(found) == 0:
		return atlassian.Transition{}, resource.InvalidValue("status: no transition leads to %s; from here one leads to %s.", resource.Describe(target), Listing(reachable))
	case len(ambiguous) > 1:
		return atlassian.Transition{}, resource.InvalidValue("status: %s is ambiguous; give the id of one of %s.", resource.Describe(target), Listing(ambiguous))
	}
	return atlassian.Transition{}, resource.InvalidValue("status: several transitions lead to %s; name one of them in status.transition: %s.", found[0].To.Name, edges(found))
}

func towards(target query.Object) string {
	if len(target) == 0 {
		return ""
	}
	return " to " + resource.Describe(target)
}

// edges names transitions for a message.
func edges(all []atlassian.Transition) string {
	if len(all) == 0 {
		return "none"
	}
	var parts []string
	for _, t := range all {
		text := fmt.Sprintf("%q (id %s)", t.Name, t.ID)
		if t.HasScreen {
			text += " with a screen"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}
