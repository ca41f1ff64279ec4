package emulator

import (
	"bytes"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// heldAnswer keeps an answer back, so that it can be looked at, changed or
// dropped. It is an http.ResponseWriter.
type heldAnswer struct {
	status int // 0: none was written yet
	header http.Header
	body   bytes.Buffer
}

func newHeldAnswer() *heldAnswer { return &heldAnswer{header: http.Header{}} }

func (h *heldAnswer) Header() http.Header { return h.header }

func (h *heldAnswer) WriteHeader(status int) {
	if h.status == 0 {
		h.status = status
	}
}

func (h *heldAnswer) Write(b []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	return h.body.Write(b)
}

// release sends the answer.
func (h *heldAnswer) release(w http.ResponseWriter) {
	h.WriteHeader(http.StatusOK)
	for name, values := range h.header {
		w.Header()[name] = values
	}
	if h.status != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.Itoa(h.body.Len()))
	}
	w.WriteHeader(h.status)
	if h.status != http.StatusNoContent {
		w.Write(h.body.Bytes())
	}
}

// writeProxyError answers as the gateway in front of Atlassian's APIs does when
// it refuses a request.
func writeProxyError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, "application/json", struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{status, message})
}

// setRateLimitHeaders adds the headers that the admin APIs and Jira share.
// They are documented for api.atlassian.com as
// developer.atlassian.com/cloud/admin/organization/rest/intro.
func setRateLimitHeaders(header http.Header, limit int, reset time.Time) {
	header.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	header.Set("X-RateLimit-Remaining", "0")
	header.Set("X-RateLimit-Reset", reset.UTC().Format("2006-01-02T15:04:05Z"))
}

// rateLimiter grants a number of requests in each second of the clock.
type rateLimiter struct {
	perSecond int // 0: no limit

	mu     sync.Mutex
	second time.Time
	used   int
}

// allow reports whether one more request is granted at a time. If none is, it
// sets the headers that say when the next will be.
func (l *rateLimiter) allow(header http.Header, now time.Time) bool {
	if l.perSecond == 0 {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if second := now.Truncate(time.Second); !second.Equal(l.second) {
		l.second, l.used = second, 0
	}
	if l.used == l.perSecond {
		setRateLimitHeaders(header, l.perSecond, l.second.Add(time.Second))
		return false
	}
	l.used++
	return true
}
