package server

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

// audit writes the line of a request that was to change something, whatever
// came of it: who wanted what of which resource, its keys before and after as far
// as they are known without asking upstream for it, and the outcome.
// docs/audit.md describes it to those who read it.
func (s *Server) audit(c *call, status int) {
	fields := append(s.identity(c), zap.String("outcome", c.outcome(status)), zap.Int("status", status), zap.Strings("attributes", c.attributes()))
	keys := []struct{ name, key string }{{"keyBefore", keyOf(c.Before)}, {"keyAfter", keyOf(c.found)}}
	if c.err != nil {
		keys[1].name, keys[1].key = "keyWanted", c.wantedKey()
	}
	for _, k := range keys {
		if k.key != "" {
			fields = append(fields, zap.String(k.name, k.key))
		}
	}
	if c.Before != nil && c.found != nil {
		fields = append(fields, zap.Strings("changed", c.changes()))
	}
	fields = append(fields, c.references()...)
	for _, n := range c.Remarks {
		fields = append(fields, zap.Any(n.Key, n.Value))
	}
	s.log.Info("audit", fields...)
}

// outcome is done, refused (nothing was changed), failed, partial (some of what
// was asked for is done), or unknown: a write was sent, and whether it took
// effect cannot be told.
func (c *call) outcome(status int) string {
	switch {
	case c.refusal != nil && c.refusal.Unknown:
		return "unknown"
	case c.refusal != nil && c.refusal.Partial:
		return "partial"
	case status >= 500:
		return "failed"
	case status >= 400:
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

// wantedKey is that of the resource in the body.
func (c *call) wantedKey() string {
	for _, name := range keyAttributes {
		if key := c.body.Text(name); key != "" {
			return resource.Clip(key)
		}
	}
	return ""
}

// changes names the attributes in which the states before and after differ. An
// attribute that was not read is left out.
func (c *call) changes() []string {
	hashes := map[string]uint64{}
	for _, m := range c.Before {
		hashes[m.Name] += query.HashMember(m)
	}
	for _, m := range c.found {
		hashes[m.Name] -= query.HashMember(m)
	}
	unread := ""
	if c.rt.View && (lacks(c.Before, c.rt.Links.Name) || lacks(c.found, c.rt.Links.Name)) {
		unread = c.rt.Links.Name
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
func (c *call) references() []zap.Field {
	list := referenceList(c.rt)
	if list == nil {
		return nil
	}
	var fields []zap.Field
	log := func(what string, ids []string) {
		if len(ids) > 0 {
			fields = append(fields, zap.Strings(what, clipList(ids)))
		}
	}
	given, _ := c.body.Get(list.Name)
	log("set", idsIn(document.Array(given)))
	changes := map[string][]string{}
	for _, op := range c.patch {
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
func (c *call) attributes() []string {
	names := []string{}
	for _, m := range c.body {
		names = append(names, m.Name)
	}
	for _, op := range c.patch {
		names = append(names, op.Op+" "+op.Path.String())
	}
	slices.Sort(names)
	return names
}
