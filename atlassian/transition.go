package atlassian

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
)

// Transition is a step that the workflow allows now.
type Transition struct {
	ID        string                     `json:"id"`
	Name      string                     `json:"name"`
	To        Status                     `json:"to"`
	HasScreen bool                       `json:"hasScreen"`
	IsLooped  bool                       `json:"isLooped"` // it stays in the status
	Fields    map[string]TransitionField `json:"fields"`   // of its screen
}

// TransitionField is a field on the screen of a transition.
type TransitionField struct {
	Name            string         `json:"name"`
	Schema          FieldSchema    `json:"schema"`
	Required        bool           `json:"required"`
	HasDefaultValue bool           `json:"hasDefaultValue"`
	Operations      []string       `json:"operations"`
	AllowedValues   []AllowedValue `json:"allowedValues"`
}

// AllowedValue is a choice of a field: system fields have a Name, options of custom fields a Value, and those of a
// cascading field Children.
type AllowedValue struct {
	ID, Name, Value string
	Disabled        bool // nobody can choose it any more
	Children        []AllowedValue
}

// Choices are the allowed values that can be chosen.
func (f TransitionField) Choices() []AllowedValue {
	return slices.DeleteFunc(slices.Clone(f.AllowedValues), func(v AllowedValue) bool { return v.Disabled })
}

// UnmarshalJSON reads the members that it knows and never fails: the fields of apps have values of any shape.
func (v *AllowedValue) UnmarshalJSON(b []byte) error {
	var object struct {
		ID, Name, Value, Disabled any
		Children                  json.RawMessage
	}
	if json.Unmarshal(b, &object) != nil {
		return nil
	}
	_ = json.Unmarshal(object.Children, &v.Children) // what is no list of objects says nothing
	v.ID, _ = object.ID.(string)
	v.Name, _ = object.Name.(string)
	v.Value, _ = object.Value.(string)
	v.Disabled, _ = object.Disabled.(bool)
	return nil
}

type transitions struct {
	Transitions []Transition `json:"transitions"`
}

func (t *transitions) accept() bool { return t.Transitions != nil }

// Transitions returns the steps possible from the present status, with the fields of their screens; none without the
// permission to transition. It calls GET /rest/api/3/issue/{issueIdOrKey}/transitions.
func (j *Jira) Transitions(ctx context.Context, idOrKey string) ([]Transition, error) {
	answer, err := fetch[transitions](ctx, j.caller, request{
		op: "GET /rest/api/3/issue/{issueIdOrKey}/transitions", args: []string{idOrKey},
		query: url.Values{"expand": {"transitions.fields"}}, reads: true,
	})
	if err != nil {
		return nil, err
	}
	return answer.Transitions, nil
}

type doTransition struct {
	Transition struct {
		ID string `json:"id"`
	} `json:"transition"`
	IssueUpdate
}

// DoTransition takes a step, setting fields of its screen. It calls POST
// /rest/api/3/issue/{issueIdOrKey}/transitions. The workflow may move the issue further: read it back. Jira drops a
// comment in update without an error if the transition has no screen.
func (j *Jira) DoTransition(ctx context.Context, idOrKey, transitionID string, update IssueUpdate) error {
	body := doTransition{IssueUpdate: update}
	body.Transition.ID = transitionID
	return j.call(ctx, request{
		op: "POST /rest/api/3/issue/{issueIdOrKey}/transitions", args: []string{idOrKey}, body: body,
	})
}
