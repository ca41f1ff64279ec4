package directory

import (
	"context"
	"net/http"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/operations"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/upstream"
)

// A write of unknown outcome is looked up before the client is told. What was
// found to be as the write makes it is a success. What was not found, or is as it
// was, stays in doubt, since Atlassian may still be at it.

// clockSkew is how far Atlassian's clock may differ from ours.
const clockSkew = 5 * time.Minute

// made looks for the user that a creation was to make, which failed with err and
// began at since. A user that has been there before is a 409; without an answer
// to the question the creation stays in doubt.
func (b *Users) made(ctx context.Context, doc query.Object, since time.Time, err error) (query.Object, error) {
	sent := operations.Between(b.schema, nil, doc)
	for _, name := range []string{"userName", "externalId"} {
		if doc.Text(name) == "" {
			continue
		}
		page, readErr := b.directory.upstream.Users(ctx, atlassian.ListOptions{Filter: atlassian.Filter{Attribute: name, Value: doc.Text(name)}})
		if readErr != nil {
			return nil, err
		}
		for _, u := range page.Resources {
			if !isNew(u.Meta, since) {
				return nil, taken("user", name, doc.Text(name), err)
			}
			if found := userObject(u); len(operations.Ignored(b.schema, sent, found)) == 0 {
				return found, nil
			}
		}
	}
	return nil, err
}

// made looks for the group that a creation was to make, see Users.made.
func (b *Groups) made(ctx context.Context, doc query.Object, since time.Time, err error) (query.Object, error) {
	name := doc.Text("displayName")
	page, readErr := b.directory.Groups(ctx, atlassian.ListOptions{Filter: atlassian.Filter{Attribute: "displayName", Value: name}})
	if readErr != nil {
		return nil, err
	}
	for _, g := range page.Resources {
		if !isNew(g.Meta, since) {
			return nil, taken("group", "displayName", name, err)
		}
		found, readErr := b.Read(ctx, g.ID)
		if readErr == nil && b.confirmed(found, memberChange{sent: operations.Between(b.schema, nil, doc), added: memberIDs(doc), only: true}) == nil {
			return found, nil
		}
	}
	return nil, err
}

// isNew reports whether a resource may have been made since a moment.
func isNew(m *atlassian.Meta, since time.Time) bool {
	return m == nil || m.Created.IsZero() || m.Created.After(since.Add(-clockSkew))
}

// taken is the refusal of a creation, which failed with err, of what was there before.
func taken(what, attribute, value string, err error) *resource.Error {
	e := resource.Refuse(http.StatusConflict, resource.TypeUniqueness, "There is a %s with the %s %s already.", what, attribute, resource.InQuotes(value))
	e.Err = upstream.Settled(err)
	return e
}

// changed returns the user after a change that failed with err: if that says
// nothing of the outcome, the user is read.
func (b *Users) changed(ctx context.Context, id string, sent []atlassian.PatchOperation, err error) (query.Object, error) {
	if !upstream.Unsettled(err) {
		return nil, upstream.Missing(err, "User", id)
	}
	found, readErr := b.Read(ctx, id)
	switch {
	case upstream.IsGone(readErr):
		return nil, readErr
	case readErr != nil || len(operations.Ignored(b.schema, sent, found)) > 0:
		return nil, err
	}
	return found, nil
}

// changed returns the group after a change that failed with err, see Users.changed.
func (b *Groups) changed(ctx context.Context, id string, change memberChange, err error) (query.Object, error) {
	if !upstream.Unsettled(err) {
		return nil, upstream.Missing(err, "Group", id)
	}
	found, readErr := b.Read(ctx, id)
	switch {
	case upstream.IsGone(readErr):
		return nil, readErr
	case readErr != nil || b.confirmed(found, change) != nil:
		return nil, err
	case len(memberIDs(found)) > shownMembers:
		return nil, nil
	}
	return found, nil
}

// removed returns nil if a resource is gone after its deletion failed with err.
func removed(ctx context.Context, read func(context.Context, string) (query.Object, error), resourceType, id string, err error) error {
	if upstream.Unsettled(err) {
		if _, readErr := read(ctx, id); upstream.IsGone(readErr) {
			return nil
		}
		return err
	}
	return upstream.Missing(err, resourceType, id)
}
