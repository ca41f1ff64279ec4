package feed

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian"
)

// More things than are named in one call are some of their kind, and entries that name nothing are on record.
func TestVague(t *testing.T) {
	began := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	many := atlassian.Hint{}
	for i := range maxHints + 1 {
		many.Projects = append(many.Projects, strconv.Itoa(i))
	}
	for _, test := range []struct {
		name string
		hint atlassian.Hint
		want map[Kind]time.Time
	}{
		{"nothing", atlassian.Hint{}, map[Kind]time.Time{}},
		{"named", atlassian.Hint{Accounts: []string{"a"}}, map[Kind]time.Time{}},
		{"some account", atlassian.Hint{SomeAccount: true}, map[Kind]time.Time{Users: began, Memberships: began}},
		{"some group", atlassian.Hint{SomeGroup: true}, map[Kind]time.Time{Groups: began, Memberships: began}},
		{"too many projects", many, map[Kind]time.Time{Roles: began}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &round{began: began}
			r.add(test.hint, began)
			if diff := cmp.Diff(test.want, vague(r)); diff != "" {
				t.Errorf("vague (-want +got):\n%s", diff)
			}
			if got := len(r.hints.list().Projects); got > maxHints {
				t.Errorf("%d projects are named", got)
			}
		})
	}
}
