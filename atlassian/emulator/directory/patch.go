package directory

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"scim-atlassian/atlassian/emulator/tenant"
)

// patchOperation is one operation of RFC 7644 section 3.5.2.
type patchOperation struct {
	Op    string          `json:"op"` // lower case once read
	Path  string          `json:"path"`
	Value json.RawMessage `json:"value"`
}

// readPatch decodes the body of a PATCH. The list of operations may be called
// Operations or operations: encoding/json matches in any case.
func readPatch(w http.ResponseWriter, r *http.Request) ([]patchOperation, error) {
	body, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	var patch struct {
		Operations []patchOperation `json:"Operations"`
	}
	if err := json.Unmarshal(body, &patch); err != nil {
		return nil, invalidBody(err)
	}
	if len(patch.Operations) == 0 {
		return nil, refuse("invalidSyntax", "Attribute [Operations] is required.")
	}
	for i := range patch.Operations {
		op := &patch.Operations[i]
		op.Op = strings.ToLower(op.Op)
		if !slices.Contains([]string{"add", "replace", "remove"}, op.Op) {
			return nil, refuse("invalidSyntax", "Operation [%s] is not supported.", op.Op)
		}
	}
	return patch.Operations, nil
}

// eachTarget calls apply for every attribute that op addresses: the attribute at
// its path or, without a path, each attribute that the value names. Read-only
// and unknown attributes are refused in a path and skipped in a value.
func (s *shapes) eachTarget(op patchOperation, apply func(p patchPath, value any) error) error {
	value, err := decodeValue(op.Value)
	if err != nil {
		return err
	}
	if op.Path != "" {
		return s.applyPath(op, value, apply)
	}
	if op.Op == "remove" {
		return refuse("noTarget", "Operation [remove] requires a path.")
	}
	object, ok := value.(map[string]any)
	if !ok {
		return refuse("invalidValue", "Operation [%s] without a path requires an object.", op.Op)
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		p, err := s.parsePath(key)
		if err != nil || p.attribute.readOnly {
			continue
		}
		if err := apply(p, object[key]); err != nil {
			return err
		}
	}
	return nil
}

func (s *shapes) applyPath(op patchOperation, value any, apply func(p patchPath, value any) error) error {
	p, err := s.parsePath(op.Path)
	switch {
	case err != nil:
		return err
	case p.attribute.readOnly:
		return refuse("mutability", "Attribute [%s] is read-only.", p.attribute.name)
	case op.Op != "remove" && len(op.Value) == 0:
		return refuse("invalidValue", "Operation [%s] requires a value.", op.Op)
	}
	return apply(p, value)
}

// patchAttributes returns attrs with the operations applied. It works on the
// JSON form; the types of values are checked when the result is decoded.
func patchAttributes(attrs userAttributes, operations []patchOperation) (userAttributes, error) {
	var document map[string]any
	if err := json.Unmarshal(tenant.JSON(attrs), &document); err != nil {
		panic(err) // the text is our own
	}
	known := userShapes()
	for _, op := range operations {
		err := known.eachTarget(op, func(p patchPath, value any) error {
			return p.apply(document, op.Op, value)
		})
		if err != nil {
			return userAttributes{}, err
		}
	}
	var patched userAttributes
	if err := json.Unmarshal(tenant.JSON(document), &patched); err != nil {
		return userAttributes{}, invalidBody(err)
	}
	return patched, nil
}

// apply performs one operation on a document. A null value removes.
func (p *patchPath) apply(document map[string]any, op string, value any) error {
	if value == nil {
		op = "remove"
	}
	switch {
	case p.extension != "":
		return p.applyExtension(document, op, value)
	case p.attribute.multi && p.conditions == nil && p.sub == "":
		return p.applyList(document, op, value)
	case p.attribute.multi:
		return p.applyElements(document, op, value)
	case p.attribute.subs != nil:
		return p.applyComplex(document, op, value)
	case p.sub != "":
		return refuse("invalidPath", "Path [%s] is not valid.", p.text)
	}
	set(document, p.attribute.name, op, value)
	return nil
}

func set(object map[string]any, name, op string, value any) {
	if op == "remove" {
		delete(object, name)
	} else {
		object[name] = value
	}
}

