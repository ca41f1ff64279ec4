package searches

import (
	"sync"
	"time"
)

// Verdicts remembers the JQL that Jira understood. A search with JQL that names
// something unknown finds nothing and reports no error, so every JQL is checked
// before it is run, and again after a while, since the things it names may be
// deleted. It is safe for concurrent use.
type Verdicts struct {
	now  func() time.Time
	mu   sync.Mutex
	good map[string]verdict // by JQL
}

type verdict struct {
	checked time.Time
	found   int // issues found by the last search, -1 before the first
}

const (
	maxVerdicts = 1024
	verdictTTL  = 5 * time.Minute
)

// NewVerdicts remembers nothing yet.
func NewVerdicts(now func() time.Time) *Verdicts { return &Verdicts{now: now} }

// Understood reports whether Jira understood a JQL a while ago.
func (v *Verdicts) Understood(text string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	known, ok := v.good[text]
	return ok && v.now().Sub(known.checked) < verdictTTL
}

// Add remembers that Jira understands a JQL.
func (v *Verdicts) Add(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.good == nil || len(v.good) >= maxVerdicts {
		v.good = map[string]verdict{}
	}
	v.good[text] = verdict{v.now(), -1}
}

// SetFound notes how many issues a search found.
func (v *Verdicts) SetFound(text string, n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if known, ok := v.good[text]; ok {
		known.found = n
		v.good[text] = known
	}
}

// Found returns how many issues the last search with a JQL found, -1 if that is
// unknown.
func (v *Verdicts) Found(text string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	if known, ok := v.good[text]; ok {
		return known.found
	}
	return -1
}
