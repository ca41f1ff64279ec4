// Package delta answers what has changed since a moment, as
// draft-sehgal-scim-delta-query-02 has it: a client takes a token, and later asks
// with it for all that was created, changed and deleted since.
//
// The moments are numbers of the log in the state, which backends that remember
// their changes write. A query reads the log from the number of its token on, page
// by page, until it is empty; then it has the token for the next query.
//
// # Nothing is lost
//
// A page covers a run of entries of the log. It tells what has become of every
// resource that they are about, as it is now: the entries of one resource become one
// wrapper. Positions are those of entries, which never move, so the next page goes
// on exactly behind, whatever happens meanwhile; what that changes has entries of its
// own, on this page's successors or in the next query. So something may be told
// twice, and whoever applies all pages in their order ends with the truth.
package delta

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/state"
)

// Config says where the log is, and for how long it is good.
type Config struct {
	State     *state.Store     // nil: there is no log, and every query is refused with 501
	Retention time.Duration    // how long a token is good
	Now       func() time.Time // safe for concurrent use
}

// New makes a Deltas. It asks nothing of the state.
func New(cfg Config) *Deltas { return &Deltas{cfg: cfg} }

// Deltas answers delta queries. It is safe for concurrent use.
type Deltas struct {
	cfg    Config
	mu     sync.Mutex
	secret []byte // signs tokens and cursors; nil: it was not asked for yet
}

// Scope says what a request is about: one type, or the server root.
type Scope struct {
	Type     *resource.Type   // the type in question; on the root, that of the root
	Root     bool             // the request is about the server root
	Types    []*resource.Type // Type alone; on the root, those that it is about and the caller may read
	Readable []*resource.Type // all types that the caller may read
	Fresh    bool             // rest on nothing that was read before (Cache-Control: no-cache)
}

// Supports reports whether changes of a type are remembered.
func (d *Deltas) Supports(rt *resource.Type) bool {
	_, ok := rt.Backend.(resource.Rememberer)
	return ok && d.cfg.State != nil
}

// Announcement is DeltaQuery of a ServiceProviderConfig, for a server of the types.
func (d *Deltas) Announcement(types []*resource.Type) query.Object {
	root, names := false, []any{}
	for _, rt := range types {
		if d.Supports(rt) {
			root, names = root || rt.Root, append(names, rt.Name)
		}
	}
	if len(names) == 0 {
		return query.Object{{Name: "supported", Value: false}}
	}
	if root {
		names = append([]any{"ServerRoot"}, names...)
	}
	return query.Object{
		{Name: "supported", Value: true}, {Name: "deltaTokenExpiry", Value: int64(d.cfg.Retention / time.Second)}, {Name: "supportedResources", Value: names},
	}
}

// supported are those of the types whose changes are remembered. If there are none,
// or the request is about another one, that is a 501.
func (d *Deltas) supported(types []*resource.Type, s Scope) ([]*resource.Type, error) {
	if d.cfg.State == nil {
		return nil, resource.Refuse(http.StatusNotImplemented, "", "This server has no state to keep a log of changes in, so it cannot tell what has changed; read in full.")
	}
	var known []*resource.Type
	for _, rt := range types {
		if d.Supports(rt) {
			known = append(known, rt)
		}
	}
	switch {
	case !s.Root && len(known) == 0:
		return nil, resource.Refuse(http.StatusNotImplemented, "", "This server keeps no log of changes of %s; read them in full.", strings.TrimPrefix(s.Type.Endpoint, "/"))
	case len(known) == 0:
		return nil, resource.Refuse(http.StatusNotImplemented, "", "This server keeps no log of changes of anything that you may read here; read in full.")
	}
	return known, nil
}

// Position is a moment of the log.
type Position struct {
	AsOf, Proven time.Time // as resource.Mark has them, the oldest of all types; zero: there is none, or it is not the first page
	head         state.Head
}

// mark brings the types up to date and says where the log is then.
func (d *Deltas) mark(ctx context.Context, types []*resource.Type, fresh bool) (Position, error) {
	var p Position
	for i, rt := range types {
		m, err := rt.Backend.(resource.Rememberer).Mark(ctx, fresh)
		if err != nil {
			return p, err
		}
		if i == 0 || m.AsOf.Before(p.AsOf) {
			p.AsOf = m.AsOf
		}
		if i == 0 || m.Proven.Before(p.Proven) {
			p.Proven = m.Proven
		}
	}
	var err error
	p.head, err = d.cfg.State.Head(ctx)
	return p, unreadable(err)
}

// unreadable turns an error of the state into an answer; nil stays nil.
func unreadable(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &resource.Error{Status: http.StatusServiceUnavailable, RetryAfter: 5 * time.Second, Err: err,
		Detail: "The log of changes cannot be read now; try again. The log of this server says why."}
}

// logged are the types of the log that have what changes the types.
func logged(types []*resource.Type) []string {
	var names []string
	for _, rt := range types {
		names = append(names, rt.Backend.(resource.Rememberer).Logged()...)
	}
	return query.Unique(names)
}
