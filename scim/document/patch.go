package document

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Bounds of a PATCH body. The library's path parser costs about 0.1 ms an
// operation.
const (
	maxOperations = 1000
	maxPath       = 1024 // bytes
)

// notStored names the attributes of RFC 7643 sections 4.1 and 4.3 that
// Atlassian does not store. Identity clients map some of them by default, so an
// operation on one is passed over, as RFC 7644 section 3.3 allows for POST,
// instead of failing the operations beside it.
var notStored = []string{
	"password", "profileUrl", "userType", "locale", "ims", "photos", "addresses", "entitlements", "roles", "x509Certificates",
	"employeeNumber", "costCenter", "division", "manager",
}

// Patch reads the body of a PATCH, RFC 7644 section 3.5.2, and takes it
// apart into operations with one attribute each. An empty, non-nil result means
// that nothing in it concerns this server.
func Patch(n Reader, body any) ([]resource.Operation, error) {
	n.path = true
	object, ok := body.(map[string]any)
	if !ok {
		return nil, resource.InvalidSyntax("The body of a PATCH is an object with schemas [%q] and Operations.", resource.URNPatchOp)
	}
	if urns, _ := LookUp(object, "schemas"); n.Strict && !slices.Equal(List(urns), []any{resource.URNPatchOp}) {
		return nil, resource.InvalidSyntax("schemas must be [%q].", resource.URNPatchOp)
	}
	given, present := LookUp(object, "Operations")
	if !present && !n.Strict {
		return []resource.Operation{}, saysNothing(object)
	}
	list, ok := given.([]any)
	if !ok || len(list) == 0 {
		return nil, resource.InvalidSyntax("Operations must be an array of at least one operation.")
	}
	if len(list) > maxOperations {
		return nil, resource.Refuse(http.StatusRequestEntityTooLarge, "", "Operations has %d elements; send %d at most.", len(list), maxOperations)
	}
	r := patchReader{Reader: n, ops: []resource.Operation{}}
	for i, element := range list {
		if err := r.read(element); err != nil {
			e := resource.AsError(err)
			return nil, resource.Refuse(e.Status, e.Type, "Operations[%d]: %s", i, e.Detail)
		}
	}
	if len(r.ops) > maxOperations {
		return nil, resource.Refuse(http.StatusRequestEntityTooLarge, "", "Operations change %d attributes; send %d at most.", len(r.ops), maxOperations)
	}
	return r.ops, nil
}

// saysNothing refuses the body of a PATCH without Operations unless it asks for
// nothing: one client sends such a body before it dares to patch. SCIM 1.1, where
// a PATCH holds the attributes themselves, is not understood.
func saysNothing(object map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if !strings.EqualFold(name, "schemas") {
			return resource.InvalidSyntax("Operations is missing, and there is %q instead: SCIM 2.0 wants {\"schemas\": [%q], \"Operations\": [{\"op\": \"replace\", \"path\": …, \"value\": …}]}. A PATCH of SCIM 1.1 is not understood.",
				resource.Clip(name), resource.URNPatchOp)
		}
	}
	return nil
}

// patchReader collects the operations of a PATCH.
type patchReader struct {
	Reader
	ops []resource.Operation
}

