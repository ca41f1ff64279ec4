package atlassian_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"scim-atlassian/atlassian"
)

// TestLateEffect has upstream carry out a write long after the client gave up. What is written meanwhile must come after
// it; the same write, and a write to another resource, need not wait.
func TestLateEffect(t *testing.T) {
	set := func(d *atlassian.Directory, ctx context.Context, id string, active bool) error {
		_, err := d.PatchUser(ctx, id, []atlassian.PatchOperation{{Op: "replace", Path: "active", Value: active}})
		return err
	}
	tests := []struct {
		name  string
		write func(*atlassian.Directory, context.Context) error
		waits time.Duration // since the client gave up
	}{
		{"the same", func(d *atlassian.Directory, ctx context.Context) error { return set(d, ctx, "1", false) }, 0},
		{"the contrary", func(d *atlassian.Directory, ctx context.Context) error { return set(d, ctx, "1", true) }, 10 * time.Second},
		{"a deletion", func(d *atlassian.Directory, ctx context.Context) error { return d.DeleteUser(ctx, "1") }, 10 * time.Second},
		{"a read", func(d *atlassian.Directory, ctx context.Context) error { _, err := d.User(ctx, "1"); return err }, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				upstream := &script{steps: []http.HandlerFunc{stall, oneUser}}
				d := directoryAt(t, "http://localhost", atlassian.Config{Transport: newPipe(t, upstream), MaxRetries: -1})
				if e := asError(t, set(d, t.Context(), "1", false)); e.Kind != atlassian.Timeout || !e.Ambiguous {
					t.Fatalf("got %+v", e)
				}
				start := time.Now()
				if err := test.write(d, t.Context()); err != nil {
					t.Error(err)
				}
				if waited := time.Since(start); waited != test.waits {
					t.Errorf("waited %v, want %v", waited, test.waits)
				}
			})
		})
	}
}

// TestLateEffectNotWaitedFor has no time to wait: then nothing is sent, and the error says when to come back.
func TestLateEffectNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		upstream := &script{steps: []http.HandlerFunc{stall, oneUser}}
		d := directoryAt(t, "http://localhost", atlassian.Config{Transport: newPipe(t, upstream), MaxRetries: -1})
		asError(t, d.DeleteUser(t.Context(), "1"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := d.ReplaceUser(ctx, "1", &atlassian.User{UserName: "a"})
		if e := asError(t, err); e.Kind != atlassian.Unavailable || e.Ambiguous || e.RetryAfter != 10*time.Second || upstream.calls() != 1 {
			t.Errorf("got %+v after %d calls", e, upstream.calls())
		}
	})
}

// TestImpossibleAnswers has answers that no directory can mean.
func TestImpossibleAnswers(t *testing.T) {
	user := func(d *atlassian.Directory, ctx context.Context) error { _, err := d.User(ctx, "1"); return err }
	list := func(d *atlassian.Directory, ctx context.Context) error {
		_, err := d.Users(ctx, atlassian.ListOptions{})
		return err
	}
	tests := []struct {
		name   string
		do     func(*atlassian.Directory, context.Context) error
		status int
		body   string
	}{
		{"another id", user, 200, `{"id":"2"}`},
		{"another type", user, 200, `{"id":"1","meta":{"resourceType":"Group"}}`},
		{"the gateway's 404", user, 404, `{"error":"Not Found","traceId":"1"}`},
		{"a negative total", list, 200, `{"schemas":[],"totalResults":-1,"Resources":[]}`},
		{"null among the resources", list, 200, `{"schemas":[],"totalResults":1,"Resources":[null]}`},
		{"a list that is not found", list, 404, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"404","detail":"Not found."}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := newDirectory(t, answer(test.status, test.body), atlassian.Config{RetryBase: time.Millisecond})
			if err := test.do(d, t.Context()); atlassian.KindOf(err) != atlassian.Garbled {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestNothingAlone has a directory say that it is empty, and nothing else: it is asked again before it is believed.
func TestNothingAlone(t *testing.T) {
	nothing := answer(200, `{"totalResults":0}`)
	for _, test := range []struct {
		name         string
		steps        []http.HandlerFunc
		total, calls int
	}{
		{"a mistake", []http.HandlerFunc{nothing, answer(200, `{"schemas":[],"totalResults":1,"Resources":[{"id":"1"}]}`)}, 1, 2},
		{"the truth", []http.HandlerFunc{nothing}, 0, 3},
	} {
		upstream := &script{steps: test.steps}
		page, err := newDirectory(t, upstream, atlassian.Config{}).Users(t.Context(), atlassian.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if page.Total != test.total || upstream.calls() != test.calls {
			t.Errorf("%s: %d users after %d calls, want %d after %d", test.name, page.Total, upstream.calls(), test.total, test.calls)
		}
	}
}

// TestAbsentDirectory has a 404 of a directory that answers nothing else any more: it is not about the user.
func TestAbsentDirectory(t *testing.T) {
	gone := answer(404, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"404","detail":"No such thing."}`)
	synctest.Test(t, func(t *testing.T) {
		steps := []http.HandlerFunc{oneUser, gone}
		n := 0
		upstream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			steps[min(n, 1)](w, r)
			n++
		})
		d := directoryAt(t, "http://localhost", atlassian.Config{Transport: newPipe(t, upstream), MaxRetries: -1})
		for _, step := range []struct {
			after time.Duration
			want  atlassian.Kind
		}{{0, atlassian.Other}, {time.Second, atlassian.NotFound}, {10 * time.Second, atlassian.Garbled}} {
			time.Sleep(step.after)
			if _, err := d.User(t.Context(), "1"); atlassian.KindOf(err) != step.want {
				t.Errorf("after %v: got %v, want %v", step.after, err, step.want)
			}
		}
	})
}
