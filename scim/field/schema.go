package field

import (
	"encoding/json"
	"fmt"

	"scim-atlassian/schemas"
)

// Schema returns the extension with the attributes, nil if there are none.
func (s Set) Schema() *schemas.Schema {
	if len(s) == 0 {
		return nil
	}
	out := &schemas.Schema{ID: URN, Name: "IssueFields", Description: "Custom fields of issues"}
	for _, c := range s {
		out.Attributes = append(out.Attributes, c.attribute())
	}
	return out
}

// Published returns the extension as /Schemas shows it.
func (s Set) Published() (json.RawMessage, error) {
	if len(s) == 0 {
		return nil, nil
	}
	return json.Marshal(s.Schema())
}

func (c Custom) attribute() schemas.Attribute {
	a := schemas.Attribute{
		Name: c.Name, Type: "string", MultiValued: c.Multi(), Description: fmt.Sprintf("The custom field %s.", c.Label),
		Mutability: "readWrite", Returned: "default", Uniqueness: "none", CanonicalValues: c.Values,
	}
	switch c.Type {
	case Number:
		a.Type = "decimal"
	case DateTime:
		a.Type = "dateTime"
	case Date:
		a.CaseExact, a.Description = true, a.Description+" A day, YYYY-MM-DD; days in this form order as text."
	case URL:
		a.Type, a.CaseExact = "string", true
	case Select, Radio, MultiSelect, Checkbox:
		a.CaseExact = true
	case Cascading:
		a.CanonicalValues = nil
		complexOf(&a, text("value", "Choice in the first list."), text("child", "Choice in the second list."))
	case User, Users:
		complexOf(&a, people()...)
	case Group, Groups:
		display := text("display", "Name of the group.")
		complexOf(&a, text("value", "Id of the group."), display)
	case Version, Versions:
		complexOf(&a, text("id", "Jira's id of the version."), text("name", "Name of the version."))
	case Team:
		display := text("display", "Name of the team.")
		display.Mutability = "readOnly"
		complexOf(&a, text("value", "Id of the team."), display)
	case Unknown:
		a.Mutability, a.Description = "readOnly", a.Description+" Its type is not known here; the value is JSON."
	}
	return a
}

func complexOf(a *schemas.Attribute, sub ...schemas.Attribute) {
	a.Type, a.SubAttributes = "complex", sub
}

func text(name, description string) schemas.Attribute {
	return schemas.Attribute{
		Name: name, Type: "string", Description: description, Mutability: "readWrite", Returned: "default", Uniqueness: "none",
		CaseExact: name == "value" || name == "id" || name == "child",
	}
}

// people are the parts of an account: how it is shown, and the ways to name it.
func people() []schemas.Attribute {
	display := text("display", "Name that the account shows.")
	display.Mutability = "readOnly"
	active := text("active", "Whether the account is active, as Jira shows it.")
	active.Type, active.Mutability, active.Returned = "boolean", "readOnly", "request"
	userName := text("userName", "userName of the User with that account; a way to name it, and to look for it by eq.")
	list := []schemas.Attribute{text("value", "accountId of the Atlassian account."), display, active, userName}
	for _, way := range []struct{ name, kind, description string }{
		{"email", "string", "E-mail address of the User with that account; a way to name it."},
		{"$ref", "reference", "Location of the User with that account; a way to name it."},
	} {
		a := text(way.name, way.description)
		a.Type, a.Mutability, a.Returned = way.kind, "writeOnly", "never"
		if way.kind == "reference" {
			a.ReferenceTypes = []string{"User"}
		}
		list = append(list, a)
	}
	return list
}
