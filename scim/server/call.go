package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"net/netip"
	"time"

	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/condition"
	"scim-atlassian/scim/crowd"
	"scim-atlassian/scim/delta"
	"scim-atlassian/scim/list"
	"scim-atlassian/scim/plan"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// call is one request on its way through the server, carried in its context.
// The steps before the library fill in what was asked, the resource handler
// fills in the outcome, the renderer and the log read it. Only the goroutine
// that serves the request touches it, but for upstream.
type call struct {
	resource.Request
	id         string // X-Request-Id
	began      time.Time
	address    netip.Addr       // of the client; zero: none is known
	caller     *auth.Caller     // nil until authenticated
	place      *crowd.Place     // among the requests in flight, nil until counted
	base       string           // base URL of this server as the client sees it, no slash at the end
	rt         *resource.Type   // nil outside the resource types
	root       *list.Root       // nil: the request is about one type
	types      []*resource.Type // those that a list is about
	endpoint   string           // resource type or other endpoint, from a fixed set; empty until authenticated
	write      bool             // it is to change something
	conditions condition.Conditions
	target     string // id in the path, or of what was created
	query      resource.ListQuery
	wants      map[string]query.Projection // by name of a type, for a caller from whom attributes are hidden
	delta      delta.Request               // of a delta query: what its body has besides query
	versioned  bool                        // the answer has meta.version, so resources must be whole
	explain    bool                        // the client wants the plan in the answer
	operation  int                         // place in a bulk request, from 1; 0: a request of its own
	data       any                         // the body, where it is known already
	body       query.Object                // what a POST or PUT says of the resource
	cleared    []string                    // attributes that body gives no value on purpose
	standIn    string                      // attribute in body that stands for what the resource has
	patch      []resource.Operation        // normalised operations of a PATCH

	rehearsal  *plan.Rehearsal // the writes happen in it alone; nil: they are carried out
	mayNotLink error           // why the operations may not change the attribute of c.rt.Linking; nil: they may

	answered bool            // a resource handler ran; otherwise the library refused
	found    query.Object    // the resource, nil for 204
	source   resource.Source // has the resource in place of found, in upstream's bytes; nil: nothing has
	list     *resource.ListResult
	static   query.Object   // a discovery document, or the answer to a bulk request or a delta query
	position delta.Position // of the log, in the answer to a delta query
	allow    string         // of an OPTIONS request: the methods there are
	bulk     *bulkSummary   // of a bulk request
	plain    *plainAnswer   // an answer that is not SCIM
	err      error
	refusal  *resource.Error // the answer that err becomes, nil if there is none
}

type callKey struct{}

func withCall(ctx context.Context, c *call) context.Context {
	return resource.WithRequest(context.WithValue(ctx, callKey{}, c), &c.Request)
}

// callFrom returns the call that ctx belongs to, or nil.
func callFrom(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// listRequest is the part of c that finds the page of a list.
func (c *call) listRequest() *list.Request {
	return &list.Request{Query: c.query, Type: c.rt, Root: c.root, Types: c.types, Caller: c.caller.Name, Base: c.base, Began: c.began, Want: c.wantOf, Complete: c.complete}
}

// newCall starts the record of a request. A client's X-Request-Id is kept when
// it is short and plain, so that logs of both sides can be joined.
func newCall(r *http.Request, base string, now time.Time) *call {
	id := r.Header.Get("X-Request-Id")
	if !plainID(id) {
		var b [8]byte
		rand.Read(b[:]) // never fails
		id = hex.EncodeToString(b[:])
	}
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	return &call{Request: resource.Request{Method: r.Method}, id: id, began: now, base: base, conditions: condition.Of(r.Header, read)}
}

func plainID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}
