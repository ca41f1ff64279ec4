package jql

import (
	"fmt"
	"strings"

	"scim-atlassian/scim/query"
)

// Outline returns the plan of a filter that needs no search: no issue can match,
// or only issues that the filter names. It reports false for any other filter,
// given in the form of query.Simplify.
func (t Table) Outline(simple query.Expr) (Plan, bool) {
	if plan := (Compiler{Table: t}).Compile(simple); plan.Never {
		return plan, true
	}
	names, ok := namedIssues(simple)
	return Plan{Names: names, Residual: simple.String(), Cost: Calls(len(names), FetchPage)}, ok
}

// String returns the plan on one line, in the words of query.Plan: how issues are
// found, the filter left to check, and the number of searches and reads.
func (c Plan) String() string {
	var b strings.Builder
	switch {
	case c.Never:
		b.WriteString("empty")
	case c.Names != nil:
		fmt.Fprintf(&b, "fetch(%q", c.Names[0])
		for _, name := range c.Names[1:] {
			fmt.Fprintf(&b, ", %q", name)
		}
		b.WriteByte(')')
	default:
		fmt.Fprintf(&b, "jql(%s)", c.JQL)
	}
	if c.Exact {
		b.WriteString(" exact")
	} else {
		fmt.Fprintf(&b, " residual=(%s)", c.Residual)
	}
	if c.Cost < 0 {
		b.WriteString(" cost=?")
	} else {
		fmt.Fprintf(&b, " cost=%d", c.Cost)
	}
	return b.String()
}

// namedIssues returns the ids and keys that a filter names. It reports false if
// other issues can match too.
func namedIssues(e query.Expr) ([]string, bool) {
	switch e := e.(type) {
	case query.Compare:
		if name := query.PathOf(e); e.Op == query.Eq && (name == "id" || name == "key") {
			return []string{e.Value.(string)}, true
		}
	case query.And:
		for _, t := range e.Terms {
			if names, ok := namedIssues(t); ok {
				return names, true
			}
		}
	case query.Or:
		var all []string
		for _, t := range e.Terms {
			names, ok := namedIssues(t)
			if !ok {
				return nil, false
			}
			all = append(all, names...)
		}
		return all, true
	}
	return nil, false
}

// FetchPage is the number of issues in one bulk fetch, Jira's maximum.
const FetchPage = 100

// Calls returns the number of pages of a size that n issues take.
func Calls(n, page int) int { return (n + page - 1) / page }
