package admission

import (
	"net/http"
	"strconv"
	"time"
)

// RetryAfter reads how long upstream asks to wait: Retry-After in seconds or as a date (RFC 9110 section 10.2.3),
// else X-RateLimit-Reset, an ISO 8601 time. 0 means that it does not say; nonsense is bounded to an hour.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	const most = time.Hour
	var d time.Duration
	if text := h.Get("Retry-After"); text != "" {
		if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
			d = time.Duration(seconds) * time.Second
		} else if at, err := http.ParseTime(text); err == nil {
			d = at.Sub(now)
		}
	} else if text := h.Get("X-RateLimit-Reset"); text != "" {
		if at, err := ParseReset(text); err == nil {
			d = at.Sub(now)
		}
	}
	return min(max(d, 0), most)
}
