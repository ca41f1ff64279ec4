package directory

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/operations"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/upstream"
)

// shownMembers is the largest group, in members, that a PATCH answers with; the
// answer for a larger group is 204 without a body (RFC 7644 section 3.5.2).
const shownMembers = 1000

// Groups is the backend of Group resources. It implements resource.Backend and
// resource.Patcher.
type Groups struct {
	lister
	directory *provisioning
	schema    *query.Schema
	users     *Users
}

// table lists the lookups that the directory offers: one call each, and for the
// groups of a user one call for the user and one for every group.
func (b *Groups) table() query.Table {
	return query.Table{
		{Path: "id", Name: "id", Exact: true},
		{Path: "displayName", Name: "displayName", Exact: true},
		{Path: "members.value", Name: "members.value", Exact: true, Cost: b.LinkedCost, Most: b.LinkedMost},
	}
}

// Get implements resource.Backend. It reads the whole group, with all members:
// the directory offers nothing less.
func (b *Groups) Get(ctx context.Context, id string, _ query.Projection) (query.Object, error) {
	return b.Read(ctx, id)
}

// Read reads the whole group. An unknown id is a 404 *resource.Error.
func (b *Groups) Read(ctx context.Context, id string) (query.Object, error) {
	g, err := b.directory.Group(ctx, id)
	if err != nil {
		return nil, upstream.Missing(err, "Group", id)
	}
	defer g.Release()
	return g.Object(0), nil
}

// GetSource implements resource.SourceGetter.
func (b *Groups) GetSource(ctx context.Context, id string, _ query.Projection) (resource.Source, error) {
	g, err := b.directory.Group(ctx, id)
	if err != nil {
		return nil, upstream.Missing(err, "Group", id)
	}
	return g, nil
}

// Create implements resource.Backend.
func (b *Groups) Create(ctx context.Context, doc query.Object) (query.Object, error) {
	members, begun := memberIDs(doc), time.Now()
	g, err := b.directory.CreateGroup(ctx, &atlassian.Group{ExternalID: doc.Text("externalId"), DisplayName: doc.Text("displayName"), Members: references(members)})
	if upstream.Unsettled(err) {
		return b.made(ctx, doc, begun, err)
	}
	if err != nil && ignoresUnknownMembers(ctx) {
		users, readErr := b.usersAmong(ctx, members)
		if readErr != nil || len(users) == len(members) {
			return nil, cmp.Or(readErr, err)
		}
		doc = doc.Clone()
		doc.Set("members", memberList(users))
		return b.Create(ctx, doc)
	}
	if err != nil {
		return nil, b.explainMembers(ctx, members, err)
	}
	found := groupObject(g)
	return found, created(b.confirmed(found, memberChange{sent: operations.Between(b.schema, nil, doc), added: members, only: true}), g.ID)
}

// ignoresUnknownMembers reports whether a write by this caller leaves unknown
// members out instead of refusing them.
func ignoresUnknownMembers(ctx context.Context) bool {
	return resource.RequestOf(ctx).Policy.IgnoreUnknownMembers
}

// usersAmong returns the ids that belong to users of the directory.
func (b *Groups) usersAmong(ctx context.Context, ids []string) ([]string, error) {
	found, err := mirror.FetchAll(ctx, ids, b.users.Read)
	users := make([]string, 0, len(found))
	for _, o := range found {
		users = append(users, o.Text("id"))
	}
	return users, err
}

func memberList(ids []string) []any {
	list := make([]any, 0, len(ids))
	for _, id := range ids {
		list = append(list, query.Object{{Name: "value", Value: id}})
	}
	return list
}

// Kept implements resource.Backend. Some clients rename a group by a PUT without
// members; unless the caller's policy says otherwise, its members stay.
func (b *Groups) Kept(p resource.Policy) []string {
	var names []string
	if p.KeepMembers {
		names = append(names, "members")
	}
	if !p.Strict {
		names = append(names, "externalId")
	}
	return names
}

// Patch implements resource.Patcher for operations on externalId, and on members
// that the operations name, whatever the size of the group.
func (b *Groups) Patch(ctx context.Context, id string, ops []resource.Operation) (query.Object, bool, error) {
	change, ok := memberOperations(ops)
	if !ok {
		return nil, false, nil
	}
	found, err := b.send(ctx, id, change)
	return found, true, err
}

