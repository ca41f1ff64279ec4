package guard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/zap"

	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/state"
)

// bench is a guard with a clock that the test moves.
type bench struct {
	*Guard
	now time.Time
	ctx context.Context
}

func newBench(t *testing.T, budget Budget, store *state.Store) *bench {
	b := &bench{now: time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)}
	b.ctx = resource.WithRequest(t.Context(), &resource.Request{Caller: "idp"})
	b.Guard = New(Config{Budget: budget, State: store, AsError: resource.AsError, Logger: zap.NewNop(), Now: func() time.Time { return b.now }})
	return b
}

// lose has the caller delete users with numbers, of so many.
func (b *bench) lose(from, to, of int) error {
	var ids []string
	for i := from; i < to; i++ {
		ids = append(ids, fmt.Sprint(i))
	}
	return b.within(b.ctx, []loss{{bucketPeople, ids, of}}, func() error { return nil })
}

func refused(t *testing.T, err error) {
	t.Helper()
	if e := (*resource.Error)(nil); !errors.As(err, &e) || e.Status != http.StatusForbidden || e.Type != typeChangeBudget {
		t.Fatalf("got %v, want 403 changeBudget", err)
	}
}

func done(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestBudget(t *testing.T) {
	for _, test := range []struct{ of, passes int }{{1000, 200}, {300, 100}, {-1, 100}, {0, 100}} {
		t.Run(fmt.Sprint(test.of), func(t *testing.T) {
			b := newBench(t, Budget{20, time.Hour, 100}, nil)
			for i := range test.passes {
				done(t, b.lose(i, i+1, test.of-i))
			}
			refused(t, b.lose(5000, 5001, test.of))
			done(t, b.lose(3, 4, test.of)) // a repeat
			b.now = b.now.Add(time.Hour + 6*time.Minute)
			done(t, b.lose(5000, 5001, test.of))
		})
	}
}

// TestBudgetWhole holds that a write is done as a whole or refused as a whole, and that
// one that failed is not counted.
func TestBudgetWhole(t *testing.T) {
	b := newBench(t, Budget{20, time.Hour, 10}, nil)
	refused(t, b.lose(0, 11, -1))
	for _, failure := range []*resource.Error{resource.NotFound("User", "1"), resource.Refuse(503, "", "away")} {
		if err := b.within(b.ctx, []loss{{bucketPeople, []string{"1", "2", "3", "4", "5", "6"}, -1}}, func() error { return failure }); err != failure {
			t.Fatal(err)
		}
	}
	done(t, b.lose(0, 8, -1))
	unknown := &resource.Error{Status: 504, Unknown: true}
	if err := b.within(b.ctx, []loss{{bucketPeople, []string{"20", "21"}, -1}}, func() error { return unknown }); err != unknown {
		t.Fatal(err)
	}
	refused(t, b.lose(30, 31, -1))
	other := resource.WithRequest(t.Context(), &resource.Request{Caller: "other"})
	done(t, b.within(other, []loss{{bucketPeople, []string{"30"}, -1}}, func() error { return nil }))
	done(t, b.within(b.ctx, []loss{{bucketMembers + "g", []string{"30"}, -1}}, func() error { return nil }))
}

func TestRelease(t *testing.T) {
	b := newBench(t, Budget{20, time.Hour, 1}, nil)
	owner, officer := Request{Caller: "idp"}, Request{Caller: "officer", Releases: true}
	done(t, b.lose(0, 1, -1))
	refused(t, b.lose(1, 2, -1))
	refused(t, b.lose(2, 3, -1))
	id := tallyKey("idp", bucketPeople)
	for _, test := range []struct {
		caller Request
		id     string
		body   any
		status int
	}{
		{owner, id, nil, 403},
		{officer, "none", nil, 404},
		{officer, id, "x", 400},
		{officer, id, map[string]any{"minutes": 0.5}, 400},
		{officer, id, map[string]any{"hours": 1.0}, 400},
		{officer, id, map[string]any{"ids": []any{}}, 400},
		{officer, id, map[string]any{"ids": []any{"1"}, "minutes": 1.0}, 400},
		{officer, id, map[string]any{"ids": []any{"1"}}, 200},
	} {
		_, _, err := b.release(b.ctx, Request{Caller: test.caller.Caller, Releases: test.caller.Releases, ID: test.id, Body: test.body})
		if got := resource.AsError(err); (err == nil) != (test.status == 200) || err != nil && got.Status != test.status {
			t.Errorf("%v %v: %v, want %d", test.id, test.body, err, test.status)
		}
	}
	done(t, b.lose(1, 2, -1))
	refused(t, b.lose(2, 3, -1))
	if _, _, err := b.release(b.ctx, Request{Caller: officer.Caller, Releases: true, ID: id, Body: map[string]any{"minutes": 5.0}}); err != nil {
		t.Fatal(err)
	}
	done(t, b.lose(2, 40, -1))
	b.now = b.now.Add(6 * time.Minute)
	refused(t, b.lose(50, 51, -1))
	var seen []int64
	for _, caller := range []Request{owner, officer, {Caller: "stranger"}} {
		_, doc, err := b.list(b.ctx, caller)
		done(t, err)
		n, _ := doc.Get("totalResults")
		seen = append(seen, n.(int64))
	}
	if diff := cmp.Diff([]int64{1, 1, 0}, seen); diff != "" {
		t.Error(diff)
	}
}

// TestRestart holds that counts and holds outlive the process and are shared.
func TestRestart(t *testing.T) {
	open := func(place string) *state.Store {
		store, err := state.Open(t.Context(), place, state.Options{Now: func() time.Time { return time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC) }})
		done(t, err)
		t.Cleanup(func() { store.Close() })
		return store
	}
	place := "file:" + filepath.Join(t.TempDir(), "state.db")
	first := open(place)
	b := newBench(t, Budget{20, time.Hour, 3}, first)
	done(t, b.lose(0, 3, -1))
	refused(t, b.lose(3, 4, -1))
	replica := newBench(t, Budget{20, time.Hour, 3}, open(place))
	refused(t, replica.lose(5, 6, -1))
	first.Close()
	again := newBench(t, Budget{20, time.Hour, 3}, open(place))
	refused(t, again.lose(7, 8, -1))
	_, doc, err := again.list(again.ctx, Request{Caller: "idp"})
	done(t, err)
	held, _ := doc.Elements("Resources")[0].Get("ids")
	if diff := cmp.Diff([]any{"3", "5", "7"}, held); diff != "" {
		t.Error(diff)
	}
	first = nil
	closed := open(place)
	closed.Close()
	if err := newBench(t, Budget{20, time.Hour, 3}, closed).lose(1, 2, -1); resource.AsError(err).Status != http.StatusServiceUnavailable {
		t.Errorf("without its state: %v", err)
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]string{"20%/1h": "20%/1h", "5%/30m": "5%/30m", "100%/90m": "100%/1h30m", "off": "off",
		"": "", "20%": "", "0%/1h": "", "101%/1h": "", "20%/1s": "", "20/1h": ""} {
		b, err := ParseBudget(text)
		if got := b.String(); (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("%q: %v %v, want %q", text, got, err, want)
		}
	}
	p, err := ParsePatterns("Group:Site-*, Account:root@example.com,Entitlement:PROJECT_ROLE~* in A/B project")
	done(t, err)
	for _, test := range []struct {
		of, name string
		want     bool
	}{
		{"Group", "site-admins", true}, {"Group", "the site-admins", false}, {"User", "ROOT@example.com", true}, {"User", "", false},
		{"Entitlement", "PROJECT_ROLE~Users in A/B project", true}, {"Group", "root@example.com", false},
	} {
		if got := p.matches(test.of, test.name); got != test.want {
			t.Errorf("%s %s: %v", test.of, test.name, got)
		}
	}
	for _, wrong := range []string{"", "x", "Issue:x", "Group:", "Group:a,", "Group:["} {
		if _, err := ParsePatterns(wrong); err == nil {
			t.Errorf("%q is no list of patterns", wrong)
		}
	}
	if none, err := ParsePatterns("none"); none != nil || err != nil {
		t.Error(none, err)
	}
}

// TestSpent holds what the console shows of the budget to what was counted.
func TestSpent(t *testing.T) {
	b := newBench(t, Budget{20, time.Hour, 10}, nil)
	done(t, b.lose(0, 8, 100))
	done(t, b.within(b.ctx, []loss{{bucketMembers + "g", []string{"30"}, -1}}, func() error { return nil }))
	got, err := b.Spent(t.Context())
	done(t, err)
	frees := b.now.Truncate(5 * time.Minute).Add(65 * time.Minute)
	want := []Spent{
		{Caller: "idp", What: "users", Counted: 8, Limit: 20, Of: 100, Frees: frees},
		{Caller: "idp", What: `members of "g"`, Counted: 1, Limit: 10, Of: -1, Frees: frees},
	}
	sorted := cmpopts.SortSlices(func(a, b Spent) bool { return a.What > b.What })
	if diff := cmp.Diff(want, got, sorted, cmpopts.EquateApproxTime(0)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	b.now = b.now.Add(2 * time.Hour)
	if got, err := b.Spent(t.Context()); err != nil || got != nil {
		t.Errorf("two hours later: %v, %v", got, err)
	}
}
