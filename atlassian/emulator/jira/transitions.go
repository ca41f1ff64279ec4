package jira

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

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
	only := c.query.Get("transitionId")
	list := []transitionJSON{}
	for _, t := range i.workflow().from(i.status) {
		if only != "" && t.id != only {
			continue
		}
		shown := transitionJSON{
			ID: t.id, Name: t.name, To: c.show.status(t.to), HasScreen: t.screen, IsGlobal: t.from == nil,
			IsAvailable: true, IsLooped: t.to == i.status,
		}
		if withFields {
			shown.Fields = map[string]any{}
			if t.screen {
				shown.Fields["resolution"] = c.show.fieldMeta(c.j.field("resolution"), i.project, true)
			}
		}
		list = append(list, shown)
	}
	return ok(map[string]any{"expand": "transitions", "transitions": list})
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
	changed := *i
	d := &draft{issue: &changed, j: c.j}
	t, err := d.transition(body.Transition)
	if err != nil {
		return reply{}, err
	}
	resolution, err := d.screen(t, body)
	if err != nil {
		return reply{}, err
	}
	d.perform(t, resolution)
	c.j.change(i, &changed)
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
		if t.id == ref.id {
			return t, nil
		}
	}
	return nil, deny(http.StatusBadRequest, "Transition id '%s' is not valid for this issue.", ref.id)
}

// screen reads the fields that a request fills in on the screen of a transition:
// the resolution, which is required, and a comment.
func (d *draft) screen(t *transition, body issueBody) (*choice, error) {
	for name := range body.Fields {
		if name != "resolution" || !t.screen {
			return nil, denyField(name, textOffScreen, name)
		}
	}
	for name, operations := range body.Update {
		if name != "comment" {
			return nil, denyField(name, textOffScreen, name)
		}
		if err := d.update(name, operations); err != nil {
			return nil, err
		}
	}
	if !t.screen {
		return nil, nil
	}
	value, given := body.Fields["resolution"]
	if !given || isNull(value) {
		return nil, denyField("resolution", "Resolution is required.")
	}
	ref, _ := parseReference(value)
	resolution := findChoice(d.j.resolutions, ref)
	if resolution == nil {
		return nil, denyField("resolution", "Resolution name '%s' is not valid", ref.name)
	}
	return resolution, nil
}

// perform moves the draft along a transition. Done issues are resolved, with
// the first resolution if none was chosen; all others are not.
func (d *draft) perform(t *transition, resolution *choice) {
	now := d.j.tenant.Now()
	d.status, d.updated = t.to, now
	if t.to.category != categoryDone {
		d.resolution, d.resolved = nil, time.Time{}
		return
	}
	if resolution == nil && d.resolution == nil {
		resolution = d.j.resolutions[0]
	}
	if resolution != nil {
		d.resolution, d.resolved = resolution, now
	}
}
