package directory

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/wire"
	"scim-atlassian/scim/changes"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
)

// provisioning is atlassian.Directory with bookkeeping: its methods have the same
// names, and every write also updates the snapshots of users and groups.
//
// The resource in the answer to a write enters its snapshot as it is. Resources
// that the write changed besides, such as the groups of a deleted user, are read
// again before they are next needed: upstream alone decides on their time of
// change. So is what a write of unknown outcome may have changed, all after a creation.
type provisioning struct {
	upstream      *atlassian.Directory
	users, groups *mirror.Mirror
	sizes         *sizes
	now           func() time.Time
	wrote         func(Written)
}

// write tells both snapshots of one write to the directory.
type write struct {
	users, groups mirror.Write
	sizes         *sizes
}

// begin returns the write that is about to be sent.
func (d *provisioning) begin() write { return write{d.users.Begin(), d.groups.Begin(), d.sizes} }

// User calls GET /Users/{id}.
func (d *provisioning) User(ctx context.Context, id string) (*atlassian.User, error) {
	moment := d.users.Moment()
	u, err := d.upstream.User(ctx, id)
	if err == nil {
		d.sizes.set(u.ID, len(u.Groups))
		showModified(u.Meta, d.users.Saw(moment, userObject(u)))
	}
	return u, err
}

// UserAsSent is User in the bytes that upstream sent.
func (d *provisioning) UserAsSent(ctx context.Context, id string) (*sentUsers, error) {
	moment := d.users.Moment()
	u, err := d.upstream.UserAsSent(ctx, id)
	if err != nil {
		return nil, err
	}
	sent := newSentUsers(u)
	d.sizes.set(sent.ID(0), len(u.All[0].Groups))
	d.users.SawPage(moment, sent)
	return sent, nil
}

// showModified sets the time of change that is shown of a resource, unless that is
// upstream's.
func showModified(m *atlassian.Meta, at time.Time) {
	if m != nil && at.After(m.LastModified) {
		m.LastModified = at
	}
}

// Users calls GET /Users. The caller frees the answer.
func (d *provisioning) Users(ctx context.Context, list atlassian.ListOptions) (*wire.Users, error) {
	return d.upstream.UsersAsSent(ctx, list)
}

// CreateUser calls POST /Users. It returns the user as a resource, to which nobody may write.
func (d *provisioning) CreateUser(ctx context.Context, u *atlassian.User) (query.Object, error) {
	w, at := d.begin(), d.now()
	created, err := d.upstream.CreateUser(ctx, u)
	if !done(err, w.users.Unknown) {
		return nil, err
	}
	o := w.tellUser(created)
	d.wrote(writtenUser(o, at))
	return o, nil
}

// PatchUser calls PATCH /Users/{id}. It returns what CreateUser does.
func (d *provisioning) PatchUser(ctx context.Context, id string, ops []atlassian.PatchOperation) (o query.Object, err error) {
	w, at, before := d.begin(), d.now(), d.users.KnownPart(id, "active", "displayName")
	changed, err := d.upstream.PatchUser(ctx, id, ops)
	if done(err, func() { w.users.Doubt(id) }) {
		o = w.tellUser(changed)
		if isHeardOf(before, o) {
			d.wrote(writtenUser(o, at))
		}
	}
	if isSent(err) && slices.ContainsFunc(ops, showsInGroups) {
		w.groups.Touched(id)
	}
	return o, err
}

// showsInGroups reports whether an operation may change the display of a
// member, which is a name or an address of the user; Atlassian's documentation
// does not say which.
func showsInGroups(op atlassian.PatchOperation) bool {
	attribute, _, _ := strings.Cut(strings.ToLower(op.Path), ".")
	return slices.Contains([]string{"", "username", "displayname", "name", "emails"}, attribute) || strings.HasPrefix(attribute, "emails[")
}

// DeleteUser calls DELETE /Users/{id}.
func (d *provisioning) DeleteUser(ctx context.Context, id string) error {
	w := d.begin()
	err := d.upstream.DeleteUser(ctx, id)
	if done(err, func() { w.users.Doubt(id); w.groups.Touched(id) }) {
		w.users.Gone(id)
		w.groups.Touched(id)
	}
	return err
}

// Group calls GET /Groups/{id}. The caller releases the answer.
func (d *provisioning) Group(ctx context.Context, id string) (*sentGroup, error) {
	moment := d.groups.Moment()
	g, err := d.upstream.GroupAsSent(ctx, id)
	if err != nil {
		return nil, err
	}
	sent := newSentGroup(g)
	d.sizes.set(sent.id, len(g.Members))
	d.groups.SawPage(moment, sent)
	return sent, nil
}

// Groups calls GET /Groups.
func (d *provisioning) Groups(ctx context.Context, list atlassian.ListOptions) (*atlassian.Page[*atlassian.Group], error) {
	page, err := d.upstream.Groups(ctx, list)
	if err != nil {
		return nil, err
	}
	for _, g := range page.Resources {
		if g.Members != nil {
			d.sizes.set(g.ID, len(g.Members))
		}
	}
	return page, nil
}