func (r *patchReader) read(element any) error {
	object, ok := element.(map[string]any)
	if !ok {
		return resource.InvalidSyntax("an operation is an object with op, path and value.")
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
	p, filter, err := r.named(text)
	switch {
	case err != nil && r.ignorable(text):
		return nil
	case err != nil:
		return err
	case isReadOnly(p):
		return resource.Mutability("%s is readOnly.", p)
	}
	return r.add(op, statement{path: p, filter: filter, value: value, absent: !valued})
}

// pathless unfolds an operation on the resource itself. readOnly attributes in
// it are passed over: clients send back the id and meta they got.
func (r *patchReader) pathless(op string, value any) error {
	if op == "remove" {
		return resource.NoTarget("a remove needs a path.")
	}
	if list, ok := value.([]any); ok && len(list) == 1 && !r.Strict {
		value = list[0]
	}
	object, ok := value.(map[string]any)
	if !ok {
		return resource.InvalidValue("without a path, value must be an object of attributes.")
	}
	return r.addAll(op, object)
}

func (r *patchReader) addAll(op string, object map[string]any) error {
	statements, err := r.statements(object)
	if err != nil {
		return err
	}
	for _, s := range statements {
		if err := r.add(op, s); err != nil {
			return err
		}
	}
	return nil
}

// schema reads an operation whose path is the URN of a schema: value holds its
// attributes, and no value, except of an add, removes those of an extension.
func (r *patchReader) schema(op, urn string, value any) error {
	if object, ok := value.(map[string]any); ok {
		return r.addAll(op, map[string]any{urn: object})
	}
	i := slices.IndexFunc(r.Type.Schema.Extensions, func(e query.Extension) bool { return e.URN == urn })
	if i < 0 || op == "add" || !r.none(value) {
		return resource.InvalidValue("%s: value must be an object of its attributes.", urn)
	}
	for _, a := range r.Type.Schema.Extensions[i].Attributes {
		if a.Mutability != query.ReadOnly {
			r.emit("remove", statement{path: query.Path{Extension: urn, Attr: a}}, nil)
		}
	}
	return nil
}

// add reads the value of a statement and appends the operation. A value that was
// given and names nothing never stands for everything.
func (r *patchReader) add(op string, s statement) error {
	switch {
	case op != "remove":
		return r.set(op, s)
	case stays(s):
		_, err := r.value(s.path, s.value)
		return err
	}
	return r.remove(s)
}

// whichElement refuses to give every element of a list the same part.
func whichElement(p query.Path) error {
	return resource.InvalidValue("%s: say which element is meant, as in %s[value eq \"…\"].", p, p.Attr.Name)
}

// set is add and replace. null, and "" where it stands for null, unassign (RFC
// 7643 section 2.5) what can be unassigned.
func (r *patchReader) set(op string, s statement) error {
	switch {
	case s.filter != nil && s.path.Sub == nil:
		return r.setElement(op, s)
	case s.filter == nil && s.path.Sub != nil && r.isLink(s.path.Attr):
		return whichElement(s.path)
	}
	if object, ok := r.unfolds(s); ok {
		return r.setParts(op, s, object)
	}
	switch {
	case r.silent(s) && s.inside:
		return nil
	case r.silent(s) && op == "replace":
		return resource.InvalidValue("%s: null leaves it as it is; send [] to empty it, or the values that it is to hold.", s.path)
	}
	unassigns := r.none(s.value)
	v, err := r.value(s.path, s.value)
	if err == nil {
		err = r.checkLinks(s, v)
	}
	if err != nil {
		return err
	}
	if list, ok := v.([]any); ok && len(list) == 0 {
		v, unassigns = nil, true
	}
	switch {
	case v == nil && !unassigns && !s.inside:
		return resource.InvalidValue("%s: the value holds nothing that can be written; name the values that are meant.", s.path)
	case v == nil && !unassigns:
		return nil // an object of which the schema knows no part
	}
	return r.assign(op, s, v)
}

// assign appends the operation that gives a value, or takes it if v is nil.
func (r *patchReader) assign(op string, s statement, v any) error {
	switch {
	case v != nil:
		r.emit(op, s, v)
	case op == "add" && r.Strict && !stays(s):
		return resource.InvalidValue("%s: add needs a value.", s.path)
	case op == "replace" && !stays(s):
		r.emit("remove", s, nil)
	}
	return nil
}

// setElement is set for the elements that a filter selects.
func (r *patchReader) setElement(op string, s statement) error {
	value := s.value
	if list, ok := value.([]any); ok && len(list) > 0 {
		if len(list) > 1 {
			return resource.InvalidValue("%s: the filter means one value; send one.", s.path)
		}
		if value = list[0]; value == nil {
			return r.empty(s.path.Attr, s.path.String())
		}
	} else if ok {
		value = nil
	}
	if value == nil {
		return r.assign(op, s, nil)
	}
	v, err := r.element(s.path.Attr, s.path.String(), value)
	if err != nil {
		return err
	}
	return r.assign(op, s, query.ValueOf(v, s.path))
}

// element reads what is to become of an element, of which parts are enough
// unless it is a link.
func (r *patchReader) element(a *query.Attribute, name string, value any) (any, error) {
	v, err := r.one(a, name, r.wrap(a, value))
	if err == nil && (v == nil || r.isLink(a) && !r.identifies(a, v)) {
		err = r.empty(a, name)
	}
	return v, err
}

// unfolds reports whether the value of a single attribute clears some of its
// parts and leaves the others (RFC 7644 section 3.5.2.3). A reference has no
// parts that stand for themselves.
func (r *patchReader) unfolds(s statement) (map[string]any, bool) {
	object, ok := s.value.(map[string]any)
	if !ok || s.path.Sub != nil || s.path.Attr.Kind != query.Complex || s.path.Attr.MultiValued || r.Type.References {
		return nil, false
	}
	for _, v := range object {
		if blank(v) {
			return object, true
		}
	}
	return nil, false
}

func (r *patchReader) setParts(op string, s statement, object map[string]any) error {
	if _, err := r.value(s.path, s.value); err != nil {
		return err // what is wrong with the parts, and parts given twice
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

// remove takes away what the path settles, or of a list the values that are
// named.
func (r *patchReader) remove(s statement) error {
	all := s.path.Attr.MultiValued && s.filter == nil
	switch {
	case s.absent, s.value == nil && !all:
		r.emit("remove", s, nil)
		return nil
	case s.value == nil:
		return resource.InvalidValue("%s: a remove of null removes nothing; leave value out to remove all, or name the values that are meant.", s.path)
	case all && s.path.Sub != nil:
		return whichElement(s.path)
	}
	v, err := r.removed(s)
	if err != nil {
		return err
	}
	list, ok := v.([]any)
	switch {
	case all && len(list) == 0: // an empty list names nobody
	case ok && s.path.Sub == nil:
		r.emit("remove", s, list)
	default:
		r.emit("remove", s, nil)
	}
	return nil
}

// removed reads the value of a remove. Where the path settles what is removed,
// the value is checked, and of elements that a filter selects those are meant
// that it names.
func (r *patchReader) removed(s statement) (any, error) {
	if s.filter != nil && s.path.Sub == nil {
		elements, ok := s.value.([]any)
		if !ok {
			elements = []any{s.value}
		}
		if len(elements) > 1 {
			return nil, resource.InvalidValue("%s: the filter means one value; send one.", s.path)
		}
		list, err := r.list(s.path.Attr, s.path.String(), elements)
		if err != nil || len(elements) == 0 {
			return nil, err
		}
		return query.ValueOf(list, s.path), nil
	}
	v, err := r.value(s.path, s.value)
	if err == nil && v == nil && !r.none(s.value) {
		err = r.empty(s.path.Attr, s.path.String())
	}
	return v, err
}

// emit appends an operation.
func (r *patchReader) emit(op string, s statement, v any) {
	r.ops = append(r.ops, resource.Operation{Op: op, Path: s.path, Filter: s.filter, Value: v})
}

// blank reports whether a client's value is none: null, "" or empty.
func blank(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case string:
		return value == ""
	case []any:
		return len(value) == 0
	case map[string]any:
		return len(value) == 0
	}
	return false
}
