package scim

import (
	"time"

	"scim-atlassian/scim/feed"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
)

// copyFacts are what is kept of Atlassian, for /connector/health: the copy of each
// type, and the logs that tell what others change. It makes no call.
func (b *backends) copyFacts(now time.Time) query.Object {
	copies := make([]any, len(b.kept))
	for i, m := range b.kept {
		copies[i] = copyFact(m.Snapshot(), now)
	}
	facts := query.Object{{Name: "copies", Value: copies}}
	if b.feed == nil {
		return facts
	}
	stats := b.feed.Stats()
	logs := make([]any, len(stats.Logs))
	for i, l := range stats.Logs {
		logs[i] = logFact(l)
	}
	facts.Set("logs", logs)
	setTime(&facts, "lastHint", stats.LastHint)
	if !stats.LastHint.IsZero() {
		facts.Set("lag", stats.Lag.Round(time.Millisecond).String())
	}
	return facts
}

// copyFact is the copy of one type: how large and how old it is, and why it is not complete.
func copyFact(s mirror.Stats, now time.Time) query.Object {
	o := query.Texts("type", s.Type)
	state := "unread"
	switch {
	case s.Alarm != "":
		state = "doubted"
		o.Set("reason", s.Alarm)
	case s.Kept:
		state = "fresh"
	case !s.Proven.IsZero():
		state = "old" // the next list that needs it reads it again
	}
	o.Set("state", state)
	o.Set("resources", int64(s.Resources))
	if !s.Proven.IsZero() {
		setTime(&o, "asOf", now.Add(-s.AsOfAge))
		setTime(&o, "provenAsOf", s.Proven)
	}
	if s.Reading {
		o.Set("reading", query.Object{{Name: "read", Value: int64(s.Read)}, {Name: "of", Value: int64(s.Total)}})
	}
	return o
}

// logFact is how far a log of changes was read.
func logFact(l feed.LogStats) query.Object {
	o := query.Texts("name", l.Name, "state", l.State)
	setTime(&o, "lastPoll", l.LastPoll)
	setTime(&o, "lastNews", l.LastNews)
	return o
}

func setTime(o *query.Object, name string, t time.Time) {
	if !t.IsZero() {
		o.Set(name, t.UTC().Truncate(time.Millisecond))
	}
}
