package tenant

import (
	"bytes"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// HeldAnswer is an http.ResponseWriter that keeps the answer, so that it can be
// looked at, changed or dropped before anything is sent.
type HeldAnswer struct {
	Status int // 0 until one is written
	Body   bytes.Buffer

	header http.Header
}

// NewHeldAnswer returns an empty answer.
func NewHeldAnswer() *HeldAnswer { return &HeldAnswer{header: http.Header{}} }

// Header returns the header of the answer.
func (h *HeldAnswer) Header() http.Header { return h.header }

// WriteHeader sets the status, unless one is set.
func (h *HeldAnswer) WriteHeader(status int) {
	if h.Status == 0 {
		h.Status = status
	}
}

// Write appends to the body.
func (h *HeldAnswer) Write(b []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	return h.Body.Write(b)
}

// Release sends the answer.
func (h *HeldAnswer) Release(w http.ResponseWriter) {
	h.WriteHeader(http.StatusOK)
	for name, values := range h.header {
		w.Header()[name] = values
	}
	if h.Status != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.Itoa(h.Body.Len()))
	}
	w.WriteHeader(h.Status)
	if h.Status != http.StatusNoContent {
		w.Write(h.Body.Bytes())
	}
}

// WriteProxyError refuses a request in the form of the gateway that stands in
// front of Atlassian's APIs.
func WriteProxyError(w http.ResponseWriter, status int, message string) {
	WriteJSON(w, status, "application/json", struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{status, message})
}

// SetRateLimitHeaders says that nothing is left of a limit until reset. The
// admin APIs and Jira use the same headers; see
// developer.atlassian.com/cloud/admin/organization/rest/intro.
func SetRateLimitHeaders(header http.Header, limit int, reset time.Time) {
	header.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	header.Set("X-RateLimit-Remaining", "0")
	header.Set("X-RateLimit-Reset", reset.UTC().Format("2006-01-02T15:04:05Z"))
}

// RateLimiter grants a number of requests in each second of the clock. It is
// safe for concurrent use.
type RateLimiter struct {
	PerSecond int // 0: no limit

	mu     sync.Mutex
	second time.Time
	used   int
}

// Allow counts a request and reports whether it is within the limit. Otherwise
// it sets the headers that say when the next second begins.
func (l *RateLimiter) Allow(header http.Header, now time.Time) bool {
	if l.PerSecond == 0 {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if second := now.Truncate(time.Second); !second.Equal(l.second) {
		l.second, l.used = second, 0
	}
	if l.used == l.PerSecond {
		SetRateLimitHeaders(header, l.PerSecond, l.second.Add(time.Second))
		return false
	}
	l.used++
	return true
}
