package console

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/console/sheet"
	"scim-atlassian/scim/console/witness"
)

// changesData is what the page shows besides its table.
type changesData struct {
	About                      []string // ids and names that lines must be about
	Who, Type, Outcome, Method string
	Since                      string
	Types                      []string
	Outcomes, Methods          []string
	Source                     string
	Searched                   string // how far the page went back, if that was not to the end
}

const (
	mostRows  = 100    // lines on a page
	mostLooks = 20_000 // lines that are looked at for one page
)

// changes shows audit lines, the newest first. All of the filter is in the URL.
func (c *Console) changes(v *visit) (*view, error) {
	q := v.URL.Query()
	data := &changesData{About: slices.DeleteFunc(slices.Clone(q["about"]), func(s string) bool { return s == "" }), Who: q.Get("who"), Type: q.Get("type"), Outcome: q.Get("outcome"), Method: q.Get("method"), Since: q.Get("since"),
		Outcomes: []string{"done", "refused", "failed", "partial", "unknown"}, Methods: []string{"POST", "PUT", "PATCH", "DELETE"}, Source: c.trail().About()}
	if c.cfg.Sources.Trail == nil {
		data.Source += c.cfg.Sources.Settings.Audit.Advice(" With %s set to a file, this page reads that file.")
	}
	for _, rt := range c.reads(v.caller) {
		data.Types = append(data.Types, rt.Name)
	}
	since, err := parseSince(data.Since)
	if err != nil {
		return nil, err
	}
	before, _ := strconv.ParseInt(q.Get("before"), 10, 64)
	t := &sheet.Table{Name: "changes", Title: "Audit", Columns: sheet.Columns("time=Time (UTC)", "who=Who", "action=What", "resource=~Resource", "outcome=Outcome", "attributes=~Attributes", "references=~Gave and took", "requestId!", "address!"),
		Empty: "No change matches. Changes are listed from the moment on at which somebody makes them through this server."}
	looked := 0
	var last int64
	err = c.trail().Latest(v.Context(), before, func(at int64, r witness.Record) bool {
		if looked++; looked > mostLooks {
			data.Searched = "The latest " + sheet.Thousands(mostLooks) + " lines were looked at."
			t.More = more(v, last)
			return false
		}
		if !since.IsZero() && r.When().Before(since) {
			return false
		}
		if r["msg"] == "intent" || !c.mayReadLine(v.caller, r) || !data.matches(r) {
			last = at
			return true
		}
		if len(t.Rows) == mostRows {
			t.More = more(v, last)
			return false
		}
		last = at
		t.Rows = append(t.Rows, c.changeRow(v.caller, r))
		return true
	})
	if err != nil {
		return nil, err
	}
	found := &view{Data: data, Tables: []*sheet.Table{t}}
	found.Lead = sheet.Plural(len(t.Rows), "change", "changes")
	if t.More != "" {
		found.Lead = "The latest " + found.Lead
	}
	if len(data.About) > 0 {
		found.Lead += " about " + data.About[0]
	}
	found.Lead += "."
	return found, nil
}

func (c *Console) trail() witness.Trail {
	if c.cfg.Sources.Trail != nil {
		return c.cfg.Sources.Trail
	}
	return c.cfg.Recorder
}

// parseSince reads a date, a time, or a duration before now.
func parseSince(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, refuse(400, "since must be a date such as 2026-12-01, or a time such as 2026-12-01T08:30:00Z.")
}

// more is the URL of the lines before a place.
func more(v *visit, place int64) string {
	q := v.URL.Query()
	q.Set("before", strconv.FormatInt(place, 10))
	return v.URL.Path + "?" + q.Encode()
}

// mayReadLine reports whether the caller may read resources of the type that a line is about.
func (c *Console) mayReadLine(caller *auth.Caller, r witness.Record) bool {
	name := r.Text("resourceType")
	if name == "" {
		return c.readsAll(caller)
	}
	return c.mayReadFully(caller, name)
}

