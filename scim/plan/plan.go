// Package plan tells what a bulk request would do, object by object, before it does it.
//
// A [Rehearsal] stands in place of the backends: it reads what is there and lets the
// writes happen in memory, behind everything that judges them. What comes of the
// operations is a [Plan], which [Plans] keep in the state for a day. To apply one, the
// server rehearses the request again, for whoever applies it: only if the outcome is
// that of the plan to the letter, nothing having changed, is it carried out.
package plan

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/document"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
	"scim-atlassian/scim/state"
)

// URN is the schema of a plan.
const URN = "urn:scim-atlassian:params:scim:schemas:plan:2.0:Plan"

// The states of a plan.
const (
	Planned = "planned"
	Applied = "applied" // it was begun, at least
	Stale   = "stale"   // something has changed, so that it can not be applied any more
)

// The outcomes of an operation.
const (
	create  = "create"
	change  = "change"
	remove  = "delete"
	none    = "none"
	refused = "refused"
)

// Operation is what would come of one operation.
type Operation struct {
	Method  string         `json:"method"`
	Path    string         `json:"path"` // as the client has sent it
	BulkID  string         `json:"bulkId,omitzero"`
	Type    string         `json:"type,omitzero"` // name of the resource type
	Outcome string         `json:"outcome"`
	Before  jsontext.Value `json:"before,omitzero"`
	After   jsontext.Value `json:"after,omitzero"`
	Calls   int            `json:"calls"` // to Atlassian, that change something, as far as can be told
	Error   jsontext.Value `json:"error,omitzero"`

	Refusal *resource.Error `json:"-"` // nil: it would be done
}

// Plan is what a bulk request would do.
type Plan struct {
	ID        string         `json:"id"`
	State     string         `json:"state"`
	By        string         `json:"by"` // name of the caller
	Made      time.Time      `json:"made"`
	AppliedBy string         `json:"appliedBy,omitzero"`
	AppliedAt time.Time      `json:"appliedAt,omitzero"`
	Types     []string       `json:"types"` // names of the resource types that it touches
	Calls     int64          `json:"upstreamCalls"`
	Counts    map[string]int `json:"counts"`

	version    int64       // of the value in the state
	Operations []Operation `json:"-"`
	Body       any         `json:"-"` // of the bulk request, without secrets
}

// New makes the plan of operations that were rehearsed.
func New(by string, now time.Time, body any, ops []Operation) *Plan {
	var id [8]byte
	rand.Read(id[:]) // never fails
	p := &Plan{ID: hex.EncodeToString(id[:]), State: Planned, By: by, Made: now.UTC().Truncate(time.Second), Operations: ops, Body: withoutSecrets(body),
		Counts: map[string]int{create: 0, change: 0, remove: 0, none: 0, refused: 0}}
	for _, op := range ops {
		p.Counts[op.Outcome]++
		if op.Type != "" && !slices.Contains(p.Types, op.Type) {
			p.Types = append(p.Types, op.Type)
		}
	}
	slices.Sort(p.Types)
	return p
}

// Document is the plan as it is answered; without operations for a list.
func (p *Plan) Document(whole bool) query.Object {
	o := query.Object{{Name: "schemas", Value: []any{URN}}}
	o = append(o, query.Texts("id", p.ID, "state", p.State, "by", p.By)...)
	o.Set("made", p.Made)
	if p.AppliedBy != "" {
		o.Set("appliedBy", p.AppliedBy)
		o.Set("appliedAt", p.AppliedAt)
	}
	if whole {
		ops := []any{}
		for _, op := range p.Operations {
			ops = append(ops, op.document())
		}
		o.Set("operations", ops)
	}
	counts := query.Object{}
	for _, outcome := range []string{create, change, remove, none, refused} {
		counts.Set(outcome, int64(p.Counts[outcome]))
	}
	o.Set("counts", counts)
	o.Set("upstreamCalls", p.Calls)
	return o
}

func (op *Operation) document() query.Object {
	o := query.Texts("method", op.Method, "path", op.Path, "bulkId", op.BulkID, "outcome", op.Outcome)
	set := func(name string, v jsontext.Value) {
		if v != nil {
			o.Set(name, decoded(v))
		}
	}
	set("before", op.Before)
	set("after", op.After)
	o.Set("calls", int64(op.Calls))
	set("error", op.Error)
	return o
}

// decoded is a document in the form of query, in the order that it was written in.
func decoded(v jsontext.Value) any {
	d := jsontext.NewDecoder(bytes.NewReader(v))
	return decodeNext(d)
}

