package schemas

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	strictjson "github.com/go-json-experiment/json"
)

//go:embed connector/*.json
var mappings embed.FS

// Mapping says how a resource type of IDHub's connector, Account or
// Entitlement, shows what Atlassian has: its schema, where each attribute comes
// from, and which way it flows. It is the one source of the published schema.
// Its JSON form is described in docs/mapping.md.
type Mapping struct {
	ID          string            `json:"id"`      // URN of the schema that answers have
	Aliases     []string          `json:"aliases"` // URNs that requests may use as well
	Name        string            `json:"name"`    // of the resource type: "Account"
	Description string            `json:"description"`
	Attributes  []MappedAttribute `json:"attributes"`
}

// MappedAttribute is one attribute of a Mapping.
type MappedAttribute struct {
	Name           string        `json:"name"`
	Description    string        `json:"description"`
	MultiValued    bool          `json:"multiValued"`
	Required       bool          `json:"required"`
	CaseExact      bool          `json:"caseExact"`
	Returned       string        `json:"returned"`       // "default" if empty
	IDHubFieldName string        `json:"idhubFieldName"` // empty: IDHub has no field for it
	IsVisible      *bool         `json:"isVisible"`      // in IDHub's forms; nil: true
	ReconKey       bool          `json:"reconKey"`       // IDHub finds the user of an account by it
	AccountName    bool          `json:"accountName"`    // IDHub calls the account by it
	Source         string        `json:"source"`         // of the value; empty: the usual one of an attribute of that name
	Fallback       string        `json:"fallback"`       // where the value is read if the source has none
	SyncDirection  SyncDirection `json:"syncDirection"`  // zero: from the trusted source to the other side
}

// Visible reports whether IDHub shows the attribute.
func (a MappedAttribute) Visible() bool { return a.IsVisible == nil || *a.IsVisible }

// Direction says which way an attribute flows between IDHub and the
// application, which is Atlassian.
type Direction string

// The directions, by IDHub's names.
const (
	AppToIDHub    Direction = "app-to-idhub"
	IDHubToApp    Direction = "idhub-to-app"
	BiDirectional Direction = "bi-directional"
	NoSync        Direction = "no-sync"
)

// ToApp reports whether IDHub's value is written to Atlassian.
func (d Direction) ToApp() bool { return d == IDHubToApp || d == BiDirectional }

