package atlassian

import (
	"context"
	"net/url"
	"strconv"
	"time"
)

// AuditQuery asks for a page of Jira's audit log. Offsets move while new records come: read on from the time of the latest
// record instead, and expect to see it again.
type AuditQuery struct {
	From, To time.Time // both included; zero: no bound
	Filter   string    // words that a record must hold
	Offset   int
	Limit    int // 0: 1000, which is also the most
}

// AuditPage is a page of Jira's audit log, newest first. Total counts also the records that the filter leaves out.
type AuditPage struct {
	Records []AuditRecord `json:"records"`
	Total   int           `json:"total"`
}

func (p *AuditPage) accept() bool { return p.Records != nil }

// AuditRecord is an entry of Jira's audit log. Its texts may be in the language of the site: tell records apart by Category
// and by the kind of their Object.
type AuditRecord struct {
	ID         int64       `json:"id"`
	Summary    string      `json:"summary"`  // such as "User added to group"
	Category   string      `json:"category"` // such as "group management"
	Created    Time        `json:"created"`
	Author     string      `json:"authorAccountId"`
	Object     AuditItem   `json:"objectItem"`
	Associated []AuditItem `json:"associatedItems"`
}

// AuditItem is a thing that an AuditRecord is about. The id of a group may be its name.
type AuditItem struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	TypeName string `json:"typeName"` // USER, GROUP, PROJECT, SCHEME and others
}

// AuditRecords returns a page of the audit log. It calls GET /rest/api/3/auditing/record, for which the account needs the
// permission Administer Jira: without it, and where all Jira products are on free plans, it fails with Forbidden.
func (j *Jira) AuditRecords(ctx context.Context, query AuditQuery) (*AuditPage, error) {
	q := url.Values{}
	for name, at := range map[string]time.Time{"from": query.From, "to": query.To} {
		if !at.IsZero() {
			q.Set(name, at.UTC().Format("2006-01-02T15:04:05.000-0700"))
		}
	}
	for name, n := range map[string]int{"offset": query.Offset, "limit": query.Limit} {
		if n > 0 {
			q.Set(name, strconv.Itoa(n))
		}
	}
	if query.Filter != "" {
		q.Set("filter", query.Filter)
	}
	return fetch[AuditPage](ctx, j.caller, request{op: "GET /rest/api/3/auditing/record", query: q, reads: true})
}
