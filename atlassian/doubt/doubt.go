// Package doubt remembers the writes that a client gave up waiting for. Upstream may still
// carry them out, and would undo what was written meanwhile: so another write to what they
// touch waits until that cannot happen any more, and so does what is read for the sake of
// one. The same write need not wait, since it is of no matter which of the two comes last.
package doubt

import (
	"bytes"
	"context"
	"hash/maphash"
	"maps"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"
)

// mostBody is the longest body of a write, in bytes, that is kept to see whom it names. A
// longer one is taken to name everybody.
const mostBody = 64 << 10

// Writes are the writes in doubt. Make them with New. They are safe for concurrent use.
type Writes struct {
	settle time.Duration // how long upstream may go on after the longest time that a client waits
	seed   maphash.Seed

	mu  sync.Mutex
	all map[write]doubt
}

// write is what a client has sent.
type write struct {
	subject string
	mark    uint64 // see Mark
}

type doubt struct {
	until time.Time
	body  []byte // nil: it may name anybody
}

// New returns no writes. Upstream may go on with one for settle after the longest time that a
// client waits for an answer.
func New(settle time.Duration) *Writes {
	return &Writes{settle: settle, seed: maphash.MakeSeed(), all: map[write]doubt{}}
}

// Mark identifies what a write does to its subject.
func (d *Writes) Mark(req *http.Request, body []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(d.seed)
	h.WriteString(req.Method + " " + req.URL.Path + "?" + req.URL.RawQuery + " ")
	h.Write(body)
	return h.Sum64()
}

var (
	// account matches the two paths of an account in the administration APIs: where it is read, and where it is enabled
	// and disabled.
	account = regexp.MustCompile(`^.*/directories/-(/users/[^/]+)$|^.*(/users/[^/]+)/manage/lifecycle/[a-z]+$`)
	// issue matches an issue with what is below it, such as its watchers.
	issue = regexp.MustCompile(`^(.*/rest/api/3/issue/[^/]+)/.*$`)
)

// subject is what requests with a path are about, which mostly is the path.
func subject(path string) string {
	if match := account.FindStringSubmatch(path); match != nil {
		return match[1] + match[2]
	}
	if match := issue.FindStringSubmatch(path); match != nil {
		return match[1]
	}
	return path
}

// touches reports whether a write in doubt can undo a request, or change what it reads. A deletion is undone by a
// creation beside it.
func (w write) touches(d doubt, req *http.Request) bool {
	about := subject(req.URL.Path)
	switch {
	case w.subject == about, req.Method == http.MethodDelete && w.subject == path.Dir(req.URL.Path):
		return true
	}
	return req.Method == http.MethodGet && w.showsIn(d, about)
}

// showsIn reports whether a write shows in what is read elsewhere: a user has the groups that it is in, an issue its
// links. An issue may be read by its key, and is written by its id.
func (w write) showsIn(d doubt, about string) bool {
	dir, id := path.Split(about)
	switch path.Base(dir) {
	case "Users":
		return strings.Contains(w.subject, "/Groups/") && (d.body == nil || bytes.Contains(d.body, []byte(id)))
	case "issue":
		return strings.Contains(w.subject, "/rest/api/3/issueLink") || strings.Contains(id, "-") && strings.Contains(w.subject, dir)
	}
	return false
}

// Add notes a write that was given up. At limit the client would have given up by itself; that it did so before, since
// nobody wanted the answer any more, tells nothing of upstream. It keeps the body.
func (d *Writes) Add(req *http.Request, mark uint64, body []byte, limit time.Time) {
	if len(body) == 0 || len(body) > mostBody {
		body = nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all[write{subject(req.URL.Path), mark}] = doubt{limit.Add(d.settle), body}
}

// remaining returns how long a request must wait.
func (d *Writes) remaining(req *http.Request, mark uint64) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	var last time.Time
	now := time.Now()
	maps.DeleteFunc(d.all, func(_ write, in doubt) bool { return !in.until.After(now) })
	for w, in := range d.all {
		if w.mark != mark && in.until.After(last) && w.touches(in, req) {
			last = in.until
		}
	}
	return last.Sub(now)
}

// Wait waits until no write in doubt can undo this one, or what is read for the sake of one, but no longer than
// patience. It returns how long it has waited and, if patience does not suffice, how long it would still take.
func (d *Writes) Wait(ctx context.Context, req *http.Request, mark uint64, patience time.Duration) (waited, left time.Duration, err error) {
	for {
		wait := d.remaining(req, mark)
		if wait <= 0 {
			return waited, 0, nil
		}
		if wait > patience-waited {
			return waited, wait, nil
		}
		waited += wait
		if err := sleep(ctx, wait); err != nil {
			return waited, 0, err
		}
	}
}

// sleep waits for d, or until ctx ends, whose error it returns.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
