package document

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Reader reads what clients say of resources of one type into the one form
// that everything behind it works with: canonical names, typed values, nothing
// that is to be passed over. Every value of an attribute that the schema has is
// kept or refused; none is ever read as "no value" because nothing in it can be
// used. What else is tolerated or passed over stands in docs/protocol.md.
type Reader struct {
	Type   *resource.Type
	Policy resource.Policy
	Strict bool   // policy.Strict: the RFC's letter instead of tolerance
	Base   string // URL of this server as the client sees it, with which a $ref may begin
	path   bool   // names are those of a PATCH, where what no schema knows is refused
}

// Resource reads the body of a POST or PUT. readOnly attributes and those
// that the schema does not know are left out (RFC 7644 section 3.3). cleared
// names the attributes that the body gives no value on purpose, with null or "".
// complete adds what a client may leave out.
func Resource(n Reader, body any, complete func(doc *query.Object) error) (doc query.Object, cleared []string, err error) {
	object, ok := body.(map[string]any)
	if !ok {
		return nil, nil, resource.InvalidSyntax("The body must be a JSON object with the attributes of a %s.", n.Type.Name)
	}
	if doc, cleared, err = n.document(object); err != nil {
		return nil, nil, err
	}
	if err := n.checkSchemas(object); err != nil {
		return nil, nil, err
	}
	if err := complete(&doc); err != nil {
		return nil, nil, err
	}
	return doc, cleared, requireAll(n.Type.Schema, doc)
}

// checkSchemas requires the schemas attribute, RFC 7643 section 3. Which URNs it
// lists matters to strict callers only: clients in use send those of SCIM 1.1,
// of other vendors and misspelt ones.
func (n Reader) checkSchemas(object map[string]any) error {
	value, _ := LookUp(object, "schemas")
	urns, ok := value.([]any)
	if !ok || len(urns) == 0 {
		return resource.InvalidSyntax("schemas is missing; send %q.", []string{n.Type.Schema.Core})
	}
	if n.Strict && !slices.ContainsFunc(urns, func(urn any) bool { text, _ := urn.(string); return n.Type.Schema.IsCore(text) }) {
		return resource.InvalidSyntax("schemas does not list %s.", n.Type.Schema.Core)
	}
	return nil
}

// document reads the attributes of a resource, in the order of the schema.
func (n Reader) document(object map[string]any) (doc query.Object, cleared []string, err error) {
	statements, err := n.statements(object)
	if err != nil {
		return nil, nil, err
	}
	parts := patchReader{Reader: n}
	for _, s := range statements {
		if s.filter != nil || s.path.Sub != nil {
			if err := parts.set("add", s); err != nil {
				return nil, nil, err
			}
			continue
		}
		v, err := n.value(s.path, s.value)
		if err == nil {
			err = n.checkLinks(s, v)
		}
		switch {
		case err != nil:
			return nil, nil, err
		case v != nil:
			put(&doc, s.path, v)
		case n.none(s.value) && !n.silent(s) && !stays(s):
			cleared = append(cleared, s.path.String())
		}
	}
	if len(parts.ops) > 0 {
		if doc, err = Apply(n.Type, doc, parts.ops, false); err != nil {
			return nil, nil, err
		}
	}
	return inOrder(n.Type.Schema, doc), cleared, nil
}

// put sets the attribute at a path, an extension's inside the extension.
func put(doc *query.Object, p query.Path, v any) {
	if p.Extension == "" {
		doc.Set(p.Attr.Name, v)
		return
	}
	extension := (*doc).Inner(p.Extension)
	extension.Set(p.Attr.Name, v)
	doc.Set(p.Extension, extension)
}

// inOrder returns a document with its members in the order of the schema.
func inOrder(schema *query.Schema, doc query.Object) query.Object {
	out := membersInOrder(schema.Attributes, doc)
	for _, e := range schema.Extensions {
		if extension := doc.Inner(e.URN); extension != nil {
			out = append(out, query.Member{Name: e.URN, Value: membersInOrder(e.Attributes, extension)})
		}
	}
	return out
}

