package resource

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"scim-atlassian/scim/query"
)

// Request holds the facts about the current request that backends may use, and the
// remarks that they add for the log. It travels in the context. Only the goroutine that serves the request
// may touch it, apart from Upstream and Trace.
type Request struct {
	Policy   Policy
	Method   string           // http.MethodGet, …; an operation of a bulk request has its own
	Want     query.Projection // the attributes that the answer shows
	Existing bool             // set by a backend: a POST is answered with a resource that was there, 200
	Batch    bool             // the request is one of many that were sent as one
	Quiet    bool             // a write may return no document: the answer is 204 if there is none

	// Touched names the attributes that a write is about. Those of them that are returned
	// on request only are read before it, as far as the backend needs them.
	Touched []string
	Caller  string // who calls

	// KeepAdministrators says that a write must leave a role for administrators a holder.
	KeepAdministrators bool
	ID                 string // of the request, for the log

	// Before is the resource as it was before a write, if anybody read it; nil
	// otherwise. The log calls the resource by its name.
	Before  query.Object
	Remarks []note // added by Remark, in order

	Upstream atomic.Int64 // requests sent upstream, for X-Upstream-Calls and the log

	traced sync.Mutex
	traces []string
}

// Policy says how a request is to be treated where clients differ. It comes from
// the settings of the caller.
type Policy struct {
	Caller   string        // name of the caller: upstream's limits are shared between callers
	Patience time.Duration // how long a request may wait for a limit of upstream; 0: as long as usual

	// Kinds are the rights ("read", "write") by kind of entitlement (GROUP, PROJECT_ROLE)
	// of a caller that is held to them, whichever endpoint gives or takes one; nil: it is not.
	Kinds map[string]string

	Strict               bool // to the letter of the RFCs, without allowances for the habits of clients
	KeepMembers          bool // a PUT of a group that does not name members leaves them alone
	GroupsByUser         bool // a PATCH of a user's groups changes the members of these groups
	IgnoreUnknownMembers bool // members that upstream does not have are passed over, not refused
	DeactivateDeleted    bool // a DELETE of a user or account disables it, and deletes nothing
	PlainText            bool // rich text is read and written in its plain form, which loses what it does not say
	ChangesProtected     bool // what the operator protects may be changed
	DisableWithoutActive bool // a PUT of a user or account that leaves out active disables it
}

// note is something more that the log says of a request.
type note struct {
	Key   string
	Value any
}

type requestKey struct{}

// WithRequest returns a context that belongs to r.
func WithRequest(ctx context.Context, r *Request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

// RequestOf returns the request that ctx belongs to, never nil. Work without a
// request gets one of its own, which asks for everything and allows nothing.
func RequestOf(ctx context.Context) *Request {
	if r, ok := ctx.Value(requestKey{}).(*Request); ok {
		return r
	}
	return &Request{}
}

// Remark has the log of the request say something more.
func (r *Request) Remark(key string, value any) { r.Remarks = append(r.Remarks, note{key, value}) }

// Remember sets Before to o, unless the resource was read already. A nil o is
// passed over.
func (r *Request) Remember(o query.Object) {
	if r.Before == nil {
		r.Before = o
	}
}

// mostTraces bounds what is remembered of a write that takes many requests upstream.
const mostTraces = 20

// Trace remembers upstream's own name of a request that was to change something there.
// It is safe for concurrent use.
func (r *Request) Trace(id string) {
	r.traced.Lock()
	defer r.traced.Unlock()
	if len(r.traces) < mostTraces {
		r.traces = append(r.traces, id)
	}
}

// Traces returns what Trace was told, in order.
func (r *Request) Traces() []string {
	r.traced.Lock()
	defer r.traced.Unlock()
	return slices.Clone(r.traces)
}
