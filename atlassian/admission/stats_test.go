package admission_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/atlassian/admission"
)

// TestStats has one request in flight, three wait for its place, and upstream ask for quiet on another route.
func TestStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := admission.New(admission.Config{Concurrent: 1, Documented: func(string) float64 { return 10 }})
		begun := time.Now()
		first, _, err := g.Enter(t.Context(), admission.Ask{Route: "GET /a", Class: admission.Normal, Patience: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		first.Leave(admission.Result{Status: http.StatusTooManyRequests, Quiet: time.Minute, Header: http.Header{"X-Ratelimit-Limit": {"50"}}})
		inFlight, _, err := g.Enter(t.Context(), admission.Ask{Route: "GET /b", Class: admission.Urgent, Caller: "idp"})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		for _, caller := range []string{"one", "two", "two"} {
			go g.Enter(ctx, admission.Ask{Route: "GET /b", Class: admission.Batch, Caller: caller})
		}
		synctest.Wait()
		time.Sleep(3 * time.Second)
		got := g.Stats()
		want := admission.Stats{
			Concurrent: 1, Repeats: 20,
			InFlight: [admission.Background + 1]int{admission.Urgent: 1},
			Waiting:  [admission.Background + 1]int{admission.Batch: 3},
			Callers:  []admission.CallerStats{{Caller: "two", Waiting: 2, Longest: 3 * time.Second}, {Caller: "one", Waiting: 1, Longest: 3 * time.Second}},
			Limits: []admission.LimitStats{
				{InFlight: 1, Sent: 2},
				{Route: "GET /a", Rate: 50, Told: true, Limit: 50, Left: 50, Reset: begun.Add(4 * time.Second), Quiet: begun.Add(time.Minute), Sent: 1},
				{Route: "GET /b", Rate: 10, InFlight: 1, Sent: 1},
			},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		cancel()
		synctest.Wait()
		inFlight.Leave(admission.Result{Status: http.StatusOK})
		if got := g.Stats(); got.InFlight != [admission.Background + 1]int{} || got.Callers != nil {
			t.Errorf("afterwards: %+v", got)
		}
	})
}
