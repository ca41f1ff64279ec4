package directory

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/upstream"
)

// shownMembers is how large a group may be for PATCH to answer with all of it;
// a larger one is answered with 204 (RFC 7644 section 3.5.2).
const shownMembers = 1000

// Groups is the backend of Group resources.
type Groups struct {
	directory  *provisioning
	schema     *query.Schema
	users      *Users
	Reader     *mirror.Reader
	Collection *mirror.Collection
}

// table is what the directory finds among its groups: by name with one call,
// and by way of a member with one call a group of that member.
func (b *Groups) table() query.Table {
	return query.Table{
		{Path: "id", Name: "id", Exact: true},
		{Path: "displayName", Name: "displayName", Exact: true},
		{Path: "members.value", Name: "members.value", Exact: true, Cost: b.directory.Sizes.Cost},
	}
}

// Get reads the whole group: the directory knows no other way.
func (b *Groups) Get(ctx context.Context, id string, _ query.Projection) (query.Object, error) {
	return b.Read(ctx, id)
}

func (b *Groups) Read(ctx context.Context, id string) (query.Object, error) {
	g, err := b.directory.Group(ctx, id)
	if err != nil {
		return nil, upstream.Missing(err, "Group", id)
	}
	return groupObject(g), nil
}

func (b *Groups) Create(ctx context.Context, doc query.Object) (query.Object, error) {
	g, err := b.directory.CreateGroup(ctx, &atlassian.Group{ExternalID: doc.Text("externalId"), DisplayName: doc.Text("displayName"), Members: references(memberIDs(doc))})
	if err != nil && ignoresUnknownMembers(ctx) {
		known, readErr := b.known(ctx, memberIDs(doc))
		if readErr != nil || len(known) == len(memberIDs(doc)) {
			return nil, cmp.Or(readErr, err)
		}
		doc = doc.Clone()
		doc.Set("members", memberList(known))
		return b.Create(ctx, doc)
	}
	if err != nil {
		return nil, b.unknownMember(ctx, memberIDs(doc), err)
	}
	found := groupObject(g)
	return found, b.confirmed(found, MemberChange{Sent: changes(b.schema, nil, doc), Added: memberIDs(doc), only: true})
}

// ignoresUnknownMembers reports whether the caller wants members that the
// directory does not have passed over instead of refused.
func ignoresUnknownMembers(ctx context.Context) bool {
	return resource.RequestOf(ctx).Policy.IgnoreUnknownMembers
}

// known returns the ids that are of users of the directory.
func (b *Groups) known(ctx context.Context, ids []string) ([]string, error) {
	found, err := mirror.FetchAll(ctx, ids, b.users.Read)
	known := make([]string, 0, len(found))
	for _, o := range found {
		known = append(known, o.Text("id"))
	}
	return known, err
}

func memberList(ids []string) []any {
	list := make([]any, 0, len(ids))
	for _, id := range ids {
		list = append(list, query.Object{{Name: "value", Value: id}})
	}
	return list
}

// Kept implements backend. Some clients rename a group by a PUT without members,
// and the group would lose everybody.
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

// Patch implements patcher for changes of members, whatever the size of the
// group, and of externalId.
func (b *Groups) Patch(ctx context.Context, id string, ops []resource.Operation) (query.Object, bool, error) {
	change, ok := memberOperations(ops)
	if !ok {
		return nil, false, nil
	}
	found, err := b.Send(ctx, id, change)
	return found, true, err
}

// Update implements backend: of the members only those that come and go are
// sent.
func (b *Groups) Update(ctx context.Context, current, want query.Object) (query.Object, error) {
	before, after := memberIDs(current), memberIDs(want)
	change := MemberChange{Added: subtract(after, before), Removed: subtract(before, after)}
	for _, op := range changes(b.schema, current, want) {
		if op.Path != "members" {
			change.Sent = append(change.Sent, op)
		}
	}
	for _, member := range change.Removed {
		change.Sent = append(change.Sent, RemoveMember(member))
	}
	if len(change.Added) > 0 {
		change.Sent = append(change.Sent, AddMembers(change.Added))
	}
	if len(change.Sent) == 0 {
		return current, nil
	}
	return b.Send(ctx, current.Text("id"), change)
}