// SyncDirection is the direction in each mode: where Jira is the trusted source
// of users, and where it is but a target. In JSON it is an object of both, or
// one direction for both.
type SyncDirection struct {
	Trusted Direction `json:"trusted"`
	Target  Direction `json:"target"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (d *SyncDirection) UnmarshalJSON(b []byte) error {
	var both Direction
	if err := json.Unmarshal(b, &both); err == nil {
		*d = SyncDirection{both, both}
		return nil
	}
	type plain SyncDirection
	return strictjson.Unmarshal(b, (*plain)(d), strictjson.RejectUnknownMembers(true))
}

// In is the direction in one of the modes.
func (d SyncDirection) In(trusted bool) Direction {
	if trusted {
		return d.Trusted
	}
	return d.Target
}

// The sources that are no attribute of a user of the directory.
const (
	SourceEntitlements = "entitlements" // Account: groups and project roles
	SourceProvisioned  = "provisioned"  // Account: whether the directory has a record of it
	SourceName         = "name"         // Entitlement: Kind~Name
	SourceKind         = "kind"         // Entitlement: GROUP or PROJECT_ROLE
	SourceDescription  = "description"  // Entitlement: a sentence for the kind
	SourceForm         = "form"         // Entitlement: its details
	SourceMembers      = "members"      // Entitlement: accounts
)

// AccountMapping returns the mapping that is used unless another one is configured.
// Every call returns a value of its own.
func AccountMapping() Mapping { return embedded("Account") }

// EntitlementMapping is the mapping of Entitlement, see AccountMapping.
func EntitlementMapping() Mapping { return embedded("Entitlement") }

func embedded(name string) Mapping {
	b, err := mappings.ReadFile("connector/" + name + ".json")
	if err != nil {
		panic(err) // it is compiled in
	}
	m, err := ParseMapping(name, b)
	if err != nil {
		panic(fmt.Sprintf("schemas: embedded mapping of %s: %v", name, err)) // a test reads it
	}
	return m
}

// ParseMapping reads the mapping of a resource type from JSON, completes it from
// the mapping that is shipped, and lists all its mistakes, a line each. It does not
// check whether sources exist. It refuses unknown members, since a misspelt one
// would silently have no effect.
func ParseMapping(resourceType string, b []byte) (Mapping, error) {
	var m Mapping
	if err := strictjson.Unmarshal(b, &m, strictjson.RejectUnknownMembers(true)); err != nil {
		return Mapping{}, fmt.Errorf("not a JSON object with the attributes of a mapping: %w", err)
	}
	usual := map[string]MappedAttribute{}
	if b, err := mappings.ReadFile("connector/" + resourceType + ".json"); err == nil {
		var shipped Mapping
		if err := json.Unmarshal(b, &shipped); err != nil {
			return Mapping{}, err
		}
		m.complete(shipped)
		for _, a := range shipped.Attributes {
			usual[strings.ToLower(a.Name)] = a
		}
	}
	for i := range m.Attributes {
		m.Attributes[i].complete(usual)
	}
	if problems := m.problems(resourceType); len(problems) > 0 {
		return Mapping{}, errors.Join(problems...)
	}
	return m, nil
}

// complete takes from the shipped mapping what m leaves out.
func (m *Mapping) complete(shipped Mapping) {
	if m.ID == "" && m.Aliases == nil {
		m.ID, m.Aliases = shipped.ID, shipped.Aliases
	}
	if m.Name == "" {
		m.Name = shipped.Name
	}
	if m.Description == "" {
		m.Description = shipped.Description
	}
}

// complete takes the source from the usual attribute of that name, and sets the
// defaults of the other members.
func (a *MappedAttribute) complete(usual map[string]MappedAttribute) {
	if a.Source == "" {
		shipped := usual[strings.ToLower(a.Name)]
		a.Source, a.Fallback = shipped.Source, shipped.Fallback
	}
	if a.Returned == "" {
		a.Returned = "default"
	}
	if a.SyncDirection == (SyncDirection{}) {
		a.SyncDirection = SyncDirection{Trusted: AppToIDHub, Target: IDHubToApp}
	}
}

var attributeName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`) // RFC 7643 section 2.1

// problems lists the mistakes that show in the mapping alone.
func (m *Mapping) problems(resourceType string) []error {
	var problems []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	check(m.Name == resourceType, "name is %q: it must be %s", m.Name, resourceType)
	for _, urn := range append([]string{m.ID}, m.Aliases...) {
		check(strings.HasPrefix(strings.ToLower(urn), "urn:") && !strings.ContainsAny(urn, " \"[]()"), "%q is no URN of a schema", urn)
	}
	check(len(m.Attributes) > 0, "attributes is empty")
	named, sources, keys, names := map[string]bool{}, map[string]string{}, 0, 0
	for _, a := range m.Attributes {
		lower := strings.ToLower(a.Name)
		check(attributeName.MatchString(a.Name), "attribute %q: a name has letters, digits, - and _, and begins with a letter", a.Name)
		check(!slices.Contains([]string{"id", "externalid", "meta", "schemas"}, lower), "attribute %s: every resource has it; leave it out", a.Name)
		check(!named[lower], "attribute %s: is there twice", a.Name)
		check(a.Source != "", "attribute %s: source is missing, and there is no usual one of this name", a.Name)
		check(a.Source == "" || sources[a.Source] == "", "attribute %s: has the source of %s", a.Name, sources[a.Source])
		check(slices.Contains([]string{"default", "always", "request", "never"}, a.Returned), "attribute %s: returned is %q: use default, always, request or never", a.Name, a.Returned)
		for _, d := range []Direction{a.SyncDirection.Trusted, a.SyncDirection.Target} {
			check(slices.Contains([]Direction{AppToIDHub, IDHubToApp, BiDirectional, NoSync}, d),
				"attribute %s: syncDirection is %q: use app-to-idhub, idhub-to-app, bi-directional or no-sync, or an object with one of them for trusted and for target", a.Name, d)
		}
		_, complex := subAttributes[a.Source]
		check(a.MultiValued == complex, "attribute %s: multiValued must be %t, as its source is", a.Name, complex)
		named[lower], sources[a.Source] = true, a.Name
		if a.ReconKey {
			keys++
		}
		if a.AccountName {
			names++
		}
	}
	check(keys <= 1, "%d attributes are marked reconKey: one may be", keys)
	check(names <= 1, "%d attributes are marked accountName: one may be", names)
	return problems
}

