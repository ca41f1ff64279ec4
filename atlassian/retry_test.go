package atlassian_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian"
)

// middle makes the jitter vanish.
func middle() float64 { return 0.5 }

func TestRetry(t *testing.T) {
	type outcome struct {
		Kind       atlassian.Kind
		Ambiguous  bool
		Calls      int
		Took       time.Duration
		RetryAfter time.Duration
	}
	read := func(d *atlassian.Directory, ctx context.Context) error { _, err := d.User(ctx, "1"); return err }
	create := func(d *atlassian.Directory, ctx context.Context) error {
		_, err := d.CreateUser(ctx, &atlassian.User{UserName: "ann@example.com"})
		return err
	}
	replace := func(d *atlassian.Directory, ctx context.Context) error {
		_, err := d.ReplaceUser(ctx, "1", &atlassian.User{UserName: "ann@example.com"})
		return err
	}
	remove := func(d *atlassian.Directory, ctx context.Context) error { return d.DeleteUser(ctx, "1") }
	patch := func(op, path string) func(*atlassian.Directory, context.Context) error {
		return func(d *atlassian.Directory, ctx context.Context) error {
			_, err := d.PatchUser(ctx, "1", []atlassian.PatchOperation{{Op: op, Path: path, Value: "x"}})
			return err
		}
	}
	limited := func(header ...string) http.HandlerFunc { return answer(429, `{}`, header...) }
	down := answer(503, `{"detail":"down"}`)
	gone := answer(404, `{"detail":"no such user"}`)
	deleted := answer(204, "")
	succeeded := atlassian.Other

	tests := []struct {
		name  string
		steps []http.HandlerFunc
		do    func(*atlassian.Directory, context.Context) error
		want  outcome
	}{
		{"a read backs off and doubles", []http.HandlerFunc{down, down, down, oneUser}, read, outcome{succeeded, false, 4, 7 * time.Second, 0}},
		{"a read gives up", []http.HandlerFunc{down}, read, outcome{atlassian.Unavailable, false, 4, 7 * time.Second, 0}},
		{"a read survives a cut", []http.HandlerFunc{cut, oneUser}, read, outcome{succeeded, false, 2, time.Second, 0}},
		{"a read survives a cut in the body", []http.HandlerFunc{half, oneUser}, read, outcome{succeeded, false, 2, time.Second, 0}},
		{"a read survives silence", []http.HandlerFunc{stall, oneUser}, read, outcome{succeeded, false, 2, 21 * time.Second, 0}},
		{"a read does not insist on 501", []http.HandlerFunc{answer(501, `{}`)}, read, outcome{atlassian.Unavailable, false, 1, 0, 0}},
		{"a read survives a page instead of JSON", []http.HandlerFunc{answer(200, "<html>"), oneUser}, read, outcome{succeeded, false, 2, time.Second, 0}},
		{"a read gives up on pages", []http.HandlerFunc{answer(200, "<html>")}, read, outcome{atlassian.Garbled, false, 3, 3 * time.Second, 0}},

		{"429 waits as told in seconds", []http.HandlerFunc{limited("Retry-After", "3"), oneUser}, read, outcome{succeeded, false, 2, 3 * time.Second, 0}},
		// The bubble's clock starts at midnight UTC 2000-01-01.
		{"429 waits as told by a date", []http.HandlerFunc{limited("Retry-After", "Sat, 01 Jan 2000 00:00:04 GMT"), oneUser}, read, outcome{succeeded, false, 2, 4 * time.Second, 0}},
		{"429 waits for the reset", []http.HandlerFunc{limited("X-RateLimit-Reset", "2000-01-01T00:00:05Z"), oneUser}, read, outcome{succeeded, false, 2, 5 * time.Second, 0}},
		{"429 without advice backs off", []http.HandlerFunc{limited(), oneUser}, read, outcome{succeeded, false, 2, time.Second, 0}},
		{"429 may be repeated for a create", []http.HandlerFunc{limited("Retry-After", "2"), oneUser}, create, outcome{succeeded, false, 2, 2 * time.Second, 0}},
		{"429 for too long is an answer", []http.HandlerFunc{limited("Retry-After", "60")}, read, outcome{atlassian.RateLimited, false, 1, 0, time.Minute}},
		{"429 exhausts the budget", []http.HandlerFunc{limited("Retry-After", "6")}, read, outcome{atlassian.RateLimited, false, 3, 12 * time.Second, 6 * time.Second}},

		{"a create with a name of its own is repeated after 503", []http.HandlerFunc{down, oneUser}, create, outcome{succeeded, false, 2, time.Second, 0}},
		{"a create is repeated after a cut", []http.HandlerFunc{cut, oneUser}, create, outcome{succeeded, false, 2, time.Second, 0}},
		{"a create is repeated after silence", []http.HandlerFunc{stall, oneUser}, create, outcome{succeeded, false, 2, 21 * time.Second, 0}},
		{"a create that a cut one made impossible", []http.HandlerFunc{cut, answer(409, `{}`)}, create, outcome{atlassian.Conflict, true, 2, time.Second, 0}},
		{"a refused create is certain", []http.HandlerFunc{answer(409, `{}`)}, create, outcome{atlassian.Conflict, false, 1, 0, 0}},
		{"a create answered by a page is not", []http.HandlerFunc{answer(201, "<html>")}, create, outcome{atlassian.Garbled, true, 3, 3 * time.Second, 0}},
		{"a replace is repeated", []http.HandlerFunc{cut, oneUser}, replace, outcome{succeeded, false, 2, time.Second, 0}},
		{"a replace that never came through", []http.HandlerFunc{cut}, replace, outcome{atlassian.Unreachable, true, 4, 7 * time.Second, 0}},
		{"a replacing patch is repeated", []http.HandlerFunc{cut, oneUser}, patch("replace", "title"), outcome{succeeded, false, 2, time.Second, 0}},
		{"an adding patch of members is repeated", []http.HandlerFunc{cut, oneUser}, patch("add", "members"), outcome{succeeded, false, 2, time.Second, 0}},
		{"an adding patch is not", []http.HandlerFunc{cut, oneUser}, patch("add", "emails"), outcome{atlassian.Unreachable, true, 1, 0, 0}},
		{"a delete that took effect", []http.HandlerFunc{cut, gone}, remove, outcome{succeeded, false, 2, time.Second, 0}},
		{"a delete of nothing", []http.HandlerFunc{gone}, remove, outcome{atlassian.NotFound, false, 1, 0, 0}},
		{"a delete of nothing after 429", []http.HandlerFunc{limited(), gone}, remove, outcome{atlassian.NotFound, false, 2, time.Second, 0}},
		{"a delete", []http.HandlerFunc{deleted}, remove, outcome{succeeded, false, 1, 0, 0}},
		{"a delete answered by a page", []http.HandlerFunc{answer(200, "<html>")}, remove, outcome{atlassian.Garbled, true, 3, 3 * time.Second, 0}},
		{"a delete of which a page tells", []http.HandlerFunc{answer(200, "<html>"), gone}, remove, outcome{succeeded, false, 2, time.Second, 0}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				upstream := &script{steps: test.steps}
				d := directoryAt(t, "http://localhost", atlassian.Config{Transport: newPipe(t, upstream), Rand: middle})
				start := time.Now()
				err := test.do(d, t.Context())
				got := outcome{Calls: upstream.calls(), Took: time.Since(start)}
				if err != nil {
					e := asError(t, err)
					got.Kind, got.Ambiguous, got.RetryAfter = e.Kind, e.Ambiguous, e.RetryAfter
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("%v (-want +got):\n%s", err, diff)
				}
			})
		})
	}
}

