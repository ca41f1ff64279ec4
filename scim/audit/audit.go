// Package audit says of every attempt to change something who wanted what of which
// resource, and what came of it.
//
// A [Write] is what the server knows of an attempt. A [Log] makes a line of it before
// it is carried out, the intent, and one after it. A [File] takes the lines one by one,
// each before the write goes on, and chains them, so that Verify finds what somebody
// has changed. docs/audit.md describes the lines to those who read them.
package audit

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"go.uber.org/zap"

	"scim-atlassian/scim/document"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Write is an attempt to change something. No documents in it are changed.
type Write struct {
	*resource.Request                      // Before, Remarks and the names of requests upstream
	Who               []zap.Field          // who wants it, of what, by which request
	Type              *resource.Type       // nil: the request was refused before it was known
	Body              query.Object         // what a POST or PUT says of the resource
	Patch             []resource.Operation // of a PATCH
	After             query.Object         // the resource as it was confirmed, nil: it was not answered
	Status            int                  // of the answer
	Refusal           *resource.Error      // nil: the write succeeded
}

// intent is what is known before the write is carried out.
func (w *Write) intent(v Values) []zap.Field {
	fields := append(slices.Clip(w.Who), zap.Strings("attributes", w.attributes()))
	if key := keyOf(w.Body); key != "" {
		fields = append(fields, zap.String("keyWanted", resource.Clip(key)))
	}
	if w.Type == nil { // not of a resource, such as the release of a hold: the remarks are what is known
		fields = append(fields, w.remarks()...)
	}
	return append(append(fields, w.references()...), w.wanted(v)...)
}

// outcome is what came of the write, the keys of the resource before and after as far as
// they are known without asking upstream for them included.
func (w *Write) outcome(v Values) []zap.Field {
	fields := append(slices.Clip(w.Who), zap.String("outcome", w.verdict()), zap.Int("status", w.Status), zap.Strings("attributes", w.attributes()))
	keys := []struct{ name, key string }{{"keyBefore", keyOf(w.Before)}, {"keyAfter", keyOf(w.After)}}
	if w.Refusal != nil {
		keys[1].name, keys[1].key = "keyWanted", resource.Clip(keyOf(w.Body))
	}
	for _, k := range keys {
		if k.key != "" {
			fields = append(fields, zap.String(k.name, k.key))
		}
	}
	if w.Before != nil && w.After != nil {
		changed := w.changes()
		fields = append(append(fields, zap.Strings("changed", changed)), w.changedValues(v, changed)...)
	}
	fields = append(fields, w.references()...)
	fields = append(fields, w.remarks()...)
	if traces := w.Traces(); traces != nil {
		fields = append(fields, zap.Strings("traces", traces))
	}
	return fields
}

func (w *Write) remarks() []zap.Field {
	fields := make([]zap.Field, len(w.Remarks))
	for i, n := range w.Remarks {
		fields[i] = zap.Any(n.Key, n.Value)
	}
	return fields
}

// verdict is done, refused (nothing was changed), failed, partial (some of what
// was asked for is done), or unknown: a write was sent, and whether it took
// effect cannot be told.
func (w *Write) verdict() string {
	switch {
	case w.Refusal != nil && w.Refusal.Unknown:
		return "unknown"
	case w.Refusal != nil && w.Refusal.Partial:
		return "partial"
	case w.Status >= 500:
		return "failed"
	case w.Status >= 400:
		return "refused"
	}
	return "done"
}

// keyAttributes hold the name that people call a resource by.
var keyAttributes = []string{"userName", "displayName", "key"}

func keyOf(o query.Object) string {
	for _, name := range keyAttributes {
		if key := o.Text(name); key != "" {
			return key
		}
	}
	return ""
}

// changes names the attributes in which the states before and after differ. An
// attribute that was not read is left out.
func (w *Write) changes() []string {
	hashes := map[string]uint64{}
	for _, m := range w.Before {
		hashes[m.Name] += query.HashMember(m)
	}
	for _, m := range w.After {
		hashes[m.Name] -= query.HashMember(m)
	}
	unread := ""
	if w.Type.View && (lacks(w.Before, w.Type.Links.Name) || lacks(w.After, w.Type.Links.Name)) {
		unread = w.Type.Links.Name
	}
	maps.DeleteFunc(hashes, func(name string, difference uint64) bool {
		return difference == 0 || name == "meta" || name == "schemas" || name == unread
	})
	return slices.Sorted(maps.Keys(hashes))
}

func lacks(o query.Object, name string) bool {
	_, there := o.Get(name)
	return !there
}

// references tells the ids of those whom a write puts into a group or takes out
// of it, and of the entitlements that it gives or takes.
func (w *Write) references() []zap.Field {
	list := referenceList(w.Type)
	if list == nil {
		return nil
	}
	var fields []zap.Field
	log := func(what string, ids []string) {
		if len(ids) > 0 {
			fields = append(fields, zap.Strings(what, clipList(ids)))
		}
	}
	given, _ := w.Body.Get(list.Name)
	log("set", idsIn(document.Array(given)))
	changes := map[string][]string{}
	for _, op := range w.Patch {
		if op.Path.Attr == list {
			changes[op.Op] = append(changes[op.Op], referencesIn(op)...)
		}
	}
	log("added", changes["add"])
	log("removed", changes["remove"])
	log("set", changes["replace"])
	return fields
}

// referenceList is the attribute that holds a group's members or an account's
// entitlements: a list whose elements are told apart by an id that cannot change.
// It is nil where there is none.
func referenceList(rt *resource.Type) *query.Attribute {
	if rt == nil {
		return nil
	}
	for _, a := range rt.Schema.Attributes {
		for _, sub := range a.Sub {
			if a.MultiValued && sub.Name == "value" && sub.Mutability == query.Immutable {
				return a
			}
		}
	}
	return nil
}

// referencesIn are the ids that the operation is about, or in their place the
// filter that means them; "all" is for a remove of everything.
func referencesIn(op resource.Operation) []string {
	if op.Filter != nil {
		element, _ := document.Equalities(op.Filter)
		return []string{cmp.Or(element.Text("value"), resource.Clip(op.Filter.String()))}
	}
	list, _ := op.Value.([]any)
	if list == nil && op.Op == "remove" {
		return []string{"all"}
	}
	return idsIn(list)
}

// idsIn reads the values of elements.
func idsIn(elements []any) []string {
	var ids []string
	for _, e := range elements {
		object, _ := e.(query.Object)
		if id := object.Text("value"); id != "" {
			ids = append(ids, resource.Clip(id))
		}
	}
	return ids
}

// clipList keeps a line of the log readable.
func clipList(ids []string) []string {
	const most = 100
	if len(ids) <= most {
		return ids
	}
	return append(slices.Clone(ids[:most]), fmt.Sprintf("and %d more", len(ids)-most))
}

// attributes names the attributes of a write, never their values.
func (w *Write) attributes() []string {
	names := []string{}
	for _, m := range w.Body {
		names = append(names, m.Name)
	}
	for _, op := range w.Patch {
		names = append(names, op.Op+" "+op.Path.String())
	}
	slices.Sort(names)
	return names
}
