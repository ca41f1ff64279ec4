package console

import (
	"cmp"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"scim-atlassian/scim/auth"
	"scim-atlassian/scim/console/plot"
	"scim-atlassian/scim/console/sheet"
	"scim-atlassian/scim/console/witness"
	"scim-atlassian/scim/resource"
)

// tile is an upstream on the page.
type tile struct {
	Upstream
	Tone              sheet.Tone
	Lasts             string // how long it has been so
	Count, Failed     string
	Half, Most        string // times within which half, and 95 of 100, were answered
	Latency, Requests template.HTML
}

// nowData is what the page shows besides tables.
type nowData struct {
	Tiles  []tile
	Links  []named // of the table that the tiles are
	Faults *faultsData
	Every  int
}

// faultsData are the fault rules of the demo.
type faultsData struct {
	Rules, Token string
	Ready        []Fault
}

// now tells in a sentence how the server is, and then what that rests on.
func (c *Console) now(v *visit) (*view, error) {
	now := c.cfg.Now()
	data := &nowData{}
	data.Every, _ = strconv.Atoi(v.URL.Query().Get("refresh"))
	data.Every = min(max(data.Every, 0), 3600)
	if data.Every > 0 {
		data.Every = max(data.Every, 5)
	}
	found := &view{Data: data, refresh: data.Every}
	var states []Upstream
	if c.cfg.Sources.Upstreams != nil {
		states = c.cfg.Sources.Upstreams(v.Context())
	}
	upstreams := upstreamTable(states, data, now)
	warnings := c.warnings(v, states, now)
	found.Lead, found.Tone = summary(data.Tiles, warnings)
	table := &sheet.Table{Name: "warnings", Title: "Warnings", Columns: sheet.Columns("subject=About", "warning=~What", "fix=~What to do"), Empty: "Nothing to warn of."}
	for _, w := range warnings {
		table.Rows = append(table.Rows, []sheet.Cell{{Text: w.subject, Tone: w.tone, Link: w.link}, sheet.Text(w.text), sheet.Text(w.fix)})
	}
	found.Tables = append(found.Tables, table)
	if credentials := c.credentials(now); credentials != nil {
		found.Tables = append(found.Tables, credentials)
	}
	if c.cfg.Sources.Callers != nil {
		found.Tables = append(found.Tables, callers(c.cfg.Sources.Callers(), now))
	}
	if copies := c.copies(v.caller, now); copies != nil {
		found.Tables = append(found.Tables, copies)
	}
	if v.form != "html" {
		found.Tables = append(found.Tables, upstreams)
	}
	data.Links = []named{{"JSON", Path + "/now.json?table=upstreams"}, {"CSV", Path + "/now.csv?table=upstreams"}}
	if f := c.cfg.Faults; f != nil {
		data.Faults = &faultsData{Rules: f.Rules(), Token: c.token(v.caller.Name, "now"), Ready: f.Ready}
	}
	return found, nil
}

// upstreamTable fills the tiles, and returns them as a table.
func upstreamTable(states []Upstream, data *nowData, now time.Time) *sheet.Table {
	t := &sheet.Table{Name: "upstreams", Title: "Upstreams", Columns: sheet.Columns("name=Name", "state=State", "since=Since", "reason=Reason", "fix=What to do", "requests=#Requests", "failed=#Failed", "p50Ms=#Half within", "p95Ms=#95 % within")}
	for _, u := range states {
		made := tile{Upstream: u, Tone: toneOf(u.State)}
		if !u.Since.IsZero() {
			made.Lasts = sheet.Age(now.Sub(u.Since))
		}
		var lately witness.Beat
		if u.Pulse != nil {
			steps := u.Pulse.Last(now)
			lately = witness.Sum(steps)
			made.Latency, made.Requests = plot.Latency(steps), plot.Requests(steps)
			made.Count, made.Failed = sheet.Thousands(lately.N), sheet.Thousands(lately.Failed)
			if lately.N > 0 {
				made.Half, made.Most = sheet.Span(lately.Within(0.5)), sheet.Span(lately.Within(0.95))
			}
		}
		data.Tiles = append(data.Tiles, made)
		t.Rows = append(t.Rows, []sheet.Cell{sheet.Text(u.Name), sheet.Text(u.State), sheet.Moment(u.Since), sheet.Text(u.Reason), sheet.Text(u.Fix), sheet.Count(lately.N), sheet.Count(lately.Failed),
			milliseconds(lately, 0.5), milliseconds(lately, 0.95)})
	}
	return t
}

func milliseconds(m witness.Beat, part float64) sheet.Cell {
	if m.N == 0 {
		return sheet.Cell{}
	}
	return sheet.Cell{Text: sheet.Span(m.Within(part)), Value: m.Within(part).Milliseconds()}
}

func toneOf(state string) sheet.Tone {
	switch state {
	case "up":
		return sheet.Good
	case "down", "refused":
		return sheet.Bad
	}
	return sheet.Doubt
}

// warning is a thing that somebody should know.
type warning struct {
	subject, text, fix, link string
	tone                     sheet.Tone
}