// Attribute returns the attribute that has the source, or nil.
func (m *Mapping) Attribute(source string) *MappedAttribute {
	for i := range m.Attributes {
		if m.Attributes[i].Source == source {
			return &m.Attributes[i]
		}
	}
	return nil
}

// subAttributes has the sub-attributes of those attributes that are lists, by source.
var subAttributes = map[string][]Attribute{
	SourceEntitlements: {
		sub("value", "Id of the entitlement.", immutable, exactly),
		sub("display", "Name of the entitlement, Kind~Name."),
		sub("type", "Kind of entitlement.", func(a *Attribute) { a.CanonicalValues = []string{"GROUP", "PROJECT_ROLE"} }),
		boolean(sub("direct", "Whether the account itself holds it; if not, it does so through a group.", immutable)),
		sub("through", "Names of the groups that it is held through.", func(a *Attribute) { a.MultiValued = true }),
	},
	SourceMembers: {
		sub("value", "Id of the account; the Atlassian account id of one that the directory has no record of.", immutable, exactly),
		sub("display", "Name of the account."),
		boolean(sub("direct", "Whether the account itself holds the entitlement; if not, it does so through a group.", immutable)),
		sub("through", "Names of the groups that it is held through.", func(a *Attribute) { a.MultiValued = true }),
	},
	SourceForm: {
		sub("name", "Name of the detail."),
		sub("value", "Its value."),
	},
}

func sub(name, description string, changes ...func(*Attribute)) Attribute {
	a := Attribute{Name: name, Type: "string", Description: description, Mutability: "readOnly", Returned: "default", Uniqueness: "none"}
	for _, change := range changes {
		change(&a)
	}
	return a
}

func immutable(a *Attribute) { a.Mutability = "immutable" }
func exactly(a *Attribute)   { a.CaseExact = true }

func boolean(a Attribute) Attribute { a.Type = "boolean"; return a }

// Schema derives the schema that requests are held to. readOnly names the
// attributes that no request can write, as their source cannot be; types has
// those that are not text.
func (m *Mapping) Schema(readOnly map[string]bool, types map[string]string) *Schema {
	s := &Schema{ID: m.ID, Name: m.Name, Description: m.Description}
	for _, a := range m.Attributes {
		derived := Attribute{
			Name: a.Name, Type: "string", MultiValued: a.MultiValued, Description: a.Description, Required: a.Required,
			CaseExact: a.CaseExact, Mutability: "readWrite", Returned: a.Returned, Uniqueness: "none", SubAttributes: subAttributes[a.Source],
		}
		switch {
		case types[a.Name] != "":
			derived.Type = types[a.Name]
		case len(derived.SubAttributes) > 0:
			derived.Type = "complex"
		}
		switch {
		case readOnly[a.Name]:
			derived.Mutability = "readOnly"
		case a.Source == SourceName || a.Source == SourceKind:
			derived.Mutability = "immutable"
		}
		if a.AccountName || a.Source == SourceName {
			derived.Uniqueness = "server"
		}
		s.Attributes = append(s.Attributes, derived)
	}
	return s
}

// Published returns the document of s that clients see in one of the modes: an
// attribute that does not flow to Atlassian is readOnly.
func (m *Mapping) Published(s *Schema, trusted bool) (json.RawMessage, error) {
	shown := *s
	shown.Attributes = slices.Clone(s.Attributes)
	for i, a := range m.Attributes {
		if !a.SyncDirection.In(trusted).ToApp() {
			shown.Attributes[i].Mutability = "readOnly"
		}
	}
	return json.Marshal(shown)
}
