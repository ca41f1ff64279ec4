package atlassian

import (
	"context"
	"hash/maphash"
	"net/http"
	"path"
	"sync"
	"time"
)

// doubts remembers the writes that the client gave up waiting for. Upstream may still carry them out, and would undo
// what was written meanwhile: so another write to the same resource waits until that cannot happen any more. The same
// write need not wait, since it is of no matter which of the two comes last. A doubts is safe for concurrent use.
type doubts struct {
	settle time.Duration // how long after the client gave up upstream may go on
	seed   maphash.Seed

	mu     sync.Mutex
	byPath map[string]doubt
}

type doubt struct {
	until time.Time
	write uint64 // hash of method, query and body; 0: several
}

func newDoubts(settle time.Duration) *doubts {
	return &doubts{settle: settle, seed: maphash.MakeSeed(), byPath: map[string]doubt{}}
}

// mark identifies what a write does to the resource at its path.
func (d *doubts) mark(req *http.Request, body []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(d.seed)
	h.WriteString(req.Method + " " + req.URL.RawQuery + " ")
	h.Write(body)
	return h.Sum64() | 1
}

// add notes a write that was given up just now.
func (d *doubts) add(req *http.Request, write uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	for p, old := range d.byPath {
		if !old.until.After(now) {
			delete(d.byPath, p)
		}
	}
	if old, ok := d.byPath[req.URL.Path]; ok && old.write != write {
		write = 0
	}
	d.byPath[req.URL.Path] = doubt{now.Add(d.settle), write}
}

// remaining returns how long a write must wait. A deletion also waits for a creation beside it, which could bring back
// what it deletes.
func (d *doubts) remaining(req *http.Request, write uint64) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	var wait time.Duration
	if old, ok := d.byPath[req.URL.Path]; ok && old.write != write {
		wait = time.Until(old.until)
	}
	if beside, ok := d.byPath[path.Dir(req.URL.Path)]; ok && req.Method == http.MethodDelete {
		wait = max(wait, time.Until(beside.until))
	}
	return wait
}

// certain waits until no write of somebody who gave up can undo this one, or what is read for the sake of one. It fails
// if that takes longer than the operation may wait; then nothing was sent.
func (o *operation) certain(req *http.Request) error {
	if o.reads && !o.work.Changes {
		return nil
	}
	for {
		wait := o.doubts.remaining(req, o.mark)
		if wait <= 0 {
			return nil
		}
		if wait > min(o.cfg.MaxRetryWait-o.waited, untilDeadline(req.Context())) {
			return &Error{Kind: Unavailable, RetryAfter: wait, Detail: "an earlier change of the same resource was not answered and may still take effect"}
		}
		o.waited += wait
		if err := sleep(req.Context(), wait); err != nil {
			return err
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
