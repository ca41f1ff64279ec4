package list

import (
	"strings"
	"sync"
	"time"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// maxWalks is how many walks are kept at most, however small.
const maxWalks = 4096

// walks keeps walks between the requests of a client, as long as the client goes
// on within the time and there is room. It is safe for concurrent use.
type walks struct {
	now      func() time.Time
	lifetime time.Duration // since the last page
	room     int64         // bytes of all walks together

	mu    sync.Mutex
	byKey map[string]*walk
	held  map[string]int64 // bytes by caller
}

func newWalks(cfg Config) *walks {
	return &walks{now: cfg.Now, lifetime: cfg.CursorTimeout, room: cfg.KeptResultBytes, byKey: map[string]*walk{}, held: map[string]int64{}}
}

// queryKey names the query of a list request: whose it is, and everything that decides
// on the result and its order but the page. The walk of an index is kept under
// it, and cursors are bound to it.
func queryKey(q resource.ListQuery, c *Request) string {
	parts := []string{c.Caller, "", "", "", q.Shown, ""}
	for _, rt := range c.Types {
		parts[1] += rt.Name + " "
	}
	if q.Filter != nil {
		parts[2] = q.Filter.String()
	}
	if q.SortBy != nil {
		parts[3] = q.SortBy.String()
		if q.Descending {
			parts[3] += " descending"
		}
	}
	if q.Complete != nil {
		parts[5] = c.Base // locations are in the result
	}
	return strings.Join(parts, "\x00")
}

// bytes estimates the memory that a walk holds, of users some 3.6 kB each.
// Resources that it shares with others are counted in full.
func (w *walk) bytes() int64 {
	size := int64(256)
	for _, e := range w.steps {
		size += 64 + int64(len(e.at.ID)) + footprint(e.object)
	}
	return size * 7 / 5 // what allocation rounds up to, as measured
}

// footprint estimates the memory of a value: what it points to.
func footprint(v any) int64 {
	const word, pair = 8, 16
	switch v := v.(type) {
	case query.Object:
		size := int64(3*word + 2*pair*cap(v)) // names are the schema's
		for _, m := range v {
			size += footprint(m.Value)
		}
		return size
	case []any:
		size := int64(3*word + pair*cap(v))
		for _, e := range v {
			size += footprint(e)
		}
		return size
	case string:
		return pair + int64(len(v)+word)
	case time.Time:
		return 3 * word
	}
	return word
}