// Update implements resource.Backend. Of the members, only the additions and
// removals are sent.
func (b *Groups) Update(ctx context.Context, current, want query.Object) (query.Object, error) {
	before, after := memberIDs(current), memberIDs(want)
	change := memberChange{added: subtract(after, before), removed: subtract(before, after)}
	for _, op := range operations.Between(b.schema, current, want) {
		if op.Path != "members" {
			change.sent = append(change.sent, op)
		}
	}
	change.sendMembers()
	if len(change.sent) == 0 {
		return current, nil
	}
	return b.send(ctx, current.Text("id"), change)
}

// ChangeMembers adds users to a group and removes others, all or none, in one
// upstream call. Removing a user that is no member succeeds. The group is nil if
// it is too large to be shown.
func (b *Groups) ChangeMembers(ctx context.Context, id string, add, remove []string) (query.Object, error) {
	change := memberChange{added: add, removed: remove}
	change.sendMembers()
	return b.send(ctx, id, change)
}

// send makes the one upstream call of a PATCH and confirms the outcome. The group
// is nil if it is too large to be shown.
func (b *Groups) send(ctx context.Context, id string, change memberChange) (query.Object, error) {
	g, err := b.directory.PatchGroup(ctx, id, change.sent)
	if atlassian.KindOf(err) == atlassian.NotFound && len(change.added)+len(change.removed) > 0 {
		current, rest, refusal := b.retriable(ctx, id, &change, err)
		if refusal != nil || len(rest) == 0 {
			return current, refusal
		}
		g, err = b.directory.PatchGroup(ctx, id, rest)
		if atlassian.KindOf(err) == atlassian.NotFound {
			return nil, b.explainMembers(ctx, change.added, err)
		}
	}
	if err != nil {
		return b.changed(ctx, id, change, err)
	}
	if !g.Listed { // an answer without members confirms nothing
		g.Release()
		if g, err = b.directory.Group(ctx, id); err != nil {
			return nil, upstream.Unread(fmt.Sprintf("Atlassian has changed the group %q", id), err)
		}
	}
	defer g.Release()
	if err := b.kept(g.head(), change, unmet(change, g.memberIDs())); err != nil || len(g.Members) > shownMembers {
		return nil, err
	}
	return g.Object(0), nil
}

