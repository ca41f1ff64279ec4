package emulator

import (
	"encoding/json"
	"net/http"
	"sync/atomic"
	"time"

	"scim-atlassian/atlassian/emulator/tenant"
)

// clock is the time of the emulator: a source, and how far it has been moved.
type clock struct {
	source func() time.Time
	ahead  atomic.Int64 // nanoseconds
}

func (c *clock) now() time.Time { return c.source().Add(time.Duration(c.ahead.Load())) }

// Advance moves the clock of the emulator forward: everything that looks at the
// time sees it pass. Reset sets the clock back.
func (e *Emulator) Advance(d time.Duration) { e.clock.ahead.Add(int64(max(d, 0))) }

// Now is the time by the clock of the emulator, in UTC.
func (e *Emulator) Now() time.Time { return e.clock.now().UTC() }

// postClock is POST /_emulator/clock.
func (e *Emulator) postClock(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Advance string `json:"advance"`
	}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&body)
	d, wrong := time.ParseDuration(body.Advance)
	if err != nil || wrong != nil || d < 0 {
		http.Error(w, `want {"advance": a duration such as "24h"}`, http.StatusBadRequest)
		return
	}
	e.Advance(d)
	e.writeClock(w)
}

func (e *Emulator) writeClock(w http.ResponseWriter) {
	tenant.WriteJSON(w, http.StatusOK, "application/json", map[string]time.Time{"now": e.Now()})
}
