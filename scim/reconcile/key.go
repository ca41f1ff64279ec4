package reconcile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"scim-atlassian/scim/resource"
)

// key is the attribute that people match resources by. A nil key has no values.
type key struct{ resource.AttributePath }

// defaultKeys lists the names that resource types have for the e-mail address.
var defaultKeys = []string{"email", "emails"}

// findKey returns the key that the job names, else the e-mail address. It returns
// nil if the job names none and the type has no e-mail address.
func findKey(rt *resource.Type, job Job) (*key, error) {
	names := []string{job.Key}
	if job.Key == "" {
		names = defaultKeys
	}
	for _, name := range names {
		path, err := rt.Attribute(name)
		if err == nil {
			return &key{path}, nil
		}
		if job.Key != "" {
			return nil, fmt.Errorf("the key: %w", err)
		}
	}
	return nil, nil
}

// String returns the name of the attribute, empty for a nil key.
func (k *key) String() string {
	if k == nil {
		return ""
	}
	return k.Name
}

// of returns the value of the key in a resource, "" if there is none. Of a
// multi-valued attribute it returns the primary value, else the first.
func (k *key) of(document map[string]any) string {
	if k == nil {
		return ""
	}
	if k.Extension != "" {
		document, _ = document[k.Extension].(map[string]any)
	}
	value := document[k.Attribute]
	if list, ok := value.([]any); ok {
		value = preferred(list)
	}
	if object, ok := value.(map[string]any); ok {
		value = object[k.Sub]
	}
	switch value := value.(type) {
	case nil:
		return ""
	case string:
		return strings.TrimSpace(value)
	default:
		return fmt.Sprint(value)
	}
}

// preferred returns the primary element of a list, else the first, else nil.
func preferred(list []any) any {
	primary := slices.IndexFunc(list, func(e any) bool {
		object, _ := e.(map[string]any)
		return object["primary"] == true
	})
	if primary < 0 && len(list) == 0 {
		return nil
	}
	return list[max(primary, 0)]
}

// fold returns a form of a value that is equal for values that the key takes for
// equal.
func (k *key) fold(value string) string {
	if k.CaseExact {
		return value
	}
	return strings.ToLower(value)
}

// Keys says how well an attribute serves as recon key. Resources with an empty or a
// duplicate value are in the file like all others.
type Keys struct {
	Attribute  string      `json:"attribute"`
	Distinct   int         `json:"distinct"`   // number of different values
	Empty      []string    `json:"empty"`      // ids of the resources without a value
	Duplicates []Duplicate `json:"duplicates"` // in the order of their values
}

// Duplicate is a value that several resources have.
type Duplicate struct {
	Value string   `json:"value"` // as the first of the resources spells it
	IDs   []string `json:"ids"`   // of the resources, in the order of the file
}

// keys returns the empty and the duplicate values of the key, nil for a nil key.
func (x *index) keys(k *key) *Keys {
	if k == nil {
		return nil
	}
	found := &Keys{Attribute: k.Name, Empty: []string{}, Duplicates: []Duplicate{}}
	first, same := map[string]string{}, map[string][]string{}
	for _, id := range x.order {
		value := x.byID[id].key
		folded := k.fold(value)
		other, taken := first[folded]
		switch {
		case value == "":
			found.Empty = append(found.Empty, id)
		case !taken:
			first[folded] = id
		case same[folded] == nil:
			same[folded] = []string{other, id}
		default:
			same[folded] = append(same[folded], id)
		}
	}
	found.Distinct = len(first)
	for _, folded := range slices.Sorted(maps.Keys(same)) {
		ids := same[folded]
		found.Duplicates = append(found.Duplicates, Duplicate{x.byID[ids[0]].key, ids})
	}
	return found
}
