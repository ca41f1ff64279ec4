package guard

import (
	"context"
	"time"

	"github.com/go-json-experiment/json"

	"scim-atlassian/scim/state"
)

// Spent is what one caller has taken away of one kind of thing within the window of
// the change budget.
type Spent struct {
	Caller  string
	What    string    // "users", "groups", or the members of one group or role
	Counted int       // what was deleted, deactivated or removed
	Limit   int       // how much may go
	Of      int       // how much there was before; -1: nobody knew
	Frees   time.Time // when the oldest that was counted is forgotten
}

// Budget is what the guard holds callers to.
func (g *Guard) Budget() Budget { return g.cfg.Budget }

// Spent lists what callers have used of the change budget, in no order that means
// anything. Replicas that share the state are in it.
func (g *Guard) Spent(ctx context.Context) ([]Spent, error) {
	var all []Spent
	err := g.store.Each(ctx, kindTally, func(v state.Value) error {
		var t tally
		if err := json.Unmarshal(v.Data, &t); err != nil {
			return err
		}
		now := g.cfg.Now()
		t.forget(now, g.cfg.Budget)
		if n := t.sum(); n > 0 && t.Caller != "" { // without a caller it was written by a version before
			all = append(all, Spent{Caller: t.Caller, What: what(t.Bucket), Counted: n, Limit: g.cfg.Budget.limit(t.Of), Of: t.Of, Frees: t.frees(now, g.cfg.Budget)})
		}
		return nil
	})
	return all, err
}
