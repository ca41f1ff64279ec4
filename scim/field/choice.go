package field

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"scim-atlassian/atlassian"
	"scim-atlassian/scim/memo"
	"scim-atlassian/scim/resource"
)

// Screen is the fields of a screen of Jira, by id.
type Screen = map[string]atlassian.TransitionField

// Choice is a value that is chosen from a list, or one of several values of a field.
type Choice struct {
	Attribute string // what the client calls it
	Field     string // id of the field
	Value     any    // as it is sent to Jira
}

// Chosen reports whether the values of the field are chosen from a list that depends on the issue.
func (c Custom) Chosen() bool {
	return c.HasOptions() || slices.Contains([]Type{Cascading, Version, Versions}, c.Type)
}

// Place is where an issue belongs: its options depend on that, not on the field alone.
type Place struct{ Project, Type string } // ids

// Choices judges choices by the screens of the issues that they are for. What a screen offers is
// kept for a while, so that choices that were possible cost nothing; one that was not is refused only
// after the screen was read again. It is safe for concurrent use.
type Choices struct {
	jira *atlassian.Jira
	ttl  time.Duration
	now  func() time.Time

	mu      sync.Mutex
	screens map[Place]*memo.Memo[Screen]
}

// mostScreens bounds the number of screens that are kept.
const mostScreens = 1000

// NewChoices returns Choices that keep what a screen offers for ttl by the clock now.
func NewChoices(j *atlassian.Jira, ttl time.Duration, now func() time.Time) *Choices {
	return &Choices{jira: j, ttl: ttl, now: now, screens: map[Place]*memo.Memo[Screen]{}}
}

func (c *Choices) at(p Place) *memo.Memo[Screen] {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.screens[p]
	if m == nil {
		if len(c.screens) >= mostScreens {
			clear(c.screens)
		}
		m = memo.New[Screen](c.ttl, c.now)
		c.screens[p] = m
	}
	return m
}

// New reads the screen for new issues, and keeps it for later choices.
func (c *Choices) New(ctx context.Context, p Place) (Screen, error) {
	return c.at(p).Get(ctx, true, func(ctx context.Context) (Screen, error) {
		fields, err := c.jira.CreateFields(ctx, p.Project, p.Type)
		screen := Screen{}
		for _, f := range fields {
			screen[f.FieldID] = f.TransitionField
		}
		return screen, err
	})
}

// CheckNew refuses choices that a new issue cannot have. It costs at most a call. Where Jira does
// not show the screen, it judges the issue itself.
func (c *Choices) CheckNew(ctx context.Context, p Place, given []Choice) error {
	return c.check(ctx, p, given, func(ctx context.Context) (Screen, error) { return c.New(ctx, p) })
}

// CheckEdit refuses choices that an issue, given by its id, cannot be edited to have. It costs at most a call.
func (c *Choices) CheckEdit(ctx context.Context, p Place, issue string, given []Choice) error {
	return c.check(ctx, p, given, func(ctx context.Context) (Screen, error) { return c.jira.EditFields(ctx, issue) })
}

func (c *Choices) check(ctx context.Context, p Place, given []Choice, read func(context.Context) (Screen, error)) error {
	if len(given) == 0 {
		return nil
	}
	if kept, ok := c.at(p).Peek(); ok && Offered(kept, given) {
		return nil
	}
	screen, err := read(ctx)
	switch atlassian.KindOf(err) {
	case atlassian.NotFound, atlassian.Forbidden, atlassian.Invalid:
		return nil
	}
	if err != nil {
		return err
	}
	return Refuse(screen, given)
}

// Offered reports whether a screen shows the fields of all choices, and offers them.
func Offered(screen Screen, given []Choice) bool {
	return !slices.ContainsFunc(given, func(g Choice) bool {
		return !slices.ContainsFunc(screen[g.Field].Choices(), func(v atlassian.AllowedValue) bool { return isThat(g.Value, v) })
	})
}

// Refuse returns an error that names all choices that a screen does not offer, and what it offers
// instead; nil if there are none. A field that the screen does not show, or for which Jira gives
// no list, is Jira's to judge.
func Refuse(screen Screen, given []Choice) error {
	var wrong []string
	for _, g := range given {
		on := screen[g.Field]
		if on.AllowedValues == nil || Offered(screen, []Choice{g}) {
			continue
		}
		wrong = append(wrong, fmt.Sprintf("%s: there is no %s for this issue; there are %s.", g.Attribute, described(g.Value), listing(on.Choices())))
	}
	if wrong == nil {
		return nil
	}
	return resource.InvalidValue("%s", strings.Join(wrong, " "))
}

// isThat reports whether a value that is sent to Jira means an allowed one.
func isThat(sent any, v atlassian.AllowedValue) bool {
	o, _ := sent.(map[string]any)
	for name, text := range o {
		switch name {
		case "id":
			if text != v.ID {
				return false
			}
		case "name":
			if text != v.Name {
				return false
			}
		case "value":
			if text != v.Value {
				return false
			}
		case "child":
			if !slices.ContainsFunc(v.Children, func(child atlassian.AllowedValue) bool { return !child.Disabled && isThat(text, child) }) {
				return false
			}
		}
	}
	return len(o) > 0
}

// described is a value that is sent to Jira as messages name it.
func described(sent any) string {
	o, _ := sent.(map[string]any)
	var parts []string
	for _, name := range []string{"value", "name", "id"} {
		if text, ok := o[name].(string); ok {
			parts = append(parts, resource.InQuotes(text))
		}
	}
	if child, ok := o["child"]; ok {
		parts = append(parts, "with the child "+described(child))
	}
	return strings.Join(parts, " ")
}

// listing names allowed values, and the children of each.
func listing(all []atlassian.AllowedValue) string {
	const most = 20
	var parts []string
	for i, v := range all {
		if i == most {
			parts = append(parts, fmt.Sprintf("and %d more", len(all)-most))
			break
		}
		text := resource.InQuotes(v.Name + v.Value)
		if len(v.Children) > 0 {
			text += " (" + listing(v.Children) + ")"
		}
		parts = append(parts, text)
	}
	if parts == nil {
		return "none"
	}
	return strings.Join(parts, ", ")
}
