// Package issuelog keeps a copy of the issues with the log of their changes, on which delta queries rest.
//
// Lists of issues are asked of Jira; the copy serves deltas alone. It is a
// [mirror.Mirror], which a search brings up to date: the search tells which issues
// there are, and which were updated of late. What it tells is read by id, since reads are up to date
// and the index of searches is not: an index that lags behind hides a change for as long, and
// takes nothing away. What does not move the time of the last
// update of an issue is found by the next reading of all issues.
package issuelog

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/jira"
	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/state"
)

// Type is the type under which the log has the changes of issues.
const Type = "Issue"

// The times of the copy.
const (
	// overlap is how far a search for what was updated looks back beyond the one before: so far
	// may the index be behind, and Jira's clock be off, without hiding an update from deltas.
	overlap = 15 * time.Minute
	// believed is how long what searches brought counts at least without another one. Log.catchUp
	// searches sooner.
	believed = time.Hour
	// provenFor is how long searches stand for a reading of all issues, where nothing reads
	// them in the background.
	provenFor = 48 * time.Hour
)

// Config of a Log. All but TTL is required.
type Config struct {
	State  *state.Store
	TTL    time.Duration // how old an answer may be; 0: every query searches
	Budget int           // upstream calls that one query may cost
	Now    func() time.Time
}

// Log is the copy of the issues and the log of their changes. Make it with New, put issues under it with
// Over, and Load it. It is safe for concurrent use.
type Log struct {
	cfg    Config
	mirror *mirror.Mirror
	issues atomic.Pointer[jira.Issues] // nil: the attributes of issues are not known yet

	turn   sync.Mutex   // held by the search under way
	missed atomic.Bool  // a write may have made an issue that nobody knows
	upTo   atomic.Int64 // when the last search began, in nanoseconds; 0: never
}

// New returns a Log that knows nothing yet.
func New(cfg Config) *Log {
	l := &Log{cfg: cfg}
	l.mirror = mirror.New(mirror.Source{Name: Type, Scan: l.scan, Read: l.readOne, Price: func(issues int) int { return 1 + issues/readAtOnce }},
		mirror.Config{TTL: max(believed, cfg.TTL), Budget: cfg.Budget, Now: cfg.Now, State: cfg.State})
	l.mirror.Trust(func() (upTo, since time.Time) { return l.searched(), time.Time{} }, provenFor)
	return l
}

// Over returns the issues as a backend that tells the log of its writes. The log reads by them
// from now on.
func (l *Log) Over(issues *jira.Issues) *Issues {
	l.issues.Store(issues)
	return &Issues{issues, l}
}

// The place in the state of how far the log has searched.
const (
	stateKind = "issues"
	stateKey  = "searched"
)

// Load takes over what an earlier process has left in the state. Call it before the
// first request.
func (l *Log) Load(ctx context.Context) error {
	if err := l.recall(ctx); err != nil {
		return err
	}
	return l.mirror.Load(ctx)
}

// recall takes over from the state how far the log has searched.
func (l *Log) recall(ctx context.Context) error {
	v, found, err := l.cfg.State.Value(ctx, stateKind, stateKey)
	if err != nil || !found {
		return err
	}
	var at time.Time
	if err := json.Unmarshal(v.Data, &at); err != nil {
		return fmt.Errorf("how far issues were searched: %w", err)
	}
	l.upTo.Store(at.UnixNano())
	return nil
}

// note keeps that a search that began at a time has succeeded.
func (l *Log) note(ctx context.Context, at time.Time) error {
	data, err := json.Marshal(at)
	if err == nil {
		err = l.cfg.State.Put(ctx, stateKind, stateKey, data, time.Time{})
	}
	if err == nil {
		l.upTo.Store(at.UnixNano())
	}
	return err
}

// searched is when the last search began, the zero time if there was none.
func (l *Log) searched() time.Time {
	if at := l.upTo.Load(); at != 0 {
		return time.Unix(0, at).UTC()
	}
	return time.Time{}
}

// Keep reads all issues now and then until ctx ends, see mirror.Mirror.Keep. Its requests to
// Jira stand back behind those that somebody waits for.
func (l *Log) Keep(ctx context.Context, k mirror.Keeping) {
	l.mirror.Keep(atlassian.Background(ctx), k)
}

// Snapshot tells about the copy, for metrics. It costs no upstream call.
func (l *Log) Snapshot() mirror.Stats { return l.mirror.Stats() }

// Accept has the next reading believed although it has lost most issues.
func (l *Log) Accept() { l.mirror.Accept() }

// Reconsider has everything read again, see mirror.Mirror.Reconsider.
func (l *Log) Reconsider() { l.mirror.Reconsider() }

// source returns the issues that the log reads by.
func (l *Log) source() (*jira.Issues, error) {
	if issues := l.issues.Load(); issues != nil {
		return issues, nil
	}
	return nil, &resource.Error{Status: http.StatusServiceUnavailable, RetryAfter: 30 * time.Second, Detail: "The attributes of issues are not known yet."}
}

// keptMeta is meta as the copy has it: the time of change of an issue is Jira's, as in lists, and
// not that at which the log took it.
const keptMeta = "jiraMeta"

// kept returns an issue as the copy has it: what Jira tells with every issue.
func kept(issues *jira.Issues, o query.Object) query.Object {
	var onRequest []string
	for _, a := range issues.Schema().Attributes {
		if a.Returned == query.Request {
			onRequest = append(onRequest, a.Name)
		}
	}
	return renamed(issues.Lasting(o.Without(onRequest...)), "meta", keptMeta)
}

// shown returns what kept got; nil of nil.
func shown(issues *jira.Issues, o query.Object) query.Object {
	if o == nil {
		return nil
	}
	return issues.Shown(renamed(o, keptMeta, "meta"))
}

// renamed returns an object in which a member has another name.
func renamed(o query.Object, from, to string) query.Object {
	o = slices.Clone(o)
	for i := range o {
		if o[i].Name == from {
			o[i].Name = to
		}
	}
	return o
}
