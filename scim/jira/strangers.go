package jira

import (
	"context"
	"sync"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/jql"
)

// strangers are account ids that filters name and no account of Jira has. JQL
// that names one is refused, so a filter is compiled without them. Jira is asked
// for the ids of a filter alone, which takes a call however many accounts there
// are, and what it answers is remembered for a while. It is safe for concurrent
// use.
type strangers struct {
	jira *atlassian.Jira
	ttl  time.Duration // 0: nothing is remembered
	now  func() time.Time

	mu    sync.Mutex
	asked map[string]time.Time // when Jira was asked for an id that it does not know
}

// maxStrangers is how many ids are remembered.
const maxStrangers = 1024

// remembered returns those of the ids that are known to be strangers.
func (s *strangers) remembered(ids []string) map[string]bool {
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

// find asks Jira which of the ids are strangers. Wrong credentials are an error,
// not an answer without accounts, since Jira shows these to nobody else.
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

// withoutStrangers returns the compiler that knows which accounts of the filter
// do not exist.
func (q *issueQuery) withoutStrangers(ctx context.Context, c jql.Compiler) (jql.Compiler, error) {
	ids := jql.NamedAccounts(q.simple)
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
