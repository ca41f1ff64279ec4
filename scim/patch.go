package scim

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"scim-atlassian/scim/query"
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

// parsePatch checks the body of a PATCH, RFC 7644 section 3.5.2, and takes it
// apart into operations with one attribute each. An empty, non-nil result means
// that nothing in it concerns this server.
func parsePatch(rt *resourceType, body any, strict bool) ([]operation, error) {
	object, ok := body.(map[string]any)
	if !ok {
		return nil, invalidSyntax("The body of a PATCH is an object with schemas [%q] and Operations.", urnPatchOp)
	}
	if urns, _ := lookUp(object, "schemas"); strict && !slices.Equal(toList(urns), []any{urnPatchOp}) {
		return nil, invalidSyntax("schemas must be [%q].", urnPatchOp)
	}
	given, present := lookUp(object, "Operations")
	if !present && !strict {
		return []operation{}, nil // one client sends this before it dares to patch
	}
	list, ok := given.([]any)
	if !ok || len(list) == 0 {
		return nil, invalidSyntax("Operations must be an array of at least one operation.")
	}
	if len(list) > maxOperations {
		return nil, refuse(http.StatusRequestEntityTooLarge, "", "Operations has %d elements; send %d at most.", len(list), maxOperations)
	}
	n := patchReader{normaliser: normaliser{rt.schema, strict}, ops: []operation{}}
	for i, element := range list {
		if err := n.read(element); err != nil {
			e := asError(err)
			return nil, refuse(e.Status, e.Type, "Operations[%d]: %s", i, e.Detail)
		}
	}
	if len(n.ops) > maxOperations {
		return nil, refuse(http.StatusRequestEntityTooLarge, "", "Operations change %d attributes; send %d at most.", len(n.ops), maxOperations)
	}
	return n.ops, nil
}

func toList(v any) []any {
	list, _ := v.([]any)
	return list
}

type patchReader struct {
	normaliser
	ops []operation
}

func (n *patchReader) read(element any) error {
	object, ok := element.(map[string]any)
	if !ok {
		return invalidSyntax("an operation is an object with op, path and value.")
	}
	given, _ := lookUp(object, "op")
	op, _ := given.(string)
	if op = strings.ToLower(op); op != "add" && op != "remove" && op != "replace" {
		return invalidSyntax("op must be add, remove or replace.")
	}
	value, valued := lookUp(object, "value")
	if op == "replace" && !valued {
		return invalidValue("replace needs a value; null unassigns.")
	}
	path, present := lookUp(object, "path")
	text, ok := path.(string)
	if present && path != nil && !ok {
		return invalidSyntax("path must be a string.")
	}
	if text == "" {
		return n.pathless(op, value)
	}
	return n.target(op, text, value, false)
}

// pathless unfolds an operation on the resource itself. readOnly attributes in
// it are passed over: clients send back the id and meta they got.
func (n *patchReader) pathless(op string, value any) error {
	if op == "remove" {
		return noTarget("a remove needs a path.")
	}
	if list, ok := value.([]any); ok && len(list) == 1 && !n.strict {
		value = list[0]
	}
	object, ok := value.(map[string]any)
	if !ok {
		return invalidValue("without a path, value must be an object of attributes.")
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if err := n.target(op, name, object[name], true); err != nil {
			return err
		}
	}
	return nil
}

// target reads an operation on the attribute that path names. The path may have
// a value filter, or be the URN of a schema, whose attributes value then holds.
func (n *patchReader) target(op, path string, value any, fromObject bool) error {
	if len(path) > maxPath || strings.ContainsRune(path, utf8.RuneError) {
		return invalidPath("the path is longer than %d bytes or not plain text.", maxPath)
	}
	if urn, inner, ok := n.extension(path, value); ok {
		for _, name := range slices.Sorted(maps.Keys(inner)) {
			if strings.EqualFold(name, "schemas") {
				continue // some SDKs keep an extension as a resource of its own
			}
			if err := n.target(op, urn+":"+name, inner[name], fromObject); err != nil {
				return err
			}
		}
		return nil
	}
	if attributes := n.attributesAt(path); attributes != nil && blank(value) && op != "add" {
		for _, a := range attributes {
			if err := n.target("remove", path+":"+a.Name, nil, true); err != nil {
				return err
			}
		}
		return nil
	}
	if fromObject && strings.EqualFold(path, "schemas") {
		return nil
	}
	p, filter, err := n.path(path)
	if err != nil {
		if n.ignorable(path) {
			return nil
		}
		return err
	}
	if p.Attr.Mutability == query.ReadOnly || p.Sub != nil && p.Sub.Mutability == query.ReadOnly {
		if fromObject {
			return nil
		}
		return mutability("%s is readOnly.", p)
	}
	if object, ok := parts(p, value); ok && op != "remove" {
		for _, name := range slices.Sorted(maps.Keys(object)) {
			sub, err := n.schema.Resolve(p.String() + "." + name)
			if err != nil || sub.Sub == nil || sub.Sub.Mutability == query.ReadOnly {
				continue
			}
			if err := n.operation(op, sub, nil, object[name]); err != nil {
				return err
			}
		}
		return nil
	}
	return n.operation(op, p, filter, value)
}

