package organization

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"scim-atlassian/atlassian/emulator/tenant"
)

// minuteLimits count requests within a minute of the clock, by what is limited.
type minuteLimits struct {
	mu     sync.Mutex
	minute time.Time
	used   map[string]int
}

// take counts a request and returns how many are left, negative beyond the limit.
func (m *minuteLimits) take(now time.Time, name string, limit int) (left int, reset time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if minute := now.Truncate(time.Minute); !minute.Equal(m.minute) {
		m.minute, m.used = minute, map[string]int{}
	}
	m.used[name]++
	return limit - m.used[name], m.minute.Add(time.Minute)
}

// withinMinute counts a request to an endpoint against the published limits, if
// they are enforced, and says in the header how much is left.
func (o *Organization) withinMinute(w http.ResponseWriter, r *http.Request, e endpoint) bool {
	if !o.options.DocumentedLimits {
		return true
	}
	path := e.pattern
	if o.options.LimitFullPaths {
		path = r.Method + " " + r.URL.Path
	}
	limit, perKey := o.options.OtherLimit, 0
	if strings.HasSuffix(e.pattern, "/events-stream") {
		limit, perKey = 50, 60
	}
	now := o.tenant.Now()
	left, reset := o.minutes.take(now, path, limit)
	if perKey > 0 {
		forKey, _ := o.minutes.take(now, keyOf(r)+" "+e.pattern, perKey)
		left = min(left, forKey)
	}
	tenant.SetRateLimitHeaders(w.Header(), limit, reset)
	w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(max(left, 0)))
	return left >= 0
}
