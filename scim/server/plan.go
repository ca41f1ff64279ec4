package server

import (
	"context"
	"net/http"

	"scim-atlassian/scim/bulk"
	"scim-atlassian/scim/plan"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// planEndpoints are the endpoints of plans; none without a place to keep them.
func (s *Server) planEndpoints() []Endpoint {
	if s.cfg.Plans == nil {
		return nil
	}
	return []Endpoint{
		{Path: "Plans", Methods: methods.collection, Body: true, MaxBody: s.cfg.BulkMaxPayload, Answer: s.plans},
		{Path: "Plans/{id}", Methods: methods.read, Answer: s.showPlan},
		{Path: "Plans/{id}/apply", Methods: methods.post, Write: true, Answer: s.applyPlan},
	}
}

// plans lists the plans that the caller may see, or makes one of a bulk request.
func (s *Server) plans(ctx context.Context, q EndpointRequest) (int, query.Object, error) {
	c := callFrom(ctx)
	if c.Method == http.MethodPost {
		return s.makePlan(ctx, c, q.Body)
	}
	all, err := s.cfg.Plans.All(ctx)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, plan.List(all, c.caller), nil
}

func (s *Server) makePlan(ctx context.Context, c *call, body any) (int, query.Object, error) {
	if !c.caller.Writes() {
		return 0, nil, resource.Refuse(http.StatusForbidden, "", "The caller %q may not change anything, and a plan is for changes.", c.caller.Name)
	}
	ops, err := s.rehearse(ctx, c, body)
	if err != nil {
		return 0, nil, err
	}
	p := plan.New(c.caller.Name, s.cfg.Now(), body, ops)
	p.Calls = c.Upstream.Load()
	if err := p.Hides(c.caller); err != nil {
		return 0, nil, err
	}
	if err := s.cfg.Plans.Add(ctx, p); err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, p.Document(true), nil
}

func (s *Server) showPlan(ctx context.Context, q EndpointRequest) (int, query.Object, error) {
	p, err := s.cfg.Plans.Get(ctx, q.ID, q.Caller)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, p.Document(true), nil
}

// applyPlan does what a plan says, and answers as to the bulk request. It does nothing
// if that is not what would come of the request now.
func (s *Server) applyPlan(ctx context.Context, q EndpointRequest) (int, query.Object, error) {
	c := callFrom(ctx)
	c.Remark("plan", q.ID)
	p, err := s.cfg.Plans.Get(ctx, q.ID, c.caller)
	if err == nil {
		err = p.Open(c.caller)
	}
	if err != nil {
		return 0, nil, err
	}
	ops, err := s.rehearse(ctx, c, p.Body)
	if err == nil {
		err = q.Intend()
	}
	if err == nil {
		err = s.cfg.Plans.Take(ctx, p, c.caller.Name, ops)
	}
	if err != nil {
		return 0, nil, err
	}
	return 0, nil, s.runBulk(ctx, c, p.Body, func(ctx context.Context, step bulk.Step) bulk.Outcome {
		if e := ops[step.Index].Refusal; e != nil {
			return bulk.Outcome{Status: e.Status, Refusal: e}
		}
		return s.performStep(ctx, c, step)
	})
}

// rehearse finds out what would come of a bulk request of the caller.
func (s *Server) rehearse(ctx context.Context, c *call, body any) ([]plan.Operation, error) {
	return plan.Rehearse(ctx, body, plan.Config{
		Bulk: s.bulkConfig(c), Adopt: s.cfg.AdoptIssues,
		Try: func(ctx context.Context, step bulk.Step, r *plan.Rehearsal) (plan.Tried, bulk.Outcome) {
			tried := s.step(ctx, c, step, r)
			return tried.tried(), outcomeOf(tried)
		},
	})
}

// tried is the operation as a plan tells it.
func (c *call) tried() plan.Tried {
	t := plan.Tried{Method: c.Method, Type: c.rt, ID: c.target, Before: c.Before, Existing: c.Existing}
	if t.Before == nil && (c.Method != http.MethodPost || c.Existing) {
		t.Before = c.found
	}
	return t
}
