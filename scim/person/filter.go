package person

import (
	"context"
	"slices"
	"strings"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Filter returns a filter of a schema in which people are compared by account id where it
// compares them by userName. That takes eq and ne only.
func (d Directory) Filter(ctx context.Context, schema *query.Schema, e query.Expr) (query.Expr, error) {
	terms := func(list []query.Expr) ([]query.Expr, error) {
		out := slices.Clone(list)
		for i, t := range out {
			var err error
			if out[i], err = d.Filter(ctx, schema, t); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	switch e := e.(type) {
	case query.And:
		list, err := terms(e.Terms)
		return query.And{Terms: list}, err
	case query.Or:
		list, err := terms(e.Terms)
		return query.Or{Terms: list}, err
	case query.Not:
		inner, err := d.Filter(ctx, schema, e.Term)
		return query.Not{Term: inner}, err
	case query.Has:
		inner, err := d.Filter(ctx, schema, e.Filter)
		e.Filter = inner
		return e, err
	case query.Compare:
		return d.byAccount(ctx, schema, e)
	case query.Present:
		if isUserName(e.Path) {
			return nil, resource.Refuse(400, "invalidFilter", "%s: a person's userName can be looked for by eq and ne only.", e.Path)
		}
	}
	return e, nil
}

// isUserName reports whether a path is the userName of a person.
func isUserName(p query.Path) bool {
	return p.Sub != nil && p.Sub.Name == "userName" || p.Sub == nil && p.Attr.Name == "userName"
}

func (d Directory) byAccount(ctx context.Context, schema *query.Schema, e query.Compare) (query.Expr, error) {
	if !isUserName(e.Path) {
		return e, nil
	}
	value, _ := e.Value.(string)
	if e.Op != query.Eq && e.Op != query.Ne {
		return nil, resource.Refuse(400, "invalidFilter", "%s: a person's userName can be looked for by eq and ne only.", e.Path)
	}
	id, users, err := d.lookUp(ctx, "userName", value)
	if err != nil {
		return nil, err
	}
	if users != 1 || id == "" {
		return query.Const(e.Op == query.Ne), nil
	}
	path, err := schema.Resolve(strings.TrimSuffix(e.Path.String(), "userName") + "value")
	if e.Path.Sub == nil { // between brackets, a path is only the part
		path, err = schema.Resolve("assignee.value")
		path = query.Path{Attr: path.Sub}
	}
	e.Path, e.Value = path, id
	return e, err
}
