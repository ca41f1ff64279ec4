package document

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Bounds of a body, so that a small request cannot cost much work.
const (
	maxAttributes = 1000 // attributes that one object names, and that a PATCH may change beyond one for each of its operations
	maxPath       = 1024 // bytes of a name
)

// Patch reads the body of a PATCH, as decoded from JSON, into operations on one attribute each (RFC 7644 section 3.5.2).
// An empty, non-nil result means that all of the body is passed over. A refusal names the operation by its position.
// Patch does not write to body.
func (r Reader) Patch(body any) ([]resource.Operation, error) {
	r.inPatch = true
	object, ok := body.(map[string]any)
	if !ok {
		return nil, resource.InvalidSyntax("The body of a PATCH is an object with schemas [%q] and Operations.", resource.URNPatchOp)
	}
	if urns, _ := LookUp(object, "schemas"); r.Policy.Strict && !slices.Equal(Array(urns), []any{resource.URNPatchOp}) {
		return nil, resource.InvalidSyntax("schemas must be [%q].", resource.URNPatchOp)
	}
	given, present := LookUp(object, "Operations")
	if !present && !r.Policy.Strict {
		return []resource.Operation{}, checkEmpty(object)
	}
	if err := CheckMembers(object, "schemas", "Operations"); err != nil {
		return nil, err
	}
	list, ok := given.([]any)
	if !ok || len(list) == 0 {
		return nil, resource.InvalidSyntax("Operations must be an array of at least one operation.")
	}
	most := cmp.Or(r.MaxOperations, 1000)
	if len(list) > most {
		return nil, resource.Refuse(http.StatusRequestEntityTooLarge, "", "Operations has %d elements; send %d at most.", len(list), most)
	}
	p := patchReader{Reader: r, ops: []resource.Operation{}}
	for i, element := range list {
		if err := p.read(element); err != nil {
			e := resource.AsError(err)
			return nil, resource.Refuse(e.Status, e.Type, "Operations[%d]: %s", i, e.Detail)
		}
	}
	if most += maxAttributes; len(p.ops) > most {
		return nil, resource.Refuse(http.StatusRequestEntityTooLarge, "", "Operations change %d attributes; send %d at most.", len(p.ops), most)
	}
	return p.ops, nil
}

// checkEmpty refuses the body of a PATCH without Operations if it has any other member than schemas. An empty one passes:
// one client tries it before its first PATCH. A PATCH of SCIM 1.1, which holds the attributes themselves, is refused.
func checkEmpty(object map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if !strings.EqualFold(name, "schemas") {
			return resource.InvalidSyntax("Operations is missing, and there is %q instead: SCIM 2.0 wants {\"schemas\": [%q], \"Operations\": [{\"op\": \"replace\", \"path\": …, \"value\": …}]}. A PATCH of SCIM 1.1 is not understood.",
				resource.Clip(name), resource.URNPatchOp)
		}
	}
	return nil
}

// patchReader turns the statements of one body into operations.
type patchReader struct {
	Reader
	ops []resource.Operation
}

// read reads an element of Operations.
func (r *patchReader) read(element any) error {
	object, ok := element.(map[string]any)
	if !ok {
		return resource.InvalidSyntax("an operation is an object with op, path and value.")
	}
	if err := CheckMembers(object, "op", "path", "value"); err != nil {
		return err
	}
	given, _ := LookUp(object, "op")
	op, _ := given.(string)
	if op = strings.ToLower(op); op != "add" && op != "remove" && op != "replace" {
		return resource.InvalidSyntax("op must be add, remove or replace.")
	}
	value, valued := LookUp(object, "value")
	if op == "replace" && !valued {
		return resource.InvalidValue("replace needs a value; null unassigns.")
	}
	path, present := LookUp(object, "path")
	text, ok := path.(string)
	switch {
	case present && path != nil && !ok:
		return resource.InvalidSyntax("path must be a string.")
	case text == "":
		return r.pathless(op, value)
	}
	if urn, ok := r.schemaOf(text); ok {
		return r.schema(op, urn, value)
	}
	p, filter, err := r.resolve(text)
	switch {
	case err != nil && r.ignorable(text):
		return nil
	case err != nil:
		return err
	case isReadOnly(p) && r.isLink(p.Attr):
		return resource.Mutability("%s is readOnly: change members of /Groups/{id}.", p)
	case isReadOnly(p):
		return resource.Mutability("%s is readOnly.", p)
	}
	rest, err := r.withoutWriteOnly([]statement{{path: p, filter: filter, value: value, absent: !valued}})
	if err != nil || len(rest) == 0 {
		return err
	}
	return r.translate(op, rest[0])
}

