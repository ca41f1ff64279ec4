package console

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

func TestPlanParts(t *testing.T) {
	for plan, want := range map[string][]named{
		`lookup userName="a@demo.example" exact cost=1; calls=1`: {{"Way", `lookup userName="a@demo.example" exact`}, {"Requests expected", "1"}, {"Requests made", "1"}},
		`scan residual=(title pr) cost=0 snapshot=12s; calls=0`:  {{"Way", "scan snapshot=12s"}, {"Requests expected", "0"}, {"Checked here", "title pr"}, {"Requests made", "0"}},
		`jql(project IN (10000) AND summary ~ ")x" ORDER BY key ASC) residual=(summary co ")x" and (a pr)) cost=?`: {
			{"Way", "jql"}, {"Asked of Jira (JQL)", `project IN (10000) AND summary ~ ")x" ORDER BY key ASC`}, {"Requests expected", "depends on what is there"}, {"Checked here", `summary co ")x" and (a pr)`}},
		`lookup members.value="x" exact cost=2 most=41`: {{"Way", `lookup members.value="x" exact`}, {"Requests expected", "2"}, {"At most", "41"}},
		"": {{"Way", ""}},
	} {
		if diff := cmp.Diff(want, planParts(plan)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", plan, diff)
		}
	}
}

func TestTreeOf(t *testing.T) {
	rt := query.NewSchema("Thing", "urn:thing", []*query.Attribute{
		{Name: "name", Kind: query.String}, {Name: "active", Kind: query.Boolean},
		{Name: "emails", Kind: query.Complex, MultiValued: true, Sub: []*query.Attribute{{Name: "value", Kind: query.String}, {Name: "type", Kind: query.String, CaseExact: true}}},
	})
	e, err := query.Parse(rt, `not (name pr) and (active eq true or emails[type eq "work" and value co "x"])`, resource.FilterLimits)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	var walk func(n *node, depth int)
	walk = func(n *node, depth int) {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s%s / %s", strings.Repeat(".", depth), n.Text, n.Note)))
		for _, term := range n.Terms {
			walk(term, depth+1)
		}
	}
	walk(treeOf(e), 0)
	want := []string{"and / all of these", ".not /", "..name pr /", ".or / any of these", "..active eq true / boolean", "..emails / one element for which", "...and / all of these", `....type eq "work" / string, case counts`, `....value co "x" / string, in any case`}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		daysLeft(-time.Hour): "has expired", daysLeft(time.Hour): "expires within a day", daysLeft(25 * time.Hour): "expires in 1 day",
		shellQuoted(`it's`): `'it'\''s'`, quoted(`a"b\`): `"a\"b\\"`,
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
