// Package field makes attributes of Jira's custom fields.
//
// A [Mapping] says which fields become attributes, and under which names. [Resolve]
// finds the fields and their types in Jira; a mapping that states both needs no Jira.
// A [Set] then has the schema of the attributes, and reads and writes their values.
package field

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"scim-atlassian/atlassian"
	"scim-atlassian/schemas"
)

// URN is the schema extension of Issue that the attributes are in.
const URN = "urn:scim-atlassian:params:scim:schemas:extension:jira:2.0:Issue"

// Mapping is the list of custom fields that become attributes.
type Mapping struct {
	Attributes []Attribute `json:"attributes"`
}

// Attribute is one of them.
type Attribute struct {
	Name  string `json:"name"`
	Field string `json:"field"` // customfield_N, cf[N], or a name that only one custom field has
	// Type states the type; empty: Jira is asked.
	Type Type `json:"type,omitempty"`
	// Values are the options to name in the schema; empty: Jira is asked where it is asked anyway.
	Values []string `json:"values,omitempty"`
}

// Type is a type of custom fields.
type Type string

// The types. Fields of any other type can be read only.
const (
	Text        Type = "text"
	Paragraph   Type = "paragraph"
	Number      Type = "number"
	Date        Type = "date"
	DateTime    Type = "dateTime"
	Select      Type = "select"
	MultiSelect Type = "multiSelect"
	Cascading   Type = "cascading"
	Radio       Type = "radio"
	Checkbox    Type = "checkbox"
	User        Type = "user"
	Users       Type = "users"
	Group       Type = "group"
	Groups      Type = "groups"
	Labels      Type = "labels"
	URL         Type = "url"
	Version     Type = "version"
	Versions    Type = "versions"
	Team        Type = "team"
	Unknown     Type = "unknown"
)

const typeKey = "com.atlassian.jira.plugin.system.customfieldtypes:"

// typeKeys are the types by the keys that Jira's schemas have.
var typeKeys = map[string]Type{
	typeKey + "textfield": Text, typeKey + "textarea": Paragraph, typeKey + "float": Number, typeKey + "datepicker": Date,
	typeKey + "datetime": DateTime, typeKey + "select": Select, typeKey + "multiselect": MultiSelect, typeKey + "cascadingselect": Cascading,
	typeKey + "radiobuttons": Radio, typeKey + "multicheckboxes": Checkbox, typeKey + "userpicker": User, typeKey + "multiuserpicker": Users,
	typeKey + "grouppicker": Group, typeKey + "multigrouppicker": Groups, typeKey + "labels": Labels, typeKey + "url": URL,
	typeKey + "version": Version, typeKey + "multiversion": Versions, typeKey + "atlassian-team": Team,
	"com.atlassian.teams:rm-teams-custom-field-team": Team,
}

func isType(t Type) bool {
	if t == Unknown {
		return true
	}
	for _, known := range typeKeys {
		if known == t {
			return true
		}
	}
	return false
}

