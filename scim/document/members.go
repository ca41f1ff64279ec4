package document

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"scim-atlassian/scim/resource"
)

// NotANumber is the refusal of a value that is no whole number: 400 invalidValue.
func NotANumber(name, value string) error {
	return resource.InvalidValue("%s is %q; it must be a whole number.", name, resource.Clip(value))
}

// Optional returns the value of a member of a body with the type T, nil for null or a member that is not there. It refuses
// any other type with 400 invalidValue, and calls T by the name in kind, such as "string".
func Optional[T any](name, kind string, value any) (*T, error) {
	if value == nil {
		return nil, nil
	}
	v, ok := value.(T)
	if !ok {
		return nil, resource.InvalidValue("%s has the wrong type; it must be a %s.", name, kind)
	}
	return &v, nil
}

// OptionalNumber returns the value of a member of a body that is a whole number, nil for null or a member that is not there. It
// refuses anything else with 400 invalidValue.
func OptionalNumber(name string, value any) (*int, error) {
	f, err := Optional[float64](name, "number", value)
	if err != nil || f == nil {
		return nil, err
	}
	n := int(*f)
	if float64(n) != *f {
		return nil, NotANumber(name, strconv.FormatFloat(*f, 'g', -1, 64))
	}
	return &n, nil
}

// LookUp returns the member of an object with the name, or else with the name in another case. If several differ in case
// alone, it returns any of these.
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

// CheckMembers refuses an object of the protocol, such as an element of Operations, with 400 invalidSyntax if it has a
// member in two spellings, of which one would be lost, or one that is none of names: a misspelt "value" must not turn the
// remove of one element into the remove of all. A member that is null says nothing, and passes.
func CheckMembers(object map[string]any, names ...string) error {
	seen := map[string]bool{}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		i := slices.IndexFunc(names, func(name string) bool { return strings.EqualFold(name, key) })
		switch {
		case i < 0 && object[key] != nil:
			return resource.InvalidSyntax("%q is none of %s; leave it out.", resource.Clip(key), strings.Join(names, ", "))
		case i >= 0 && seen[names[i]]:
			return resource.InvalidSyntax("%s is there more than once.", names[i])
		case i >= 0:
			seen[names[i]] = true
		}
	}
	return nil
}

// Array returns v if it is an array, else nil.
func Array(v any) []any {
	list, _ := v.([]any)
	return list
}