// applyExtension changes one attribute of the extension or, if the path names the
// extension, all attributes that the value names.
func (p *patchPath) applyExtension(document map[string]any, op string, value any) error {
	extension, _ := document[p.extension].(map[string]any)
	if extension == nil {
		extension = map[string]any{}
	}
	document[p.extension] = extension
	if p.attribute.name != "" {
		set(extension, p.attribute.name, op, value)
	} else if op == "remove" {
		clear(extension)
	} else {
		whole := shape{name: p.extension, subs: []string{"organization", "department"}}
		given, err := whole.object(value)
		if err != nil {
			return err
		}
		maps.Copy(extension, given)
	}
	if len(extension) == 0 {
		delete(document, p.extension)
	}
	return nil
}

// applyComplex changes sub-attributes; those that are not given stay.
func (p *patchPath) applyComplex(document map[string]any, op string, value any) error {
	object, _ := document[p.attribute.name].(map[string]any)
	if object == nil {
		object = map[string]any{}
	}
	if p.sub != "" {
		set(object, p.sub, op, value)
	} else if op == "remove" {
		clear(object)
	} else {
		given, err := p.attribute.object(value)
		if err != nil {
			return err
		}
		maps.Copy(object, given)
	}
	document[p.attribute.name] = object
	if len(object) == 0 {
		delete(document, p.attribute.name)
	}
	return nil
}

// applyList changes a multi-valued attribute as a whole.
func (p *patchPath) applyList(document map[string]any, op string, value any) error {
	list, _ := document[p.attribute.name].([]any)
	var given []any
	if value != nil {
		var err error
		if given, err = p.attribute.elements(value); err != nil {
			return err
		}
	}
	switch {
	case op == "add":
		for _, element := range given {
			if !containsElement(list, element) {
				list = append(list, element)
				yieldPrimary(list, element)
			}
		}
	case op == "replace":
		list = given
	case value == nil:
		list = nil
	default: // Entra ID names the elements to remove in the value
		list = slices.DeleteFunc(list, func(element any) bool {
			return slices.ContainsFunc(given, func(other any) bool { return sameValue(element, other) })
		})
	}
	p.store(document, list)
	return nil
}

func containsElement(list []any, element any) bool {
	return slices.ContainsFunc(list, func(other any) bool { return reflect.DeepEqual(other, element) })
}

func sameValue(a, b any) bool {
	return a.(map[string]any)["value"] == b.(map[string]any)["value"]
}

// yieldPrimary makes all other elements secondary if element is primary: RFC
// 7644 section 3.5.2.
func yieldPrimary(list []any, element any) {
	if isPrimary, _ := element.(map[string]any)["primary"].(bool); !isPrimary {
		return
	}
	for _, other := range list {
		if !sameElement(other, element) {
			other.(map[string]any)["primary"] = false
		}
	}
}

// sameElement reports whether a and b are the same map, not equal ones.
func sameElement(a, b any) bool {
	return reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer()
}

// document.applyElements changes the elements that the path's filter selects. If it
// selects none, the operation has no target; no element is made up.
func (p *patchPath) applyElements(document map[string]any, op string, value any) error {
	list, _ := document[p.attribute.name].([]any)
	found := false
	var kept []any
	for _, item := range list {
		element := item.(map[string]any)
		if !p.matches(element) {
			kept = append(kept, element)
			continue
		}
		found = true
		if p.sub == "" && op == "remove" {
			continue
		}
		if err := p.changeElement(element, op, value); err != nil {
			return err
		}
		kept = append(kept, element)
		yieldPrimary(list, element)
	}
	if !found {
		return refuse("noTarget", "Path [%s] selects no value.", p.text)
	}
	p.store(document, kept)
	return nil
}

func (p *patchPath) changeElement(element map[string]any, op string, value any) error {
	if p.sub != "" {
		set(element, p.sub, op, value)
		return nil
	}
	given, err := p.attribute.object(value)
	if err != nil {
		return err
	}
	if op == "replace" {
		clear(element)
	}
	maps.Copy(element, given)
	return nil
}

func (p *patchPath) store(document map[string]any, list []any) {
	if len(list) == 0 {
		delete(document, p.attribute.name)
	} else {
		document[p.attribute.name] = list
	}
}
