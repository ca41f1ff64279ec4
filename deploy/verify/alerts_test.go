package verify

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"
)

// The alert rules and the dashboard are PromQL, as Prometheus parses it. That their metrics and labels exist is held by
// the tests of the program.
func TestExpressions(t *testing.T) {
	var rules struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	text, err := os.ReadFile("../prometheus/rules/scim-atlassian.yml")
	if err == nil {
		err = yaml.Unmarshal(text, &rules)
	}
	if err != nil {
		t.Fatal(err)
	}
	if text, err = os.ReadFile("../grafana/dashboards/scim-atlassian.json"); err == nil {
		err = json.Unmarshal(text, &dashboard)
	}
	if err != nil {
		t.Fatal(err)
	}
	parsed := 0
	check := func(name, expression string) {
		if _, err := parser.ParseExpr(expression); err != nil || expression == "" {
			t.Errorf("%s: %q: %v", name, expression, err)
		}
		parsed++
	}
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			check(rule.Alert, rule.Expr)
		}
	}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			check(panel.Title, target.Expr)
		}
	}
	if parsed < 25 {
		t.Errorf("%d expressions", parsed)
	}
}