func decodeNext(d *jsontext.Decoder) any {
	token, err := d.ReadToken()
	if err != nil {
		return nil // of what this package has written
	}
	switch token.Kind() {
	case '{':
		o := query.Object{}
		for d.PeekKind() != '}' {
			name, _ := d.ReadToken()
			key := name.String()
			o = append(o, query.Member{Name: key, Value: decodeNext(d)})
		}
		_, _ = d.ReadToken()
		return o
	case '[':
		list := []any{}
		for d.PeekKind() != ']' {
			list = append(list, decodeNext(d))
		}
		_, _ = d.ReadToken()
		return list
	case '"':
		return token.String()
	case '0':
		f, _ := token.Float() // of what this package has written
		if n := int64(f); f == float64(n) {
			return n
		}
		return f
	case 't', 'f':
		return token.Bool()
	}
	return nil
}

// same reports whether operations come out as the plan says, to the letter. What a
// refusal says beside its kind may differ: some tell the time.
func (p *Plan) same(ops []Operation) bool {
	return slices.EqualFunc(p.Operations, ops, func(a, b Operation) bool {
		return a.Method == b.Method && a.Path == b.Path && a.Outcome == b.Outcome && bytes.Equal(a.Before, b.Before) && bytes.Equal(a.After, b.After) && kindOf(a.Error) == kindOf(b.Error)
	})
}

// kindOf is the part of an error that does not depend on the time.
func kindOf(v jsontext.Value) (kind struct{ Status, ScimType string }) {
	_ = json.Unmarshal(v, &kind, json.MatchCaseInsensitiveNames(true)) // nil: there is none
	return kind
}

// withoutSecrets is the body of a bulk request in which passwords say nothing. They are
// not sent to Atlassian anyway.
func withoutSecrets(v any) any {
	const secret = "password"
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		path, _ := document.LookUp(v, "path")
		text, _ := path.(string)
		about := strings.EqualFold(text, secret) || strings.HasSuffix(strings.ToLower(text), ":"+secret)
		for name, value := range v {
			if strings.EqualFold(name, secret) || about && strings.EqualFold(name, "value") {
				value = "-"
			}
			out[name] = withoutSecrets(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = withoutSecrets(v[i])
		}
		return out
	}
	return v
}

// Plans keeps plans. It is safe for concurrent use, and by several servers on one state.
type Plans struct {
	state *state.Store
	now   func() time.Time
}

// Keep returns the plans of a state.
func Keep(s *state.Store, now func() time.Time) *Plans { return &Plans{s, now} }

const (
	kindPlan = "plan"      // Plan without Operations and Body
	kindBody = "plan-body" // these
	life     = 24 * time.Hour
	most     = 100      // plans
	mostSize = 32 << 20 // bytes of one
)

// body is what kindBody keeps.
type body struct {
	Operations []Operation `json:"operations"`
	Body       any         `json:"body"`
}

// Add keeps a plan, in place of the oldest if there are many.
func (s *Plans) Add(ctx context.Context, p *Plan) error {
	data, err := json.Marshal(body{p.Operations, p.Body})
	if err != nil {
		return err
	}
	if len(data) > mostSize {
		return resource.Refuse(http.StatusRequestEntityTooLarge, "", "The plan would have %d bytes, and %d are kept at most: send fewer operations.", len(data), mostSize)
	}
	all, err := s.All(ctx)
	if err != nil {
		return err
	}
	for i := most - 1; i < len(all); i++ {
		for _, kind := range []string{kindPlan, kindBody} {
			if err := s.state.Remove(ctx, kind, all[i].ID); err != nil {
				return err
			}
		}
	}
	expires := s.now().Add(life)
	if err := s.state.Put(ctx, kindBody, p.ID, data, expires); err != nil {
		return err
	}
	head, err := p.head()
	if err != nil {
		return err
	}
	return s.state.Put(ctx, kindPlan, p.ID, head, expires)
}

// head is what kindPlan keeps.
func (p *Plan) head() ([]byte, error) {
	return json.Marshal(p)
}

// All returns the plans without Operations and Body, the newest first.
func (s *Plans) All(ctx context.Context) ([]*Plan, error) {
	var all []*Plan
	err := s.state.Each(ctx, kindPlan, func(v state.Value) error {
		p := &Plan{version: v.Version}
		all = append(all, p)
		return json.Unmarshal(v.Data, p)
	})
	slices.SortStableFunc(all, func(a, b *Plan) int { return b.Made.Compare(a.Made) })
	return all, err
}

