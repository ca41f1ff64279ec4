package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

// family is a metric of ours, as its description has it.
type family struct {
	help   string
	labels []string
}

// described matches the text of a prometheus.Desc.
var described = regexp.MustCompile(`^Desc\{fqName: "([^"]+)", help: "(.*)", unit: "[^"]*", constLabels: \{(.*)\}, variableLabels: \{(.*)\}\}$`)

// families are all metrics of ours by their names.
func families(t *testing.T) map[string]family {
	t.Helper()
	m := newMetrics()
	all := make(chan *prometheus.Desc, 1000)
	for _, c := range []prometheus.Collector{m.registry, snapshotMetrics(nil), feedMetrics(nil), healthMetrics{}, limitMetrics{}, runMetrics{}} {
		c.Describe(all)
	}
	close(all)
	found := map[string]family{}
	for d := range all {
		match := described.FindStringSubmatch(d.String())
		if match == nil {
			t.Fatalf("cannot read %s", d)
		}
		if !strings.HasPrefix(match[1], space) {
			continue
		}
		f := family{help: match[2]}
		f.labels = append(f.labels, regexp.MustCompile(`\w+`).FindAllString(match[4], -1)...)
		for _, label := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(match[3], -1) {
			f.labels = append(f.labels, label[1])
		}
		found[match[1]] = f
	}
	return found
}

var (
	selector = regexp.MustCompile(`(scim_atlassian_\w+)(\{[^}]*\})?`)
	matcher  = regexp.MustCompile(`(\w+)\s*(?:=~|!~|!=|=)`)
	grouping = regexp.MustCompile(`\b(?:by|on)\s*\(([^)]*)\)`)
	template = regexp.MustCompile(`\$labels\.(\w+)|\{\{(\w+)\}\}`)
)

// given are labels that Prometheus adds.
var given = []string{"instance", "job"}

// checkExpression holds an expression, and the texts that show its labels, to the families that there are.
func checkExpression(t *testing.T, all map[string]family, expression string, texts ...string) {
	t.Helper()
	labels := slices.Clone(given)
	for _, s := range selector.FindAllStringSubmatch(expression, -1) {
		f, ok := all[s[1]]
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			if base, cut := strings.CutSuffix(s[1], suffix); cut && !ok {
				f, ok = all[base]
				f.labels = append(slices.Clone(f.labels), "le")
			}
		}
		if !ok {
			t.Errorf("there is no %s, in %s", s[1], expression)
		}
		labels = append(labels, f.labels...)
		for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
			if !slices.Contains(f.labels, m[1]) {
				t.Errorf("%s has no label %s, in %s", s[1], m[1], expression)
			}
		}
	}
	named := template.FindAllStringSubmatch(strings.Join(texts, " "), -1)
	for _, g := range grouping.FindAllStringSubmatch(expression, -1) {
		for name := range strings.SplitSeq(g[1], ",") {
			if name = strings.TrimSpace(name); name != "" { // on () has none
				named = append(named, []string{"", name, ""})
			}
		}
	}
	for _, n := range named {
		if name := n[1] + n[2]; !slices.Contains(labels, name) {
			t.Errorf("no metric has the label %s, in %s", name, expression)
		}
	}
}

// TestAlerts holds the alert rules to the metrics that there are.
func TestAlerts(t *testing.T) {
	rules, err := os.ReadFile("../../deploy/prometheus/rules/scim-atlassian.yml")
	if err != nil {
		t.Fatal(err)
	}
	all, count := families(t), 0
	for _, rule := range strings.Split(string(rules), "- alert: ")[1:] {
		expression := regexp.MustCompile(`(?m)^ *expr: (.*)$`).FindStringSubmatch(rule)
		if expression == nil {
			t.Fatalf("no expression in %s", rule)
		}
		checkExpression(t, all, expression[1], rule)
		count++
	}
	if count < 10 {
		t.Errorf("%d rules", count)
	}
}

// TestDashboard does the same for what Grafana shows.
func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("../../deploy/grafana/dashboards/scim-atlassian.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	all := families(t)
	for _, panel := range dashboard.Panels {
		if len(panel.Targets) == 0 {
			t.Errorf("%s shows nothing", panel.Title)
		}
		for _, target := range panel.Targets {
			checkExpression(t, all, target.Expr, target.LegendFormat)
		}
	}
}

// TestMetricsAreDocumented holds the table of docs/operations.md to the metrics that there are.
func TestMetricsAreDocumented(t *testing.T) {
	rows := []string{"| metric | labels | says |", "|---|---|---|"}
	all := families(t)
	var names []string
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		labels := slices.Sorted(slices.Values(all[name].labels))
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |", name, strings.Join(labels, ", "), all[name].help))
	}
	const path = "../../docs/operations.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	table := regexp.MustCompile(`(?ms)^\| metric \| labels.*?\n\n`)
	want := table.ReplaceAllLiteralString(string(page), strings.Join(rows, "\n")+"\n\n")
	if *updateDocs && want != string(page) {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(string(page), "\n")); diff != "" {
		t.Errorf("%s (-should say +says):\n%s", path, diff)
	}
}
