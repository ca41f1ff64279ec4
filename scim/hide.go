package scim

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// checkHidden reports every entry in the setting hide of a caller that names no
// attribute which an answer can leave out, joined into one error with a line each.
func checkHidden(callers []auth.Caller, types []*resource.Type) error {
	var problems []error
	for i, caller := range callers {
		for _, setting := range caller.Hide {
			if err := checkHide(setting, types); err != nil {
				problems = append(problems, fmt.Errorf("caller %d (%s): hide: %q %w", i+1, caller.Name, setting, err))
			}
		}
	}
	return errors.Join(problems...)
}

// checkHide reports the fault of one entry.
func checkHide(setting string, types []*resource.Type) error {
	typeName, name, ok := strings.Cut(setting, ".")
	if !ok {
		return errors.New("has no attribute: write TYPE.ATTRIBUTE, such as Group.members")
	}
	at := slices.IndexFunc(types, func(rt *resource.Type) bool { return rt.Name == typeName })
	if at < 0 {
		var names []string
		for _, rt := range types {
			names = append(names, rt.Name)
		}
		return fmt.Errorf("is of no resource type: use %s", strings.Join(names, ", "))
	}
	path, err := types[at].Schema.Resolve(name)
	switch {
	case err != nil && types[at].Pending != nil:
		return nil // it may be an attribute later
	case err != nil:
		return fmt.Errorf("is no attribute: %w", err)
	case path.Sub == nil && path.Attr.Returned == query.Always || path.Sub != nil && path.Sub.Returned == query.Always:
		return errors.New("is in every answer (returned: always) and cannot be hidden")
	}
	return nil
}

// withholding returns callers with what their setting links takes from them: the links
// of each type to types of which they may read none.
func withholding(callers []auth.Caller, types []*resource.Type) []auth.Caller {
	callers = slices.Clone(callers)
	for i := range callers {
		c := &callers[i]
		for _, rt := range types {
			linked := rt.Linked
			if rt.Linking != nil {
				linked = rt.Linking.Linked
			}
			readable := func(t *resource.Type) bool { return slices.Contains(linked, t.Endpoint) && c.May(t.Name, false) }
			if c.Links == auth.HideLinks && rt.Links.Name != "" && !slices.ContainsFunc(types, readable) {
				c.Withheld = append(c.Withheld, rt.Name+"."+rt.Links.Name)
			}
		}
	}
	return callers
}
