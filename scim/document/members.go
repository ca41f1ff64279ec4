package document

import (
	"strconv"

	"scim-atlassian/scim/resource"
)

func NotANumber(name, value string) error {
	return resource.InvalidValue("%s is %q; it must be a whole number.", name, resource.Clip(value))
}

// Member is the value of a member of a body, nil if there is none. What names
// the type to the client.
func Member[T any](name, what string, value any) (*T, error) {
	if value == nil {
		return nil, nil
	}
	v, ok := value.(T)
	if !ok {
		return nil, resource.InvalidValue("%s has the wrong type; it must be a %s.", name, what)
	}
	return &v, nil
}

func Number(name string, value any) (*int, error) {
	f, err := Member[float64](name, "number", value)
	if err != nil || f == nil {
		return nil, err
	}
	n := int(*f)
	if float64(n) != *f {
		return nil, NotANumber(name, strconv.FormatFloat(*f, 'g', -1, 64))
	}
	return &n, nil
}
