package atlassian

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strings"
	"time"

	"scim-atlassian/atlassian/admission"
)

// Work says on whose behalf an operation is made.
type Work struct {
	Caller   string        // callers share upstream's limits equally
	Changes  bool          // it is a part of a change: what it reads must not be undone by an earlier one
	Batch    bool          // it is one of many that were ordered at once, and comes after what somebody waits for
	Patience time.Duration // how long it may wait for a limit; 0: Config.MaxRetryWait
}

// ask describes the next attempt to the gate.
func (o *operation) ask(ctx context.Context) admission.Ask {
	ask := admission.Ask{
		Route: o.op, Class: o.class(ctx), Caller: o.work.Caller, Patience: o.patience() - o.waited,
		Outlast: o.method() == http.MethodDelete, // a failed deletion reads as "gone" to some clients
		Repeat:  o.attempts > 0,
	}
	if strings.Contains(o.op, "/issue/{issueIdOrKey}") && !o.reads {
		ask.Item = o.args[0]
	}
	return ask
}

func (o *operation) class(ctx context.Context) admission.Class {
	switch {
	case isBackground(ctx):
		return admission.Background
	case o.work.Batch, o.scans:
		return admission.Batch
	case o.reads && len(o.args) > 0, o.revokes:
		return admission.Urgent
	}
	return admission.Normal
}

// patience is how long the operation may wait for limits in all.
func (o *operation) patience() time.Duration {
	if o.work.Patience > 0 {
		return o.work.Patience
	}
	return o.cfg.MaxRetryWait
}

// enter waits until the next attempt may be sent.
func (o *operation) enter(ctx context.Context) (*admission.Pass, error) {
	pass, waited, err := o.gate.Enter(ctx, o.ask(ctx))
	o.waited += waited
	var refused *admission.Refusal
	switch {
	case err == nil:
		return pass, nil
	case !errors.As(err, &refused):
		return nil, unsent{err}
	case refused.Outage:
		return nil, unsent{&Error{Kind: Unavailable, RetryAfter: refused.RetryAfter, Detail: "upstream has been failing for some seconds, so that nothing is sent but what finds out whether it is back"}}
	}
	return nil, unsent{&Error{Kind: RateLimited, RetryAfter: refused.RetryAfter, Detail: "upstream asked such requests to wait"}}
}

// leave tells the gate what came of an attempt: an answer, which has been judged, or an error.
func (o *operation) leave(ctx context.Context, pass *admission.Pass, resp *http.Response, err error) {
	r := admission.Result{Gone: ctx.Err() != nil}
	switch {
	case resp == nil:
		r.Failed = o.failure(ctx, err)
	case resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented || o.spoilt():
		r.Failed = o.verdict
	}
	if resp != nil {
		r.Status, r.Header, r.Gone = resp.StatusCode, resp.Header, false
	}
	if r.Status == http.StatusTooManyRequests {
		r.Quiet, r.Scope = admission.RetryAfter(resp.Header, time.Now()), scopeOf(resp.Header)
	}
	pass.Leave(r)
}

// scopeOf tells what a 429 of Jira is about; other APIs limit each route.
func scopeOf(h http.Header) admission.Scope {
	switch reason := h.Get("RateLimit-Reason"); {
	case reason == "jira-per-issue-on-write":
		return admission.Item
	case strings.HasPrefix(reason, "jira-quota-"):
		return admission.Everything
	}
	return admission.Route
}

func untilDeadline(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return time.Until(deadline)
	}
	return math.MaxInt64
}
