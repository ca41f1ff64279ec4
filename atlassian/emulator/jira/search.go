package jira

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"scim-atlassian/atlassian/emulator/jql"
	"scim-atlassian/atlassian/emulator/tenant"
)

func searchRoutes() []endpoint {
	return []endpoint{
		{"GET /search", reads, removedSearch},
		{"POST /search", reads, removedSearch},
		{"GET /search/jql", open, (*call).getSearch},
		{"POST /search/jql", open, (*call).postSearch},
		{"POST /search/approximate-count", reads, (*call).count},
		{"GET /jql/autocompletedata", open, (*call).autocompleteData},
		{"POST /jql/autocompletedata", open, (*call).autocompleteData},
		{"POST /jql/parse", reads, (*call).parseJQL},
		{"POST /jql/match", reads, (*call).matchJQL},
	}
}

func removedSearch(*call) (reply, error) { return reply{}, deny(http.StatusGone, textRemoved) }

// searchRequest is the body of POST /search/jql.
type searchRequest struct {
	JQL             string   `json:"jql"`
	NextPageToken   *string  `json:"nextPageToken"`
	MaxResults      *int     `json:"maxResults"`
	Fields          []string `json:"fields"`
	Expand          string   `json:"expand"`
	Properties      []string `json:"properties"`
	FieldsByKeys    bool     `json:"fieldsByKeys"`
	ReconcileIssues []int64  `json:"reconcileIssues"`
}

func (c *call) getSearch() (reply, error) {
	size, err := c.integer("maxResults", 50)
	if err != nil {
		return reply{}, err
	}
	s := searchRequest{JQL: c.query.Get("jql"), MaxResults: &size, Fields: c.list("fields"), Properties: c.list("properties")}
	if token := c.query.Get("nextPageToken"); token != "" {
		s.NextPageToken = &token
	}
	for _, text := range c.list("reconcileIssues") {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return reply{}, errNoEndpoint
		}
		s.ReconcileIssues = append(s.ReconcileIssues, id)
	}
	return c.search(s)
}

func (c *call) postSearch() (reply, error) {
	var s searchRequest
	if err := c.decode(&s); err != nil {
		return reply{}, err
	}
	return c.search(s)
}

const (
	maxSearchResults = 5000
	maxWidePage      = 100 // issues of a page with more than ids and keys
	maxReconcile     = 50
)

// check bounds the request and fills in the usual size of a page.
func (s *searchRequest) check() error {
	if s.MaxResults == nil {
		usual := 50
		s.MaxResults = &usual
	}
	switch {
	case *s.MaxResults < 1 || *s.MaxResults > maxSearchResults:
		return deny(http.StatusBadRequest, "The max results parameter has to be between 1 and 5,000.")
	case len(s.ReconcileIssues) > maxReconcile:
		return deny(http.StatusBadRequest, "The number of issues to reconcile must not exceed %d.", maxReconcile)
	case len(s.Properties) > 5:
		return deny(http.StatusBadRequest, "The number of properties must not exceed 5.")
	}
	return nil
}

// search answers with a page. Mistakes are reported in the order in which Jira
// looks for them: sizes, query, token.
func (c *call) search(s searchRequest) (reply, error) {
	if c.caller == nil {
		if c.j.options.RejectFailedSearch {
			return reply{}, deny(http.StatusUnauthorized, textUnauthenticated)
		}
		return c.searchPage(nil, selection{}, "", nil)
	}
	if err := s.check(); err != nil {
		return reply{}, err
	}
	program, found, err := c.compile(s.JQL)
	if err != nil {
		return reply{}, err
	}
	size, wanted := *s.MaxResults, c.j.selectFields(s.Fields)
	wanted.properties = s.Properties
	if s.Expand != "" {
		wanted.expand = strings.Split(s.Expand, ",")
	}
	if len(wanted.fields) > 0 && !c.j.options.FullPages {
		size = min(size, maxWidePage)
	}
	hits, start, err := c.hits(s, program, found)
	if err != nil {
		return reply{}, err
	}
	token := ""
	if start+size < len(hits) {
		token = c.j.results.token(s.JQL, hits, start+size, c.j.tenant.Now().Add(c.j.options.tokenLifetime()))
	}
	view := c.j.view(s.ReconcileIssues)
	var issues []*issue
	for _, i := range slice(hits, start, size) {
		if seen := view(i); seen != nil {
			issues = append(issues, seen)
		}
	}
	return c.searchPage(issues, wanted, token, program.Cuts())
}