func TestRetryVariesItsWaits(t *testing.T) {
	for _, random := range []float64{0, 0.5, 1} {
		synctest.Test(t, func(t *testing.T) {
			d := directoryAt(t, "http://localhost", atlassian.Config{
				Transport: newPipe(t, &script{steps: []http.HandlerFunc{cut, oneUser}}),
				RetryBase: 10 * time.Second, Rand: func() float64 { return random },
			})
			start := time.Now()
			if _, err := d.User(t.Context(), "1"); err != nil {
				t.Fatal(err)
			}
			want := time.Duration((7 + 6*random) * float64(time.Second))
			if got := time.Since(start).Round(time.Millisecond); got != want {
				t.Errorf("random %v: waited %v, want %v", random, got, want)
			}
		})
	}
}

func TestRetryKeepsToTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		upstream := &script{steps: []http.HandlerFunc{answer(429, `{}`, "Retry-After", "10")}}
		d := directoryAt(t, "http://localhost", atlassian.Config{Transport: newPipe(t, upstream)})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		_, err := d.User(ctx, "1")
		if e := asError(t, err); e.Kind != atlassian.RateLimited || e.RetryAfter != 10*time.Second {
			t.Errorf("got %v after %v", err, e.RetryAfter)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("waited %v for what could not succeed", took)
		}
	})
}