// Get returns a plan that a caller may see, or a 404 or 403.
func (s *Plans) Get(ctx context.Context, id string, c *auth.Caller) (*Plan, error) {
	head, there, err := s.state.Value(ctx, kindPlan, id)
	if err != nil {
		return nil, err
	}
	rest, whole, err := s.state.Value(ctx, kindBody, id)
	if err != nil {
		return nil, err
	}
	if !there || !whole {
		return nil, resource.Refuse(http.StatusNotFound, "", "There is no plan %s, or not any more: plans are kept for a day, and %d at most.", resource.InQuotes(id), most)
	}
	p, b := &Plan{version: head.Version}, body{}
	if err := json.Unmarshal(head.Data, p); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(rest.Data, &b); err != nil {
		return nil, err
	}
	p.Operations, p.Body = b.Operations, b.Body
	return p, p.Hides(c)
}

// Take gives a caller the plan to apply, once, if what would come of it now is what it
// says. Else it is stale from now on: a 412.
func (s *Plans) Take(ctx context.Context, p *Plan, by string, now []Operation) error {
	if p.same(now) {
		return s.move(ctx, p, Applied, by)
	}
	if err := s.move(ctx, p, Stale, by); err != nil {
		return err
	}
	return p.notAnyMore()
}

// move brings a plan from Planned to another state, or fails with 409 if somebody else
// has done so.
func (s *Plans) move(ctx context.Context, p *Plan, to, by string) error {
	if err := p.open(); err != nil {
		return err
	}
	p.State = to
	if to == Applied {
		p.AppliedBy, p.AppliedAt = by, s.now().UTC().Truncate(time.Second)
	}
	head, err := p.head()
	if err != nil {
		return err
	}
	done, err := s.state.Swap(ctx, state.Value{Kind: kindPlan, Key: p.ID, Version: p.version, Data: head, Expires: p.Made.Add(life)})
	if err == nil && !done {
		err = resource.Refuse(http.StatusConflict, "", "The plan %s is being applied by another request.", p.ID)
	}
	return err
}

// Hides is the refusal of a caller that may not read a type that the plan touches, or from
// whom an attribute of it is hidden; nil: the caller may see the plan.
func (p *Plan) Hides(c *auth.Caller) error {
	for _, name := range p.Types {
		if !c.May(name, false) {
			return p.lacks(c, auth.Read, name)
		}
		if len(c.Hidden(name)) > 0 {
			return resource.Refuse(http.StatusForbidden, "", "A plan shows a %s whole, and attributes of it are hidden from the caller %s.", name, c.Name)
		}
	}
	return nil
}

func (p *Plan) lacks(c *auth.Caller, right auth.Right, name string) error {
	return resource.Refuse(http.StatusForbidden, "", "The caller %s lacks the right %s for %s, which the plan touches.", c.Name, right, name)
}

// List is the answer with the plans that a caller may see.
func List(all []*Plan, c *auth.Caller) query.Object {
	found := []any{}
	for _, p := range all {
		if p.Hides(c) == nil {
			found = append(found, p.Document(false))
		}
	}
	n := int64(len(found))
	return query.Object{
		{Name: "schemas", Value: []any{"urn:ietf:params:scim:api:messages:2.0:ListResponse"}},
		{Name: "totalResults", Value: n}, {Name: "startIndex", Value: int64(1)}, {Name: "itemsPerPage", Value: n}, {Name: "Resources", Value: found},
	}
}

// Open is nil as long as a caller may apply the plan.
func (p *Plan) Open(c *auth.Caller) error {
	for _, name := range p.Types {
		if !c.May(name, true) {
			return p.lacks(c, auth.Write, name)
		}
	}
	return p.open()
}

func (p *Plan) open() error {
	switch p.State {
	case Planned:
		return nil
	case Stale:
		return p.notAnyMore()
	}
	return resource.Refuse(http.StatusConflict, "", "The plan %s was applied by %s at %s; a plan is applied once.", p.ID, p.AppliedBy, p.AppliedAt.Format(time.RFC3339))
}

// notAnyMore is the refusal of a plan that is not what would happen now.
func (p *Plan) notAnyMore() error {
	return resource.Refuse(http.StatusPreconditionFailed, "", "What the plan %s says is not what would happen now: something that it rests on has changed, or another caller's settings differ. Nothing was done; make a new plan.", p.ID)
}
