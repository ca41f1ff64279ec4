// Package doubt remembers the writes that a client gave up waiting for. Upstream may still
// carry them out, and would undo what was written meanwhile: so another write to the same
// resource waits until that cannot happen any more. The same write need not wait, since it
// is of no matter which of the two comes last.
package doubt

import (
	"context"
	"hash/maphash"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Writes are the writes in doubt. Make them with New. They are safe for concurrent use.
type Writes struct {
	settle time.Duration // how long after the client gave up upstream may go on
	seed   maphash.Seed

	mu     sync.Mutex
	byPath map[string]doubt
}

type doubt struct {
	until time.Time
	write uint64 // hash of method, query and body; 0: several
}

// New returns no writes. Upstream may go on with one for settle after the client gave up.
func New(settle time.Duration) *Writes {
	return &Writes{settle: settle, seed: maphash.MakeSeed(), byPath: map[string]doubt{}}
}

// Mark identifies what a write does to its subject.
func (d *Writes) Mark(req *http.Request, body []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(d.seed)
	h.WriteString(req.Method + " " + req.URL.Path + "?" + req.URL.RawQuery + " ")
	h.Write(body)
	return h.Sum64() | 1
}

// account matches the two paths of an account in the administration APIs: where it is read, and where it is enabled and
// disabled.
var account = regexp.MustCompile(`^.*(/users/[^/]+)(/manage/lifecycle/[a-z]+)?$`)

// subject is what requests with a path are about, which mostly is the path. An account of an organization has several.
func subject(path string) string {
	match := account.FindStringSubmatch(path)
	if match == nil || match[2] == "" && !strings.Contains(path, "/directories/-/users/") {
		return path
	}
	return match[1]
}

// Add notes a write that was given up just now.
func (d *Writes) Add(req *http.Request, write uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	for p, old := range d.byPath {
		if !old.until.After(now) {
			delete(d.byPath, p)
		}
	}
	if old, ok := d.byPath[subject(req.URL.Path)]; ok && old.write != write {
		write = 0
	}
	d.byPath[subject(req.URL.Path)] = doubt{now.Add(d.settle), write}
}

// remaining returns how long a write must wait. A deletion also waits for a creation beside it, which could bring back
// what it deletes.
func (d *Writes) remaining(req *http.Request, write uint64) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	var wait time.Duration
	if old, ok := d.byPath[subject(req.URL.Path)]; ok && old.write != write {
		wait = time.Until(old.until)
	}
	if beside, ok := d.byPath[path.Dir(req.URL.Path)]; ok && req.Method == http.MethodDelete {
		wait = max(wait, time.Until(beside.until))
	}
	return wait
}

// Wait waits until no write in doubt can undo this one, or what is read for the sake of one, but no longer than
// patience. It returns how long it has waited and, if patience does not suffice, how long it would still take.
func (d *Writes) Wait(ctx context.Context, req *http.Request, write uint64, patience time.Duration) (waited, left time.Duration, err error) {
	for {
		wait := d.remaining(req, write)
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
