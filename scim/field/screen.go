package field

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"scim-atlassian/atlassian"
)

// Screens tells on which screens for new issues Jira shows fields, and what can be
// chosen there.
type Screens struct {
	on     map[string][]string // names of screens, by id of the field
	values map[string][]string // options, by id of the field
}

const (
	// mostProjects is the number of projects whose screens are read.
	mostProjects = 25

	// screensAtATime is how many are read at the same time.
	screensAtATime = 4
)

// ReadScreens reads the screens of projects, of some if there are very many. It costs a
// call for a project and one for each of its issue types.
func ReadScreens(ctx context.Context, j *atlassian.Jira, projects []atlassian.Project) (Screens, error) {
	type screen struct {
		name   string
		fields []atlassian.ScreenField
	}
	projects = projects[:min(len(projects), mostProjects)]
	found := make([][]screen, len(projects))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(screensAtATime)
	for i, p := range projects {
		group.Go(func() error {
			types, err := j.ProjectStatuses(ctx, p.ID)
			for _, t := range types {
				fields, err := j.CreateFields(ctx, p.ID, t.ID)
				if err != nil {
					return err
				}
				found[i] = append(found[i], screen{p.Key + ": " + t.Name, fields})
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return Screens{}, err
	}
	s := Screens{map[string][]string{}, map[string][]string{}}
	for _, screen := range slices.Concat(found...) {
		for _, f := range screen.fields {
			s.on[f.FieldID] = append(s.on[f.FieldID], screen.name)
			for _, v := range f.Choices() {
				if v.Value != "" && !slices.Contains(s.values[f.FieldID], v.Value) {
					s.values[f.FieldID] = append(s.values[f.FieldID], v.Value)
				}
			}
		}
	}
	return s, nil
}

// On names the screens that a field is on.
func (s Screens) On(c Custom) []string { return s.on[c.ID()] }

// HasOptions reports whether values of the field are chosen from a list.
func (c Custom) HasOptions() bool {
	return slices.Contains([]Type{Select, Radio, MultiSelect, Checkbox}, c.Type)
}

// With returns the fields with the options of all screens, where the mapping states none.
// A write is judged by the screen of its own issue.
func (s Set) With(screens Screens) Set {
	out := slices.Clone(s)
	for i, c := range out {
		if c.HasOptions() && c.Values == nil {
			out[i].Values = screens.values[c.ID()]
		}
	}
	return out
}

// LacksOptions reports whether the options of a field are not known.
func (s Set) LacksOptions() bool {
	return slices.ContainsFunc(s, func(c Custom) bool { return c.HasOptions() && c.Values == nil })
}