// The days before the end of a credential from which it is warned of.
const (
	warnDays   = 60
	urgentDays = 7
)

// warnings lists what is not as it should be, the worst first.
func (c *Console) warnings(v *visit, states []Upstream, now time.Time) []warning {
	var all []warning
	s := c.cfg.Sources
	for _, u := range states {
		if tone := toneOf(u.State); tone == sheet.Bad {
			all = append(all, warning{u.Name, strings.TrimSuffix(u.State+": "+u.Reason, ": "), cmp.Or(u.Fix, "Nothing here: only time mends it, and what it answers is watched."), "", tone})
		}
	}
	if s.Credentials != nil {
		for _, k := range s.Credentials() {
			if k.Expires.IsZero() || k.Expires.Sub(now) > warnDays*24*time.Hour {
				continue
			}
			tone := sheet.Doubt
			if k.Expires.Sub(now) < urgentDays*24*time.Hour {
				tone = sheet.Bad
			}
			all = append(all, warning{k.Name, daysLeft(k.Expires.Sub(now)), cmp.Or(k.Fix, "Make a new one before that, and put it into the settings."), "", tone})
		}
	}
	if s.Gates != nil {
		for _, g := range s.Gates() {
			all = append(all, quietOf(g, now)...)
		}
	}
	if s.Copies != nil {
		for _, copied := range s.Copies() {
			if copied.Alarm != "" && v.caller.May(copied.Type, false) {
				all = append(all, warning{copied.Type, copied.Alarm, "If it is so, start with --accept-directory; else find out what was lost.", Path + "/reconciliations", sheet.Bad})
			}
		}
	}
	open, err := c.openHolds(v)
	switch n := len(open); {
	case err != nil:
		all = append(all, warning{"Holds", "They cannot be read: " + detail(err), "", Path + "/todo#holds", sheet.Doubt})
	case n > 0:
		all = append(all, warning{"Holds", sheet.Plural(n, "hold is", "holds are") + " not released: writes beyond the change budget were refused.", "Release what was meant.", Path + "/todo#holds", sheet.Doubt})
	}
	unknown, err := c.unknown(v, now.Add(-24*time.Hour))
	switch n := len(unknown); {
	case err != nil:
		all = append(all, warning{"Audit", "It cannot be read: " + detail(err), "", Path + "/changes", sheet.Doubt})
	case n > 0:
		all = append(all, warning{"Unknown outcomes", sheet.Plural(n, "write", "writes") + " of the last day got no answer, and may have happened.", "Look whether it is there, and repeat it if not.", Path + "/todo#unknown", sheet.Doubt})
	}
	slices.SortStableFunc(all, func(a, b warning) int { return strings.Compare(string(a.tone), string(b.tone)) }) // sheet.Bad before sheet.Doubt
	return all
}

// quietOf warns of limits that hold requests up for longer than a glance.
func quietOf(g Gate, now time.Time) []warning {
	waiting := 0
	for _, q := range g.Queue {
		waiting += q.Waiting
	}
	var until time.Time
	for _, l := range g.Limits {
		if l.Quiet.After(until) {
			until = l.Quiet
		}
	}
	if until.Sub(now) < 5*time.Second {
		return nil
	}
	return []warning{{g.Name, fmt.Sprintf("asked for quiet until %s UTC; %s.", sheet.Stamp(until), sheet.Plural(waiting, "request waits", "requests wait")), "Wait, or have clients ask for less.", Path + "/budget", sheet.Doubt}}
}

func daysLeft(left time.Duration) string {
	days := int(left.Hours() / 24)
	switch {
	case left < 0:
		return "has expired"
	case days == 0:
		return "expires within a day"
	}
	return "expires in " + sheet.Plural(days, "day", "days")
}

// summary is the page in one sentence.
func summary(tiles []tile, warnings []warning) (string, sheet.Tone) {
	var down, asked []string
	up := 0
	for _, t := range tiles {
		switch t.Tone {
		case sheet.Good:
			up++
		case sheet.Bad:
			down = append(down, t.Name)
		default:
			asked = append(asked, t.Name)
		}
	}
	urgent := slices.ContainsFunc(warnings, func(w warning) bool { return w.tone == sheet.Bad })
	switch {
	case len(down) > 0 && len(down) == len(tiles):
		return "Nothing upstream answers: " + strings.Join(down, ", ") + ".", sheet.Bad
	case len(down) > 0:
		return capital(strings.Join(down, ", ")) + " cannot be used at present; the rest works.", sheet.Bad
	case urgent:
		return fmt.Sprintf("Requests are answered, but %s urgent.", sheet.Plural(len(warnings), "thing is", "things are")), sheet.Bad
	case len(warnings) > 0:
		return fmt.Sprintf("Requests are answered; %s your attention.", sheet.Plural(len(warnings), "thing wants", "things want")), sheet.Doubt
	case up == 0:
		return "Nothing was asked of upstream yet.", sheet.Plain
	case len(asked) > 0:
		return fmt.Sprintf("Everything that was asked answers; %s not asked yet.", isOrAre(asked)), sheet.Good
	}
	return "Everything works, and nothing waits for you.", sheet.Good
}

