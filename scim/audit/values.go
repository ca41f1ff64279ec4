package audit

import (
	"crypto/sha256"
	"encoding/hex"

	"go.uber.org/zap"

	"scim-atlassian/scim/query"
)

// wanted tells the values that the write asks for, by attribute, or by operation and path.
func (w *Write) wanted(v Values) []zap.Field {
	if v != Hashes && v != Whole {
		return nil
	}
	var values query.Object
	for _, m := range w.Body {
		values = append(values, query.Member{Name: m.Name, Value: w.shown(v, m)})
	}
	for _, op := range w.Patch {
		if op.Value != nil {
			values = append(values, query.Member{Name: op.Op + " " + op.Path.String(), Value: w.shown(v, query.Member{Name: op.Path.Attr.Name, Value: op.Value})})
		}
	}
	if values == nil {
		return nil
	}
	return []zap.Field{zap.Reflect("values", values)}
}

// changedValues tells the values of the attributes that the write changed.
func (w *Write) changedValues(v Values, changed []string) []zap.Field {
	if v != Hashes && v != Whole || len(changed) == 0 {
		return nil
	}
	of := func(o query.Object) query.Object {
		values := query.Object{}
		for _, name := range changed {
			if value, ok := o.Get(name); ok {
				values = append(values, query.Member{Name: name, Value: w.shown(v, query.Member{Name: name, Value: value})})
			}
		}
		return values
	}
	return []zap.Field{zap.Reflect("before", of(w.Before)), zap.Reflect("after", of(w.After))}
}

// shown is what a line has of a value: itself, or its hash. Of attributes that no
// client may read, such as a password, it has nothing.
func (w *Write) shown(v Values, m query.Member) any {
	if w.Type != nil {
		for _, a := range w.Type.Schema.Attributes { // of the core: no extension has secrets
			if a.Name == m.Name && a.Secret() {
				return "(secret)"
			}
		}
	}
	if v == Whole {
		return m.Value
	}
	text := query.Object{{Name: "value", Value: m.Value}}.AppendJSON(nil)
	sum := sha256.Sum256(text[len(`{"value":`) : len(text)-1])
	return "sha256:" + hex.EncodeToString(sum[:])
}
