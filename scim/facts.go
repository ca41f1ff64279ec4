package scim

import (
	"context"
	"sync/atomic"

	"scim-atlassian/scim/query"
)

// requestFacts is the part of a request that backends may know, carried in its
// context. Only the goroutine that serves the request touches it, but for
// upstream.
type requestFacts struct {
	policy  Policy
	method  string
	want    query.Projection // the attributes that the answer shows
	quiet   bool             // a write need not show what it made
	before  query.Object     // the resource before a write, if it was read anyway
	remarks []note           // for the audit line

	upstream atomic.Int64 // requests sent to Atlassian
}

// note is something more that the audit line says.
type note struct {
	key   string
	value any
}

type requestKey struct{}

func withRequest(ctx context.Context, r *requestFacts) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

// requestOf returns the request that ctx belongs to. Work without one gets a
// request of its own, which asks for everything.
func requestOf(ctx context.Context) *requestFacts {
	if r, ok := ctx.Value(requestKey{}).(*requestFacts); ok {
		return r
	}
	return &requestFacts{}
}

// remark has the audit line of the request say something more.
func (r *requestFacts) remark(key string, value any) { r.remarks = append(r.remarks, note{key, value}) }

// remember has the audit line call a resource by the name that it had.
func (r *requestFacts) remember(o query.Object) {
	if r.before == nil {
		r.before = o
	}
}
