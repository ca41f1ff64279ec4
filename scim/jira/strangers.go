package jira

import (
	"context"
	"sync"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/jql"
)

// strangers remembers account ids that belong to no account of Jira. JQL with such
// an id is refused, so filters are compiled without them. Jira is asked only for
// the ids in a filter, which takes one call however many accounts there are, and
// its answer is remembered for a while. It is safe for concurrent use.
type strangers struct {
	jira *atlassian.Jira
	ttl  time.Duration // 0: nothing is remembered
	now  func() time.Time

	mu    sync.Mutex
	asked map[string]time.Time // by unknown id: when Jira was asked
}

// maxStrangers bounds the ids that are remembered.
const maxStrangers = 1024

// among returns those of the ids that are known to belong to no account.
func (s *strangers) among(ids []string) map[string]bool {
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

// find asks Jira which of the ids belong to no account. Jira refuses the request
// with wrong credentials; it does not answer that there are no such accounts.
func (s *strangers) find(ctx context.Context, ids []string) (map[string]bool, error) {
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

func (s *strangers) remember(ids map[string]bool, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked == nil || len(s.asked)+len(ids) > maxStrangers {
		s.asked = map[string]time.Time{}
	}
	for id := range ids {
		s.asked[id] = at
	}
}

// withoutStrangers returns c with the account ids of the filter that belong to no
// account.
func (q *issueQuery) withoutStrangers(ctx context.Context, c jql.Compiler) (jql.Compiler, error) {
	ids := q.table.NamedAccounts(q.simple)
	if len(ids) == 0 {
		return c, nil
	}
	err := q.spend(jql.Calls(len(ids), atlassian.AccountsPage))
	if err != nil {
		return c, err
	}
	c.Strangers, err = q.strangers.find(ctx, ids)
	return c, err
}
