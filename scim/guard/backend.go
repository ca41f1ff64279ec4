package guard

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Rules say how to read the writes to a resource type. Names of attributes that the
// type does not have are "".
type Rules struct {
	People bool             // the resources are users: losing one, or its access, counts among users. Else they are groups or roles
	Active string           // attribute that gives a user access
	Links  string           // members of a group or role; groups or entitlements of a user
	Names  []string         // attributes that a pattern may mean
	Cheap  query.Projection // what Names needs

	// ByUser says that Links is written only by a PATCH of a caller with Policy.GroupsByUser.
	ByUser bool
	// NameOf turns the name of a group's resource into the group's own; nil: it is.
	NameOf func(name string) string
	// Entitlement says that patterns for entitlements mean these resources, by their whole names.
	Entitlement bool
}

// Backend is what Wrap stands in front of.
type Backend interface {
	resource.Backend
	resource.Rememberer
}

// Wrap returns a backend that looks at every write to b before it is sent.
func (g *Guard) Wrap(b Backend, r Rules) resource.Backend {
	if !g.guards() {
		return b
	}
	return &guarded{Backend: b, guard: g, rules: r}
}

// guarded is a backend behind a guard. It implements resource.Patcher and
// resource.Completer whether or not the other does.
type guarded struct {
	Backend
	guard *Guard
	rules Rules
}

// Complete implements resource.Completer.
func (b *guarded) Complete(ctx context.Context, method string, doc *query.Object) (string, error) {
	if c, ok := b.Backend.(resource.Completer); ok {
		return c.Complete(ctx, method, doc)
	}
	return "", nil
}

// GetSource implements resource.SourceGetter.
func (b *guarded) GetSource(ctx context.Context, id string, want query.Projection) (resource.Source, error) {
	return resource.GetSource(ctx, b.Backend, id, want)
}

// Create implements resource.Backend. What is made takes nothing away, but may give
// away membership in a protected group.
func (b *guarded) Create(ctx context.Context, doc query.Object) (query.Object, error) {
	if b.rules.People && b.guard.protects(ctx) {
		if err := b.checkLinks(ctx, values(doc.Elements(b.rules.Links))); err != nil {
			return nil, err
		}
	}
	return b.Backend.Create(ctx, doc)
}

// Remove implements resource.Backend.
func (b *guarded) Remove(ctx context.Context, id string) error {
	known := b.known(id)
	if err := b.checkID(ctx, id, known); err != nil {
		return err
	}
	var losses []loss
	switch r := resource.RequestOf(ctx); {
	case b.rules.People && !(r.Policy.DeactivateDeleted && isInactive(known)):
		losses = []loss{b.person(id)}
	case !b.rules.People:
		losses = []loss{{bucketGroups, []string{id}, b.guard.cfg.Facts.Groups()}}
		if members := values(known.Elements("members")); len(members) > 0 {
			losses = append(losses, loss{bucketMembers + id, members, len(members)})
		}
	}
	return b.guard.within(ctx, losses, func() error { return b.Backend.Remove(ctx, id) })
}

// Update implements resource.Backend.
func (b *guarded) Update(ctx context.Context, current, want query.Object) (found query.Object, err error) {
	id := current.Text("id")
	added, removed := b.moved(ctx, current, want)
	if b.guard.protects(ctx) && !query.Equal(current, want) {
		b.guardAdministrators(ctx)
		err := b.checkNames(current)
		if err == nil && b.rules.People {
			err = b.checkLinks(ctx, slices.Concat(added, removed))
		}
		if err != nil {
			return nil, err
		}
	}
	var losses []loss
	if b.rules.People && b.disables(ctx, current, want) {
		losses = append(losses, b.person(id))
	}
	losses = append(losses, b.links(id, removed, len(current.Elements(b.rules.Links)))...)
	err = b.guard.within(ctx, losses, func() (err error) {
		found, err = b.Backend.Update(ctx, current, want)
		return err
	})
	return found, err
}

// errDeclined says that a PATCH cannot be judged, or done, without the resource.
var errDeclined = errors.New("declined")