// mayReadFully reports whether a caller sees all that there is of a type: every kind, and no attribute hidden.
func (c *Console) mayReadFully(caller *auth.Caller, name string) bool {
	if !caller.May(name, false) || len(caller.Hidden(name)) > 0 {
		return false
	}
	if name == "Entitlement" {
		for _, kind := range []string{"GROUP", "PROJECT_ROLE"} {
			if kinds := caller.Policy().Kinds; kinds != nil && kinds[kind] == "" {
				return false
			}
		}
	}
	return true
}

// matches reports whether a line is wanted.
func (d *changesData) matches(r witness.Record) bool {
	for _, want := range []struct{ name, value string }{{"principal", d.Who}, {"resourceType", d.Type}, {"outcome", d.Outcome}, {"method", d.Method}} {
		if want.value != "" && r.Text(want.name) != want.value {
			return false
		}
	}
	return len(d.About) == 0 || about(r, d.About)
}

// references are the members of a line that name resources, apart from the one that it is about.
var references = []struct{ name, words string }{
	{"added", "+"}, {"assigned", "+"}, {"joined", "+"}, {"removed", "−"}, {"revoked", "−"}, {"left", "−"}, {"set", "="},
}

// about reports whether a line names one of the ids or names, as its resource or among those that it gave or took.
func about(r witness.Record, any []string) bool {
	is := func(s string) bool {
		return s != "" && slices.ContainsFunc(any, func(want string) bool { return strings.EqualFold(want, s) })
	}
	for _, name := range []string{"id", "keyBefore", "keyAfter", "keyWanted", "requestId"} {
		if is(r.Text(name)) {
			return true
		}
	}
	for _, ref := range references {
		if slices.ContainsFunc(r.Texts(ref.name), is) {
			return true
		}
	}
	return false
}

// list reads a list of texts.
func list(v any) []string {
	switch v := v.(type) {
	case []string:
		return v
	case []any:
		all := make([]string, len(v))
		for i := range v {
			all[i] = sheet.Words(v[i])
		}
		return all
	}
	return nil
}

func (c *Console) changeRow(caller *auth.Caller, r witness.Record) []sheet.Cell {
	id := r.Text("id")
	key := cmp.Or(r.Text("keyAfter"), r.Text("keyWanted"), r.Text("keyBefore"))
	if before := r.Text("keyBefore"); before != "" && before != key {
		key = before + " → " + key
	}
	resource := sheet.Cell{Text: cmp.Or(key, id), Value: cmp.Or(id, key)}
	if key != "" && id != "" {
		resource.Under = id
	}
	if name := cmp.Or(id, key); name != "" {
		resource.Link = Path + "/changes?" + url.Values{"about": {name}}.Encode()
	}
	attributes := r.Texts("changed")
	if attributes == nil {
		attributes = r.Texts("attributes")
	}
	gave := "" // the resources of another type, which not everybody may know of
	if c.readsAll(caller) {
		gave = gaveAndTook(r)
	}
	time := sheet.Moment(r.When())
	time.Under = r.Text("requestId")
	return []sheet.Cell{time, {Text: r.Text("principal"), Under: r.Text("address")}, sheet.Text(r.Text("method") + " " + cmp.Or(r.Text("resourceType"), r.Text("endpoint"))), resource,
		outcomeCell(r), sheet.Text(strings.Join(attributes, ", ")), sheet.Code(gave), sheet.Text(r.Text("requestId")), sheet.Text(r.Text("address"))}
}

func outcomeCell(r witness.Record) sheet.Cell {
	outcome := r.Text("outcome")
	made := sheet.Cell{Text: outcome, Value: outcome, Under: r.Text("error")}
	switch outcome {
	case "done":
		made.Tone = sheet.Good
	case "refused":
		made.Tone = sheet.Doubt
	case "failed", "partial", "unknown":
		made.Tone = sheet.Bad
	}
	if status := r.Number("status"); status != 0 {
		made.Text += " · " + strconv.Itoa(status)
	}
	return made
}

// gaveAndTook lists the other resources of a line, some of them if there are many.
func gaveAndTook(r witness.Record) string {
	const most = 6
	var all []string
	for _, ref := range references {
		for _, id := range r.Texts(ref.name) {
			all = append(all, ref.words+" "+id)
		}
	}
	if len(all) > most {
		all = append(all[:most:most], "and "+sheet.Thousands(len(all)-most)+" more")
	}
	return strings.Join(all, "\n")
}
