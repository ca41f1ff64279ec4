package jira

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"scim-atlassian/atlassian/emulator/adf"
	"scim-atlassian/atlassian/emulator/jql"
	"scim-atlassian/atlassian/emulator/tenant"
)

// customField is a field that an administrator has made.
type customField struct {
	number    int
	name      string
	kind      *customKind
	options   []*option              // of the context that every project has
	own       map[*project][]*option // other options, of the contexts of some projects
	offScreen bool                   // on no screen
	hidden    bool                   // without a searcher
}

func (f *customField) id() string { return "customfield_" + strconv.Itoa(f.number) }

// optionsIn lists the options to choose from in a project.
func (f *customField) optionsIn(p *project) []*option {
	if own, found := f.own[p]; found {
		return own
	}
	return f.options
}

// option is a value of a select field. Cascading fields have options below it.
type option struct {
	id, value string
	children  []*option
	disabled  bool
}

// customKind is a type of custom fields. A value is nil when empty, else a
// list of the elements that the comments below name.
type customKind struct {
	key         string // as schemas spell it
	kind, items string // of the schema
	query       jql.Kind
	one         bool // at most one element

	// read reads one element. The whole value is null or absent otherwise.
	read func(*draft, *customField, json.RawMessage) (any, error)
	// show renders an element.
	show func(*renderer, any) any
	// id is how the index and the changelog know an element.
	id func(any) string
	// text is how people read it.
	text func(any) string
}

const typeKey = "com.atlassian.jira.plugin.system.customfieldtypes:"

func sameText(v any) string { return v.(string) }

func showText(_ *renderer, v any) any { return v }

// readText reads a string. Jira names the type that it wants in its refusals.
func readText(_ *draft, f *customField, v json.RawMessage) (any, error) {
	var text string
	if json.Unmarshal(v, &text) != nil {
		return nil, denyField(f.id(), "Operation value must be a string")
	}
	if len(text) > 255 {
		return nil, denyField(f.id(), "The entered text is too long. It exceeds the allowed limit of 255 characters.")
	}
	if text == "" {
		return nil, nil
	}
	return text, nil
}

func textKind(key string, query jql.Kind) *customKind {
	return &customKind{key: typeKey + key, kind: "string", query: query, one: true, read: readText, show: showText, id: sameText, text: sameText}
}

// several is the kind of lists of another kind.
func several(k customKind, key string) *customKind {
	k.key, k.kind, k.items, k.one = typeKey+key, "array", k.kind, false
	return &k
}

