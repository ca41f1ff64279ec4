package scim

import (
	"sync"
	"time"
)

const (
	walkLifetime  = time.Minute // since the last page
	walkResources = 200_000     // held by all walks together, some 2 kB each
)

// walks keeps what a query found for the pages that follow the first: they are
// of one state of upstream, however it changes meanwhile, and cost nothing. The
// first page is always found anew. It is safe for concurrent use.
type walks struct {
	now func() time.Time

	mu    sync.Mutex
	byKey map[string]*walk
	held  int // resources in all walks
}

// walk is a complete, matched and sorted result.
type walk struct {
	result  *listResult
	expires time.Time
}

// key names a walk: whose it is, and everything that decides on the result and
// its order but the page.
func (q listQuery) key(c *call) string {
	filter, sortBy, order := "", "", ""
	if q.filter != nil {
		filter = q.filter.String()
	}
	if q.sortBy != nil {
		sortBy = q.sortBy.String()
	}
	if q.descending {
		order = "descending"
	}
	return c.caller.Name + "\x00" + c.base + c.rt.Name + "\x00" + filter + "\x00" + sortBy + "\x00" + order + "\x00" + q.shown
}

// next returns the page that q asks for if the walk that it goes on with lives.
func (w *walks) next(key string, q listQuery) *listResult {
	if q.start == 1 || q.fresh {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	found := w.byKey[key]
	if found == nil || w.now().After(found.expires) {
		return nil
	}
	found.expires = w.now().Add(walkLifetime)
	return q.cut(found.result.all, "continued "+found.result.plan)
}

// keep remembers a result of which q is not the last page.
func (w *walks) keep(key string, q listQuery, r *listResult) {
	if r.all == nil || q.start+q.count > len(r.all) || len(r.all) > walkResources {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drop(key)
	for k, old := range w.byKey {
		if w.now().After(old.expires) {
			w.drop(k)
		}
	}
	for w.held+len(r.all) > walkResources {
		w.drop(w.oldest())
	}
	w.byKey[key] = &walk{r, w.now().Add(walkLifetime)}
	w.held += len(r.all)
}

func (w *walks) drop(key string) {
	if old := w.byKey[key]; old != nil {
		w.held -= len(old.result.all)
		delete(w.byKey, key)
	}
}

func (w *walks) oldest() string {
	var key string
	var first time.Time
	for k, old := range w.byKey {
		if key == "" || old.expires.Before(first) {
			key, first = k, old.expires
		}
	}
	return key
}
