package atlassian

import (
	"context"
	"net/http"
	"net/url"
)

// SearchRequest is a search for issues. JQL must be bounded, that is restrict more than the order.
type SearchRequest struct {
	JQL string `json:"jql"`
	// Fields to return; empty: the id alone.
	Fields []string `json:"fields,omitzero"`
	// MaxResults of one page, 1 to 5,000; 0: 50. Upstream returns fewer when the fields are many.
	MaxResults int `json:"maxResults,omitzero"`
	// NextPageToken of the page before, together with the same JQL.
	NextPageToken string `json:"nextPageToken,omitzero"`
	// ReconcileIssues are at most 50 ids of issues changed lately, for which the search is made consistent. Send the
	// same ones with every page.
	ReconcileIssues []int64 `json:"reconcileIssues,omitzero"`
}

// SearchPage is one page of a search. Only IsLast tells the end; a short page does not.
type SearchPage struct {
	Issues        []*Issue  `json:"issues"`
	NextPageToken string    `json:"nextPageToken"`
	IsLast        bool      `json:"isLast"`
	Warnings      []Warning `json:"warnings"`
}

// Warning says that a search is incomplete, for instance because a clause has too many values.
type Warning struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

func (p *SearchPage) accept() bool {
	p.IsLast = p.IsLast || p.NextPageToken == ""
	return acceptAll(p.Issues)
}

// Search returns one page of issues. It calls POST /rest/api/3/search/jql.
//
// A query that names something unknown is no error and finds nothing (see ParseJQL). An issue that was written a moment
// ago may be missing or be found as it was before.
func (j *Jira) Search(ctx context.Context, search SearchRequest) (*SearchPage, error) {
	return fetch[SearchPage](ctx, j.caller, request{op: "POST /rest/api/3/search/jql", body: search, reads: true, scans: true})
}

// ParsedJQL is Jira's verdict on a query. Without Errors and Warnings the query is valid and all its names are known.
type ParsedJQL struct {
	Query    string   `json:"query"`
	Errors   []string `json:"errors"`
	Warnings []string `json:"warnings"`
}

type parsedJQL struct {
	Queries []ParsedJQL `json:"queries"`
}

func (p *parsedJQL) accept() bool { return p.Queries != nil }

// ParseJQL checks queries without running them, including whether the things that they name exist. It calls POST
// /rest/api/3/jql/parse and returns one result for each query, in their order.
func (j *Jira) ParseJQL(ctx context.Context, queries []string) ([]ParsedJQL, error) {
	if len(queries) == 0 {
		return nil, nil
	}
	const op = "POST /rest/api/3/jql/parse"
	answer, err := fetch[parsedJQL](ctx, j.caller, request{
		op: op, query: url.Values{"validation": {"strict"}},
		body: map[string][]string{"queries": queries}, reads: true,
	})
	if err != nil {
		return nil, err
	}
	if len(answer.Queries) != len(queries) {
		return nil, &Error{Kind: Garbled, Op: op, Status: http.StatusOK, Detail: "upstream did not judge every query"}
	}
	return answer.Queries, nil
}
