package scim_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/scim"
	"scim-atlassian/scim/resource"
)

var updatePlans = flag.Bool("update-plans", false, "rewrite testdata/plans from what the planner says")

// TestPlans holds the plans of testdata/plans, one file a resource type and one for the
// server root: a filter on a line of its own, its plan or the reason for its refusal on the
// next, indented.
func TestPlans(t *testing.T) {
	files, err := filepath.Glob("../testdata/plans/*.txt")
	if err != nil || len(files) != 6 {
		t.Fatalf("plans: %v %v", files, err)
	}
	for _, file := range files {
		endpoint := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(file), ".txt"), "Root")
		t.Run(endpoint, func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := planned(t, endpoint, string(b))
			if *updatePlans {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(b), got); diff != "" {
				t.Errorf("plans (-want +got):\n%s", diff)
			}
		})
	}
}

// planned returns the file with every plan as it is now.
func planned(t *testing.T, endpoint, file string) string {
	var out strings.Builder
	for line := range strings.Lines(file) {
		if strings.HasPrefix(line, "\t") {
			continue
		}
		out.WriteString(line)
		filter := strings.TrimRight(line, "\n")
		if filter == "" || strings.HasPrefix(filter, "#") {
			continue
		}
		plan, err := scim.Explain(endpoint, filter)
		var refused *resource.Error
		switch {
		case errors.As(err, &refused):
			plan = "refused: " + refused.Detail
		case err != nil:
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "\t%s\n", plan)
	}
	return out.String()
}