func membersInOrder(attributes []*query.Attribute, o query.Object) query.Object {
	out := make(query.Object, 0, len(o)+1)
	for _, a := range attributes {
		if v, ok := o.Get(a.Name); ok {
			out = append(out, query.Member{Name: a.Name, Value: v})
		}
	}
	return out
}

// requireAll refuses a document in which a required attribute is missing.
func requireAll(schema *query.Schema, doc query.Object) error {
	for _, a := range schema.Attributes {
		if v, _ := doc.Get(a.Name); a.Required && a.Mutability != query.ReadOnly && isEmpty(v) {
			return resource.InvalidValue("%s is required.", a.Name)
		}
	}
	return nil
}

// none reports whether a client's value unassigns, RFC 7643 section 2.5: null,
// and "" unless the caller is strict.
func (n Reader) none(value any) bool {
	return value == nil || value == "" && !n.Strict
}

// silent reports whether a statement says null of a list of links, or of a list
// that the resource cannot be without, where it counts as leaving the list out:
// nobody loses access by nothing.
func (n Reader) silent(s statement) bool {
	a := s.path.Attr
	return s.value == nil && s.filter == nil && s.path.Sub == nil && a.MultiValued && (a.Required || n.isLink(a))
}

// stays reports whether a statement is about a boolean of the resource itself,
// such as active. One that is unset stays as it is: nobody is activated by
// nothing.
func stays(s statement) bool {
	return s.path.Sub == nil && s.filter == nil && s.path.Attr.Kind == query.Boolean
}

// isLink reports whether an attribute lists members or entitlements.
func (n Reader) isLink(a *query.Attribute) bool { return a.Name == n.Type.Links.Name }

// value reads the value at p, nil if it is none.
func (n Reader) value(p query.Path, value any) (any, error) {
	a := p.Attr
	if p.Sub != nil {
		a = p.Sub
	}
	v, err := n.attribute(a, p.String(), value)
	return query.ValueOf(v, p), err
}

func (n Reader) attribute(a *query.Attribute, name string, value any) (any, error) {
	if a.MultiValued {
		return n.list(a, name, value)
	}
	return n.one(a, name, value)
}

// list reads the value of a multi-valued attribute, nil for null. An element
// that names nothing is refused, whatever stands beside it. Addresses and
// numbers may lack their value, as some SDKs leave them behind, if others have one.
func (n Reader) list(a *query.Attribute, name string, value any) (any, error) {
	elements, ok := value.([]any)
	switch {
	case value == nil:
		return nil, nil
	case !ok && n.Strict:
		return nil, resource.InvalidValue("%s is multi-valued; send an array.", name)
	case !ok && blank(value):
		return nil, resource.InvalidValue("%s must be an array; send [] to empty it, or leave it out to keep it.", name)
	case !ok:
		elements = []any{value}
	}
	list := make([]any, 0, len(elements))
	var nothing error
	for i, element := range elements {
		at := fmt.Sprintf("%s[%d]", name, i)
		v, err := n.one(a, at, n.wrap(a, element))
		switch {
		case err != nil:
			return nil, err
		case n.identifies(a, v):
			list = append(list, v)
		case n.Strict || a.Kind != query.Complex || n.Type.References || n.isLink(a):
			return nil, n.empty(a, at)
		default:
			nothing = n.empty(a, at)
		}
	}
	if len(list) == 0 && nothing != nil {
		return nil, nothing
	}
	return n.onePrimary(dropRepeated(list), name)
}

// identifies reports whether a value is enough for an element of a list: one
// that has a "value" is nothing without it.
func (n Reader) identifies(a *query.Attribute, v any) bool {
	object, ok := v.(map[string]any)
	if ok && subAttribute(a, "value") != nil {
		return object["value"] != nil
	}
	return v != nil
}

