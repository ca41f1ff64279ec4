// Package witness keeps what is seen of the running server, for the pages of the console: the latest audit lines, failed
// requests by their cause, who asks how much, and how long requests took.
//
// A [Recorder] listens to the log. A [Trail] is where audit lines are read from: the Recorder, or a [File]. A [Pulse]
// counts requests, step by step. All of it is bounded, and but for files gone when the process ends.
package witness

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap/zapcore"
)

// Recorder listens to the log, and keeps the latest audit lines, failed requests by their cause, and who asks how much.
// Make it with NewRecorder. It is safe for concurrent use.
type Recorder struct {
	mu      sync.Mutex
	lines   []Record // a ring, see first
	written int64    // audit lines in all; the next one is at written modulo mostLines
	causes  map[string]*Cause
	uses    map[string]*use
	started time.Time
}

// The bounds of what is kept.
const (
	mostLines   = 2000
	mostCauses  = 300
	mostCallers = 200
	mostText    = 4 << 10 // bytes of a value of an audit line
	causeLife   = 24 * time.Hour
)

// others are the callers beyond mostCallers.
const others = "(others)"

// use is what one caller has asked for.
type use struct {
	requests Pulse
	calls    hours // requests to upstream
	last     time.Time
}

// hours sums a number by minutes, for an hour.
type hours struct {
	begin [beats]int64
	n     [beats]int
}

func (h *hours) add(at time.Time, n int) {
	begin := at.Unix() / 60
	i := begin % beats
	if h.begin[i] != begin {
		h.begin[i], h.n[i] = begin, 0
	}
	h.n[i] += n
}

func (h *hours) sum(now time.Time) (n int) {
	for i, begin := range h.begin {
		if begin > now.Unix()/60-beats {
			n += h.n[i]
		}
	}
	return n
}

// Cause is a group of failed requests that have the same reason.
type Cause struct {
	Text        string // of the last of them
	Kind        string // the resource type or other endpoint; empty: it was refused before that was known
	Method      string
	Status      int
	Count       int
	First, Last time.Time
	Callers     []string // some of those who got it
	RequestID   string   // of the last one
}

// NewRecorder makes a Recorder that has heard nothing.
func NewRecorder() *Recorder {
	return &Recorder{causes: map[string]*Cause{}, uses: map[string]*use{}, started: time.Now()}
}

// Core is what a logger is given besides the core that writes: zapcore.NewTee(core, recorder.Core()).
func (r *Recorder) Core() zapcore.Core { return listener{r: r} }

// listener is the zapcore.Core of a Recorder.
type listener struct {
	r    *Recorder
	with []zapcore.Field
}

func (l listener) Enabled(level zapcore.Level) bool { return level >= zapcore.InfoLevel }

func (l listener) With(fields []zapcore.Field) zapcore.Core {
	l.with = append(slices.Clip(l.with), fields...)
	return l
}

func (l listener) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if e.Message == "request" || e.Message == "audit" || e.Message == "intent" {
		return checked.AddCore(e, l)
	}
	return checked
}

func (l listener) Sync() error { return nil }

func (l listener) Write(e zapcore.Entry, fields []zapcore.Field) error {
	if e.Message == "request" {
		if len(l.with) > 0 {
			fields = slices.Concat(l.with, fields)
		}
		l.r.request(e.Time, fields)
		return nil
	}
	enc := zapcore.NewMapObjectEncoder()
	for _, f := range l.with {
		f.AddTo(enc)
	}
	for _, f := range fields {
		f.AddTo(enc)
	}
	record := Record{"time": e.Time.UTC().Format(time.RFC3339Nano), "msg": e.Message}
	for name, value := range enc.Fields {
		record[name] = clip(value)
	}
	l.r.keep(record)
	return nil
}

// clip bounds a value of an audit line.
func clip(v any) any {
	switch v := v.(type) {
	case string:
		if len(v) > mostText {
			return strings.ToValidUTF8(v[:mostText], "") + "…"
		}
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = clip(v[i])
		}
		return list
	}
	return v
}

func (r *Recorder) keep(record Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.lines) < mostLines {
		r.lines = append(r.lines, record)
	} else {
		r.lines[r.written%mostLines] = record
	}
	r.written++
}

// line is the fields of a request's line, which are texts, numbers and durations.
type line []zapcore.Field

// field returns the field with a name, the zero one if there is none.
func (l line) field(name string) (f zapcore.Field) {
	if at := slices.IndexFunc(l, func(f zapcore.Field) bool { return f.Key == name }); at >= 0 {
		f = l[at]
	}
	return f
}

