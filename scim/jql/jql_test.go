package jql

import (
	"testing"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource/resourcetest"
)

func issueSchema(t testing.TB) *query.Schema { return resourcetest.Type(t, "Issue").Schema }

// testCompiler returns a compiler for a site with two projects and small catalogues.
func testCompiler() Compiler {
	c := &Catalogue{
		ProjectCatalogue:    {{ID: "1", Key: "OPS", Name: "Operations"}, {ID: "2", Key: "DEV", Name: "Development"}},
		StatusCatalogue:     {{ID: "10", Name: "To Do", Category: "To Do"}, {ID: "11", Name: "Done", Category: "Done"}, {ID: "12", Name: "Done", Category: "Done"}},
		TypeCatalogue:       {{ID: "20", Name: "Task"}, {ID: "21", Name: "Bug"}},
		PriorityCatalogue:   {{ID: "30", Name: "High"}, {ID: "31", Name: "Low"}},
		ResolutionCatalogue: {{ID: "40", Name: "Fixed"}},
		ComponentCatalogue:  {{ID: "50", Name: "API"}, {ID: "51", Name: "UI"}},
		VersionCatalogue:    {{ID: "60", Name: "1.0"}},
	}
	return Compiler{
		Catalogue: c, Bound: c[ProjectCatalogue],
		Issues:    map[IssueName]string{{false, "1000"}: "1000", {true, "OPS-1"}: "1000"},
		Strangers: map[string]bool{"stranger": true},
	}
}

