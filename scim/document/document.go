// Package document reads the bodies of POST, PUT and PATCH into the schema's form, and applies operations to a resource.
//
// A body becomes statements first (statement.go): each gives a value to one attribute, a part of one, or the elements
// that a filter selects, whatever spelling the client chose: name.familyName, emails[type eq "work"].value, with or
// without the URN of the schema. From the statements of a POST or PUT, Reader.Resource makes a document in the order of the
// schema (document.go); from those of a PATCH, Reader.Patch makes operations (patch.go). Values are checked and given the type of
// their attribute on the way (value.go, links.go). Apply applies operations to a resource as it was read (apply.go), and
// CheckWritable refuses a result that the schema forbids (writable.go).
//
// One rule holds everywhere: nothing said takes nothing away. A value that a client sends is stored, or refused, or
// passed over because docs/protocol.md says so. No value is ever read as "none" because nothing in it can be used:
// members: [{}] is refused, and empties no group. The tables of docs/protocol.md say what clears an attribute, and what is
// tolerated.
package document

import (
	"slices"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Reader reads bodies about resources of one type into the form that backends work with: canonical names, typed values,
// no attribute that a client cannot write. Its errors are refusals that name the attribute, the fault and the fix. It is
// safe for concurrent use.
type Reader struct {
	Type   *resource.Type
	Policy resource.Policy
	Base   string // URL of the server as the client sees it, with which a $ref may begin
	// MaxOperations is the most that Operations of a PATCH may have; 0: 1,000.
	MaxOperations int
	inPatch       bool // the body is of a PATCH, where a name that no schema knows is refused
}

// Resource reads the body of a POST or PUT, as decoded from JSON, into a document in the order of the schema, without
// "schemas". It leaves out readOnly attributes, and those that the schema does not have unless they are refused (RFC 7644
// section 3.3). cleared lists the attributes to which the body gives null or "" on purpose, booleans such as active too. complete adds attributes that
// a client may leave out; it runs before the required attributes are checked. Resource does not write to body.
func (r Reader) Resource(body any, complete func(doc *query.Object) error) (doc query.Object, cleared []string, err error) {
	object, ok := body.(map[string]any)
	if !ok {
		return nil, nil, resource.InvalidSyntax("The body must be a JSON object with the attributes of a %s.", r.Type.Name)
	}
	if doc, cleared, err = r.document(object); err != nil {
		return nil, nil, err
	}
	if err := r.checkSchemas(object); err != nil {
		return nil, nil, err
	}
	if err := complete(&doc); err != nil {
		return nil, nil, err
	}
	return doc, cleared, requireAll(r.Type.Schema, doc)
}

// checkSchemas checks the schemas attribute, RFC 7643 section 3. A strict caller has to list the right URN there. For
// any other caller, the type of the resource and the URNs among the names of the body say enough: clients in use leave
// schemas out or empty, or list URNs of SCIM 1.1, of other vendors and misspelt ones.
func (r Reader) checkSchemas(object map[string]any) error {
	value, _ := LookUp(object, "schemas")
	urns, ok := value.([]any)
	switch {
	case !ok && value != nil:
		return resource.InvalidSyntax("schemas must be a list of URNs; send %q.", []string{r.Type.Schema.Core})
	case !r.Policy.Strict:
		return nil
	case len(urns) == 0:
		return resource.InvalidSyntax("schemas is missing; send %q.", []string{r.Type.Schema.Core})
	case !slices.ContainsFunc(urns, func(urn any) bool { text, _ := urn.(string); return r.Type.Schema.IsCore(text) }):
		return resource.InvalidSyntax("schemas does not list %s.", r.Type.Schema.Core)
	}
	return nil
}

// document reads the attributes of a resource. A statement on a part of a list, as emails[type eq "work"].value, is
// applied to the document as an operation would be.
func (r Reader) document(object map[string]any) (doc query.Object, cleared []string, err error) {
	statements, err := r.statements(object)
	if err != nil {
		return nil, nil, err
	}
	parts := patchReader{Reader: r}
	for _, s := range statements {
		if s.filter != nil || s.path.Sub != nil {
			if err := parts.set("add", s); err != nil {
				return nil, nil, err
			}
			continue
		}
		v, err := r.value(s.path, s.value)
		if err == nil {
			err = r.checkLinks(s, v)
		}
		switch {
		case err != nil:
			return nil, nil, err
		case v != nil:
			put(&doc, s.path, v)
		case r.unassigns(s.value) && !r.leavesOut(s):
			cleared = append(cleared, s.path.String())
		}
	}
	if len(parts.ops) > 0 {
		if doc, err = Apply(r.Type, doc, parts.ops, false); err != nil {
			return nil, nil, err
		}
	}
	return inOrder(r.Type.Schema, doc), cleared, nil
}

// put sets the attribute at a path. The attribute of an extension is set inside the extension's object.
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

// membersInOrder returns the members of an object in the order of the attributes.
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
