package console

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"scim-atlassian/scim/console/sheet"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// filterData is what the page shows besides the hits.
type filterData struct {
	Types      []string
	Type       string
	Filter     string
	Run        bool
	Tree       *node
	Plan       []named // the parts of the plan, with their names
	Whole      string  // the plan as the header X-Query-Plan has it
	Curl       string
	Error      *resource.Error
	Attributes []named // that a filter may name, with their types
	Examples   []named // filters to begin with, and their URLs
}

// node is a part of a filter.
type node struct {
	Text, Note string
	Terms      []*node
}

const hits = 10 // resources that are shown

// filter explains a filter, and runs it if that is asked for.
func (c *Console) filter(v *visit) (*view, error) {
	types := c.reads(v.caller)
	if len(types) == 0 {
		return &view{Lead: "This caller may read no resources.", Data: &filterData{}}, nil
	}
	q := v.URL.Query()
	data := &filterData{Type: q.Get("type"), Filter: strings.TrimSpace(q.Get("filter")), Run: q.Get("run") != ""}
	rt := types[0]
	for _, t := range types {
		data.Types = append(data.Types, t.Name)
		if t.Name == data.Type {
			rt = t
		}
	}
	if data.Type != "" && rt.Name != data.Type {
		return nil, refuse(http.StatusNotFound, "There is no type %s that the caller %s may read.", resource.InQuotes(data.Type), v.caller.Name)
	}
	data.Type = rt.Name
	data.Attributes, data.Examples = attributesOf(rt.Schema), examples(types)
	found := &view{Data: data}
	if data.Filter == "" && !data.Run {
		found.Lead = "Type a filter to see how it is understood, how it would be answered, and what that costs."
		return found, nil
	}
	if err := c.explain(v, rt, data, found); err != nil {
		var e *resource.Error
		if !errors.As(err, &e) {
			return nil, err
		}
		data.Error = e
		found.Lead, found.Tone = "This filter is refused.", sheet.Bad
	}
	return found, nil
}

// explain fills in what there is to say about a filter.
func (c *Console) explain(v *visit, rt *resource.Type, data *filterData, found *view) error {
	var e query.Expr
	if data.Filter != "" {
		var err error
		if e, err = query.Parse(rt.Schema, data.Filter, resource.FilterBounds(v.caller.Strict)); err != nil {
			return resource.AsError(err)
		}
		if err := v.caller.MayName(query.AttributesOf(e)...); err != nil {
			return err
		}
		data.Tree = treeOf(e)
	}
	data.Curl = c.curl(rt, data.Filter)
	if !data.Run {
		data.Whole = rt.Backend.Explain(e)
		data.Plan = planParts(data.Whole)
		found.Lead = "This is how it would be answered. Nothing was asked of Atlassian; names in filters of issues are looked up when it runs."
		return nil
	}
	parameters := url.Values{"count": {fmt.Sprint(hits)}, "explain": {"true"}}
	if data.Filter != "" {
		parameters.Set("filter", data.Filter)
	}
	a, err := c.ask(v, http.MethodGet, rt.Endpoint, parameters, "")
	if err != nil {
		return err
	}
	data.Whole = a.header.Get("X-Query-Plan")
	data.Plan = planParts(data.Whole)
	if e := a.refusal(); e != nil {
		return e
	}
	total := number(a.body["totalResults"])
	found.Lead, found.Tone = fmt.Sprintf("%s, found with %s to Atlassian.", sheet.Plural(total, "resource matches", "resources match"), sheet.Plural(v.calls, "request", "requests")), sheet.Good
	t := hitsTable(rt, e, a.resources())
	if total > len(t.Rows) {
		t.Note = fmt.Sprintf("The first %d of %s.", len(t.Rows), sheet.Thousands(total))
	}
	found.Tables = append(found.Tables, t)
	return nil
}

// treeOf is a filter as it was understood.
func treeOf(e query.Expr) *node {
	switch e := e.(type) {
	case query.And:
		return &node{Text: "and", Note: "all of these", Terms: treesOf(e.Terms)}
	case query.Or:
		return &node{Text: "or", Note: "any of these", Terms: treesOf(e.Terms)}
	case query.Not:
		return &node{Text: "not", Terms: treesOf([]query.Expr{e.Term})}
	case query.Has:
		return &node{Text: e.Path.String(), Note: "one element for which", Terms: treesOf([]query.Expr{e.Filter})}
	case query.Compare:
		return &node{Text: e.String(), Note: kindOf(e.Path)}
	}
	return &node{Text: e.String()}
}

func treesOf(terms []query.Expr) []*node {
	all := make([]*node, len(terms))
	for i, t := range terms {
		all[i] = treeOf(t)
	}
	return all
}

// kindOf says how values of an attribute are compared.
func kindOf(p query.Path) string {
	kind := p.Kind().String()
	if kind == "string" && p.Exact() {
		return "string, case counts"
	}
	if kind == "string" {
		return "string, in any case"
	}
	return kind
}