// empty refuses a value in which nothing can be used.
func (n Reader) empty(a *query.Attribute, name string) error {
	var needs []string
	for _, sub := range a.Sub {
		if sub.Mutability != query.ReadOnly && (sub.Name == "value" || subAttribute(a, "value") == nil) {
			needs = append(needs, sub.Name)
		}
	}
	if needs == nil {
		return resource.InvalidValue("%s is empty; give it a value or leave it out.", name)
	}
	return resource.InvalidValue("%s holds nothing that can be stored: it needs %s. Complete it or leave it out.", name, strings.Join(needs, " or "))
}

func subAttribute(a *query.Attribute, name string) *query.Attribute {
	i := slices.IndexFunc(a.Sub, func(sub *query.Attribute) bool { return strings.EqualFold(sub.Name, name) })
	if i < 0 {
		return nil
	}
	return a.Sub[i]
}

// wrap turns the bare value, or the bare name, of a complex value into the
// object.
func (n Reader) wrap(a *query.Attribute, element any) any {
	text, ok := element.(string)
	if !ok || text == "" || a.Kind != query.Complex || n.Strict {
		return element
	}
	for _, name := range []string{"value", "key", "name"} {
		if subAttribute(a, name) == nil {
			continue
		}
		if name == "key" && strings.Trim(text, "0123456789") == "" {
			name = "id"
		}
		return map[string]any{name: text}
	}
	return element
}

// one reads a single value: of a simple attribute, or one element.
func (n Reader) one(a *query.Attribute, name string, value any) (any, error) {
	if n.none(value) {
		return nil, nil
	}
	wrong := resource.InvalidValue("%s has the wrong type; it must be a %s.", name, a.Kind)
	switch a.Kind {
	case query.Complex:
		if n.Type.References {
			value = n.wrap(a, value)
		}
		object, ok := value.(map[string]any)
		if !ok {
			return nil, resource.InvalidValue("%s has the wrong type; it must be an object, as in %s.", name, example(a))
		}
		return n.complex(a, name, object)
	case query.Boolean:
		if text, ok := value.(string); ok && !n.Strict {
			value = query.BooleanOf(text)
		}
		if b, ok := value.(bool); ok {
			return b, nil
		}
		return nil, wrong
	case query.Integer, query.Decimal:
		if f, ok := value.(float64); ok {
			return f, nil
		}
		return nil, wrong
	case query.DateTime:
		text, ok := value.(string)
		if !ok || query.ValueOf(text, query.Path{Attr: a}) == nil {
			return nil, wrong
		}
		return text, nil
	default:
		text, ok := value.(string)
		if !ok {
			return nil, wrong
		}
		if text == "" {
			return nil, nil
		}
		return text, nil
	}
}

// example shows the form of a complex value by the first part that can be
// written.
func example(a *query.Attribute) string {
	for _, name := range []string{"value", "key", "name"} {
		if subAttribute(a, name) != nil {
			return fmt.Sprintf(`{%q: "…"}`, name)
		}
	}
	return fmt.Sprintf(`{%q: "…"}`, a.Sub[0].Name)
}

// complex reads an object, nil if it has no part that can be used. A reference
// without one is refused: it would read as if nothing were referred to.
func (n Reader) complex(a *query.Attribute, name string, object map[string]any) (any, error) {
	out := make(map[string]any, len(object))
	seen := make(map[string]bool, len(object))
	for key, value := range object {
		sub := subAttribute(a, key)
		if sub == nil {
			if err := n.unknownPart(name, key, value); err != nil {
				return nil, err
			}
			continue
		}
		if seen[sub.Name] {
			return nil, resource.InvalidSyntax("%s.%s is there more than once.", name, sub.Name)
		}
		seen[sub.Name] = true
		if sub.Mutability == query.ReadOnly {
			continue
		}
		v, err := n.attribute(sub, name+"."+sub.Name, value)
		if err != nil {
			return nil, err
		}
		if v != nil {
			out[sub.Name] = v
		}
	}
	if n.isLink(a) && out["value"] == nil {
		if err := n.follow(out, name, object); err != nil {
			return nil, err
		}
	}
	switch {
	case len(out) > 0:
		return out, nil
	case n.Type.References:
		return nil, n.empty(a, name)
	}
	return nil, nil
}