// Send makes the one upstream call of a PATCH and confirms the outcome.
func (b *Groups) Send(ctx context.Context, id string, change MemberChange) (query.Object, error) {
	g, err := b.directory.PatchGroup(ctx, id, change.Sent)
	if atlassian.KindOf(err) == atlassian.NotFound && err != nil && len(change.Added)+len(change.Removed) > 0 {
		// Upstream says the same of an unknown group and an unknown member. Who is
		// no member need not be removed, so one that is gone is passed over.
		current, readErr := b.Read(ctx, id)
		if readErr != nil {
			return nil, readErr
		}
		var unknown []string
		if ignoresUnknownMembers(ctx) {
			known, readErr := b.known(ctx, change.Added)
			if readErr != nil {
				return nil, readErr
			}
			unknown = subtract(change.Added, known)
			change.leaveOut(unknown)
		}
		rest := withoutStrangers(change.Sent, memberIDs(current))
		switch {
		case len(rest) == 0:
			return current, nil
		case len(unknown) == 0 && len(rest) == len(change.Sent):
			return nil, b.unknownMember(ctx, change.Added, err)
		}
		g, err = b.directory.PatchGroup(ctx, id, rest)
		if atlassian.KindOf(err) == atlassian.NotFound && err != nil {
			return nil, b.unknownMember(ctx, change.Added, err)
		}
	}
	if err != nil {
		return nil, upstream.Missing(err, "Group", id)
	}
	if g.Members == nil { // an answer that does not say cannot confirm
		if g, err = b.directory.Group(ctx, id); err != nil {
			return nil, upstream.Missing(err, "Group", id)
		}
	}
	found := groupObject(g)
	if err := b.confirmed(found, change); err != nil || len(g.Members) > shownMembers {
		return nil, err
	}
	return found, nil
}

// unknownMember explains the refusal of a write that names members. A single one
// that is no user is looked at as a group: clients that know nested groups send
// them so, without a word of what they are.
func (b *Groups) unknownMember(ctx context.Context, ids []string, err error) error {
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

// GroupAsMember refuses a group within a group.
func GroupAsMember(id string) *resource.Error {
	return resource.InvalidValue("members: %s is a group, and groups cannot be members in Atlassian. Send the users of the group instead; nothing was changed.", resource.InQuotes(id))
}

// confirmed compares the group with what was sent.
func (b *Groups) confirmed(found query.Object, change MemberChange) error {
	is := memberIDs(found)
	wrong := len(subtract(change.Added, is)) + len(change.Removed) - len(subtract(change.Removed, is))
	if change.only {
		wrong += len(subtract(is, change.Added))
	}
	if wrong > 0 {
		return resource.Refuse(http.StatusBadGateway, "", "Atlassian answered success for the group %q but did not keep the change of %d members.", found.Text("id"), wrong)
	}
	if names := ignored(b.schema, change.Sent, found); len(names) > 0 {
		return resource.Refuse(http.StatusBadGateway, "", "Atlassian answered success for the group %q but did not keep %s.", found.Text("id"), strings.Join(names, ", "))
	}
	return nil
}

func (b *Groups) Remove(ctx context.Context, id string) error {
	resource.RequestOf(ctx).Remember(b.Reader.Store.Known(id))
	return upstream.Missing(b.directory.DeleteGroup(ctx, id), "Group", id)
}

func (b *Groups) List(ctx context.Context, q resource.ListQuery) (*resource.ListResult, error) {
	return b.Collection.List(ctx, q)
}

func (b *Groups) Explain(filter query.Expr) string {
	return b.Collection.Plan(filter, mirror.Need{}).String()
}

// page lists groups; without members where upstream leaves them out.
func (b *Groups) page(ctx context.Context, start, count int) ([]query.Object, int, error) {
	p, err := b.directory.Groups(ctx, atlassian.ListOptions{StartIndex: start, Count: count})
	if err != nil {
		return nil, 0, err
	}
	return listedGroups(p.Resources), p.Total, nil
}

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

func (b *Groups) Probe(ctx context.Context, p query.Probe) ([]query.Object, error) {
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
	objects, err := b.Reader.Completed(ctx, listedGroups(found.Resources))
	if err != nil {
		return nil, err
	}
	return objects, lookupComplete(len(objects), found.Total)
}

func (b *Groups) groupsOf(ctx context.Context, user string) ([]query.Object, error) {
	u, err := b.directory.User(ctx, user)
	if atlassian.KindOf(err) == atlassian.NotFound && err != nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := b.Reader.Worthwhile(ctx, len(u.Groups)); err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(u.Groups))
	for _, g := range u.Groups {
		ids = append(ids, g.Value)
	}
	return mirror.FetchAll(ctx, ids, b.Read)
}

// groupObject is the group as a SCIM resource.
func groupObject(g *atlassian.Group) query.Object {
	o := query.Texts("id", g.ID, "externalId", g.ExternalID, "displayName", g.DisplayName)
	members := make([]any, 0, len(g.Members))
	for _, m := range g.Members {
		members = append(members, referenceObject(m))
	}
	o = append(o, query.Member{Name: "members", Value: members})
	return append(o, MetaMember("Group", g.Meta))
}

// IDNamed returns the id of the group with the name, in any case, "" if the
// directory has none.
func (b *Groups) IDNamed(ctx context.Context, name string) (string, error) {
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
