package guard

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Patterns names objects that only callers with the setting protected may change.
type Patterns []Pattern

// Pattern is the type of an object and its name, where * stands for any characters and
// case does not count. User and Account are the same, by user name or e-mail address; a
// Group is one however it is addressed; an Entitlement is meant by its whole name.
type Pattern struct{ Type, Name string }

// ParsePatterns reads a comma list of TYPE:pattern, or "none".
func ParsePatterns(text string) (Patterns, error) {
	if text == "none" {
		return nil, nil
	}
	var all Patterns
	for entry := range strings.SplitSeq(text, ",") {
		of, name, ok := strings.Cut(strings.TrimSpace(entry), ":")
		p := Pattern{of, strings.ToLower(name)}
		_, err := path.Match(p.Name, "")
		if !ok || name == "" || err != nil || !slices.Contains([]string{"User", "Account", "Group", "Entitlement"}, of) {
			return nil, fmt.Errorf("%q is no TYPE:pattern: use User, Account, Group or Entitlement and a name with * for any characters, or none for no protection at all", entry)
		}
		if p.Type == "Account" {
			p.Type = "User"
		}
		all = append(all, p)
	}
	return all, nil
}

// matches reports whether a pattern is for an object of a type with one of names.
func (p Patterns) matches(of string, names ...string) bool {
	return slices.ContainsFunc(p, func(p Pattern) bool {
		return p.Type == of && slices.ContainsFunc(names, func(name string) bool {
			name, pattern := strings.ReplaceAll(strings.ToLower(name), "/", "\x00"), strings.ReplaceAll(p.Name, "/", "\x00") // * is for any characters
			ok, _ := path.Match(pattern, name)                                                                               // ParsePatterns has checked it
			return ok && name != ""
		})
	})
}

func (p Patterns) any(of string) bool {
	return slices.ContainsFunc(p, func(p Pattern) bool { return p.Type == of })
}

// protects reports whether there is something to protect from the request.
func (g *Guard) protects(ctx context.Context) bool {
	return len(g.cfg.Protected) > 0 && !resource.RequestOf(ctx).Policy.ChangesProtected
}

// namesPerson are the names of a user of the directory.
func namesPerson(o query.Object) []string {
	return append([]string{o.Text("userName")}, values(o.Elements("emails"))...)
}

// checkPerson refuses a change of a user with one of names.
func (g *Guard) checkPerson(names []string) error {
	if g.cfg.Protected.matches("User", names...) {
		return g.protected("user", names[0])
	}
	return nil
}

// protectedGroup refuses a change of the members of a group or role, by its id.
func (g *Guard) protectedGroup(ctx context.Context, id string) error {
	if !g.cfg.Protected.any("Group") || g.cfg.Facts.IsRole(id) {
		return nil
	}
	o := g.cfg.Facts.Group(id, "displayName")
	if o == nil {
		var err error
		if o, err = g.cfg.Facts.ReadGroup(ctx, id); resource.IsMissing(err) {
			return nil // the write itself says so
		} else if err != nil {
			return err
		}
	}
	if name := o.Text("displayName"); g.cfg.Protected.matches("Group", name) {
		return g.protected("group", name)
	}
	return nil
}

// protected is the refusal of a change of a protected object.
func (g *Guard) protected(kind, name string) error {
	return resource.Refuse(http.StatusForbidden, typeProtected,
		"The %s %s is protected: only a caller with the setting protected may change it. Nothing was changed%s.",
		kind, resource.InQuotes(name), g.cfg.ProtectedSetting.Advice("; %s says what is protected"))
}
