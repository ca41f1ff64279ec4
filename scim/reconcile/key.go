package reconcile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"scim-atlassian/scim"
	"scim-atlassian/scim/server"
)

// key is the attribute that people match resources by. A nil key has no values.
type key struct{ server.AttributePath }

// defaultKeys are the e-mail address as resource types name it.
var defaultKeys = []string{"email", "emails"}

// findKey finds the attribute that a job means, nil if it names none and the type
// has no e-mail address.
func findKey(server *scim.Server, job Job) (*key, error) {
	names := []string{job.Key}
	if job.Key == "" {
		names = defaultKeys
	}
	for _, name := range names {
		path, err := server.Attribute(job.Resource, name)
		if err == nil {
			return &key{path}, nil
		}
		if job.Key != "" {
			return nil, fmt.Errorf("the key: %w", err)
		}
	}
	return nil, nil
}

// String is the attribute's name, empty for none.
func (k *key) String() string {
	if k == nil {
		return ""
	}
	return k.Name
}

// of returns the value in a resource, "" if it has none: of a multi-valued
// attribute the primary one, else the first.
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

// fold returns what values are equal by.
func (k *key) fold(value string) string {
	if k.CaseExact {
		return value
	}
	return strings.ToLower(value)
}

// Keys says how fit an attribute is to match resources by. Resources without a
// value, or with the value of another, are in the file like all others.
type Keys struct {
	Attribute  string      `json:"attribute"`
	Distinct   int         `json:"distinct"`   // different values
	Empty      []string    `json:"empty"`      // ids of the resources that have none
	Duplicates []Duplicate `json:"duplicates"` // by value
}

// Duplicate is a value that several resources have.
type Duplicate struct {
	Value string   `json:"value"` // of the first of them
	IDs   []string `json:"ids"`
}

// keys looks for empty and duplicate values.
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