// pathless reads an operation without path, whose value is an object of attributes. readOnly attributes in it are passed
// over: clients send back the id and meta that they were given.
func (r *patchReader) pathless(op string, value any) error {
	if op == "remove" {
		return resource.NoTarget("a remove needs a path.")
	}
	if list, ok := value.([]any); ok && len(list) == 1 && !r.Policy.Strict {
		value = list[0]
	}
	object, ok := value.(map[string]any)
	if !ok {
		return resource.InvalidValue("without a path, value must be an object of attributes.")
	}
	return r.translateAll(op, object)
}

// translateAll makes an operation of each statement of an object.
func (r *patchReader) translateAll(op string, object map[string]any) error {
	statements, err := r.statements(object)
	if err != nil {
		return err
	}
	for _, s := range statements {
		if err := r.translate(op, s); err != nil {
			return err
		}
	}
	return nil
}

// schema reads an operation whose path is the URN of a schema. Its value is an object of attributes. If the value
// unassigns, a replace or remove removes all attributes of the extension.
func (r *patchReader) schema(op, urn string, value any) error {
	if object, ok := value.(map[string]any); ok {
		return r.translateAll(op, map[string]any{urn: object})
	}
	if urn == r.Type.Schema.Core || op == "add" || !r.unassigns(value) {
		return resource.InvalidValue("%s: value must be an object of its attributes.", urn)
	}
	for _, s := range r.unset(urn) {
		r.emit("remove", s, nil)
	}
	return nil
}

// translate appends the operations, one or more, that a statement asks for. A value in which nothing can be used is
// refused; it never stands for the whole attribute.
func (r *patchReader) translate(op string, s statement) error {
	switch {
	case op != "remove":
		return r.set(op, s)
	case isSwitch(s):
		_, err := r.value(s.path, s.value)
		return err
	}
	return r.remove(s)
}

// ambiguousElement is the refusal to change the same part in every element of a list.
func ambiguousElement(p query.Path) error {
	return resource.InvalidValue("%s: say which element is meant, as in %s[value eq \"…\"].", p, p.Attr.Name)
}

// set translates a statement of an add or replace. null, and "" where it stands for null, unassign (RFC 7643 section 2.5),
// except where leavesOut or isSwitch says otherwise.
func (r *patchReader) set(op string, s statement) error {
	switch {
	case s.filter != nil && s.path.Sub == nil:
		return r.setElement(op, s)
	case s.filter == nil && s.path.Sub != nil && r.isLink(s.path.Attr):
		return ambiguousElement(s.path)
	}
	if object, ok := r.clearsParts(s); ok {
		return r.setParts(op, s, object)
	}
	switch {
	case r.leavesOut(s) && s.inside:
		return nil
	case r.leavesOut(s) && op == "replace":
		return resource.InvalidValue("%s: null leaves it as it is; send [] to empty it, or the values that it is to hold.", s.path)
	}
	clears := r.unassigns(s.value)
	v, err := r.value(s.path, s.value)
	if err == nil {
		err = r.checkLinks(s, v)
	}
	if err != nil {
		return err
	}
	if list, ok := v.([]any); ok && len(list) == 0 {
		v, clears = nil, true
	}
	switch {
	case v == nil && !clears && !s.inside:
		return resource.InvalidValue("%s: the value holds nothing that can be written; name the values that are meant.", s.path)
	case v == nil && !clears:
		return nil // an object with no part that the schema has
	}
	return r.assign(op, s, v)
}

// assign appends an operation that sets v, or if v is nil, the remove that unassigns.
func (r *patchReader) assign(op string, s statement, v any) error {
	switch {
	case v != nil:
		r.emit(op, s, v)
	case op == "add" && r.Policy.Strict && !isSwitch(s):
		return resource.InvalidValue("%s: add needs a value.", s.path)
	case op == "replace" && !isSwitch(s):
		r.emit("remove", s, nil)
	}
	return nil
}