// planParts takes a plan apart: its kind, what Jira is asked, what is checked here, and the cost.
func planParts(plan string) []named {
	head, calls, _ := strings.Cut(plan, "; ")
	var parts []named
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, named{name, value})
		}
	}
	access := head
	if i := strings.Index(head, "jql("); i >= 0 {
		if inside, ok := balanced(head[i+len("jql"):]); ok {
			add("Asked of Jira (JQL)", inside)
			access = strings.Replace(access, "("+inside+")", "", 1)
		}
	}
	residual := ""
	if i := strings.Index(access, "residual=("); i >= 0 {
		if inside, ok := balanced(access[i+len("residual="):]); ok {
			residual = inside
			access = strings.Replace(access, "residual=("+inside+")", "", 1)
		}
	}
	for _, figure := range []struct{ name, words string }{{"cost", "Requests expected"}, {"most", "At most"}} {
		if i := strings.LastIndex(access, " "+figure.name+"="); i >= 0 {
			value, rest, _ := strings.Cut(access[i+len(figure.name)+2:], " ")
			access = access[:i] + " " + rest
			add(figure.words, strings.Replace(value, "?", "depends on what is there", 1))
		}
	}
	parts = slices.Insert(parts, 0, named{"Way", strings.Join(strings.Fields(access), " ")})
	add("Checked here", residual)
	add("Requests made", strings.TrimPrefix(calls, "calls="))
	return parts
}

// balanced returns what is inside the parentheses that s begins with. Quotes hide parentheses.
func balanced(s string) (inside string, ok bool) {
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case quoted:
		case s[i] == '(':
			depth++
		case s[i] == ')':
			if depth--; depth == 0 {
				return s[1:i], true
			}
		}
	}
	return "", false
}

// curl is the command that asks the same of the server.
func (c *Console) curl(rt *resource.Type, filter string) string {
	base := c.cfg.PublicURL
	if base == "" {
		base = "https://SERVER"
	}
	command := fmt.Sprintf("curl -s -G -u USER:PASSWORD %s", shellQuoted(base+c.cfg.BasePath+rt.Endpoint))
	if filter != "" {
		command += " --data-urlencode " + shellQuoted("filter="+filter)
	}
	return command + fmt.Sprintf(" -d count=%d", hits)
}

// shellQuoted is a text as a word of a shell.
func shellQuoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// nameAttributes are what people call resources by, the first that a type has.
var nameAttributes = []string{"userName", "key", "displayName"}

// hitsTable shows resources with their ids, their names and the attributes that the filter looks at.
func hitsTable(rt *resource.Type, e query.Expr, found []map[string]any) *sheet.Table {
	t := &sheet.Table{Name: "hits", Title: "First hits", Columns: sheet.Columns("id=Id"), Empty: "Nothing matches."}
	names := []string{}
	add := func(name string) {
		if name = strings.TrimPrefix(name, "meta."); name != "id" && !slices.Contains(names, name) && len(names) < 7 {
			names = append(names, name)
		}
	}
	for _, name := range append(slices.Clone(nameAttributes), "summary", "active", "status") {
		if _, err := rt.Schema.Resolve(name); err == nil {
			add(name)
		}
	}
	if e != nil {
		for _, name := range query.AttributesOf(e) {
			add(name)
		}
	}
	for _, name := range names {
		t.Columns = append(t.Columns, sheet.Column{Name: name, Head: name, Long: true})
	}
	for _, o := range found {
		id := sheet.Words(o["id"])
		row := []sheet.Cell{{Text: id, Code: true, Link: personLink(rt, id)}}
		for _, name := range names {
			row = append(row, sheet.Text(sheet.Few(member(o, name))))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// personLink leads from a user or an account to its page.
func personLink(rt *resource.Type, id string) string {
	if rt.Name != "User" && rt.Name != "Account" {
		return ""
	}
	return Path + "/person?" + url.Values{"id": {id}}.Encode()
}

// member finds an attribute in a resource, in meta, or in an extension.
func member(o map[string]any, name string) any {
	if v, ok := o[name]; ok {
		return v
	}
	for key, v := range o {
		if inner, ok := v.(map[string]any); ok && (key == "meta" || strings.HasPrefix(key, "urn:")) {
			if v, ok := inner[name]; ok {
				return v
			}
		}
	}
	return nil
}

// attributesOf lists what a filter may name.
func attributesOf(s *query.Schema) []named {
	var all []named
	add := func(prefix string, attributes []*query.Attribute) {
		for _, a := range attributes {
			if len(a.Sub) == 0 {
				all = append(all, named{prefix + a.Name, a.Kind.String()})
			}
			for _, sub := range a.Sub {
				all = append(all, named{prefix + a.Name + "." + sub.Name, sub.Kind.String()})
			}
		}
	}
	add("", s.Attributes)
	for _, e := range s.Extensions {
		add(e.URN+":", e.Attributes)
	}
	return all
}

// examples are filters to begin with, of the types that there are.
func examples(types []*resource.Type) []named {
	var all []named
	for _, rt := range types {
		for _, f := range map[string][]string{
			"User":  {`userName sw "a" and active eq true`, `emails[type eq "work"].value ew "@demo.example"`},
			"Group": {`displayName co "engineering"`},
			"Issue": {`status.name eq "Done" and summary co "vpn"`, `priority.name eq "High" or created gt "2024-01-01T00:00:00Z"`},
		}[rt.Name] {
			if _, err := query.Parse(rt.Schema, f, resource.FilterLimits); err == nil {
				all = append(all, named{rt.Name + ": " + f, Path + "/filter?" + url.Values{"type": {rt.Name}, "filter": {f}}.Encode()})
			}
		}
	}
	return all
}
