package jira

import (
	"slices"
	"strconv"
	"strings"

	"scim-atlassian/atlassian/emulator/jql"
)

// autocompleteData tells which fields JQL can search, and with which operators. Its
// booleans are strings.
func (c *call) autocompleteData() (reply, error) {
	fields := []any{}
	for _, f := range c.j.schema.All() {
		shown := map[string]any{
			"value": f.Name, "displayName": f.Name, "operators": operatorTexts(f.Operators()), "auto": strconv.FormatBool(f.Kind == jql.Choice),
			"orderable": strconv.FormatBool(f.Kind != jql.Text), "searchable": "true", "types": []string{"java.lang.String"},
		}
		if strings.HasPrefix(f.Name, "cf[") {
			shown["value"], shown["cfid"] = f.Aliases[0], f.Name
			shown["displayName"] = f.Aliases[0] + " - " + f.Name
		}
		fields = append(fields, shown)
	}
	return ok(map[string]any{
		"visibleFieldNames": fields, "jqlReservedWords": []string{"empty", "and", "or", "in", "not", "null", "order", "by", "was", "changed"},
		"visibleFunctionNames": []any{map[string]any{"value": "currentUser()", "displayName": "currentUser()", "types": []string{"com.atlassian.jira.user.ApplicationUser"}}},
	})
}

func operatorTexts(all []jql.Operator) []string {
	texts := make([]string, len(all))
	for i, o := range all {
		texts[i] = o.String()
	}
	slices.Sort(texts)
	return texts
}
