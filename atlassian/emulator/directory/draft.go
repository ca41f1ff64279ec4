package directory

import (
	"slices"
	"time"

	"scim-atlassian/atlassian/emulator/tenant"
)

// groupDraft collects changes to a group. Nothing changes before commit.
type groupDraft struct {
	d          *Directory
	g          *group
	externalID string
	leaving    map[*user]bool
	joining    []*user
	joined     map[*user]bool // the set of joining
}

func newGroupDraft(d *Directory, g *group) *groupDraft {
	return &groupDraft{d: d, g: g, externalID: g.externalID, leaving: map[*user]bool{}, joined: map[*user]bool{}}
}

// rename leaves the name as it is: Atlassian does not rename groups.
func (c *groupDraft) rename(name string) error {
	if name != c.g.displayName && c.d.options.RenameRefused {
		return refuse("mutability", "Attribute [displayName] is immutable.")
	}
	return nil
}

func (c *groupDraft) addAll(members []memberElement) error {
	for _, member := range members {
		if err := c.add(member.Value); err != nil {
			return err
		}
	}
	return nil
}

// add makes a user a member. A present member stays one.
func (c *groupDraft) add(id string) error {
	u, err := c.findMember(id)
	if err != nil {
		return err
	}
	switch {
	case c.leaving[u]:
		delete(c.leaving, u)
	case !c.joined[u] && !u.isIn(c.g):
		c.joined[u] = true
		c.joining = append(c.joining, u)
	}
	return nil
}

// remove ends a membership. A user who is no member is passed over.
func (c *groupDraft) remove(id string) error {
	u, err := c.findMember(id)
	if err != nil {
		return err
	}
	if c.joined[u] {
		delete(c.joined, u)
		c.joining = slices.DeleteFunc(c.joining, func(other *user) bool { return other == u })
	} else if u.isIn(c.g) {
		c.leaving[u] = true
	}
	return nil
}

func (c *groupDraft) removeAll() {
	clear(c.joined)
	c.joining = nil
	for _, u := range c.g.members {
		c.leaving[u] = true
	}
}

func (c *groupDraft) findMember(id string) (*user, error) {
	u := c.d.userByID[id]
	if u == nil {
		return nil, notFound("USER", id)
	}
	return u, nil
}

// check refuses a group that would be too large.
func (c *groupDraft) check() error {
	size := len(c.g.members) - len(c.leaving) + len(c.joining)
	if limit := c.d.options.MaxMembersPerGroup; len(c.joining) > 0 && size > limit {
		return refuse("tooMany", "Group [%s] would exceed the limit of [%d] members.", c.g.displayName, limit)
	}
	return nil
}

func (c *groupDraft) changed() bool {
	return c.externalID != c.g.externalID || len(c.leaving) > 0 || len(c.joining) > 0
}

func (c *groupDraft) commit(now time.Time) {
	if c.externalID != c.g.externalID {
		c.g.externalID = c.externalID
		c.g.modified = now
		c.d.tellGroup(tenant.GroupUpdated, c.g)
	}
	var left []*user
	if len(c.leaving) > 0 {
		left = slices.DeleteFunc(slices.Clone(c.g.members), func(u *user) bool { return !c.leaving[u] })
	}
	c.d.setMembers(c.g, c.leaving, c.joining, now)
	for _, u := range left {
		c.d.tellMember(tenant.MemberRemoved, c.g, u)
	}
	for _, u := range c.joining {
		c.d.tellMember(tenant.MemberAdded, c.g, u)
	}
}

// patch applies the operations of a PATCH.
func (c *groupDraft) patch(operations []patchOperation) error {
	known := groupShapes()
	for _, op := range operations {
		err := known.eachTarget(op, func(p patchPath, value any) error { return c.apply(p, op.Op, value) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *groupDraft) apply(p patchPath, op string, value any) error {
	if p.attribute.name == "members" {
		return c.applyMembers(p, op, value)
	}
	text, isText := value.(string)
	switch {
	case p.attribute.name == "displayName" && op == "remove":
		return refuse("mutability", "Attribute [displayName] is immutable.")
	case value != nil && !isText:
		return refuse("invalidValue", "Attribute [%s] has a value of the wrong type.", p.attribute.name)
	case p.attribute.name == "displayName":
		return c.rename(text)
	case op == "remove":
		c.externalID = ""
	default:
		c.externalID = text
	}
	return nil
}

func (c *groupDraft) applyMembers(p patchPath, op string, value any) error {
	if p.sub != "" {
		return refuse("mutability", "Path [%s] addresses a read-only attribute.", p.text)
	}
	if p.conditions != nil {
		return c.applyMember(p, op)
	}
	if value == nil && op == "add" {
		return refuse("invalidValue", "Operation [add] requires a value.")
	}
	if value == nil {
		c.removeAll()
		return nil
	}
	ids, err := memberIDs(p.attribute, value)
	if err != nil {
		return err
	}
	change := c.add
	switch op {
	case "replace":
		c.removeAll()
	case "remove":
		change = c.remove
	}
	for _, id := range ids {
		if err := change(id); err != nil {
			return err
		}
	}
	return nil
}

// applyMember performs an operation on members[value eq "id"].
func (c *groupDraft) applyMember(p patchPath, op string) error {
	id, isText := p.conditions[0].value.(string)
	if len(p.conditions) != 1 || p.conditions[0].sub != "value" || !isText || op != "remove" {
		return refuse("invalidPath", "Path [%s] is not supported.", p.text)
	}
	return c.remove(id)
}

// directory.memberIDs returns the user ids of one member or of a list of them.
func memberIDs(members shape, value any) ([]string, error) {
	elements, err := members.elements(value)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(elements))
	for i, element := range elements {
		id, ok := element.(map[string]any)["value"].(string)
		if !ok {
			return nil, refuse("invalidValue", "Each of [members] requires a value.")
		}
		ids[i] = id
	}
	return ids, nil
}
