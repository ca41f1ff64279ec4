package jira

import (
	"cmp"
	"context"
	"slices"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/around"
	"scim-atlassian/scim/catalogue"
	"scim-atlassian/scim/desk"
	"scim-atlassian/scim/field"
	"scim-atlassian/scim/jql"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// onRequest are the attributes of packages around and desk.
var onRequest = slices.Concat(around.OnRequest, desk.Attributes)

// asked lists those of onRequest that an answer is to show. A projection
// that shows everything stands for what costs nothing, as the version needs it: what the
// client asked for is in the request then.
func asked(ctx context.Context, want query.Projection) []string {
	if want == (query.Projection{}) {
		want = resource.RequestOf(ctx).Want
	}
	if want == (query.Projection{}) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(onRequest), func(name string) bool { return !want.Wants(name) })
}

// surround adds to issues those of the wanted attributes that packages around and desk
// read. It takes the calls from a budget.
func (b *issues) surround(ctx context.Context, found []query.Object, wanted []string, spend func(int) error) error {
	for _, name := range around.OnRequest {
		if !slices.Contains(wanted, name) || len(found) == 0 {
			continue
		}
		if name == "changes" {
			if err := b.addChanges(ctx, found, spend); err != nil {
				return err
			}
			continue
		}
		if err := spend(len(found)); err != nil {
			return err
		}
		if err := mirror.Parallel(ctx, len(found), func(ctx context.Context, i int) error {
			v, err := around.Read(ctx, b.jira, found[i].Text("id"), name)
			if err == nil && v != nil {
				found[i].Set(name, v)
			}
			return err
		}); err != nil {
			return err
		}
	}
	return b.addRequests(ctx, found, desk.Named(wanted), spend)
}

// addRequests adds attributes of requests to those of the issues that are in service
// projects.
func (b *issues) addRequests(ctx context.Context, found []query.Object, names []string, spend func(int) error) error {
	if len(names) == 0 {
		return nil
	}
	var at []int
	for i, o := range found {
		covered, err := b.desks.Covers(ctx, o.Inner("project").Text("id"))
		if err != nil {
			return err
		}
		if covered {
			at = append(at, i)
		}
	}
	if err := spend(len(at) * len(names)); err != nil {
		return err
	}
	return mirror.Parallel(ctx, len(at), func(ctx context.Context, n int) error {
		o := &found[at[n]]
		parts, err := b.desks.Read(ctx, o.Text("id"), o.Inner("project"), names)
		for _, m := range parts {
			if m.Name == "participants" {
				m.Value = b.people.Show(m.Value)
			}
			o.Set(m.Name, m.Value)
		}
		return err
	})
}

func (b *issues) addChanges(ctx context.Context, found []query.Object, spend func(int) error) error {
	ids := make([]string, len(found))
	for i, o := range found {
		ids[i] = o.Text("id")
	}
	if err := spend(1 + len(ids)/1000); err != nil {
		return err
	}
	changes, err := around.Changes(ctx, b.jira, ids, b.attributeOf)
	for i, id := range ids {
		if len(changes[id]) > 0 {
			found[i].Set("changes", changes[id])
		}
	}
	return err
}

// beside is what a write changes beside the fields of an issue.
type beside struct {
	comments                      []atlassian.NewComment
	linked, watchers, remoteLinks bool
	watchedBy                     []string
	links                         []query.Object
	had, wanted                   []query.Object // links to other issues
	request                       desk.Change
}

