package feed

import (
	"maps"
	"time"

	"scim-atlassian/atlassian"
)

// Stats describe a feed for people and metrics.
type Stats struct {
	Logs    []LogStats
	Carried map[Kind]Carried
	// LastHint is when there last was something to read again, zero if never. Lag is how long before the latest of it
	// had changed.
	LastHint time.Time
	Lag      time.Duration
	// Unknown counts entries that are about nothing known, by action; beyond fifty names together as "other".
	Unknown map[string]int64
}

// The states of a log.
const (
	Starting = "starting" // it was not read yet
	Silent   = "silent"   // it was read, and has never told anything
	Living   = "living"
	Refused  = "refused" // the plan, the key or the account has no right to it
	Failing  = "failing"
)

// Entries of unknown actions are counted by so many names, of so many bytes.
const (
	maxUnknown = 50
	maxNameLen = 64
)

// LogStats describe one log.
type LogStats struct {
	Name     string // events or records
	State    string
	LastPoll time.Time // the last that read to the end; zero: none
	LastNews time.Time // the time of the latest entry; zero: there was none
	Err      error     // of the last poll; nil: it succeeded
}

// Stats returns them as they are now. It makes no call.
func (f *Feed) Stats() Stats {
	now := f.cfg.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	stats := Stats{Carried: map[Kind]Carried{}, LastHint: f.hinted, Lag: f.lag, Unknown: maps.Clone(f.unknown)}
	for _, s := range f.sources() {
		stats.Logs = append(stats.Logs, LogStats{s.name, s.state(), s.at.Polled, s.at.Living, s.err})
	}
	for _, kind := range Kinds {
		stats.Carried[kind] = Unknown
		if s := f.carrier(kind); s != nil {
			stats.Carried[kind] = s.at.Verdicts[kind].carried(now)
		}
	}
	return stats
}

func (s *source) state() string {
	switch kind := atlassian.KindOf(s.err); {
	case kind == atlassian.Forbidden, kind == atlassian.Unauthenticated:
		return Refused
	case s.err != nil:
		return Failing
	case s.at.Polled.IsZero():
		return Starting
	case s.at.Living.IsZero():
		return Silent
	}
	return Living
}

// countUnknown counts entries of an unknown action. The lock is held.
func (f *Feed) countUnknown(action string, n int64) {
	if len(action) > maxNameLen {
		action = action[:maxNameLen]
	}
	if _, named := f.unknown[action]; !named && len(f.unknown) >= maxUnknown {
		action = "other"
	}
	f.unknown[action] += n
}
