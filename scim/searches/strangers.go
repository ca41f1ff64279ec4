// Package searches remembers what Jira's searches have taught: the JQL that Jira
// understood, account ids that belong to nobody, and issues that the search index may
// not have yet.
package searches

import (
	"context"
	"sync"
	"time"

	"scim-atlassian/atlassian"
)

// Strangers remembers account ids that belong to no account of Jira. JQL with such
// an id is refused, so filters are compiled without them. Jira is asked only for
// the ids in a filter, which takes one call however many accounts there are, and
// its answer is remembered for a while. It is safe for concurrent use.
type Strangers struct {
	jira *atlassian.Jira
	ttl  time.Duration // 0: nothing is remembered
	now  func() time.Time

	mu    sync.Mutex
	asked map[string]time.Time // by unknown id: when Jira was asked
}

// maxStrangers bounds the ids that are remembered.
const maxStrangers = 1024

// NewStrangers remembers nothing yet; what it learns, it keeps for ttl.
func NewStrangers(jira *atlassian.Jira, ttl time.Duration, now func() time.Time) *Strangers {
	return &Strangers{jira: jira, ttl: ttl, now: now}
}

// Among returns those of the ids that are known to belong to no account.
func (s *Strangers) Among(ids []string) map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := map[string]bool{}
	for _, id := range ids {
		if at, ok := s.asked[id]; ok && s.now().Sub(at) < s.ttl {
			found[id] = true
		}
	}
	return found
}

// Find asks Jira which of the ids belong to no account. Jira refuses the request
// with wrong credentials; it does not answer that there are no such accounts.
func (s *Strangers) Find(ctx context.Context, ids []string) (map[string]bool, error) {
	at := s.now()
	accounts, err := s.jira.AccountsByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for _, id := range ids {
		found[id] = true
	}
	for _, a := range accounts {
		delete(found, a.AccountID)
	}
	s.remember(found, at)
	return found, nil
}

func (s *Strangers) remember(ids map[string]bool, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked == nil || len(s.asked)+len(ids) > maxStrangers {
		s.asked = map[string]time.Time{}
	}
	for id := range ids {
		s.asked[id] = at
	}
}
