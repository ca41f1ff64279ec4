package scim

import (
	"context"
	"net/http"
	"strings"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/resource"
)

// CountCall adds an upstream request to the price of the SCIM request that
// caused it and waits for it, which X-Upstream-Calls and the log tell. Of one that was
// to change something the audit tells Atlassian's trace id. It is meant as
// atlassian.Config.OnCall and is safe for concurrent use.
func CountCall(ctx context.Context, c atlassian.Call) {
	if c.Background {
		return
	}
	r := resource.RequestOf(ctx)
	r.Upstream.Add(1)
	id := c.TraceID
	if c.Verdict != nil {
		id = c.Verdict.TraceID
	}
	if id != "" && !strings.HasPrefix(c.Op, http.MethodGet) {
		r.Trace(id)
	}
}

// WorkOf tells on whose behalf an upstream request is made. It is meant as
// atlassian.Config.Work and is safe for concurrent use.
func WorkOf(ctx context.Context) atlassian.Work {
	r := resource.RequestOf(ctx)
	return atlassian.Work{Caller: r.Policy.Caller, Batch: r.Batch, Patience: r.Policy.Patience, Changes: changes(r.Method)}
}

// changes reports whether a request with this method is to change something.
func changes(method string) bool {
	switch method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return true
	}
	return false
}