// unknownPart refuses a part of a value that the schema does not have, where it
// is not to be passed over.
func (n Reader) unknownPart(name, key string, value any) error {
	if n.Type.References && value != nil || n.Strict && key != "$ref" {
		return resource.InvalidSyntax("%s has no sub-attribute %q.", name, resource.Clip(key))
	}
	return nil
}

// follow gives a link the value that its $ref leads to, if that is the location
// of a resource of this server, RFC 7643 section 2.4.
func (n Reader) follow(link map[string]any, name string, object map[string]any) error {
	given, _ := LookUp(object, "$ref")
	ref, _ := given.(string)
	endpoint, id := n.located(ref)
	switch {
	case id == "":
		return nil
	case slices.Contains(n.Type.Linked, endpoint):
		link["value"] = id
	case endpoint == "/Groups":
		return resource.InvalidValue("%s: its $ref leads to a group, and groups cannot be members in Atlassian. Send the users of the group instead.", name)
	}
	return nil
}

// checkLinks refuses a link that the client itself calls a group where groups
// cannot be linked, before anything is asked of upstream. A caller who wants
// unknown members passed over gets that.
func (n Reader) checkLinks(s statement, v any) error {
	if !n.isLink(s.path.Attr) || n.Policy.IgnoreUnknownMembers || slices.Contains(n.Type.Linked, "/Groups") {
		return nil
	}
	list, _ := v.([]any)
	for i, e := range list {
		link, _ := e.(query.Object)
		if strings.EqualFold(link.Text("type"), "Group") {
			return resource.InvalidValue("%s[%d]: %s is a group, and groups cannot be members in Atlassian. Send the users of the group instead; nothing was changed.",
				s.path, i, resource.InQuotes(link.Text("value")))
		}
	}
	return nil
}

// located splits the location of a resource of this server, whole or relative,
// into endpoint and id; both are empty for anything else.
func (n Reader) located(ref string) (endpoint, id string) {
	base, err := url.Parse(n.Base)
	if err != nil || n.Base == "" {
		return "", ""
	}
	rest, ok := strings.CutPrefix(ref, n.Base+"/")
	switch {
	case ok:
	case strings.HasPrefix(ref, "/"):
		rest = strings.TrimPrefix(strings.TrimPrefix(ref, base.Path), "/")
	case strings.Contains(ref, "://"):
		return "", ""
	default:
		rest = strings.TrimPrefix(ref, "../")
	}
	collection, escaped, ok := strings.Cut(rest, "/")
	id, err = url.PathUnescape(escaped)
	if !ok || err != nil || strings.Contains(escaped, "/") {
		return "", ""
	}
	return "/" + collection, id
}

// dropRepeated removes elements whose value and type stand in the list already,
// RFC 7643 section 2.4.
func dropRepeated(list []any) []any {
	type key struct{ value, kind any }
	seen := make(map[key]bool, len(list))
	return slices.DeleteFunc(list, func(element any) bool {
		object, ok := element.(map[string]any)
		if !ok || object["value"] == nil {
			return false
		}
		k := key{object["value"], object["type"]}
		repeated := seen[k]
		seen[k] = true
		return repeated
	})
}

// onePrimary leaves the last of several primaries, or refuses them for strict
// callers, RFC 7643 section 2.4.
func (n Reader) onePrimary(list []any, name string) (any, error) {
	found := false
	for _, element := range slices.Backward(list) {
		object, ok := element.(map[string]any)
		if !ok || object["primary"] != true {
			continue
		}
		if found && n.Strict {
			return nil, resource.InvalidValue("%s has more than one primary.", name)
		}
		if found {
			object["primary"] = false
		}
		found = true
	}
	return list, nil
}

// LookUp finds a member by name in any case.
func LookUp(object map[string]any, name string) (any, bool) {
	if v, ok := object[name]; ok {
		return v, true
	}
	for key, v := range object {
		if strings.EqualFold(key, name) {
			return v, true
		}
	}
	return nil, false
}

func isEmpty(v any) bool {
	list, ok := v.([]any)
	return v == nil || ok && len(list) == 0
}

func List(v any) []any {
	list, _ := v.([]any)
	return list
}