// Patch implements resource.Patcher. It declines what takes away an amount that is not
// known: then the server reads the resource and calls Update.
func (b *guarded) Patch(ctx context.Context, id string, ops []resource.Operation) (found query.Object, done bool, err error) {
	patcher, ok := b.Backend.(resource.Patcher)
	if !ok {
		return nil, false, nil
	}
	added, removed, ok := b.patched(ops)
	if !ok {
		return nil, false, nil
	}
	var known query.Object
	if b.rules.People || len(removed) > 0 { // a large group is not looked at for who joins it
		known = b.known(id)
		removed = b.present(known, removed)
	}
	if b.guard.protects(ctx) {
		b.guardAdministrators(ctx)
		err := b.checkID(ctx, id, known)
		if err == nil && b.rules.People {
			err = b.checkLinks(ctx, slices.Concat(added, removed))
		}
		if err != nil {
			return nil, true, err
		}
	}
	var losses []loss
	if b.rules.People && !isInactive(known) && slices.ContainsFunc(ops, b.disablesBy) {
		losses = append(losses, b.person(id))
	}
	losses = append(losses, b.links(id, removed, b.size(id, known))...)
	err = b.guard.within(ctx, losses, func() (err error) {
		if found, done, err = patcher.Patch(ctx, id, ops); !done {
			return errDeclined
		}
		return err
	})
	if err == errDeclined {
		return nil, false, nil
	}
	return found, true, err
}

// known is what a write to a resource may be about of the user or group behind it, nil if
// nobody has read that.
func (b *guarded) known(id string) query.Object {
	if b.rules.People {
		return b.guard.cfg.Facts.Person(id, "userName", "emails", "active")
	}
	return b.guard.cfg.Facts.Group(id, "members")
}

// size is how many members a group or role has, -1 if nobody knows.
func (b *guarded) size(id string, known query.Object) int {
	if b.guard.cfg.Facts.IsRole(id) {
		return b.guard.cfg.Facts.Holder(id)
	}
	if _, listed := known.Get("members"); !listed {
		return -1
	}
	return len(known.Elements("members"))
}

func (b *guarded) person(id string) loss {
	return loss{bucketPeople, []string{id}, b.guard.cfg.Facts.People()}
}

// links are the losses of members that a write removes: of the one group, or each of
// a group or role that a user leaves.
func (b *guarded) links(id string, removed []string, size int) []loss {
	switch {
	case len(removed) == 0:
		return nil
	case !b.rules.People:
		return []loss{{bucketMembers + id, removed, size}}
	}
	var losses []loss
	for _, group := range query.Unique(removed) {
		losses = append(losses, loss{bucketMembers + group, []string{id}, b.size(group, b.guard.cfg.Facts.Group(group, "members"))})
	}
	return losses
}

// moved lists the values that Links gains and loses by an update.
func (b *guarded) moved(ctx context.Context, current, want query.Object) (added, removed []string) {
	if r := resource.RequestOf(ctx); b.rules.ByUser && !(r.Policy.GroupsByUser && r.Method == http.MethodPatch) {
		return nil, nil
	}
	before, after := values(current.Elements(b.rules.Links)), values(want.Elements(b.rules.Links))
	return subtract(after, before), subtract(before, after)
}

// patched lists the values that a PATCH adds to Links and takes from it. It reports false
// if that depends on the resource.
func (b *guarded) patched(ops []resource.Operation) (added, removed []string, ok bool) {
	for _, op := range ops {
		if b.rules.Links == "" || op.Path.Attr.Name != b.rules.Links {
			continue
		}
		ids, named := idsOf(op)
		switch {
		case !named || op.Op == "replace", op.Op == "remove" && op.Filter == nil && op.Value == nil:
			return nil, nil, false
		case op.Op == "add":
			added = append(added, ids...)
		default:
			removed = append(removed, ids...)
		}
	}
	return added, query.Unique(removed), true
}

// present lists those of the values that are not known to be gone.
func (b *guarded) present(known query.Object, removed []string) []string {
	if _, listed := known.Get("members"); listed && !b.rules.People {
		return subtract(removed, subtract(removed, values(known.Elements("members"))))
	}
	return removed
}

// idsOf returns the ids of links that an operation names. It reports false if it
// names them otherwise.
func idsOf(op resource.Operation) ([]string, bool) {
	if op.Path.Sub != nil {
		return nil, false
	}
	if op.Filter != nil {
		c, ok := op.Filter.(query.Compare)
		id, isText := c.Value.(string)
		return []string{id}, ok && isText && c.Op == query.Eq && c.Path.Attr.Name == "value"
	}
	list, _ := op.Value.([]any)
	var ids []string
	for _, e := range list {
		o, _ := e.(query.Object)
		ids = append(ids, o.Text("value"))
	}
	return ids, true
}