// attributesAt returns the attributes of the extension whose URN path is, or nil.
func (n *patchReader) attributesAt(path string) []*query.Attribute {
	for _, e := range n.schema.Extensions {
		if strings.EqualFold(e.URN, path) {
			return e.Attributes
		}
	}
	return nil
}

// ignorable reports whether a path that does not resolve is of an attribute
// that SCIM defines and Atlassian does not store, or of another schema.
func (n *patchReader) ignorable(path string) bool {
	if n.strict {
		return false
	}
	if n.attributesAt(path) != nil || n.schema.IsCore(path) {
		return false
	}
	name := path
	if i := strings.LastIndexByte(path, ':'); i >= 0 {
		known := n.schema.IsCore(path[:i]) || slices.ContainsFunc(n.schema.Extensions, func(e query.Extension) bool { return strings.EqualFold(e.URN, path[:i]) })
		if !known && strings.HasPrefix(strings.ToLower(path), "urn:") {
			return true
		}
		name = path[i+1:]
	}
	name, _, _ = strings.Cut(name, "[")
	name, _, _ = strings.Cut(name, ".")
	return slices.ContainsFunc(notStored, func(s string) bool { return strings.EqualFold(s, name) })
}

// path resolves attr, attr.sub, attr[filter] and attr[filter].sub.
func (n *patchReader) path(text string) (query.Path, query.Expr, error) {
	open := strings.IndexByte(text, '[')
	if open < 0 {
		p, err := n.schema.Resolve(text)
		if err != nil {
			return p, nil, invalidPath("%s.", err.Error())
		}
		return p, nil, nil
	}
	shut := strings.LastIndexByte(text, ']')
	p, err := n.schema.Resolve(text[:open])
	switch {
	case err != nil:
		return p, nil, invalidPath("%s.", err.Error())
	case shut < open || p.Sub != nil || !p.Attr.MultiValued:
		return p, nil, invalidPath("%q is no path; a value filter goes as in emails[type eq \"work\"].value.", clip(text))
	}
	filter, err := query.ParseElement(p.Attr, text[open+1:shut], filterLimits)
	if err != nil {
		return p, nil, invalidPath("%s", err.Error())
	}
	if rest := text[shut+1:]; rest != "" {
		if p, err = n.schema.Resolve(text[:open] + rest); err != nil || p.Sub == nil {
			return p, nil, invalidPath("%q: there is no such sub-attribute.", clip(text))
		}
	}
	return p, filter, nil
}

// operation normalises the value and appends the operation. In a replace, null
// and "" unassign (RFC 7643 section 2.5). A value that was given and names nothing
// never stands for everything: it is refused, or if it is empty changes nothing.
func (n *patchReader) operation(op string, p query.Path, filter query.Expr, value any) error {
	if filter != nil && p.Sub == nil {
		list, ok := value.([]any)
		if ok && len(list) > 1 {
			return invalidValue("%s: the filter means one value; send one.", p)
		}
		if len(list) == 1 {
			value = list[0]
		}
	}
	v, err := n.value(p, value)
	if err != nil {
		return err
	}
	if list, ok := v.([]any); ok && len(list) == 0 {
		v = nil
	}
	switch {
	case v == nil && !blank(value):
		return invalidValue("%s: the value holds nothing that can be written; name the values that are meant.", p)
	case v != nil && op == "remove" && !p.Attr.MultiValued:
		v = nil // what is removed is settled by the path
	case v != nil:
	case op == "add":
		if n.strict {
			return invalidValue("%s: add needs a value.", p)
		}
		return nil
	case op == "replace":
		op = "remove"
	case value != nil && p.Attr.MultiValued && p.Sub == nil && filter == nil:
		return nil // removes the values of an empty list
	}
	n.ops = append(n.ops, operation{op: op, path: p, filter: filter, value: v})
	return nil
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

// parts unfolds an object for a complex attribute that clears some of its
// sub-attributes and leaves the others (RFC 7644 section 3.5.2.3).
func parts(p query.Path, value any) (map[string]any, bool) {
	object, ok := value.(map[string]any)
	if !ok || p.Sub != nil || p.Attr.Kind != query.Complex || p.Attr.MultiValued {
		return nil, false
	}
	for _, v := range object {
		if blank(v) {
			return object, true
		}
	}
	return nil, false
}
