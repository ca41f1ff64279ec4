package server

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"scim-atlassian/scim/bulk"
	"scim-atlassian/scim/document"
	"scim-atlassian/scim/plan"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// urnBulkResponse is the message with the results, RFC 7644 section 3.7.
const urnBulkResponse = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"

// bulk answers POST /Bulk, RFC 7644 section 3.7. Each operation passes the
// pipeline of a request of its own, with its own rights, log record and audit;
// only who calls is settled already. One that fails does not keep the others
// from being done.
func (s *Server) bulk(c *call, r *http.Request) error {
	if !c.caller.Writes() { // nothing in the body could change that, so it is not read
		return resource.Refuse(http.StatusForbidden, "", "The caller %q may not change anything, and a bulk request is for changes.", c.caller.Name)
	}
	body, err := document.ReadBody(r, s.cfg.BulkMaxPayload)
	if err != nil {
		return err
	}
	return s.runBulk(r.Context(), c, body, func(ctx context.Context, step bulk.Step) bulk.Outcome { return s.performStep(ctx, c, step) })
}

// bulkConfig is what the operations of a caller's bulk request are read by; it lacks Do.
func (s *Server) bulkConfig(c *call) bulk.Config {
	policy := c.caller.Policy()
	return bulk.Config{
		MaxOperations: s.cfg.BulkMaxOperations, Strict: policy.Strict, IgnoreUnknownMembers: policy.IgnoreUnknownMembers,
		TypeAt: func(segment string) *resource.Type { return s.typeAt(s.canonical([]string{segment})[0]) },
		Locate: func(path []string) string { return c.base + "/" + strings.Join(s.canonical(path), "/") },
	}
}

// runBulk has the operations of a bulk request done, and puts the answer into c.
func (s *Server) runBulk(ctx context.Context, c *call, body any, do func(context.Context, bulk.Step) bulk.Outcome) error {
	cfg := s.bulkConfig(c)
	cfg.Do = do
	job, err := bulk.Parse(body, cfg)
	if err != nil {
		return err
	}
	results, failed := job.Run(ctx)
	c.bulk = &bulkSummary{operations: len(results), errors: failed}
	c.static = query.Object{{Name: "schemas", Value: []any{urnBulkResponse}}, {Name: "Operations", Value: results}}
	return nil
}

// bulkSummary counts the operations of a bulk request for the log.
type bulkSummary struct{ operations, errors int }

// performStep does one operation of the bulk request outer.
func (s *Server) performStep(ctx context.Context, outer *call, step bulk.Step) bulk.Outcome {
	c := s.step(ctx, outer, step, nil)
	s.record(c, c.status())
	return outcomeOf(c)
}

// step sends one operation of the bulk request outer through the pipeline, to the
// backends or to what stands for them in a rehearsal.
func (s *Server) step(ctx context.Context, outer *call, step bulk.Step, rehearsal *plan.Rehearsal) *call {
	header := http.Header{"X-Request-Id": {outer.id}, "Content-Type": {mediaSCIM}}
	if step.Version != "" {
		header.Set("If-Match", step.Version)
	}
	escaped := BasePath + "/" + strings.Join(step.Path, "/")
	unescaped, _ := url.PathUnescape(escaped) // bulk.Parse has checked the escapes
	r := &http.Request{Method: step.Method, URL: &url.URL{Path: unescaped, RawPath: escaped}, Header: header, Body: http.NoBody}
	c := newCall(r, outer.base, s.cfg.Now())
	c.caller, c.address, c.data, c.operation, c.Batch = outer.caller, outer.address, step.Data, step.Index+1, true
	c.rehearsal = rehearsal
	s.conclude(c, s.perform(c, r.WithContext(withCall(ctx, c))))
	outer.Upstream.Add(c.Upstream.Load())
	return c
}

// outcomeOf is what a bulk response tells of an operation.
func outcomeOf(c *call) bulk.Outcome {
	out := bulk.Outcome{Status: c.status(), Refusal: c.refusal}
	if c.rt != nil && c.target != "" {
		out.Location = c.base + c.rt.Endpoint + "/" + url.PathEscape(c.target)
	}
	if c.err == nil {
		out.ID = c.target
	}
	if c.source != nil { // a PATCH in which nothing concerns us
		c.found = c.source.Object(0)
	}
	if c.err == nil && c.found != nil {
		out.Version = query.Version(c.rt.Lasting(c.found))
	}
	return out
}
