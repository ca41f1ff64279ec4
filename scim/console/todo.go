package console

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"scim-atlassian/scim/console/sheet"
	"scim-atlassian/scim/console/witness"
	"strings"
	"time"
)

// todo shows what waits for a person: holds, writes without an answer, and failures by their cause.
func (c *Console) todo(v *visit) (*view, error) {
	now := c.cfg.Now()
	holds, open, holdsErr := c.holds(v)
	if holdsErr != nil {
		holds.Empty = "The holds cannot be read: " + detail(holdsErr)
	}
	unknown, err := c.unknown(v, time.Time{})
	t := &sheet.Table{Name: "unknown", Title: "Unknown outcomes", Note: "A write was sent, and no answer came, or the server ended before it did: it may have happened.",
		Columns: sheet.Columns("time=Time (UTC)", "who=Who", "action=What", "resource=~Resource", "requestId!", "fix=What to do"), Empty: "Every write got an answer."}
	if err != nil {
		t.Empty = "The audit cannot be read: " + detail(err)
	}
	for _, r := range unknown {
		row := c.changeRow(v.caller, r)
		t.Rows = append(t.Rows, []sheet.Cell{row[0], row[1], row[2], row[3], row[7], whatToDo(r)})
	}
	failures := c.failures(v, now)
	found := &view{Tables: []*sheet.Table{holds, t, failures}}
	switch n := open + len(t.Rows); {
	case err != nil || holdsErr != nil:
		found.Lead, found.Tone = "Not everything can be read; what can is below.", sheet.Doubt
	case n == 0 && len(failures.Rows) == 0:
		found.Lead, found.Tone = "Nothing is to be dealt with.", sheet.Good
	case n == 0:
		found.Lead, found.Tone = sheet.Plural(len(failures.Rows), "cause", "causes")+" of failed requests in the last day; nothing else waits.", sheet.Plain
	default:
		found.Lead, found.Tone = sheet.Plural(open, "hold waits", "holds wait")+" for a release, and "+sheet.Plural(len(t.Rows), "write has", "writes have")+" an unknown outcome.", sheet.Doubt
	}
	return found, nil
}

// unanswered is for how long a write may be under way, before an intent without an outcome is one that nobody was told
// of: the process ended meanwhile.
const unanswered = 5 * time.Minute

// unknown lists the audit lines of writes whose outcome nobody knows, since a time: those that say so, and intents that no
// outcome followed.
func (c *Console) unknown(v *visit, since time.Time) ([]witness.Record, error) {
	var all []witness.Record
	looked, now := 0, c.cfg.Now()
	ended := map[string]bool{}
	err := c.trail().Latest(v.Context(), 0, func(_ int64, r witness.Record) bool {
		if looked++; looked > mostLooks || len(all) == mostRows || r.When().Before(since) {
			return false
		}
		request := fmt.Sprint(r.Text("requestId"), " ", r.Number("operation"))
		lost := r.Text("outcome") == "unknown"
		if r.Text("msg") == "intent" {
			lost = !ended[request] && now.Sub(r.When()) > unanswered
		}
		ended[request] = true
		if lost && c.mayReadLine(v.caller, r) {
			all = append(all, r)
		}
		return true
	})
	return all, err
}

// whatToDo says how to find out whether a write has happened.
func whatToDo(r witness.Record) sheet.Cell {
	id, key, kind := r.Text("id"), r.Text("keyWanted"), r.Text("resourceType")
	filter := ""
	switch {
	case id != "":
		filter = "id eq " + quoted(id)
	case key != "" && kind == "User", key != "" && kind == "Account":
		filter = "userName eq " + quoted(key)
	case key != "" && kind == "Group":
		filter = "displayName eq " + quoted(key)
	}
	if filter == "" {
		return sheet.Text("Look in Atlassian whether it is there.")
	}
	return sheet.Cell{Text: "Look whether it is there", Link: Path + "/filter?" + url.Values{"type": {kind}, "filter": {filter}, "run": {"1"}}.Encode()}
}

// quoted is a text as a filter has it, RFC 7644 section 3.4.2.2.
func quoted(s string) string {
	b, _ := json.Marshal(s) // a text
	return string(b)
}

// failures shows the failed requests of the last day, grouped by their cause.
func (c *Console) failures(v *visit, now time.Time) *sheet.Table {
	t := &sheet.Table{Name: "failures", Title: "Failures by cause", Note: "Of the last day, since the server started.",
		Columns: sheet.Columns("cause=~Cause", "status=#Status", "action=What", "count=#Times", "callers=~Who", "last=Last (UTC)", "requestId!"), Empty: "No request has failed."}
	for _, f := range c.cfg.Recorder.Failures(now) {
		if f.Kind == "" && !c.readsAll(v.caller) || c.isType(f.Kind) && !c.mayReadFully(v.caller, f.Kind) {
			continue
		}
		t.Rows = append(t.Rows, []sheet.Cell{sheet.Text(cmp.Or(f.Text, http.StatusText(f.Status))), sheet.Count(f.Status), sheet.Text(strings.TrimSpace(f.Method + " " + f.Kind)), sheet.Count(f.Count),
			sheet.Text(strings.Join(f.Callers, ", ")), lastOf(f), sheet.Text(f.RequestID)})
	}
	return t
}

func (c *Console) isType(name string) bool {
	for _, rt := range c.cfg.Types {
		if rt.Name == name {
			return true
		}
	}
	return false
}

