package field

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"scim-atlassian/atlassian/adf"
	"scim-atlassian/scim/query"
	"scim-atlassian/scim/resource"
)

// Read returns the value that Jira shows as a value of the attribute, nil if the field
// is empty.
func (c Custom) Read(raw jsontext.Value) (any, error) {
	if text := string(raw); text == "" || text == "null" {
		return nil, nil
	}
	if !c.Multi() {
		return c.readOne(raw)
	}
	var elements []jsontext.Value
	if err := json.Unmarshal(raw, &elements); err != nil {
		return nil, c.unreadable(err)
	}
	var list []any
	for _, e := range elements {
		v, err := c.readOne(e)
		if err != nil {
			return nil, err
		}
		if v != nil {
			list = append(list, v)
		}
	}
	if list == nil {
		return nil, nil
	}
	return list, nil
}

func (c Custom) unreadable(err error) error {
	return &resource.Error{Status: 502, Detail: fmt.Sprintf("The field %s of an issue has a value that is not of the type %s; mend its type in the mapping.", c.Label, c.Type), Err: err}
}

// shown is what the objects of Jira's fields are read from.
type shown struct {
	ID, Name, Value, AccountID, DisplayName, GroupID string

	Active bool

	Child *struct{ Value string }
}

func (c Custom) readOne(raw jsontext.Value) (any, error) {
	switch c.Type {
	case Number:
		var n float64
		if err := json.Unmarshal(raw, &n); err != nil {
			return nil, c.unreadable(err)
		}
		if n == math.Trunc(n) && math.Abs(n) < 1<<53 {
			return int64(n), nil // as filters have it
		}
		return n, nil
	case Paragraph:
		text, err := adf.Text(raw)
		if err != nil {
			return nil, c.unreadable(err)
		}
		return orNil(text), nil
	case Unknown:
		return string(raw), nil
	case Text, Date, DateTime, URL, Labels:
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return nil, c.unreadable(err)
		}
		if c.Type == DateTime {
			return c.readTime(text)
		}
		return orNil(text), nil
	}
	var s shown
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, c.unreadable(err)
	}
	return c.objectOf(s), nil
}

func orNil(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func (c Custom) readTime(text string) (any, error) {
	at, err := time.Parse("2006-01-02T15:04:05.999-0700", text)
	if err != nil {
		if at, err = time.Parse(time.RFC3339, text); err != nil {
			return nil, c.unreadable(err)
		}
	}
	return at, nil
}

func (c Custom) objectOf(s shown) any {
	switch c.Type {
	case Select, Radio, MultiSelect, Checkbox:
		return orNil(s.Value)
	case Cascading:
		o := query.Object{{Name: "value", Value: s.Value}}
		if s.Child != nil {
			o.Set("child", s.Child.Value)
		}
		return o
	case User, Users:
		return append(query.Texts("value", s.AccountID, "display", s.DisplayName), query.Member{Name: "active", Value: s.Active})
	case Group, Groups:
		return query.Texts("value", s.GroupID, "display", s.Name)
	case Version, Versions:
		return query.Texts("id", s.ID, "name", s.Name)
	}
	return query.Texts("value", s.ID, "display", s.Name)
}

// maxLine is how long a short text may be in Jira, in characters.
const maxLine = 255

// Wire returns the value of the field for Jira, nil to clear it. A person comes with its
// account id as value. A paragraph is written by whoever has the present document.
func (c Custom) Wire(v any) (any, error) {
	list, multi := v.([]any)
	if !multi {
		if v == nil || c.empty(v) {
			return nil, nil
		}
		return c.wireOne(v)
	}
	out := make([]any, 0, len(list))
	for _, e := range list {
		w, err := c.wireOne(e)
		if err != nil {
			return nil, err
		}
		out = append(out, w)
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

func (c Custom) empty(v any) bool {
	switch v := v.(type) {
	case string:
		return v == ""
	case query.Object:
		return len(v) == 0
	}
	return false
}

func (c Custom) wireOne(v any) (any, error) {
	text, _ := v.(string)
	o, _ := v.(query.Object)
	switch c.Type {
	case Text, URL:
		if len([]rune(text)) > maxLine {
			return nil, resource.InvalidValue("%s must have at most %d characters.", c.Name, maxLine)
		}
		if at, err := url.Parse(text); c.Type == URL && (err != nil || at.Scheme == "" || at.Host == "") {
			return nil, resource.InvalidValue("%s is %q; write a whole URL, such as https://example.com.", c.Name, resource.Clip(text))
		}
		return text, nil
	case Paragraph:
		return nil, fmt.Errorf("field: the paragraph %s is no value by itself", c.Name)
	case Date:
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return nil, resource.InvalidValue("%s is %q; write a day as YYYY-MM-DD.", c.Name, resource.Clip(text))
		}
		return text, nil
	case DateTime:
		at, _ := v.(time.Time)
		return at.UTC().Format("2006-01-02T15:04:05.000-0700"), nil
	case Labels:
		if strings.ContainsAny(text, " \t\r\n") {
			return nil, resource.InvalidValue("%s: a label has no spaces.", c.Name)
		}
		return text, nil
	case Number:
		return v, nil
	case Select, Radio, MultiSelect, Checkbox:
		return map[string]any{"value": text}, nil
	}
	return c.wireObject(o)
}

func (c Custom) wireObject(o query.Object) (any, error) {
	switch c.Type {
	case Cascading:
		out := map[string]any{"value": o.Text("value")}
		if child := o.Text("child"); child != "" {
			out["child"] = map[string]any{"value": child}
		}
		return out, nil
	case User, Users:
		return map[string]any{"accountId": o.Text("value")}, nil
	case Group, Groups:
		if id := o.Text("value"); id != "" {
			return map[string]any{"groupId": id}, nil
		}
		return map[string]any{"name": o.Text("display")}, nil
	case Version, Versions:
		if id := o.Text("id"); id != "" {
			return map[string]any{"id": id}, nil
		}
		return map[string]any{"name": o.Text("name")}, nil
	case Team:
		return o.Text("value"), nil
	}
	return nil, resource.Mutability("%s is read only: the type of the field %s is not known here.", c.Name, c.Label)
}

// Agrees reports whether the value that was read back is the value asked for.
func (c Custom) Agrees(want, got any) bool {
	wants, multi := want.([]any)
	if !multi {
		return c.agreesOne(want, got)
	}
	gots, _ := got.([]any)
	if len(wants) > 0 && len(gots) == 0 {
		return false
	}
	meets := func(a any, list []any, agrees func(a, b any) bool) bool {
		return slices.ContainsFunc(list, func(b any) bool { return agrees(a, b) })
	}
	for _, w := range wants {
		if !meets(w, gots, c.agreesOne) {
			return false
		}
	}
	for _, g := range gots {
		if !meets(g, wants, func(a, b any) bool { return c.agreesOne(b, a) }) {
			return false
		}
	}
	return true
}

func (c Custom) agreesOne(want, got any) bool {
	switch w := want.(type) {
	case nil:
		return got == nil
	case string:
		g, _ := got.(string)
		if c.Type == Paragraph {
			return adf.SameText(w, g)
		}
		return strings.TrimSpace(w) == strings.TrimSpace(g)
	case time.Time:
		g, ok := got.(time.Time)
		return ok && w.Truncate(time.Second).Equal(g.Truncate(time.Second)) || ok && w.Truncate(time.Minute).Equal(g)
	case query.Object:
		g, _ := got.(query.Object)
		return len(w) == 0 && len(g) == 0 || query.Refers(w, g)
	}
	return fmt.Sprint(want) == fmt.Sprint(got)
}