// jira.searchPage renders a page; it is the last if token is empty.
func (c *call) searchPage(issues []*issue, wanted selection, token string, cuts []jql.Cut) (reply, error) {
	b := append(make([]byte, 0, 256+64*len(issues)*(1+16*len(wanted.fields)/10)), `{"issues":[`...)
	for n, i := range issues {
		if n > 0 {
			b = append(b, ',')
		}
		b = c.show.appendIssue(b, i, wanted)
	}
	b = append(b, ']')
	if token != "" {
		b = append(append(append(b, `,"nextPageToken":"`...), token...), '"')
	}
	if len(cuts) > 0 {
		b = append(append(b, `,"warnings":`...), tenant.JSON(renderAll(cuts, clauseWarning))...)
	}
	b = strconv.AppendBool(append(b, `,"isLast":`...), token == "")
	return ok(json.RawMessage(append(b, '}')))
}

// clauseWarning tells that values of a list were ignored.
func clauseWarning(cut jql.Cut) any {
	return map[string]any{
		"type":    "CLAUSE_LIMIT_EXCEEDED",
		"message": fmt.Sprintf("The clause on '%s' has %d values; only the first %d were used.", cut.Field, cut.Actual, cut.Limit),
		"details": map[string]any{"clause": cut.Field, "limit": cut.Limit, "actual": cut.Actual},
	}
}

// hits lists the issues that a query finds, and returns the position at which the
// page begins.
func (c *call) hits(s searchRequest, p *jql.Program[*issue], found jql.Findings) ([]*issue, int, error) {
	start := 0
	if s.NextPageToken != nil && *s.NextPageToken != "" {
		hits, at, err := c.j.results.page(s.JQL, *s.NextPageToken, c.j.tenant.Now())
		if err != nil || hits != nil {
			return hits, at, err
		}
		start = at
	}
	if found.Any() {
		return nil, 0, nil
	}
	return c.j.find(p, c.j.view(s.ReconcileIssues)), start, nil
}

// compile compiles the query of a search. With strict JQL a finding is an error.
func (c *call) compile(query string) (*jql.Program[*issue], jql.Findings, error) {
	q, err := jql.Parse(query)
	var wrong *jql.SyntaxError
	switch {
	case errors.As(err, &wrong):
		return nil, jql.Findings{}, deny(http.StatusBadRequest, "%s", wrong)
	case q.Where == nil:
		return nil, jql.Findings{}, deny(http.StatusBadRequest,
			"Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")
	}
	p, found, _ := c.j.schema.Compile(q, c.env())
	if c.j.options.StrictJQL && found.Any() {
		return nil, found, &apiError{status: http.StatusBadRequest, messages: slices.Concat(found.Errors, found.Warnings)}
	}
	return p, found, nil
}

func (c *call) env() jql.Env {
	return jql.Env{Now: c.show.now, Zone: c.show.zone, Account: c.caller.ID, MaxList: c.j.options.ClauseLimit}
}

// find lists the issues that the index shows and the program matches, in the
// order of the program or else the latest first.
func (j *Jira) find(p *jql.Program[*issue], view func(*issue) *issue) []*issue {
	hits := []*issue{}
	for _, list := range [][]*issue{j.issues, j.ghosts} {
		for _, i := range list {
			if seen := view(i); seen != nil && !i.sealed() && p.Match(seen) {
				hits = append(hits, i)
			}
		}
	}
	slices.SortFunc(hits, func(a, b *issue) int { return int(b.id - a.id) })
	if compare := p.Compare(); compare != nil {
		slices.SortStableFunc(hits, func(a, b *issue) int { return compare(j.sortState(a), j.sortState(b)) })
	}
	return hits
}

