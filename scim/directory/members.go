package directory

import (
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// memberChange is a change of a group: the operations to send, and the members
// by which the answer is confirmed.
type memberChange struct {
	sent           []atlassian.PatchOperation
	added, removed []string // ids of users who are members afterwards, and who are not
	only           bool     // nobody but added is a member afterwards
}

// sendMembers appends the operations that remove and add the members of a change.
func (m *memberChange) sendMembers() {
	for _, id := range m.removed {
		m.sent = append(m.sent, removeMember(id))
	}
	if len(m.added) > 0 {
		m.sent = append(m.sent, addMembers(m.added))
	}
}

// unmet counts what the members of a group, by their ids, lack of a change: who was added
// and is none, who was removed and is one, and who is one beside those that alone are to be.
func unmet[T string | []byte](change memberChange, members iter.Seq[T]) int {
	missing, removed := counted(change.added), counted(change.removed)
	known := maps.Clone(missing)
	wrong := 0
	for id := range members {
		delete(missing, string(id))
		wrong += removed[string(id)]
		if change.only && known[string(id)] == 0 {
			wrong++
		}
	}
	for _, times := range missing {
		wrong += times
	}
	return wrong
}

// counted tells how often each id is in a list.
func counted(ids []string) map[string]int {
	times := make(map[string]int, len(ids))
	for _, id := range ids {
		times[id]++
	}
	return times
}

// memberOperations translates operations on externalId, and operations on members
// that name the members by id. ok is false if there is any other operation, or none.
func memberOperations(ops []resource.Operation) (change memberChange, ok bool) {
	for _, op := range ops {
		if op.Path.Attr.Name == "externalId" {
			change.sent = append(change.sent, plainOperation(op)...)
			continue
		}
		named, byID := namedMembers(op)
		if op.Path.Attr.Name != "members" || op.Path.Sub != nil || !byID {
			return memberChange{}, false
		}
		switch {
		case op.Op == "add":
			change.sent = append(change.sent, addMembers(named))
			change.added, change.removed = append(change.added, named...), subtract(change.removed, named)
		case op.Op == "remove" && (op.Filter != nil || op.Value != nil):
			for _, id := range named {
				change.sent = append(change.sent, removeMember(id))
			}
			change.removed, change.added = append(change.removed, named...), subtract(change.added, named)
		case op.Op == "remove":
			change = memberChange{sent: append(change.sent, atlassian.PatchOperation{Op: "remove", Path: "members"}), only: true}
		default:
			replaced := atlassian.PatchOperation{Op: "replace", Path: "members", Value: references(named)}
			change = memberChange{sent: append(change.sent, replaced), added: named, only: true}
		}
	}
	return change, len(change.sent) > 0
}

// LinkChange collects the ids that operations add to a list of links, and the ids
// that they remove.
type LinkChange struct{ Added, Removed []string }

// Take adds an operation to the change. It reports false, and changes nothing,
// unless the operation only adds or removes elements that it names by id.
func (c *LinkChange) Take(op resource.Operation) bool {
	ids, ok := namedMembers(op)
	switch {
	case !ok || op.Path.Sub != nil || op.Op == "replace", op.Op == "remove" && op.Filter == nil && op.Value == nil:
		return false
	case op.Op == "add":
		c.Added, c.Removed = append(c.Added, ids...), subtract(c.Removed, ids)
	default:
		c.Removed, c.Added = append(c.Removed, ids...), subtract(c.Added, ids)
	}
	return true
}

// namedMembers returns the ids that an operation names: in its value, or in a
// filter of the form value eq "id". It reports false if it names them otherwise.
func namedMembers(op resource.Operation) ([]string, bool) {
	if op.Filter != nil {
		c, ok := op.Filter.(query.Compare)
		id, isText := c.Value.(string)
		given, settled := valuesIn(op.Value)
		agrees := settled && !slices.ContainsFunc(given, func(value string) bool { return value != id })
		return []string{id}, ok && isText && agrees && op.Op == "remove" && c.Op == query.Eq && c.Path.Attr.Name == "value"
	}
	return valuesIn(op.Value)
}

// valuesIn returns the values of a list's elements. It reports false if an element
// has none.
func valuesIn(elements any) ([]string, bool) {
	list, _ := elements.([]any)
	ids := make([]string, 0, len(list))
	for _, e := range list {
		element, _ := e.(query.Object)
		id := element.Text("value")
		if id == "" {
			return nil, false
		}
		ids = append(ids, id)
	}
	return ids, true
}

func addMembers(ids []string) atlassian.PatchOperation {
	return atlassian.PatchOperation{Op: "add", Path: "members", Value: references(ids)}
}

func removeMember(id string) atlassian.PatchOperation {
	return atlassian.PatchOperation{Op: "remove", Path: "members[value eq " + strconv.Quote(id) + "]"}
}

// leaveOut removes ids from the users that the change adds.
func (m *memberChange) leaveOut(ids []string) {
	m.added = subtract(m.added, ids)
	var sent []atlassian.PatchOperation
	for _, op := range m.sent {
		if given, ok := op.Value.([]atlassian.Reference); ok {
			given = slices.DeleteFunc(slices.Clone(given), func(r atlassian.Reference) bool { return slices.Contains(ids, r.Value) })
			if op.Value = given; len(given) == 0 && op.Op == "add" {
				continue
			}
		}
		sent = append(sent, op)
	}
	m.sent = sent
}

// withoutStrangers drops removals of users who are not members, since Atlassian
// answers those with 404. Users whom another of the operations adds count as
// members.
func withoutStrangers(ops []atlassian.PatchOperation, members []string) []atlassian.PatchOperation {
	known := make(map[string]bool)
	for _, id := range members {
		known[removeMember(id).Path] = true
	}
	for _, op := range ops {
		given, _ := op.Value.([]atlassian.Reference)
		for _, r := range given {
			known[removeMember(r.Value).Path] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(ops), func(op atlassian.PatchOperation) bool {
		return strings.HasPrefix(op.Path, "members[") && !known[op.Path]
	})
}

// memberIDs returns the ids of the members of a group.
func memberIDs(o query.Object) []string {
	v, _ := o.Get("members")
	list, _ := v.([]any)
	ids := make([]string, 0, len(list))
	for _, e := range list {
		element, _ := e.(query.Object)
		ids = append(ids, element.Text("value"))
	}
	return ids
}

func references(ids []string) []atlassian.Reference {
	out := make([]atlassian.Reference, 0, len(ids))
	for _, id := range ids {
		out = append(out, atlassian.Reference{Value: id})
	}
	return out
}

// removedMember returns the id in an operation that removeMember made. ok is false
// for any other operation.
func removedMember(op atlassian.PatchOperation) (id string, ok bool) {
	quoted, ok := strings.CutPrefix(op.Path, "members[value eq ")
	if !ok || op.Op != "remove" {
		return "", false
	}
	id, err := strconv.Unquote(strings.TrimSuffix(quoted, "]"))
	return id, err == nil
}

// subtract returns the elements of a that are not in b.
func subtract(a, b []string) []string {
	in := make(map[string]bool, len(b))
	for _, s := range b {
		in[s] = true
	}
	var out []string
	for _, s := range a {
		if !in[s] {
			out = append(out, s)
		}
	}
	return out
}
