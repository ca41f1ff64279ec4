package around

import (
	"context"
	"slices"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/adf"
	"scim-atlassian/scim/query"
)

// Step is one call to Jira, of those that change an issue one after the other.
type Step struct {
	Attribute string // that it changes; of several, with commas between them; empty: it only reads
	Do        func(context.Context) error
}

// Comment returns the steps that add comments. Those that a transition before them was sent
// with are looked for first: Jira drops them without an error if the transition has no screen.
func Comment(j *atlassian.Jira, id string, comments []atlassian.NewComment, sent bool) []Step {
	var there []*atlassian.Comment
	var steps []Step
	if sent && len(comments) > 0 {
		steps = append(steps, Step{"", func(ctx context.Context) (err error) {
			there, err = j.Comments(ctx, id)
			there = there[max(0, len(there)-len(comments)):]
			return err
		}})
	}
	for _, c := range comments {
		steps = append(steps, Step{"comments", func(ctx context.Context) error {
			if slices.ContainsFunc(there, func(t *atlassian.Comment) bool { return isSame(t, c) }) {
				return nil
			}
			_, err := j.AddComment(ctx, id, c)
			return err
		}})
	}
	return steps
}

func isSame(there *atlassian.Comment, c atlassian.NewComment) bool {
	body, _ := c.Body.(rawJSON)
	return adf.SameDocument(there.Body, body)
}

// Watch returns the steps after which the accounts in want, and nobody else, watch an issue.
func Watch(ctx context.Context, j *atlassian.Jira, id string, want []string) ([]Step, error) {
	now, err := j.Watchers(ctx, id)
	if err != nil {
		return nil, err
	}
	var steps []Step
	for _, a := range now {
		if !slices.Contains(want, a.AccountID) {
			steps = append(steps, Step{"watchers", func(ctx context.Context) error { return j.Unwatch(ctx, id, a.AccountID) }})
		}
	}
	for _, account := range want {
		if !slices.ContainsFunc(now, func(a *atlassian.Account) bool { return a.AccountID == account }) {
			steps = append(steps, Step{"watchers", func(ctx context.Context) error { return j.Watch(ctx, id, account) }})
		}
	}
	return steps, nil
}

// LinkRemote returns the steps after which the links in want are the remote links of an
// issue. A link is known by its globalId, or else by its address.
func LinkRemote(ctx context.Context, j *atlassian.Jira, id string, want []query.Object) ([]Step, error) {
	now, err := j.RemoteLinks(ctx, id)
	if err != nil {
		return nil, err
	}
	is := func(l atlassian.RemoteLink, o query.Object) bool {
		if global := o.Text("globalId"); global != "" {
			return l.GlobalID == global
		}
		return l.Object.URL == o.Text("url")
	}
	var steps []Step
	for _, l := range now {
		if !slices.ContainsFunc(want, func(o query.Object) bool { return is(l, o) }) {
			steps = append(steps, Step{"remoteLinks", func(ctx context.Context) error { return j.DeleteRemoteLink(ctx, id, l.ID) }})
		}
	}
	for _, o := range want {
		link := atlassian.RemoteLink{GlobalID: o.Text("globalId"), Object: atlassian.RemoteObject{URL: o.Text("url"), Title: orID(o.Text("title"), o.Text("url"))}}
		if slices.ContainsFunc(now, func(l atlassian.RemoteLink) bool { return is(l, o) && l.Object == link.Object }) {
			continue
		}
		steps = append(steps, Step{"remoteLinks", func(ctx context.Context) error { return j.SetRemoteLink(ctx, id, link) }})
	}
	return steps, nil
}

// Link returns the steps that turn the links of an issue from those in have into those in
// want.
func Link(j *atlassian.Jira, id string, have, want []query.Object) []Step {
	var steps []Step
	for _, h := range without(have, want) {
		steps = append(steps, Step{"links", func(ctx context.Context) error { return j.DeleteLink(ctx, h.Text("id")) }})
	}
	for _, w := range NewLinks(have, want) {
		from, to := id, orID(w.Text("value"), w.Text("key"))
		if w.Text("direction") == "inward" {
			from, to = to, from
		}
		steps = append(steps, Step{"links", func(ctx context.Context) error { return j.LinkIssues(ctx, w.Text("type"), from, to) }})
	}
	return steps
}

// without returns the links in have that none in want means.
func without(have, want []query.Object) []query.Object {
	return slices.DeleteFunc(slices.Clone(have), func(h query.Object) bool {
		return slices.ContainsFunc(want, func(w query.Object) bool { return query.Refers(w, h) })
	})
}

// NewLinks returns the links in want that mean none in have.
func NewLinks(have, want []query.Object) []query.Object {
	return slices.DeleteFunc(slices.Clone(want), func(w query.Object) bool {
		return slices.ContainsFunc(have, func(h query.Object) bool { return query.Refers(w, h) })
	})
}