var (
	kindText = textKind("textfield", jql.Text)
	kindURL  = &customKind{key: typeKey + "url", kind: "string", query: jql.Choice, one: true, show: showText, id: sameText, text: sameText,
		read: func(d *draft, f *customField, v json.RawMessage) (any, error) {
			text, err := readText(d, f, v)
			if s, ok := text.(string); ok && !strings.Contains(s, "://") {
				return nil, denyField(f.id(), "%s is not a valid URL.", s)
			}
			return text, err
		}}
	kindParagraph = &customKind{key: typeKey + "textarea", kind: "string", query: jql.Text, one: true,
		read: func(d *draft, f *customField, v json.RawMessage) (any, error) {
			text, err := d.document(f.id(), v)
			if text == nil {
				return nil, err
			}
			return text, err
		},
		show: func(r *renderer, v any) any { return r.document(v.(json.RawMessage)) },
		id:   func(v any) string { return "" },
		text: func(v any) string { return adf.Text(v.(json.RawMessage)) }}
	kindNumber = &customKind{key: typeKey + "float", kind: "number", query: jql.Number, one: true, show: showText,
		read: func(_ *draft, f *customField, v json.RawMessage) (any, error) {
			var n float64
			if json.Unmarshal(v, &n) != nil {
				return nil, denyField(f.id(), "Operation value must be a number")
			}
			return n, nil
		},
		id:   func(v any) string { return "" },
		text: func(v any) string { return strconv.FormatFloat(v.(float64), 'f', -1, 64) }}
	kindDay    = dateKind("datepicker", "date", jql.Day, time.DateOnly)
	kindMoment = &customKind{key: typeKey + "datetime", kind: "datetime", query: jql.Moment, one: true,
		read: func(_ *draft, f *customField, v json.RawMessage) (any, error) {
			var text string
			if json.Unmarshal(v, &text) == nil {
				for _, layout := range []string{timeLayout, "2006-01-02T15:04:05-0700", time.RFC3339} {
					if at, err := time.Parse(layout, text); err == nil {
						return at.UTC().Truncate(time.Second), nil
					}
				}
			}
			return nil, denyField(f.id(), "Error parsing date string: %s", text)
		},
		show: func(r *renderer, v any) any { return r.time(v.(time.Time)) },
		id:   func(v any) string { return "" },
		text: func(v any) string { return v.(time.Time).Format(timeLayout) }}
	kindSelect = customKind{key: typeKey + "select", kind: "option", query: jql.Choice, one: true, read: readOption, show: showOption,
		id:   func(v any) string { return v.(*option).id },
		text: func(v any) string { return v.(*option).value }}
	kindRadio   = &customKind{typeKey + "radiobuttons", "option", "", jql.Choice, true, readOption, showOption, kindSelect.id, kindSelect.text}
	kindSelects = several(kindSelect, "multiselect")
	kindChecks  = several(kindSelect, "multicheckboxes")
	kindCascade = &customKind{key: typeKey + "cascadingselect", kind: "option-with-child", query: jql.Choice, one: true, read: readCascade,
		show: func(r *renderer, v any) any {
			c := v.(cascade)
			shown := showOption(r, c.parent).(map[string]any)
			if c.child != nil {
				shown["child"] = showOption(r, c.child)
			}
			return shown
		},
		id:   func(v any) string { return v.(cascade).last().id },
		text: func(v any) string { return v.(cascade).text() }}
	kindPerson = customKind{key: typeKey + "userpicker", kind: "user", query: jql.Choice, one: true,
		read: func(d *draft, f *customField, v json.RawMessage) (any, error) {
			if a, id := d.person(v); a == nil {
				return nil, denyField(f.id(), "User '%s' was not found in the system.", id)
			} else {
				return a, nil
			}
		},
		show: func(r *renderer, v any) any { return r.person(v.(*tenant.Account)) },
		id:   func(v any) string { return v.(*tenant.Account).ID },
		text: func(v any) string { return v.(*tenant.Account).Name }}
	kindPeople = several(kindPerson, "multiuserpicker")
	kindGroup  = customKind{key: typeKey + "grouppicker", kind: "group", query: jql.Choice, one: true, read: readGroup,
		show: func(r *renderer, v any) any {
			g := v.(groupName)
			return map[string]any{"name": g.name, "groupId": g.id, "self": r.self("group?groupId=" + g.id)}
		},
		id:   func(v any) string { return v.(groupName).id },
		text: func(v any) string { return v.(groupName).name }}
	kindGroups = several(kindGroup, "multigrouppicker")
	kindLabels = &customKind{key: typeKey + "labels", kind: "array", items: "string", query: jql.Choice, show: showText, text: sameText,
		read: func(d *draft, f *customField, v json.RawMessage) (any, error) {
			text, err := readText(d, f, v)
			if s, ok := text.(string); ok && strings.ContainsAny(s, " \t\n") {
				return nil, denyField(f.id(), "The label '%s' contains spaces which is invalid.", s)
			}
			return text, err
		},
		id: func(v any) string { return strings.ToLower(v.(string)) }}
	kindVersion = customKind{key: typeKey + "version", kind: "version", query: jql.Ranked, one: true,
		read: func(d *draft, f *customField, v json.RawMessage) (any, error) {
			ids, err := d.parts(f.id(), "Version", d.project.versions, json.RawMessage("["+string(v)+"]"))
			if err != nil || len(ids) == 0 {
				return nil, err
			}
			return d.j.parts[ids[0]], nil
		},
		show: func(r *renderer, v any) any { return r.version(v.(*part)) },
		id:   func(v any) string { return v.(*part).id },
		text: func(v any) string { return v.(*part).name }}
	kindVersions = several(kindVersion, "multiversion")
	kindTeam     = &customKind{key: typeKey + "atlassian-team", kind: "team", query: jql.Choice, one: true, read: readText,
		show: func(_ *renderer, v any) any {
			return map[string]any{"id": v, "name": "Team " + v.(string), "title": "Team " + v.(string), "isVisible": true, "isShared": true}
		},
		id: sameText, text: sameText}
	// kindForeign is the type of an app: its values have any shape.
	kindForeign = &customKind{key: "com.example.app:assessment", kind: "any", query: jql.Text, one: true, show: showText, id: sameText, text: sameText}
)

func dateKind(key, kind string, query jql.Kind, layout string) *customKind {
	return &customKind{key: typeKey + key, kind: kind, query: query, one: true, show: showText, text: sameText,
		read: func(_ *draft, f *customField, v json.RawMessage) (any, error) {
			var text string
			if json.Unmarshal(v, &text) != nil {
				return nil, denyField(f.id(), "Operation value must be a string")
			}
			if _, err := time.Parse(layout, text); err != nil {
				return nil, denyField(f.id(), "Error parsing date string: %s", text)
			}
			return text, nil
		},
		id: func(v any) string { return "" }}
}

// groupName is a group as a field keeps it.
type groupName struct{ id, name string }