func TestCompile(t *testing.T) {
	const (
		exact = "exact"
		check = "check"
		never = "never"
	)
	schema := issueSchema(t)
	for _, tt := range []struct{ filter, kind, jql string }{
		{"", exact, ""},
		{`status.name eq "done"`, exact, `status IN (11, 12)`},
		{`status.name ne "Done"`, exact, `status NOT IN (11, 12)`},
		{`not (status.name sw "D")`, exact, `status NOT IN (11, 12)`},
		{`status.name eq "Nowhere"`, never, ""},
		{`status.name ne "Nowhere"`, exact, ""},
		{`status.category eq "Done"`, exact, `status IN (11, 12)`},
		{`status[name eq "Done" and id eq "12"]`, exact, `status IN (12)`},
		{`status pr`, exact, ""},
		{`status.category pr`, exact, ""},
		{`project.key eq "ops"`, exact, `project IN (1)`},
		{`issueType.name gt "C"`, exact, `issuetype NOT IN (21)`},
		{`priority.name eq "High"`, exact, `priority IN (30)`},
		{`priority.name ne "High"`, exact, `(priority NOT IN (30) OR priority IS EMPTY)`},
		{`not (priority.name co "igh")`, exact, `(priority NOT IN (30) OR priority IS EMPTY)`},
		{`priority pr`, exact, `priority IS NOT EMPTY`},
		{`not (resolution pr)`, exact, `resolution IS EMPTY`},
		{`assignee.value eq "712020:a\"b"`, exact, `assignee IN ("712020:a\"b")`},
		{`assignee.value ne "EMPTY"`, exact, `(assignee NOT IN ("EMPTY") OR assignee IS EMPTY)`},
		{`assignee[value ne "a"]`, exact, `assignee NOT IN ("a")`},
		{`not (assignee[value eq "a" or value eq "b"])`, exact, `(assignee NOT IN ("a") OR assignee IS EMPTY) AND (assignee NOT IN ("b") OR assignee IS EMPTY)`},
		{`assignee.value eq "stranger"`, never, ""},
		{`assignee.value ne "stranger"`, exact, ""},
		{`not (assignee[value ne "stranger"])`, exact, `assignee IS EMPTY`},
		{`assignee[value ne "stranger"]`, exact, `assignee IS NOT EMPTY`},
		{`reporter.value eq "stranger" or creator.value eq "a"`, exact, `creator IN ("a")`},
		{`assignee.value eq "\u0000"`, never, ""},
		{`assignee.value eq ""`, never, ""},
		{`assignee.value eq "-1"`, exact, `assignee IN ("-1")`},
		{`assignee.value eq "\ufffd"`, exact, "assignee IN (\"\uFFFD\")"},
		{`status.id eq "-1"`, never, ""},
		{`priority.name ne "\ufffd"`, exact, ""},
		{`assignee pr`, exact, `assignee IS NOT EMPTY`},
		{`labels eq "red"`, exact, `labels = "red"`},
		{`not (labels eq "red")`, exact, `(labels != "red" OR labels IS EMPTY)`},
		{`labels ne "red"`, check, ""},
		{`labels co "re"`, check, `labels IS NOT EMPTY`},
		{`components.name eq "API"`, exact, `component IN (50)`},
		{`components[name eq "UI" and id eq "50"]`, never, ""},
		{`not (components.name sw "A")`, exact, `(component NOT IN (50) OR component IS EMPTY)`},
		{`components.name ne "API"`, check, ""},
		{`fixVersions pr`, exact, `fixVersion IS NOT EMPTY`},
		{`created ge "2026-01-02T03:04:05Z"`, check, `created >= 1767323040000`},
		{`not (updated gt "2026-01-02T03:04:05Z")`, check, `updated < 1767323100000`},
		{`meta.created eq "2026-01-02T03:04:05Z"`, check, `created >= 1767323040000 AND created < 1767323100000`},
		{`not (resolved lt "2026-01-02T03:04:05Z")`, check, `(resolved >= 1767323040000 OR resolved IS EMPTY)`},
		{`dueDate eq "2026-02-28"`, check, `due >= "2026-02-27" AND due <= "2026-03-01"`},
		{`dueDate sw "2026"`, check, `due IS NOT EMPTY`},
		{`not (dueDate pr)`, exact, `due IS EMPTY`},
		{`summary co "disk"`, check, ""},
		{`description pr`, check, `description IS NOT EMPTY`},
		{`not (description pr)`, check, ""},
		{`parent.key eq "ops-1"`, exact, `parent = 1000`},
		{`parent.id eq "OPS-1"`, never, ""},
		{`parent.key eq "OPS-9"`, never, ""},
		{`not (parent pr)`, check, ""},
		{`key sw "OPS-"`, check, `project IN (1)`},
		{`key sw "XYZ-"`, never, ""},
		{`key eq "OPS-1" or status.id eq "10"`, exact, `(id = 1000 OR status IN (10))`},
		{`key eq "OPS-9" or status.id eq "10"`, exact, `status IN (10)`},
		{`key ne "OPS-1"`, exact, `id != 1000`},
		{`externalId pr`, check, `labels IS NOT EMPTY`},
		{`externalId eq "R"`, check, `labels = "` + Marker("R") + `"`},
		{`not (externalId eq "R")`, check, ""},
		{`meta.resourceType eq "Issue"`, exact, ""},
		{`status.id eq "10" and summary co "x"`, check, `status IN (10)`},
		{`status.id eq "10" or summary co "x"`, check, ""},
		{`not (status.id eq "10" or labels eq "a")`, exact, `status NOT IN (10) AND (labels != "a" OR labels IS EMPTY)`},
		{`status.id eq "10" and not (status.name eq "To Do")`, exact, `status IN (10) AND status NOT IN (10)`},
		{`priority.id eq "30" and status.name eq "Nowhere"`, never, ""},
	} {
		got := testCompiler().Compile(query.Simplify(resourcetest.Filter(t, schema, tt.filter)))
		kind := map[bool]string{true: exact, false: check}[got.Exact]
		want := "project IN (1, 2)"
		if tt.jql != "" {
			want += " AND " + tt.jql
		}
		want += " ORDER BY key ASC"
		if got.Never {
			kind = never
		}
		if tt.kind == never {
			want = ""
		}
		if kind != tt.kind || got.JQL != want {
			t.Errorf("%s\n got %s %s\nwant %s %s", tt.filter, kind, got.JQL, tt.kind, want)
		}
	}
}

func TestQuote(t *testing.T) {
	for _, tt := range []struct{ value, want string }{
		{`a`, `"a"`},
		{`EMPTY`, `"EMPTY"`},
		{"a\"b\\c\n\r\t", `"a\"b\\c\n\r\t"`},
		{"\x01\u0085\uFDD0", `"\u0001\u0085\uFDD0"`},
		{"é😀", `"é😀"`},
	} {
		if got, ok := quote(tt.value); got != tt.want || !ok {
			t.Errorf("quote(%q) = %s, %v, want %s", tt.value, got, ok, tt.want)
		}
	}
	for _, bad := range []string{"\x00", "\xff"} {
		if got, ok := quote(bad); ok {
			t.Errorf("quote(%q) = %s", bad, got)
		}
	}
}

func TestAmongSplitsLongLists(t *testing.T) {
	ids := make([]string, 150)
	for i := range ids {
		ids[i] = "7"
	}
	in, notIn := among("f", "IN", ids), among("f", "NOT IN", ids)
	if in[0] != '(' || notIn[0] != 'f' {
		t.Errorf("IN %.20s, NOT IN %.20s: want the first in parentheses", in, notIn)
	}
}