// disables reports whether an update takes a user's access.
func (b *guarded) disables(ctx context.Context, current, want query.Object) bool {
	before, _ := current.Get(b.rules.Active)
	after, given := want.Get(b.rules.Active)
	r := resource.RequestOf(ctx)
	unset := !given && r.Method == http.MethodPut && !r.Policy.DisableWithoutActive
	return before == true && after != true && !unset
}

// disablesBy reports whether an operation takes a user's access.
func (b *guarded) disablesBy(op resource.Operation) bool {
	return b.rules.Active != "" && op.Path.Attr.Name == b.rules.Active && op.Value != true
}

// guardAdministrators has the backend keep the last administrator of a project.
func (b *guarded) guardAdministrators(ctx context.Context) {
	resource.RequestOf(ctx).KeepAdministrators = true
}

// checkID refuses a write to a protected object. Where its name is not known, it is read.
func (b *guarded) checkID(ctx context.Context, id string, known query.Object) error {
	if !b.guard.protects(ctx) {
		return nil
	}
	protected := b.guard.cfg.Protected
	switch {
	case b.rules.People && !protected.any("User"):
		return nil
	case b.rules.People && known != nil:
		return b.guard.checkPerson(namesPerson(known))
	case !b.rules.People && !(b.rules.Entitlement && protected.any("Entitlement")):
		return b.guard.protectedGroup(ctx, id)
	}
	o, err := b.Backend.Get(ctx, id, b.rules.Cheap)
	if resource.IsMissing(err) {
		return nil // the write itself says so
	}
	if err != nil {
		return err
	}
	return b.checkNames(o)
}

// checkNames refuses a write to a resource that is protected by one of its names.
func (b *guarded) checkNames(o query.Object) error {
	var names []string
	for _, name := range b.rules.Names {
		if name == "emails" {
			names = append(names, values(o.Elements(name))...)
		} else if v := o.Text(name); v != "" {
			names = append(names, v)
		}
	}
	if len(names) == 0 {
		return nil
	}
	if b.rules.People {
		return b.guard.checkPerson(names)
	}
	if b.rules.Entitlement && b.guard.cfg.Protected.matches("Entitlement", names...) {
		return b.guard.protected("entitlement", names[0])
	}
	name := names[0]
	if b.rules.NameOf != nil {
		name = b.rules.NameOf(name)
	}
	if b.guard.cfg.Protected.matches("Group", name) {
		return b.guard.protected("group", name)
	}
	return nil
}

// checkLinks refuses to let users join or leave protected groups.
func (b *guarded) checkLinks(ctx context.Context, groups []string) error {
	for _, id := range groups {
		if err := b.guard.protectedGroup(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// within does a write if the budget covers what it takes away.
func (g *Guard) within(ctx context.Context, losses []loss, do func() error) error {
	if g.cfg.Budget.Window == 0 {
		return do()
	}
	var counted []taken
	caller := resource.RequestOf(ctx).Caller
	for _, l := range losses {
		got, err := g.take(ctx, caller, l)
		if err == nil {
			counted = append(counted, got)
			continue
		}
		var full *exceeded
		if errors.As(err, &full) {
			released, holdErr := g.held(ctx, caller, full)
			if released {
				continue
			}
			if err = holdErr; err == nil {
				g.giveAllBack(ctx, counted)
				return g.refusal(caller, full)
			}
		}
		g.giveAllBack(ctx, counted)
		return unavailable(err)
	}
	err := do()
	if err != nil && !g.mayHaveDone(err) {
		g.giveAllBack(ctx, counted)
	}
	return err
}

func (g *Guard) giveAllBack(ctx context.Context, counted []taken) {
	for _, got := range counted {
		g.giveBack(ctx, got)
	}
}

// mayHaveDone reports whether a write that failed has changed something, or may have.
func (g *Guard) mayHaveDone(err error) bool {
	if err == errDeclined {
		return false
	}
	e := g.cfg.AsError(err)
	return e.Partial || e.Unknown || e.Status == http.StatusBadGateway || e.Status == http.StatusGatewayTimeout
}

func isInactive(user query.Object) bool {
	active, known := user.Get("active")
	return known && active == false
}

// values lists the ids of links.
func values(links []query.Object) []string {
	var ids []string
	for _, e := range links {
		ids = append(ids, e.Text("value"))
	}
	return ids
}

// subtract returns the elements of all that are not in others.
func subtract(all, others []string) []string {
	skip := make(map[string]bool, len(others))
	for _, id := range others {
		skip[id] = true
	}
	return slices.DeleteFunc(slices.Clone(all), func(id string) bool { return skip[id] })
}