// CreateGroup calls POST /Groups.
func (d *provisioning) CreateGroup(ctx context.Context, g *atlassian.Group) (*atlassian.Group, error) {
	w, at := d.begin(), d.now()
	created, err := d.upstream.CreateGroup(ctx, g)
	if done(err, func() { w.groups.Unknown(); w.users.Doubt(idsOf(g.Members)...) }) {
		w.tellGroup(created)
		d.wrote(Written{Group: created.DisplayName, At: at})
		w.users.Doubt(idsOf(g.Members)...)
	}
	return created, err
}

// PatchGroup calls PATCH /Groups/{id}. The caller releases the answer.
func (d *provisioning) PatchGroup(ctx context.Context, id string, ops []atlassian.PatchOperation) (*sentGroup, error) {
	w, at := d.begin(), d.now()
	g, err := d.upstream.PatchGroupAsSent(ctx, id, ops)
	if !done(err, func() { w.groups.Doubt(id); w.tellMembers(id, ops) }) {
		return nil, err
	}
	changed := newSentGroup(g)
	if member := d.moved(w.tellSentGroup(changed), ops); member != nil {
		written := writtenUser(member, at)
		written.Group = changed.name()
		d.wrote(written)
	}
	w.tellMembers(id, ops)
	return changed, nil
}

// tellMembers marks the users that may have joined or left a group: the users
// that an operation names and, where an operation replaces or removes all members,
// the users that the snapshot shows in the group.
func (w write) tellMembers(id string, ops []atlassian.PatchOperation) {
	for _, op := range ops {
		named, listed := op.Value.([]atlassian.Reference)
		member, one := removedMember(op)
		switch {
		case op.Path == "externalId":
		case one:
			w.users.Doubt(member)
		case !listed && op.Op != "remove":
			w.users.Unknown() // the operation may name any user
		case op.Op == "add":
			w.users.Doubt(idsOf(named)...)
		default:
			w.users.Touched(id)
			w.users.Doubt(idsOf(named)...)
		}
	}
}

// DeleteGroup calls DELETE /Groups/{id}.
func (d *provisioning) DeleteGroup(ctx context.Context, id string) error {
	w := d.begin()
	err := d.upstream.DeleteGroup(ctx, id)
	if done(err, func() { w.groups.Doubt(id); w.users.Touched(id) }) {
		w.groups.Gone(id)
		w.users.Touched(id)
	}
	return err
}

// done reports whether a write succeeded. If that is unknown, it calls doubt.
func done(err error, doubt func()) bool {
	if err != nil && isSent(err) {
		doubt()
	}
	return err == nil
}

// isSent reports whether a write that ended with err has taken effect, or may have.
func isSent(err error) bool {
	var failed *atlassian.Error
	return err == nil || errors.As(err, &failed) && failed.Ambiguous
}

// tellUser enters the answer to the write into the snapshot of users, and returns it as a
// resource. An answer without groups, or without the account that a new user gets after a
// while, is incomplete; then the user is read again when needed.
func (w write) tellUser(u *atlassian.User) query.Object {
	o := userObject(u)
	if u.Groups == nil || u.Atlassian == nil || u.Atlassian.AtlassianAccountID == "" {
		w.users.Doubt(u.ID)
		return o
	}
	told := w.users.Became(u.ID, func() query.Object { return o })
	if u.Meta == nil {
		return o
	}
	return changes.Dated(o, told.Modified)
}

// tellGroup enters the answer to the write into the snapshot of groups. A group
// without members in the answer is read again when needed.
func (w write) tellGroup(g *atlassian.Group) {
	if g.Members == nil {
		w.groups.Doubt(g.ID)
		return
	}
	w.sizes.set(g.ID, len(g.Members))
	showModified(g.Meta, w.groups.Became(g.ID, func() query.Object { return groupObject(g) }).Modified)
}

// tellSentGroup is tellGroup for an answer in Atlassian's bytes. It returns what has
// changed of the group, as far as the snapshot knew it.
func (w write) tellSentGroup(g *sentGroup) changes.Change {
	if !g.Listed {
		w.groups.Doubt(g.id)
		return changes.Change{}
	}
	w.sizes.set(g.id, len(g.Members))
	return w.groups.BecameSent(g).Change
}

func idsOf(references []atlassian.Reference) (ids []string) {
	for _, r := range references {
		ids = append(ids, r.Value)
	}
	return ids
}

// sizes remembers how many members some groups have, and in how many groups some
// users are, to estimate the cost of reading them. It is safe for concurrent use.
type sizes struct {
	mu   sync.Mutex
	byID map[string]int
}

// knownSizes bounds the sizes that are remembered, some 100 bytes each.
const knownSizes = 20_000

func newSizes() *sizes { return &sizes{byID: map[string]int{}} }

func (s *sizes) set(id string, size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.byID[id]; !known && len(s.byID) >= knownSizes {
		for other := range s.byID {
			delete(s.byID, other) // an arbitrary one
			break
		}
	}
	s.byID[id] = size
}

// of returns the size of a resource; known is false if it has not been seen.
func (s *sizes) of(id string) (size int, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	size, known = s.byID[id]
	return size, known
}