// planBeside returns what doc changes beside the fields. It refuses comments that are
// gone from doc, or that doc changes: a comment is what somebody has said.
func (b *issues) planBeside(ctx context.Context, current, doc query.Object) (beside, error) {
	var plan beside
	was, is := current.Elements("comments"), doc.Elements("comments")
	for _, c := range was {
		if !slices.ContainsFunc(is, func(o query.Object) bool {
			return o.Text("id") == c.Text("id") && (o.Text("body") == "" || o.Text("body") == c.Text("body"))
		}) && (len(is) > 0 || slices.Contains(resource.RequestOf(ctx).Touched, "comments")) {
			return plan, resource.Mutability("comments: the comment %s can be neither removed nor changed; add one.", c.Text("id"))
		}
	}
	v, _ := doc.Get("comments")
	var err error
	if plan.comments, err = around.NewComments(ctx, b.jira, current.Text("id"), v); err != nil {
		return plan, err
	}
	if slices.ContainsFunc(plan.comments, func(c atlassian.NewComment) bool { return c.Properties != nil }) {
		if _, err := b.desks.Need(ctx, "comments.internal", doc.Inner("project")); err != nil {
			return plan, err
		}
	}
	if plan.request, err = b.desks.Plan(ctx, current, doc, b.participant(ctx)); err != nil {
		return plan, err
	}
	plan.watchers = differs(current, doc, "watchers")
	for _, o := range doc.Elements("watchers") {
		id, err := b.people.ID(ctx, "watchers", o)
		if err != nil {
			return plan, err
		}
		plan.watchedBy = append(plan.watchedBy, id)
	}
	have, _ := current.Get("links")
	want, _ := doc.Get("links")
	plan.linked, plan.had, plan.wanted = !field.SameReferences(want, have), current.Elements("links"), doc.Elements("links")
	if err := b.checkLinks(ctx, current, around.NewLinks(plan.had, plan.wanted)); err != nil {
		return plan, err
	}
	plan.remoteLinks, plan.links = differs(current, doc, "remoteLinks"), doc.Elements("remoteLinks")
	return plan, around.CheckRemoteLinks(plan.links)
}

func differs(current, doc query.Object, name string) bool {
	was, _ := current.Get(name)
	is, _ := doc.Get(name)
	return !query.Equal(query.Object{{Value: was}}, query.Object{{Value: is}})
}

// checkLinks refuses new links of an issue, nil for one that is to be made, which lack
// something, whose type Jira does not know, or whose other issue is not served.
func (b *issues) checkLinks(ctx context.Context, current query.Object, added []query.Object) error {
	if len(added) == 0 {
		return nil
	}
	if err := around.CheckLinks(added); err != nil {
		return err
	}
	types, err := b.catalogues.Entries(ctx, mirror.Need{}, jql.LinkCatalogue)
	if err != nil {
		return err
	}
	others := make([]query.Object, len(added))
	names := make([]string, len(added))
	for i, o := range added {
		if _, err := catalogue.Pick("links.type", types, query.Texts("name", o.Text("type"))); err != nil {
			return err
		}
		others[i] = query.Texts("id", o.Text("value"), "key", o.Text("key"))
		if query.Refers(others[i], current) {
			return resource.InvalidValue("links: an issue cannot be linked to itself.")
		}
		names[i] = others[i][0].Value.(string)
	}
	found, err := b.jira.BulkFetch(ctx, names, []string{"project"})
	if err != nil {
		return err
	}
	for _, o := range others {
		if !slices.ContainsFunc(found, func(i *atlassian.Issue) bool {
			return query.Refers(o, query.Texts("id", i.ID, "key", i.Key)) && b.allows(i.Fields.Project)
		}) {
			return resource.InvalidValue("links: there is no issue with the %s; value is the id of an issue, key its present key.", resource.Describe(o))
		}
	}
	return nil
}

// stepsBeside returns the steps of a plan, after the move that comments came with, if there
// was one.
func (b *issues) stepsBeside(ctx context.Context, id string, plan beside, m *move) (steps []around.Step, err error) {
	add := func(more []around.Step, e error) {
		steps = append(steps, more...)
		err = cmp.Or(err, e) // the first
	}
	add(around.Comment(b.jira, id, plan.comments, m != nil && m.transition.HasScreen), nil)
	if plan.linked {
		add(around.Link(b.jira, id, plan.had, plan.wanted), nil)
	}
	if plan.watchers {
		add(around.Watch(ctx, b.jira, id, plan.watchedBy))
	}
	if plan.remoteLinks {
		add(around.LinkRemote(ctx, b.jira, id, plan.links))
	}
	return append(steps, b.desks.Steps(id, plan.request)...), err
}
