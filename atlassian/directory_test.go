package atlassian_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"scim-atlassian/atlassian"
	"scim-atlassian/atlassian/emulator"
)

// tenant is an emulator behind a server, with a client whose waits are short.
func tenant(t testing.TB, options emulator.Options, faults string) (*emulator.Emulator, *atlassian.Directory) {
	t.Helper()
	rules, err := emulator.ParseFaults(faults)
	if err != nil {
		t.Fatal(err)
	}
	options.Faults = rules
	e := emulator.New(options)
	return e, newDirectory(t, e, atlassian.Config{RetryBase: time.Millisecond, Timeout: 1500 * time.Millisecond})
}

// logged returns what the emulator received, without the path of the directory.
func logged(e *emulator.Emulator) []string {
	var lines []string
	for _, r := range e.Log() {
		lines = append(lines, fmt.Sprintf("%s %s %d", r.Method, r.Path[len("/scim/directory/"+emulator.DirectoryID):], r.Status))
	}
	return lines
}

func TestUserRoundTrip(t *testing.T) {
	e, d := tenant(t, emulator.Options{}, "")
	sent := fullUser()
	created, err := d.CreateUser(t.Context(), sent)
	if err != nil {
		t.Fatal(err)
	}
	read, err := d.User(t.Context(), created.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(created, read); diff != "" {
		t.Errorf("created and read differ (-created +read):\n%s", diff)
	}
	settable := cmpopts.IgnoreFields(atlassian.User{}, "Schemas", "ID", "Groups", "Meta", "Atlassian")
	if diff := cmp.Diff(sent, read, settable); diff != "" {
		t.Errorf("(-sent +read):\n%s", diff)
	}
	if read.Atlassian == nil || read.Atlassian.AtlassianAccountID == "" || read.Meta.ResourceType != "User" {
		t.Errorf("what upstream sets is missing: %+v %+v", read.Atlassian, read.Meta)
	}
	if at := read.Meta.Created; at.IsZero() || at.Location() != time.UTC || time.Since(at) > time.Minute {
		t.Errorf("created at %v", at)
	}
	want := []string{"POST /Users 201", "GET /Users/" + created.ID + " 200"}
	if diff := cmp.Diff(want, logged(e)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestUsersPages(t *testing.T) {
	e, d := tenant(t, emulator.Options{Users: 250, Seed: 1}, "")
	seen := map[string]bool{}
	for start := 1; ; {
		page, err := d.Users(t.Context(), atlassian.ListOptions{StartIndex: start, Count: 1000})
		if err != nil {
			t.Fatal(err)
		}
		if page.StartIndex != start || page.ItemsPerPage != len(page.Resources) {
			t.Errorf("page at %d says %d, %d of %d", start, page.StartIndex, page.ItemsPerPage, len(page.Resources))
		}
		for _, user := range page.Resources {
			seen[user.ID] = true
		}
		if start += len(page.Resources); start > page.Total {
			break
		}
	}
	if len(seen) != 250 || len(e.Log()) != 3 {
		t.Errorf("%d users in %d calls, want 250 in 3", len(seen), len(e.Log()))
	}
}

func TestFindUser(t *testing.T) {
	_, d := tenant(t, emulator.Options{}, "")
	awkward := fullUser()
	awkward.ExternalID = `a "quoted\" & ünlikely+id%20`
	created, err := d.CreateUser(t.Context(), awkward)
	if err != nil {
		t.Fatal(err)
	}
	for _, filter := range []atlassian.Filter{{Attribute: "userName", Value: awkward.UserName}, {Attribute: "externalId", Value: awkward.ExternalID}} {
		page, err := d.Users(t.Context(), atlassian.ListOptions{Filter: filter})
		if err != nil {
			t.Fatal(err)
		}
		if page.Total != 1 || len(page.Resources) != 1 || page.Resources[0].ID != created.ID {
			t.Errorf("%v found %d", filter, page.Total)
		}
	}
	page, err := d.Users(t.Context(), atlassian.ListOptions{Filter: atlassian.Filter{Attribute: "userName", Value: "nobody"}})
	if err != nil || page.Total != 0 || len(page.Resources) != 0 {
		t.Errorf("got %+v, %v", page, err)
	}
}

func TestGroupMembers(t *testing.T) {
	_, d := tenant(t, emulator.Options{}, "")
	user, err := d.CreateUser(t.Context(), fullUser())
	if err != nil {
		t.Fatal(err)
	}
	group, err := d.CreateGroup(t.Context(), &atlassian.Group{DisplayName: "g"})
	if err != nil {
		t.Fatal(err)
	}
	members := func(ops ...atlassian.PatchOperation) []string {
		t.Helper()
		if _, err := d.PatchGroup(t.Context(), group.ID, ops); err != nil {
			t.Fatal(err)
		}
		got, err := d.Group(t.Context(), group.ID)
		if err != nil {
			t.Fatal(err)
		}
		ids := []string{}
		for _, m := range got.Members {
			ids = append(ids, m.Value)
		}
		return ids
	}
	add := atlassian.PatchOperation{Op: "add", Path: "members", Value: []atlassian.Reference{{Value: user.ID}}}
	remove := atlassian.PatchOperation{Op: "remove", Path: `members[value eq "` + user.ID + `"]`}
	for _, step := range []struct {
		op   atlassian.PatchOperation
		want []string
	}{{add, []string{user.ID}}, {add, []string{user.ID}}, {remove, []string{}}, {remove, []string{}}} {
		if diff := cmp.Diff(step.want, members(step.op)); diff != "" {
			t.Errorf("after %s (-want +got):\n%s", step.op.Op, diff)
		}
	}
}

// TestFaults has the emulator spoil exchanges, and compares the requests sent and their result.
func TestFaults(t *testing.T) {
	create := func(d *atlassian.Directory, _ string, t *testing.T) error {
		_, err := d.CreateUser(t.Context(), fullUser())
		return err
	}
	read := func(d *atlassian.Directory, id string, t *testing.T) error {
		_, err := d.User(t.Context(), id)
		return err
	}
	remove := func(d *atlassian.Directory, id string, t *testing.T) error { return d.DeleteUser(t.Context(), id) }
	tests := []struct {
		name, faults string
		do           func(*atlassian.Directory, string, *testing.T) error
		want         atlassian.Kind // Other: success
		ambiguous    bool
		calls, users int // after one user was there before
	}{
		{"limited", "times=1 status=429 retry-after=1", create, atlassian.Other, false, 2, 2},
		{"a create cut before", "method=POST reset=before", create, atlassian.Unreachable, true, 5, 1},
		{"a create cut after", "method=POST reset=after", create, atlassian.Unreachable, true, 5, 2},
		{"a create refused", "method=POST status=503", create, atlassian.Unavailable, true, 5, 1},
		{"a create answered by half", "times=1 method=POST body=truncated", create, atlassian.Conflict, true, 2, 2},
		{"a create answered by a page", "times=1 method=POST body=html", create, atlassian.Conflict, true, 2, 2},
		{"a create answered by nothing", "times=1 method=POST body=empty", create, atlassian.Conflict, true, 2, 2},
		{"a create not answered", "times=1 method=POST delay=3s commit=true", create, atlassian.Conflict, true, 2, 2},
		{"a read limited for long", "times=1 status=429 retry-after=100", read, atlassian.RateLimited, false, 1, 1},
		{"a read refused twice", "times=2 method=GET status=503", read, atlassian.Other, false, 3, 1},
		{"a read answered by a page", "times=1 method=GET body=html", read, atlassian.Other, false, 2, 1},
		{"a read not answered once", "times=1 method=GET delay=3s", read, atlassian.Other, false, 2, 1},
		{"a delete cut before", "times=1 method=DELETE reset=before", remove, atlassian.Other, false, 2, 0},
		{"a delete cut after", "times=1 method=DELETE reset=after", remove, atlassian.Other, false, 2, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e, d := tenant(t, emulator.Options{}, "")
			first, err := d.CreateUser(t.Context(), minimalUser("first@demo.example"))
			if err != nil {
				t.Fatal(err)
			}
			e.ClearLog()
			rules, err := emulator.ParseFaults(test.faults)
			if err != nil {
				t.Fatal(err)
			}
			e.SetFaults(rules)
			err = test.do(d, first.ID, t)
			if got := atlassian.KindOf(err); got != test.want || (err == nil) != (test.want == atlassian.Other) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if err != nil && asError(t, err).Ambiguous != test.ambiguous {
				t.Errorf("ambiguous is %v", !test.ambiguous)
			}
			if calls := logged(e); len(calls) != test.calls {
				t.Errorf("calls: %q, want %d", calls, test.calls)
			}
			e.SetFaults(nil)
			deadline := time.Now().Add(3 * time.Second) // a delayed create takes effect after its client is gone
			for {
				page, err := newDirectory(t, e, atlassian.Config{}).Users(t.Context(), atlassian.ListOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if page.Total == test.users {
					return
				}
				if time.Now().After(deadline) {
					t.Fatalf("%d users, want %d", page.Total, test.users)
				}
				time.Sleep(50 * time.Millisecond)
			}
		})
	}
}
