package directory

import (
	"slices"
	"strconv"
	"strings"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// MemberChange is what is sent to change a group, and what its members must
// then be: added among them, removed not, and with only nobody but added.
type MemberChange struct {
	Sent           []atlassian.PatchOperation
	Added, Removed []string
	only           bool
}

// memberOperations translates operations on externalId and those on members that
// name the members they mean. ok is false if there is another one, or none.
func memberOperations(ops []resource.Operation) (change MemberChange, ok bool) {
	for _, op := range ops {
		if op.Path.Attr.Name == "externalId" {
			change.Sent = append(change.Sent, plainOperation(op)...)
			continue
		}
		named, known := namedMembers(op)
		if op.Path.Attr.Name != "members" || op.Path.Sub != nil || !known {
			return MemberChange{}, false
		}
		switch {
		case op.Op == "add":
			change.Sent = append(change.Sent, AddMembers(named))
			change.Added, change.Removed = append(change.Added, named...), subtract(change.Removed, named)
		case op.Op == "remove" && (op.Filter != nil || op.Value != nil):
			for _, id := range named {
				change.Sent = append(change.Sent, RemoveMember(id))
			}
			change.Removed, change.Added = append(change.Removed, named...), subtract(change.Added, named)
		case op.Op == "remove":
			change = MemberChange{Sent: append(change.Sent, atlassian.PatchOperation{Op: "remove", Path: "members"}), only: true}
		default:
			replaced := atlassian.PatchOperation{Op: "replace", Path: "members", Value: references(named)}
			change = MemberChange{Sent: append(change.Sent, replaced), Added: named, only: true}
		}
	}
	return change, len(change.Sent) > 0
}

// LinkChange is what operations do to a list of links, by the ids that they
// name.
type LinkChange struct{ Added, Removed []string }

// Take adds an operation to the change. It reports false if the operation does
// more than to add or to remove what it names.
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

// namedMembers lists the ids that an operation names: in its value, or in a
// filter that is an equality of value.
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

// valuesIn lists the values of elements. It reports false if one has none.
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

func AddMembers(ids []string) atlassian.PatchOperation {
	return atlassian.PatchOperation{Op: "add", Path: "members", Value: references(ids)}
}

func RemoveMember(id string) atlassian.PatchOperation {
	return atlassian.PatchOperation{Op: "remove", Path: "members[value eq " + strconv.Quote(id) + "]"}
}

// leaveOut takes ids out of what is added.
func (m *MemberChange) leaveOut(ids []string) {
	m.Added = subtract(m.Added, ids)
	var sent []atlassian.PatchOperation
	for _, op := range m.Sent {
		if given, ok := op.Value.([]atlassian.Reference); ok {
			given = slices.DeleteFunc(slices.Clone(given), func(r atlassian.Reference) bool { return slices.Contains(ids, r.Value) })
			if op.Value = given; len(given) == 0 && op.Op == "add" {
				continue
			}
		}
		sent = append(sent, op)
	}
	m.Sent = sent
}

// withoutStrangers leaves out the removals of users who neither are members nor
// become some by another operation.
func withoutStrangers(ops []atlassian.PatchOperation, members []string) []atlassian.PatchOperation {
	known := make(map[string]bool)
	for _, id := range members {
		known[RemoveMember(id).Path] = true
	}
	for _, op := range ops {
		given, _ := op.Value.([]atlassian.Reference)
		for _, r := range given {
			known[RemoveMember(r.Value).Path] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(ops), func(op atlassian.PatchOperation) bool {
		return strings.HasPrefix(op.Path, "members[") && !known[op.Path]
	})
}

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

// removedMember is the member that an operation made by RemoveMember removes.
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
