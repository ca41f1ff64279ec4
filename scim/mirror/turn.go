package mirror

import (
	"context"
	"net/http"
	"time"

	"scim-atlassian/scim/resource"
)

// The times of the lease by which one of the processes that share a state scans.
const (
	leaseFor   = time.Minute
	leaseRenew = 15 * time.Second
	leaseRetry = 300 * time.Millisecond
)

// takeTurn waits until this process may scan, where several share the state. done says
// that another one has finished a scan meanwhile that began after r, whose base is that
// of r now. release ends the turn.
func (s *store) takeTurn(ctx context.Context, r *reading) (done bool, release func(), err error) {
	j := s.journal
	if j == nil || !j.state.Shared() {
		return false, func() {}, nil
	}
	for {
		within, cancel := stateContext()
		lease, err := j.state.Acquire(within, "scan "+j.typ, j.owner, leaseFor)
		cancel()
		if err != nil {
			return false, nil, &resource.Error{Status: http.StatusServiceUnavailable, RetryAfter: retryAfter, Err: err,
				Detail: "The state of this server cannot be reached, so that nothing can be read into it; its log says why."}
		}
		if lease != nil {
			s.mu.Lock()
			j.lease = lease
			s.mu.Unlock()
			return false, s.renew(), nil
		}
		if err := Sleep(ctx, leaseRetry); err != nil {
			return false, nil, err
		}
		if err := s.catchUp(); err != nil {
			return false, nil, err
		}
		if s.scannedBy(r) {
			return true, func() {}, nil
		}
	}
}

// scannedBy reports whether another process has finished a scan that began after r
// did, and gives r its base.
func (s *store) scannedBy(r *reading) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.base == nil || s.base.until != 0 || s.base.read.Before(r.base.read) {
		return false
	}
	r.base = s.base
	return true
}

// renew keeps the lease until the function that it returns is called, which gives it up.
func (s *store) renew() (release func()) {
	j := s.journal
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(leaseRenew)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
			}
			within, cancel := stateContext()
			_ = j.state.Renew(within, j.lease, leaseFor) // what it guards fails if it was lost
			cancel()
		}
	}()
	return func() {
		close(stop)
		<-stopped
		within, cancel := stateContext()
		defer cancel()
		_ = j.state.Release(within, j.lease) // it ends by itself
		s.mu.Lock()
		defer s.mu.Unlock()
		j.lease = nil
	}
}
