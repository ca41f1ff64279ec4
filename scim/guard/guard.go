// Package guard keeps one caller from emptying the directory by accident, and
// anybody without the right from changing what the operator protects.
//
// It stands in front of the backends: [Guard.Wrap] makes a backend that looks at a
// write before it is sent. What the write takes away, deletions, deactivations,
// members and holders, is counted for the caller (budget.go); beyond the change
// budget it is refused with 403 changeBudget, and listed as a hold (hold.go). To
// release a hold executes nothing: it lets the caller's own retry pass. A write that
// changes a protected object is refused with 403 protected (protect.go).
//
// The counts are kept in the state, so that they survive a restart and are shared by
// replicas. Nothing here asks upstream, apart from the name of an object that nobody
// has read yet, where objects are protected.
package guard

import (
	"context"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/state"
)

// The values of scimType of the refusals. They are no standard's.
const (
	typeChangeBudget = "changeBudget"
	typeProtected    = "protected"
)

// Config says what is counted and what is protected. The zero Config guards nothing.
type Config struct {
	Budget    Budget
	Protected Patterns
	State     *state.Store // where counts and holds are kept; nil: in memory
	// Accepted is told that a reading which was not believed is to be; nil: nobody is.
	Accepted func()
	// Facts are about what the backends have at hand.
	Facts   Facts
	AsError func(error) *resource.Error // the answer to an error of a backend

	// BudgetSetting and ProtectedSetting are the operator's names of Budget and Protected.
	BudgetSetting, ProtectedSetting resource.Setting

	Logger *zap.Logger
	Now    func() time.Time
}

// Facts is what is known of the resources without a request to upstream. The functions
// are safe for concurrent use.
type Facts struct {
	People func() int                                    // how many users there are, -1 if nobody knows
	Groups func() int                                    // how many groups
	Person func(id string, names ...string) query.Object // some members of a user of the directory, nil if it is not known
	Group  func(id string, names ...string) query.Object // some members of a group, without its members if they are not known
	IsRole func(id string) bool                          // an entitlement is a project role
	Holder func(id string) (holders int)                 // accounts that hold a role, -1 if nobody knows

	// ReadGroup reads a group of which Group knows nothing. It may ask upstream.
	ReadGroup func(ctx context.Context, id string) (query.Object, error)
}

// Guard looks at writes before they are sent. It is safe for concurrent use.
type Guard struct {
	cfg   Config
	store keeper

	mu   sync.Mutex           // one count at a time in this process; replicas meet in store
	seen map[uint64]time.Time // what was counted lately: a repeat does not count twice
}

// New makes a guard.
func New(cfg Config) *Guard {
	if cfg.Accepted == nil {
		cfg.Accepted = func() {}
	}
	g := &Guard{cfg: cfg, seen: map[uint64]time.Time{}}
	if cfg.State != nil {
		g.store = cfg.State
	} else {
		g.store = newMemory(cfg.Now)
	}
	return g
}

// guards reports whether there is anything to look at.
func (g *Guard) guards() bool { return g.cfg.Budget.Window > 0 || len(g.cfg.Protected) > 0 }

// unavailable is the refusal of a write that cannot be counted.
func unavailable(err error) error {
	return &resource.Error{Status: http.StatusServiceUnavailable, RetryAfter: 5 * time.Second, Err: err,
		Detail: "The change budget cannot be counted at present, so nothing is deleted, deactivated or removed; nothing was changed. Repeat the request later."}
}
