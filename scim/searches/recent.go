package searches

import (
	"slices"
	"strconv"
	"sync"
	"time"
)

// Recent remembers the issues written lately: Jira's search index may not
// have these writes yet. It is safe for concurrent use.
type Recent struct {
	now   func() time.Time
	mu    sync.Mutex
	items []write // oldest first
}

type write struct {
	id string
	at time.Time
}

const (
	// recentFor is how long the index may take to have a write.
	recentFor = 2 * time.Minute

	// MaxReconcile is the number of issues that a search can be asked to look up
	// past the index, Jira's maximum.
	MaxReconcile = 50
)

// NewRecent remembers no write yet.
func NewRecent(now func() time.Time) *Recent { return &Recent{now: now} }

// Add notes a write of an issue.
func (r *Recent) Add(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(func(w write) bool { return w.id == id })
	r.items = append(r.items, write{id, r.now()})
}

// IDs returns the issues written lately, oldest first. Jira's own limit of writes
// bounds their number.
func (r *Recent) IDs() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	oldest := r.now().Add(-recentFor)
	r.forget(func(w write) bool { return w.at.Before(oldest) })
	ids := make([]string, 0, len(r.items))
	for _, w := range r.items {
		ids = append(ids, w.id)
	}
	return ids
}

func (r *Recent) forget(which func(write) bool) {
	r.items = slices.DeleteFunc(r.items, which)
}

// Numbers returns the ids as the numbers that a search is asked to look up.
func Numbers(ids []string) []int64 {
	var out []int64
	for _, id := range ids {
		if n, err := strconv.ParseInt(id, 10, 64); err == nil {
			out = append(out, n)
		}
	}
	return out
}
