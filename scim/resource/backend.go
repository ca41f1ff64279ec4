// Package resource is the contract between the SCIM protocol and the backends that
// store the resources.
//
// The author of a backend starts in this file. [Backend] has the seven methods that
// every backend needs; [Patcher] and [Completer] are optional. list.go describes list
// requests and their results, operation.go the steps of a PATCH, request.go the facts
// about the current request, error.go the errors, setting.go the advice in them, and
// type.go the description of a resource type that the server works with. Package
// resourcetest has the tests that every backend passes, and a backend in memory as a
// model.
//
// Documents are values: once a document has been passed or returned, neither side
// writes to it any more, nor to anything within it. A backend may therefore hand
// the same document to any number of requests, and keep the documents that it gets.
// To change a document, change a Clone.
//
// A document holds the attributes that are there, by their canonical names, as
// the types that [query.Member] lists; no attribute has a nil value. It has id and
// meta with resourceType, and where upstream knows them meta.created and
// meta.lastModified. It has neither schemas nor meta.location nor meta.version,
// which the server adds.
package resource

import (
	"context"
	"net/url"

	"scim-atlassian/scim/query"
)

// Backend is one resource type where it is stored. Every method may be called by
// any number of goroutines at the same time, and works for the request that
// [RequestOf] finds in its context.
//
// An error of a method is an *Error, or an error that the AsError function of the
// server's Config turns into one. Its status and scimType tell the cases apart:
//
//   - 404 without scimType: the resource that the id names does not exist. No
//     other failure is a 404, least of all one to reach upstream: clients forget
//     resources that they get a 404 for.
//   - 400 invalidValue: the document cannot become a resource, since it lacks an
//     attribute that upstream requires, or refers to something that is not there.
//   - 400 mutability: an attribute cannot be changed, or not cleared.
//   - 409 uniqueness: another resource has this value of an attribute that may be
//     there once.
//   - 400 tooMany: a list would cost more upstream calls than one query may.
//   - 429, 502, 503, 504: upstream refused, answered nonsense, or did not answer.
//
// A write that failed has changed nothing, unless Partial or Unknown of its error
// says otherwise, or a 502 says that upstream confirmed a write and did not keep it.
// Detail names the attribute and the fix.
//
// When the context ends, a method returns soon, with an error that is no 404 and
// never with a part of the answer. An error that wraps ctx.Err() will do.
//
// A write returns when upstream has confirmed it with the values that were asked for,
// and every call of the same backend that begins afterwards, List included, sees it.
type Backend interface {
	// Get returns the resource called id. The result has at least the attributes
	// that want shows, which are all of them for the zero Projection, and may have
	// more; attributes that are not in want are for the backend to save upstream
	// calls on. It costs one upstream call, and more only for attributes that
	// upstream keeps elsewhere.
	Get(ctx context.Context, id string, want query.Projection) (query.Object, error)

	// Create makes a resource of doc and returns it whole, with its new id. doc has
	// the attributes that a client may write and no id; the schema's required ones
	// are there. It fails with 409 uniqueness if the resource exists already.
	Create(ctx context.Context, doc query.Object) (query.Object, error)

	// Update turns the resource from current into want and returns it as it is then.
	//
	// current is the resource as Get returned it a moment ago, so Update need not read
	// it again. Where current and want agree, a change that somebody else made meanwhile
	// stays. Attributes that want lacks are cleared; those that clients cannot write,
	// such as id and meta, are not looked at. Update sends upstream the difference
	// and nothing else: without a difference it writes nothing and returns current or
	// its equal. Where Type.View is set and the request does not name Links, both
	// documents lack that attribute, and it stays as it is.
	//
	// A nil document with a nil error is a success that is answered with 204, for a
	// resource that is too large to be worth showing. A resource that is gone is a
	// 404, if there was anything to send.
	Update(ctx context.Context, current, want query.Object) (query.Object, error)

	// Kept lists the attributes that stay as they are when a PUT leaves them out, by
	// their canonical names. All others are cleared then. It asks nothing of
	// upstream.
	Kept(p Policy) []string

	// Remove deletes the resource. That it is not there, or not any more, is a 404.
	Remove(ctx context.Context, id string) error

	// List answers q with everything that matches or fails. It never leaves out a
	// resource that it could not read, and never guesses a total. q says which page
	// is wanted, and in which order.
	//
	// Its cost in upstream calls is for the backend to keep low and to bound: a
	// query that would cost more than the bound fails with tooMany. A filter that no
	// resource can satisfy costs nothing.
	List(ctx context.Context, q ListQuery) (*ListResult, error)

	// Explain describes on one line how List would answer a filter, nil standing for
	// none. It asks nothing of upstream, so the plan that List tells may be a better
	// one.
	Explain(filter query.Expr) string
}

// Patcher is a Backend that can do some PATCHes in one upstream call, without
// reading the resource first. Without it, or where it declines, the server reads
// the resource, applies the operations and calls Update.
type Patcher interface {
	// Patch applies all operations in their order, or none.
	//
	// done is false, and nothing was done, if the effect of an operation depends on
	// the present values of the resource; found and err are nil then. Otherwise found
	// and err are the outcome, as Update returns it.
	Patch(ctx context.Context, id string, ops []Operation) (found query.Object, done bool, err error)
}

// Former is a Backend that can say what a form for its resources asks for.
type Former interface {
	// Form returns the message for the resource called id, or without an id for a new
	// one that the parameters of the request describe. A resource that does not exist
	// is a 404.
	Form(ctx context.Context, id string, parameters url.Values) (query.Object, error)
}

// Completer is a Backend that knows attributes which the schema requires and
// clients may leave out nevertheless.
type Completer interface {
	// Complete adds to doc, the body of a POST or PUT, the attributes that the client may
	// leave out.
	// method is http.MethodPost or http.MethodPut. doc belongs to Complete until it
	// returns: its members may be set, the values in them are shared. A document
	// that cannot be completed is a 400 invalidValue. Complete asks nothing of
	// upstream.
	//
	// standIn names the attribute of doc, if any, that Complete gave a value only to
	// satisfy the schema: a PUT replaces it by the value that the resource has.
	Complete(ctx context.Context, method string, doc *query.Object) (standIn string, err error)
}
