package resource

import (
	"context"
	"sync/atomic"

	"scim-atlassian/scim/query"
)

// Request is the part of a request that backends may know, carried in its
// context. Only the goroutine that serves the request touches it, but for
// upstream.
type Request struct {
	Policy  Policy
	Method  string
	Want    query.Projection // the attributes that the answer shows
	Quiet   bool             // a write need not show what it made
	Before  query.Object     // the resource before a write, if it was read anyway
	Remarks []note           // for the audit line

	Upstream atomic.Int64 // requests sent to Atlassian
}

// note is something more that the audit line says.
type note struct {
	Key   string
	Value any
}

type requestKey struct{}

func WithRequest(ctx context.Context, r *Request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

// RequestOf returns the request that ctx belongs to. Work without one gets a
// request of its own, which asks for everything.
func RequestOf(ctx context.Context) *Request {
	if r, ok := ctx.Value(requestKey{}).(*Request); ok {
		return r
	}
	return &Request{}
}

// Remark has the audit line of the request say something more.
func (r *Request) Remark(key string, value any) { r.Remarks = append(r.Remarks, note{key, value}) }

// Remember has the audit line call a resource by the name that it had.
func (r *Request) Remember(o query.Object) {
	if r.Before == nil {
		r.Before = o
	}
}