// retriable returns the present group and those operations of a change that can
// succeed after upstream answered the change with notFound, which is the same for
// an unknown group and an unknown member: removals of users who are not members
// are dropped and, if the caller ignores unknown members, so are these, from the
// change too. It fails if there was nothing to drop.
func (b *Groups) retriable(ctx context.Context, id string, change *memberChange, notFound error) (query.Object, []atlassian.PatchOperation, error) {
	current, err := b.Read(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	var unknown []string
	if ignoresUnknownMembers(ctx) {
		users, err := b.usersAmong(ctx, change.added)
		if err != nil {
			return nil, nil, err
		}
		unknown = subtract(change.added, users)
		change.leaveOut(unknown)
	}
	rest := withoutStrangers(change.sent, memberIDs(current))
	if len(unknown) == 0 && len(rest) == len(change.sent) {
		return nil, nil, b.explainMembers(ctx, change.added, notFound)
	}
	return current, rest, nil
}

// explainMembers turns upstream's refusal of a write with members into an error
// about the attribute members. Clients that know nested groups send the id of a group, so a
// single member is also looked for among the groups.
func (b *Groups) explainMembers(ctx context.Context, ids []string, err error) error {
	kind := atlassian.KindOf(err)
	if len(ids) == 1 && (kind == atlassian.NotFound || kind == atlassian.Invalid) {
		if _, readErr := b.Read(ctx, ids[0]); readErr == nil {
			return GroupAsMember(ids[0])
		}
	}
	if kind != atlassian.NotFound {
		return err
	}
	return &resource.Error{Status: http.StatusBadRequest, Type: resource.TypeInvalidValue, Detail: "members names a user that the directory does not have; nothing was changed.", Err: err}
}

// GroupAsMember returns the refusal of a group as a member.
func GroupAsMember(id string) *resource.Error {
	return resource.InvalidValue("members: %s is a group, and groups cannot be members in Atlassian. Send the users of the group instead; nothing was changed.", resource.InQuotes(id))
}

// confirmed fails with 502 if the group that upstream answered with is not as the
// change makes it.
func (b *Groups) confirmed(found query.Object, change memberChange) error {
	return b.kept(found, change, unmet(change, slices.Values(memberIDs(found))))
}

// kept is confirmed for a group of which so many members are not as the change makes
// them; found need not have any.
func (b *Groups) kept(found query.Object, change memberChange, wrong int) error {
	if wrong > 0 {
		e := unkept("group", found, fmt.Sprintf("the change of %d members", wrong))
		e.Partial = wrong < len(change.added)+len(change.removed)
		return e
	}
	if names := operations.Ignored(b.schema, change.sent, found); len(names) > 0 {
		e := unkept("group", found, strings.Join(names, ", "))
		e.Partial = len(names) < len(change.sent)
		return e
	}
	return nil
}

// Remove implements resource.Backend.
func (b *Groups) Remove(ctx context.Context, id string) error {
	resource.RequestOf(ctx).Remember(b.mirror.Known(id))
	return removed(ctx, b.Read, "Group", id, b.directory.DeleteGroup(ctx, id))
}

// page reads a window of the list of groups, without members where upstream
// leaves them out.
func (b *Groups) page(ctx context.Context, start, count int) ([]query.Object, int, error) {
	p, err := b.directory.Groups(ctx, atlassian.ListOptions{StartIndex: start, Count: count})
	if err != nil {
		return nil, 0, err
	}
	return listedGroups(p.Resources), p.Total, nil
}

// listedGroups returns groups of a list. A group that was listed without members
// lacks the attribute, which is not the same as an empty one.
func listedGroups(all []*atlassian.Group) []query.Object {
	out := make([]query.Object, 0, len(all))
	for _, g := range all {
		o := groupObject(g)
		if g.Members == nil {
			o.Delete("members")
		}
		out = append(out, o)
	}
	return out
}

// probe runs one lookup of the table.
func (b *Groups) probe(ctx context.Context, p query.Probe) ([]query.Object, error) {
	switch p.Name {
	case "id":
		return mirror.FetchAll(ctx, []string{p.Value}, b.Read)
	case "members.value":
		return b.groupsOf(ctx, p.Value)
	}
	found, err := b.directory.Groups(ctx, atlassian.ListOptions{Filter: atlassian.Filter{Attribute: p.Name, Value: p.Value}})
	if err != nil {
		return nil, err
	}
	objects, err := b.mirror.Complete(ctx, listedGroups(found.Resources))
	if err != nil {
		return nil, err
	}
	return objects, lookupComplete(len(objects), found.Total)
}

// groupsOf returns the groups that a user is in, none if there is no such user.
// It fails with mirror.ErrCostly if reading all groups costs less.
func (b *Groups) groupsOf(ctx context.Context, user string) ([]query.Object, error) {
	ids, err := b.idsOf(ctx, user)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return b.ReadMany(ctx, ids)
}

// idsOf returns the ids of the groups that a user is in, in one call.
func (b *Groups) idsOf(ctx context.Context, user string) ([]string, error) {
	u, err := b.directory.User(ctx, user)
	if atlassian.KindOf(err) == atlassian.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(u.Groups))
	for _, g := range u.Groups {
		ids = append(ids, g.Value)
	}
	return ids, nil
}

// linked implements mirror.Source.
func (b *Groups) linked(ctx context.Context, p query.Probe) (ids []string, ok bool, err error) {
	if p.Name != "members.value" {
		return nil, false, nil
	}
	ids, err = b.idsOf(ctx, p.Value)
	return ids, true, err
}

// groupObject returns a group as a SCIM resource.
func groupObject(g *atlassian.Group) query.Object {
	o := query.Texts("id", g.ID, "externalId", g.ExternalID, "displayName", g.DisplayName)
	members := make([]any, 0, len(g.Members))
	for _, m := range g.Members {
		members = append(members, referenceObject(m))
	}
	o = append(o, query.Member{Name: "members", Value: members})
	return append(o, MetaMember("Group", g.Meta))
}

// IDOf returns the id of the group with a name, in any case, "" if the directory
// has no such group.
func (b *Groups) IDOf(ctx context.Context, name string) (string, error) {
	found, err := b.directory.Groups(ctx, atlassian.ListOptions{Filter: atlassian.Filter{Attribute: "displayName", Value: name}})
	if err != nil {
		return "", err
	}
	for _, g := range found.Resources {
		if strings.EqualFold(g.DisplayName, name) {
			return g.ID, nil
		}
	}
	return "", nil
}
