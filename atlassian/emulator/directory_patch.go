package emulator

import (
	"encoding/json"
	"net/http"
	"strings"
)

// patchOperation is one operation of RFC 7644 section 3.5.2.
type patchOperation struct {
	Op    string          `json:"op"`
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
		switch op.Op {
		case "add", "replace", "remove":
		default:
			return nil, refuse("invalidSyntax", "Operation [%s] is not supported.", op.Op)
		}
	}
	return patch.Operations, nil
}

func patchAttributes(attrs userAttributes, operations []patchOperation) (userAttributes, error) {
	return attrs, nil
}

func (c *groupDraft) patch(operations []patchOperation) error { return nil }
