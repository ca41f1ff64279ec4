// Package crowd bounds what all requests together may take of the server: how many
// are in flight, in all and of one caller, and how many bytes of their bodies are
// in memory. What is beyond is refused, and told when to come back.
package crowd

import (
	"io"
	"net/http"
	"sync"
	"time"

	"scim-atlassian/scim/resource"
)

// Limits are the bounds; 0 is none.
type Limits struct {
	InFlight  int   // requests
	PerCaller int   // requests of one caller
	BodyBytes int64 // of the bodies of all requests in flight
}

// again is when it is worth to try again.
const again = time.Second

// Crowd counts the requests in flight. It is safe for concurrent use.
type Crowd struct {
	limits Limits

	mu       sync.Mutex
	inFlight int
	byCaller map[string]int
	bytes    int64
}

// New returns a Crowd of nobody.
func New(limits Limits) *Crowd { return &Crowd{limits: limits, byCaller: map[string]int{}} }

// Place is that of one request. A nil Place is that of a request which was not
// counted.
type Place struct {
	crowd  *Crowd
	caller string
	bytes  int64 // of its body; only the goroutine that serves the request touches it
}

// Enter counts a request, until Leave. It fails with a *resource.Error, 429, if the
// caller has too many requests in flight, or if there are too many in all. A nil
// Crowd counts nothing.
func (c *Crowd) Enter(caller string) (*Place, error) {
	if c == nil {
		return nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.limits.PerCaller > 0 && c.byCaller[caller] >= c.limits.PerCaller:
		return nil, &resource.Error{Status: http.StatusTooManyRequests, RetryAfter: again, Detail: "This caller has too many requests in flight; try again after the time in Retry-After, with fewer at once."}
	case c.limits.InFlight > 0 && c.inFlight >= c.limits.InFlight:
		return nil, &resource.Error{Status: http.StatusTooManyRequests, RetryAfter: again, Detail: "Too many requests are in flight; try again after the time in Retry-After."}
	}
	c.inFlight++
	c.byCaller[caller]++
	return &Place{crowd: c, caller: caller}, nil
}

// Leave gives back what the request has taken.
func (p *Place) Leave() {
	if p == nil {
		return
	}
	c := p.crowd
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inFlight--
	c.bytes -= p.bytes
	if c.byCaller[p.caller]--; c.byCaller[p.caller] == 0 {
		delete(c.byCaller, p.caller)
	}
}

// Body counts the bytes that are read of a request's body. Reading fails with a
// 503 *resource.Error where all bodies together are too large. Of a compressed
// body, most is counted at once, as many bytes as it may stand for.
func (p *Place) Body(r *http.Request, most int64) {
	if p == nil || r.Body == nil || r.Body == http.NoBody {
		return
	}
	b := &body{ReadCloser: r.Body, place: p}
	if r.Header.Get("Content-Encoding") != "" {
		b.ahead = most
	}
	r.Body = b
}

type body struct {
	io.ReadCloser
	place *Place
	ahead int64 // still to be counted before anything is read
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if err := b.place.take(b.ahead); err != nil {
		return 0, err
	}
	b.ahead = 0
	n, err := b.ReadCloser.Read(p)
	if refused := b.place.take(int64(n)); refused != nil {
		return 0, refused
	}
	return n, err
}

// take counts bytes of the body.
func (p *Place) take(n int64) error {
	c := p.crowd
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.limits.BodyBytes > 0 && c.bytes+n > c.limits.BodyBytes {
		return &resource.Error{Status: http.StatusServiceUnavailable, RetryAfter: again, Detail: "The bodies of all requests in flight are too large together; try again after the time in Retry-After."}
	}
	c.bytes += n
	p.bytes += n
	return nil
}
