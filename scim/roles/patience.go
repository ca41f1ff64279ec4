package roles

import (
	"context"
	"net/http"
	"time"

	"scim-atlassian/scim/mirror"
	"scim-atlassian/scim/resource"
)

const (
	firstWait              = 500 * time.Millisecond // each further wait is twice as long
	provisioningRetryAfter = 30 * time.Second       // for the client, when the time is over
)

// Patience waits for Atlassian to bring an account from the directory to Jira,
// which takes a moment. It serves one request: it is not safe for concurrent use.
type Patience struct {
	now  func() time.Time
	ends time.Time
	next time.Duration
}

// Patience begins the time that provisioning may take.
func (r *Roles) Patience() *Patience {
	return &Patience{now: r.now, ends: r.now().Add(r.wait), next: firstWait}
}

// Wait returns when it is time to look again. If the time is over, it fails at
// once with a 503 *resource.Error that has the detail late and the private cause;
// if ctx ends, with the context's error.
func (p *Patience) Wait(ctx context.Context, late string, cause error) error {
	if p.now().Add(p.next).After(p.ends) {
		return &resource.Error{Status: http.StatusServiceUnavailable, RetryAfter: provisioningRetryAfter, Detail: late, Err: cause}
	}
	wait := p.next
	p.next *= 2
	return mirror.Sleep(ctx, wait)
}
