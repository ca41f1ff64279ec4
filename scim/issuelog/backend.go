package issuelog

import (
	"context"
	"errors"
	"slices"

	"scim-atlassian/scim/jira"
	"scim-atlassian/scim/jql"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Issues is the backend of issues whose changes are remembered: it is a resource.Rememberer.
type Issues struct {
	*jira.Issues
	log *Log
}

// Create implements resource.Backend.
func (i *Issues) Create(ctx context.Context, doc query.Object) (query.Object, error) {
	w := i.log.mirror.Begin()
	o, err := i.Issues.Create(ctx, doc)
	if err == nil {
		i.became(w, o)
		return o, nil
	}
	i.log.missed.Store(true) // it may be there, and nobody knows its id
	var failure *resource.Error
	if errors.As(err, &failure) && failure.Made != "" {
		w.Doubt(failure.Made)
	}
	return o, err
}

// Update implements resource.Backend.
func (i *Issues) Update(ctx context.Context, current, want query.Object) (query.Object, error) {
	w := i.log.mirror.Begin()
	o, err := i.Issues.Update(ctx, current, want)
	if err != nil {
		w.Doubt(current.Text("id"))
		return o, err
	}
	i.became(w, o)
	return o, nil
}

// became tells the log how a write has left an issue.
func (i *Issues) became(w mirror.Write, o query.Object) {
	w.Became(o.Text("id"), func() query.Object { return kept(i.Issues, o) })
}

// Remove implements resource.Backend.
func (i *Issues) Remove(ctx context.Context, id string) error {
	if !jql.IsNumber(id) { // a key
		o, err := i.Issues.Read(ctx, id)
		if err != nil {
			return err
		}
		id = o.Text("id")
	}
	children, err := i.log.childrenOf(i.Issues, []string{id})
	if err != nil {
		return err
	}
	w := i.log.mirror.Begin()
	if err = i.Issues.Remove(ctx, id); err == nil {
		w.Gone(id)
	} else {
		w.Doubt(id)
	}
	w.Doubt(children...)
	return err
}

// Mark implements resource.Rememberer. It searches, unless the last search is young enough; fresh,
// and where nothing is known yet, it reads all issues.
func (i *Issues) Mark(ctx context.Context, fresh bool) (resource.Mark, error) {
	if !fresh {
		if err := i.log.catchUp(ctx); err != nil {
			return resource.Mark{}, err
		}
	}
	return i.log.mirror.Mark(ctx, fresh)
}

// Logged implements resource.Rememberer.
func (i *Issues) Logged() []string { return []string{Type} }

// Changed implements resource.Rememberer.
func (i *Issues) Changed(_ context.Context, entries []resource.LogEntry) ([]resource.Change, error) {
	all, err := i.log.mirror.Changed(entries)
	for n := range all {
		c := &all[n]
		c.Before, c.Now, c.Names = shown(i.Issues, c.Before), shown(i.Issues, c.Now), slices.Clone(c.Names)
		if at := slices.Index(c.Names, keptMeta); at >= 0 {
			c.Names[at] = "meta"
		}
	}
	return all, err
}
