package jira

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"scim-atlassian/atlassian/emulator/tenant"
)

// rateLimits are the limits that apply to API tokens: a token bucket for each
// endpoint and method, and two windows of writes to each issue.
type rateLimits struct {
	mu      sync.Mutex
	buckets map[string]*bucket
	writes  map[string][]time.Time // by issue as addressed, latest last
}

// bucket holds up to a second's worth of requests.
type bucket struct {
	left float64
	at   time.Time
}

// burstRate returns the number of requests a second that an endpoint grants.
func burstRate(pattern string) float64 {
	switch pattern {
	case "GET /issue/{issue}", "GET /user", "POST /search/approximate-count":
		return 150
	case "GET /project/{project}/role/{role}":
		return 200
	}
	if method, _, _ := strings.Cut(pattern, " "); method == "PUT" || method == "DELETE" {
		return 50
	}
	return 100
}

// issueWindows bound the writes to one issue.
var issueWindows = []struct {
	length time.Duration
	writes int
}{{2 * time.Second, 20}, {30 * time.Second, 100}}

// allow counts a request and reports whether it is within the limits. If it is
// not, allow has answered with 429.
func (l *rateLimits) allow(w http.ResponseWriter, r *http.Request, route endpoint, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	rate := burstRate(route.pattern)
	left, wait := l.take(route.pattern, rate, now)
	setQuota(w.Header(), rate, left)
	if wait > 0 {
		tooMany(w, "jira-burst-based", wait, now)
		return false
	}
	if i := r.PathValue("issue"); i != "" && route.access == writes {
		if wait := l.write(strings.ToUpper(i), now); wait > 0 {
			tooMany(w, "jira-per-issue-on-write", wait, now)
			return false
		}
	}
	return true
}

// take removes a token from a bucket. If the bucket is empty, wait says how long
// it stays so.
func (l *rateLimits) take(name string, rate float64, now time.Time) (left float64, wait time.Duration) {
	if l.buckets == nil {
		l.buckets, l.writes = map[string]*bucket{}, map[string][]time.Time{}
	}
	b := l.buckets[name]
	if b == nil {
		b = &bucket{left: rate, at: now}
		l.buckets[name] = b
	}
	b.left = math.Min(rate, b.left+rate*now.Sub(b.at).Seconds())
	b.at = now
	if b.left < 1 {
		return 0, time.Second
	}
	b.left--
	return b.left, 0
}

// write counts a write to an issue. If it is not allowed, wait says how long
// that stays so.
func (l *rateLimits) write(issue string, now time.Time) (wait time.Duration) {
	recent := l.writes[issue]
	for _, window := range issueWindows {
		if n := len(recent); n >= window.writes {
			if free := recent[n-window.writes].Add(window.length); now.Before(free) {
				wait = max(wait, free.Sub(now))
			}
		}
	}
	if wait == 0 {
		recent = append(recent, now)
		l.writes[issue] = recent[max(0, len(recent)-issueWindows[1].writes):]
	}
	return wait
}

// setQuota sets the headers that tell a caller about its bucket.
func setQuota(h http.Header, rate, left float64) {
	h.Set("X-RateLimit-Limit", strconv.Itoa(int(rate)))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(int(left)))
	h.Set("Beta-RateLimit-Policy", fmt.Sprintf(`"jira-burst-based";q=%d;w=1`, int(rate)))
	h.Set("Beta-RateLimit", fmt.Sprintf(`"jira-burst-based";r=%d;t=1`, int(left)))
	if left < rate/5 {
		h.Set("X-RateLimit-NearLimit", "true")
	}
}

func tooMany(w http.ResponseWriter, reason string, wait time.Duration, now time.Time) {
	seconds := int(math.Ceil(wait.Seconds()))
	h := w.Header()
	h.Set("Retry-After", strconv.Itoa(seconds))
	h.Set("X-RateLimit-Reset", now.Add(time.Duration(seconds)*time.Second).Format(time.RFC3339))
	h.Set("RateLimit-Reason", reason)
	tenant.WriteJSON(w, http.StatusTooManyRequests, contentType, (&apiError{messages: []string{"Rate limit exceeded."}}).envelope())
}
