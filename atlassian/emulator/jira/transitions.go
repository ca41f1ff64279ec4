package jira

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// transition leads to a status, from some statuses or from any.
type transition struct {
	id, name string
	from     []*status // nil: any status
	to       *status
	screen   []onScreen         // nil: it shows none
	open     func(*issue) bool  // a condition; nil: always
	done     func(*draft)       // post-functions; nil: none
	refuse   func(*draft) error // a validator; nil: none
}

// onScreen is a field on the screen of a transition. The comment is one too,
// although Jira does not list it.
type onScreen struct {
	field    string
	required bool
}

// resolutionScreen asks for a resolution.
var resolutionScreen = []onScreen{{"resolution", true}}

// workflow is a graph of statuses; an issue starts at the first.
type workflow struct {
	statuses    []*status
	transitions []*transition
	classic     bool          // resolutions are set and cleared by post-functions only
	approval    *approvalStep // nil: none
}

// from lists the transitions that leave a status.
func (w *workflow) from(s *status) []*transition {
	var list []*transition
	for _, t := range w.transitions {
		if t.from == nil || slices.Contains(t.from, s) {
			list = append(list, t)
		}
	}
	return list
}

type transitionJSON struct {
	ID            string          `json:"id"`
	Name          string          `json:"name"`
	To            json.RawMessage `json:"to"`
	HasScreen     bool            `json:"hasScreen"`
	IsGlobal      bool            `json:"isGlobal"`
	IsInitial     bool            `json:"isInitial"`
	IsAvailable   bool            `json:"isAvailable"`
	IsConditional bool            `json:"isConditional"`
	IsLooped      bool            `json:"isLooped"`
	Fields        map[string]any  `json:"fields,omitempty"`
}

func (c *call) listTransitions() (reply, error) {
	i, err := c.pathIssue()
	if err != nil {
		return reply{}, err
	}
	withFields := slices.Contains(c.list("expand"), "transitions.fields")
	list := c.show.transitions(i, c.query.Get("transitionId"), withFields, c.flag("includeUnavailableTransitions"))
	return ok(map[string]any{"expand": "transitions", "transitions": list})
}

// transitions renders the transitions that leave the status of an issue: the one
// with the id only, or all if it is empty.
func (r *renderer) transitions(i *issue, only string, withFields, closed bool) []transitionJSON {
	list := []transitionJSON{}
	for _, t := range i.workflow().from(i.status) {
		available := t.open == nil || t.open(i)
		if only != "" && t.id != only || !available && !closed {
			continue
		}
		shown := transitionJSON{
			ID: t.id, Name: t.name, To: r.status(t.to), HasScreen: t.screen != nil, IsGlobal: t.from == nil,
			IsAvailable: available, IsConditional: t.open != nil, IsLooped: t.to == i.status,
		}
		if withFields {
			shown.Fields = map[string]any{}
			for _, on := range t.screen {
				if f := r.j.field(on.field); f != nil && f.id != "comment" {
					shown.Fields[f.id] = r.fieldMeta(f, i.project, on.required)
				}
			}
		}
		list = append(list, shown)
	}
	return list
}

func (c *call) doTransition() (reply, error) {
	i, err := c.pathIssue()
	if err != nil {
		return reply{}, err
	}
	body, err := c.decodeIssue("Missing 'transition' identifier")
	if err != nil {
		return reply{}, err
	}
	d := c.draft(i)
	t, err := d.transition(body.Transition)
	if err != nil {
		return reply{}, err
	}
	if err := d.screen(t, body); err != nil {
		return reply{}, err
	}
	if err := d.writeProperties(body.Properties); err != nil {
		return reply{}, err
	}
	d.perform(t)
	c.j.change(i, d.issue, cause{c.caller, body.HistoryMetadata})
	return noContent()
}

// transition finds the transition that a request names; it must leave the
// status that the issue is in.
func (d *draft) transition(v json.RawMessage) (*transition, error) {
	ref, isObject := parseReference(v)
	if !isObject || strings.TrimSpace(ref.id) == "" {
		return nil, deny(http.StatusBadRequest, "Missing 'transition' identifier")
	}
	for _, t := range d.workflow().from(d.status) {
		if t.id == ref.id && (t.open == nil || t.open(d.issue)) {
			return t, nil
		}
	}
	return nil, deny(http.StatusBadRequest, "Transition id '%s' is not valid for this issue.", ref.id)
}

// screen fills in what a request writes on the screen of a transition. A comment
// without a screen is dropped silently, as Jira does.
func (d *draft) screen(t *transition, body issueBody) error {
	problems := &apiError{status: http.StatusBadRequest, fields: map[string]string{}}
	on := func(name string) bool {
		return slices.ContainsFunc(t.screen, func(s onScreen) bool { return s.field == name })
	}
	for _, name := range sortedKeys(body.Fields) {
		switch f := d.j.field(name); {
		case name == "comment":
			problems.add(denyField(name, "Field does not support update 'comment'"))
		case f == nil || !on(name):
			problems.add(denyField(name, textOffScreen, name))
		case name == "resolution":
			problems.add(d.setResolution(body.Fields[name]))
		default:
			problems.add(f.set(d, body.Fields[name]))
		}
	}
	for _, name := range sortedKeys(body.Update) {
		switch {
		case name == "comment":
			problems.add(d.commentOnScreen(t, body.Update[name]))
		case !on(name):
			problems.add(denyField(name, textOffScreen, name))
		default:
			problems.add(d.update(name, body.Update[name]))
		}
	}
	for _, s := range t.screen {
		if s.required && !written(body, s.field) {
			name := "Comment"
			if s.field != "comment" {
				name = d.j.field(s.field).name
			} else {
				name = "Field Comment" // Jira's own words for this one
			}
			problems.add(denyField(s.field, "%s is required.", name))
		}
	}
	if t.refuse != nil {
		problems.add(t.refuse(d))
	}
	return problems.orNil()
}

// written reports whether a request gives a field a value.
func written(body issueBody, field string) bool {
	value, given := body.Fields[field]
	return given && !isNull(value) || len(body.Update[field]) > 0
}

func (d *draft) commentOnScreen(t *transition, operations []json.RawMessage) error {
	added, err := d.commentsIn(operations)
	if err != nil || t.screen == nil || d.j.options.DropComments {
		return err
	}
	own := d.own()
	own.comments = append(own.comments, added...)
	return nil
}

func (d *draft) setResolution(v json.RawMessage) error {
	if isNull(v) {
		return nil
	}
	ref, _ := parseReference(v)
	found := findChoice(d.j.resolutions, ref)
	if found == nil {
		return denyField("resolution", "Resolution name '%s' is not valid", ref.name)
	}
	d.resolution = found
	d.chosen = true
	return nil
}

// perform moves the draft along a transition. Where the workflow is not a classic
// one, done issues are resolved, with the first resolution if none was chosen; all
// others are not.
func (d *draft) perform(t *transition) {
	now := d.j.tenant.Now()
	before := d.resolution
	d.status, d.updated = t.to, now
	switch {
	case d.workflow().classic:
	case t.to.category != categoryDone:
		d.resolution = nil
	case d.resolution == nil:
		d.resolution = d.j.resolutions[0]
	}
	if t.done != nil {
		t.done(d)
	}
	switch {
	case d.resolution == nil:
		d.resolved = time.Time{}
	case d.chosen || d.resolution != before || d.resolved.IsZero():
		d.resolved = now
	}
	if ask := d.workflow().approval; ask != nil && d.status == ask.status {
		d.askForApproval(ask)
	}
}