// setElement translates a statement on the elements that a filter selects, as emails[type eq "work"].
func (r *patchReader) setElement(op string, s statement) error {
	value := s.value
	if list, ok := value.([]any); ok && len(list) > 0 {
		if len(list) > 1 {
			return resource.InvalidValue("%s: the filter means one value; send one.", s.path)
		}
		if value = list[0]; value == nil {
			return r.refuseEmpty(s.path.Attr, placeOf(s.path))
		}
	} else if ok {
		value = nil
	}
	if value == nil {
		return r.assign(op, s, nil)
	}
	v, err := r.element(s.path.Attr, placeOf(s.path), value)
	if err != nil {
		return err
	}
	return r.assign(op, s, query.ValueOf(v, s.path))
}

// element reads the new value of an element. Some of its parts are enough, since they join those there; a link needs its
// value.
func (r *patchReader) element(a *query.Attribute, at place, value any) (any, error) {
	v, err := r.single(a, at, r.wrap(a, value))
	if err == nil && (v == nil || r.isLink(a) && !r.identifies(a, v)) {
		err = r.refuseEmpty(a, at)
	}
	return v, err
}

// clearsParts returns the object of a statement on a single complex attribute if it clears some parts, as {"givenName":
// null} for name: the others stay (RFC 7644 section 3.5.2.3). It reports false otherwise, and for references, whose parts
// belong to one thing.
func (r *patchReader) clearsParts(s statement) (map[string]any, bool) {
	object, ok := s.value.(map[string]any)
	if !ok || s.path.Sub != nil || s.path.Attr.Kind != query.Complex || s.path.Attr.MultiValued || r.Type.References {
		return nil, false
	}
	for _, v := range object {
		if isBlank(v) {
			return object, true
		}
	}
	return nil, false
}

// setParts translates a statement part by part.
func (r *patchReader) setParts(op string, s statement, object map[string]any) error {
	if _, err := r.value(s.path, s.value); err != nil {
		return err // a fault of a part, or a part given twice
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		p, err := r.Type.Schema.Resolve(s.path.String() + "." + name)
		if err != nil || p.Sub == nil || p.Sub.Mutability == query.ReadOnly {
			continue
		}
		if err := r.set(op, statement{path: p, value: object[name], inside: true}); err != nil {
			return err
		}
	}
	return nil
}

// remove translates a statement of a remove: without value it removes all that the path names, with a value only those
// elements of a list.
func (r *patchReader) remove(s statement) error {
	all := s.path.Attr.MultiValued && s.filter == nil
	switch {
	case s.absent, s.value == nil && !all:
		r.emit("remove", s, nil)
		return nil
	case s.value == nil:
		return resource.InvalidValue("%s: a remove of null removes nothing; leave value out to remove all, or name the values that are meant.", s.path)
	case all && s.path.Sub != nil:
		return ambiguousElement(s.path)
	}
	v, err := r.removal(s)
	if err != nil {
		return err
	}
	list, ok := v.([]any)
	switch {
	case all && len(list) == 0: // an empty list removes no element
	case ok && s.path.Sub == nil:
		r.emit("remove", s, list)
	default:
		r.emit("remove", s, nil)
	}
	return nil
}

// removal reads the value of a remove. A value beside a filter narrows the elements that the filter selects to the one
// that it names.
func (r *patchReader) removal(s statement) (any, error) {
	if s.filter != nil && s.path.Sub == nil {
		elements, ok := s.value.([]any)
		if !ok {
			elements = []any{s.value}
		}
		if len(elements) > 1 {
			return nil, resource.InvalidValue("%s: the filter means one value; send one.", s.path)
		}
		list, err := r.list(s.path.Attr, placeOf(s.path), elements)
		if err != nil || len(elements) == 0 {
			return nil, err
		}
		return query.ValueOf(list, s.path), nil
	}
	v, err := r.value(s.path, s.value)
	if err == nil && v == nil && !r.unassigns(s.value) {
		err = r.refuseEmpty(s.path.Attr, placeOf(s.path))
	}
	return v, err
}

// emit appends the operation on the path of a statement.
func (r *patchReader) emit(op string, s statement, v any) {
	r.ops = append(r.ops, resource.Operation{Op: op, Path: s.path, Filter: s.filter, Value: v})
}