func (l line) text(name string) string { return l.field(name).String }
func (l line) number(name string) int  { return int(l.field(name).Integer) }

// request counts a request for its caller, and for its cause if it failed.
func (r *Recorder) request(at time.Time, fields line) {
	status := fields.number("status")
	took := time.Duration(fields.field("duration").Integer)
	who := cmp.Or(fields.text("principal"), "(not signed in)")
	method := fields.text("method")
	failed := status >= 400 && (status != 404 || method != "GET" && method != "HEAD")
	r.mu.Lock()
	defer r.mu.Unlock()
	u := r.uses[who]
	if u == nil {
		if len(r.uses) >= mostCallers {
			who = others
		}
		if u = r.uses[who]; u == nil {
			u = &use{requests: Pulse{step: 60}}
			r.uses[who] = u
		}
	}
	u.requests.Note(at, took, failed)
	u.calls.add(at, fields.number("upstreamCalls"))
	u.last = at
	if failed {
		r.blame(at, who, status, method, fields)
	}
}

// statusOf is what an error begins with: its status, and its scimType.
var statusOf = regexp.MustCompile(`^\d{3}( \w+)?: `)

// varying are the parts of an error that differ from one to the next though the cause is the same.
var varying = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|\b\d[\w:.-]*`)

func (r *Recorder) blame(at time.Time, who string, status int, method string, fields line) {
	message, _ := clip(fields.text("error")).(string)
	detail := statusOf.ReplaceAllString(message, "") // which has a column of its own
	kind := cmp.Or(fields.text("resourceType"), fields.text("endpoint"))
	key := fmt.Sprintf("%d %s %s %s", status, method, kind, varying.ReplaceAllString(detail, "…"))
	c := r.causes[key]
	if c == nil {
		if len(r.causes) >= mostCauses {
			r.forgetOldest()
		}
		c = &Cause{Kind: kind, Method: method, Status: status, First: at}
		r.causes[key] = c
	}
	c.Count++
	c.Text, c.Last, c.RequestID = detail, at, fields.text("requestId")
	if !slices.Contains(c.Callers, who) && len(c.Callers) < 10 {
		c.Callers = append(c.Callers, who)
	}
}

func (r *Recorder) forgetOldest() {
	oldest := ""
	for key, c := range r.causes {
		if oldest == "" || c.Last.Before(r.causes[oldest].Last) {
			oldest = key
		}
	}
	delete(r.causes, oldest)
}

// Failures lists the causes of the last day, the latest first.
func (r *Recorder) Failures(now time.Time) []Cause {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []Cause
	for key, c := range r.causes {
		if now.Sub(c.Last) > causeLife {
			delete(r.causes, key)
			continue
		}
		copied := *c
		copied.Callers = slices.Clone(c.Callers)
		all = append(all, copied)
	}
	slices.SortFunc(all, func(a, b Cause) int { return b.Last.Compare(a.Last) })
	return all
}

// Spender is what a caller has asked for in the last hour.
type Spender struct {
	Name  string
	Hour  Beat
	Calls int // requests to upstream
	Last  time.Time
}

// Spenders lists the callers, who has cost most first.
func (r *Recorder) Spenders(now time.Time) []Spender {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []Spender
	for name, u := range r.uses {
		all = append(all, Spender{name, Sum(u.requests.Last(now)), u.calls.sum(now), u.last})
	}
	slices.SortFunc(all, func(a, b Spender) int {
		return cmp.Or(b.Calls-a.Calls, b.Hour.N-a.Hour.N, strings.Compare(a.Name, b.Name))
	})
	return all
}

// Latest implements Trail. Places are numbers of lines, from 1.
func (r *Recorder) Latest(_ context.Context, before int64, yield func(at int64, line Record) bool) error {
	r.mu.Lock()
	lines, end := slices.Clone(r.lines), r.written
	r.mu.Unlock()
	first := end - int64(len(lines))
	if before > 0 {
		end = min(end, before-1)
	}
	for n := end; n > first; n-- {
		if !yield(n, lines[(n-1)%mostLines]) {
			return nil
		}
	}
	return nil
}

// About implements Trail.
func (r *Recorder) About() string {
	return fmt.Sprintf("The latest %d audit lines since %s are in memory.", mostLines, r.started.UTC().Format("2006-01-02 15:04:05 UTC"))
}