func readGroup(d *draft, f *customField, v json.RawMessage) (any, error) {
	var given struct{ Name, GroupID string }
	if json.Unmarshal(v, &given) != nil {
		return nil, denyField(f.id(), "Operation value must be a group")
	}
	for _, g := range d.j.siteGroups(d.j.tenant.Now()) {
		if given.GroupID == g.ID || given.GroupID == "" && given.Name == g.Name {
			return groupName{g.ID, g.Name}, nil
		}
	}
	return nil, denyField(f.id(), "Group '%s' does not exist.", given.Name+given.GroupID)
}

// cascade is the value of a cascading field. child is nil if only the first
// list was used.
type cascade struct{ parent, child *option }

func (c cascade) last() *option {
	if c.child != nil {
		return c.child
	}
	return c.parent
}

func (c cascade) text() string {
	if c.child == nil {
		return "Parent values: " + c.parent.value
	}
	return fmt.Sprintf("Parent values: %s(%s)Level 1 values: %s(%s)", c.parent.value, c.parent.id, c.child.value, c.child.id)
}

// optionRef is how a request names an option: by id or value. Old requests
// give an id as a plain string.
type optionRef struct {
	ID    string
	Value string
	Child json.RawMessage
}

func (o optionRef) among(list []*option) *option {
	for _, one := range list {
		if !one.disabled && (o.ID != "" && one.id == o.ID || o.ID == "" && one.value == o.Value) {
			return one
		}
	}
	return nil
}

func (o optionRef) deny(f *customField) error {
	if o.ID != "" {
		return denyField(f.id(), "Option id '%s' is not valid", o.ID)
	}
	return denyField(f.id(), "Option value '%s' is not valid", o.Value)
}

func readOption(d *draft, f *customField, v json.RawMessage) (any, error) {
	var ref optionRef
	if json.Unmarshal(v, &ref.ID) != nil && json.Unmarshal(v, &ref) != nil {
		return nil, denyField(f.id(), "Specify a valid 'id' or 'name' for %s", f.name)
	}
	if found := ref.among(f.optionsIn(d.project)); found != nil {
		return found, nil
	}
	return nil, ref.deny(f)
}

func readCascade(d *draft, f *customField, v json.RawMessage) (any, error) {
	var ref, below optionRef
	if json.Unmarshal(v, &ref) != nil {
		return nil, denyField(f.id(), "Could not find valid 'id' or 'value' in the Parent Option object.")
	}
	parent := ref.among(f.optionsIn(d.project))
	if parent == nil {
		return nil, denyField(f.id(), "Could not find valid 'id' or 'value' in the Parent Option object.")
	}
	if len(ref.Child) == 0 || isNull(ref.Child) {
		return cascade{parent: parent}, nil
	}
	if json.Unmarshal(ref.Child, &below) != nil || below.among(parent.children) == nil {
		return nil, below.deny(f)
	}
	return cascade{parent, below.among(parent.children)}, nil
}

func showOption(r *renderer, v any) any {
	o := v.(*option)
	shown := map[string]any{"self": r.self("customFieldOption/" + o.id), "id": o.id, "value": o.value}
	if o.disabled {
		shown["disabled"] = true
	}
	return shown
}

// issueField describes a custom field as a field of issues.
func (f *customField) issueField() *issueField {
	shown := &issueField{
		id: f.id(), name: f.name, kind: f.kind.kind, items: f.kind.items, custom: f,
		in: func(p *project) bool { return p.custom },
		get: func(r *renderer, i *issue) (any, bool) {
			if !i.project.custom {
				return nil, false
			}
			return f.show(r, i.x().custom[f.number]), true
		},
	}
	if !f.hidden && f.kind != kindForeign {
		shown.clauses = []string{"cf[" + strconv.Itoa(f.number) + "]", f.name}
	}
	if f.kind.read != nil && !f.offScreen {
		shown.set = func(d *draft, v json.RawMessage) error { return d.setCustom(f, v) }
	}
	if f.kind.kind == "version" || f.kind.items == "version" {
		shown.values = func(r *renderer, p *project) []any { return renderAll(p.versions, r.version) }
	}
	if f.options != nil {
		shown.values = func(r *renderer, p *project) []any {
			return renderAll(f.optionsIn(p), func(o *option) any {
				one := showOption(r, o).(map[string]any)
				if o.children != nil {
					one["children"] = renderAll(o.children, func(c *option) any { return showOption(r, c) })
				}
				return one
			})
		}
	}
	return shown
}

func (f *customField) show(r *renderer, value []any) any {
	switch {
	case len(value) == 0:
		return nil
	case f.kind.one:
		return f.kind.show(r, value[0])
	}
	return renderAll(value, func(v any) any { return f.kind.show(r, v) })
}

func (d *draft) setCustom(f *customField, v json.RawMessage) error {
	value, err := d.readCustom(f, v)
	if err != nil {
		return err
	}
	d.own().custom[f.number] = value
	return nil
}