// openHolds are the holds that the caller may see and nobody has released.
func (c *Console) openHolds(v *visit) ([]map[string]any, error) {
	a, err := c.ask(v, http.MethodGet, "/Holds", nil, "")
	if err != nil {
		return nil, err
	}
	if e := a.refusal(); e != nil {
		return nil, e
	}
	var open []map[string]any
	for _, h := range a.resources() {
		if !c.passes(h) {
			open = append(open, h)
		}
	}
	return open, nil
}

// passes reports whether everything that a hold is about was released.
func (c *Console) passes(h map[string]any) bool {
	released, _ := h["released"].(map[string]any)
	until, _ := time.Parse(time.RFC3339, sheet.Words(released["until"]))
	return until.After(c.cfg.Now())
}

// holds is the table of what the change budget refused, with a button for whoever may release it.
func (c *Console) holds(v *visit) (t *sheet.Table, open int, err error) {
	t = &sheet.Table{Name: "holds", Title: "Holds", Note: "Writes that the change budget refused. A release executes nothing: the caller's own retry passes.",
		Columns: sheet.Columns("what=~What", "caller=Caller", "counted=#Taken away", "limit=#Limit", "refused=#Refused", "last=Last (UTC)", "ids=~Would go", "released=Released", "=Release"),
		Empty:   "Nothing was refused by the change budget within a day."}
	a, err := c.ask(v, http.MethodGet, "/Holds", nil, "")
	if err != nil {
		return t, 0, err
	}
	if e := a.refusal(); e != nil {
		return t, 0, e
	}
	if !v.caller.Release {
		t.Note += " This caller sees its own, and may not release them: that takes \"release\": true in the callers file."
	}
	for _, h := range a.resources() {
		released, action := sheet.Text(""), sheet.Cell{}
		if by, ok := h["released"].(map[string]any); ok {
			released = sheet.Cell{Text: "by " + sheet.Words(by["by"]), Under: releasedFor(by)}
		}
		if c.passes(h) {
			released.Tone = sheet.Good
		} else {
			open++
			if v.caller.Release {
				action.Form = c.releaseForm(v, h)
			}
		}
		t.Rows = append(t.Rows, []sheet.Cell{sheet.Text(sheet.Words(h["what"])), sheet.Text(sheet.Words(h["caller"])), sheet.Count(number(h["counted"])), sheet.Count(number(h["limit"])), sheet.Count(number(h["refused"])),
			since(parsed(h["last"]), parsed(h["first"])), wouldGo(h), released, action})
	}
	return t, open, nil
}

func releasedFor(by map[string]any) string {
	if until, err := time.Parse(time.RFC3339, sheet.Words(by["until"])); err == nil {
		return "until " + sheet.Stamp(until) + " UTC"
	}
	return sheet.Plural(len(list(by["ids"])), "id", "ids")
}

// parsed is a moment that SCIM has written.
func parsed(v any) sheet.Cell {
	t, _ := time.Parse(time.RFC3339, sheet.Words(v))
	return sheet.Moment(t)
}

// lastOf is a cell of the last of some failures, with its request.
func lastOf(f witness.Cause) sheet.Cell {
	last := sheet.Moment(f.Last)
	last.Under = f.RequestID
	return last
}

// since is a cell of the last of several moments, with the first one below it.
func since(last, first sheet.Cell) sheet.Cell {
	if first.Text != last.Text {
		last.Under = "since " + first.Text
	}
	return last
}

// wouldGo lists some of the ids of a hold; JSON and CSV have them all.
func wouldGo(h map[string]any) sheet.Cell {
	const most = 3
	ids := list(h["ids"])
	shown := ids[:min(most, len(ids))]
	words := strings.Join(shown, "\n")
	switch more, _ := h["more"].(bool); {
	case more:
		words += "\nand more than " + sheet.Thousands(len(ids)-len(shown)) + " others"
	case len(ids) > most:
		words += "\nand " + sheet.Thousands(len(ids)-most) + " others"
	}
	return sheet.Cell{Text: words, Code: true, Value: strings.Join(ids, " ")}
}

func (c *Console) releaseForm(v *visit, h map[string]any) *sheet.Form {
	return &sheet.Form{Action: Path + "/todo", Token: c.token(v.caller.Name, "todo"), Button: "Release", Label: "Release the hold of " + sheet.Words(h["caller"]) + " on " + sheet.Words(h["what"]) + " for",
		Hold: sheet.Words(h["id"]), Minutes: []int{15, 60, 480}}
}

// What the fields of the form look like.
var (
	holdID       = regexp.MustCompile(`^[0-9a-f]{1,64}$`)
	wholeMinutes = regexp.MustCompile(`^[1-9][0-9]{0,3}$`)
)

// release releases a hold, with the SCIM request that a program would make.
func (c *Console) release(v *visit) (*view, error) {
	id, minutes := v.PostForm.Get("hold"), v.PostForm.Get("minutes")
	if !holdID.MatchString(id) {
		return nil, refuse(http.StatusBadRequest, "hold must be the id of a hold; nothing was done.")
	}
	if !wholeMinutes.MatchString(minutes) {
		return nil, refuse(http.StatusBadRequest, "minutes must be a number; nothing was done.")
	}
	a, err := c.ask(v, http.MethodPost, "/Holds/"+id+"/release", nil, `{"minutes": `+minutes+`}`)
	if err != nil {
		return nil, err
	}
	if e := a.refusal(); e != nil {
		return nil, e
	}
	return &view{then: Path + "/todo#holds"}, nil
}