func TestCancel(t *testing.T) {
	tests := []struct {
		name string
		step http.HandlerFunc
		want atlassian.Kind
		wait func(context.Context) (context.Context, context.CancelFunc)
	}{
		{"canceled while upstream is silent", stall, atlassian.Canceled, canceledAfter(3 * time.Second)},
		{"canceled while waiting to repeat", answer(429, `{}`, "Retry-After", "10"), atlassian.Canceled, canceledAfter(3 * time.Second)},
		{"out of time while upstream is silent", stall, atlassian.Timeout, func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 3*time.Second)
		}},
		{"canceled before", oneUser, atlassian.Canceled, func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx, cancel
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := directoryAt(t, "http://localhost", atlassian.Config{Transport: newPipe(t, test.step)})
				ctx, cancel := test.wait(t.Context())
				defer cancel()
				start := time.Now()
				_, err := d.User(ctx, "1")
				if got := atlassian.KindOf(err); got != test.want {
					t.Errorf("got %v (%v), want %v", got, err, test.want)
				}
				if took := time.Since(start); took > 3*time.Second {
					t.Errorf("went on for %v", took)
				}
			})
		})
	}
}

func canceledAfter(d time.Duration) func(context.Context) (context.Context, context.CancelFunc) {
	return func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		time.AfterFunc(d, cancel)
		return ctx, cancel
	}
}

func TestCanceledBeforeSendingIsCertain(t *testing.T) {
	d := newDirectory(t, oneUser, atlassian.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := d.CreateUser(ctx, &atlassian.User{UserName: "ann@example.com"})
	if e := asError(t, err); e.Ambiguous || e.Kind != atlassian.Canceled {
		t.Errorf("got %+v", e)
	}
}

func TestUnreachableIsRepeatedAndCertain(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	var calls []atlassian.Call
	d := directoryAt(t, "http://"+listener.Addr().String(), atlassian.Config{
		RetryBase: time.Millisecond, MaxRetries: 2,
		OnCall: func(_ context.Context, c atlassian.Call) { calls = append(calls, c) },
	})
	_, err = d.CreateUser(t.Context(), &atlassian.User{UserName: "ann@example.com"})
	e := asError(t, err)
	if e.Kind != atlassian.Unreachable || e.Ambiguous || len(calls) != 3 {
		t.Errorf("got %+v after %d calls", e, len(calls))
	}
}

// TestWaited tells the waits from the attempts: a backoff, what upstream asks for, and a place among the others.
func TestWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var waits []time.Duration
		upstream := &script{steps: []http.HandlerFunc{answer(503, `{}`), answer(429, `{}`, "Retry-After", "7"), oneUser}}
		d := directoryAt(t, "http://localhost", atlassian.Config{
			Transport: newPipe(t, upstream), Rand: middle,
			OnCall: func(_ context.Context, c atlassian.Call) { waits = append(waits, c.Waited) },
		})
		if _, err := d.User(t.Context(), "1"); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]time.Duration{0, time.Second, 7 * time.Second}, waits); diff != "" {
			t.Errorf("waits (-want +got):\n%s", diff)
		}
	})
}

// TestStaleConnection has net/http itself repeat a GET, which must count: upstream saw both.
func TestStaleConnection(t *testing.T) {
	upstream := &script{steps: []http.HandlerFunc{oneUser, cut, oneUser}}
	var calls []string
	d := newDirectory(t, upstream, atlassian.Config{RetryBase: time.Millisecond, OnCall: func(_ context.Context, c atlassian.Call) {
		calls = append(calls, fmt.Sprint(c.Op, " ", c.Status))
	}})
	for range 2 {
		if _, err := d.User(t.Context(), "1"); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"GET /Users/{id} 200", "GET /Users/{id} 0", "GET /Users/{id} 200"}
	if diff := cmp.Diff(want, calls); diff != "" || upstream.calls() != 3 {
		t.Errorf("upstream saw %d, OnCall (-want +got):\n%s", upstream.calls(), diff)
	}
}
