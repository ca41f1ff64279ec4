package plot

import (
	"strings"
	"testing"
	"time"

	"scim-atlassian/scim/console/witness"
)

// TestPlots holds the plots to what they show, in shapes and in words.
func TestPlots(t *testing.T) {
	var p witness.Pulse
	now := time.Unix(1_800_000_000, 0)
	quiet := string(Latency(p.Last(now)))
	if strings.Contains(quiet, "<polyline") || !strings.Contains(quiet, "No requests") {
		t.Errorf("nothing was asked: %s", quiet)
	}
	for _, ago := range []time.Duration{0, 15 * time.Second, 5 * time.Minute} { // two stretches, with a gap between them
		p.Note(now.Add(-ago), 40*time.Millisecond, ago == 0)
	}
	latency, requests := string(Latency(p.Last(now))), string(Requests(p.Last(now)))
	if n := strings.Count(latency, "<polyline"); n != 2 || !strings.Contains(latency, "95% were answered within 50 ms") {
		t.Errorf("%d lines, want 2: %s", n, latency)
	}
	if bars, failed := strings.Count(requests, `class="bar"`), strings.Count(requests, `class="fail"`); bars != 3 || failed != 1 || !strings.Contains(requests, "3 in the last quarter of an hour, 1 of them failed") {
		t.Errorf("%d bars, %d of failures: %s", bars, failed, requests)
	}
	for got, want := range map[string]string{
		string(Share(1, 10, "x")): `class="bar" width="10.0"`, string(Share(9, 10, "x")): `class="much" width="90.0"`, string(Share(12, 10, "x")): `class="fail" width="100.0"`,
		string(Share(0, 0, "x")): `class="bar" width="0.0"`, string(Part(10, 10, `"<b>`)): `class="bar" width="100.0"`,
	} {
		if !strings.Contains(got, want) || strings.Contains(got, "<b>") {
			t.Errorf("no %s in %s", want, got)
		}
	}
}
