package jira

import "time"

// Options are the switches of the Jira site. The zero value is the
// behaviour that was seen most recently or most often.
type Options struct {
	// RejectFailedSearch answers 401 to a search with wrong or no credentials.
	// Otherwise it finds nothing, with status 200, as sites with anonymous
	// access do.
	RejectFailedSearch bool

	// StrictJQL answers 400 to a search with an unknown field or value or an
	// operator that the field does not take. Otherwise it finds nothing.
	StrictJQL bool

	// FullPages returns as many issues a page as were asked for. Otherwise
	// pages end at 100 issues when more than ids and keys are asked for.
	FullPages bool

	// IndexLag is how long a write stays hidden from search. Issues named in
	// reconcileIssues are always up to date.
	IndexLag time.Duration

	// FlickeringIndex makes writes younger than twice IndexLag visible to
	// every second search only.
	FlickeringIndex bool

	// ClauseLimit is how many values of an IN list count; a search with more
	// ignores the rest and says so in its warnings. Zero: all count.
	ClauseLimit int

	// RateLimits enforces the burst buckets of an endpoint and the windows of
	// writes to one issue.
	RateLimits bool

	// FreePlan refuses to change project roles.
	FreePlan bool

	// Withheld are project permissions that the administrator is said to lack,
	// everywhere (DELETE_ISSUES) or in one project (DELETE_ISSUES:ENG). They
	// are withheld from the endpoints that tell permissions, not enforced.
	Withheld []string

	// DropComments discards comments that come with a transition, even if it
	// has a screen.
	DropComments bool

	// Required are fields that issues of a project cannot be created without,
	// besides those that every issue has, as KEY:Name (ACC:Justification).
	Required []string

	// ServiceDesk adds the project SD of Jira Service Management, whose requests
	// need an approval, and lets every active person sign in with UserToken.
	ServiceDesk bool

	// TokenLifetime is how long a page token is good for; zero stands for
	// the seven days of Jira.
	TokenLifetime time.Duration
}

// tokenLifetime is how long a page token is good for.
func (o Options) tokenLifetime() time.Duration {
	if o.TokenLifetime > 0 {
		return o.TokenLifetime
	}
	return 7 * 24 * time.Hour
}