var attributeName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`)

// ParseMapping reads a mapping, and refuses what it does not know.
func ParseMapping(text []byte) (Mapping, error) {
	var m Mapping
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		return Mapping{}, err
	}
	if decoder.More() {
		return Mapping{}, errors.New("there is more than one JSON value")
	}
	return m, m.check()
}

func (m Mapping) check() error {
	var problems []error
	names, fields := map[string]bool{}, map[string]bool{}
	for i, a := range m.Attributes {
		wrong := func(format string, args ...any) {
			problems = append(problems, fmt.Errorf("attributes[%d]: %s", i, fmt.Sprintf(format, args...)))
		}
		switch name := strings.ToLower(a.Name); {
		case !attributeName.MatchString(a.Name):
			wrong("name %q must be a letter and then letters, digits, - or _", a.Name)
		case names[name]:
			wrong("the name %s is there twice", a.Name)
		case taken(name):
			wrong("the name %s is an attribute of Issue already", a.Name)
		default:
			names[name] = true
		}
		switch {
		case a.Field == "":
			wrong("field is missing: the id, such as customfield_10201, or the name")
		case fields[a.Field]:
			wrong("the field %q is there twice", a.Field)
		}
		fields[a.Field] = true
		if a.Type != "" && !isType(a.Type) {
			wrong("there is no type %q", a.Type)
		}
	}
	return errors.Join(problems...)
}

// taken reports whether Issue itself has an attribute of a name in lower case.
func taken(name string) bool {
	types, err := schemas.ResourceTypes()
	if err != nil {
		return false // the schema cannot be read, which the server reports
	}
	common := []string{"schemas", "id", "externalid", "meta"}
	for _, t := range types {
		if t.Name == "Issue" && slices.ContainsFunc(t.Core.Attributes, func(a schemas.Attribute) bool { return strings.ToLower(a.Name) == name }) {
			return true
		}
	}
	return slices.Contains(common, name)
}

// Custom is a custom field as an attribute.
type Custom struct {
	Name   string // of the attribute
	Number int    // of the field
	Label  string // the field's name, or how the mapping calls it
	Type   Type
	Values []string // options, nil if they are not known
	Hidden bool     // JQL cannot search it

	Operators []string // that JQL takes; nil: not known
}

// ID is the field's id.
func (c Custom) ID() string { return "customfield_" + strconv.Itoa(c.Number) }

// Clause is the field's name in JQL.
func (c Custom) Clause() string { return "cf[" + strconv.Itoa(c.Number) + "]" }

// Path is the attribute with its schema.
func (c Custom) Path() string { return URN + ":" + c.Name }

// Multi reports whether the attribute has several values.
func (c Custom) Multi() bool {
	return slices.Contains([]Type{MultiSelect, Checkbox, Users, Groups, Labels, Versions}, c.Type)
}

// Set is the custom fields that are attributes. The zero Set has none.
type Set []Custom

var byNumber = regexp.MustCompile(`^(?:customfield_|cf\[)(\d+)\]?$`)

// numberIn returns the number in an id or clause.
func numberIn(name string) (int, bool) {
	parts := byNumber.FindStringSubmatch(strings.ToLower(name))
	if parts == nil {
		return 0, false
	}
	n, err := strconv.Atoi(parts[1])
	return n, err == nil
}

// Stated reports whether the mapping says everything, so that Resolve asks nothing.
func (m Mapping) Stated() bool {
	return !slices.ContainsFunc(m.Attributes, func(a Attribute) bool {
		_, ok := numberIn(a.Field)
		return !ok || a.Type == ""
	})
}

// Resolve finds the fields of a mapping. It reads the list of fields and what JQL takes,
// unless the mapping says everything. A field that does not exist, whose name several have, or whose type
// is another than the mapping says, is an error; all of them are reported.
func Resolve(ctx context.Context, j *atlassian.Jira, m Mapping) (Set, error) {
	var known []atlassian.Field
	var clauses []atlassian.Clause
	if !m.Stated() {
		var err error
		if known, err = j.Fields(ctx); err != nil {
			return nil, err
		}
		if clauses, err = j.Clauses(ctx); err != nil {
			return nil, err
		}
	}
	var set Set
	var problems []error
	for _, a := range m.Attributes {
		c, err := a.resolve(known)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", a.Name, err))
			continue
		}
		for _, clause := range clauses {
			if clause.CustomID == c.Clause() {
				c.Operators = clause.Operators
			}
		}
		set = append(set, c)
	}
	return set, errors.Join(problems...)
}

func (a Attribute) resolve(known []atlassian.Field) (Custom, error) {
	number, numbered := numberIn(a.Field)
	c := Custom{Name: a.Name, Number: number, Label: a.Field, Type: a.Type, Values: a.Values}
	if numbered && known == nil {
		return c, nil
	}
	var found []atlassian.Field
	for _, f := range known {
		if f.Custom && (numbered && f.Schema.CustomID == int64(number) || !numbered && strings.EqualFold(f.Name, a.Field)) {
			found = append(found, f)
		}
	}
	switch {
	case len(found) == 0:
		return c, fmt.Errorf("no custom field of Jira is called %q", a.Field)
	case len(found) > 1:
		return c, fmt.Errorf("%d custom fields are called %q; give the id of one of %s", len(found), a.Field, ids(found))
	}
	is := typeKeys[found[0].Schema.Custom]
	if is == "" {
		is = Unknown
	}
	if a.Type != "" && a.Type != is {
		return c, fmt.Errorf("the field %q is of type %s, not %s", a.Field, is, a.Type)
	}
	c.Number, c.Label, c.Type, c.Hidden = int(found[0].Schema.CustomID), found[0].Name, is, !found[0].Searchable
	return c, nil
}

func ids(fields []atlassian.Field) string {
	list := make([]string, len(fields))
	for i, f := range fields {
		list[i] = f.ID
	}
	return strings.Join(list, ", ")
}
