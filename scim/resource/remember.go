package resource

import (
	"context"
	"time"

	"scim-atlassian/scim/query"
)

// Rememberer is a backend whose resources are kept, with a log of what changed.
type Rememberer interface {
	// Mark brings what is known of the resources up to date, as a list that looks at
	// everything would, and says where the log is then. With fresh it rests on nothing
	// that was read before. Its errors are those of List; a backend without a log
	// answers with a 501 *Error.
	Mark(ctx context.Context, fresh bool) (Mark, error)
	// Logged names the types under which the log has what changes these resources. A
	// view has changes of the types that it shows.
	Logged() []string
	// Changed returns what entries of the log changed of these resources, in their
	// order, an entry for each pair of an entry and a resource. It makes no upstream call.
	Changed(ctx context.Context, entries []LogEntry) ([]Change, error)
}

// Mark is a place in the log.
type Mark struct {
	Seq    int64     // number of the last entry
	AsOf   time.Time // when the oldest reading began that the resources rest on
	Proven time.Time // when the last reading of all resources began; zero: there was none
}

// LogEntry is an entry of the log.
type LogEntry struct {
	Seq      int64
	Type, ID string
	Op       LogOp
	Names    []string  // top-level attributes that changed; of a view's source, its own
	Before   []byte    // the resource before, in a form of its backend's; nil: there was none
	At       time.Time // when the log took it
}

// LogOp is what an entry did to a resource.
type LogOp string

// The operations of the log.
const (
	Created LogOp = "create"
	Updated LogOp = "update"
	Deleted LogOp = "delete"
)

// Change is what an entry of the log did to a resource.
type Change struct {
	Seq    int64
	ID     string
	Op     LogOp
	Names  []string     // top-level attributes that changed, canonical; of an update alone
	Before query.Object // the resource before the entry; nil: there was none, or it is not known
	Now    query.Object // the resource as it is known at present; nil: it is gone
	// Joined and Left are the values that the attribute Type.Links gained and lost by
	// the entry, if Names has it.
	Joined, Left []string
}