func (d *draft) readCustom(f *customField, v json.RawMessage) ([]any, error) {
	if isNull(v) {
		return nil, nil
	}
	elements := []json.RawMessage{v}
	if !f.kind.one && json.Unmarshal(v, &elements) != nil {
		return nil, denyField(f.id(), "data was not an array")
	}
	var value []any
	for _, text := range elements {
		element, err := f.kind.read(d, f, text)
		if err != nil {
			return nil, err
		}
		if element != nil && !slices.ContainsFunc(value, func(o any) bool { return f.same(o, element) }) {
			value = append(value, element)
		}
	}
	return value, nil
}

// same reports whether two elements of a list are one.
func (f *customField) same(a, b any) bool { return f.kind.id(a) == f.kind.id(b) }

// custom fields of the index.

func (j *Jira) customQueryFields() []jql.Field[*issue] {
	var fields []jql.Field[*issue]
	for _, f := range j.custom {
		if !f.hidden && f.kind != kindForeign {
			fields = append(fields, j.customQueryField(f))
		}
	}
	return fields
}

func (j *Jira) customQueryField(f *customField) jql.Field[*issue] {
	q := jql.Field[*issue]{Name: "cf[" + strconv.Itoa(f.number) + "]", Aliases: []string{f.name}, Kind: f.kind.query}
	first := func(i *issue) any {
		if value := i.x().custom[f.number]; len(value) > 0 {
			return value[0]
		}
		return nil
	}
	switch f.kind.query {
	case jql.Text:
		q.Words = func(i *issue) []string {
			if v := first(i); v != nil {
				return jql.Words(f.kind.text(v))
			}
			return nil
		}
	case jql.Number:
		q.Number = func(i *issue) (float64, bool) { n, ok := first(i).(float64); return n, ok }
	case jql.Day, jql.Moment:
		q.Time = func(i *issue) int64 { return indexedTime(first(i)) }
	default:
		q.Many = func(i *issue) []string { return f.indexed(i.x().custom[f.number]) }
		q.Resolve = j.customResolver(f)
		q.Rank = j.rankVersion
		q.Call = f.cascadeCall
	}
	return q
}

func indexedTime(v any) int64 {
	switch v := v.(type) {
	case time.Time:
		return v.UnixMilli()
	case string:
		if day, err := time.Parse(time.DateOnly, v); err == nil {
			return day.Unix() / 86400
		}
	}
	return jql.Never
}

// indexed lists the ids by which an issue is found; a choice in the second
// list of a cascading field is found by the first one too.
func (f *customField) indexed(value []any) []string {
	var ids []string
	for _, v := range value {
		ids = append(ids, f.kind.id(v))
		if c, ok := v.(cascade); ok && c.child != nil {
			ids = append(ids, c.parent.id)
		}
	}
	return ids
}

// customResolver finds the ids that a literal names, over all contexts.
func (j *Jira) customResolver(f *customField) func(jql.Value) []string {
	switch f.kind.items + f.kind.kind {
	case "user", "userarray":
		return j.resolveAccount
	case "version", "versionarray":
		return j.resolvePart(func(p *project) []*part { return p.versions })
	case "group", "grouparray":
		return func(v jql.Value) []string {
			return matching(j.siteGroups(j.tenant.Now()), v, func(g tenant.Group) []string { return []string{g.ID, g.Name} })
		}
	case "stringarray":
		return func(v jql.Value) []string { return []string{strings.ToLower(v.Text)} }
	case "string", "team":
		return func(v jql.Value) []string { return []string{v.Text} }
	}
	return func(v jql.Value) []string {
		return matching(f.everyOption(), v, func(o *option) []string { return []string{o.id, o.value} })
	}
}

// everyOption lists the options of all contexts and levels.
func (f *customField) everyOption() []*option {
	var all []*option
	lists := [][]*option{f.options}
	for _, own := range f.own {
		lists = append(lists, own)
	}
	for _, list := range lists {
		for _, o := range list {
			all = append(append(all, o), o.children...)
		}
	}
	return all
}

// cascadeCall evaluates cascadeOption("A") and cascadeOption("A", "B").
func (f *customField) cascadeCall(name string, arguments []string) (id string, ok bool) {
	if !strings.EqualFold(name, "cascadeOption") || f.kind != kindCascade || len(arguments) == 0 || len(arguments) > 2 {
		return "", false
	}
	for _, parent := range f.options {
		if !strings.EqualFold(parent.value, arguments[0]) && parent.id != arguments[0] {
			continue
		}
		if len(arguments) == 1 {
			return parent.id, true
		}
		for _, child := range parent.children {
			if strings.EqualFold(child.value, arguments[1]) || child.id == arguments[1] {
				return child.id, true
			}
		}
	}
	return "", false
}
