package directory

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/upstream"
)

// membership is a group that a user joins or leaves.
type membership struct {
	group string // its id
	leave bool
}

func (m membership) String() string {
	if m.leave {
		return "left the group " + resource.InQuotes(m.group)
	}
	return "joined the group " + resource.InQuotes(m.group)
}

// memberships returns the groups that a user joins, and then those that the user
// leaves, so that the groups are as in want. Only a PATCH by a caller whose policy
// allows it changes groups.
func (b *Users) memberships(ctx context.Context, current, want query.Object) ([]membership, error) {
	r := resource.RequestOf(ctx)
	if !r.Policy.GroupsByUser || r.Method != http.MethodPatch {
		return nil, nil
	}
	before, after := groupIDs(current), groupIDs(want)
	var steps []membership
	for _, id := range query.Unique(subtract(after, before)) {
		if id == "" {
			return nil, resource.InvalidValue("groups: an element names no group by its value; nothing was changed.")
		}
		steps = append(steps, membership{group: id})
	}
	for _, id := range subtract(before, after) {
		steps = append(steps, membership{group: id, leave: true})
	}
	return steps, nil
}

// groupIDs returns the ids of the groups of a user.
func groupIDs(user query.Object) []string {
	var ids []string
	for _, e := range user.Elements("groups") {
		ids = append(ids, e.Text("value"))
	}
	return ids
}

// move changes the members of one group after the other, in one upstream call each,
// and returns the user afterwards. If a step fails, the rest is not tried, and the
// error names the steps that were done: before, and those of groups.
func (b *Users) move(ctx context.Context, id string, steps []membership, before ...string) (query.Object, error) {
	done := before
	moved := map[bool][]string{}
	r := resource.RequestOf(ctx)
	defer func() {
		for leave, name := range map[bool]string{false: "joined", true: "left"} {
			if len(moved[leave]) > 0 {
				r.Remark(name, moved[leave])
			}
		}
	}()
	for i, step := range steps {
		if err := b.step(ctx, id, step); err != nil {
			return nil, stopped(err, done, steps[i+1:])
		}
		done = append(done, step.String())
		moved[step.leave] = append(moved[step.leave], step.group)
	}
	found, err := b.Read(ctx, id)
	if err != nil {
		return nil, stopped(err, done, nil)
	}
	return found, nil
}

// step adds a user to a group or removes the user. That a group to leave is gone is
// no error.
func (b *Users) step(ctx context.Context, id string, m membership) error {
	add, remove := []string{id}, []string(nil)
	if m.leave {
		add, remove = remove, add
	}
	_, err := b.groups.ChangeMembers(ctx, m.group, add, remove)
	switch {
	case !upstream.IsGone(err):
		return err
	case m.leave:
		return nil
	}
	return &resource.Error{Status: http.StatusBadRequest, Type: resource.TypeInvalidValue, Err: err,
		Detail: fmt.Sprintf("groups names %s, which is no group.", resource.InQuotes(m.group))}
}

// stopped returns the error of a write that failed after the steps done and before
// those of rest. It names both, since what is done is not undone.
func stopped(err error, done []string, rest []membership) error {
	e := *upstream.AsError(err)
	e.Err = err
	if len(done) > 0 {
		e = *upstream.Partial(err)
		e.Detail += " Done before: " + strings.Join(done, "; ") + "."
	}
	if len(rest) > 0 {
		var groups []string
		for _, m := range rest {
			groups = append(groups, resource.InQuotes(m.group))
		}
		e.Detail += " Not tried: the groups " + strings.Join(groups, ", ") + ". Repeat the request; what was done need not be undone."
	}
	return &e
}