// capital begins a sentence.
func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func isOrAre(names []string) string {
	if len(names) == 1 {
		return names[0] + " was"
	}
	return strings.Join(names, ", ") + " were"
}

// credentials is the table of what expires.
func (c *Console) credentials(now time.Time) *sheet.Table {
	if c.cfg.Sources.Credentials == nil {
		return nil
	}
	t := &sheet.Table{Name: "credentials", Title: "Credentials", Columns: sheet.Columns("credential=Credential", "days=#Days left", "expires=Expires (UTC)", "note=Known from", "fix=~How to replace it"), Empty: "No credential has a date."}
	for _, k := range c.cfg.Sources.Credentials() {
		days := sheet.Cell{Text: "unknown"}
		if !k.Expires.IsZero() {
			left := k.Expires.Sub(now)
			n := int(left.Hours() / 24)
			days = sheet.Count(n)
			switch {
			case left < urgentDays*24*time.Hour:
				days.Tone = sheet.Bad
			case left < warnDays*24*time.Hour:
				days.Tone = sheet.Doubt
			}
		}
		t.Rows = append(t.Rows, []sheet.Cell{sheet.Text(k.Name), days, sheet.Moment(k.Expires), sheet.Text(k.Note), sheet.Text(k.Fix)})
	}
	return t
}

// callers is the table of those who may call, by the age of their secrets.
func callers(all []Caller, now time.Time) *sheet.Table {
	t := &sheet.Table{Name: "callers", Title: "Callers", Columns: sheet.Columns("caller=Caller", "made=Secret made (UTC)", "days=#Days old", "seen=Last request (UTC)"), Empty: "The callers file names nobody."}
	for _, who := range all {
		age := sheet.Cell{Text: "unknown"}
		if !who.Made.IsZero() {
			n := int(now.Sub(who.Made).Hours() / 24)
			if age = sheet.Count(n); n > 365 {
				age.Tone = sheet.Doubt
			}
		}
		t.Rows = append(t.Rows, []sheet.Cell{sheet.Text(who.Name), sheet.Moment(who.Made), age, sheet.Moment(who.Seen)})
	}
	return t
}

// copies is the table of what is kept of the types that the caller may read.
func (c *Console) copies(caller *auth.Caller, now time.Time) *sheet.Table {
	if c.cfg.Sources.Copies == nil {
		return nil
	}
	t := &sheet.Table{Name: "copies", Title: "What is kept in memory", Columns: sheet.Columns("type=Type", "resources=#Resources", "asOf=As of (UTC)", "provenAsOf=Proven (UTC)", "reading=Now"),
		Empty: "Nothing is kept that this caller may read."}
	for _, copied := range c.cfg.Sources.Copies() {
		if !c.mayReadKept(caller, copied.Type) {
			continue
		}
		resources, reading := kept(copied), sheet.Text("")
		if copied.Total > 0 {
			reading = sheet.Text(fmt.Sprintf("reading: %s of %s", sheet.Thousands(copied.Read), sheet.Thousands(copied.Total)))
		}
		t.Rows = append(t.Rows, []sheet.Cell{sheet.Text(copied.Type), resources, ago(copied.AsOf, now), ago(copied.Proven, now), reading})
	}
	return t
}

// kept says how many resources are kept.
func kept(copied Copy) sheet.Cell {
	switch {
	case copied.Resources >= 0:
		return sheet.Count(copied.Resources)
	case copied.Proven.IsZero():
		return sheet.Cell{Text: "not read yet", Value: -1}
	}
	return sheet.Cell{Text: "to be read again", Value: -1}
}

// ago is a moment with how long ago it was.
func ago(t, now time.Time) sheet.Cell {
	m := sheet.Moment(t)
	if !t.IsZero() {
		m.Under = sheet.Age(now.Sub(t)) + " ago"
	}
	return m
}

// mayReadKept reports whether the caller may know of what is kept of a type. What is no resource type of its own, such as
// the holders of project roles, is part of accounts and entitlements.
func (c *Console) mayReadKept(caller *auth.Caller, name string) bool {
	if slices.ContainsFunc(c.cfg.Types, func(rt *resource.Type) bool { return rt.Name == name }) {
		return caller.May(name, false)
	}
	return caller.May("Account", false) || caller.May("Entitlement", false)
}

// setFaults puts the fault rules of a form into the emulator of the demo.
func (c *Console) setFaults(v *visit) (*view, error) {
	if c.cfg.Faults == nil {
		return nil, refuse(http.StatusNotFound, "There is no emulator here: nothing was done.")
	}
	if !v.caller.Writes() {
		return nil, refuse(http.StatusForbidden, "The caller %s may only read: nothing was done.", v.caller.Name)
	}
	if err := c.cfg.Faults.Set(v.PostForm.Get("rules")); err != nil {
		return nil, refuse(http.StatusBadRequest, "%v; nothing was changed.", err)
	}
	return &view{then: Path + "/now"}, nil
}
