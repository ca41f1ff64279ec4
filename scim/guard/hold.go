package guard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"go.uber.org/zap"

	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/state"
)

// hold is what was refused to a caller for one reason, as it is kept.
type hold struct {
	Caller   string    `json:"caller"`
	Bucket   string    `json:"bucket"`
	Of       int       `json:"of"`
	Counted  int       `json:"counted"`
	Limit    int       `json:"limit"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	Refused  int       `json:"refused"` // requests
	IDs      []string  `json:"ids"`     // what they would have taken away, each once, mostHeld at most
	More     bool      `json:"more"`    // and more
	Until    time.Time `json:"until"`   // everything passes until then
	Released []string  `json:"released"`
	By       string    `json:"by"`
}

const (
	kindHold = "change-hold"
	mostHeld = 1000           // ids that a hold lists
	holdLife = 24 * time.Hour // after the last refusal or release
)

// The bounds of a release, in minutes.
const (
	usualMinutes = 60
	mostMinutes  = 24 * 60
)

// passes reports whether a release lets a loss pass.
func (h *hold) passes(l loss, now time.Time) bool {
	return h.Until.After(now) || !slices.ContainsFunc(l.ids, func(id string) bool { return !slices.Contains(h.Released, id) })
}

// held enters a refusal into the holds, or reports that it was released.
func (g *Guard) held(ctx context.Context, caller string, e *exceeded) (released bool, err error) {
	errReleased := errors.New("released")
	err = update(ctx, g.store, kindHold, tallyKey(caller, e.bucket), hold{Caller: caller, Bucket: e.bucket}, func(h *hold) (time.Time, error) {
		now := g.cfg.Now()
		if h.passes(e.loss, now) {
			return now, errReleased
		}
		if h.Refused++; h.Refused == 1 {
			h.First = now.UTC()
		}
		h.Last, h.Of, h.Counted, h.Limit = now.UTC(), e.of, e.counted, e.limit
		for _, id := range e.ids {
			switch {
			case slices.Contains(h.IDs, id):
			case len(h.IDs) < mostHeld:
				h.IDs = append(h.IDs, id)
			default:
				h.More = true
			}
		}
		return now.Add(holdLife), nil
	})
	if err == errReleased {
		return true, nil
	}
	return false, err
}

// refusal is the answer to a write beyond the budget.
func (g *Guard) refusal(caller string, e *exceeded) error {
	b, of := g.cfg.Budget, ""
	if e.of >= 0 {
		of = fmt.Sprintf(" of %d", e.of)
	}
	return resource.Refuse(http.StatusForbidden, typeChangeBudget,
		"The change budget of the caller %s does not cover this: within %s, %d%s %s were deleted, deactivated or removed, this would be %d more, and %d may be (%d%%, at least %d). Nothing was changed. "+
			"If it is meant, have a caller with the setting release send POST /Holds/%s/release and repeat the request; else wait until %s%s.",
		caller, e.window(b), e.counted, of, what(e.bucket), len(e.ids), e.limit, b.Percent, b.Floor, tallyKey(caller, e.bucket),
		e.frees.UTC().Format(time.RFC3339), g.cfg.BudgetSetting.Advice(", or set %s"))
}

func (e *exceeded) window(b Budget) string {
	text := b.String()
	return text[slices.Index([]byte(text), '/')+1:]
}

// Route is an endpoint for the server to mount.
type Route struct {
	Path    string // below the base path; "{id}" stands for any segment
	Methods []string
	// Body says that a POST may have a body, and changes something.
	Body   bool
	Answer func(ctx context.Context, q Request) (status int, body query.Object, err error)
}

// Request is a request to a Route.
type Request struct {
	Caller   string // name of who calls
	Releases bool   // the caller may see and release the holds of all
	ID       string // of the path
	Body     any    // as encoding/json decodes it; nil: there is none
	// Intend is called before anything is changed, and tells the audit of it; nil: there is none. Its error is answered.
	Intend func() error
}

// Routes returns the endpoints of holds.
func (g *Guard) Routes() []Route {
	read := []string{http.MethodGet, http.MethodHead}
	return []Route{
		{Path: "Holds", Methods: read, Answer: g.list},
		{Path: "Holds/{id}", Methods: read, Answer: g.show},
		{Path: "Holds/{id}/release", Methods: []string{http.MethodPost}, Body: true, Answer: g.release},
	}
}

// list answers with the holds that the caller may see.
func (g *Guard) list(ctx context.Context, q Request) (int, query.Object, error) {
	found := []any{}
	err := g.store.Each(ctx, kindHold, func(v state.Value) error {
		var h hold
		if err := json.Unmarshal(v.Data, &h); err != nil {
			return err
		}
		if q.Releases || h.Caller == q.Caller {
			found = append(found, h.document(v.Key))
		}
		return nil
	})
	if err != nil {
		return 0, nil, err
	}
	if q.Releases {
		alarms, err := g.alarms(ctx)
		if err != nil {
			return 0, nil, err
		}
		for _, a := range alarms {
			found = append(found, alarmDocument(&a))
		}
	}
	return http.StatusOK, query.Object{
		{Name: "schemas", Value: []any{"urn:ietf:params:scim:api:messages:2.0:ListResponse"}},
		{Name: "totalResults", Value: int64(len(found))}, {Name: "startIndex", Value: int64(1)}, {Name: "itemsPerPage", Value: int64(len(found))},
		{Name: "Resources", Value: found},
	}, nil
}

// show answers with one hold.
func (g *Guard) show(ctx context.Context, q Request) (int, query.Object, error) {
	if a, err := g.alarmOf(ctx, q.ID); q.Releases && (a != nil || err != nil) {
		if err != nil {
			return 0, nil, err
		}
		return http.StatusOK, alarmDocument(a), nil
	}
	h, err := g.hold(ctx, q.ID)
	if err != nil {
		return 0, nil, err
	}
	if !q.Releases && h.Caller != q.Caller {
		return 0, nil, noHold(q.ID)
	}
	return http.StatusOK, h.document(q.ID), nil
}

// hold returns a hold of a caller, or a 404.
func (g *Guard) hold(ctx context.Context, id string) (h hold, err error) {
	v, there, err := g.store.Value(ctx, kindHold, id)
	if err == nil && !there {
		err = noHold(id)
	}
	if err != nil {
		return hold{}, err
	}
	return h, json.Unmarshal(v.Data, &h)
}

// intend tells the audit what is about to be done.
func (q Request) intend() error {
	if q.Intend == nil {
		return nil
	}
	return q.Intend()
}

func noHold(id string) error {
	return resource.Refuse(http.StatusNotFound, "", "There is no hold %s, or not any more: holds are kept for a day.", resource.InQuotes(id))
}

// release lets what was refused pass, and executes nothing. It is told to the audit.
func (g *Guard) release(ctx context.Context, q Request) (int, query.Object, error) {
	r := resource.RequestOf(ctx)
	r.Remark("hold", q.ID)
	if !q.Releases {
		return 0, nil, resource.Refuse(http.StatusForbidden, "", "The caller %s may not release holds: that takes the setting release of the callers file.", q.Caller)
	}
	if a, err := g.alarmOf(ctx, q.ID); err != nil {
		return 0, nil, err
	} else if a != nil {
		r.Remark("accepted", a.Text)
		return g.accept(ctx, q, a)
	}
	minutes, ids, err := releaseOf(q.Body)
	if err != nil {
		return 0, nil, err
	}
	after, err := g.hold(ctx, q.ID)
	if err != nil {
		return 0, nil, err
	}
	r.Remark("heldCaller", after.Caller)
	r.Remark("what", what(after.Bucket))
	if minutes > 0 {
		r.Remark("minutes", minutes)
	} else {
		r.Remark("ids", ids)
	}
	if err := q.intend(); err != nil {
		return 0, nil, err
	}
	err = update(ctx, g.store, kindHold, q.ID, hold{}, func(h *hold) (time.Time, error) {
		now := g.cfg.Now()
		if minutes > 0 {
			h.Until = now.Add(time.Duration(minutes) * time.Minute).UTC()
		}
		for _, id := range ids {
			if !slices.Contains(h.Released, id) {
				h.Released = append(h.Released, id)
			}
		}
		h.By, after = q.Caller, *h
		after.By = q.Caller
		return now.Add(holdLife), nil
	})
	if err != nil {
		return 0, nil, err
	}
	g.cfg.Logger.Info("hold released", zap.String("hold", q.ID), zap.String("caller", after.Caller), zap.String("what", what(after.Bucket)),
		zap.String("by", q.Caller), zap.Int("minutes", minutes), zap.Strings("ids", ids))
	return http.StatusOK, after.document(q.ID), nil
}

// releaseOf reads the body of a release: minutes, or ids. Without either it is an hour.
func releaseOf(body any) (minutes int, ids []string, err error) {
	wrong := func(format string, args ...any) (int, []string, error) {
		return 0, nil, resource.InvalidValue(format, args...)
	}
	members, ok := body.(map[string]any)
	if !ok && body != nil {
		return wrong(`The body of a release is an object: {"minutes": 30} or {"ids": ["…"]}, or nothing for %d minutes.`, usualMinutes)
	}
	for name, value := range members {
		switch name {
		case "minutes":
			n, isNumber := value.(float64)
			if minutes = int(n); !isNumber || n != float64(minutes) || minutes < 1 || minutes > mostMinutes {
				return wrong("minutes must be a whole number from 1 to %d.", mostMinutes)
			}
		case "ids":
			list, isList := value.([]any)
			for _, e := range list {
				id, isText := e.(string)
				isList = isList && isText && id != ""
				ids = append(ids, id)
			}
			if !isList || len(ids) == 0 || len(ids) > mostHeld {
				return wrong("ids must be a list of 1 to %d ids, as the hold lists them.", mostHeld)
			}
		default:
			return wrong("A release has no member %s: use minutes or ids.", resource.InQuotes(name))
		}
	}
	if minutes > 0 && ids != nil {
		return wrong("minutes and ids exclude each other.")
	}
	if minutes == 0 && ids == nil {
		minutes = usualMinutes
	}
	return minutes, ids, nil
}

// document is a hold as it is answered.
func (h *hold) document(id string) query.Object {
	o := query.Texts("id", id, "caller", h.Caller, "what", what(h.Bucket))
	o.Set("counted", int64(h.Counted))
	o.Set("limit", int64(h.Limit))
	if h.Of >= 0 {
		o.Set("of", int64(h.Of))
	}
	o.Set("refused", int64(h.Refused))
	o.Set("first", h.First)
	o.Set("last", h.Last)
	ids := make([]any, len(h.IDs))
	for i, id := range h.IDs {
		ids[i] = id
	}
	o.Set("ids", ids)
	o.Set("more", h.More)
	if h.By != "" {
		released := query.Texts("by", h.By)
		if !h.Until.IsZero() {
			released.Set("until", h.Until)
		}
		if len(h.Released) > 0 {
			ids := make([]any, len(h.Released))
			for i, id := range h.Released {
				ids[i] = id
			}
			released.Set("ids", ids)
		}
		o.Set("released", released)
	}
	return o
}