// sortState returns the state by which an issue is ordered: for a deleted issue,
// the last that it had.
func (j *Jira) sortState(i *issue) *issue {
	if i.deleted && i.stale != nil {
		return i.stale
	}
	return i
}

// view returns how one search sees issues: as they are, as they were before
// the index caught up, or not at all (nil).
func (j *Jira) view(reconcile []int64) func(*issue) *issue {
	if j.options.IndexLag <= 0 {
		return func(i *issue) *issue {
			if i.deleted {
				return nil
			}
			return i
		}
	}
	now := j.tenant.Now()
	odd := j.requests.Load()%2 == 1
	return func(i *issue) *issue {
		age := now.Sub(i.fresh) // negative while the index lags
		stale := age < 0
		if j.options.FlickeringIndex && age < j.options.IndexLag && !i.fresh.IsZero() {
			stale = odd
		}
		switch {
		case stale && !slices.Contains(reconcile, i.id):
			return i.stale
		case i.deleted:
			return nil
		}
		return i
	}
}

func (c *call) count() (reply, error) {
	var body struct {
		JQL string `json:"jql"`
	}
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	p, found, err := c.compile(body.JQL)
	if err != nil {
		return reply{}, err
	}
	n := 0
	if !found.Any() {
		n = len(c.j.find(p, c.j.view(nil)))
	}
	return ok(map[string]int{"count": n})
}

type parsedQuery struct {
	Query     string         `json:"query"`
	Structure map[string]any `json:"structure,omitempty"`
	Errors    []string       `json:"errors,omitempty"`
	Warnings  []string       `json:"warnings,omitempty"`
}

func (c *call) parseJQL() (reply, error) {
	var body struct {
		Queries []string `json:"queries"`
	}
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	validation := c.query.Get("validation")
	if validation == "" {
		validation = "strict"
	}
	switch {
	case !slices.Contains([]string{"strict", "warn", "none"}, validation):
		return reply{}, deny(http.StatusBadRequest, "Validation must be one of 'strict', 'warn' or 'none'.")
	case len(body.Queries) == 0:
		return reply{}, deny(http.StatusBadRequest, "At least one JQL query must be provided.")
	}
	parsed := make([]parsedQuery, len(body.Queries))
	for n, query := range body.Queries {
		parsed[n] = c.parseOne(query, validation == "none")
	}
	return ok(map[string]any{"queries": parsed})
}

func (c *call) parseOne(query string, grammarOnly bool) parsedQuery {
	q, err := jql.Parse(query)
	if err != nil {
		return parsedQuery{Query: query, Errors: []string{err.Error()}}
	}
	if grammarOnly {
		return parsedQuery{Query: query, Structure: q.Structure()}
	}
	_, found, unsorted := c.j.schema.Compile(q, c.env())
	parsed := parsedQuery{Query: query, Errors: append(found.Errors, unsorted...), Warnings: found.Warnings}
	if len(parsed.Errors) == 0 {
		parsed.Structure = q.Structure()
	}
	return parsed
}

func (c *call) matchJQL() (reply, error) {
	var body struct {
		JQLs     []string `json:"jqls"`
		IssueIDs []int64  `json:"issueIds"`
	}
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	type match struct {
		MatchedIssues []int64  `json:"matchedIssues"`
		Errors        []string `json:"errors"`
	}
	matches := []match{}
	for _, query := range body.JQLs {
		m := match{[]int64{}, []string{}}
		q, err := jql.Parse(query)
		if err != nil {
			m.Errors = append(m.Errors, "Invalid JQL: "+query)
			matches = append(matches, m)
			continue
		}
		p, found, _ := c.j.schema.Compile(q, c.env())
		m.Errors = append(append(m.Errors, found.Errors...), found.Warnings...)
		for _, id := range body.IssueIDs {
			if i := c.j.issueByID[strconv.FormatInt(id, 10)]; i != nil && p.Match(i) && !found.Any() {
				m.MatchedIssues = append(m.MatchedIssues, id)
			}
		}
		matches = append(matches, m)
	}
	return ok(map[string]any{"matches": matches})
}
